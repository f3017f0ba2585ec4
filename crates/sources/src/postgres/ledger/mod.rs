//! A ledger of `runward-canary` for several hosts: a schema of a PostgreSQL database.
//!
//! It lives beside the source for PostgreSQL because both speak over the same connection, with the same limits of time. What it keeps is
//! `runward-canary`'s own text, byte for byte.
//!
//! | table | what |
//! |---|---|
//! | `ledger` | one row: the version of these tables, the title of the rules, the number of the last commit, state and outbox, who wrote them and when, and what the last cycle said |
//! | `episode` | what opened, closed and changed: a row each |
//! | `snapshot` | what was read in the last cycles |
//!
//! There is nothing else in that schema: one that has relations of others is refused, and one that is empty is used.
//!
//! Who may write holds an advisory lock of its session, which the server frees when the connection ends; that it is alone is checked all the
//! same: a commit happens only on top of the one that was read. A pooler that gives a session to several clients takes the lock apart, and leaves the check.

mod book;
mod lease;
mod session;
mod tables;

use std::fmt;
use std::time::Duration;

use runward_canary::ledger::{Episode, Saved};
use runward_canary::{Cause, CauseKind, Error, ErrorKind, Setting, Settings};

use super::address::Address;
use crate::options::Options;
use crate::secret;
pub use book::Ledger;
pub use lease::Lease;
use session::Session;
use tables::Tables;

const EXAMPLE: &str = "postgres://canary@127.0.0.1:5432/app";
const SCHEMA: &str = "runward_canary";

/// Where a ledger is, and which rules it belongs to. It has no `Debug`, and its `Display` has no password.
#[derive(Clone)]
pub struct Database {
    address: Address,
    schema: String,
    rules: String,
    timeout: Duration,
}

/// Whoever writes, as others are told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The name of the machine.
    pub host: String,
    /// Under which name it judges.
    pub instance: String,
}

/// What is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// State and outbox; of commit 0 if there has never been one.
    pub saved: Saved,
    /// What the last cycle said, if it came to that.
    pub last: Option<String>,
}

impl Database {
    /// A database by the settings `url` or `url_env`, and `schema`, for the rules of that title. Nobody is contacted.
    ///
    /// # Errors
    ///
    /// When the address cannot be one. No message has its password.
    pub fn new(settings: &Settings, rules: &str, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("[ledger]", settings, &[&["url", "url_env", "schema"]])?;
        let url = secret::url(&options, EXAMPLE)?;
        let address = Address::parse(&url).map_err(|why| options.refuse(why))?;
        let schema = match settings.get("schema") {
            Some(Setting::Text(schema)) => schema.clone(),
            _ => SCHEMA.to_owned(),
        };
        if schema.is_empty() || schema.contains(['"', '\0']) {
            return Err(options.refuse("`schema` has to be a plain name"));
        }
        Ok(Self {
            address,
            schema,
            rules: runward_canary::bounded(rules, 200),
            timeout,
        })
    }

    /// What is kept now; none if nobody ever wrote there. Nothing is changed, and no lock is taken.
    ///
    /// # Errors
    ///
    /// When it cannot be asked, and when what it has is not what was written.
    pub fn look(&self) -> Result<Option<Kept>, Error> {
        let mut session = self.session("status")?;
        let tables = Tables::of(self);
        match tables.are_there(&mut session)? {
            true => tables.load(&mut session).map(Some),
            false => Ok(None),
        }
    }

    /// What changed and is kept, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Database::look`].
    pub fn episodes(&self) -> Result<Vec<Episode>, Error> {
        let mut session = self.session("episodes")?;
        let tables = Tables::of(self);
        match tables.are_there(&mut session)? {
            true => tables.episodes(&mut session),
            false => Ok(Vec::new()),
        }
    }

    /// The snapshots that are kept, oldest first.
    ///
    /// # Errors
    ///
    /// As [`Database::look`].
    pub fn snapshots(&self) -> Result<Vec<String>, Error> {
        let mut session = self.session("replay")?;
        let tables = Tables::of(self);
        match tables.are_there(&mut session)? {
            true => tables.snapshots(&mut session),
            false => Ok(Vec::new()),
        }
    }

    fn session(&self, name: &str) -> Result<Session, Error> {
        let name = format!("runward canary {name}");
        let opened = Session::open(&self.address, self.timeout, &name);
        opened.map_err(|cause| self.failed("open", &cause))
    }

    /// What became of a call, with what can be done about it.
    fn failed(&self, doing: &str, cause: &Cause) -> Error {
        let remedy = match cause.kind() {
            CauseKind::Unreachable => "start the database, or correct `[ledger] url`",
            CauseKind::Timeout => "look what holds it up, or raise `[ledger] timeout`",
            CauseKind::Denied => {
                "give the role of `[ledger] url` its password, and the right to make the schema or to use it"
            }
            _ => "look into the log of the server",
        };
        let message = format!("{doing} the ledger in {self}: {}; {remedy}", cause.detail());
        Error::new(ErrorKind::Storage, message)
    }

    /// What is there and is not what was written: nobody can tell what was red, so nobody goes on.
    fn torn(&self, why: &str) -> Error {
        let message = format!(
            "read the ledger in {self}: {why}; restore its tables from a backup, or, if all that was red may be forgotten, name another with `[ledger] schema` or move these tables to another schema"
        );
        Error::new(ErrorKind::State, message)
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (schema, address) = (&self.schema, &self.address);
        write!(
            f,
            "schema {schema} of postgres at {}/{}",
            address.endpoint, address.database
        )
    }
}
