//! What runs leave in a directory: directories of their own, or files with a suffix. How old it is, what is in it, and whether somebody has it.

mod held;
mod plan;
mod says;

use std::ffi::{CStr, CString};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use runward_canary::{Ask, Cause, Context, Error, Reading, Settings, Source, Stamp};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, openat, openat2, statat,
};
use rustix::io::Errno;

use crate::cell::Cell;
use crate::clock::Boot;
use crate::local::{Found, Record, absent_is_empty, text, unplanned};
use crate::look;
use crate::options::Options;
use held::Held;
use plan::{Plan, plan};

const INSIDE: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS);

/// A directory with something for each run.
pub(crate) struct RunDirs {
    path: PathBuf,
    absent_is_empty: bool,
    timeout: Duration,
}

impl RunDirs {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source run-dirs", settings, &[&["absent", "path"]])?;
        Ok(Self {
            path: options.required("path", "\"/var/lib/ci/runs\"")?.into(),
            absent_is_empty: absent_is_empty(&options)?,
            timeout,
        })
    }

    fn one(&self, ask: &Ask, context: &Context<'_>, until: Instant) -> Result<Reading, Cause> {
        let plan = plan(ask).map_err(|error| unplanned(&error))?;
        let mut found = Found::new(&plan.facet, ask, context)?;
        let bindings = std::mem::take(&mut found.bound.all);
        let failed = |errno: Errno| look::fault(self.path.display().to_string(), &errno.into());
        // A last component that is a link is not followed: another directory is another place.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = match rustix::fs::open(&self.path, flags, Mode::empty()) {
            Err(Errno::NOENT) if self.absent_is_empty => return found.done(context, None),
            folder => folder.map_err(failed)?,
        };
        let names = names(&folder, &plan).map_err(failed)?;
        let looking = Looking::new(&self.path, &folder, &plan)?;
        for name in names {
            look::check(until)?;
            let Some(record) = looking.record(&name).map_err(failed)? else {
                continue;
            };
            for binding in &bindings {
                found.push(&record, binding, context)?;
            }
        }
        found.done(context, None)
    }
}

/// All names, before anything else is read: who has which file is asked after that, so that what is missing there has gone.
fn names(folder: &OwnedFd, plan: &Plan) -> rustix::io::Result<Vec<CString>> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !matches!(name.to_bytes(), b"." | b"..") && plan.stem(name.to_bytes()).is_some() {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// One look at a directory.
struct Looking<'a> {
    folder: &'a OwnedFd,
    plan: &'a Plan,
    held: Option<Held>,
    boot: Option<Boot>,
}

impl<'a> Looking<'a> {
    fn new(path: &std::path::Path, folder: &'a OwnedFd, plan: &'a Plan) -> Result<Self, Cause> {
        let boot = plan.facet.wants("boot").then(|| {
            Boot::read(std::path::Path::new("/proc")).map_err(|error| look::fault("/proc", &error))
        });
        Ok(Self {
            folder,
            plan,
            held: plan.asks_who().then(|| Held::read(path)).transpose()?,
            boot: boot.transpose()?,
        })
    }

    /// What is known of one; none if it is of another kind, is not asked for, or has gone.
    fn record(&self, name: &CStr) -> rustix::io::Result<Option<Record>> {
        let stat = match statat(self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(None),
            stat => stat?,
        };
        let wanted = match self.plan.suffix {
            Some(_) => FileType::RegularFile,
            None => FileType::Directory,
        };
        let held = self.held.as_ref().and_then(|held| held.of(name));
        if FileType::from_raw_mode(stat.st_mode) != wanted || !self.plan.takes(held) {
            return Ok(None);
        }
        let Some(inner) = self.inner(name)? else {
            return Ok(None);
        };
        let mut record = vec![
            named(self.plan.stem(name.to_bytes()).unwrap_or_default()),
            Cell::Time(modified(&stat)),
            held.map_or(Cell::Null, Cell::Bool),
            self.boot.as_ref().map_or(Cell::Null, |boot| text(&boot.id)),
        ];
        for path in &self.plan.has {
            record.push(Cell::Bool(exists(inner.as_fd(), path)?));
        }
        for said in &self.plan.says {
            record.push(said.read(self.plan.base(self.folder, &inner), name));
        }
        Ok(Some(record))
    }

    /// The directory of a run, or the file itself; none if it has gone.
    fn inner(&self, name: &CStr) -> rustix::io::Result<Option<OwnedFd>> {
        let kind = match self.plan.suffix {
            Some(_) => OFlags::empty(),
            None => OFlags::DIRECTORY,
        };
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC | kind;
        match openat(self.folder, name, flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            inner => inner.map(Some),
        }
    }
}

fn named(name: &[u8]) -> Cell<'static> {
    match Cell::bytes(name) {
        Cell::Text(name) => text(name),
        _ => Cell::Null,
    }
}

fn exists(folder: BorrowedFd<'_>, path: &str) -> rustix::io::Result<bool> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat2(folder, path, flags, Mode::empty(), INSIDE) {
        Ok(_) => Ok(true),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(false),
        Err(error) => Err(error),
    }
}

#[expect(
    clippy::unnecessary_cast,
    reason = "the types of the fields differ between machines"
)]
fn modified(stat: &Stat) -> Stamp {
    let seconds = (stat.st_mtime as i64).saturating_mul(1_000_000);
    Stamp::from_micros(seconds.saturating_add(stat.st_mtime_nsec as i64 / 1000))
}

impl Source for RunDirs {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter().try_for_each(|ask| plan(ask).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        look::one_by_one(asks, context, |ask| self.one(ask, context, until))
    }
}
