//! The directories of runs: how old they are, and what is in them.

use std::path::PathBuf;
use std::time::Duration;

use runward_canary::{Ask, Cause, Context, Error, Reading, Settings, Source, Stamp};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, openat, openat2, statat,
};
use rustix::io::Errno;

use crate::cell::Cell;
use crate::facet::{Facet, Shape};
use crate::local::{Found, Record, once, text, unplanned};
use crate::look;
use crate::options::Options;

const SETTINGS: &[&str] = &["has"];
const FIXED: &[&str] = &["name", "modified"];

/// A directory with a directory for each run.
pub(crate) struct RunDirs {
    path: PathBuf,
    timeout: Duration,
}

impl RunDirs {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source run-dirs", settings, &[&["path"]])?;
        let path = options.required("path", "\"/var/lib/ci/runs\"")?.into();
        Ok(Self { path, timeout })
    }

    fn one(
        &self,
        ask: &Ask,
        context: &Context<'_>,
        until: std::time::Instant,
    ) -> Result<Reading, Cause> {
        let (facet, has) = plan(ask).map_err(|error| unplanned(&error))?;
        let mut found = Found::new(&facet, ask, context)?;
        let bindings = std::mem::take(&mut found.bound.all);
        let failed = |errno: Errno| look::fault(self.path.display().to_string(), &errno.into());
        // A last component that is a link is not followed: another directory is another place.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&self.path, flags, Mode::empty()).map_err(failed)?;
        let entries = Dir::read_from(&folder).map_err(failed)?;
        for entry in entries {
            let entry = entry.map_err(failed)?;
            look::check(until)?;
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            if let Some(record) = record(&folder, entry.file_name(), &has).map_err(failed)? {
                for binding in &bindings {
                    found.push(&record, binding, context)?;
                }
            }
        }
        found.done(context, None)
    }
}

/// The columns of `has` are fields of their own.
fn plan(ask: &Ask) -> Result<(Facet, Vec<String>), Error> {
    let shape = Shape {
        settings: SETTINGS,
        id: Some("name"),
        born: Some("modified"),
        ..Shape::default()
    };
    let (mut facet, options) = Facet::of(ask, &shape)?;
    let has = options.map("has")?;
    facet.fields = FIXED
        .iter()
        .copied()
        .chain(has.iter().map(|(column, _)| *column))
        .map(str::to_owned)
        .collect();
    facet.check_names(&options)?;
    once(&facet, &options)?;
    for (_, path) in &has {
        let inside =
            !path.is_empty() && !path.starts_with('/') && !path.split('/').any(|part| part == "..");
        if !inside {
            return Err(options.refuse_at(
                "has",
                format!("`has` looks inside of each directory; `{path}` leads out of it"),
            ));
        }
    }
    Ok((
        facet,
        has.into_iter().map(|(_, path)| path.to_owned()).collect(),
    ))
}

/// A directory; none if it is anything else, or has gone.
fn record(
    folder: &OwnedFd,
    name: &std::ffi::CStr,
    has: &[String],
) -> rustix::io::Result<Option<Record>> {
    let stat = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => return Ok(None),
        stat => stat?,
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(None);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner = match openat(folder, name, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        inner => inner?,
    };
    let name = Cell::bytes(name.to_bytes());
    let name = match name {
        Cell::Text(name) => text(name),
        _ => Cell::Null,
    };
    let mut record = vec![name, Cell::Time(modified(&stat))];
    for path in has {
        record.push(Cell::Bool(exists(inner.as_fd(), path)?));
    }
    Ok(Some(record))
}

fn exists(folder: rustix::fd::BorrowedFd<'_>, path: &str) -> rustix::io::Result<bool> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    match openat2(folder, path, flags, Mode::empty(), resolve) {
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
