//! Containers: which there are, by label, as the engine says. No program is run in any of them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use runward_canary::{Ask, Cause, CauseKind, Context, Error, Reading, Settings, Source, Stamp};
use runward_swarm::{Container, Engine, ErrorKind, Inspected};

use crate::cell::Cell;
use crate::facet::{Facet, Shape};
use crate::local::{Found, Record, once, text, unplanned};
use crate::look;
use crate::options::Options;

const SETTINGS: &[&str] = &["all", "env", "labels", "query"];
const FIXED: &[&str] = &["id", "name", "state", "created", "started"];

/// An engine behind a socket.
pub(crate) struct Docker {
    socket: PathBuf,
    timeout: Duration,
}

/// What a facet asks of it.
struct Query {
    label: String,
    all: bool,
    labels: Vec<String>,
    variables: Vec<String>,
    /// Whether each container has to be looked at by itself.
    inspect: bool,
}

impl Docker {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source docker", settings, &[&["socket"]])?;
        let socket = options.text("socket")?.unwrap_or("/var/run/docker.sock");
        match socket.starts_with('/') {
            true => Ok(Self {
                socket: socket.into(),
                timeout,
            }),
            false => {
                Err(options.refuse_at("socket", "`socket` has to be the path of a unix socket"))
            }
        }
    }
}

fn plan(ask: &Ask) -> Result<(Facet, Query), Error> {
    let shape = Shape {
        settings: SETTINGS,
        born: Some("started"),
        ..Shape::default()
    };
    let (mut facet, options) = Facet::of(ask, &shape)?;
    let (labels, env) = (options.map("labels")?, options.map("env")?);
    let columns = labels.iter().chain(&env).map(|(column, _)| *column);
    facet.fields = FIXED
        .iter()
        .copied()
        .chain(columns)
        .map(str::to_owned)
        .collect();
    facet.check_names(&options)?;
    once(&facet, &options)?;
    let owned = |pairs: &[(&str, &str)]| pairs.iter().map(|(_, name)| (*name).to_owned()).collect();
    let query = Query {
        label: options
            .required("query", "\"app.platform=agent\"")?
            .to_owned(),
        all: options.bool("all")?,
        labels: owned(&labels),
        inspect: !env.is_empty() || facet.wants("started"),
        variables: owned(&env),
    };
    Ok((facet, query))
}

fn one(
    engine: &Engine,
    ask: &Ask,
    context: &Context<'_>,
    until: Instant,
) -> Result<Reading, Cause> {
    let (facet, query) = plan(ask).map_err(|error| unplanned(&error))?;
    let mut found = Found::new(&facet, ask, context)?;
    let bindings = std::mem::take(&mut found.bound.all);
    let patient = || {
        look::left(until)
            .map(|left| engine.patient(left))
            .map_err(|error| look::fault("docker", &error))
    };
    let containers = patient()?
        .containers(&query.label, query.all)
        .map_err(|error| cause(&error))?;
    for container in containers {
        let inspected = match query.inspect {
            false => None,
            true => match inspect(&patient()?, &container, &query) {
                // It went between the two looks.
                Err(error) if error.kind() == ErrorKind::Missing => continue,
                inspected => Some(inspected.map_err(|error| cause(&error))?),
            },
        };
        let record = record(&container, inspected.as_ref(), &query);
        for binding in &bindings {
            found.push(&record, binding, context)?;
        }
    }
    found.done(context, None)
}

fn inspect(
    engine: &Engine,
    container: &Container,
    query: &Query,
) -> Result<Inspected, runward_swarm::Error> {
    let variables: Vec<_> = query.variables.iter().map(String::as_str).collect();
    engine.inspect(container.id(), &variables)
}

fn record(container: &Container, inspected: Option<&Inspected>, query: &Query) -> Record {
    let maybe = |found: Option<&str>| found.map_or(Cell::Null, text);
    let started = inspected.and_then(Inspected::started);
    let mut record = vec![
        text(container.id()),
        text(container.name()),
        text(container.state()),
        Cell::Time(Stamp::from_micros(
            container.created().saturating_mul(1_000_000),
        )),
        started.map_or(Cell::Null, |started| Cell::Time(Stamp::of(started))),
    ];
    let labels = query
        .labels
        .iter()
        .map(|label| maybe(container.label(label)));
    record.extend(labels);
    let variable = |name: &String| maybe(inspected.and_then(|one| one.variable(name)));
    record.extend(query.variables.iter().map(variable));
    record
}

fn cause(error: &runward_swarm::Error) -> Cause {
    let kind = match error.kind() {
        ErrorKind::Slow => CauseKind::Timeout,
        ErrorKind::Denied => CauseKind::Denied,
        ErrorKind::Garbled | ErrorKind::TooOld => CauseKind::Garbled,
        _ => CauseKind::Unreachable,
    };
    Cause::new(kind, error.to_string())
}

impl Source for Docker {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter().try_for_each(|ask| plan(ask).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        let begun = (context.clock)();
        let engine = look::left(until)
            .map_err(|error| look::fault("docker", &error))
            .and_then(|left| Engine::within(&self.socket, left).map_err(|error| cause(&error)));
        match engine {
            Ok(engine) => look::one_by_one(asks, context, |ask| one(&engine, ask, context, until)),
            Err(cause) => look::all_failed(asks, &cause, begun, context),
        }
    }
}
