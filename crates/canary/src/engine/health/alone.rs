use crate::Fact;
use crate::engine::health::{Inputs, Own, named};
use crate::engine::look::{Look, Miss};

pub(super) const OWN: Own = Own {
    id: "canary.twin",
    kinds: &["twin"],
    look,
};

/// Since our last cycle, another instance has written the state.
///
/// Two that run at once fire, and stay red as long as both write. Who takes over for the first time does not fire. Who comes back after another stood in
/// for it fires in its first cycle and is well in its second: from what was written, that cannot be told from two that are slow.
fn look(inputs: &Inputs<'_>) -> Result<Look, Miss> {
    let mut look = Look::default();
    let Some(own) = &inputs.options.instance else {
        return Ok(look);
    };
    let writers = &inputs.before.writers;
    let last = writers.get(own).copied().unwrap_or(u64::MAX);
    for (other, &sequence) in writers.iter().filter(|(other, _)| *other != own) {
        let cycle = Fact::Int(i64::try_from(sequence).unwrap_or(i64::MAX));
        look.one("twin", other, sequence > last, named([("cycle", cycle)]));
    }
    // What another says of us holds as long as we write in turn.
    if !look.findings.is_empty() {
        look.doubtful.insert(own.clone());
    }
    look.among = Some(("instances".to_owned(), 1));
    Ok(look)
}
