use std::time::Duration;

use runward_canary::alert::Outbox;
use runward_canary::engine::Transition;
use runward_canary::ledger::{Episode, Retention, Saved};
use runward_canary::{Cause, Error, ErrorKind, Stamp, State};

use super::lease::{Role, answer, ask, free, holder, take};
use super::session::{Param, Session, int, words};
use super::tables::Tables;
use super::{Database, Kept, Writer};

/// A connection that has just ended is let go of by the server within this.
const FAREWELL: Duration = Duration::from_secs(1);
/// At most so many old episodes are removed at a time.
const SWEPT: i64 = 10_000;

/// The ledger, open for its one writer until its connection ends.
#[must_use = "another may write it as soon as this is gone"]
pub struct Ledger {
    session: Session,
    database: Database,
    writer: Writer,
    retention: Retention,
    commit: u64,
}

impl Database {
    /// Opens the ledger to write it, and makes its tables if there are none. Somebody else who writes is waited for that long, and at least for a moment.
    ///
    /// # Errors
    ///
    /// When the database cannot be reached, when another writes ([`ErrorKind::Conflict`]), and when what is there is torn, of other rules or of a
    /// newer version ([`ErrorKind::State`]): it is never begun anew by itself.
    pub fn open(
        &self,
        writer: &Writer,
        retention: Retention,
        wait: Duration,
    ) -> Result<(Ledger, Kept), Error> {
        let mut session = self.session(&writer.name())?;
        self.alone(&mut session, wait.max(FAREWELL))?;
        let tables = Tables::of(self);
        if !tables.are_there(&mut session)? {
            tables.make(&mut session)?;
        }
        let kept = tables.load(&mut session)?;
        let ledger = Ledger {
            session,
            database: self.clone(),
            writer: writer.clone(),
            retention,
            commit: kept.saved.commit,
        };
        Ok((ledger, kept))
    }

    fn alone(&self, session: &mut Session, wait: Duration) -> Result<(), Error> {
        let lock = self.lock(Role::Cycle);
        let failed = |cause: &Cause| self.failed("open", cause);
        session.begin(wait);
        let taken = take(session, lock)
            .and_then(|taken| match taken {
                true => Ok(true),
                false => ask(session, lock, wait).and_then(|()| answer(session)),
            })
            .map_err(|cause| failed(&cause))?;
        session.begin(Duration::ZERO);
        if taken {
            let patience = session.patience(self.timeout);
            return patience.map_err(|cause| failed(&cause));
        }
        let other = holder(session, lock).map_err(|cause| failed(&cause))?;
        let message = format!("open the ledger in {self}: another cycle is running: {other}");
        Err(Error::new(ErrorKind::Conflict, message))
    }
}

impl Ledger {
    /// Writes state and outbox, and what has changed, as one, on top of the commit that was read: whoever is killed in between, and whatever becomes of
    /// the server, leaves the old or the new.
    ///
    /// # Errors
    ///
    /// When it cannot be written, or when somebody else has written since ([`ErrorKind::Conflict`]). If the connection was lost meanwhile, whether it
    /// was written is known to the next who reads it.
    pub fn commit(
        &mut self,
        state: &State,
        outbox: &Outbox,
        changed: &[Transition],
    ) -> Result<(), Error> {
        let next = self.commit + 1;
        let text = Saved::encode(next, state, outbox);
        self.session.begin(Duration::ZERO);
        let (before, next) = (number(self.commit), number(next));
        let lines = episodes(next, changed);
        let writer = self.writer.by();
        let tables = Tables::of(&self.database);
        let done = self.session.transaction(|session| {
            let values = [
                Param::Int(before),
                Param::Int(next),
                Param::Bytes(text.as_bytes()),
                Param::Bytes(writer.as_bytes()),
            ];
            if session.ask(&tables.text(REPLACE), &values)?.tag != "UPDATE 1" {
                return Ok(false);
            }
            let rows = lines.iter().map(Line::params);
            session.each(&tables.text(APPEND), rows)?;
            Ok(true)
        });
        match done {
            Ok(true) => {
                self.commit += 1;
                Ok(())
            }
            Ok(false) => Err(self.lost()),
            Err(cause) => Err(self.database.failed("write", &cause)),
        }
    }

    /// Who has written instead.
    fn lost(&mut self) -> Error {
        let text = Tables::of(&self.database).text(WINNER);
        let won = self.session.ask(&text, &[]);
        let won = won.ok().and_then(|answer| answer.rows.into_iter().next());
        let won = match won {
            Some(row) => {
                let commit = int(&row, 0).unwrap_or_default();
                let (writer, written) = (words(&row, 1), words(&row, 2));
                format!("it is of commit {commit} now, by {writer}, at {written}")
            }
            None => "its row is gone".to_owned(),
        };
        let message = format!(
            "write the ledger in {}: {won}, and not of commit {}, which this process has read; give each rule set a schema of its own, and let nobody else write there",
            self.database, self.commit
        );
        Error::new(ErrorKind::Conflict, message)
    }

    /// Keeps what the cycle says, for whoever asks.
    ///
    /// # Errors
    ///
    /// When it cannot be written. The state does not depend on it.
    pub fn say(&mut self, last: &str) -> Result<(), Error> {
        self.session.begin(Duration::ZERO);
        let text = Tables::of(&self.database).text(SAY);
        let values = [
            Param::Int(number(self.commit)),
            Param::Bytes(last.as_bytes()),
        ];
        match self.session.ask(&text, &values) {
            Ok(answer) if answer.tag == "UPDATE 1" => Ok(()),
            Ok(_) => Err(self.lost()),
            Err(cause) => Err(self.database.failed("write", &cause)),
        }
    }

    /// Keeps a snapshot, and removes what has been kept for long enough.
    ///
    /// # Errors
    ///
    /// When it cannot be written. The state does not depend on it.
    pub fn keep(&mut self, taken: Stamp, snapshot: &str) -> Result<(), Error> {
        self.session.begin(Duration::ZERO);
        let tables = Tables::of(&self.database);
        let terms = self.retention;
        let now = taken.as_micros();
        let done = self.session.transaction(|session| {
            let values = [Param::Int(before(now, terms.episodes)), Param::Int(SWEPT)];
            session.ask(&tables.text(SWEEP), &values)?;
            if terms.snapshots > 0 {
                let values = [Param::Int(now), Param::Bytes(snapshot.as_bytes())];
                session.ask(&tables.text(KEEP), &values)?;
                let most = i64::try_from(terms.snapshots).unwrap_or(i64::MAX);
                let values = [
                    Param::Int(before(now, terms.snapshot_age)),
                    Param::Int(most),
                ];
                session.ask(&tables.text(PRUNE), &values)?;
            }
            Ok(true)
        });
        done.map(drop)
            .map_err(|cause| self.database.failed("write", &cause))
    }

    /// Lets another write it.
    ///
    /// # Errors
    ///
    /// When the server does not answer; it is free even so once the connection has ended.
    pub fn close(mut self) -> Result<(), Error> {
        self.session.begin(Duration::ZERO);
        let lock = self.database.lock(Role::Cycle);
        let freed = free(&mut self.session, lock);
        freed.map_err(|cause| self.database.failed("close", &cause))
    }
}

impl Writer {
    /// What is written beside a commit.
    fn by(&self) -> String {
        let pid = std::process::id();
        format!("{} on {}, pid {pid}", self.instance, self.host)
    }
}

/// An episode as it is kept.
struct Line {
    commit: i64,
    line: i64,
    at: i64,
    body: String,
}

impl Line {
    fn params(&self) -> [Param<'_>; 4] {
        let body = Param::Bytes(self.body.as_bytes());
        let [commit, line, at] = [self.commit, self.line, self.at].map(Param::Int);
        [commit, line, at, body]
    }
}

fn episodes(commit: i64, changed: &[Transition]) -> Vec<Line> {
    let line = |(line, transition): (i64, &Transition)| Line {
        commit,
        line,
        at: transition.at.as_micros(),
        body: Episode::encode(commit.unsigned_abs(), transition),
    };
    (0..).zip(changed).map(line).collect()
}

fn number(commit: u64) -> i64 {
    i64::try_from(commit).unwrap_or(i64::MAX)
}

fn before(now: i64, age: Duration) -> i64 {
    now.saturating_sub(i64::try_from(age.as_micros()).unwrap_or(i64::MAX))
}

const REPLACE: &str = "UPDATE SCHEMA.ledger
    SET commit = $2::bigint, saved = $3::bytea, writer = $4::bytea, written = pg_catalog.clock_timestamp()
    WHERE commit = $1::bigint";
const APPEND: &str = "INSERT INTO SCHEMA.episode (commit, line, at_us, body)
    VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bytea)";
const WINNER: &str = "SELECT commit, writer, written::text FROM SCHEMA.ledger";
const SAY: &str = "UPDATE SCHEMA.ledger SET last = $2::bytea WHERE commit = $1::bigint";
const SWEEP: &str = "DELETE FROM SCHEMA.episode WHERE (commit, line) IN
    (SELECT commit, line FROM SCHEMA.episode WHERE at_us < $1::bigint ORDER BY at_us LIMIT $2::bigint)";
const KEEP: &str = "INSERT INTO SCHEMA.snapshot (taken_us, body) VALUES ($1::bigint, $2::bytea)
    ON CONFLICT (taken_us) DO UPDATE SET body = EXCLUDED.body";
const PRUNE: &str = "DELETE FROM SCHEMA.snapshot WHERE taken_us < $1::bigint OR taken_us NOT IN
    (SELECT taken_us FROM SCHEMA.snapshot ORDER BY taken_us DESC LIMIT $2::bigint)";
