//! The protocol of an acquire. The order of its steps is what makes it correct:
//!
//! 1. open the file at the path, or create it;
//! 2. lock the description, waiting if need be;
//! 3. lock its range too, so that others can ask without taking;
//! 4. make sure that the file is still the one at the path; if not, begin again: what we hold is a file that nobody else will find;
//! 5. write the record;
//! 6. only now is there a guard.

use std::ops::ControlFlow;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::panic::Location;
use std::sync::Arc;

use crate::dir::{Inner, Place};
use crate::guard::{Guard, Held};
use crate::record::{self, Record};
use crate::sync::point;
use crate::table::Reading;
use crate::wait::{Awaited, Waiting};
use crate::waiter::Block;
use crate::{Error, ErrorKind, Event, Fence, Holder, Mode, Name, Order, Request};
use crate::{epoch, holder, kernel, order, registry};

pub(crate) fn acquire(
    dir: &Arc<Inner>,
    name: &Name,
    request: &Request<'_>,
    observer: &mut dyn FnMut(&Event<'_>) -> ControlFlow<()>,
    site: &'static Location<'static>,
) -> Result<Guard, Error> {
    request.check()?;
    let (own, mode) = (dir.own(), request.mode);
    let pid = own.identity.pid;
    let slot = registry::reserve(dir.id, name, mode, pid, site)?;
    let mut waiting = Waiting::new(name, request, observer);
    let turn = match request.order {
        Order::Any => None,
        Order::Arrival => Some(order::queue(dir, name, &mut waiting)?),
    };
    let (file, ino) = lock(dir, name, mode, &mut waiting)?;
    drop(turn);
    let predecessor = dir.read_record(file.as_fd(), name.as_str())?;
    let last = predecessor.as_ref().map(Record::fence);
    let unfinished = predecessor.as_ref().filter(|dead| dead.is_unfinished());
    let (record, fence) = match mode {
        Mode::Exclusive => {
            let fence = next(dir, last)?;
            let record = Record::new(&own.template, fence, request, unfinished);
            put(dir, name, &file, &record)?;
            (Some(record), fence)
        }
        Mode::Shared => (None, last.unwrap_or_default()),
    };
    point("acquire.recorded");
    Ok(Guard::new(
        pid,
        Held {
            file,
            ino,
            dir: dir.clone(),
            record,
            predecessor,
            fence,
            mode,
            waited: waiting.acquired(fence),
            slot,
        },
    ))
}

fn lock(
    dir: &Inner,
    name: &Name,
    mode: Mode,
    waiting: &mut Waiting<'_, '_>,
) -> Result<(OwnedFd, u64), Error> {
    loop {
        let file = dir.open_file(name.as_str())?;
        point("acquire.opened");
        waiting.until(&Awaited {
            fd: file.as_fd(),
            block: Block::Flock(kernel::operation(mode)),
            attempt: &|| kernel::try_flock(file.as_fd(), mode),
            holder: &|| holder_of(dir, name, file.as_fd()),
        })?;
        point("acquire.flocked");
        range(dir, name, mode, &file)?;
        point("acquire.ranged");
        if let Place::Current(ino) = dir.place(file.as_fd(), name.as_str())? {
            point("acquire.verified");
            return Ok((file, ino));
        }
    }
}

fn range(dir: &Inner, name: &Name, mode: Mode, file: &OwnedFd) -> Result<(), Error> {
    match kernel::try_range(file, &kernel::range(mode, 0, 0)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Error::new(
            ErrorKind::MixedLocks,
            format!(
                "a process has locked a range of {} without taking the lock; end its use of fcntl locks there",
                dir.path_of(name.as_str()).display()
            ),
        )),
        Err(e) => Err(dir.error("cannot lock a range of", name.as_str(), e)),
    }
}

/// Who holds the file, and how many wait for it.
pub(crate) fn holder_of(dir: &Inner, name: &Name, file: BorrowedFd<'_>) -> (Holder, usize) {
    let ino = rustix::fs::fstat(file).map_or(0, |s| s.st_ino);
    let key = dir.key(ino);
    let record = dir.read_record(file, name.as_str()).ok().flatten();
    (
        holder::find(name, key, record),
        Reading::take().waiters(key),
    )
}

/// The fence after the last one of this file, or the first one of a fresh file.
fn next(dir: &Inner, last: Option<Fence>) -> Result<Fence, Error> {
    let fence = match last.and_then(Fence::next) {
        Some(next) => next,
        None => epoch::first_fence(dir, last)?,
    };
    point("acquire.fenced");
    Ok(fence)
}

/// One write in place: the file is never shorter than it was, and never without a record once it had one.
pub(crate) fn put(dir: &Inner, name: &Name, file: &OwnedFd, record: &Record) -> Result<(), Error> {
    let written = rustix::io::retry_on_intr(|| rustix::io::pwrite(file, record.bytes(), 0));
    match written {
        Ok(record::SIZE) => Ok(()),
        Ok(_) => Err(dir.error(
            "cannot write lock file",
            name.as_str(),
            rustix::io::Errno::NOSPC,
        )),
        Err(e) => Err(dir.error("cannot write lock file", name.as_str(), e)),
    }
}

#[cfg(test)]
mod tests;
