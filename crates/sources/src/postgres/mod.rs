//! PostgreSQL: one transaction that only reads for all facets of a look, and a limit of time that does not need the server.

mod address;
pub mod ledger;
mod query;
mod wire;

use std::time::{Duration, Instant};

use runward_canary::{Ask, Cause, Context, Error, Reading, Settings, Source, Stamp};

use crate::bound;
use crate::local::unplanned;
use crate::options::Options;
use crate::rows::Rows;
use crate::sql::{self};
use crate::{look, secret};
use address::Address;
use wire::Wire;

const EXAMPLE: &str = "postgres://canary@127.0.0.1:5432/app";
/// In front of the number of a parameter.
const MARK: char = '$';

/// A database on a server.
pub(crate) struct Postgres {
    address: Address,
    timeout: Duration,
}

impl Postgres {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source postgres", settings, &[&["url", "url_env"]])?;
        let url = secret::url(&options, EXAMPLE)?;
        let address = Address::parse(&url).map_err(|why| options.refuse(why))?;
        Ok(Self { address, timeout })
    }
}

impl Source for Postgres {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter()
            .try_for_each(|ask| sql::plan(ask, MARK).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        let begun = (context.clock)();
        let started = Wire::open(&self.address, until).and_then(|mut wire| {
            let mark = begin(&mut wire, until)?;
            Ok((wire, mark))
        });
        match started {
            Ok((mut wire, mark)) => look::one_by_one(asks, context, |ask| {
                one(&mut wire, ask, context, (&mark, begun))
            }),
            Err(cause) => look::all_failed(asks, &cause, begun, context),
        }
    }

    fn remote(&self) -> bool {
        self.address.endpoint.is_far()
    }
}

/// Begins to read: from here on, all facets see the same. The server's own limit frees it when we have gone.
fn begin(wire: &mut Wire, until: Instant) -> Result<String, Cause> {
    let left = look::left(until).map_err(|error| look::fault("", &error))?;
    let begin = format!(
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {}",
        left.as_millis().max(1)
    );
    wire.command(&begin)?;
    let asked = "SELECT pg_current_snapshot()::text, (SELECT system_identifier FROM pg_control_system())::text";
    let plain = "SELECT pg_current_snapshot()::text, ''";
    wire.command("SAVEPOINT facet")?;
    // Not everybody may ask which cluster it is.
    let mark = match wire.row(asked) {
        Ok(mark) => mark,
        Err(_) => {
            wire.command("ROLLBACK TO SAVEPOINT facet")?;
            wire.row(plain)?
        }
    };
    Ok(format!("snapshot={} cluster={}", mark.0, mark.1))
}

fn one(
    wire: &mut Wire,
    ask: &Ask,
    context: &Context<'_>,
    // All facets are of the instant at which the transaction began.
    (mark, begun): (&str, Stamp),
) -> Result<Reading, Cause> {
    let (facet, statement) = sql::plan(ask, MARK).map_err(|error| unplanned(&error))?;
    let mut bound = bound::of(&facet, ask, context)?;
    let mut rows = Rows::new(&facet, ask, std::mem::take(&mut bound.gaps));
    let read = query::run(wire, &statement, &bound.all, &mut rows, context);
    if read.is_err() && wire.is_usable() {
        // What was not sent yet is not said any more.
        wire.out.clear();
        wire.command("ROLLBACK TO SAVEPOINT facet")?;
    }
    read?;
    Ok(look::done(rows, begun, context, Some(mark.to_owned())))
}
