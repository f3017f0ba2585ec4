//! How long thousands of daemons take to be gone, beside the least that the kernel can do: one `cgroup.kill`.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::Result;
use crate::cgroup::Group;
use crate::contender::{
    self, BWRAP, LINUX_SANDBOX, PROCESS_WRAPPER, PROCESSKIT, RUNWARD, Shape, TIMEOUT, UNSHARE,
};
use crate::report::{Outcome, Section, Unit};
use crate::rivals::Program;
use crate::rounds::order;
use crate::setting::Setting;
use crate::stats::Samples;

/// A contender that has not ended everything by now has failed.
const CAP: Duration = Duration::from_secs(10);
/// For the daemons to be born.
const PATIENCE: Duration = Duration::from_secs(120);

/// What ends the tree.
#[derive(Clone, Copy)]
enum Blow {
    /// The floor: nobody around it, one write to the kernel.
    Kernel,
    Signal(Signal),
}

/// A contender and what is done to it.
struct Bout {
    name: String,
    shape: Option<Shape>,
    blow: Blow,
    gone: Samples,
    ended: Samples,
    over: Option<Outcome>,
}

/// What was measured in one round.
struct Round {
    gone: Duration,
    ended: Duration,
}

pub(crate) fn sections(setting: &Setting) -> Vec<Section> {
    let counts = [1_000, 10_000];
    let counts = &counts[..setting.rounds(2, 1)];
    counts
        .iter()
        .map(|count| section(setting, *count))
        .collect()
}

fn section(setting: &Setting, count: usize) -> Section {
    let title = format!(
        "{count} daemons (double fork, own session): from the signal until the last is gone"
    );
    let mut section = Section::new(format!("tree-{count}"), title, Unit::Nanoseconds);
    let mut bouts = bouts();
    for round in 0..setting.rounds(5, 1) {
        for turn in order(round, bouts.len()) {
            bouts[turn].fight(setting, count);
        }
    }
    for bout in bouts {
        section.row(bout.name.clone(), bout.outcome());
    }
    targets(&mut section);
    section.note(format!(
        "Who has not ended all of them after {} s has failed and is not tried again.",
        CAP.as_secs()
    ));
    section
}

fn targets(section: &mut Section) {
    let Some(floor) = section.summary(KERNEL) else {
        return;
    };
    section.target_ratio(&named(&RUNWARD, Signal::TERM), KERNEL, 1.2);
    if let Some(killed) = section.summary(&named(&RUNWARD, Signal::KILL)) {
        let bound = floor.median * 1.2 + 5e6;
        let what = format!(
            "{} in ms, beside 1.2 × floor + 5 ms",
            named(&RUNWARD, Signal::KILL)
        );
        section.target(what, killed.median / 1e6, bound / 1e6);
    }
}

const KERNEL: &str = "cgroup.kill alone";

fn bouts() -> Vec<Bout> {
    let wrapped = [
        (RUNWARD, Signal::TERM),
        (RUNWARD, Signal::KILL),
        (PROCESS_WRAPPER, Signal::TERM),
        (PROCESS_WRAPPER, Signal::KILL),
        (LINUX_SANDBOX, Signal::TERM),
        (LINUX_SANDBOX, Signal::KILL),
        (BWRAP, Signal::KILL),
        (UNSHARE, Signal::KILL),
        (PROCESSKIT, Signal::TERM),
        (PROCESSKIT, Signal::KILL),
        (TIMEOUT, Signal::TERM),
    ];
    let floor = Bout::new(KERNEL.into(), None, Blow::Kernel);
    let wrapped = wrapped
        .into_iter()
        .map(|(shape, signal)| Bout::new(named(&shape, signal), Some(shape), Blow::Signal(signal)));
    std::iter::once(floor).chain(wrapped).collect()
}

fn named(shape: &Shape, signal: Signal) -> String {
    let signal = if signal == Signal::KILL {
        "SIGKILL"
    } else {
        "SIGTERM"
    };
    format!("{}, {signal}", shape.name)
}

impl Bout {
    fn new(name: String, shape: Option<Shape>, blow: Blow) -> Self {
        Self {
            name,
            shape,
            blow,
            gone: Samples::default(),
            ended: Samples::default(),
            over: None,
        }
    }

    fn fight(&mut self, setting: &Setting, count: usize) {
        if self.over.is_some() {
            return;
        }
        let command = match self.command(setting) {
            Ok(command) => command,
            Err(reason) => {
                self.over = Some(Outcome::Missing(reason));
                return;
            }
        };
        match self.round(setting, command, count) {
            Ok(round) => {
                self.gone.push(round.gone.as_secs_f64() * 1e9);
                self.ended.push(round.ended.as_secs_f64() * 1e3);
            }
            Err(error) => self.over = Some(Outcome::Failed(error.to_string())),
        }
    }

    /// The program that makes the daemons, in its wrapper.
    fn command(&self, setting: &Setting) -> std::result::Result<Command, String> {
        let daemons = setting.helper("bench-daemons");
        match &self.shape {
            None => Ok(contender::quiet(&Program::plain(daemons))),
            Some(shape) => Ok(shape.find(setting)?.around([daemons])),
        }
    }

    fn round(&self, setting: &Setting, mut command: Command, count: usize) -> Result<Round> {
        let group = Group::new("tree")?;
        let crowd = Crowd::new(setting.scratch())?;
        command.arg(&crowd.path).arg(count.to_string());
        let mut child = group.inside(|| command.spawn())??;
        let round = self.end(&group, &crowd, &child);
        group.kill()?;
        child.wait()?;
        group.wait_empty(PATIENCE)?;
        round
    }

    fn end(&self, group: &Group, crowd: &Crowd, child: &Child) -> Result<Round> {
        crowd.wait_ready()?;
        let pid = Pid::from_child(child);
        let wrapper = pidfd_open(pid, PidfdFlags::empty())?;
        let began = Instant::now();
        match self.blow {
            Blow::Kernel => group.kill()?,
            Blow::Signal(signal) => kill_process(pid, signal)?,
        }
        if !crowd.wait_gone()? {
            let left = group.processes().len();
            return Err(format!("{left} processes left after {} s", CAP.as_secs()).into());
        }
        let gone = began.elapsed();
        if !ready(&wrapper, PollFlags::IN, CAP)? {
            return Err("all are gone, but the wrapper does not end".into());
        }
        let ended = began.elapsed();
        Ok(Round { gone, ended })
    }

    fn outcome(self) -> Outcome {
        if let Some(over) = self.over {
            return over;
        }
        match (self.gone.summary(), self.ended.summary()) {
            (Some(gone), Some(ended)) => {
                let remark = format!("its own process ended at {:.1} ms", ended.median);
                Outcome::Measured(gone, remark)
            }
            _ => Outcome::Missing("no round was run".into()),
        }
    }
}

/// The daemons, as seen through a FIFO that each of them holds open and nobody else does.
struct Crowd {
    path: PathBuf,
    fifo: File,
}

impl Crowd {
    fn new(folder: &Path) -> Result<Self> {
        let path = folder.join("crowd");
        let _ = std::fs::remove_file(&path);
        let made = rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        );
        made?;
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fifo = rustix::fs::open(&path, flags, Mode::empty())?.into();
        Ok(Self { path, fifo })
    }

    fn wait_ready(&self) -> Result {
        if !ready(&self.fifo, PollFlags::IN, PATIENCE)? {
            return Err("the daemons did not start in time".into());
        }
        let mut line = [0; 16];
        match (&self.fifo).read(&mut line)? {
            0 => Err("the daemons ended before they were ready".into()),
            _ => Ok(()),
        }
    }

    fn wait_gone(&self) -> Result<bool> {
        ready(&self.fifo, PollFlags::empty(), CAP)
    }
}

/// Whether the event, or the other side's end, comes in time.
fn ready(fd: impl AsFd, event: PollFlags, patience: Duration) -> Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd.as_fd(), event)];
    Ok(poll(&mut fds, Some(&Timespec::try_from(patience)?))? > 0)
}
