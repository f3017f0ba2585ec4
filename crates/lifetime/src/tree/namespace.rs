//! A pid namespace: when its first process dies, the kernel kills all others before that process
//! can be reaped. The first process is ours; it reaps, and hands on what it is asked.

use std::{
    fs,
    os::fd::{AsFd, AsRawFd, OwnedFd},
    path::Path,
};

use nix::{
    libc,
    mount::{MsFlags, mount},
    sys::{
        signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask},
        wait::{WaitStatus, waitpid},
    },
    unistd::Pid,
};
use rustix::process::pidfd_send_signal;

use super::{Address, Main, Place, setup};
use crate::{
    Status,
    journal::{Entry, line},
    process::{Identity, all},
    program::Image,
    spawn::{self, Child, Group, Refused},
    sys::{self, Afterwards, Whose},
};

#[derive(Debug, Default)]
pub(crate) struct Held {
    first: Option<(Identity, OwnedFd)>,
}

/// What the first process reports: how the program ended, or why it did not start.
const STATUS_BYTES: usize = 8;
const STARTED: i32 = i32::MAX;

/// Whether a namespace can be made here, and why not.
pub(crate) fn probe() -> Result<(), String> {
    let made = sys::fork_raw(flags(), || prepare_view().map(|()| 0));
    match made.map(|child| waitpid(Pid::from_raw(child.pid), None)) {
        Ok(Ok(WaitStatus::Exited(_, 0))) => Ok(()),
        Ok(other) => Err(format!(
            "a pid namespace was made, but /proc cannot be mounted in it: {other:?}"
        )),
        Err(errno) => Err(format!("no pid namespace can be made: {errno}")),
    }
}

/// A user who is not root gets a user namespace around it.
fn flags() -> i32 {
    let user = if rustix::process::geteuid().is_root() {
        0
    } else {
        libc::CLONE_NEWUSER
    };
    libc::CLONE_NEWPID | libc::CLONE_NEWNS | user
}

impl Held {
    pub(crate) fn adopt(first: &Identity) -> Option<Self> {
        let pinned = crate::guards::pin_child(first.pid).ok()?;
        first.is_alive().then(|| Self {
            first: Some((first.clone(), pinned)),
        })
    }

    pub(crate) fn first(&self) -> Option<Identity> {
        self.first.as_ref().map(|(identity, _)| identity.clone())
    }

    pub(crate) fn start(&mut self, image: &Image, place: &Place<'_>) -> Result<Main, Refused> {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|e| Refused::Fork(nix::errno::Errno::from_raw(e.raw_os_error())))?;
        let (go, may_go) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|e| Refused::Fork(nix::errno::Errno::from_raw(e.raw_os_error())))?;
        let mut may_go = Some(may_go);
        let child = sys::fork_raw(flags(), || {
            drop(may_go.take());
            prepare_view()?;
            if may_start(&go) {
                run_first(image, place, &write)
            } else {
                Ok(0)
            }
        })
        .map_err(Refused::Fork)?;
        drop(write);
        let _ = nix::unistd::setpgid(Pid::from_raw(child.pid), Pid::from_raw(place.owner_group));
        self.pin(&child);
        self.make_known(place);
        if let Some(may_go) = may_go {
            let _ = rustix::io::write(&may_go, &[1]);
        }
        match read_report(&read) {
            Some((STARTED, 0)) => Ok(Main {
                child,
                status: Some(read),
            }),
            Some((_, errno)) => Err(Refused::Exec(nix::errno::Errno::from_raw(errno))),
            None => Err(Refused::Fork(nix::errno::Errno::EPERM)),
        }
    }

    /// Nothing runs here before it can be found again: who kills us now leaves a first process that
    /// ends by itself, and who kills us later leaves its name.
    fn make_known(&self, place: &Place<'_>) {
        if let Some(first) = self.first() {
            let entry = Entry::Main(first.clone(), Address::Process(first));
            let _ = rustix::io::write(place.mark.file, &line(&entry));
        }
    }

    fn pin(&mut self, child: &Child) {
        let identity = Identity::of(child.pid);
        let pinned = child.pidfd.try_clone().ok();
        self.first = identity.zip(pinned);
    }

    /// The first process asks all others.
    pub(crate) fn ask_all(&self) {
        self.send(rustix::process::Signal::USR1);
    }

    /// The first process ends if the program has: its report may have gone to a holder that was
    /// killed before it could read it.
    pub(crate) fn tell_again(&self) {
        self.send(rustix::process::Signal::USR2);
    }

    pub(crate) fn kill(&self) {
        self.send(rustix::process::Signal::KILL);
    }

    fn send(&self, signal: rustix::process::Signal) {
        if let Some((_, pinned)) = &self.first {
            let _ = pidfd_send_signal(pinned, signal);
        }
    }

    /// The first process is gone only after all others.
    pub(crate) fn is_empty(&self) -> bool {
        self.first
            .as_ref()
            .is_none_or(|(identity, _)| !identity.is_alive())
    }

    pub(crate) fn members(&self) -> Vec<i32> {
        let Some((first, _)) = &self.first else {
            return Vec::new();
        };
        let Ok(space) = fs::read_link(namespace_of(first.pid)) else {
            return Vec::new();
        };
        let inside = |pid: &i32| {
            *pid != first.pid && fs::read_link(namespace_of(*pid)).is_ok_and(|s| s == space)
        };
        all().filter(inside).collect()
    }
}

fn namespace_of(pid: i32) -> String {
    format!("/proc/{pid}/ns/pid")
}

/// How the program ended: the numbers of a report.
pub(crate) fn read_report(pipe: &OwnedFd) -> Option<(i32, i32)> {
    let mut bytes = [0; STATUS_BYTES];
    let read = rustix::io::retry_on_intr(|| rustix::io::read(pipe, &mut bytes)).ok()?;
    let number =
        |at: usize| i32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    (read == STATUS_BYTES).then(|| (number(0), number(4)))
}

/// Answers whether anybody will read it.
fn write_report(pipe: &OwnedFd, kind: i32, value: i32) -> bool {
    let mut bytes = [0; STATUS_BYTES];
    bytes[..4].copy_from_slice(&kind.to_ne_bytes());
    bytes[4..].copy_from_slice(&value.to_ne_bytes());
    rustix::io::write(pipe, &bytes).is_ok()
}

/// Ids as outside, and a `/proc` of the namespace's own.
fn prepare_view() -> nix::Result<()> {
    if flags_have_user() {
        map_ids();
    }
    let none = None::<&Path>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(
        Some("proc"),
        "/proc",
        Some("proc"),
        MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC,
        none,
    )
}

fn flags_have_user() -> bool {
    fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| map.trim().is_empty())
}

/// Before the map is written every id reads as the overflow id, so the true ones were noted.
fn map_ids() {
    let (user, group) = sys::ids_before();
    let _ = fs::write("/proc/self/setgroups", "deny");
    let _ = fs::write("/proc/self/uid_map", format!("{user} {user} 1"));
    let _ = fs::write("/proc/self/gid_map", format!("{group} {group} 1"));
}

/// Whether the holder has made us known; it has not if it is gone.
fn may_start(go: &OwnedFd) -> bool {
    matches!(
        rustix::io::retry_on_intr(|| rustix::io::read(go, &mut [0; 1])),
        Ok(1)
    )
}

/// The life of the first process: start the program, reap, hand on, end when all have.
fn run_first(image: &Image, place: &Place<'_>, report: &OwnedFd) -> nix::Result<i32> {
    let everything = SigSet::all();
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&everything), None)?;
    let main = match spawn::spawn(image, &setup(place, Group::Keep, None)) {
        Ok(child) => child,
        Err(Refused::Exec(errno) | Refused::Fork(errno)) => {
            write_report(report, 0, errno as i32);
            return Ok(0);
        }
    };
    write_report(report, STARTED, 0);
    keep_only(&[report.as_raw_fd(), main.pidfd.as_fd().as_raw_fd()]);
    let mut code = None;
    loop {
        match everything.wait()? {
            Signal::SIGCHLD if reap(main.pid, report, &mut code) => return Ok(code.unwrap_or(0)),
            Signal::SIGUSR2 if code.is_some() => return Ok(code.unwrap_or(0)),
            Signal::SIGTERM => hand_on(&main, &[Signal::SIGTERM, Signal::SIGCONT]),
            Signal::SIGUSR1 => {
                let _ = kill(Pid::from_raw(-1), Signal::SIGTERM);
                let _ = kill(Pid::from_raw(-1), Signal::SIGCONT);
            }
            _ => {}
        }
    }
}

/// Answers whether it is time to go: nobody is left to reap, or nobody has heard that the program
/// has ended. Its code becomes this process's own, for a holder that has lost the pipe.
fn reap(main: i32, report: &OwnedFd, code: &mut Option<i32>) -> bool {
    let mut told = true;
    while told {
        match sys::death(Whose::AnyChild, Afterwards::Reaped) {
            Ok(Some((pid, status))) if pid == main => {
                *code = Some(i32::from(status.shell_code()));
                told = match status {
                    Status::Code(own) => write_report(report, 1, own),
                    Status::Signal(signal) => write_report(report, 2, signal),
                };
            }
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(_) => return true,
        }
    }
    true
}

fn hand_on(main: &Child, signals: &[Signal]) {
    for &signal in signals {
        let _ = kill(Pid::from_raw(main.pid), signal);
    }
}

/// The standard descriptors are the program's: whoever reads from it must see its end.
fn keep_only(kept: &[i32]) {
    sys::close_all_but(kept);
}
