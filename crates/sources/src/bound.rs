//! For whom a facet is asked: the subjects or rows of another facet, as this look has read it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use runward_canary::{Ask, Cause, CauseKind, Context, Reading, Row, Table, Value};

use crate::cell::filled;
use crate::facet::{Facet, Scope};

/// One of those for whom a facet is asked.
#[derive(Clone, Default)]
pub(crate) struct Binding<'a> {
    subject: Option<Cow<'a, Value>>,
    row: Option<(&'a Table, Row<'a>)>,
}

/// All for whom a facet is asked, and those for whom it cannot be.
#[derive(Default)]
pub(crate) struct Bound<'a> {
    pub(crate) all: Vec<Binding<'a>>,
    pub(crate) gaps: BTreeMap<String, Cause>,
}

impl Bound<'_> {
    fn nameless(&mut self, facet: &str) {
        let words = format!("{facet} has one without a name");
        let null = Cause::new(CauseKind::Malformed, words);
        self.gaps.insert(String::new(), null);
    }
}

impl<'a> Binding<'a> {
    /// Whom it is about; nobody, where it is asked once.
    pub(crate) fn subject(&self) -> Option<&str> {
        self.subject.as_deref()?.as_text()
    }

    /// The value of a column of the row that it is asked for; `subject` is whom it is about, as text.
    pub(crate) fn value(&self, column: &str) -> Option<Cow<'a, Value>> {
        if column == "subject" {
            return self.subject.clone();
        }
        let (table, row) = self.row.as_ref()?;
        Some(Cow::Borrowed(row.at(table.index(column)?)))
    }

    /// The same as text that can be filled in.
    ///
    /// # Errors
    ///
    /// When there is no such column, or nothing in it.
    pub(crate) fn text(&self, column: &str) -> Result<Cow<'a, str>, Cause> {
        let value = self.value(column);
        let value =
            value.ok_or_else(|| garbled(format!("there is no column {column} to fill in")))?;
        let null = || Cause::new(CauseKind::Malformed, format!("{column} is null"));
        match value {
            Cow::Borrowed(value) => filled(value).ok_or_else(null),
            Cow::Owned(value) => filled(&value)
                .map(|text| text.into_owned().into())
                .ok_or_else(null),
        }
    }
}

fn garbled(why: String) -> Cause {
    Cause::new(CauseKind::Garbled, why)
}

/// For whom to ask.
///
/// # Errors
///
/// When the facet that says it was not read: then this one is not run.
pub(crate) fn of<'a>(facet: &Facet, ask: &Ask, context: &Context<'a>) -> Result<Bound<'a>, Cause> {
    let (name, subject) = match &facet.scope {
        Scope::Once => {
            let all = vec![Binding::default()];
            return Ok(Bound {
                all,
                ..Bound::default()
            });
        }
        Scope::Subjects(name) => (name, "id"),
        Scope::Each(name) => (name, "subject"),
    };
    let (reading, table, column) = names(name, subject, context)
        .map_err(|why| Cause::new(CauseKind::NotRun, format!("{name} {why}")))?;
    let wanted = |subject: &str| ask.only.as_ref().is_none_or(|only| only.contains(subject));
    let mut bound = Bound::default();
    for (subject, cause) in reading.gaps().iter().filter(|(subject, _)| wanted(subject)) {
        bound.gaps.insert(subject.clone(), cause.clone());
    }
    // One subject is asked for once, and each row by itself.
    let once = matches!(facet.scope, Scope::Subjects(_));
    let mut seen = BTreeSet::new();
    for row in table.rows() {
        let whose = row.at(column);
        match filled(whose) {
            None => bound.nameless(name),
            Some(text) if !wanted(&text) || once && !seen.insert(text.clone()) => {}
            Some(text) => bound.all.push(Binding {
                subject: Some(match whose {
                    Value::Text(_) => Cow::Borrowed(whose),
                    _ => Cow::Owned(Value::text(text)),
                }),
                row: Some((table, row)),
            }),
        }
    }
    Ok(bound)
}

/// A facet that says for whom to ask, and in which column.
fn names<'a>(
    facet: &str,
    subject: &str,
    context: &Context<'a>,
) -> Result<(&'a Reading, &'a Table, usize), String> {
    let reading = context.cut.get(facet).ok_or("was not read before")?;
    let table = reading
        .table()
        .map_err(|cause| format!("failed: {cause}"))?;
    let column = table.index(subject).or_else(|| table.index("id"));
    let column = column.ok_or_else(|| format!("has no column {subject}"))?;
    Ok((reading, table, column))
}
