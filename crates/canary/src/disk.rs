//! Files that are there whole or not at all. Each step is a function of its own, so that tests can die between any two.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Error, ErrorKind};

/// Who may read what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Nobody else.
    Private,
    /// Everybody, whatever the process' mask says: who writes it for others means it so.
    Public,
}

/// What is in a text file. Whatever else lies at the path, such as a FIFO, is an error and not waited for.
///
/// # Errors
///
/// When it cannot be read, or is no UTF-8.
pub fn text(path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    let read = open(path).and_then(|mut file| file.read_to_string(&mut text));
    read.map_err(|error| failed("read", path, &error))?;
    Ok(text)
}

/// Writes a file that others read, such as a status page: they see the old one or the new one, never a part. It survives a power cut once this has returned.
///
/// # Errors
///
/// When it cannot be written; the old one is as it was.
pub fn publish(path: &Path, content: &str) -> Result<(), Error> {
    replace(path, content, Readers::Public)
}

/// The same for a file that nobody else may read, such as what a tenant wrote.
///
/// # Errors
///
/// When it cannot be written; the old one is as it was.
pub fn keep(path: &Path, content: &str) -> Result<(), Error> {
    replace(path, content, Readers::Private)
}

fn replace(path: &Path, content: &str, readers: Readers) -> Result<(), Error> {
    sweep(path);
    let aside = aside(path, &format!("{}.new", std::process::id()));
    // Whoever reads the message knows the file by its own name.
    fill(&aside, content, readers).map_err(|error| failed("write", path, &error))?;
    put(&aside, path)
}

/// Nobody writes for that long.
const LEFT: Duration = Duration::from_secs(3600);

/// Removes what writers left that were killed: they are gone, or it is old. What cannot be removed is in nobody's way.
fn sweep(path: &Path) {
    let processes = Path::new("/proc");
    let seen = processes.join("self").exists();
    for entry in fs::read_dir(parent(path)).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = writer(&name, path) else {
            continue;
        };
        let written = || entry.metadata().ok()?.modified().ok()?.elapsed().ok();
        let gone = seen && !processes.join(pid).exists();
        if gone || written().is_some_and(|ago| ago > LEFT) {
            let _ = remove(&entry.path());
        }
    }
}

/// Who wrote it, if it is the beginning of that file.
fn writer<'a>(name: &'a OsStr, path: &Path) -> Option<&'a str> {
    let begun = aside(path, "");
    let rest = name.to_str()?.strip_prefix(begun.file_name()?.to_str()?)?;
    let pid = rest.strip_suffix(".new")?;
    (!pid.is_empty() && pid.bytes().all(|b| b.is_ascii_digit())).then_some(pid)
}

/// A name beside a path, which no reader looks at.
pub(crate) fn aside(path: &Path, suffix: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{suffix}"))
}

/// Writes a new file, and waits until the disk has it. What was begun and failed is removed.
pub(crate) fn write(path: &Path, content: &str, readers: Readers) -> Result<(), Error> {
    fill(path, content, readers).map_err(|error| failed("write", path, &error))
}

fn fill(path: &Path, content: &str, readers: Readers) -> io::Result<()> {
    let written = create(path, readers).and_then(|mut file| {
        step()?;
        file.write_all(content.as_bytes())?;
        step()?;
        file.sync_all()
    });
    written.inspect_err(|_| {
        let _ = remove(path);
    })
}

fn create(path: &Path, readers: Readers) -> io::Result<File> {
    step()?;
    let mode = match readers {
        Readers::Private => 0o600,
        Readers::Public => 0o644,
    };
    // What a dead writer left may be anything: it is not written into.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    if readers == Readers::Public {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    Ok(file)
}

/// Puts what was just written in the place of another file, for good. If that fails, it is removed: whoever wrote it writes it again.
pub(crate) fn put(from: &Path, to: &Path) -> Result<(), Error> {
    let moved = step().and_then(|()| fs::rename(from, to));
    moved.map_err(|error| {
        let _ = remove(from);
        failed("write", to, &error)
    })?;
    sync_folder(to)
}

/// Gives a file another name, for good. If that fails, it is where it was.
pub(crate) fn shift(from: &Path, to: &Path) -> Result<(), Error> {
    let moved = step().and_then(|()| fs::rename(from, to));
    moved.map_err(|error| failed("write", to, &error))?;
    sync_folder(to)
}

/// Gives a file a second name, or where the file system has none, a copy.
pub(crate) fn also(from: &Path, to: &Path) -> Result<(), Error> {
    let new = aside(to, "new");
    let _ = remove(&new);
    let linked = step().and_then(|()| fs::hard_link(from, &new));
    let done = linked.or_else(|_| step().and_then(|()| fs::copy(from, &new)).map(drop));
    done.map_err(|error| failed("write", &new, &error))?;
    put(&new, to)
}

/// Adds to the end of a file, and waits until the disk has it.
pub(crate) fn append(path: &Path, content: &str) -> Result<(), Error> {
    let open = || {
        step()?;
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
    };
    let added = open().and_then(|mut file| {
        step()?;
        file.write_all(content.as_bytes())?;
        step()?;
        file.sync_all()
    });
    added.map_err(|error| failed("add to", path, &error))
}

/// Cuts a file.
pub(crate) fn cut(path: &Path, length: u64) -> Result<(), Error> {
    let shorten = || {
        step()?;
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(length)?;
        file.sync_all()
    };
    shorten().map_err(|error| failed("shorten", path, &error))
}

/// Linux' `O_NONBLOCK`: a FIFO is opened at once, and seen to be one.
const AT_ONCE: i32 = 0o4000;

/// Opens a file to be read. Whatever else lies there is an error, and nobody waits for it.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(AT_ONCE)
        .open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::other("it is no regular file")),
    }
}

/// What is in a file; none if there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut bytes = Vec::new();
    match open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Ok(_) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

/// The first line of a file, or as much of it as a first line of ours can be; none if there is no such file.
pub(crate) fn first_line(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let mut line = Vec::new();
    let read =
        open(path).and_then(|file| BufReader::new(file.take(1024)).read_until(b'\n', &mut line));
    match read {
        Ok(_) => Ok(Some(line)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

/// Makes a directory that is ours alone, and those above it.
pub(crate) fn folder(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|error| failed("make the directory", path, &error))
}

pub(crate) fn remove(path: &Path) -> io::Result<()> {
    step()?;
    fs::remove_file(path)
}

fn parent(of: &Path) -> &Path {
    match of.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn sync_folder(of: &Path) -> Result<(), Error> {
    let folder = parent(of);
    let synced = step().and_then(|()| File::open(folder)?.sync_all());
    synced.map_err(|error| failed("write", folder, &error))
}

pub(crate) fn failed(verb: &str, path: &Path, error: &io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull => "; free some room",
        io::ErrorKind::PermissionDenied => "; run as its owner, or name another directory",
        io::ErrorKind::NotFound => "; make the directory above it",
        _ => "",
    };
    let message = format!("{verb} {}: {error}{hint}", path.display());
    Error::new(ErrorKind::Storage, message)
}

/// Where a test can die: after so many steps, nothing more is done, as after a SIGKILL.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps, reason = "in tests it fails")]
fn step() -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
pub(crate) use death::step;

#[cfg(test)]
pub(crate) mod death {
    use std::cell::Cell;
    use std::io;

    thread_local!(static LEFT: Cell<Option<u32>> = const { Cell::new(None) });

    /// Dies after so many steps; returns whether it came to that.
    pub(crate) fn after<T>(steps: u32, act: impl FnOnce() -> T) -> (T, bool) {
        LEFT.set(Some(steps));
        let result = act();
        let died = LEFT.replace(None) == Some(0);
        (result, died)
    }

    pub(crate) fn step() -> io::Result<()> {
        match LEFT.get() {
            None => Ok(()),
            Some(0) => Err(io::Error::other("dead")),
            Some(left) => {
                LEFT.set(Some(left - 1));
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_is_an_error_and_nobody_waits_for_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo").success());
        for error in [read(&path).map(drop), text(&path).map(drop)] {
            let words = error.expect_err("no file").to_string();
            assert!(words.contains("no regular file"), "{words}");
        }
        assert!(read(folder.path()).is_err(), "a directory is none either");
    }

    #[test]
    fn what_a_killed_writer_left_is_removed_and_what_another_writes_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let page = folder.path().join("page.html");
        let old = std::time::SystemTime::now() - Duration::from_secs(3700);
        for (name, is_old) in [
            (".page.html.1.new", false),
            (".page.html.2.new", true),
            (".page.html.4194305.new", false),
            (".page.html.x.new", true),
            (".other.html.2.new", true),
        ] {
            let file = File::create(folder.path().join(name)).expect("a file");
            if is_old {
                file.set_modified(old).expect("its time");
            }
        }
        let (published, died) = death::after(3, || publish(&page, "one"));
        assert!(published.is_err() && died);
        publish(&page, "two").expect("published");
        let names = fs::read_dir(folder.path()).expect("a folder");
        let mut names: Vec<String> = names
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .to_string_lossy()
                    .into()
            })
            .collect();
        names.sort();
        let left = [
            ".other.html.2.new",
            ".page.html.1.new",
            ".page.html.x.new",
            "page.html",
        ];
        assert_eq!(names, left);
    }
}
