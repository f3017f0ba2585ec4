//! `watch`: a cycle every interval, each in a process of its own, and nothing at all between them.
mod lead;

use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, kill_process_group, pidfd_open};
use serde::{Deserialize, Serialize};

use super::args::WatchArgs;
use super::ledger::Place;
use super::setup::Setup;
use super::sinks::Sinks;
use super::{orphans, proof, wrong};
use crate::commands::print_json;
use crate::error::{Error, Kind, Result};
use crate::terminal::{printable, say};
use lead::Lead;

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
    ledger: Place,
}

/// Why the watcher woke up.
#[derive(PartialEq)]
enum Woken {
    Time,
    Ended,
    Stop,
    Reload,
    /// Another leads, or nobody can tell.
    Lost,
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
    /// Why no cycle could begin last, which was said.
    trouble: Option<String>,
    /// Whether another led meanwhile: the rules may be others now.
    stood_by: bool,
}

/// How a child of ours ended.
struct Done {
    /// None if it did not end by itself.
    code: Option<i32>,
    asked: Asked,
    /// The beginning of what it wrote to a pipe of ours.
    said: String,
}

pub(super) fn main(args: &WatchArgs) -> Result<u8> {
    if args.terms {
        return describe(args);
    }
    let Some(terms) = ask(args)? else {
        return Ok(super::UNKNOWN);
    };
    let mut watch = Watch {
        args,
        signals: signals()?,
        terms,
        trouble: None,
        stood_by: false,
    };
    while let Some(mut lead) = watch.lead()? {
        if std::mem::take(&mut watch.stood_by) {
            watch.reload();
        }
        if watch.go_on(&mut lead)? == Woken::Stop {
            lead.close()?;
            break;
        }
    }
    Ok(0)
}

/// In a process of its own, so that nothing of it stays in the watcher: proves the harness, tries the rules, and tells what the watcher needs.
fn describe(args: &WatchArgs) -> Result<u8> {
    unblock_signals();
    proof::prove()?;
    let setup = Setup::judging(&args.config)?;
    let _ = setup.collector()?;
    let _ = Sinks::open(&setup.rules)?;
    let ledger = setup.ledger()?;
    setup.owner().check(&ledger)?;
    ledger.prepare()?;
    let policy = setup.rules.policy();
    print_json(&Terms {
        interval: policy.interval,
        startup: policy.startup,
        deadline: policy
            .deadline
            .unwrap_or_else(|| policy.interval.max(PATIENCE)),
        ping: policy.ping.clone(),
        folder: setup.beside(Path::new("")),
        ledger,
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
    /// A cycle every interval, until somebody asks for the end, or another leads.
    fn go_on(&mut self, lead: &mut Lead) -> Result<Woken> {
        orphans::adopt();
        say(format!(
            "leading, pid {}: a cycle every {:?}",
            std::process::id(),
            self.terms.interval
        ));
        let mut next = after(Instant::now(), self.terms.startup);
        loop {
            match self.rest(next, lead)? {
                Woken::Reload => self.reload_and_say(),
                Woken::Time | Woken::Ended => {}
                end => return Ok(end),
            }
            let begun = Instant::now();
            if !lead.lasts() {
                return Ok(Woken::Lost);
            }
            next = match self.cycle()? {
                Asked::Stop => return Ok(Woken::Stop),
                Asked::Reload => {
                    self.reload_and_say();
                    Instant::now()
                }
                Asked::Nothing => after(begun, self.terms.interval),
            };
        }
    }

    /// Returns whether the rules could be read; if not, why not was said.
    fn reload(&mut self) -> bool {
        match ask(self.args) {
            Ok(Some(terms)) if terms.ledger != self.terms.ledger => {
                say("the ledger is another one now; start the watcher anew");
            }
            Ok(Some(terms)) => {
                self.terms = terms;
                return true;
            }
            Ok(None) => say("the rules cannot be used, and the old interval stays"),
            Err(e) => say(printable(&e.to_string())),
        }
        false
    }

    /// As somebody has asked for it.
    fn reload_and_say(&mut self) {
        if self.reload() {
            say("the rules were read again");
        }
    }

    /// Nothing until then, or until a signal, or until the lead is lost.
    fn rest(&self, until: Instant, lead: &mut Lead) -> Result<Woken> {
        loop {
            match self.wait(lead.fd(), until)? {
                Woken::Ended if lead.has_news() && !lead.lasts() => return Ok(Woken::Lost),
                Woken::Ended => {}
                other => return Ok(other),
            }
        }
    }

    /// Sleeps in one call to the kernel, until then, a signal, or news of a child or of the lead.
    fn wait(&self, other: Option<BorrowedFd<'_>>, until: Instant) -> Result<Woken> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Woken::Time);
        }
        let limit = Timespec::try_from(left).map_err(wrong)?;
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN)];
        fds.extend(other.map(|other| PollFd::from_borrowed_fd(other, PollFlags::IN)));
        match poll(&mut fds, Some(&limit)) {
            Ok(0) => return Ok(Woken::Time),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(wrong(format!("cannot wait: {e}"))),
        }
        Ok(read(&self.signals).unwrap_or(Woken::Ended))
    }

    /// One cycle in a process of its own.
    fn cycle(&mut self) -> Result<Asked> {
        let mut command = Command::new("/proc/self/exe");
        command
            .args(["canary", "cycle", "--watched", "--wait", "60s"])
            .arg(&self.args.config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        if let Some(instance) = &self.args.instance {
            command.arg("--instance").arg(instance);
        }
        let done = self.attend(command, self.terms.deadline)?;
        self.hear(&done);
        let judged = done.code.is_some_and(|code| (0..=3).contains(&code));
        if !judged || done.asked == Asked::Stop {
            return Ok(done.asked);
        }
        Ok(done.asked.max(self.ping()?))
    }

    /// Says why a cycle could not begin: once for as long as it is the same, and when it is over.
    fn hear(&mut self, done: &Done) {
        let trouble = (done.code == Some(i32::from(ERRORED))).then(|| done.said.clone());
        if trouble == self.trouble {
            return;
        }
        match &trouble {
            Some(why) => say(printable(&format!(
                "{why}; until it is mended, nothing is judged and nothing is pinged"
            ))),
            None if done.code.is_some() => say("cycles judge again"),
            None => return,
        }
        self.trouble = trouble;
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
        let done = self.attend(ping, PING)?;
        if done.code != Some(0) {
            say("the ping failed");
        }
        Ok(done.asked)
    }

    /// Runs a child to its end, or to ours, and ends what it leaves.
    fn attend(&self, command: Command, limit: Duration) -> Result<Done> {
        let ended = self.see_out(command, limit);
        orphans::end();
        ended
    }

    fn see_out(&self, mut command: Command, limit: Duration) -> Result<Done> {
        let program = command.get_program().to_string_lossy().into_owned();
        let mut child = match command.process_group(0).spawn() {
            Ok(child) => child,
            // The next cycle may find memory or a process to spare.
            Err(e) => {
                say(printable(&format!("cannot start {program}: {e}")));
                return Ok(Done::not(Asked::Nothing));
            }
        };
        let pid = Pid::from_child(&child);
        let pidfd = pidfd_open(pid, PidfdFlags::empty()).map_err(wrong)?;
        let mut until = after(Instant::now(), limit);
        let mut asked = Asked::Nothing;
        loop {
            match self.wait(Some(pidfd.as_fd()), until)? {
                Woken::Time => {
                    say(printable(&format!("{program} was ended: it took too long")));
                    let _ = kill_process_group(pid, rustix::process::Signal::KILL);
                    let _ = child.wait();
                    return Ok(Done::not(asked));
                }
                Woken::Stop => {
                    asked = Asked::Stop;
                    until = until.min(after(Instant::now(), FAREWELL));
                }
                Woken::Reload => asked = asked.max(Asked::Reload),
                Woken::Ended | Woken::Lost => {}
            }
            if let Some(status) = child.try_wait().map_err(wrong)? {
                let said = child.stdout.take().map(said).unwrap_or_default();
                let told = status.code() == Some(i32::from(ERRORED)) && !said.is_empty();
                if status.code().is_none_or(|code| code > 3) && !told {
                    say(format!("a child of the watcher failed: {status}"));
                }
                let code = status.code();
                return Ok(Done { code, asked, said });
            }
        }
    }
}

impl Done {
    /// One that did not end by itself.
    fn not(asked: Asked) -> Self {
        let (code, said) = (None, String::new());
        Self { code, asked, said }
    }
}

/// What lies in a pipe, without waiting for more: a child's child may hold its other end.
fn said(mut pipe: ChildStdout) -> String {
    let mut buffer = [0; 8_192];
    let unblocked = rustix::fs::fcntl_setfl(&pipe, rustix::fs::OFlags::NONBLOCK);
    let length = match unblocked {
        Ok(()) => pipe.read(&mut buffer).unwrap_or(0),
        Err(_) => 0,
    };
    String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
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
