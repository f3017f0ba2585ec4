use crate::Fact;
use crate::engine::health::{Inputs, Own, named};
use crate::engine::look::{Look, Miss};

pub(super) const OWN: Own = Own {
    id: "canary.twin",
    kinds: &["twin"],
    look,
};

/// Since our last cycle, another instance has written the state. One that takes over from another that is gone is not two.
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
    look.among = Some(("instances".to_owned(), 1));
    Ok(look)
}
