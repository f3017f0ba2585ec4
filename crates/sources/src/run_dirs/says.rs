//! One value out of a file: of its first line of JSON by a pointer, or of a line `name = value`.

use std::ffi::CStr;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};

use rustix::fd::BorrowedFd;
use rustix::fs::{FileType, Mode, OFlags, fstat, openat2};

use super::INSIDE;
use crate::cell::Cell;
use crate::local::text;

/// A journal's first line has the environment of its run in it.
const LINE: u64 = 16 << 20;
const LINES: u64 = 64 << 10;

/// Where a value stands.
pub(super) struct Says {
    /// A path inside of the directory; empty for a file that is itself the thing.
    pub(super) file: String,
    pub(super) key: String,
}

impl Says {
    pub(super) fn parse(place: &str) -> Self {
        let (file, key) = place.split_once('#').unwrap_or((place, ""));
        let (file, key) = (file.to_owned(), key.to_owned());
        Self { file, key }
    }

    /// What it says; null where it says nothing, or nothing that can be read.
    pub(super) fn read(&self, base: BorrowedFd<'_>, name: &CStr) -> Cell<'static> {
        let path = match self.file.as_str() {
            "" => name.to_bytes(),
            file => file.as_bytes(),
        };
        open(base, path)
            .and_then(|file| match self.key.starts_with('/') {
                true => of_json(file, &self.key),
                false => of_lines(file, &self.key),
            })
            .unwrap_or(Cell::Null)
    }
}

/// A regular file that is no link: whatever else lies there might never end.
fn open(base: BorrowedFd<'_>, path: &[u8]) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat2(base, path, flags, Mode::empty(), INSIDE).ok()?;
    let kind = FileType::from_raw_mode(fstat(&file).ok()?.st_mode);
    (kind == FileType::RegularFile).then(|| file.into())
}

fn of_json(file: File, pointer: &str) -> Option<Cell<'static>> {
    let mut lines = BufReader::new(file.take(LINE));
    let mut line = Vec::new();
    while line.trim_ascii().is_empty() {
        line.clear();
        if lines.read_until(b'\n', &mut line).ok()? == 0 {
            return None;
        }
    }
    let whole: serde_json::Value = serde_json::from_slice(&line).ok()?;
    match whole.pointer(pointer)? {
        serde_json::Value::String(said) => Some(text(said.as_str())),
        serde_json::Value::Bool(said) => Some(Cell::Bool(*said)),
        serde_json::Value::Number(said) => said.as_i64().map(Cell::Int),
        _ => None,
    }
}

fn of_lines(file: File, name: &str) -> Option<Cell<'static>> {
    let mut whole = String::new();
    file.take(LINES).read_to_string(&mut whole).ok()?;
    let value = |line: &str| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim().to_owned())
    };
    let value = whole.lines().find_map(value)?;
    match value.parse() {
        Ok(int) => Some(Cell::Int(int)),
        Err(_) => quoted(&value).map(text),
    }
}

/// A string with escaped quotes and backslashes, and no other escapes.
fn quoted(value: &str) -> Option<String> {
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    let mut said = String::new();
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => return None,
            '\\' => said.push(letters.next().filter(|c| matches!(c, '"' | '\\'))?),
            _ => said.push(letter),
        }
    }
    Some(said)
}
