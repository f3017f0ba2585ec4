//! What a cycle that was killed leaves behind: the programs of its sources and sinks, in groups of their own.
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, getpid, kill_process, pidfd_open, set_child_subreaper,
    waitpid,
};

/// How long all of them may take to be gone, once they are killed.
const PATIENCE: Duration = Duration::from_secs(5);

/// From now on, whose parent dies is ours.
pub(super) fn adopt() {
    // Without it they fall to the first process of the host, which is no worse than before.
    let _ = set_child_subreaper(Some(getpid()));
}

/// Ends and collects them all, and those that they leave. What the kernel does not let go in time is left to the next call.
pub(super) fn end() {
    let until = Instant::now() + PATIENCE;
    loop {
        let all = children();
        if all.is_empty() || Instant::now() >= until {
            return;
        }
        for pid in all {
            // Ours, and not collected: its number is nobody else's.
            let _ = kill_process(pid, Signal::KILL);
            wait(pid, until);
            let _ = waitpid(Some(pid), WaitOptions::NOHANG);
        }
    }
}

fn wait(pid: Pid, until: Instant) {
    let left = until.saturating_duration_since(Instant::now());
    let Ok(limit) = Timespec::try_from(left) else {
        return;
    };
    if let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) {
        let _ = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&limit));
    }
}

fn children() -> Vec<Pid> {
    let list = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    let pid = |word: &str| Pid::from_raw(word.parse().ok()?);
    list.split_whitespace().filter_map(pid).collect()
}
