use crate::engine::health::{Inputs, Own};
use crate::engine::look::{Look, Miss};

pub(super) const OWN: Own = Own {
    id: "canary.starved",
    kinds: &["starved"],
    look,
};

/// An invariant had less to look at than it expects, for as many cycles as it says: it is green by accident.
fn look(inputs: &Inputs<'_>) -> Result<Look, Miss> {
    let mut look = Look::default();
    for invariant in inputs.invariants {
        let id = invariant.meta.id.as_str();
        if let (Some(expect), Some(standing)) = (invariant.terms.expect, inputs.standings.get(id)) {
            look.counted("starved", id, standing.short, expect.within_cycles.max(1));
        }
    }
    let expecting = look.examined;
    look.among = (expecting > 0).then(|| ("invariants".to_owned(), expecting));
    Ok(look)
}
