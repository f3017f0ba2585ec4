//! Which file, and no more than that. Who asks for the times of a file makes its next write take the time from the fine clock,
//! and every acquire writes; so `statx` is asked for what we want to know, and `stat` only where it is refused.

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType, Stat, Statx, StatxFlags};
use rustix::io::{Errno, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inode {
    dev: (u32, u32),
    pub(crate) ino: u64,
    pub(crate) linked: bool,
    pub(crate) regular: bool,
}

impl Inode {
    pub(crate) fn of(fd: BorrowedFd<'_>) -> Result<Self> {
        match ask(fd, "", AtFlags::EMPTY_PATH) {
            Err(Errno::NOSYS | Errno::PERM) => rustix::fs::fstat(fd).map(|stat| Self::old(&stat)),
            found => found,
        }
    }

    /// That of a file in the directory; a symbolic link is itself.
    pub(crate) fn at(dir: BorrowedFd<'_>, file: &str) -> Result<Self> {
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        match ask(dir, file, flags) {
            // Of sandboxes that are older than the call.
            Err(Errno::NOSYS | Errno::PERM) => {
                rustix::fs::statat(dir, file, flags).map(|stat| Self::old(&stat))
            }
            found => found,
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }

    fn new(stat: &Statx) -> Self {
        Self {
            dev: (stat.stx_dev_major, stat.stx_dev_minor),
            ino: stat.stx_ino,
            linked: stat.stx_nlink > 0,
            regular: is_regular(stat.stx_mode.into()),
        }
    }

    fn old(stat: &Stat) -> Self {
        Self {
            dev: (
                rustix::fs::major(stat.st_dev),
                rustix::fs::minor(stat.st_dev),
            ),
            ino: stat.st_ino,
            linked: stat.st_nlink > 0,
            regular: is_regular(stat.st_mode),
        }
    }
}

fn ask(at: BorrowedFd<'_>, path: &str, flags: AtFlags) -> Result<Inode> {
    let wanted = StatxFlags::TYPE | StatxFlags::NLINK | StatxFlags::INO;
    rustix::fs::statx(at, path, flags, wanted).map(|stat| Inode::new(&stat))
}

fn is_regular(mode: u32) -> bool {
    FileType::from_raw_mode(mode) == FileType::RegularFile
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::fd::AsFd as _;

    use super::Inode;

    #[test]
    fn old_call_and_new_one_agree() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), b"").unwrap();
        let file = File::open(dir.path().join("a")).unwrap();
        let folder = File::open(dir.path()).unwrap();
        let agree = |file: &File| {
            let new = Inode::of(file.as_fd()).unwrap();
            assert_eq!(new, Inode::old(&rustix::fs::fstat(file).unwrap()));
            new
        };
        let by_name = Inode::at(folder.as_fd(), "a").unwrap();
        assert!(agree(&file).is_same(&by_name) && by_name.regular);
        assert!(!agree(&folder).regular);
        fs::remove_file(dir.path().join("a")).unwrap();
        assert!(!agree(&file).linked);
    }
}
