//! The tables, and what is read from them.

use std::time::Duration;

use runward_canary::ledger::{Episode, Saved};
use runward_canary::{CauseKind, Error, ErrorKind};

use super::session::{Param, Row, Session, bytes, int, words, yes};
use super::{Database, Kept};

/// Of these tables; what a newer one means, nobody here knows.
const VERSION: i64 = 1;

/// One schema, and what is asked of it. Its name was checked, and is quoted all the same.
pub(super) struct Tables<'a> {
    database: &'a Database,
    schema: String,
}

impl<'a> Tables<'a> {
    pub(super) fn of(database: &'a Database) -> Self {
        let schema = format!("\"{}\"", database.schema);
        Self { database, schema }
    }

    /// Whether somebody has made them. If not, there is nothing in the schema.
    pub(super) fn are_there(&self, session: &mut Session) -> Result<bool, Error> {
        session.begin(Duration::ZERO);
        let name = format!("{}.ledger", self.schema);
        let asked = "SELECT pg_catalog.to_regclass($1::text) IS NOT NULL";
        let answer = session.ask(asked, &[Param::Text(&name)]);
        let answer = answer.map_err(|cause| self.database.failed("look for", &cause))?;
        if yes(&answer) {
            return Ok(true);
        }
        let found = self.undisturbed(session)?;
        // Made meanwhile: all of them are there at once.
        if found.iter().any(|name| name == "ledger") {
            return Ok(true);
        }
        match found.first() {
            Some(name) => {
                let why = format!("it has no table `ledger`, and has `{name}`");
                Err(self.database.torn(&why))
            }
            None => Ok(false),
        }
    }

    /// Those of our names that are in the schema, if there are no others. An index is where its table is, and is not looked for.
    fn undisturbed(&self, session: &mut Session) -> Result<Vec<String>, Error> {
        session.begin(Duration::ZERO);
        let answer = session.ask(RELATIONS, &[Param::Text(&self.database.schema)]);
        let answer = answer.map_err(|cause| self.database.failed("look for", &cause))?;
        let found: Vec<_> = answer.rows.iter().map(|row| words(row, 0)).collect();
        match found.iter().find(|name| !OURS.contains(&name.as_str())) {
            None => Ok(found),
            Some(other) => {
                let message = format!(
                    "look for the ledger in {}: the schema has relations that are not a ledger's, `{other}` for one; choose another name with `[ledger] schema`: a schema that is not there, or is empty",
                    self.database
                );
                Err(Error::new(ErrorKind::State, message))
            }
        }
    }

    /// Makes them, all or none; whoever calls holds the lock.
    pub(super) fn make(&self, session: &mut Session) -> Result<(), Error> {
        let (schema, rules) = (&self.schema, self.database.rules.as_bytes());
        session.begin(Duration::ZERO);
        let name = [Param::Text(&self.database.schema)];
        let made = session.transaction(|session| {
            let there = "SELECT EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1::text)";
            if !yes(&session.ask(there, &name)?) {
                session.ask(&format!("CREATE SCHEMA {schema}"), &[])?;
            }
            for table in [LEDGER, EPISODE, EPISODE_AT, SNAPSHOT] {
                session.ask(&table.replace("SCHEMA", schema), &[])?;
            }
            let first = format!(
                "INSERT INTO {schema}.ledger (version, rules, commit) VALUES ($1::bigint, $2::bytea, 0)"
            );
            session.ask(&first, &[Param::Int(VERSION), Param::Bytes(rules)])?;
            Ok(true)
        });
        made.map(drop)
            .map_err(|cause| self.database.failed("make", &cause))
    }

    /// State, outbox, and what was said last.
    pub(super) fn load(&self, session: &mut Session) -> Result<Kept, Error> {
        self.check(session)?;
        let schema = &self.schema;
        let asked = format!(
            "SELECT commit, saved, last, (SELECT max(commit) FROM {schema}.episode) FROM {schema}.ledger"
        );
        let row = self.only(session, &asked)?;
        let commit = int(&row, 0).unwrap_or(-1);
        let beyond = int(&row, 3).unwrap_or(0);
        if beyond > commit {
            let why = format!("it is of commit {commit}, and has episodes of commit {beyond}");
            return Err(self.database.torn(&why));
        }
        let saved = match (commit, bytes(&row, 1)) {
            (0, None) if beyond == 0 => Saved::default(),
            (_, None) => return Err(self.database.torn("it has no state")),
            (_, Some(text)) => self.saved(text)?,
        };
        if i64::try_from(saved.commit) != Ok(commit) {
            let why = format!(
                "it is of commit {commit}, and its state of {}",
                saved.commit
            );
            return Err(self.database.torn(&why));
        }
        let last = bytes(&row, 2).map(|text| String::from_utf8_lossy(text).into_owned());
        Ok(Kept { saved, last })
    }

    fn saved(&self, text: &[u8]) -> Result<Saved, Error> {
        let read = Saved::decode(&String::from_utf8_lossy(text));
        read.map_err(|error| self.database.torn(&error.to_string()))
    }

    /// Whether they are ours and alone, of a version that is known, and of these rules. A newer version may have tables that nobody here knows.
    fn check(&self, session: &mut Session) -> Result<(), Error> {
        let schema = &self.schema;
        let asked = format!("SELECT version::bigint FROM {schema}.ledger");
        let version = match self.only(session, &asked) {
            Ok(row) => int(&row, 0).unwrap_or(0),
            // It may be that the table is of somebody else, as others beside it are.
            Err(error) if session.is_usable() => {
                return self.undisturbed(session).and(Err(error));
            }
            Err(error) => return Err(error),
        };
        if version > VERSION {
            let message = format!(
                "read the ledger in {}: its tables are of version {version}, and this runward knows {VERSION}; install the newer runward on this host as well",
                self.database
            );
            return Err(Error::new(ErrorKind::State, message));
        }
        self.undisturbed(session)?;
        if version != VERSION {
            let why = format!("its tables are of version {version}, which never was");
            return Err(self.database.torn(&why));
        }
        let row = self.only(session, &format!("SELECT rules FROM {schema}.ledger"))?;
        match bytes(&row, 0) == Some(self.database.rules.as_bytes()) {
            true => Ok(()),
            false => Err(self.foreign(&words(&row, 0))),
        }
    }

    /// Two rule sets in one ledger would each let go of what the other knows to be red.
    fn foreign(&self, other: &str) -> Error {
        let (name, schema) = (&self.database.rules, &self.schema);
        let message = format!(
            "read the ledger in {}: it belongs to the rules titled `{other}`, and these are `{name}`; give each a `[ledger] schema` of its own, or, if the title was changed, UPDATE {schema}.ledger SET rules = convert_to('the new title', 'UTF8')",
            self.database
        );
        Error::new(ErrorKind::State, message)
    }

    /// The only row, if that is what there is.
    fn only(&self, session: &mut Session, text: &str) -> Result<Row, Error> {
        session.begin(Duration::ZERO);
        let answer = session.ask(text, &[]).map_err(|cause| match cause.kind() {
            CauseKind::Garbled => {
                let why = format!("its tables are not ours: {}", cause.detail());
                self.database.torn(&why)
            }
            _ => self.database.failed("read", &cause),
        })?;
        let count = answer.rows.len();
        let mut rows = answer.rows.into_iter();
        match (rows.next(), rows.next()) {
            (Some(row), None) => Ok(row),
            _ => Err(self
                .database
                .torn(&format!("it has {count} rows and not one"))),
        }
    }

    pub(super) fn episodes(&self, session: &mut Session) -> Result<Vec<Episode>, Error> {
        self.check(session)?;
        let schema = &self.schema;
        let asked = format!("SELECT body FROM {schema}.episode ORDER BY commit, line");
        session.begin(Duration::ZERO);
        let answer = session.ask(&asked, &[]);
        let answer = answer.map_err(|cause| self.database.failed("read", &cause))?;
        let episode = |row: &Row| {
            let text = String::from_utf8_lossy(bytes(row, 0).unwrap_or_default()).into_owned();
            Episode::decode(&text).map_err(|error| self.database.torn(&error.to_string()))
        };
        answer.rows.iter().map(episode).collect()
    }

    /// One after the other: each has the whole time and the whole room.
    pub(super) fn snapshots(&self, session: &mut Session) -> Result<Vec<String>, Error> {
        self.check(session)?;
        let schema = &self.schema;
        let read = |cause| self.database.failed("read", &cause);
        session.begin(Duration::ZERO);
        let all = format!("SELECT taken_us FROM {schema}.snapshot ORDER BY taken_us");
        let all = session.ask(&all, &[]).map_err(read)?;
        let one = format!("SELECT body FROM {schema}.snapshot WHERE taken_us = $1::bigint");
        let mut found = Vec::new();
        for taken in all.rows.iter().filter_map(|row| int(row, 0)) {
            session.begin(Duration::ZERO);
            let answer = session.ask(&one, &[Param::Int(taken)]).map_err(read)?;
            // What was removed meanwhile is not kept any more.
            let body = answer.rows.first().and_then(|row| bytes(row, 0));
            found.extend(body.map(|body| String::from_utf8_lossy(body).into_owned()));
        }
        Ok(found)
    }

    /// A statement about one of them.
    pub(super) fn text(&self, text: &str) -> String {
        text.replace("SCHEMA", &self.schema)
    }
}

/// The names of the tables below.
const OURS: [&str; 3] = ["ledger", "episode", "snapshot"];
/// Ours, and one of the others.
const RELATIONS: &str = "SELECT c.relname::text FROM pg_catalog.pg_class c
    WHERE c.relnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname = $1::text)
    AND c.relkind NOT IN ('i', 'I')
    ORDER BY c.relname IN ('ledger', 'episode', 'snapshot'), c.relname LIMIT 4";
// What people wrote is kept as bytes: JSON has no byte that is zero, but a database may have another encoding.
const LEDGER: &str = "CREATE TABLE SCHEMA.ledger (
    version bigint NOT NULL,
    rules bytea NOT NULL,
    commit bigint NOT NULL,
    saved bytea,
    writer bytea,
    written timestamptz,
    last bytea,
    one boolean PRIMARY KEY DEFAULT true CHECK (one)
)";
const EPISODE: &str = "CREATE TABLE SCHEMA.episode (
    commit bigint NOT NULL,
    line bigint NOT NULL,
    at_us bigint NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (commit, line)
)";
const EPISODE_AT: &str = "CREATE INDEX episode_at ON SCHEMA.episode (at_us)";
const SNAPSHOT: &str = "CREATE TABLE SCHEMA.snapshot (
    taken_us bigint PRIMARY KEY,
    body bytea NOT NULL
)";
