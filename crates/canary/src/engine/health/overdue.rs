use crate::engine::health::{Inputs, Own, named, seconds};
use crate::engine::look::{Look, Miss};

pub(super) const OWN: Own = Own {
    id: "canary.overdue",
    kinds: &["late"],
    look,
};

/// The cycle before ended longer ago than two intervals: nobody was watching.
fn look(inputs: &Inputs<'_>) -> Result<Look, Miss> {
    let mut look = Look::default();
    if !inputs.options.watched {
        return Ok(look);
    }
    if let (Some(ended), Some(most)) = (inputs.before.ended, inputs.options.silence()) {
        let silence = inputs.snapshot.taken().since(ended);
        let facts = named([("silence", seconds(silence)), ("limit", seconds(most))]);
        look.one("late", "cycle", silence > most, facts);
    }
    Ok(look)
}
