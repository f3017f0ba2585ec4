use crate::engine::health::{Inputs, Own, count, named};
use crate::engine::look::{Look, Miss};
use crate::{Cause, CauseKind, Fact};

pub(super) const OWN: Own = Own {
    id: "canary.blind",
    kinds: &["source", "invariant"],
    look,
};

/// A source that gives nothing, or an invariant that is not judged, for several cycles, while something else can be read.
fn look(inputs: &Inputs<'_>) -> Result<Look, Miss> {
    let alive = count::alive(inputs.snapshot);
    let mut look = Look::default();
    if alive.is_empty() && !inputs.snapshot.first().is_empty() {
        let words = format!(
            "none of the sources that were asked could be read: {}",
            count::dark(inputs.snapshot).join(", ")
        );
        return Err(Miss::Unjudged(Cause::new(CauseKind::Unreachable, words)));
    }
    look.among = Some(("sources".to_owned(), alive.len() as u64)).filter(|(_, rows)| *rows > 0);
    let enough = inputs.options.stale_after.max(1);
    for (source, &dark) in &inputs.now.blind {
        look.counted("source", source, dark, enough);
    }
    let user = |id: &&String| inputs.invariants.iter().any(|one| one.meta.id == **id);
    for (id, standing) in inputs.standings.iter().filter(|(id, _)| user(id)) {
        look.counted("invariant", id, standing.unjudged, enough);
    }
    Ok(look)
}

impl Look {
    /// Bad once there were enough cycles in a row, well once there are none, and neither between.
    pub(super) fn counted(&mut self, kind: &str, subject: &str, cycles: u64, enough: u64) {
        let int = |count| Fact::Int(i64::try_from(count).unwrap_or(i64::MAX));
        let facts = named([("cycles", int(cycles)), ("limit", int(enough))]);
        self.one(kind, subject, cycles >= enough, facts);
        if cycles > 0 && cycles < enough {
            self.witnesses.remove(subject);
            self.doubtful.insert(subject.to_owned());
        }
    }
}
