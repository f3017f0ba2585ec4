//! The end of a run: each teardown once, the room removed, the outcome told, the kept released.

use std::{
    ffi::OsString,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    time::{Duration, Instant, SystemTime},
};

use rustix::{
    fs::{Mode, OFlags, open},
    process::{Signal, pidfd_send_signal},
};

use crate::{
    Event, Finisher, Outcome, Status, TeardownReport,
    guards::{self, Occurrence},
    holder::Ended,
    journal::{Entry, Journal, Progress, began_line},
    lifetime::Run,
    machine::KILL_PATIENCE,
    mark::Mark,
    output::Output,
    outside::{News, Outside},
    process::Identity,
    program::Image,
    reaper::{Reaper, reap_one},
    spawn::{self, Child, Group, Refused, Setup},
    tree::{Tree, Watch},
    wait,
};

/// What the end of a run works with.
pub(crate) struct Finish<'a> {
    pub(crate) run: &'a mut Run,
    pub(crate) journal: &'a Journal,
    /// Where the teardowns run; none where no tree can be had again.
    pub(crate) tree: Option<&'a Tree>,
    pub(crate) reaper: Option<&'a Reaper>,
    /// Processes that are left may stay.
    pub(crate) spare: bool,
    pub(crate) by: Finisher,
    /// None where nobody can say anything.
    pub(crate) outside: Option<Outside<'a>>,
    pub(crate) tell: &'a mut dyn FnMut(&mut Run, Event),
}

impl Finish<'_> {
    /// Brings the run to its end; what was kept is released last.
    pub(crate) fn finish(mut self, ended: Ended, kept: Vec<OwnedFd>) -> Outcome {
        let from = Instant::now();
        let Ended {
            cause,
            program,
            leaks,
            survivors,
        } = ended;
        self.journal.append(&Entry::TearingDown {
            cause: cause.clone(),
            leaks: leaks.clone(),
            survivors: survivors.clone(),
        });
        let teardowns = self.teardowns();
        if let Some(tree) = self.tree.filter(|tree| !self.spare || tree.is_empty()) {
            tree.remove();
        }
        let outcome = Outcome {
            run_id: self.run.settings.run_id.clone(),
            cause,
            program,
            started: self.run.started,
            ended: SystemTime::now(),
            containment: self.containment(),
            leaks,
            survivors,
            teardowns,
            teardown_took: from.elapsed(),
            finished_by: self.by,
        };
        self.close(&outcome, kept);
        outcome
    }

    fn containment(&self) -> crate::Containment {
        let planned = || {
            self.journal
                .state()
                .tree
                .map(|(containment, _)| containment)
        };
        self.tree
            .map(Tree::containment)
            .or_else(planned)
            .unwrap_or(crate::Containment::Group)
    }

    /// The record first, then the journal, which asks for the run to be finished, then the locks.
    fn close(&mut self, outcome: &Outcome, kept: Vec<OwnedFd>) {
        (self.tell)(
            self.run,
            Event::Finished {
                exit: outcome.exit_code(),
            },
        );
        if let Some(hook) = self.run.hooks.finish.take() {
            hook(outcome);
        }
        self.journal.remove();
        match self.run.hooks.release.take() {
            Some(hook) => hook(kept),
            None => drop(kept),
        }
    }

    fn teardowns(&mut self) -> Vec<TeardownReport> {
        if self.run.settings.teardowns.is_empty() {
            return Vec::new();
        }
        let state = self.journal.state();
        let commands = self.run.settings.teardowns.clone();
        let reports =
            commands
                .iter()
                .enumerate()
                .map(|(index, words)| match state.teardown(index) {
                    Progress::Ended(report) => report,
                    Progress::Began(identity) => self.await_begun(index, words, identity),
                    Progress::Waiting => self.run_one(index, words),
                });
        reports.collect()
    }

    fn run_one(&mut self, index: usize, words: &[OsString]) -> TeardownReport {
        (self.tell)(
            self.run,
            Event::Teardown {
                index,
                command: shown(words),
            },
        );
        let from = Instant::now();
        let mut output = Output::beside(self.journal);
        let room = self.room(index);
        let code = match self.start(index, words, room.as_ref(), output.fd()) {
            Ok(child) => self.await_end(&child, room.as_ref(), &mut output),
            Err(code) => Some(code),
        };
        self.clear(room.as_ref(), Duration::ZERO);
        self.ended(
            index,
            TeardownReport {
                command: shown(words),
                code,
                ms: millis(from),
                output: output.tail(),
            },
        )
    }

    fn room(&self, index: usize) -> Option<Tree> {
        let tree = self.tree?;
        let strangers = match self.by {
            Finisher::Owner => self.run.strangers.as_slice(),
            _ => &[],
        };
        // Only the guardian, or the owner after it, has the orphans as children.
        if self.reaper.is_none() && tree.cgroup().is_none() {
            None
        } else {
            tree.room(index, strangers)
        }
    }

    /// Another holder has started it and died; it runs on, or has ended.
    fn await_begun(
        &mut self,
        index: usize,
        words: &[OsString],
        identity: Option<Identity>,
    ) -> TeardownReport {
        (self.tell)(
            self.run,
            Event::Teardown {
                index,
                command: shown(words),
            },
        );
        let from = Instant::now();
        let room = self.room(index);
        let alive = identity.filter(Identity::exists).and_then(|identity| {
            let pidfd = guards::pin_child(identity.pid).ok()?;
            identity.exists().then_some(Child {
                pid: identity.pid,
                pidfd,
            })
        });
        if let (Some(child), Some(room)) = (&alive, &room) {
            room.entered(child.pid);
        }
        let code =
            alive.and_then(|child| self.await_end(&child, room.as_ref(), &mut Output::none()));
        self.clear(room.as_ref(), self.run.settings.teardown_deadline);
        self.ended(
            index,
            TeardownReport {
                command: shown(words),
                code,
                ms: millis(from),
                output: String::new(),
            },
        )
    }

    fn ended(&mut self, index: usize, report: TeardownReport) -> TeardownReport {
        self.journal
            .append(&Entry::TeardownEnded(index, report.clone()));
        (self.tell)(
            self.run,
            Event::TornDown {
                report: report.clone(),
            },
        );
        report
    }

    fn start(
        &self,
        index: usize,
        words: &[OsString],
        room: Option<&Tree>,
        output: Option<BorrowedFd<'_>>,
    ) -> Result<Child, u8> {
        let image = Image::new(words, &self.run.environment).map_err(|_| 125)?;
        let null =
            open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty()).map_err(|_| 125)?;
        let (before, after) = began_line(index);
        let directory = self.run.directory_c();
        let setup = Setup {
            cgroup: room.and_then(Tree::cgroup),
            group: Group::Apart,
            mask: &self.run.mask,
            stdio: Some((null.as_fd(), output.unwrap_or(null.as_fd()))),
            directory: Some(&directory),
            mark: Some(Mark {
                file: self.journal.as_fd(),
                line: &before,
                rest: Some(&after),
            }),
        };
        let child = spawn::spawn(&image, &setup).map_err(Refused::code)?;
        room.into_iter().for_each(|room| room.entered(child.pid));
        Ok(child)
    }

    /// Its own deadline, then SIGTERM, then the grace, then SIGKILL to all that it started.
    fn await_end(&mut self, child: &Child, room: Option<&Tree>, output: &mut Output) -> Option<u8> {
        let (deadline, grace) = {
            let settings = &self.run.settings;
            (settings.teardown_deadline, settings.grace)
        };
        if !self.ends_within(child, deadline, output) {
            let _ = pidfd_send_signal(&child.pidfd, Signal::TERM);
            let _ = pidfd_send_signal(&child.pidfd, Signal::CONT);
            if !self.ends_within(child, grace, output) {
                let _ = pidfd_send_signal(&child.pidfd, Signal::KILL);
                room.into_iter().for_each(Tree::kill);
                self.ends_within(child, KILL_PATIENCE, output);
            }
        }
        reap_one(child.pid).map(Status::shell_code)
    }

    fn ends_within(&mut self, child: &Child, patience: Duration, output: &mut Output) -> bool {
        let until = Instant::now() + patience;
        loop {
            let on: Vec<_> = [wait::readable(&child.pidfd)]
                .into_iter()
                .chain(self.outside.as_ref().and_then(Outside::on))
                .collect();
            let next = output.next_look().map_or(until, |look| look.min(until));
            let ended = wait::any(&on, Some(next))[0];
            if ended || Instant::now() >= until {
                return ended;
            }
            output.look();
            self.hear();
        }
    }

    /// What comes from outside changes nothing any more; a signal is told all the same.
    fn hear(&mut self) {
        while let Some(news) = self.outside.as_mut().and_then(Outside::next) {
            if let News::Occurred(Occurrence::Cancel { signal, .. }) = news {
                let more = None;
                (self.tell)(self.run, Event::Ignored { signal, more });
            }
        }
    }

    /// Nobody whom a teardown left behind outlives it.
    fn clear(&self, room: Option<&Tree>, patience: Duration) {
        let Some(room) = room.filter(|room| !self.spare || room.cgroup().is_some()) else {
            return;
        };
        if !self.empties_within(room, patience) {
            room.kill();
            room.thaw();
            self.empties_within(room, KILL_PATIENCE);
        }
        room.remove();
    }

    fn empties_within(&self, room: &Tree, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            let watch = room.watch();
            if let Some(reaper) = self.reaper {
                reaper.reap(|_, _| {});
            }
            if room.is_empty() || Instant::now() >= until {
                return room.is_empty();
            }
            let on: Vec<_> = watch
                .iter()
                .map(Watch::on)
                .chain(self.reaper.map(wait::readable))
                .collect();
            wait::any(&on, Some(until));
        }
    }
}

fn millis(from: Instant) -> u64 {
    u64::try_from(from.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn shown(words: &[OsString]) -> Vec<String> {
    words
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect()
}
