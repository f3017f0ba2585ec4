//! The owner holds the tree itself, as its guardian was killed.

use std::os::fd::OwnedFd;

use crate::{
    Error, Event, Finisher, Leaks, Outcome,
    guards::{Guards, Occurrence, pin_child},
    holder::{Ended, Holder, prepare},
    journal::{Journal, State},
    lifetime::Run,
    machine::Input,
    outside::Outside,
    process::{self, Stat},
    reaper::Reaper,
    spawn::Child,
    teardown::Finish,
    tree::{Main, Tree},
};

/// What the owner has to go on with.
pub(crate) struct TakeOver {
    pub(crate) run: Run,
    pub(crate) guards: Guards,
    /// What has come from outside so far.
    pub(crate) heard: Vec<Occurrence>,
    pub(crate) journal: Journal,
    pub(crate) kept: Vec<OwnedFd>,
}

impl TakeOver {
    /// Goes on where the guardian was when it died, as the journal tells.
    pub(crate) fn finish(mut self) -> Result<Outcome, Error> {
        let reaper = Reaper::beside(self.run.strangers.clone())?;
        let state = self.journal.state();
        if let Some((cause, leaks, survivors)) = state.tearing_down.clone() {
            let tree = inherit(&state, &self.run.strangers);
            let spare = self.run.settings.leaks == Leaks::Allow;
            let ended = Ended {
                cause,
                program: state.ended,
                leaks,
                survivors,
            };
            return Ok(self.end(tree.as_ref(), &reaper, spare, ended));
        }
        let tree = inherit(&state, &self.run.strangers).map_or_else(|| prepare(&self.run), Ok)?;
        if state.ended.is_none() {
            tree.tell_again();
        }
        let outside = Outside::Guards(&mut self.guards);
        let mut holder = Holder::new(&mut self.run, &self.journal, outside, tree, &reaper);
        let ended = resume(&mut holder, &state, &self.heard);
        let (spare, tree) = (holder.spares(), holder.tree);
        Ok(self.end(Some(&tree), &reaper, spare, ended))
    }

    fn end(mut self, tree: Option<&Tree>, reaper: &Reaper, spare: bool, ended: Ended) -> Outcome {
        let finish = Finish {
            run: &mut self.run,
            journal: &self.journal,
            tree,
            reaper: Some(reaper),
            spare,
            by: Finisher::Owner,
            outside: Some(Outside::Guards(&mut self.guards)),
            tell: &mut show,
        };
        finish.finish(ended, self.kept)
    }
}

fn show(run: &mut Run, event: Event) {
    run.emit(&event);
    if let Some(hook) = &mut run.hooks.progress {
        hook(&event);
    }
}

fn inherit(state: &State, strangers: &[i32]) -> Option<Tree> {
    let (containment, address) = state.tree.as_ref()?;
    let main = state.main.as_ref().map(|main| main.pid);
    Tree::inherit(*containment, address, main, strangers)
}

fn resume(holder: &mut Holder<'_>, state: &State, heard: &[Occurrence]) -> Ended {
    match find_main(state, &holder.run.strangers) {
        Some(child) => {
            // The guardian may have been killed before it could write down whom it had started.
            holder.tree.entered(child.pid);
            holder.adopt(Main {
                child,
                status: None,
            });
        }
        None if state.began || state.ended.is_some() => {}
        None => {
            if let Err(ended) = holder.start() {
                return ended;
            }
        }
    }
    heard
        .iter()
        .for_each(|occurrence| holder.occurred(*occurrence));
    if let Some(status) = state.ended {
        holder.feed(Input::MainEnded(status));
    }
    holder.hold(|| {})
}

/// The program, now our child: as the journal names it, or the one child that a guardian left
/// which was killed before it could write that down.
fn find_main(state: &State, strangers: &[i32]) -> Option<Child> {
    let own = rustix::process::getpid().as_raw_pid();
    let pid = match &state.main {
        Some(main) => main.pid,
        None => process::children(own)
            .into_iter()
            .find(|pid| !strangers.contains(pid))?,
    };
    let stat = Stat::of(pid).filter(|stat| stat.parent == own)?;
    let same = state
        .main
        .as_ref()
        .is_none_or(|main| stat.start == main.start);
    let pidfd = pin_child(pid).ok().filter(|_| same)?;
    Some(Child { pid, pidfd })
}
