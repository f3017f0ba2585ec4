//! Events as JSON lines, each whole whatever happens to the process that writes it.
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::record::timestamp;

/// Something that happened in a run.
#[derive(Serialize)]
struct Line<'a, E: Serialize> {
    schema: u32,
    at: String,
    run_id: &'a str,
    #[serde(flatten)]
    event: &'a E,
}

/// The file of `--events`. A line that cannot be written is dropped, and told of at the end: events never fail a run.
#[derive(Debug)]
pub(crate) struct Events {
    path: PathBuf,
    out: File,
    losses: Losses,
    regular: bool,
    run_id: String,
    /// The process that last found the end of the file whole.
    checked_by: Option<u32>,
}

/// Room for the first lines, where the file system can tell: a full disk still takes an empty file.
fn reserve(out: &File) -> io::Result<()> {
    let end = out.metadata()?.len();
    let kept = rustix::fs::FallocateFlags::KEEP_SIZE;
    match rustix::fs::fallocate(out, kept, end, 4096) {
        Err(rustix::io::Errno::NOSPC) => Err(rustix::io::Errno::NOSPC.into()),
        _ => Ok(()),
    }
}

impl Events {
    pub(crate) fn open(path: &Path, run_id: &str) -> Result<Self> {
        const REMEDY: &str = "name a file in a directory that can be written with --events";
        let out = open(path).map_err(|e| Error::io("append events to", path, &e, REMEDY))?;
        let regular = out.metadata().is_ok_and(|found| found.is_file());
        reserve(&out).map_err(|e| Error::io("append events to", path, &e, REMEDY))?;
        let losses = Losses::none().map_err(|e| Error::io("append events to", path, &e, REMEDY))?;
        Ok(Self {
            path: path.to_owned(),
            out,
            losses,
            regular,
            run_id: run_id.to_owned(),
            checked_by: None,
        })
    }

    /// In memory that guardian and owner share.
    pub(crate) fn in_memory(run_id: &str) -> io::Result<Self> {
        let made = rustix::fs::memfd_create(c"runward-events", rustix::fs::MemfdFlags::CLOEXEC);
        let out = File::from(made?);
        rustix::fs::fcntl_setfl(&out, rustix::fs::OFlags::APPEND)?;
        Ok(Self {
            path: "memory".into(),
            out,
            losses: Losses::none()?,
            regular: true,
            run_id: run_id.to_owned(),
            checked_by: None,
        })
    }

    /// All lines that were written, by whichever process.
    pub(crate) fn lines(&self) -> io::Result<Vec<u8>> {
        let size = usize::try_from(self.out.metadata()?.size()).unwrap_or_default();
        let mut lines = vec![0; size];
        self.out.read_exact_at(&mut lines, 0)?;
        Ok(lines)
    }

    pub(crate) fn write(&mut self, event: &impl Serialize) {
        let at = timestamp(SystemTime::now());
        let line = Line {
            schema: 1,
            at,
            run_id: &self.run_id,
            event,
        };
        if let Ok(mut text) = serde_json::to_vec(&line) {
            text.push(b'\n');
            self.mend();
            if let Err(e) = append(&self.out, &text, self.regular) {
                self.losses.note(&e);
            }
        }
    }

    /// What to tell people if a line was lost, in whichever process.
    pub(crate) fn complaint(&self) -> Option<String> {
        let path = self.path.display();
        let cause = self.losses.first()?;
        Some(format!("events are missing in {path}: {cause}"))
    }

    /// A SIGKILL can end a write between two pages: the process that goes on cuts off what is not a line.
    fn mend(&mut self) {
        let me = std::process::id();
        if self.regular && self.checked_by != Some(me) {
            let _ = cut_torn_line(&self.out);
            self.checked_by = Some(me);
        }
    }
}

/// The error of the first loss, in memory that guardian and owner share: only the owner can say it.
#[derive(Debug)]
struct Losses(File);

impl Losses {
    fn none() -> io::Result<Self> {
        let made = rustix::fs::memfd_create(c"runward-losses", rustix::fs::MemfdFlags::CLOEXEC);
        Ok(Self(made?.into()))
    }

    fn note(&self, e: &io::Error) {
        if self.first().is_none() {
            let code = e
                .raw_os_error()
                .unwrap_or(rustix::io::Errno::IO.raw_os_error());
            let _ = self.0.write_all_at(&code.to_ne_bytes(), 0);
        }
    }

    fn first(&self) -> Option<io::Error> {
        let mut code = [0; 4];
        self.0.read_exact_at(&mut code, 0).ok()?;
        Some(io::Error::from_raw_os_error(i32::from_ne_bytes(code)))
    }
}

/// Not blocking, so that neither a fifo without a reader nor a reader that sleeps holds up a run.
fn open(path: &Path) -> io::Result<File> {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    // Readable too, to look at the last byte; a fifo opened so would count ourselves as its reader.
    let is_file = std::fs::metadata(path).map_or(true, |found| found.is_file());
    OpenOptions::new()
        .append(true)
        .custom_flags(flags)
        .read(is_file)
        .create(is_file)
        .open(path)
}

/// One write; what a full disk cut short is taken back.
fn append(mut out: &File, line: &[u8], regular: bool) -> io::Result<()> {
    let written = loop {
        match out.write(line) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            other => break other?,
        }
    };
    if written < line.len() && regular {
        take_back(out, &line[..written])?;
    }
    if written < line.len() {
        return Err(rustix::io::Errno::NOSPC.into());
    }
    Ok(())
}

/// Only while the piece is still the end of the file: another run may have appended after it.
fn take_back(out: &File, piece: &[u8]) -> io::Result<()> {
    let size = out.metadata()?.size();
    let Some(start) = size.checked_sub(piece.len() as u64) else {
        return Ok(());
    };
    let mut end = vec![0; piece.len()];
    out.read_exact_at(&mut end, start)?;
    if end == piece {
        out.set_len(start)
    } else {
        Ok(())
    }
}

fn cut_torn_line(out: &File) -> io::Result<()> {
    const STEP: u64 = 4096;
    let size = out.metadata()?.size();
    let mut end = size;
    while end > 0 {
        let start = end.saturating_sub(STEP);
        let mut piece = vec![0; usize::try_from(end - start).unwrap_or_default()];
        out.read_exact_at(&mut piece, start)?;
        if let Some(newline) = piece.iter().rposition(|byte| *byte == b'\n') {
            end = start + newline as u64 + 1;
            break;
        }
        end = start;
    }
    if end < size { out.set_len(end) } else { Ok(()) }
}

#[cfg(test)]
#[path = "events_tests.rs"]
mod tests;
