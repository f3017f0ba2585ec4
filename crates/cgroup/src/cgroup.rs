use std::{
    fs,
    io::Read,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{Mode, OFlags, mkdirat, open, openat},
    io::{Errno, write},
    process::{Pid, Signal},
};

use crate::{Error, ErrorKind, member};

/// How long a drop waits for the processes that it kills.
const DROP_PATIENCE: Duration = Duration::from_secs(5);
/// How long a kill without `cgroup.kill` waits until all stand still.
const FREEZE_PATIENCE: Duration = Duration::from_secs(1);

/// A directory in the cgroup v2 hierarchy with all below it.
///
/// One made by [`create`](Self::create) is owned: dropping it kills what is inside and removes
/// it. One made by [`open`](Self::open) is not: dropping it changes nothing.
#[derive(Debug)]
#[must_use = "dropping a cgroup kills what runs in it"]
pub struct Cgroup {
    path: PathBuf,
    dir: OwnedFd,
    owned: bool,
}

impl Cgroup {
    /// Creates the cgroup `name` below the directory `parent`, usually
    /// [`Hierarchy::own`](crate::Hierarchy::own). The name is one plain component.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`](ErrorKind::NotPermitted) where the parent was not delegated to this user,
    /// [`Busy`](ErrorKind::Busy) where the name is taken, [`Other`](ErrorKind::Other) where it is none.
    pub fn create(parent: &Path, name: &str) -> Result<Self, Error> {
        let path = parent.join(name);
        if name.is_empty() || name == "." || name == ".." || name.contains('/') {
            return Err(Error::name(&path));
        }
        let mode = Mode::from_raw_mode(0o755);
        mkdirat(rustix::fs::CWD, &path, mode)
            .map_err(|e| Error::new("create the cgroup", &path, e))?;
        let mut cgroup = Self::open(&path)?;
        cgroup.owned = true;
        Ok(cgroup)
    }

    /// Opens the cgroup at a path below the mount, as [`path`](Self::path) tells it.
    ///
    /// # Errors
    ///
    /// [`Gone`](ErrorKind::Gone) where it is not.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let dir =
            open(path, flags, Mode::empty()).map_err(|e| Error::new("open the cgroup", path, e))?;
        Ok(Self {
            path: path.to_owned(),
            dir,
            owned: false,
        })
    }

    /// Creates a cgroup below `parent`, checks that it can be entered, and removes it.
    pub(crate) fn probe(parent: &Path) -> Result<(), Error> {
        let name = format!(
            "runward-probe-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let cgroup = Self::create(parent, &name)?;
        cgroup.open_file(c"cgroup.procs", OFlags::WRONLY)?;
        cgroup.require_kill()?;
        cgroup.close()
    }

    /// Whether the kernel can end this subtree at all.
    fn require_kill(&self) -> Result<(), Error> {
        let there = |name| self.path.join(name).exists();
        if there("cgroup.kill") || there("cgroup.freeze") {
            return Ok(());
        }
        Err(Error::unsupported(
            &self.path,
            "the kernel has neither cgroup.kill (5.14) nor cgroup.freeze (5.2)",
        ))
    }

    /// The directory of this cgroup.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// From now on dropping this value leaves the cgroup as it is.
    pub fn disown(&mut self) {
        self.owned = false;
    }

    /// Whether a process is alive in the subtree, in the kernel's own words (`cgroup.events`).
    ///
    /// # Errors
    ///
    /// Only where the file cannot be read; a cgroup that is gone is not populated.
    pub fn populated(&self) -> Result<bool, Error> {
        match self.open_file(c"cgroup.events", OFlags::RDONLY) {
            Ok(file) => self.read_populated(&file),
            Err(error) if error.kind() == ErrorKind::Gone => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// A descriptor that polls as `PRI` when [`populated`](Self::populated) may have changed.
    ///
    /// # Errors
    ///
    /// [`Gone`](ErrorKind::Gone) where the cgroup is not there.
    pub fn events(&self) -> Result<OwnedFd, Error> {
        let file = self.open_file(c"cgroup.events", OFlags::RDONLY)?;
        self.read_populated(&file)?;
        Ok(file)
    }

    /// Waits until no process of the subtree is alive, at most `patience`; answers whether.
    ///
    /// # Errors
    ///
    /// Only where the kernel's answer cannot be read.
    pub fn wait_empty(&self, patience: Duration) -> Result<bool, Error> {
        match self.open_file(c"cgroup.events", OFlags::RDONLY) {
            Err(error) if error.kind() == ErrorKind::Gone => Ok(true),
            Err(error) => Err(error),
            Ok(file) => self.wait_until(file, patience, |file| Ok(!self.read_populated(file)?)),
        }
    }

    /// Waits until the kernel's words in `cgroup.events` are as wished; answers whether.
    fn wait_until(
        &self,
        events: OwnedFd,
        patience: Duration,
        wish: impl Fn(&OwnedFd) -> Result<bool, Error>,
    ) -> Result<bool, Error> {
        let end = Instant::now() + patience;
        while !wish(&events)? {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            let mut fds = [PollFd::new(&events, PollFlags::PRI)];
            match poll(&mut fds, Timespec::try_from(left).ok().as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(e) => return Err(Error::new("wait for", &self.path, e)),
            }
        }
        Ok(true)
    }

    /// [`populated`](Self::populated), by a descriptor that [`events`](Self::events) gave.
    ///
    /// # Errors
    ///
    /// Only where it cannot be read.
    pub fn populated_by(&self, events: impl AsFd) -> Result<bool, Error> {
        self.read_populated(events)
    }

    fn read_populated(&self, file: impl AsFd) -> Result<bool, Error> {
        self.says(file, b"populated 1")
    }

    /// Whether this is a line of `cgroup.events`; of one that is gone nothing is.
    fn says(&self, events: impl AsFd, wanted: &[u8]) -> Result<bool, Error> {
        let mut buffer = [0; 128];
        match rustix::io::pread(events, &mut buffer, 0) {
            Ok(n) => Ok(buffer[..n]
                .split(|&b| b == b'\n')
                .any(|line| line == wanted)),
            Err(Errno::NODEV) => Ok(false),
            Err(e) => Err(Error::new("read cgroup.events of", &self.path, e)),
        }
    }

    /// Kills every process of the subtree at once, those just being forked included.
    /// Asynchronous: [`wait_empty`](Self::wait_empty) tells when they are gone.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`](ErrorKind::NotPermitted) where this user may not.
    pub fn kill(&self) -> Result<(), Error> {
        match self.write_file(c"cgroup.kill", b"1") {
            Err(error)
                if error.kind() == ErrorKind::Gone && self.path.join("cgroup.procs").exists() =>
            {
                self.freeze_and_kill()
            }
            Err(error) if error.kind() == ErrorKind::Gone => Ok(()),
            other => other,
        }
    }

    /// What `cgroup.kill` does, on kernels before 5.14: nothing forks while frozen, and a frozen
    /// process still dies of SIGKILL.
    fn freeze_and_kill(&self) -> Result<(), Error> {
        let events = self.open_file(c"cgroup.events", OFlags::RDONLY)?;
        self.freeze()?;
        // Who has not stopped yet may fork behind the list; who sleeps in the kernel does neither.
        let frozen = self.wait_until(events, FREEZE_PATIENCE, |events| {
            Ok(self.says(events, b"frozen 1")? || !self.read_populated(events)?)
        });
        let killed = self.send(&[Signal::KILL]);
        self.thaw()?;
        frozen.and(killed).map(drop)
    }

    /// Stops every process of the subtree where it stands. Asynchronous.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`](ErrorKind::NotPermitted) where this user may not.
    pub fn freeze(&self) -> Result<(), Error> {
        self.write_file(c"cgroup.freeze", b"1")
    }

    /// Lets the subtree run on.
    ///
    /// # Errors
    ///
    /// [`NotPermitted`](ErrorKind::NotPermitted) where this user may not.
    pub fn thaw(&self) -> Result<(), Error> {
        self.write_file(c"cgroup.freeze", b"0")
    }

    /// Sends the signal of this number (`signal(7)`) to every process of the subtree and answers
    /// how many there were. A process that forks meanwhile may leave a child that did not get it:
    /// to end a tree, [`kill`](Self::kill).
    ///
    /// # Errors
    ///
    /// [`Unsupported`](ErrorKind::Unsupported) where there is no such signal, or the members
    /// cannot be read.
    pub fn signal(&self, number: i32) -> Result<usize, Error> {
        let none = || Error::unsupported(&self.path, "there is no signal of that number");
        self.send(&[Signal::from_named_raw(number).ok_or_else(none)?])
    }

    /// Asks every process of the subtree to end: SIGTERM, and SIGCONT as one that is stopped could
    /// not heed it. Otherwise as [`signal`](Self::signal).
    ///
    /// # Errors
    ///
    /// Only where the members cannot be read.
    pub fn ask_to_end(&self) -> Result<usize, Error> {
        self.send(&[Signal::TERM, Signal::CONT])
    }

    fn send(&self, signals: &[Signal]) -> Result<usize, Error> {
        let mut count = 0;
        self.each_member(&mut |pid, id| count += usize::from(member::signal(pid, id, signals)))?;
        Ok(count)
    }

    /// The processes that are in the subtree now. Zombies are no members.
    ///
    /// # Errors
    ///
    /// Only where the members cannot be read.
    pub fn processes(&self) -> Result<Vec<u32>, Error> {
        let mut pids = Vec::new();
        self.each_member(&mut |pid, _| pids.push(pid.as_raw_pid().unsigned_abs()))?;
        Ok(pids)
    }

    /// Calls `f` with each process and the id of the cgroup that it is in.
    fn each_member(&self, f: &mut dyn FnMut(Pid, u64)) -> Result<(), Error> {
        for dir in self.subtree() {
            let Some((id, text)) = read_members(&dir)? else {
                continue;
            };
            for pid in text
                .lines()
                .filter_map(|line| Pid::from_raw(line.parse().ok()?))
            {
                f(pid, id);
            }
        }
        Ok(())
    }

    /// This directory and all below it, parents first.
    fn subtree(&self) -> Vec<PathBuf> {
        let mut dirs = vec![self.path.clone()];
        let mut next = 0;
        while let Some(dir) = dirs.get(next) {
            let entries = fs::read_dir(dir).into_iter().flatten().flatten();
            let below: Vec<_> = entries
                .filter(|e| e.file_type().is_ok_and(|t| t.is_dir()))
                .collect();
            dirs.extend(below.into_iter().map(|entry| entry.path()));
            next += 1;
        }
        dirs
    }

    /// Removes the cgroup and those below it, which must be empty.
    ///
    /// # Errors
    ///
    /// [`Busy`](ErrorKind::Busy) where a process is still in it; the cgroup stays.
    pub fn remove(&self) -> Result<(), Error> {
        match rustix::fs::rmdir(&self.path) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(_) => {}
        }
        for dir in self.subtree().iter().rev() {
            match rustix::fs::rmdir(dir) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(e) => return Err(Error::new("remove the cgroup", dir, e)),
            }
        }
        Ok(())
    }

    /// Kills what is inside, waits until it is proven empty, and removes it: what dropping it
    /// does, with the outcome.
    ///
    /// # Errors
    ///
    /// [`Busy`](ErrorKind::Busy) where a process would not go; the cgroup stays.
    pub fn close(mut self) -> Result<(), Error> {
        self.owned = false;
        self.end()
    }

    fn end(&self) -> Result<(), Error> {
        if self.populated()? {
            self.kill()?;
            self.wait_empty(DROP_PATIENCE)?;
        }
        self.remove()
    }

    pub(crate) fn open_file(&self, name: &std::ffi::CStr, flags: OFlags) -> Result<OwnedFd, Error> {
        let file = openat(&self.dir, name, flags | OFlags::CLOEXEC, Mode::empty());
        file.map_err(|e| Error::new("open", &self.path.join(name.to_string_lossy().as_ref()), e))
    }

    fn write_file(&self, name: &std::ffi::CStr, value: &[u8]) -> Result<(), Error> {
        let file = self.open_file(name, OFlags::WRONLY)?;
        let written = write(&file, value);
        written
            .map(drop)
            .map_err(|e| Error::new("write", &self.path.join(name.to_string_lossy().as_ref()), e))
    }
}

/// The id of the cgroup at `dir` and the text of its `cgroup.procs`; none where it is gone, or
/// where it holds threads of a process that is listed further up.
fn read_members(dir: &Path) -> Result<Option<(u64, String)>, Error> {
    let path = dir.join("cgroup.procs");
    let mut text = String::new();
    let read = fs::File::open(&path).and_then(|mut file| file.read_to_string(&mut text));
    let id = rustix::fs::stat(dir).map(|stat| stat.st_ino);
    match (read, id) {
        (Ok(_), Ok(id)) => Ok(Some((id, text))),
        (Err(e), _) if !is_absence(&e) => Err(Error::new("read", &path, e)),
        _ => Ok(None),
    }
}

fn is_absence(error: &std::io::Error) -> bool {
    let absent = [Errno::NOENT, Errno::NODEV, Errno::OPNOTSUPP];
    absent
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

impl AsFd for Cgroup {
    /// The directory, as `CLONE_INTO_CGROUP` wants it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.dir.as_fd()
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        if self.owned {
            let _ = self.end();
        }
    }
}

#[cfg(test)]
mod tests;
