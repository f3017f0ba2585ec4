//! What has been done, written before and while it is done, so that whoever finishes a run does
//! each thing once: the guardian, the owner whose guardian was killed, or a later run.
//!
//! Lines of JSON, appended. The file is locked (`flock(2)`) by the description that the owner
//! and the guardian share, and that a child they fork has until its exec: a journal whose lock is
//! free belongs to a dead run, and nothing of that run is about to start any more.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd},
        unix::fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    time::SystemTime,
};

use rustix::fs::{
    AtFlags, CWD, FlockOperation, MemfdFlags, Mode, OFlags, RenameFlags, flock, linkat,
    memfd_create, open, renameat_with,
};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::{
    Cause, Containment, Error, Process, Status, TeardownReport, lifetime::Settings,
    process::Identity, tree::Address,
};

/// The first line: the run as it was planned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) settings: Settings,
    pub(crate) environment: Vec<(OsString, OsString)>,
    pub(crate) directory: PathBuf,
    pub(crate) started: SystemTime,
    pub(crate) boot: String,
    pub(crate) note: String,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Entry {
    Run(Box<Header>),
    Tree(Containment, Address),
    /// Written by the program's process itself, just before its exec.
    Began,
    Main(Identity, Address),
    Ended(Status),
    TearingDown {
        cause: Cause,
        leaks: Vec<Process>,
        survivors: Vec<Process>,
    },
    /// Written by the teardown's process itself, just before its exec, with who it is.
    TeardownBegan(usize, Option<Identity>),
    TeardownEnded(usize, TeardownReport),
}

/// What the lines amount to.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) header: Option<Header>,
    pub(crate) tree: Option<(Containment, Address)>,
    pub(crate) began: bool,
    pub(crate) main: Option<Identity>,
    pub(crate) ended: Option<Status>,
    pub(crate) tearing_down: Option<(Cause, Vec<Process>, Vec<Process>)>,
    teardowns: Vec<Progress>,
}

/// How far one teardown has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Progress {
    #[default]
    Waiting,
    Began(Option<Identity>),
    Ended(TeardownReport),
}

impl State {
    fn add(&mut self, entry: Entry) {
        match entry {
            Entry::Run(header) => self.header = Some(*header),
            Entry::Tree(containment, address) => self.tree = Some((containment, address)),
            Entry::Began => self.began = true,
            Entry::Main(identity, address) => {
                self.main = Some(identity);
                self.tree = self
                    .tree
                    .take()
                    .map(|(containment, _)| (containment, address));
            }
            Entry::Ended(status) => self.ended = Some(status),
            Entry::TearingDown {
                cause,
                leaks,
                survivors,
            } => self.tearing_down = Some((cause, leaks, survivors)),
            Entry::TeardownBegan(index, identity) => {
                *self.slot(index) = Progress::Began(identity);
            }
            Entry::TeardownEnded(index, report) => *self.slot(index) = Progress::Ended(report),
        }
    }

    fn slot(&mut self, index: usize) -> &mut Progress {
        if self.teardowns.len() <= index {
            self.teardowns.resize(index + 1, Progress::Waiting);
        }
        &mut self.teardowns[index]
    }

    pub(crate) fn teardown(&self, index: usize) -> Progress {
        self.teardowns.get(index).cloned().unwrap_or_default()
    }
}

#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: Option<PathBuf>,
}

impl Journal {
    /// Creates it, locked and with its first line, or not at all. Without
    /// a path it lives in memory, for the owner and the guardian alone.
    pub(crate) fn create(
        path: Option<&Path>,
        header: impl FnOnce() -> Header,
    ) -> Result<Self, Error> {
        let file = match path {
            Some(path) => create_file(path, header())?,
            None => in_memory().map_err(|e| Error::system("cannot keep a journal in memory", e))?,
        };
        Ok(Self {
            file,
            path: path.map(Path::to_owned),
        })
    }

    /// The guardian's copy: the same description.
    pub(crate) fn from_fd(fd: OwnedFd, path: Option<PathBuf>) -> Self {
        Self {
            file: File::from(fd),
            path,
        }
    }

    /// Opens the journal of another run, and waits until nobody of that run has it any more.
    /// None where the run has been finished.
    pub(crate) fn open(path: &Path) -> Result<Option<Self>, Error> {
        Self::open_under(path, FlockOperation::LockExclusive)
    }

    /// The same, but does not wait: none where somebody has it.
    pub(crate) fn open_unowned(path: &Path) -> Result<Option<Self>, Error> {
        Self::open_under(path, FlockOperation::NonBlockingLockShared)
    }

    /// The journal of a run that somebody has, only to be read; none where nobody has it.
    pub(crate) fn open_to_look(path: &Path) -> Result<Option<Self>, Error> {
        let Some(file) = open_file(path)? else {
            return Ok(None);
        };
        match rustix::io::retry_on_intr(|| flock(&file, FlockOperation::NonBlockingLockShared)) {
            Err(Errno::WOULDBLOCK) => Ok(Some(Self::from_fd(file.into(), None))),
            free => free
                .map(|()| None)
                .map_err(|e| Error::journal("cannot lock", path, e)),
        }
    }

    fn open_under(path: &Path, lock: FlockOperation) -> Result<Option<Self>, Error> {
        let Some(file) = open_file(path)? else {
            return Ok(None);
        };
        match rustix::io::retry_on_intr(|| flock(&file, lock)) {
            Err(Errno::WOULDBLOCK) => return Ok(None),
            locked => locked.map_err(|e| Error::journal("cannot lock", path, e))?,
        }
        let links = file
            .metadata()
            .map_err(|e| Error::journal("cannot read", path, e))?
            .nlink();
        Ok((links > 0).then(|| Self {
            file,
            path: Some(path.to_owned()),
        }))
    }

    /// A failure is not the run's: what it would have told is told by the outcome, unless all die.
    pub(crate) fn append(&self, entry: &Entry) {
        let _ = (&self.file).write_all(&line(entry));
    }

    pub(crate) fn state(&self) -> State {
        let mut text = Vec::new();
        let mut file = &self.file;
        let _ = file
            .seek(SeekFrom::Start(0))
            .and_then(|_| file.read_to_end(&mut text));
        let mut state = State::default();
        // A line that a full disk or a kill has cut short is none.
        text.split(|&b| b == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .for_each(|e| state.add(e));
        state
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// The run is finished: nobody needs to do it again.
    pub(crate) fn remove(&self) {
        if let Some(path) = &self.path {
            let _ = fs::remove_file(path);
        }
    }
}

impl AsFd for Journal {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// An entry as the line that a forked child appends, made before the fork. It begins a line of its
/// own, so that one before it that was cut short does not swallow it.
pub(crate) fn line(entry: &Entry) -> Vec<u8> {
    let text = serde_json::to_vec(entry).unwrap_or_default();
    [b"\n", text.as_slice(), b"\n"].concat()
}

/// That a teardown has begun, in two pieces, between which its own process says who it is.
pub(crate) fn began_line(index: usize) -> (Vec<u8>, Vec<u8>) {
    let mut whole = line(&Entry::TeardownBegan(index, None));
    let room = b"null";
    let at = whole.windows(room.len()).position(|bytes| bytes == room);
    let rest = whole.split_off(at.unwrap_or(whole.len()));
    (whole, rest[room.len().min(rest.len())..].to_vec())
}

/// None where there is none, as its run was finished.
fn open_file(path: &Path) -> Result<Option<File>, Error> {
    let opened = OpenOptions::new()
        .read(true)
        .append(true)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path);
    match opened {
        Err(e) if e.kind() == io::ErrorKind::NotFound && has_directory(path) => Ok(None),
        other => other
            .map(Some)
            .map_err(|e| Error::journal("cannot open", path, e)),
    }
}

/// Where even the directory is gone, nobody has removed the journal because its run was finished.
fn has_directory(path: &Path) -> bool {
    path.parent().is_some_and(Path::is_dir)
}

/// It gets its name when it is whole and locked, and only if nobody has that name.
fn create_file(path: &Path, header: Header) -> Result<File, Error> {
    let made = match nameless(path) {
        // Not every file system has nameless files.
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOSYS | Errno::INVAL) => {
            create_draft(path, header)
        }
        Err(errno) => Err(errno.into()),
        Ok(file) => begin(&file, header).and_then(|()| {
            let own = format!("/proc/self/fd/{}", file.as_raw_fd());
            linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?;
            Ok(file)
        }),
    };
    made.map_err(|e| Error::journal("cannot create", path, e))
}

fn nameless(path: &Path) -> rustix::io::Result<File> {
    let directory = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::APPEND | OFlags::CLOEXEC;
    open(
        directory.unwrap_or(Path::new(".")),
        flags,
        Mode::RUSR | Mode::WUSR,
    )
    .map(File::from)
}

fn create_draft(path: &Path, header: Header) -> io::Result<File> {
    let draft = path.with_extension(format!("draft-{}", std::process::id()));
    let file = OpenOptions::new()
        .read(true)
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let named = begin(&file, header).and_then(|()| {
        Ok(renameat_with(
            CWD,
            &draft,
            CWD,
            path,
            RenameFlags::NOREPLACE,
        )?)
    });
    if named.is_err() {
        let _ = fs::remove_file(&draft);
    }
    named.map(|()| file)
}

fn begin(mut file: &File, header: Header) -> io::Result<()> {
    flock(file, FlockOperation::NonBlockingLockExclusive)?;
    file.write_all(&line(&Entry::Run(Box::new(header))))
}

/// Its readers know the run from before the fork.
fn in_memory() -> io::Result<File> {
    let file = File::from(memfd_create(c"runward-journal", MemfdFlags::CLOEXEC)?);
    rustix::fs::fcntl_setfl(&file, OFlags::APPEND)?;
    Ok(file)
}
