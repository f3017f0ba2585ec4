//! The guardian: a process of its own that holds the tree, and finishes for an owner that dies.

use std::os::fd::OwnedFd;

use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use rustix::process::{Pid, set_child_subreaper};

use crate::{
    Error, Event, Finisher, Outcome,
    holder::{Ended, Holder, failed, prepare},
    journal::Journal,
    lifetime::Run,
    link::{Link, Received, Report, Request},
    memory,
    outside::Outside,
    reaper::Reaper,
    sys,
    teardown::Finish,
    wait,
};

/// Its name in `ps`; its command line is the owner's.
const NAME: &std::ffi::CStr = c"runward-guard";

/// What the work needs: the journal, and descriptors to keep until all is done.
pub(crate) type Given = (Journal, Vec<OwnedFd>);

/// The life of the guardian, in the forked child; answers its exit code, which nobody needs. It
/// starts the work at once if it has what that needs already.
pub(crate) fn live(mut run: Run, link: &Link, given: Option<Given>) -> i32 {
    stand_apart();
    let Some((journal, kept)) = given.or_else(|| await_start(&run, link)) else {
        return 0;
    };
    let outcome = work(&mut run, link, &journal, kept);
    link.send_last(&Report::Done(Box::new(outcome)));
    0
}

/// Out of reach of what ends the owner: no signal but SIGKILL is taken, the process group is its
/// own, and orphans of the tree come here.
fn stand_apart() {
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
    let _ = rustix::process::setpgid(None, None);
    let _ = set_child_subreaper(Some(Pid::INIT));
    let _ = rustix::thread::set_name(NAME);
}

/// Until the owner has what it needs, or is gone, having started nothing.
fn await_start(run: &Run, link: &Link) -> Option<Given> {
    loop {
        wait::any(&[wait::readable(link)], None);
        match link.receive() {
            Received::Message(Request::Start, mut fds) if !fds.is_empty() => {
                let journal = Journal::from_fd(fds.remove(0), run.journal_path.clone());
                return Some((journal, fds));
            }
            Received::End => return None,
            _ => {}
        }
    }
}

fn work(run: &mut Run, link: &Link, journal: &Journal, kept: Vec<OwnedFd>) -> Outcome {
    let made = Reaper::new().and_then(|reaper| Ok((reaper, prepare(run)?)));
    let (reaper, tree) = match made {
        Ok(made) => made,
        Err(error) => return fail(run, link, journal, &error, kept),
    };
    let outside = Outside::Owner { link, gone: false };
    let mut holder = Holder::new(run, journal, outside, tree, &reaper);
    let ended = match holder.start() {
        Ok(()) => holder.hold(settle_down),
        Err(ended) => ended,
    };
    finish(holder, link, ended, kept)
}

fn finish(holder: Holder<'_>, link: &Link, ended: Ended, kept: Vec<OwnedFd>) -> Outcome {
    if !holder.run.settings.teardowns.is_empty() {
        settle_down();
    }
    let spare = holder.spares();
    let Holder {
        run,
        journal,
        outside,
        tree,
        reaper,
        ..
    } = holder;
    let mut tell = |run: &mut Run, event: Event| tell_owner(run, link, event);
    let finish = Finish {
        run,
        journal,
        tree: Some(&tree),
        reaper: Some(reaper),
        spare,
        by: Finisher::Guardian,
        outside: Some(outside),
        tell: &mut tell,
    };
    finish.finish(ended, kept)
}

/// For what does not end at once: nobody who waits for the end of a pipe, or unmounts
/// the workspace, must wait for the guardian.
fn settle_down() {
    sys::close_inherited();
    let _ = std::env::set_current_dir("/");
    memory::drop_code();
}

/// Nothing could be started, so nothing needs room.
fn fail(
    run: &mut Run,
    link: &Link,
    journal: &Journal,
    error: &Error,
    kept: Vec<OwnedFd>,
) -> Outcome {
    settle_down();
    let mut tell = |run: &mut Run, event: Event| tell_owner(run, link, event);
    let by = Finisher::Guardian;
    let finish = Finish {
        run,
        journal,
        tree: None,
        reaper: None,
        spare: true,
        by,
        outside: Some(Outside::Owner { link, gone: false }),
        tell: &mut tell,
    };
    finish.finish(failed(&error.to_string(), 125), kept)
}

fn tell_owner(run: &mut Run, link: &Link, event: Event) {
    run.emit(&event);
    if run.hooks.progress.is_some() && !matches!(event, Event::Finished { .. }) {
        let _ = link.send(&Report::Event(event), &[]);
    }
}
