//! Waiting in the order of arrival. Each contender locks one byte of a companion file, the number of its ticket, and waits until
//! no lower byte is locked. A contender that dies frees its byte, so nobody waits for the dead.

use std::os::fd::{AsFd as _, OwnedFd};

use crate::acquire::holder_of;
use crate::counter::Counter;
use crate::dir::Inner;
use crate::wait::{Awaited, Waiting};
use crate::waiter::Block;
use crate::{Error, ErrorKind, Holder, Mode, Name, kernel};

/// The last byte that a lock can be on.
const LAST: u64 = i64::MAX as u64 - 1;

/// A place in the queue, given up when dropped.
pub(crate) struct Turn(#[expect(dead_code, reason = "carries the lock on the ticket")] OwnedFd);

pub(crate) fn queue(
    dir: &Inner,
    name: &Name,
    waiting: &mut Waiting<'_, '_>,
) -> Result<Turn, Error> {
    let file = format!(".queue.{name}");
    let (ticket, carrier) = draw(dir, &file)?;
    crate::sync::point("order.queued");
    let earlier = kernel::range(Mode::Shared, 0, ticket);
    waiting.until(&Awaited {
        fd: carrier.as_fd(),
        block: Block::Range(earlier),
        attempt: &|| kernel::try_range(&carrier, &earlier),
        holder: &|| holder_by_name(dir, name),
    })?;
    Ok(Turn(carrier))
}

/// The next ticket, locked before anybody can draw a later one.
fn draw(dir: &Inner, file: &str) -> Result<(u64, OwnedFd), Error> {
    let counter = Counter::lock(dir, file)?;
    let carrier = dir.open_file(file)?;
    let ticket = after_all(dir, file, &carrier, counter.read()?)?;
    counter.write(ticket)?;
    let own = kernel::range(Mode::Exclusive, ticket, 1);
    match kernel::try_range(&carrier, &own) {
        Ok(true) => Ok((ticket, carrier)),
        Ok(false) => Err(mixed(dir, file)),
        Err(e) => Err(dir.error("cannot queue in", file, e)),
    }
}

/// The ticket after the last one, and after all that are in use, should the counter have been set back.
fn after_all(dir: &Inner, file: &str, carrier: &OwnedFd, last: u64) -> Result<u64, Error> {
    let mut ticket = last.checked_add(1).filter(|t| *t <= LAST);
    while let Some(free) = ticket {
        let used = kernel::first_range(carrier, free)
            .map_err(|e| dir.error("cannot ask for the queue in", file, e))?;
        match used {
            None => return Ok(free),
            // Tickets end; a lock without an end is none.
            Some(used) => ticket = used.end.filter(|t| *t <= LAST),
        }
    }
    Err(mixed(dir, file))
}

fn mixed(dir: &Inner, file: &str) -> Error {
    let path = dir.path_of(file);
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "{} has no ticket left, or somebody else locks ranges of it; remove it while nobody waits",
            path.display()
        ),
    )
}

fn holder_by_name(dir: &Inner, name: &Name) -> (Holder, usize) {
    match dir.open_to_read(name.as_str()) {
        Ok(Some(file)) => holder_of(dir, name, file.as_fd()),
        _ => (Holder::remote("somebody whose turn is earlier"), 1),
    }
}
