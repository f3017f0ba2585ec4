//! Processes, as the kernel shows them: no program is run, in no container.

mod process;
mod visible;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runward_canary::{Ask, Cause, CauseKind, Context, Error, Reading, Setting, Settings, Source};

use crate::bound::Binding;
use crate::cell::Cell;
use crate::clock::Boot;
use crate::facet::{Facet, Form, Scope, Shape};
use crate::local::{Found, Record, once, text, unplanned};
use crate::look;
use crate::options::Options;
use process::Process;

const SHAPE: Shape = Shape {
    settings: &["comm", "in_run", "state", "what"],
    id: Some("pid"),
    born: Some("start"),
    fields: &[
        "pid",
        "start",
        "generation",
        "boot",
        "comm",
        "state",
        "ppid",
        "container",
        "cgroup",
        "run",
    ],
    places: false,
};

/// The boot itself: one row, which tells one life of the host from the next.
const BOOT: Shape = Shape {
    settings: &["what"],
    id: Some("boot"),
    born: Some("start"),
    fields: &["boot", "start"],
    places: false,
};

/// The processes of a host.
pub(crate) struct Procfs {
    root: PathBuf,
    timeout: Duration,
}

/// Which processes a facet is about.
struct Filter {
    /// No process, but the boot.
    boot: bool,
    comm: Vec<String>,
    state: Vec<String>,
    /// Only those that are in the cgroup of a run.
    in_run: bool,
}

impl Procfs {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source procfs", settings, &[&["root"]])?;
        let root = options.text("root")?.unwrap_or("/proc").into();
        Ok(Self { root, timeout })
    }

    fn one(
        &self,
        ask: &Ask,
        context: &Context<'_>,
        all: &[Process],
        boot: &Boot,
    ) -> Result<Reading, Cause> {
        let (facet, filter) = plan(ask).map_err(|error| unplanned(&error))?;
        let mut found = Found::new(&facet, ask, context)?;
        let bindings = std::mem::take(&mut found.bound.all);
        let watermark = Some(format!("boot={}", boot.id));
        if filter.boot {
            let record = vec![text(&boot.id), Cell::Time(boot.instant(0))];
            found.push(&record, &Binding::default(), context)?;
            return found.done(context, watermark);
        }
        let parents: HashMap<u32, &Process> = all.iter().map(|one| (one.pid, one)).collect();
        let members = by_container(all, &parents);
        for binding in &bindings {
            let chosen = match &facet.scope {
                Scope::Once => all.iter().collect(),
                _ => match filter.whose(&binding.text("id")?, all, &members) {
                    Ok(chosen) => chosen,
                    Err(cause) => {
                        found.rows.gap(binding.subject().unwrap_or_default(), cause);
                        continue;
                    }
                },
            };
            for process in chosen.into_iter().filter(|process| filter.takes(process)) {
                let container = container(process, &parents).unwrap_or_default();
                found.push(&record(process, container, boot), binding, context)?;
            }
        }
        found.done(context, watermark)
    }
}

impl Filter {
    /// The processes of a run, of which nobody may be left; or of a container, of which the first is there as long as it is.
    fn whose<'a>(
        &self,
        id: &str,
        all: &'a [Process],
        members: &HashMap<&str, Vec<&'a Process>>,
    ) -> Result<Vec<&'a Process>, Cause> {
        if self.in_run {
            return Ok(all.iter().filter(|one| one.run == id).collect());
        }
        let found = members.iter().find(|(container, _)| same(container, id));
        found.map(|(_, members)| members.clone()).ok_or_else(|| {
            let why = format!("no process of container {id} is seen here");
            Cause::new(CauseKind::Unreachable, why)
        })
    }

    fn takes(&self, process: &Process) -> bool {
        let any =
            |wanted: &[String], is: &str| wanted.is_empty() || wanted.iter().any(|one| one == is);
        any(&self.comm, &process.comm)
            && any(&self.state, &process.state)
            && (!self.in_run || !process.run.is_empty())
    }
}

fn plan(ask: &Ask) -> Result<(Facet, Filter), Error> {
    let boot = ask.settings.get("what") == Some(&Setting::Text("boot".to_owned()));
    let (facet, options) = Facet::of(ask, if boot { &BOOT } else { &SHAPE })?;
    if let Some(what) = options
        .text("what")?
        .filter(|what| !matches!(*what, "boot" | "processes"))
    {
        return Err(options.refuse(format!("`what` is processes or boot, and not `{what}`")));
    }
    if boot {
        once(&facet, &options)?;
    }
    if matches!(facet.scope, Scope::Subjects(_)) || facet.form == Form::Stamp {
        return Err(options.refuse("its processes are of nobody, or of containers or runs by `each`; leave `subjects` and `as` out"));
    }
    if facet.form == Form::Count && facet.scope != Scope::Once {
        return Err(options.refuse("`as = \"count\"` counts all processes; leave `each` out"));
    }
    let owned = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
    let filter = Filter {
        boot,
        in_run: options.bool("in_run")?,
        comm: owned(options.texts("comm")?),
        state: owned(options.texts("state")?),
    };
    Ok((facet, filter))
}

fn record(process: &Process, container: &str, boot: &Boot) -> Record {
    let known = |word: &str| match word {
        "" => Cell::Null,
        word => text(word),
    };
    vec![
        Cell::Int(process.pid.into()),
        Cell::Time(boot.instant(process.start)),
        text(boot.generation(process.start)),
        text(&boot.id),
        text(&process.comm),
        text(&process.state),
        Cell::Int(process.parent.into()),
        known(container),
        known(&process.cgroup),
        known(&process.run),
    ]
}

/// Whose container a process is in. A dead one has left its cgroups where they are of version 1: then it is its parent's.
fn container<'a>(process: &'a Process, parents: &HashMap<u32, &'a Process>) -> Option<&'a str> {
    let own = process::container(&process.cgroup);
    own.or_else(|| match process.state.as_str() {
        "Z" => process::container(&parents.get(&process.parent)?.cgroup),
        _ => None,
    })
}

fn by_container<'a>(
    all: &'a [Process],
    parents: &HashMap<u32, &'a Process>,
) -> HashMap<&'a str, Vec<&'a Process>> {
    let mut members: HashMap<&str, Vec<&Process>> = HashMap::new();
    for process in all {
        if let Some(container) = container(process, parents) {
            members.entry(container).or_default().push(process);
        }
    }
    members
}

/// An id may be the short one.
fn same(container: &str, id: &str) -> bool {
    id.len() >= 12 && container.starts_with(id)
}

/// All processes; one that goes meanwhile was not there.
fn processes(root: &Path, until: Instant) -> Result<Vec<Process>, Cause> {
    let failed = |error: &std::io::Error| look::fault(root.display().to_string(), error);
    let mut all = Vec::new();
    for entry in fs::read_dir(root).map_err(|error| failed(&error))? {
        let entry = entry.map_err(|error| failed(&error))?;
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let Some(pid) = pid else { continue };
        look::check(until)?;
        all.extend(Process::read(&entry.path(), pid).map_err(|error| failed(&error))?);
    }
    Ok(all)
}

impl Source for Procfs {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter().try_for_each(|ask| plan(ask).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        let begun = (context.clock)();
        let looked = visible::check(&self.root).and_then(|()| {
            let boot = Boot::read(&self.root);
            let boot =
                boot.map_err(|error| look::fault(self.root.display().to_string(), &error))?;
            Ok((processes(&self.root, until)?, boot))
        });
        let readings = match looked {
            Ok((all, boot)) => {
                look::one_by_one(asks, context, |ask| self.one(ask, context, &all, &boot))
            }
            Err(cause) => look::all_failed(asks, &cause, begun, context),
        };
        readings
            .into_iter()
            .map(|reading| look::since(reading, begun))
            .collect()
    }
}
