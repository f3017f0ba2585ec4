//! A tree deleted through descriptors: no link is followed, no mount is entered, and what resists is named.

use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, IFlags, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use crate::obstacle::{Obstacle, ObstacleKind};
use crate::{dirs, sync};

/// A directory that is deeper is moved up first, so that no depth uses up our descriptors.
const DEEPEST: usize = 48;
/// How often a directory is listed that is found not empty after it was emptied.
const PASSES: usize = 8;

/// Deletes what is called `name`, and answers what resisted.
pub(crate) fn tree(parent: impl AsFd, name: &CStr, path: &Path) -> Vec<Obstacle> {
    let mut sweep = Sweep {
        top: None,
        moved: Vec::new(),
        path: path.parent().unwrap_or(path).to_owned(),
        depth: 0,
        obstacles: Vec::new(),
    };
    sweep.directory(parent.as_fd(), name);
    sweep.obstacles
}

struct Sweep {
    /// The directory that all of it lies in, once it is open.
    top: Option<OwnedFd>,
    /// What was moved up there and is still to be deleted.
    moved: Vec<CString>,
    /// Where it is: the directory above what is being deleted.
    path: PathBuf,
    depth: usize,
    obstacles: Vec<Obstacle>,
}

impl Sweep {
    fn directory(&mut self, parent: BorrowedFd<'_>, name: &CStr) {
        let dir = match open(parent, name) {
            Ok(dir) => dir,
            Err(Errno::NOENT) => return,
            Err(Errno::NOTDIR | Errno::LOOP) => return self.file(parent, name),
            Err(errno) => return self.resists(parent, name, errno),
        };
        if self.depth == DEEPEST {
            return self.move_up(parent, name);
        }
        let before = self.obstacles.len();
        for _ in 0..PASSES {
            self.enter(&dir, name);
            if self.obstacles.len() > before {
                return;
            }
            match rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => return,
                Err(Errno::NOTEMPTY | Errno::EXIST) => {}
                Err(errno) => return self.resists(parent, name, errno),
            }
        }
        self.add(name, ObstacleKind::Busy);
    }

    fn enter(&mut self, dir: &OwnedFd, name: &CStr) {
        self.path.push(shown(name));
        self.depth += 1;
        self.empty(dir);
        if self.depth == 1 {
            self.empty_moved(dir);
        }
        self.depth -= 1;
        self.path.pop();
    }

    fn empty(&mut self, dir: &OwnedFd) {
        if self.depth == 1 {
            self.top = dirs::same(dir).ok();
        }
        let entries = match Dir::read_from(dir) {
            Ok(entries) => entries,
            Err(_) => return self.add_here(ObstacleKind::Refused),
        };
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            sync::point("remove");
            match entry.file_type() {
                FileType::Directory | FileType::Unknown => self.directory(dir.as_fd(), name),
                _ => self.file(dir.as_fd(), name),
            }
        }
    }

    fn empty_moved(&mut self, top: &OwnedFd) {
        while let Some(name) = self.moved.pop() {
            self.directory(top.as_fd(), &name);
        }
    }

    /// Too deep to go on: it is deleted later, from further up.
    fn move_up(&mut self, parent: BorrowedFd<'_>, name: &CStr) {
        let Some(top) = &self.top else { return };
        for number in self.moved.len().. {
            let Ok(up) = CString::new(format!(".moved-{number}")) else {
                return;
            };
            match rustix::fs::renameat(parent, name, top, &up) {
                // Something of that name is in it, put there by the run.
                Err(Errno::EXIST | Errno::NOTEMPTY | Errno::NOTDIR) => {}
                Ok(()) => return self.moved.push(up),
                Err(Errno::NOENT) => return,
                Err(errno) => return self.resists(parent, name, errno),
            }
        }
    }

    fn file(&mut self, parent: BorrowedFd<'_>, name: &CStr) {
        match rustix::fs::unlinkat(parent, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => self.resists(parent, name, errno),
        }
    }

    fn resists(&mut self, parent: BorrowedFd<'_>, name: &CStr, errno: Errno) {
        match errno {
            Errno::XDEV | Errno::BUSY => self.add(name, ObstacleKind::Mount),
            Errno::PERM if is_immutable(parent) => self.add_here(ObstacleKind::Immutable),
            Errno::PERM if opens_immutable(parent, name) => self.add(name, ObstacleKind::Immutable),
            _ => self.add(name, ObstacleKind::Refused),
        }
    }

    fn add(&mut self, name: &CStr, kind: ObstacleKind) {
        let path = self.path.join(shown(name));
        self.obstacles.push(Obstacle { path, kind });
    }

    /// The directory that it is in, once, however much is in that.
    fn add_here(&mut self, kind: ObstacleKind) {
        let path = self.path.clone();
        let obstacle = Obstacle { path, kind };
        if !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
    }
}

fn shown(name: &CStr) -> &OsStr {
    OsStr::from_bytes(name.to_bytes())
}

/// Opens a directory of this mount, made readable and writable for us where it is ours.
fn open(parent: BorrowedFd<'_>, name: &CStr) -> rustix::io::Result<OwnedFd> {
    let dir = match open_as(parent, name, OFlags::RDONLY) {
        Err(Errno::ACCESS) => {
            allow(open_as(parent, name, OFlags::PATH)?.as_fd())?;
            open_as(parent, name, OFlags::RDONLY)
        }
        opened => opened,
    }?;
    let mode = rustix::fs::fstat(&dir)?.st_mode;
    if mode & 0o700 != 0o700 {
        // In vain where it is another's; what is in it then resists.
        let _ = rustix::fs::fchmod(&dir, dirs::PRIVATE_DIR);
    }
    Ok(dir)
}

fn open_as(parent: BorrowedFd<'_>, name: &CStr, access: OFlags) -> rustix::io::Result<OwnedFd> {
    let flags = access | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat2(parent, name, flags, Mode::empty(), ResolveFlags::NO_XDEV)
}

/// By its descriptor: by its name, a link could have taken its place.
fn allow(dir: BorrowedFd<'_>) -> rustix::io::Result<()> {
    let path = format!("/proc/self/fd/{}", dir.as_raw_fd());
    rustix::fs::chmodat(CWD, path, dirs::PRIVATE_DIR, AtFlags::empty())
}

fn opens_immutable(parent: BorrowedFd<'_>, name: &CStr) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags, Mode::empty()).is_ok_and(|file| is_immutable(&file))
}

fn is_immutable(file: impl AsFd) -> bool {
    rustix::fs::ioctl_getflags(file)
        .is_ok_and(|flags| flags.intersects(IFlags::IMMUTABLE | IFlags::APPEND))
}
