use crate::engine::health::{Inputs, Own};
use crate::engine::look::{Look, Miss};

pub(super) const OWN: Own = Own {
    id: "canary.fast",
    kinds: &["instant", "empty"],
    look,
};

/// Several cycles in a row were over in no time though their sources are far away, or had nothing to look at though there was something before.
fn look(inputs: &Inputs<'_>) -> Result<Look, Miss> {
    let mut look = Look::default();
    let enough = inputs.options.stale_after.max(1);
    if !inputs.snapshot.remote.is_empty() {
        look.counted("instant", "readings", inputs.now.instant, enough);
    }
    if inputs.now.examined {
        look.counted("empty", "examined", inputs.now.empty, enough);
    }
    Ok(look)
}
