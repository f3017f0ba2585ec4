use std::fs::File;
use std::io::{Error, Read, Result};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

const LARGEST: u64 = 1 << 20;

/// Whether a path may be a symbolic link.
#[derive(Clone, Copy)]
pub(crate) enum Links {
    Follow,
    Refuse,
}

/// Reads a regular file of a size that a person could have written.
pub(crate) fn read(path: &Path, links: Links) -> Result<String> {
    let mut flags = OFlags::RDONLY | OFlags::CLOEXEC;
    // A fifo would hold us until somebody writes to it.
    flags |= OFlags::NONBLOCK;
    if let Links::Refuse = links {
        flags |= OFlags::NOFOLLOW;
    }
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(Error::other("not a regular file"));
    }
    let mut text = String::new();
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(Error::other("larger than 1 MiB"));
    }
    Ok(text)
}
