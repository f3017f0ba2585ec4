//! Processes, as `/proc` shows them.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// One process that was alive when it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proc {
    /// Process id.
    pub pid: i32,
    /// Id of its parent.
    pub ppid: i32,
    /// Process group.
    pub pgid: i32,
    /// Session.
    pub sid: i32,
    /// The letter of `/proc/PID/stat`.
    pub state: char,
    /// The name of its program, at most 15 bytes.
    pub comm: String,
    /// Its arguments, joined by spaces.
    pub command: String,
}

impl Proc {
    /// The process with this id, unless it is gone or a zombie.
    pub fn find(pid: i32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, tail) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = tail.split_whitespace().collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse().ok());
        let state = fields.first()?.chars().next()?;
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let found = Self {
            pid,
            ppid: number(1)?,
            pgid: number(2)?,
            sid: number(3)?,
            state,
            comm: head.split_once('(')?.1.to_owned(),
            command: String::from_utf8_lossy(&command)
                .trim_end_matches('\0')
                .replace('\0', " "),
        };
        (!matches!(state, 'Z' | 'X')).then_some(found)
    }

    /// A descriptor for this process, unless it is gone.
    pub fn pidfd(&self) -> Option<OwnedFd> {
        let pid = Pid::from_raw(self.pid)?;
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // The id may have been reused between the look and the open.
        (Self::find(self.pid)?.command == self.command).then_some(pidfd)
    }

    /// Sends a signal, unless the process is gone.
    pub fn signal(&self, signal: Signal) {
        if let Some(pidfd) = self.pidfd() {
            let _ = pidfd_send_signal(pidfd, signal);
        }
    }

    /// Whether this is a process of runward itself and no part of the work.
    pub fn is_runward(&self) -> bool {
        self.comm.starts_with("runward")
    }

    fn belongs_to(&self, token: &str) -> bool {
        self.command.contains(token)
            || fs::read_link(self.at("cwd")).is_ok_and(|cwd| cwd.to_string_lossy().contains(token))
    }

    fn at(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }
}

/// Every process of this PID namespace that is not a zombie.
pub fn all() -> Vec<Proc> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(Proc::find)
        .collect()
}

/// The processes that carry this token: those of runward and those of the work.
pub fn of_token(token: &str) -> Vec<Proc> {
    all()
        .into_iter()
        .filter(|found| found.belongs_to(token))
        .collect()
}

/// The processes of the work that carry this token.
pub fn work_of(token: &str) -> Vec<Proc> {
    of_token(token)
        .into_iter()
        .filter(|found| !found.is_runward())
        .collect()
}

/// The living children of a process.
pub fn children(pid: i32) -> Vec<Proc> {
    all()
        .into_iter()
        .filter(|found| found.ppid == pid)
        .collect()
}

/// The living descendants of a process, nearest first.
pub fn descendants(pid: i32) -> Vec<Proc> {
    let everyone = all();
    let mut found: Vec<Proc> = Vec::new();
    let mut parents = vec![pid];
    while !parents.is_empty() {
        let next: Vec<Proc> = everyone
            .iter()
            .filter(|one| parents.contains(&one.ppid))
            .cloned()
            .collect();
        parents = next.iter().map(|one| one.pid).collect();
        found.extend(next);
    }
    found
}

/// Waits for the end of a process; false when `until` came first.
pub fn wait_end(pidfd: &OwnedFd, until: Instant) -> bool {
    wait_readable(pidfd, until)
}

/// Waits until a descriptor is readable or hung up; false when `until` came first.
pub fn wait_readable(fd: &OwnedFd, until: Instant) -> bool {
    wait_any(&mut [PollFd::new(fd, PollFlags::IN)], until)
}

/// Which of two descriptors woke a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either {
    /// The first, or both.
    First,
    /// The second.
    Second,
}

/// Waits until one of two descriptors is readable or hung up; none when `until` came first.
pub fn wait_either(first: &OwnedFd, second: &OwnedFd, until: Instant) -> Option<Either> {
    let mut fds = [
        PollFd::new(first, PollFlags::IN),
        PollFd::new(second, PollFlags::IN),
    ];
    let came = wait_any(&mut fds, until);
    came.then_some(if fds[0].revents().is_empty() {
        Either::Second
    } else {
        Either::First
    })
}

fn wait_any(fds: &mut [PollFd<'_>], until: Instant) -> bool {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = Timespec {
            tv_sec: left.as_secs() as i64,
            tv_nsec: i64::from(left.subsec_nanos()),
        };
        match poll(fds, Some(&timeout)) {
            Ok(0) => return false,
            Ok(_) => return true,
            Err(Errno::INTR) => {}
            Err(error) => panic!("failed to poll: {error}"),
        }
    }
}
