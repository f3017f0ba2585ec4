//! Finishing a run whose owner and guardian were both killed.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use nix::sys::signal::SigSet;

use crate::{
    Cause, Error, ErrorKind, Event, Finisher, Outcome, Process,
    describe::{Outputs, name_all},
    holder::Ended,
    journal::{Header, Journal, State},
    lifetime::{Hooks, Run},
    machine::KILL_PATIENCE,
    process, stuck,
    teardown::Finish,
    tree::{Address, Tree, Watch, sees_cgroup},
    wait,
};

/// Finishes the run whose journal this is: ends its tree, runs the teardowns that have not been
/// run, removes its cgroup and the journal. `finish` gets the outcome, and the note that was given
/// to [`Armed::start`](crate::Armed::start), before the journal is removed.
///
/// Waits while the run lives, or while somebody else finishes it; none where nothing is left to
/// do. To be called while holding whatever the run had locked.
///
/// # Errors
///
/// [`Journal`](crate::ErrorKind::Journal) where it cannot be read; [`Containment`](crate::ErrorKind::Containment) where the tree
/// could not be seen from here if it were there. The journal stays.
pub fn recover(
    journal: &Path,
    finish: impl FnOnce(&Outcome, &str) + 'static,
) -> Result<Option<Outcome>, Error> {
    let Some(journal) = Journal::open(journal)? else {
        return Ok(None);
    };
    let state = journal.state();
    let Some(header) = state.header.clone() else {
        journal.remove();
        return Ok(None);
    };
    check_sight(&state)?;
    let mut run = run_of(header, finish);
    let tree = find_tree(&state);
    let ended = ended(&state, tree.as_ref());
    let mut tell = |run: &mut Run, event: Event| run.emit(&event);
    let finish = Finish {
        run: &mut run,
        journal: &journal,
        tree: tree.as_ref(),
        reaper: None,
        spare: false,
        by: Finisher::Recovery,
        outside: None,
        tell: &mut tell,
    };
    Ok(Some(finish.finish(ended, Vec::new())))
}

fn run_of(header: Header, finish: impl FnOnce(&Outcome, &str) + 'static) -> Run {
    let Header {
        settings,
        environment,
        directory,
        started,
        note,
        ..
    } = header;
    let hook = move |outcome: &Outcome| finish(outcome, &note);
    Run {
        settings,
        hooks: Hooks {
            finish: Some(Box::new(hook)),
            ..Hooks::default()
        },
        started,
        deadline: None,
        directory,
        environment,
        owner_group: 0,
        outputs: Outputs::default(),
        strangers: Vec::new(),
        mask: SigSet::empty(),
        journal_path: None,
    }
}

/// From where the tree could not be seen if it were there, it is not taken for gone: its teardowns would run beside it.
fn check_sight(state: &State) -> Result<(), Error> {
    let boot = process::boot_id();
    if boot.is_empty() {
        let message = "nothing can be told of a killed run's processes: /proc is not mounted; mount it, or finish the run elsewhere";
        return Err(Error::new(ErrorKind::Containment, message));
    }
    let same_boot = state
        .header
        .as_ref()
        .is_some_and(|header| header.boot == boot);
    match &state.tree {
        Some((_, Address::Cgroup(path, view))) if same_boot && !sees_cgroup(path, *view) => {
            let message = format!(
                "the processes of a killed run are in the cgroup {}, which cannot be seen from here: \
                 another part of cgroup v2 is mounted there, or none; finish it where the run was started",
                path.display()
            );
            Err(Error::new(ErrorKind::Containment, message))
        }
        _ => Ok(()),
    }
}

/// A tree of an earlier boot is gone, and its address may be another's by now.
fn find_tree(state: &State) -> Option<Tree> {
    let header = state.header.as_ref()?;
    let (_, address) = state
        .tree
        .as_ref()
        .filter(|_| header.boot == process::boot_id())?;
    Tree::reopen(address).or_else(|| lone_program(state, address))
}

/// Of the weaker rungs only the program itself can be found again, as a group of its own or not.
fn lone_program(state: &State, address: &Address) -> Option<Tree> {
    let main = state
        .main
        .as_ref()
        .filter(|_| *address == Address::Nowhere)?;
    let stat = process::Stat::of(main.pid).filter(|stat| stat.start == main.start)?;
    let (containment, _) = state.tree.as_ref()?;
    let leads = *containment == crate::Containment::Group && stat.group == main.pid;
    leads
        .then(|| Tree::inherit(*containment, address, Some(main.pid), &[]))
        .flatten()
}

/// How the work ended: as was written down, or now, by our hand.
fn ended(state: &State, tree: Option<&Tree>) -> Ended {
    if let Some((cause, leaks, survivors)) = state.tearing_down.clone() {
        return Ended {
            cause,
            program: state.ended,
            leaks,
            survivors,
        };
    }
    let survivors = tree.map(end_tree).unwrap_or_default();
    Ended {
        cause: Cause::OwnerKilled,
        program: state.ended,
        leaks: Vec::new(),
        survivors,
    }
}

fn end_tree(tree: &Tree) -> Vec<Process> {
    tree.kill();
    tree.thaw();
    let until = Instant::now() + KILL_PATIENCE;
    while !tree.is_empty() && Instant::now() < until {
        let watch = tree.watch();
        let on: Vec<_> = watch.iter().map(Watch::on).collect();
        // A rung that cannot tell is asked again, seldom, and not for long.
        let next = if on.is_empty() {
            Instant::now() + Duration::from_millis(20)
        } else {
            until
        };
        if !tree.is_empty() {
            wait::any(&on, Some(next.min(until)));
        }
    }
    stuck::explain(name_all(&tree.members(), Outputs::default()))
}
