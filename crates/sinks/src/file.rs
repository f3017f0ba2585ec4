use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::time::Duration;
use std::{fmt, io};

use runward_canary::alert::{Alert, Delivery};
use runward_canary::{Cause, CauseKind};
use rustix::fs::{FlockOperation, OFlags, flock};

use crate::settings::Taken;
use crate::{Error, Sink};

/// A file that gets a line of JSON for each alert.
#[derive(Debug)]
pub(crate) struct File {
    path: PathBuf,
}

impl File {
    pub(crate) fn open(taken: &mut Taken<'_>) -> Result<Self, Error> {
        let path = taken.required("path")?.into();
        Ok(Self { path })
    }

    fn append(&self, line: &str) -> io::Result<()> {
        let mut file = self.writable()?;
        let length = file.metadata()?.len();
        let whole = match is_cut(&mut file, length)? {
            true => format!("\n{line}\n"),
            false => format!("{line}\n"),
        };
        let written = file
            .write_all(whole.as_bytes())
            .and_then(|()| file.sync_data());
        if written.is_err() {
            // No half line stays, as far as the disk allows.
            let _ = file.set_len(length);
        }
        written
    }

    /// Ours alone while it is written. A pipe or a terminal could block for ever.
    fn writable(&self) -> io::Result<fs::File> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NONBLOCK.bits() as i32)
            .open(&self.path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        flock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok(file)
    }
}

/// Whether the last line has no end: its writer was killed.
fn is_cut(file: &mut fs::File, length: u64) -> io::Result<bool> {
    if length == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(length - 1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

impl Sink for File {
    fn deliver(&self, alert: &Alert, _within: Duration) -> Delivery {
        match self.append(&alert.to_json()) {
            Ok(()) => Delivery::Delivered,
            Err(error) => failed(&self.path.display(), &error),
        }
    }
}

fn failed(path: &dyn fmt::Display, error: &io::Error) -> Delivery {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => CauseKind::Denied,
        io::ErrorKind::WouldBlock => CauseKind::Timeout,
        _ => CauseKind::Unreachable,
    };
    Delivery::Failed(Cause::new(kind, format!("add to {path}: {error}")))
}
