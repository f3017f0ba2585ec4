use crate::{Error, Name};

/// Takes each of the names once, in their order. On the first failure the guards collected so far are dropped, which releases them.
#[track_caller]
pub(crate) fn in_order<G>(
    names: &[Name],
    take: impl FnMut(&Name) -> Result<G, Error>,
) -> Result<Vec<G>, Error> {
    let mut sorted: Vec<&Name> = names.iter().collect();
    sorted.sort();
    sorted.dedup();
    sorted.into_iter().map(take).collect()
}
