//! What a teardown prints: a nameless file, so that writing to it neither blocks nor kills, whoever
//! has died. Its end is kept; room that the rest takes is given back while it grows.

use std::{
    fs::File,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::FileExt,
    },
    time::{Duration, Instant},
};

use rustix::fs::{FallocateFlags, MemfdFlags, Mode, OFlags, fallocate, memfd_create, open};

use crate::journal::Journal;

/// How much of it is told: its end.
const TOLD_BYTES: u64 = 16 * 1024;
/// Room that it has for sure, so that a teardown does not fail of a disk that the work has filled.
const RESERVED_BYTES: u64 = 1024 * 1024;
/// A file tells nobody that it grows, so it is looked at: at once again while it does, else seldom.
const SOON: Duration = Duration::from_millis(50);
const SELDOM: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(crate) struct Output {
    file: Option<File>,
    given_back: u64,
    pause: Duration,
    look: Instant,
}

impl Output {
    /// On the journal's disk where there is one, as output may be large; else in memory.
    pub(crate) fn beside(journal: &Journal) -> Self {
        Self {
            file: nameless(journal),
            ..Self::none()
        }
    }

    /// Of a teardown that somebody else has started.
    pub(crate) fn none() -> Self {
        Self {
            file: None,
            given_back: 0,
            pause: SOON,
            look: Instant::now() + SOON,
        }
    }

    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    /// When to look again.
    pub(crate) fn next_look(&self) -> Option<Instant> {
        self.file.as_ref().map(|_| self.look)
    }

    /// Gives back what nobody will read.
    pub(crate) fn look(&mut self) {
        if self.look > Instant::now() {
            return;
        }
        let grows = self.file.as_ref().is_some_and(|file| {
            let end = length(file).saturating_sub(RESERVED_BYTES);
            let more = end.saturating_sub(self.given_back);
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            let given =
                more > RESERVED_BYTES && fallocate(file, hole, self.given_back, more).is_ok();
            self.given_back += if given { more } else { 0 };
            given
        });
        self.pause = if grows {
            SOON
        } else {
            SELDOM.min(self.pause * 2)
        };
        self.look = Instant::now() + self.pause;
    }

    pub(crate) fn tail(&self) -> String {
        self.file.as_ref().map(tail).unwrap_or_default()
    }
}

fn nameless(journal: &Journal) -> Option<File> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC;
    let beside = journal
        .path()
        .and_then(|path| open(path.parent()?, flags, Mode::RUSR | Mode::WUSR).ok())
        .filter(|file| fallocate(file, FallocateFlags::KEEP_SIZE, 0, RESERVED_BYTES).is_ok());
    let made = beside.or_else(|| memfd_create(c"runward-teardown", MemfdFlags::CLOEXEC).ok())?;
    rustix::fs::fcntl_setfl(&made, OFlags::APPEND).ok()?;
    Some(File::from(made))
}

fn length(file: &File) -> u64 {
    file.metadata().map_or(0, |meta| meta.len())
}

fn tail(file: &File) -> String {
    let length = length(file);
    let from = length.saturating_sub(TOLD_BYTES);
    let mut bytes = vec![0; usize::try_from(length - from).unwrap_or(0)];
    let read = file.read_exact_at(&mut bytes, from);
    let cut = if from > 0 { "[…] " } else { "" };
    read.map(|()| format!("{cut}{}", String::from_utf8_lossy(&bytes)))
        .unwrap_or_default()
}
