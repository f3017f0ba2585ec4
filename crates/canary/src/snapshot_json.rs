//! Snapshots as files: one JSON object, schema 1, rows as arrays, the same bytes for the same snapshot.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error as _;
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::schema::Schema;
use crate::secret::Secrets;
use crate::{Cause, Column, Cut, Error, ErrorKind, Kind, Reading, Snapshot, Stamp, Table, Value};

#[derive(Serialize)]
struct Writing<'a> {
    schema: Schema,
    taken: Stamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Stamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    monotonic: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    origins: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    remote: &'a BTreeSet<String>,
    first: Looked<'a>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    second: Looked<'a>,
}

type Looked<'a> = BTreeMap<&'a str, ReadingOut<'a>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read {
    #[serde(rename = "schema")]
    _schema: Schema,
    taken: Stamp,
    ended: Option<Stamp>,
    monotonic: Option<u64>,
    boot: Option<String>,
    #[serde(default)]
    origins: BTreeMap<String, String>,
    #[serde(default)]
    remote: BTreeSet<String>,
    first: Cut,
    #[serde(default)]
    second: Cut,
}

impl Snapshot {
    /// Reads what [`Snapshot::to_json`] wrote.
    ///
    /// # Errors
    ///
    /// When it is anything else, or of another schema; the message says in which line and column.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let read: Read = serde_json::from_str(text).map_err(|error| {
            let message = format!("read the snapshot: {error}");
            Error::new(ErrorKind::Snapshot, message)
        })?;
        let mut snapshot = Self::new(read.taken, read.first)
            .with_second(read.second)
            .with_origins(read.origins)
            .with_remote(read.remote);
        snapshot.ended = read.ended;
        snapshot.monotonic = read.monotonic;
        Ok(match read.boot {
            Some(boot) => snapshot.with_boot(boot),
            None => snapshot,
        })
    }

    /// As JSON, schema 1, on one line: stamps as RFC 3339, each row an array.
    ///
    /// Credentials in it, as `secret` knows them, are digests: the file is judged as the snapshot was, and leaks nothing of them.
    pub fn to_json(&self) -> String {
        let secrets = Secrets::new();
        let writing = Writing {
            schema: Schema,
            taken: self.taken(),
            ended: self.ended,
            monotonic: self.monotonic,
            boot: self.boot(),
            origins: &self.origins,
            remote: &self.remote,
            first: looked(self.first(), &secrets),
            second: looked(self.second(), &secrets),
        };
        // Maps with text for keys, numbers and text: there is nothing in it that could fail.
        serde_json::to_string(&writing).unwrap_or_default()
    }
}

fn looked<'a>(cut: &'a Cut, secrets: &'a Secrets) -> Looked<'a> {
    let one = |(facet, reading): (&'a String, &'a Reading)| {
        (facet.as_str(), ReadingOut::of(reading, secrets))
    };
    cut.iter().map(one).collect()
}

#[derive(Serialize)]
struct ReadingOut<'a> {
    begun: Stamp,
    ended: Stamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    watermark: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    gaps: BTreeMap<Cow<'a, str>, Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<&'a [Column]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Rows<'a>>,
}

impl<'a> ReadingOut<'a> {
    fn of(reading: &'a Reading, secrets: &'a Secrets) -> Self {
        let cause = |cause: &Cause| Cause::new(cause.kind(), secrets.mask(cause.detail()));
        let gaps = reading.gaps.iter();
        let table = reading.table();
        Self {
            begun: reading.begun,
            ended: reading.ended,
            watermark: reading.watermark().map(|mark| secrets.mask(mark)),
            gaps: gaps
                .map(|(subject, why)| (secrets.mask(subject), cause(why)))
                .collect(),
            failed: table.err().map(cause),
            columns: table.ok().map(Table::columns),
            rows: table.ok().map(|table| Rows(table, secrets)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReadingIn {
    begun: Stamp,
    ended: Stamp,
    watermark: Option<String>,
    #[serde(default)]
    gaps: BTreeMap<String, Cause>,
    failed: Option<Cause>,
    columns: Option<Vec<Column>>,
    rows: Option<Vec<Vec<Cell>>>,
}

impl<'de> Deserialize<'de> for Reading {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = ReadingIn::deserialize(deserializer)?;
        let outcome = match (read.failed, read.columns, read.rows) {
            (Some(cause), None, None) => Err(cause),
            (None, Some(columns), Some(rows)) => {
                Ok(table(columns, rows).map_err(D::Error::custom)?)
            }
            _ => {
                let words = "a reading has either `columns` and `rows`, or `failed`";
                return Err(D::Error::custom(words));
            }
        };
        Ok(Self {
            outcome,
            gaps: read.gaps,
            begun: read.begun,
            ended: read.ended,
            watermark: read.watermark,
        })
    }
}

fn table(columns: Vec<Column>, rows: Vec<Vec<Cell>>) -> Result<Table, String> {
    let width = columns.len();
    if width == 0 {
        return Err("a table has at least one column".to_owned());
    }
    let times: Vec<bool> = columns.iter().map(is_time).collect();
    let mut table = Table::new(columns);
    for (index, row) in rows.into_iter().enumerate() {
        if row.len() != width {
            let cells = row.len();
            return Err(format!("row {index} has {cells} cells for {width} columns"));
        }
        let cells = row.into_iter().zip(&times);
        let values: Result<Vec<Value>, String> =
            cells.map(|(cell, time)| cell.value(*time)).collect();
        table.push(values?);
    }
    Ok(table)
}

fn is_time(column: &Column) -> bool {
    column.kind() == Kind::Time
}

/// The rows of a table. Plain text in a column of times is a time, and in any other it is text; what is otherwise says what it is.
struct Rows<'a>(&'a Table, &'a Secrets);

struct Cells<'a>(&'a [Value], &'a [bool], &'a Secrets);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Plain(Box<str>),
    Other(Other),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Other {
    Time(Stamp),
    Text(Box<str>),
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let times: Vec<bool> = self.0.columns().iter().map(is_time).collect();
        let rows = self.0.rows();
        let mut seq = serializer.serialize_seq(Some(rows.len()))?;
        for row in rows {
            seq.serialize_element(&Cells(row.cells(), &times, self.1))?;
        }
        seq.end()
    }
}

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0
                .iter()
                .zip(self.1)
                .map(|(value, time)| Cell::of(value, *time, self.2)),
        )
    }
}

impl Cell {
    fn of(value: &Value, time: bool, secrets: &Secrets) -> Self {
        let masked = |text: &str| Box::from(&*secrets.mask(text));
        match value {
            Value::Null => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::Int(int) => Self::Int(*int),
            Value::Time(stamp) if time => Self::Plain(stamp.to_string().into()),
            Value::Time(stamp) => Self::Other(Other::Time(*stamp)),
            Value::Text(text) if time => Self::Other(Other::Text(masked(text))),
            Value::Text(text) => Self::Plain(masked(text)),
        }
    }

    fn value(self, time: bool) -> Result<Value, String> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Int(int) => Value::Int(int),
            Self::Plain(text) if time => Value::Time(Stamp::try_from(String::from(text))?),
            Self::Plain(text) | Self::Other(Other::Text(text)) => Value::text(text),
            Self::Other(Other::Time(stamp)) => Value::Time(stamp),
        })
    }
}
