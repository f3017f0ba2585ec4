//! What may end a run from outside, as one descriptor: signals to the owner and the deaths of
//! its ancestors.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::{
    libc,
    sys::{
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
    },
};
use rustix::{
    event::epoll::{self, CreateFlags, EventData, EventFlags},
    process::{Pid, PidfdFlags, getppid, pidfd_open},
};

use crate::{
    Error, ErrorKind,
    ancestors::{self, Ancestor},
    inherited,
    lifetime::Mask,
};

/// The signals that ask a run to end.
const CANCEL: [Signal; 3] = [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP];
/// Job control: the owner stops and goes on with the program.
const JOB: [Signal; 2] = [Signal::SIGTSTP, Signal::SIGCONT];
/// Signals that are the program's affair.
const FORWARD: [Signal; 3] = [Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGUSR2];

/// Something that came from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Occurrence {
    Cancel { signal: i32, sender: Option<i32> },
    Ancestor { pid: i32 },
    Stop { from_terminal: bool },
    Continue,
    Forward { signal: i32 },
    Child,
}

#[derive(Debug)]
pub(crate) struct Guards {
    epoll: OwnedFd,
    signals: SignalFd,
    ancestors: Vec<Ancestor>,
    given: SigSet,
    mask: Mask,
}

const SIGNALS: u64 = u64::MAX;

impl Guards {
    /// Blocks the signals, and pins the ancestors. Signals that were ignored when this process
    /// was started stay ignored, as `nohup(1)` wants it.
    pub(crate) fn install(expected_parent: Option<i32>, afterwards: Mask) -> Result<Self, Error> {
        let mask = mask();
        let mut given = SigSet::empty();
        sigprocmask(SigmaskHow::SIG_BLOCK, Some(&mask), Some(&mut given))
            .map_err(|e| Error::system("cannot block signals", e))?;
        reap_children();
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK);
        let signals = signals.map_err(|e| Error::system("cannot make a signalfd", e))?;
        let ancestors = ancestors::watch();
        check_parent(expected_parent)?;
        let epoll = watch_all(&signals, &ancestors)
            .map_err(|e| Error::system("cannot watch the ancestors", e))?;
        Ok(Self {
            epoll,
            signals,
            ancestors,
            given,
            mask: afterwards,
        })
    }

    /// The mask that this process was given.
    pub(crate) fn given(&self) -> &SigSet {
        &self.given
    }

    /// What has come in, without waiting.
    pub(crate) fn next(&mut self) -> Option<Occurrence> {
        loop {
            if let Ok(Some(info)) = self.signals.read_signal() {
                match occurrence(&info) {
                    Some(occurrence) => return Some(occurrence),
                    None => continue,
                }
            }
            return self.dead_ancestor();
        }
    }

    fn dead_ancestor(&mut self) -> Option<Occurrence> {
        let mut events = Vec::with_capacity(1 + self.ancestors.len());
        let now = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&now),
        )
        .ok()?;
        let event = events.iter().find(|event| event.data.u64() != SIGNALS)?;
        let index = usize::try_from(event.data.u64()).ok()?;
        let ancestor = self.ancestors.get(index)?;
        let _ = epoll::delete(&self.epoll, &ancestor.pidfd);
        Some(Occurrence::Ancestor { pid: ancestor.pid })
    }
}

impl AsFd for Guards {
    /// Readable when [`Guards::next`] has something.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

impl Drop for Guards {
    /// What has come in is taken first: it was for the run, and would end this process now.
    fn drop(&mut self) {
        if self.mask == Mask::Kept {
            return;
        }
        while let Ok(Some(_)) = self.signals.read_signal() {}
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.given), None);
    }
}

fn mask() -> SigSet {
    let mut mask = SigSet::empty();
    let wanted = CANCEL.into_iter().chain(JOB).chain(FORWARD);
    wanted
        .filter(|signal| !inherited::ignored(*signal as i32))
        .for_each(|signal| mask.add(signal));
    if std::process::id() == 1 {
        mask.add(Signal::SIGCHLD);
    }
    mask
}

/// A process started with SIGCHLD ignored has its children reaped behind its back.
fn reap_children() {
    if inherited::ignored(libc::SIGCHLD) {
        set_default_sigchld();
    }
}

#[expect(
    unsafe_code,
    reason = "nix marks every change of a disposition as unsafe"
)]
fn set_default_sigchld() {
    use nix::sys::signal::{SigHandler, signal};
    // SAFETY: sigaction(2) with SIG_DFL installs no handler that could be called.
    let _ = unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) };
}

/// The caller forked us and told its pid: then nobody can have died unseen in between.
fn check_parent(expected: Option<i32>) -> Result<(), Error> {
    let parent = getppid().map_or(0, Pid::as_raw_pid);
    match expected {
        Some(pid) if pid != parent => Err(Error::new(
            ErrorKind::ParentGone,
            format!("the parent {pid} has died before the guards were armed"),
        )),
        _ => Ok(()),
    }
}

fn watch_all(signals: &SignalFd, ancestors: &[Ancestor]) -> rustix::io::Result<OwnedFd> {
    let epoll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, signals, EventData::new_u64(SIGNALS), EventFlags::IN)?;
    for (index, ancestor) in ancestors.iter().enumerate() {
        epoll::add(
            &epoll,
            &ancestor.pidfd,
            EventData::new_u64(index as u64),
            EventFlags::IN,
        )?;
    }
    Ok(epoll)
}

fn occurrence(info: &libc::signalfd_siginfo) -> Option<Occurrence> {
    let signal = Signal::try_from(info.ssi_signo as i32).ok()?;
    let sent = info.ssi_code <= 0;
    let sender = i32::try_from(info.ssi_pid)
        .ok()
        .filter(|&pid| sent && pid > 0);
    match signal {
        Signal::SIGTSTP => Some(Occurrence::Stop {
            from_terminal: !sent,
        }),
        Signal::SIGCONT => Some(Occurrence::Continue),
        Signal::SIGCHLD => Some(Occurrence::Child),
        // From the terminal it reaches the program's group by itself.
        _ if FORWARD.contains(&signal) => sent.then_some(Occurrence::Forward {
            signal: signal as i32,
        }),
        _ => Some(Occurrence::Cancel {
            signal: signal as i32,
            sender,
        }),
    }
}

/// A pidfd for a child of ours, which cannot be reaped behind our back.
pub(crate) fn pin_child(pid: i32) -> rustix::io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).ok_or(rustix::io::Errno::SRCH)?;
    pidfd_open(pid, PidfdFlags::empty())
}
