//! The record of a run: what `--result` holds, schema 1.
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use runward_lifetime::Output;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::places::make_private;

/// All that is known about a run once it is over. Fields may be added; none is removed or renamed within schema 1.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Record {
    pub(crate) schema: u32,
    pub(crate) run_id: String,
    pub(crate) apps: Vec<App>,
    pub(crate) argv: Vec<String>,
    pub(crate) cause: Cause,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) program: Option<Program>,
    pub(crate) exit: u8,
    pub(crate) started: String,
    pub(crate) ended: String,
    pub(crate) containment: String,
    pub(crate) leaks: Vec<Process>,
    pub(crate) survivors: Vec<Process>,
    pub(crate) teardowns: Vec<Teardown>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) verdict: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<Evidence>,
}

impl Record {
    /// Of a run that ends now and has come to nothing; what has come of another is filled in.
    pub(crate) fn new(
        run_id: &str,
        argv: &[String],
        cause: Cause,
        exit: u8,
        started: SystemTime,
    ) -> Self {
        Self {
            schema: 1,
            run_id: run_id.to_owned(),
            apps: Vec::new(),
            argv: argv.to_vec(),
            cause,
            program: None,
            exit,
            started: timestamp(started),
            ended: timestamp(SystemTime::now()),
            containment: "none".into(),
            leaks: Vec::new(),
            survivors: Vec::new(),
            teardowns: Vec::new(),
            verdict: None,
            evidence: None,
        }
    }
}

/// Where the bundle is, and what is not proven by it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Evidence {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
}

/// An app that the run owned.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct App {
    pub(crate) name: String,
    pub(crate) fence: u64,
    pub(crate) waited_ms: u64,
}

/// Why the run ended.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Cause {
    pub(crate) kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signal: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sender_pid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ancestor_pid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

/// How the program itself ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Program {
    Code(i32),
    Signal(i32),
}

/// A process that was left behind, as `/proc` showed it when it was named.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ppid: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) age_ms: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) outputs: Vec<Output>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ports: Vec<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stuck: Option<String>,
}

/// One teardown and how it went; `code` is `None` where it did not end by itself.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Teardown {
    pub(crate) command: String,
    pub(crate) code: Option<i32>,
    pub(crate) ms: u64,
}

/// A moment as the record writes it: RFC 3339, UTC, milliseconds.
pub(crate) fn timestamp(moment: SystemTime) -> String {
    humantime::format_rfc3339_millis(moment).to_string()
}

/// Where the record will go, known to be writable.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Target {
    // As it is in the journal, a path need not be UTF-8.
    file: OsString,
    fallback: OsString,
}

/// As much as a record takes: a full disk still has room for an empty file.
const TRIAL_BYTES: usize = 4096;

impl Target {
    /// Finds out, before anything starts, whether `file` can be written.
    pub(crate) fn check(file: &Path, fallback: PathBuf) -> Result<Self> {
        const REMEDY: &str =
            "name a file in a directory that exists and can be written with --result";
        let refused = |e: io::Error| Error::io("write the result", file, &e, REMEDY);
        let file = real_target(file).map_err(refused)?;
        let trial = beside(&file);
        let tried = create_new(&trial).and_then(|mut out| out.write_all(&[b' '; TRIAL_BYTES]));
        let removed = fs::remove_file(&trial);
        tried.and(removed).map_err(refused)?;
        Ok(Self {
            file: file.into(),
            fallback: fallback.into(),
        })
    }

    /// Writes the record whole or not at all; where its directory is gone or full, to the fallback. Returns where.
    pub(crate) fn write(&self, record: &Record) -> io::Result<&Path> {
        let mut text = serde_json::to_vec(record)?;
        text.push(b'\n');
        let (file, fallback) = (Path::new(&self.file), Path::new(&self.fallback));
        match replace(file, &text) {
            Ok(()) => Ok(file),
            Err(first) => write_fallback(fallback, &text)
                .map_err(|_| first)
                .map(|()| fallback),
        }
    }
}

/// Where the record of a run is, looked for after the run.
pub(crate) enum Found<'a> {
    There,
    Fallback(&'a Path),
    Nowhere,
}

impl Target {
    /// Whoever wrote it may have had nobody to tell.
    pub(crate) fn find(&self, run_id: &str, since: SystemTime) -> Found<'_> {
        let (file, fallback) = (Path::new(&self.file), Path::new(&self.fallback));
        let is_there = |file: &Path| is_record(file, run_id, since).unwrap_or(false);
        if is_there(file) {
            Found::There
        } else if is_there(fallback) {
            Found::Fallback(fallback)
        } else {
            Found::Nowhere
        }
    }
}

/// Clocks of file systems tick coarsely.
const TICK: std::time::Duration = std::time::Duration::from_secs(1);

fn is_record(file: &Path, run_id: &str, since: SystemTime) -> io::Result<bool> {
    let fresh = fs::metadata(file)?.modified()? + TICK >= since;
    let text = fs::read_to_string(file)?;
    Ok(fresh && text.contains(&format!("\"run_id\":\"{run_id}\"")))
}

fn write_fallback(file: &Path, text: &[u8]) -> io::Result<()> {
    let parent = file.parent().unwrap_or(Path::new("/"));
    make_private(parent, "--home").map_err(|e| io::Error::other(e.to_string()))?;
    replace(file, text)
}

/// `file` in its real directory. A link is replaced and not followed: in a checkout it is a stranger
/// who chooses where it points. A device or a directory is not replaced at all.
fn real_target(file: &Path) -> io::Result<PathBuf> {
    match fs::symlink_metadata(file) {
        Ok(found) if !found.is_file() && !found.is_symlink() => {
            return Err(io::Error::other("it is not a regular file"));
        }
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let name = file
        .file_name()
        .ok_or_else(|| io::Error::other("it names no file"))?;
    let parent = file.parent().unwrap_or(Path::new("/"));
    Ok(parent.canonicalize()?.join(name))
}

/// Readers see the old file or the new one. No fsync: a record is about a run on this host, which a power cut ends too.
fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    let draft = beside(file);
    let written = create_new(&draft).and_then(|mut out| out.write_all(text));
    written
        .and_then(|()| fs::rename(&draft, file))
        .inspect_err(|_| drop(fs::remove_file(&draft)))
}

fn beside(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    // The name may already be as long as a name can be.
    let short: String = name.chars().take(40).collect();
    file.with_file_name(format!(".{short}.{}.runward", std::process::id()))
}

/// A draft of this name is ours: its pid is.
fn create_new(draft: &Path) -> io::Result<File> {
    let _ = fs::remove_file(draft);
    OpenOptions::new().write(true).create_new(true).open(draft)
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
