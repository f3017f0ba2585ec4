//! Locks of a directory, as one who only looks sees them: none is taken, none is made.

use std::fs;
use std::io::ErrorKind::NotFound;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runward_canary::{Ask, Cause, Context, Error, Reading, Settings, Source, Stamp};
use runward_lock::{Entry, LockDir, Record as LockRecord, State};

use crate::cell::Cell;
use crate::clock::Boot;
use crate::facet::{Facet, Shape};
use crate::local::{Found, Record, absent_is_empty, lock_cause, once, text, unplanned};
use crate::look;
use crate::options::Options;
use crate::rows::garbled;

const SHAPE: Shape = Shape {
    settings: &["state"],
    id: Some("name"),
    born: Some("since"),
    fields: &[
        "name",
        "held",
        "in_place",
        "pid",
        "start",
        "generation",
        "run",
        "since",
        "waiters",
        "state",
        "stack",
    ],
    places: false,
};

const HELD: &str = "held";
/// Given back by who had it.
const RELEASED: &str = "released";
/// By one that was killed.
const LEFT: &str = "left";
/// Nobody who says so has ever had it.
const UNUSED: &str = "unused";
const STATES: &[&str] = &[HELD, RELEASED, LEFT, UNUSED];
/// The field of the state.
const STATE: usize = 9;

/// A directory of locks.
pub(crate) struct FlockDir {
    path: PathBuf,
    absent_is_empty: bool,
    timeout: Duration,
}

impl FlockDir {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source flock-dir", settings, &[&["absent", "path"]])?;
        Ok(Self {
            path: options.required("path", "\"/run/ci/locks\"")?.into(),
            absent_is_empty: absent_is_empty(&options)?,
            timeout,
        })
    }

    fn one(&self, ask: &Ask, context: &Context<'_>) -> Result<Reading, Cause> {
        let (facet, states) = plan(ask).map_err(|error| unplanned(&error))?;
        let told = facet.wants("state") || !states.is_empty();
        let mut found = Found::new(&facet, ask, context)?;
        let bindings = std::mem::take(&mut found.bound.all);
        let shown = self.path.display().to_string();
        // Opening makes what is not there, and a look makes nothing.
        let there = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == NotFound && self.absent_is_empty => {
                return found.done(context, None);
            }
            there => there.map_err(|error| look::fault(&shown, &error))?,
        };
        if !there.is_dir() {
            return Err(garbled(format!("{shown} is no directory")));
        }
        let locks = LockDir::open(&self.path).map_err(|error| lock_cause(&error))?;
        let boot = Boot::read(Path::new("/proc")).map_err(|error| look::fault("/proc", &error))?;
        let mut records: Vec<Record> = Vec::new();
        for entry in locks.list().map_err(|error| lock_cause(&error))? {
            let left = told.then(|| locks.record(entry.name()));
            records.push(record(&entry, left, &boot));
        }
        // The kernel names open files by where they are, without the links that lead there.
        let folder = fs::canonicalize(&self.path).map_err(|error| look::fault(&shown, &error))?;
        records.extend(strayed(&folder, there.dev(), &boot));
        let wanted = |record: &&Record| states.is_empty() || states.contains(&record[STATE]);
        for record in records.iter().filter(wanted) {
            for binding in &bindings {
                found.push(record, binding, context)?;
            }
        }
        found.done(context, Some(format!("boot={}", boot.id)))
    }
}

/// Also the states that are asked for; none for all.
fn plan(ask: &Ask) -> Result<(Facet, Vec<Cell<'static>>), Error> {
    let (facet, options) = Facet::of(ask, &SHAPE)?;
    once(&facet, &options)?;
    let states = options.texts("state")?;
    match states.iter().find(|state| !STATES.contains(state)) {
        Some(state) => Err(options.refuse(format!(
            "`state` is one or several of {}, and not `{state}`",
            STATES.join(", ")
        ))),
        None => Ok((facet, states.into_iter().map(text).collect())),
    }
}

/// What the file of a lock says, if that was asked for.
type Left = Option<Result<Option<LockRecord>, runward_lock::Error>>;

/// The state of a lock that nobody has, and the record of a holder that was killed.
fn free(left: Left) -> (Cell<'static>, Option<LockRecord>) {
    match left {
        None | Some(Err(_)) => (Cell::Null, None),
        Some(Ok(None)) => (text(UNUSED), None),
        Some(Ok(Some(record))) if record.released() => (text(RELEASED), None),
        Some(Ok(Some(record))) => (text(LEFT), Some(record)),
    }
}

/// A lock at its path.
fn record(entry: &Entry, left: Left, boot: &Boot) -> Record {
    let holder = match entry.state() {
        State::Held(holder) => Some(holder),
        _ => None,
    };
    let (state, left) = match holder {
        Some(_) => (text(HELD), None),
        None => free(left),
    };
    // Somebody who holds it without a record has left the record of the one before.
    let told = holder
        .and_then(|holder| holder.record())
        .filter(|told| !told.released());
    let pid = holder
        .and_then(|holder| holder.processes().first())
        .map(|process| process.pid());
    let own = told.filter(|told| Some(told.pid()) == pid);
    let start = own.and_then(start);
    let told = told.or(left.as_ref());
    let maybe = |cell: Option<Cell<'static>>| cell.unwrap_or(Cell::Null);
    vec![
        text(entry.name().as_str()),
        Cell::Bool(holder.is_some()),
        maybe(holder.map(|_| Cell::Bool(true))),
        maybe(pid.map(|pid| Cell::Int(pid.into()))),
        maybe(start.map(|ticks| Cell::Time(boot.instant(ticks)))),
        maybe(start.map(|ticks| text(boot.generation(ticks)))),
        maybe(
            told.map(LockRecord::run_id)
                .filter(|run| !run.is_empty())
                .map(text),
        ),
        maybe(told.map(|told| Cell::Time(Stamp::of(told.since())))),
        Cell::Int(i64::try_from(entry.waiters()).unwrap_or(i64::MAX)),
        state,
        text(as_stack(entry.name().as_str())),
    ]
}

/// As a stack of Swarm is called whose app has a domain for a name.
fn as_stack(name: &str) -> String {
    name.replace('.', "_")
}

/// When the holder began, in ticks after the boot: a line of its record.
fn start(told: &LockRecord) -> Option<u64> {
    let lines = std::str::from_utf8(told.as_bytes()).ok()?;
    lines
        .lines()
        .find_map(|line| line.strip_prefix("start ")?.trim().parse().ok())
}

/// Locks on files that are at no path any more: somebody holds them, and they keep nobody out. Found by the kernel's list,
/// which names a process, and that process's own names of its open files.
fn strayed(folder: &Path, device: u64, boot: &Boot) -> Vec<Record> {
    let listed = fs::read_to_string("/proc/locks").unwrap_or_default();
    let mut pids: Vec<u32> = listed
        .lines()
        .filter_map(|line| owner(line, device))
        .collect();
    pids.sort_unstable();
    pids.dedup();
    let found = pids.into_iter().flat_map(|pid| {
        let names = deleted(folder, pid);
        names.into_iter().map(move |name| (name, pid))
    });
    let nothing = || Cell::Null;
    let record = |(name, pid): (String, u32)| {
        let start = ticks(pid);
        let start = |cell: fn(&Boot, u64) -> Cell<'static>| {
            start.map_or(Cell::Null, |ticks| cell(boot, ticks))
        };
        vec![
            text(&name),
            Cell::Bool(true),
            Cell::Bool(false),
            Cell::Int(pid.into()),
            start(|boot, ticks| Cell::Time(boot.instant(ticks))),
            start(|boot, ticks| text(boot.generation(ticks))),
            nothing(),
            nothing(),
            Cell::Int(0),
            text(HELD),
            text(as_stack(&name)),
        ]
    };
    found.map(record).collect()
}

/// The process of a line of the kernel's list, if it is a lock of this device: proc_locks(5).
fn owner(line: &str, device: u64) -> Option<u32> {
    let mut words = line.split_ascii_whitespace().skip(1);
    (words.next()? == "FLOCK").then_some(())?;
    let pid = words.nth(2)?;
    let mut place = words
        .next()?
        .split(':')
        .map(|part| u32::from_str_radix(part, 16).ok());
    let (major, minor) = (place.next()??, place.next()??);
    let same = (major, minor) == (rustix::fs::major(device), rustix::fs::minor(device));
    same.then(|| pid.parse().ok()).flatten()
}

/// The names of files of the folder that a process has open, and that have been removed.
fn deleted(folder: &Path, pid: u32) -> Vec<String> {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    let links = open
        .flatten()
        .filter_map(|entry| fs::read_link(entry.path()).ok());
    let name = |link: PathBuf| {
        let inside = link.strip_prefix(folder).ok()?.to_str()?.to_owned();
        let name = inside.strip_suffix(" (deleted)")?;
        (!name.contains('/')).then(|| name.to_owned())
    };
    let mut names: Vec<_> = links.filter_map(name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(')')?;
    after.split_ascii_whitespace().nth(19)?.parse().ok()
}

impl Source for FlockDir {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter().try_for_each(|ask| plan(ask).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        look::one_by_one(asks, context, |ask| {
            look::check(until).and_then(|()| self.one(ask, context))
        })
    }
}
