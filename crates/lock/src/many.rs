use std::ops::ControlFlow;
use std::panic::Location;
use std::sync::Arc;

use crate::dir::Inner;
use crate::{Error, Event, Guard, Name, Request, acquire};

pub(crate) fn acquire(
    dir: &Arc<Inner>,
    names: &[Name],
    request: &Request<'_>,
    observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    site: &'static Location<'static>,
) -> Result<Vec<Guard>, Error> {
    let mut sorted: Vec<&Name> = names.iter().collect();
    sorted.sort();
    sorted.dedup();
    // On the first failure the guards collected so far are dropped, which releases them.
    sorted
        .into_iter()
        .map(|name| acquire::acquire(dir, name, request, observer, site))
        .collect()
}
