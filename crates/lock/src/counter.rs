//! Files with one number, which one process at a time moves on. The lock on it is only ever held for an instant.

use std::os::fd::{AsFd as _, OwnedFd};

use crate::dir::Inner;
use crate::kernel;
use crate::wait;
use crate::waiter::Block;
use crate::{Error, ErrorKind, Mode};

/// A number of twenty digits and the end of its line.
const WIDTH: usize = 21;

/// The file, locked until this is dropped.
pub(crate) struct Counter<'a> {
    dir: &'a Inner,
    name: &'a str,
    file: OwnedFd,
}

impl<'a> Counter<'a> {
    pub(crate) fn lock(dir: &'a Inner, name: &'a str) -> Result<Self, Error> {
        let file = dir.open_file(name)?;
        let attempt = || kernel::try_flock(file.as_fd(), Mode::Exclusive);
        let block = Block::Flock(kernel::operation(Mode::Exclusive));
        match wait::briefly(file.as_fd(), block, &attempt) {
            Ok(true) => Ok(Self { dir, name, file }),
            Ok(false) => Err(Error::new(
                ErrorKind::Busy,
                format!(
                    "{} has been locked for 5 s; is a process stopped?",
                    dir.path_of(name).display()
                ),
            )),
            Err(e) => Err(dir.error("cannot lock", name, e)),
        }
    }

    /// The number; 0 if there is none.
    pub(crate) fn read(&self) -> Result<u64, Error> {
        let mut bytes = [0; WIDTH];
        let read = rustix::io::pread(&self.file, &mut bytes, 0)
            .map_err(|e| self.dir.error("cannot read", self.name, e))?;
        let text = std::str::from_utf8(&bytes[..read]).unwrap_or_default();
        Ok(text.trim_end().parse().unwrap_or(0))
    }

    /// In place, in one write.
    pub(crate) fn write(&self, number: u64) -> Result<(), Error> {
        let failed = |e| self.dir.error("cannot write", self.name, e);
        let text = format!("{number:<20}\n");
        match rustix::io::pwrite(&self.file, text.as_bytes(), 0).map_err(failed)? {
            WIDTH => Ok(()),
            _ => Err(failed(rustix::io::Errno::NOSPC)),
        }
    }
}
