//! `watch`: a cycle every interval, each in a process of its own, and nothing at all between them.
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use runward_lock::{Event, Guard, LockDir, Name, Request};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, kill_process_group, pidfd_open};
use serde::{Deserialize, Serialize};

use super::args::WatchArgs;
use super::setup::Setup;
use super::sinks::Sinks;
use super::{proof, wrong};
use crate::commands::print_json;
use crate::error::{Error, Kind, Result};
use crate::terminal::{printable, say};

/// If the rules do not say it, a cycle is ended after the interval, but not before this.
const PATIENCE: Duration = Duration::from_secs(300);
/// How long a cycle may still take after we were asked to end.
const FAREWELL: Duration = Duration::from_secs(30);
/// How long the ping may take.
const PING: Duration = Duration::from_secs(30);
/// A child of ours that could not even begin; any other code is a verdict.
pub(super) const ERRORED: u8 = 70;

/// What the watcher keeps in mind of the rules: the rest is each cycle's.
#[derive(Deserialize, Serialize)]
struct Terms {
    interval: Duration,
    startup: Duration,
    deadline: Duration,
    ping: Vec<String>,
    /// Where the rules stand.
    folder: PathBuf,
    ledger: PathBuf,
}

/// Why the watcher woke up.
#[derive(PartialEq)]
enum Woken {
    Time,
    Ended,
    Stop,
    Reload,
}

/// What we were asked for while a child of ours was running.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    Nothing,
    Reload,
    Stop,
}

struct Watch<'a> {
    args: &'a WatchArgs,
    signals: SignalFd,
    terms: Terms,
}

pub(super) fn main(args: &WatchArgs) -> Result<u8> {
    if args.terms {
        return describe(args);
    }
    let Some(terms) = ask(args)? else {
        return Ok(super::UNKNOWN);
    };
    let folder = terms.ledger.clone();
    let mut watch = Watch {
        args,
        signals: signals()?,
        terms,
    };
    let Some(guard) = watch.lead(&folder)? else {
        return Ok(0);
    };
    watch.go_on()?;
    guard.close().map_err(wrong)?;
    Ok(0)
}

/// In a process of its own, so that nothing of it stays in the watcher: proves the harness, tries the rules, and tells what the watcher needs.
fn describe(args: &WatchArgs) -> Result<u8> {
    unblock_signals();
    proof::prove()?;
    let setup = Setup::load(&args.config)?;
    let _ = setup.collector()?;
    let _ = Sinks::open(&setup.rules)?;
    let policy = setup.rules.policy();
    print_json(&Terms {
        interval: policy.interval,
        startup: policy.startup,
        deadline: policy
            .deadline
            .unwrap_or_else(|| policy.interval.max(PATIENCE)),
        ping: policy.ping.clone(),
        folder: setup.beside(Path::new("")),
        ledger: setup.open_ledger()?,
    })?;
    Ok(0)
}

/// What the rules say now; none if they cannot be used, which was said.
fn ask(args: &WatchArgs) -> Result<Option<Terms>> {
    let mut command = Command::new("/proc/self/exe");
    command
        .args(["canary", "watch", "--terms"])
        .arg(&args.config);
    let asked = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let asked = asked.map_err(|e| wrong(format!("cannot start a child to read the rules: {e}")))?;
    match asked.status.success() {
        true => serde_json::from_slice(&asked.stdout)
            .map(Some)
            .map_err(wrong),
        false => Ok(None),
    }
}

fn signals() -> Result<SignalFd> {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
        set.add(signal);
    }
    let blocked = set.thread_block();
    let fd = blocked
        .and_then(|()| SignalFd::with_flags(&set, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK));
    fd.map_err(|e| Error::new(Kind::System, format!("cannot wait for signals: {e}")))
}

/// In a child of the watcher, which has its mask.
pub(super) fn unblock_signals() {
    let _ = SigSet::empty().thread_set_mask();
}

impl Watch<'_> {
    /// Waits in the kernel until no other watcher of this ledger is there. None if it was asked to end meanwhile.
    fn lead(&mut self, folder: &Path) -> Result<Option<Guard>> {
        use std::os::fd::AsFd;
        let name = Name::new("watch").map_err(wrong)?;
        let locks = LockDir::open(folder).map_err(wrong)?;
        let request = Request::new()
            .what("canary watch")
            .cancel_on(self.signals.as_fd());
        let taken = locks.acquire(&name, &request, &mut |event| {
            use std::ops::ControlFlow::{Break, Continue};
            match event {
                Event::Waiting { holder, .. } => {
                    let pid = holder
                        .processes()
                        .first()
                        .map_or(0, |process| process.pid());
                    say(format!(
                        "another watcher leads, pid {pid}; waiting for its end"
                    ));
                    Continue(())
                }
                Event::CancelReadable { .. } => match read(&self.signals) {
                    Some(Woken::Stop) => Break(()),
                    _ => Continue(()),
                },
                _ => Continue(()),
            }
        });
        match taken {
            Ok(guard) => Ok(Some(guard)),
            Err(e) if e.is_cancelled() => Ok(None),
            Err(e) => Err(wrong(e)),
        }
    }

    fn go_on(&mut self) -> Result<()> {
        say(format!(
            "leading, pid {}: a cycle every {:?}",
            std::process::id(),
            self.terms.interval
        ));
        let mut next = after(Instant::now(), self.terms.startup);
        loop {
            match self.rest(next)? {
                Woken::Stop => return Ok(()),
                Woken::Reload => self.reload(),
                Woken::Time | Woken::Ended => {}
            }
            let begun = Instant::now();
            next = match self.cycle()? {
                Asked::Stop => return Ok(()),
                Asked::Reload => {
                    self.reload();
                    Instant::now()
                }
                Asked::Nothing => after(begun, self.terms.interval),
            };
        }
    }

    fn reload(&mut self) {
        match ask(self.args) {
            Ok(Some(terms)) if terms.ledger != self.terms.ledger => {
                say("the ledger is another one now; start the watcher anew");
            }
            Ok(Some(terms)) => {
                self.terms = terms;
                say("the rules were read again");
            }
            Ok(None) => say("the rules cannot be used, and the old interval stays"),
            Err(e) => say(printable(&e.to_string())),
        }
    }

    /// Nothing until then, or until a signal.
    fn rest(&self, until: Instant) -> Result<Woken> {
        loop {
            match self.wait(None, until)? {
                Woken::Ended => {}
                other => return Ok(other),
            }
        }
    }

    /// Sleeps in one call to the kernel.
    fn wait(&self, child: Option<&std::os::fd::OwnedFd>, until: Instant) -> Result<Woken> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Woken::Time);
        }
        let limit = Timespec::try_from(left).map_err(wrong)?;
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN)];
        fds.extend(child.map(|child| PollFd::new(child, PollFlags::IN)));
        match poll(&mut fds, Some(&limit)) {
            Ok(0) => return Ok(Woken::Time),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(wrong(format!("cannot wait: {e}"))),
        }
        Ok(read(&self.signals).unwrap_or(Woken::Ended))
    }

    /// One cycle in a process of its own.
    fn cycle(&self) -> Result<Asked> {
        let mut command = Command::new("/proc/self/exe");
        command
            .args(["canary", "cycle", "--watched", "--wait", "60s"])
            .arg(&self.args.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some(instance) = &self.args.instance {
            command.arg("--instance").arg(instance);
        }
        let (code, asked) = self.attend(command, self.terms.deadline)?;
        let judged = code.is_some_and(|code| (0..=3).contains(&code));
        if !judged || asked == Asked::Stop {
            return Ok(asked);
        }
        Ok(asked.max(self.ping()?))
    }

    /// Tells whoever expects it that a cycle has judged. It runs where the rules stand, as all programs of the rules do.
    fn ping(&self) -> Result<Asked> {
        let Some((program, arguments)) = self.terms.ping.split_first() else {
            return Ok(Asked::Nothing);
        };
        let mut ping = Command::new(program);
        ping.args(arguments)
            .current_dir(&self.terms.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let (done, asked) = self.attend(ping, PING)?;
        if done != Some(0) {
            say("the ping failed");
        }
        Ok(asked)
    }

    /// Runs a child to its end, or to ours. The code is none if it did not end by itself.
    fn attend(&self, mut command: Command, limit: Duration) -> Result<(Option<i32>, Asked)> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = match command.process_group(0).spawn() {
            Ok(child) => child,
            // The next cycle may find memory or a process to spare.
            Err(e) => {
                say(printable(&format!("cannot start {program}: {e}")));
                return Ok((None, Asked::Nothing));
            }
        };
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(wrong)?;
        let mut until = after(Instant::now(), limit);
        let mut asked = Asked::Nothing;
        loop {
            match self.wait(Some(&pidfd), until)? {
                Woken::Time => {
                    say(printable(&format!("{program} was ended: it took too long")));
                    let _ = kill_process_group(pid, rustix::process::Signal::KILL);
                    let _ = child.wait();
                    return Ok((None, asked));
                }
                Woken::Stop => {
                    asked = Asked::Stop;
                    until = until.min(after(Instant::now(), FAREWELL));
                }
                Woken::Reload => asked = asked.max(Asked::Reload),
                Woken::Ended => {}
            }
            if let Some(code) = ended(&mut child)? {
                return Ok((code, asked));
            }
        }
    }
}

fn ended(child: &mut Child) -> Result<Option<Option<i32>>> {
    let status = child.try_wait().map_err(wrong)?;
    Ok(status.map(|status| {
        if status.code().is_none_or(|code| code > 3) {
            say(format!("a child of the watcher failed: {status}"));
        }
        status.code()
    }))
}

/// What a signal asks for, if there is one.
fn read(signals: &SignalFd) -> Option<Woken> {
    let mut woken = None;
    while let Ok(Some(info)) = signals.read_signal() {
        let hangup = i32::try_from(info.ssi_signo) == Ok(Signal::SIGHUP as i32);
        if hangup && woken.is_none() {
            woken = Some(Woken::Reload);
        } else if !hangup {
            woken = Some(Woken::Stop);
        }
    }
    woken
}

fn after(now: Instant, length: Duration) -> Instant {
    now.checked_add(length).unwrap_or(now)
}
