use crate::engine::state::{Epoch, Phase};
use crate::stamp::micros;
use crate::{Cause, CauseKind, Row, Stamp, Table, Value, View, When};

/// Whether an invariant that is judged once after each event is to be judged now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Now,
    Not,
    /// Nobody judged it, and it is too late: told once.
    Missed(Cause),
    Unjudged(Cause),
}

/// Looks at the facet that tells the event, and keeps what it tells.
pub(crate) fn due(when: &When, view: &View<'_>, known: &mut Option<Epoch>) -> Due {
    let event = match view.table(&when.facet).and_then(|table| event(when, table)) {
        Ok(event) => event,
        Err(cause) => return Due::Unjudged(cause),
    };
    let now = view.taken();
    if known.as_ref().is_none_or(|epoch| epoch.id != event.id) {
        *known = Some(event.fresh(when, now, known.as_ref()));
    }
    match known {
        Some(epoch) => epoch.due(when, event.born, now),
        None => Due::Not,
    }
}

struct Event {
    id: String,
    born: Option<Stamp>,
}

fn event(when: &When, table: &Table) -> Result<Event, Cause> {
    let mut rows = table.rows();
    let bad = |kind, words: &str| Cause::new(kind, format!("{}: {words}", when.facet));
    let row = rows
        .next()
        .ok_or_else(|| bad(CauseKind::Empty, "tells of no event"))?;
    if rows.next().is_some() {
        return Err(bad(CauseKind::Malformed, "tells of more than one event"));
    }
    let id = cell(table, row, ["id", "stamp"]).and_then(text);
    let id = id.ok_or_else(|| bad(CauseKind::Malformed, "tells of an event without an id"))?;
    let born = cell(table, row, ["born", "stamp"]).and_then(Value::as_time);
    Ok(Event { id, born })
}

/// The first of these columns that there is.
fn cell<'a>(table: &Table, row: Row<'a>, names: [&str; 2]) -> Option<&'a Value> {
    let index = names.iter().find_map(|name| table.index(name))?;
    Some(row.at(index))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Int(int) => Some(int.to_string()),
        Value::Time(stamp) => Some(stamp.to_string()),
        Value::Text(text) => Some(text.to_string()),
    }
}

impl Event {
    /// The event as it is seen for the first time. One that was over before anybody watched was nobody's to judge.
    fn fresh(&self, when: &When, now: Stamp, before: Option<&Epoch>) -> Epoch {
        let first = before.is_none();
        let over = |born: Stamp| now.since(born) > micros(when.within);
        let phase = match self.born {
            Some(born) if first && over(born) => Phase::Done,
            _ => Phase::Due,
        };
        Epoch {
            id: self.id.clone(),
            seen: now,
            phase,
            lost: before.map_or(0, Epoch::lost),
        }
    }
}

impl Epoch {
    fn due(&mut self, when: &When, born: Option<Stamp>, now: Stamp) -> Due {
        // An event cannot have happened after it was seen.
        let anchor = born.map_or(self.seen, |born| born.min(self.seen));
        if self.phase == Phase::Due && now.since(anchor) > micros(when.within) {
            self.phase = Phase::Missed;
            return Due::Missed(self.missed(when));
        }
        match self.phase {
            Phase::Done | Phase::Missed => Due::Not,
            Phase::Due if now.since(anchor) >= micros(when.delay) => Due::Now,
            // Who starts over faster than anybody looks would never be judged, and never be seen not to be.
            Phase::Due if self.lost > 0 => Due::Unjudged(self.overtaken(when)),
            Phase::Due => Due::Not,
        }
    }

    /// How many events in a row were over before they were judged, when another comes.
    fn lost(&self) -> u64 {
        match self.phase {
            Phase::Due => self.lost.saturating_add(1),
            Phase::Done | Phase::Missed => 0,
        }
    }

    /// Why the last event was not judged and never will be, if so.
    pub(crate) fn unseen(&self, when: &When) -> Option<Cause> {
        (self.phase == Phase::Missed).then(|| self.missed(when))
    }

    fn overtaken(&self, when: &When) -> Cause {
        let words = format!(
            "{} event(s) of {} were followed by the next before they could be judged; the last is {}",
            self.lost, when.facet, self.id
        );
        Cause::new(CauseKind::Stale, words)
    }

    fn missed(&self, when: &When) -> Cause {
        let words = format!(
            "nothing could be judged within {:?} after {} {}",
            when.within, when.facet, self.id
        );
        Cause::new(CauseKind::Stale, words)
    }
}
