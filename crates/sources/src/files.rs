//! When files were last written: heartbeats.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use runward_canary::{Ask, Cause, Context, Error, Reading, Settings, Source, Stamp};

use crate::bound::Binding;
use crate::cell::Cell;
use crate::facet::{Facet, Form, Scope, Shape};
use crate::local::{Record, text, unplanned};
use crate::look;
use crate::options::Options;
use crate::rows::Rows;

const SHAPE: Shape = Shape {
    settings: &["paths"],
    id: Some("path"),
    born: Some("modified"),
    fields: &["path", "modified", "exists", "size"],
    places: false,
};

/// Files by name.
pub(crate) struct Files {
    timeout: Duration,
}

impl Files {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        Options::new("source files", settings, &[&[]])?;
        Ok(Self { timeout })
    }
}

fn plan(ask: &Ask) -> Result<(Facet, Vec<String>), Error> {
    let (facet, options) = Facet::of(ask, &SHAPE)?;
    let paths = options.texts("paths")?;
    if facet.scope != Scope::Once || facet.form == Form::Count {
        return Err(options
            .refuse("its files are named once for all; leave `subjects`, `each` and a count out"));
    }
    match paths.as_slice() {
        [] => Err(options.refuse("`paths` is missing; write paths = [\"/run/app/tick\"]")),
        [_, _, ..] if facet.form == Form::Stamp => Err(options.refuse_at(
            "paths",
            "one instant is that of one file; keep one of `paths`",
        )),
        _ => Ok((facet, paths.into_iter().map(str::to_owned).collect())),
    }
}

fn one(ask: &Ask, context: &Context<'_>) -> Result<Reading, Cause> {
    let begun = (context.clock)();
    let (facet, paths) = plan(ask).map_err(|error| unplanned(&error))?;
    let mut rows = Rows::new(&facet, ask, Default::default());
    let nobody = Binding::default();
    for path in paths {
        let read = (context.clock)();
        let record = record(Path::new(&path)).map_err(|error| look::fault(&path, &error))?;
        match rows.is_single() {
            true => rows.push_single(record.get(1).cloned(), &nobody, read)?,
            false => rows.push(&record, &nobody, read)?,
        }
    }
    Ok(look::done(rows, begun, context, None))
}

/// What is known of a file. One that is not there has no time, and says so; a link is looked at and not followed.
fn record(path: &Path) -> io::Result<Record> {
    let name = text(path.display().to_string());
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(vec![
            name,
            Cell::Time(Stamp::of(found.modified()?)),
            Cell::Bool(true),
            Cell::Int(i64::try_from(found.len()).unwrap_or(i64::MAX)),
        ]),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(vec![name, Cell::Null, Cell::Bool(false), Cell::Null])
        }
        Err(error) => Err(error),
    }
}

impl Source for Files {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter().try_for_each(|ask| plan(ask).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        look::one_by_one(asks, context, |ask| {
            look::check(until).and_then(|()| one(ask, context))
        })
    }
}
