use std::fmt::Write;
use std::io::ErrorKind;

use runward_lock::{Entry, Holder, HolderKind, LockDir, State};
use serde::Serialize;

use super::{looked_at, print, print_json};
use crate::cli::ReportArgs;
use crate::error::{Error, Kind, Result};
use crate::record::{Process, timestamp};
use crate::terminal::printable;

/// What `locks --json` shows. Fields may be added; none is removed or renamed within schema 1.
#[derive(Serialize)]
struct Report {
    schema: u32,
    lock_dir: String,
    locks: Vec<Lock>,
}

#[derive(Serialize)]
struct Lock {
    name: String,
    /// `free`; `held` by the run that recorded itself; `kept` by an orphan of one that is gone; `unknown` who holds it.
    state: &'static str,
    run_id: Option<String>,
    pid: Option<u32>,
    since: Option<String>,
    what: Option<String>,
    fence: Option<u64>,
    holders: Vec<Process>,
    waiters: usize,
}

pub(crate) fn main(args: &ReportArgs) -> Result<()> {
    let dir = looked_at(args)?.locks;
    let report = Report {
        schema: 1,
        lock_dir: dir.to_string_lossy().into_owned(),
        locks: look(&dir)?,
    };
    if args.json {
        print_json(&report)
    } else {
        print(text(&report).as_bytes())
    }
}

/// A directory that does not exist has no locks; looking does not create it.
fn look(dir: &std::path::Path) -> Result<Vec<Lock>> {
    if matches!(dir.symlink_metadata(), Err(e) if e.kind() == ErrorKind::NotFound) {
        return Ok(Vec::new());
    }
    let found = LockDir::open(dir).and_then(|locks| locks.list());
    let found = found.map_err(|e| Error::new(Kind::System, e.to_string()))?;
    let mut locks: Vec<Lock> = found.iter().map(lock).collect();
    locks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(locks)
}

fn lock(entry: &Entry) -> Lock {
    let name = entry.name().to_string();
    let waiters = entry.waiters();
    match entry.state() {
        State::Held(holder) => held(name, holder, waiters),
        _ => Lock {
            name,
            state: "free",
            run_id: None,
            pid: None,
            since: None,
            what: None,
            fence: None,
            holders: Vec::new(),
            waiters,
        },
    }
}

fn held(name: String, holder: &Holder, waiters: usize) -> Lock {
    let record = holder.record().filter(|record| !record.released());
    let said = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    Lock {
        name,
        state: match holder.kind() {
            HolderKind::Owner => "held",
            HolderKind::Kept => "kept",
            _ => "unknown",
        },
        run_id: record.and_then(|record| said(record.run_id())),
        pid: record.map(|record| record.pid()),
        since: record.map(|record| timestamp(record.since())),
        what: record.and_then(|record| said(record.what())),
        fence: record.map(|record| record.fence().get()),
        holders: holder.processes().iter().map(process).collect(),
        waiters,
    }
}

fn process(process: &runward_lock::Process) -> Process {
    Process {
        pid: process.pid().cast_signed(),
        command: process.command().to_owned(),
        ..Process::default()
    }
}

fn text(report: &Report) -> String {
    if report.locks.is_empty() {
        let there = std::path::Path::new(&report.lock_dir).exists();
        let but = if there { "" } else { ", which does not exist" };
        return format!("no locks in {}{but}\n", report.lock_dir);
    }
    report.locks.iter().fold(String::new(), |mut out, lock| {
        let _ = writeln!(out, "{}", line(lock));
        out
    })
}

fn line(lock: &Lock) -> String {
    let mut parts = vec![format!("{}: {}", printable(&lock.name), lock.state)];
    parts.extend(
        lock.run_id
            .as_ref()
            .map(|run| format!("run {}", printable(run))),
    );
    parts.extend(
        lock.since
            .as_ref()
            .map(|since| format!("since {}", since.replace(".000Z", "Z"))),
    );
    parts.extend(
        lock.what
            .as_ref()
            .map(|what| format!("doing: {}", printable(what))),
    );
    let holders = lock
        .holders
        .iter()
        .map(|holder| format!("pid {} ({})", holder.pid, printable(&holder.command)));
    parts.extend(holders);
    if lock.waiters > 0 {
        parts.push(format!("{} waiting", lock.waiters));
    }
    parts.join(", ")
}
