//! Holding a tree: start the program, feed the [machine](crate::machine) with what happens, do
//! what it says, until the tree is empty. The guardian does this; after its death, the owner.

use std::{
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::process::{Signal, pidfd_send_signal};

use crate::{
    Cause, Choice, Containment, Error, Event, Process, Status,
    describe::name_all,
    guards::Occurrence,
    journal::{Entry, Journal},
    lifetime::Run,
    link::Report,
    machine::{Action, Input, Machine, Phase},
    mark::Mark,
    outside::{News, Outside},
    owner::stop,
    process::Identity,
    program::Image,
    reaper::Reaper,
    spawn::Refused,
    stuck,
    tree::{Main, Place, Tree, Watch, read_report},
    wait,
};

/// How the work ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) cause: Cause,
    pub(crate) program: Option<Status>,
    pub(crate) leaks: Vec<Process>,
    pub(crate) survivors: Vec<Process>,
}

pub(crate) struct Holder<'a> {
    pub(crate) run: &'a mut Run,
    pub(crate) journal: &'a Journal,
    pub(crate) outside: Outside<'a>,
    pub(crate) tree: Tree,
    pub(crate) reaper: &'a Reaper,
    main: Option<Main>,
    machine: Machine,

    leaks: Vec<Process>,
    survivors: Vec<Process>,
    killed: Option<Instant>,
    /// When to look for processes that are frozen.
    thaw: Option<Instant>,
    heard_out: bool,
}

/// How long an owner that is not stopped may take to tell what it has heard.
const OWNERS_ANSWER: Duration = Duration::from_secs(1);

/// A program that ends within this time is not worth the trouble of settling down to wait for it: what was dropped would be
/// needed again at once.
pub(crate) const AT_ONCE: Duration = Duration::from_millis(20);

/// When a kill that did not get all is done again, at the earliest.
const KILL_AGAIN: Duration = Duration::from_millis(50);

/// Who has not ended this long after a signal may be frozen; nobody tells when that happens, so it
/// is looked for now and then.
const MAYBE_FROZEN: Duration = Duration::from_millis(50);
const STILL_FROZEN: Duration = Duration::from_secs(1);

/// The strongest containment that is allowed and can be had, with room made for a tree.
pub(crate) fn prepare(run: &Run) -> Result<Tree, Error> {
    let name = run.tree_name();
    match run.settings.choice {
        Choice::Only(containment) => Tree::prepare(containment, &name),
        Choice::Auto => match Tree::prepare(Containment::Cgroup, &name) {
            Err(e) if run.settings.least == Some(Containment::Cgroup) => Err(e),
            Err(_) => Tree::prepare(Containment::Subreaper, &name),
            made => made,
        },
    }
}

impl<'a> Holder<'a> {
    pub(crate) fn new(
        run: &'a mut Run,
        journal: &'a Journal,
        outside: Outside<'a>,
        tree: Tree,
        reaper: &'a Reaper,
    ) -> Self {
        let machine = Machine::new(run.deadline, run.settings.grace, run.settings.leaks);

        let (leaks, survivors) = (Vec::new(), Vec::new());
        Self {
            run,
            journal,
            outside,
            tree,
            reaper,
            main: None,
            machine,
            leaks,
            survivors,
            killed: None,
            thaw: None,
            heard_out: true,
        }
    }

    /// Starts the program; its failure is how the work ended.
    pub(crate) fn start(&mut self) -> Result<(), Ended> {
        self.journal
            .append(&Entry::Tree(self.tree.containment(), self.tree.address()));
        let program = &self.run.settings.program;
        let image = Image::new(program.words(), &self.run.environment)
            .map_err(|e| failed(&e.to_string(), 125))?;
        let began = crate::journal::line(&Entry::Began);
        let place = Place {
            owner_group: self.run.owner_group,
            mask: &self.run.mask,
            mark: Mark {
                file: self.journal.as_fd(),
                line: &began,
                rest: None,
            },
        };
        let main = self.tree.start(&image, &place);
        let main =
            main.map_err(|refused| refusal(refused, &program.words()[0].to_string_lossy()))?;
        let pid = main.child.pid;
        if let Some(identity) = Identity::of(pid) {
            self.journal
                .append(&Entry::Main(identity, self.tree.address()));
        }
        self.adopt(main);
        self.emit(Event::Started {
            pid,
            containment: self.tree.containment(),
        });
        Ok(())
    }

    /// Holds a program that is running already.
    pub(crate) fn adopt(&mut self, main: Main) {
        self.main = Some(main);
    }

    /// Replays what is known to have happened.
    pub(crate) fn feed(&mut self, input: Input) {
        let actions = self.machine.handle(Instant::now(), input);
        actions.into_iter().for_each(|action| self.perform(action));
    }

    /// Until the tree is empty, or what is left of it is not ours to end.
    pub(crate) fn hold(&mut self, settle_down: fn()) -> Ended {
        self.look();
        let mut settle_down = Some((settle_down, Instant::now() + AT_ONCE));
        while self.machine.phase() != Phase::Over {
            let soon = settle_down.map(|(_, at)| at);
            let ready = self.wait(soon);
            if let Some((settle_down, _)) = settle_down.take_if(|(_, at)| *at <= Instant::now()) {
                settle_down();
            }
            if self.thaw.take_if(|at| *at <= Instant::now()).is_some() {
                self.thaw();
            }
            if ready.outside {
                self.hear();
            }
            if ready.tree {
                self.look();
            }
            self.feed(Input::Tick);
        }
        self.take_stock();
        Ended {
            cause: self.machine.cause().cloned().unwrap_or(Cause::OwnerKilled),
            program: self.machine.main(),
            leaks: std::mem::take(&mut self.leaks),
            survivors: std::mem::take(&mut self.survivors),
        }
    }

    fn wait(&self, soon: Option<Instant>) -> Ready {
        let watch = self.tree.watch();
        let mut on = vec![wait::readable(self.reaper)];
        on.extend(watch.as_ref().map(Watch::on));
        on.extend(
            self.main
                .as_ref()
                .and_then(|main| main.status.as_ref())
                .map(wait::readable),
        );
        let tree = on.len();
        on.extend(self.outside.on());
        let until = [soon, self.thaw, self.machine.timer()]
            .into_iter()
            .flatten()
            .min();
        let ready = wait::any(&on, until);
        Ready {
            tree: ready[..tree].contains(&true),
            outside: ready[tree..].contains(&true),
        }
    }

    /// What the owner tells, or the guards.
    fn hear(&mut self) {
        while let Some(news) = self.outside.next() {
            match news {
                News::Occurred(occurrence) => self.occurred(occurrence),
                News::HeardOut => self.heard_out = true,
                News::Gone => {
                    self.heard_out = true;
                    self.feed(Input::OwnerGone);
                }
            }
        }
    }

    pub(crate) fn occurred(&mut self, occurrence: Occurrence) {
        match occurrence {
            Occurrence::Cancel { signal, sender } => {
                let before = self.machine.phase();
                self.feed(Input::Signal { signal, sender });
                if self.machine.phase() == before {
                    let more = self.machine.signals_to_kill();
                    self.emit(Event::Ignored { signal, more });
                }
            }
            Occurrence::Ancestor { pid } => self.feed(Input::Ancestor { pid }),
            Occurrence::Stop { from_terminal } => {
                self.feed(Input::Pause);
                // From the terminal the program's group has it already.
                if !from_terminal {
                    self.send(Signal::TSTP);
                }
                if matches!(self.outside, Outside::Guards(_)) {
                    stop();
                    self.occurred(Occurrence::Continue);
                }
            }
            Occurrence::Continue => {
                self.send(Signal::CONT);
                self.feed(Input::Resume);
            }
            Occurrence::Forward { signal } => {
                if let Some(signal) = Signal::from_named_raw(signal) {
                    self.send(signal);
                }
            }
            Occurrence::Child => {}
        }
    }

    /// Who has died, and whether anybody is left.
    fn look(&mut self) {
        let mut ended = None;
        let reports = |main: &Main| main.status.is_some() || self.machine.main_gone();
        let main = self
            .main
            .as_ref()
            .map(|main| (main.child.pid, reports(main)));
        let journal = self.journal;
        let deaths = self.reaper.reap(|pid, status| {
            if main == Some((pid, false)) {
                journal.append(&Entry::Ended(status));
                ended = Some(status);
            }
        });
        if deaths > 0 {
            self.feed(Input::Deaths);
        }
        if let Some(status) = ended.or_else(|| self.reported()) {
            self.main_ended(status);
        }

        if self.machine.phase() == Phase::Over {
            return;
        }
        if self.tree.is_empty() {
            self.nobody_left();
        } else if self.killed.is_some_and(|at| at.elapsed() > KILL_AGAIN) {
            self.kill();
        }
    }

    /// What asked the program to end may have asked the owner too, and counts as the cause; the
    /// owner may just be about to tell.
    fn main_ended(&mut self, status: Status) {
        self.hear();
        if self.machine.phase() == Phase::Running {
            self.hear_out();
        }
        self.emit(Event::ProgramEnded {
            code: status.shell_code(),
        });
        self.feed(Input::MainEnded(status));
    }

    fn hear_out(&mut self) {
        let until = Instant::now() + OWNERS_ANSWER;
        let asked = match &self.outside {
            Outside::Owner { link, gone: false } => link.send(&Report::Anything, &[]).is_ok(),
            _ => false,
        };
        self.heard_out = !asked;
        while !self.heard_out && Instant::now() < until {
            if let Outside::Owner { link, gone: false } = &self.outside {
                wait::any(&[wait::readable(*link)], Some(until));
            }
            self.hear();
        }
    }

    /// A namespace's first process tells how the program ended.
    fn reported(&mut self) -> Option<Status> {
        let pipe = self.main.as_ref()?.status.as_ref()?;
        if !wait::any(&[wait::readable(pipe)], Some(Instant::now()))[0] {
            return None;
        }
        let report = read_report(pipe);
        self.main.as_mut()?.status = None;
        let status = match report {
            Some((1, code)) => Status::Code(code),
            Some((_, signal)) => Status::Signal(signal),
            None => Status::Signal(Signal::KILL.as_raw()),
        };
        self.journal.append(&Entry::Ended(status));
        Some(status)
    }

    fn nobody_left(&mut self) {
        // The cgroup is left before the parent is told: a program of ours is reaped in a moment.
        if self.main.is_none() {
            self.feed(Input::MainLost);
        }
        self.feed(Input::Empty);
    }

    fn thaw(&mut self) {
        self.tree.thaw();
        if self.machine.phase() == Phase::Killing {
            self.thaw = Some(Instant::now() + STILL_FROZEN);
        }
    }

    fn perform(&mut self, action: Action) {
        self.thaw = Some(Instant::now() + MAYBE_FROZEN);
        match action {
            Action::AskMain => {
                self.send(Signal::TERM);
                self.send(Signal::CONT);
                if let Some(cause) = self.machine.cause().cloned() {
                    self.emit(Event::Cancelling { cause });
                }
            }
            Action::AskTree => {
                self.tree.ask();
                self.emit(Event::AskedTree);
            }
            Action::NameLeaks => self.name_leaks(),
            Action::Kill => {
                self.kill();
                self.emit(Event::Killed);
            }
        }
    }

    fn kill(&mut self) {
        self.tree.kill();
        self.killed = Some(Instant::now());
    }

    fn send(&self, signal: Signal) {
        if let Some(main) = &self.main {
            let _ = pidfd_send_signal(&main.child.pidfd, signal);
        }
    }

    fn name_leaks(&mut self) {
        let members = self.tree.members();
        if !members.is_empty() {
            self.leaks = name_all(&members, self.run.outputs);
            self.emit(Event::Leaks {
                processes: self.leaks.clone(),
                total: members.len(),
            });
        }
    }

    /// The tree is proven empty, or it is said who is left.
    fn take_stock(&mut self) {
        if self.machine.empty() || self.tree.is_empty() {
            return self.emit(Event::Empty);
        }
        if self.spares() {
            return;
        }
        self.survivors = stuck::explain(name_all(&self.tree.members(), self.run.outputs));
        self.emit(Event::Survivors {
            processes: self.survivors.clone(),
        });
    }

    /// Whether what is left may stay.
    pub(crate) fn spares(&self) -> bool {
        self.run.settings.leaks == crate::Leaks::Allow
            && matches!(
                self.machine.cause(),
                Some(Cause::Exited | Cause::Signaled { .. })
            )
    }

    /// Tells those who want to know; the owner only what people care for, as each message wakes it.
    pub(crate) fn emit(&mut self, event: Event) {
        self.run.emit(&event);
        let quiet = matches!(
            event,
            Event::Started { .. } | Event::ProgramEnded { .. } | Event::Empty
        );
        if quiet || self.run.hooks.progress.is_none() {
            return;
        }
        match &self.outside {
            Outside::Owner { link, gone: false } => {
                let _ = link.send(&Report::Event(event), &[]);
            }
            Outside::Owner { .. } => {}
            Outside::Guards(_) => {
                if let Some(hook) = &mut self.run.hooks.progress {
                    hook(&event);
                }
            }
        }
    }
}

struct Ready {
    tree: bool,
    outside: bool,
}

pub(crate) fn failed(reason: &str, code: u8) -> Ended {
    let cause = Cause::Failed {
        reason: reason.to_owned(),
        code,
    };
    Ended {
        cause,
        program: None,
        leaks: Vec::new(),
        survivors: Vec::new(),
    }
}

fn refusal(refused: Refused, program: &str) -> Ended {
    let what = match refused {
        Refused::Exec(errno) => format!("cannot execute {program:?}: {}", errno.desc()),
        Refused::Fork(errno) => format!("cannot start a process for {program:?}: {}", errno.desc()),
    };
    failed(&what, refused.code())
}
