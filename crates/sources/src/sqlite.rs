//! SQLite: a file that is opened to be read, and one transaction for all facets of a look.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runward_canary::{
    Ask, Cause, CauseKind, Context, Error, Reading, Settings, Source, Stamp, Value,
};
use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::bound::{self, Binding};
use crate::cell::Cell;
use crate::local::unplanned;
use crate::look;
use crate::options::Options;
use crate::rows::{Rows, garbled};
use crate::sql::{self, Statement};

/// How many steps of its machine SQLite makes between two looks at the clock: some microseconds.
const STEPS: i32 = 1000;
/// In front of the number of a parameter.
const MARK: char = '?';

/// A database in a file.
pub(crate) struct Sqlite {
    path: PathBuf,
    timeout: Duration,
    open: Option<Open>,
}

/// A connection, and which file it has open: another one may have taken its path.
struct Open {
    connection: Connection,
    file: (u64, u64),
}

impl Sqlite {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source sqlite", settings, &[&["path"]])?;
        let path = options.required("path", "\"/var/lib/app/app.db\"")?.into();
        Ok(Self {
            path,
            timeout,
            open: None,
        })
    }

    /// The connection to the file that is at the path now.
    fn connection(&mut self) -> Result<&Open, Cause> {
        let file = identity(&self.path)?;
        let kept = self.open.take().filter(|open| open.file == file);
        let open = match kept {
            Some(open) => open,
            None => Open::new(&self.path, file)?,
        };
        Ok(self.open.insert(open))
    }
}

/// Which file it is. Anything but a regular file could make an open wait for ever.
fn identity(path: &Path) -> Result<(u64, u64), Cause> {
    let found = fs::metadata(path);
    let found =
        found.map_err(|error| look::fault(format!("database {}", path.display()), &error))?;
    match found.is_file() {
        true => Ok((found.dev(), found.ino())),
        false => Err(garbled(format!("{} is no database file", path.display()))),
    }
}

impl Open {
    fn new(path: &Path, file: (u64, u64)) -> Result<Self, Cause> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|error| cause(&error))?;
        Ok(Self { connection, file })
    }

    /// Ends what takes longer, also a wait for somebody who writes.
    fn limit(&self, until: Instant) -> Result<(), rusqlite::Error> {
        let left = look::left(until).unwrap_or(Duration::from_millis(1));
        self.connection.busy_timeout(left)?;
        self.connection
            .progress_handler(STEPS, Some(move || Instant::now() >= until))
    }

    /// Begins to read: from here on, all facets see the same.
    fn begin(&self) -> Result<String, rusqlite::Error> {
        self.connection
            .execute_batch("PRAGMA query_only = ON; BEGIN")?;
        let version = |name: &str| -> Result<i64, rusqlite::Error> {
            self.connection
                .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
        };
        let () = self
            .connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let (schema, data) = (version("schema_version")?, version("data_version")?);
        Ok(format!("inode={} schema={schema} data={data}", self.file.1))
    }

    fn end(&self) {
        // A transaction that only reads has nothing to lose.
        let _ = self.connection.progress_handler(0, None::<fn() -> bool>);
        let _ = self.connection.execute_batch("ROLLBACK");
    }
}

impl Source for Sqlite {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter()
            .try_for_each(|ask| sql::plan(ask, MARK).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        let begun = (context.clock)();
        let open = match self.connection() {
            Ok(open) => open,
            Err(cause) => return look::all_failed(asks, &cause, begun, context),
        };
        let started = open.limit(until).and_then(|()| open.begin());
        let readings = match started {
            Ok(mark) => look::one_by_one(asks, context, |ask| {
                one(&open.connection, ask, context, (&mark, begun), until)
            }),
            Err(error) => look::all_failed(asks, &cause(&error), begun, context),
        };
        open.end();
        readings
    }
}

fn one(
    connection: &Connection,
    ask: &Ask,
    context: &Context<'_>,
    // All facets are of the instant at which the transaction began.
    (mark, begun): (&str, Stamp),
    until: Instant,
) -> Result<Reading, Cause> {
    look::check(until)?;
    let (facet, statement) = sql::plan(ask, MARK).map_err(|error| unplanned(&error))?;
    let mut bound = bound::of(&facet, ask, context)?;
    let mut rows = Rows::new(&facet, ask, std::mem::take(&mut bound.gaps));
    let mut prepared = connection
        .prepare(&statement.text)
        .map_err(|error| cause(&error))?;
    if !prepared.readonly() {
        return Err(Cause::new(CauseKind::Denied, "the query would write"));
    }
    if prepared.parameter_count() != statement.names.len() {
        return Err(garbled("the query has a parameter that nobody binds"));
    }
    if !rows.is_single() {
        rows.name(&prepared.column_names())?;
    }
    for binding in &bound.all {
        let read = (context.clock)();
        query(&mut prepared, &statement, binding, &mut rows, read)?;
    }
    Ok(look::done(rows, begun, context, Some(mark.to_owned())))
}

fn query(
    prepared: &mut rusqlite::Statement<'_>,
    statement: &Statement,
    binding: &Binding<'_>,
    rows: &mut Rows<'_>,
    read: Stamp,
) -> Result<(), Cause> {
    for (index, name) in statement.names.iter().enumerate() {
        let value = binding.value(name);
        let value = value.ok_or_else(|| garbled(format!("there is no column {name} to bind")))?;
        prepared
            .raw_bind_parameter(index + 1, Bind(&value))
            .map_err(|error| cause(&error))?;
    }
    let width = prepared.column_count();
    let mut answer = prepared.raw_query();
    let mut count = 0;
    while let Some(row) = answer.next().map_err(|error| cause(&error))? {
        count += 1;
        let cells = (0..width).map(|index| row.get_ref(index).map(cell));
        let cells: Vec<_> = cells
            .collect::<Result<_, _>>()
            .map_err(|error| cause(&error))?;
        match rows.is_single() {
            true if count > 1 || width != 1 => {
                return Err(garbled("more than one value came where one was asked for"));
            }
            true => rows.push_single(cells.into_iter().next(), binding, read)?,
            false => rows.push(&cells, binding, read)?,
        }
    }
    match count {
        0 if rows.is_single() => rows.push_single(None, binding, read),
        _ => Ok(()),
    }
}

/// A value as it is bound; a time as text, as it was read.
struct Bind<'a>(&'a Value);

impl ToSql for Bind<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Bool(bool) => ToSqlOutput::Borrowed(ValueRef::Integer((*bool).into())),
            Value::Int(int) => ToSqlOutput::Borrowed(ValueRef::Integer(*int)),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Time(stamp) => ToSqlOutput::Owned(stamp.to_string().into()),
        })
    }
}

fn cell(value: ValueRef<'_>) -> Cell<'_> {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(int) => Cell::Int(int),
        ValueRef::Real(real) => Cell::text(real.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Cell::bytes(bytes),
    }
}

/// What it is that went wrong. The words of SQLite name tables and columns, and no values.
fn cause(error: &rusqlite::Error) -> Cause {
    use ErrorCode as E;
    let kind = match error.sqlite_error_code() {
        Some(E::DatabaseBusy | E::DatabaseLocked | E::OperationInterrupted) => CauseKind::Timeout,
        Some(E::PermissionDenied | E::AuthorizationForStatementDenied | E::ReadOnly) => {
            CauseKind::Denied
        }
        Some(E::CannotOpen | E::SystemIoFailure) => CauseKind::Unreachable,
        _ => CauseKind::Garbled,
    };
    Cause::new(kind, format!("sqlite: {error}"))
}
