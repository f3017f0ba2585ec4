//! Waiting in the order of arrival. Each contender locks one byte of a companion file, the number of its ticket, and waits until
//! no lower byte is locked. A contender that dies frees its byte, so nobody waits for the dead.

use std::os::fd::{AsFd as _, OwnedFd};

use crate::acquire::holder_of;
use crate::dir::Inner;
use crate::wait::{self, Awaited, Waiting};
use crate::waiter::Block;
use crate::{Error, ErrorKind, Holder, Mode, Name, kernel};

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
    let counter = dir.open_file(file)?;
    let attempt = || kernel::try_flock(counter.as_fd(), Mode::Exclusive);
    let block = Block::Flock(kernel::operation(Mode::Exclusive));
    let free = wait::briefly(counter.as_fd(), block, &attempt)
        .map_err(|e| dir.error("cannot lock", file, e))?;
    if !free {
        let path = dir.path_of(file);
        return Err(Error::new(
            ErrorKind::Busy,
            format!(
                "{} has been locked for 5 s; is a process stopped?",
                path.display()
            ),
        ));
    }
    let ticket = count(dir, file, &counter)?;
    let carrier = dir.open_file(file)?;
    let own = kernel::range(Mode::Exclusive, ticket, 1);
    kernel::try_range(&carrier, &own).map_err(|e| dir.error("cannot queue in", file, e))?;
    Ok((ticket, carrier))
}

fn count(dir: &Inner, file: &str, counter: &OwnedFd) -> Result<u64, Error> {
    let mut bytes = [0; 21];
    let read =
        rustix::io::pread(counter, &mut bytes, 0).map_err(|e| dir.error("cannot read", file, e))?;
    let last: u64 = std::str::from_utf8(&bytes[..read])
        .unwrap_or_default()
        .trim_end()
        .parse()
        .unwrap_or(0);
    let text = format!("{:<20}\n", last + 1);
    match rustix::io::pwrite(counter, text.as_bytes(), 0) {
        Ok(21) => Ok(last + 1),
        Ok(_) => Err(dir.error("cannot write", file, rustix::io::Errno::NOSPC)),
        Err(e) => Err(dir.error("cannot write", file, e)),
    }
}

fn holder_by_name(dir: &Inner, name: &Name) -> (Holder, usize) {
    match dir.open_to_read(name.as_str()) {
        Ok(Some(file)) => holder_of(dir, name, file.as_fd()),
        _ => (Holder::remote("somebody whose turn is earlier"), 1),
    }
}
