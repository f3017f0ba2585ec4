//! Who leads: an advisory lock of a session, which ends with its connection.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use runward_canary::{Cause, CauseKind, Error};

use super::session::{Param, Session, words, yes};
use super::{Database, Writer};

/// What a lock is for.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Cycle,
    Watch,
}

/// A connection that asks for the lead of one ledger, and has it until it ends, whoever or whatever ends it.
///
/// Its descriptor becomes readable when there is an [`answer`](Lease::answer), and also when the connection is gone.
#[must_use = "the lead ends with it"]
pub struct Lease {
    session: Session,
    database: Database,
    lock: i64,
}

impl Database {
    /// A connection for whoever wants to lead; it does not lead yet.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached.
    pub fn lease(&self, writer: &Writer) -> Result<Lease, Error> {
        Ok(Lease {
            session: self.session(&writer.name())?,
            database: self.clone(),
            lock: self.lock(Role::Watch),
        })
    }

    /// One number for one schema and role, the same on all hosts: FNV-1a with 64 bits.
    pub(super) fn lock(&self, role: Role) -> i64 {
        let role = match role {
            Role::Cycle => "cycle",
            Role::Watch => "watch",
        };
        let name = format!("runward-canary\0{}\0{role}", self.schema);
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, mix);
        i64::from_ne_bytes(hash.to_ne_bytes())
    }
}

impl Writer {
    /// What others see of its connection.
    pub(super) fn name(&self) -> String {
        format!("{}:{} {}", self.host, std::process::id(), self.instance)
    }
}

impl Lease {
    /// Takes the lead if nobody has it.
    ///
    /// # Errors
    ///
    /// When the database does not answer. The connection is of no use then.
    pub fn lead(&mut self) -> Result<bool, Error> {
        self.session.begin(Duration::ZERO);
        let led = take(&mut self.session, self.lock);
        led.map_err(|cause| self.database.failed("lead by", &cause))
    }

    /// Who leads, in words.
    ///
    /// # Errors
    ///
    /// As [`Lease::lead`].
    pub fn leader(&mut self) -> Result<String, Error> {
        self.session.begin(Duration::ZERO);
        let leader = holder(&mut self.session, self.lock);
        leader.map_err(|cause| self.database.failed("lead by", &cause))
    }

    /// Asks the server for the lead, for so long; the answer is fetched with [`answer`](Lease::answer).
    ///
    /// Keep it short: as long as a statement waits, the server keeps rows that others have deleted.
    ///
    /// # Errors
    ///
    /// As [`Lease::lead`].
    pub fn ask(&mut self, wait: Duration) -> Result<(), Error> {
        self.session.begin(wait);
        let asked = ask(&mut self.session, self.lock, wait);
        asked.map_err(|cause| self.database.failed("lead by", &cause))
    }

    /// Whether we lead now.
    ///
    /// # Errors
    ///
    /// As [`Lease::lead`].
    pub fn answer(&mut self) -> Result<bool, Error> {
        self.session.begin(Duration::ZERO);
        let led = answer(&mut self.session);
        led.map_err(|cause| self.database.failed("lead by", &cause))
    }

    /// Whether we lead still, by the server's own word.
    ///
    /// # Errors
    ///
    /// As [`Lease::lead`].
    pub fn leads(&mut self) -> Result<bool, Error> {
        self.session.begin(Duration::ZERO);
        let text = format!("SELECT EXISTS (SELECT {HELD} AND l.pid = pg_catalog.pg_backend_pid())");
        let held = self.session.ask(&text, &[Param::Int(self.lock)]);
        let held = held.map_err(|cause| self.database.failed("lead by", &cause))?;
        Ok(yes(&held))
    }

    /// Lets another lead.
    ///
    /// # Errors
    ///
    /// As [`Lease::lead`]; it does not lead any more even so.
    pub fn close(mut self) -> Result<(), Error> {
        self.session.begin(Duration::ZERO);
        let freed = free(&mut self.session, self.lock);
        freed.map_err(|cause| self.database.failed("leave", &cause))
    }
}

impl AsFd for Lease {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.session.as_fd()
    }
}

/// How a lock of a session is found among those of the server: it keeps the number in two halves.
const HELD: &str = "FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
    AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
    AND l.classid::bigint = ($1::bigint >> 32) & 4294967295 AND l.objid::bigint = $1::bigint & 4294967295";

/// Takes the lock if it is free.
pub(super) fn take(session: &mut Session, lock: i64) -> Result<bool, Cause> {
    let text = "SELECT pg_catalog.pg_try_advisory_lock($1::bigint)";
    Ok(yes(&session.ask(text, &[Param::Int(lock)])?))
}

/// Asks to be given the lock when it becomes free: the server wakes us, nobody looks again and again.
pub(super) fn ask(session: &mut Session, lock: i64, wait: Duration) -> Result<(), Cause> {
    session.patience(wait)?;
    let text = "SELECT pg_catalog.pg_advisory_lock($1::bigint)";
    session.send(text, &[Param::Int(lock)])
}

/// Whether the lock came to us in the time that was asked for.
pub(super) fn answer(session: &mut Session) -> Result<bool, Cause> {
    match session.answer() {
        Ok(_) => Ok(true),
        Err(cause) if cause.kind() == CauseKind::Timeout && session.is_usable() => Ok(false),
        Err(cause) => Err(cause),
    }
}

pub(super) fn free(session: &mut Session, lock: i64) -> Result<(), Cause> {
    let text = "SELECT pg_catalog.pg_advisory_unlock($1::bigint)";
    session.ask(text, &[Param::Int(lock)]).map(drop)
}

/// Who has the lock, by the name of the connection, its address and its beginning.
pub(super) fn holder(session: &mut Session, lock: i64) -> Result<String, Cause> {
    let text = format!(
        "SELECT a.application_name, COALESCE(a.client_addr::text, 'a socket'), a.backend_start::text
         FROM pg_catalog.pg_stat_activity a WHERE a.pid IN (SELECT l.pid {HELD})"
    );
    let answer = session.ask(&text, &[Param::Int(lock)])?;
    Ok(match answer.rows.first() {
        Some(row) => format!(
            "{}, connected from {} since {}",
            words(row, 0),
            words(row, 1),
            words(row, 2)
        ),
        None => "somebody who has just gone".to_owned(),
    })
}
