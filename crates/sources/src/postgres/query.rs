//! A statement that is prepared once and run for each that it is asked for, with values that are bound as text.

use std::borrow::Cow;
use std::ops::Range;

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::IsNull;
use postgres_protocol::message::backend::{DataRowBody, Message, RowDescriptionBody};
use postgres_protocol::message::frontend;
use runward_canary::{Cause, CauseKind, Context, Kind, Stamp, Value};

use super::wire::{Wire, refused};
use crate::bound::Binding;
use crate::cell::Cell;
use crate::rows::{Rows, garbled};
use crate::sql::Statement;

/// How much goes out before the answers are read: less than fits into the buffers between two processes, so that
/// neither waits for the other to read.
const BYTES: usize = 32 << 10;
const BINDS: usize = 256;

/// Which kinds the columns of an answer have, for those who take any.
type Kinds = Vec<Kind>;

pub(super) fn run(
    wire: &mut Wire,
    statement: &Statement,
    bindings: &[Binding<'_>],
    rows: &mut Rows<'_>,
    context: &Context<'_>,
) -> Result<(), Cause> {
    let kinds = prepare(wire, statement, rows)?;
    let mut rest = bindings;
    while !rest.is_empty() {
        let read = (context.clock)();
        let (mut count, mut asked) = (0, Vec::new());
        for binding in rest.iter().take(BINDS) {
            if count > 0 && wire.out.len() >= BYTES {
                break;
            }
            count += 1;
            match values(statement, binding) {
                Ok(values) => {
                    bind(wire, &values)?;
                    asked.push(binding.clone());
                }
                Err(cause) => rows.gap(
                    binding.subject().ok_or(&cause).map_err(Cause::clone)?,
                    cause,
                ),
            }
        }
        let later = rest.get(count..).unwrap_or_default();
        frontend::sync(&mut wire.out);
        wire.flush()?;
        answers(wire, &asked, rows, &kinds, read)?;
        rest = later;
    }
    Ok(())
}

/// Lets the server look at the statement: what it refuses is known before anything is bound.
fn prepare(wire: &mut Wire, statement: &Statement, rows: &mut Rows<'_>) -> Result<Kinds, Cause> {
    let packed = frontend::parse("", &statement.text, [], &mut wire.out);
    wire.packed(packed)?;
    let packed = frontend::describe(b'S', "", &mut wire.out);
    wire.packed(packed)?;
    frontend::sync(&mut wire.out);
    wire.flush()?;
    let mut kinds = Err(garbled("the query has no answer"));
    let mut failed = None;
    loop {
        match wire.receive_any()? {
            // Even if it does not fit, the conversation goes on to its end.
            Message::RowDescription(body) => kinds = described(&body, rows),
            Message::ErrorResponse(body) => failed = Some(refused(&body)),
            Message::ReadyForQuery(_) => return failed.map_or(kinds, Err),
            _ => {}
        }
    }
}

fn described(body: &RowDescriptionBody, rows: &mut Rows<'_>) -> Result<Kinds, Cause> {
    let mut names = Vec::new();
    let mut kinds = Vec::new();
    let mut fields = body.fields();
    while let Some(field) = fields
        .next()
        .map_err(|_| garbled("postgres describes its answer badly"))?
    {
        names.push(field.name().to_owned());
        // By the numbers of pg_type.
        kinds.push(match field.type_oid() {
            16 => Kind::Bool,
            20 | 21 | 23 => Kind::Int,
            1114 | 1184 => Kind::Time,
            _ => Kind::Text,
        });
    }
    match rows.is_single() {
        true if names.len() != 1 => {
            Err(garbled("more than one value came where one was asked for"))
        }
        true => Ok(kinds),
        false => rows.name(&names).map(|()| kinds),
    }
}

/// What is bound for one. PostgreSQL has no text with a zero in it.
fn values<'a>(statement: &Statement, binding: &Binding<'a>) -> Result<Vec<Cow<'a, Value>>, Cause> {
    let value = |name: &String| {
        let value = binding.value(name);
        let value = value.ok_or_else(|| garbled(format!("there is no column {name} to bind")))?;
        match value.as_text().is_some_and(|text| text.contains('\0')) {
            true => Err(Cause::new(
                CauseKind::Malformed,
                format!("{name} has a zero in it"),
            )),
            false => Ok(value),
        }
    };
    statement.names.iter().map(value).collect()
}

fn bind(wire: &mut Wire, values: &[Cow<'_, Value>]) -> Result<(), Cause> {
    let before = wire.out.len();
    let bound = frontend::bind(
        "",
        "",
        [],
        values.iter().map(|value| value.as_ref()),
        |value: &Value, into| {
            Ok(match crate::cell::filled(value) {
                None => IsNull::Yes,
                Some(text) => {
                    into.extend_from_slice(text.as_bytes());
                    IsNull::No
                }
            })
        },
        [],
        &mut wire.out,
    );
    if bound.is_err() {
        wire.out.truncate(before);
        return Err(garbled("a value cannot be bound"));
    }
    let packed = frontend::execute("", 0, &mut wire.out);
    wire.packed(packed)
}

fn answers(
    wire: &mut Wire,
    bindings: &[Binding<'_>],
    rows: &mut Rows<'_>,
    kinds: &Kinds,
    read: Stamp,
) -> Result<(), Cause> {
    let (mut bindings, mut count, mut failed) = (bindings.iter(), 0, None);
    let mut binding = bindings.next();
    loop {
        let message = wire.receive_any()?;
        let taken = match (message, binding) {
            (Message::DataRow(body), Some(binding)) => {
                count += 1;
                row(&body, binding, rows, kinds, read, count)
            }
            (Message::CommandComplete(_), Some(done)) => {
                let empty = count == 0 && rows.is_single();
                (binding, count) = (bindings.next(), 0);
                match empty {
                    true => rows.push_single(None, done, read),
                    false => Ok(()),
                }
            }
            (Message::ErrorResponse(body), _) => Err(refused(&body)),
            (Message::CopyOutResponse(_) | Message::CopyInResponse(_), _) => {
                return Err(wire.strange("was asked to copy, which is no query"));
            }
            (Message::ReadyForQuery(_), _) => return failed.map_or(Ok(()), Err),
            _ => Ok(()),
        };
        failed = failed.or(taken.err());
    }
}

fn row(
    body: &DataRowBody,
    binding: &Binding<'_>,
    rows: &mut Rows<'_>,
    kinds: &Kinds,
    read: Stamp,
    count: usize,
) -> Result<(), Cause> {
    let ranges: Vec<Option<Range<usize>>> = body
        .ranges()
        .collect()
        .map_err(|_| garbled("postgres answers half a row"))?;
    let cells = ranges.into_iter().zip(kinds).map(|(range, kind)| {
        let bytes = range.and_then(|range| body.buffer().get(range));
        bytes.map_or(Cell::Null, |bytes| typed(bytes, *kind))
    });
    let cells: Vec<_> = cells.collect();
    match rows.is_single() {
        true if count > 1 => Err(garbled("more than one value came where one was asked for")),
        true => rows.push_single(cells.into_iter().next(), binding, read),
        false => rows.push(&cells, binding, read),
    }
}

/// A field as the server's own type has it.
fn typed(bytes: &[u8], kind: Kind) -> Cell<'_> {
    let cell = Cell::bytes(bytes);
    match cell.value(kind) {
        Value::Bool(bool) => Cell::Bool(bool),
        Value::Int(int) => Cell::Int(int),
        Value::Time(stamp) => Cell::Time(stamp),
        _ => cell,
    }
}
