use crate::engine::health::{Inputs, Own, named, seconds};
use crate::engine::look::{Look, Miss};

/// Two clocks may drift apart by so much between two cycles, in microseconds.
const DRIFT: i64 = 2_000_000;

pub(super) const OWN: Own = Own {
    id: "canary.clock",
    kinds: &["back", "stepped"],
    look,
};

/// The clock that ages are reckoned by went back, or ran otherwise than the one that nobody sets.
fn look(inputs: &Inputs<'_>) -> Result<Look, Miss> {
    let mut look = Look::default();
    if let Some(ended) = inputs.before.ended {
        let passed = inputs.snapshot.taken().since(ended);
        look.one(
            "back",
            "clock",
            passed < 0,
            named([("passed", seconds(passed))]),
        );
    }
    if let Some(step) = step(inputs) {
        let facts = named([("step", seconds(step))]);
        look.one("stepped", "monotonic", step.saturating_abs() > DRIFT, facts);
    }
    Ok(look)
}

/// By how much the wall clock ran ahead of the other since the last cycle, if that was in the same boot.
fn step(inputs: &Inputs<'_>) -> Option<i64> {
    let (before, snapshot) = (inputs.before, inputs.snapshot);
    let boot = snapshot.boot()?;
    if before.boot.as_deref() != Some(boot) {
        return None;
    }
    let wall = snapshot.taken().since(before.taken?);
    let micros = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let other = micros(snapshot.monotonic?).saturating_sub(micros(before.monotonic?));
    Some(wall.saturating_sub(other))
}
