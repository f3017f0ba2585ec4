//! Which directories are fit to hold locks; all of it is asked before the first lock call, which on a dead server would never return.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;

use crate::{Error, ErrorKind};

/// Which filesystems may hold the lock directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filesystems {
    /// tmpfs, ramfs, ext2 to ext4, XFS, Btrfs, overlay, F2FS, ZFS and bcachefs.
    #[default]
    Dependable,
    /// Any. On NFS, CIFS or FUSE a lock may hang for ever, may be a lock on this machine only, or none at all.
    Any,
}

const DEPENDABLE: [u64; 9] = [
    0x0102_1994, // tmpfs
    0x8584_58f6, // ramfs
    0xef53,      // ext2, ext3, ext4
    0x5846_5342, // XFS
    0x9123_683e, // Btrfs
    0x794c_7630, // overlay
    0xf2f5_2010, // F2FS
    0x2fc1_2fc1, // ZFS
    0xca45_1a4e, // bcachefs
];

const REFUSED: [(u64, &str); 11] = [
    (0x6969, "NFS"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x517b, "SMB"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9p"),
    (0x00c3_6400, "Ceph"),
    (0x9fa0, "proc"),
    (0x6265_6572, "sysfs"),
    (0x6367_7270, "cgroup2"),
    (0x786f_4256, "vboxsf"),
];

const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Opens the directory, made private if it is missing, after all checks.
pub(crate) fn open(path: &Path, filesystems: Filesystems) -> Result<(OwnedFd, Stat), Error> {
    create(path)?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| not_opened(path, e))?;
    check_filesystem(&fd, path, filesystems)?;
    let stat =
        rustix::fs::fstat(&fd).map_err(|e| Error::io("cannot stat lock directory", path, e))?;
    check_private(&stat, path)?;
    check_parent(&fd, path)?;
    Ok((fd, stat))
}

fn create(path: &Path) -> Result<(), Error> {
    match DirBuilder::new().mode(0o700).recursive(true).create(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::io("cannot create lock directory", path, e))
                .or_else(|e| if path.exists() { Ok(()) } else { Err(e) })
        }
        _ => Ok(()),
    }
}

fn not_opened(path: &Path, errno: Errno) -> Error {
    let is_link = path.symlink_metadata().is_ok_and(|m| m.is_symlink());
    let shown = path.display();
    match errno {
        Errno::NOTDIR | Errno::LOOP if is_link => Error::new(
            ErrorKind::Symlink,
            format!("lock directory {shown} is a symbolic link; name the directory itself"),
        ),
        Errno::NOTDIR => Error::new(
            ErrorKind::NotADirectory,
            format!("lock directory {shown} is not a directory; name another path"),
        ),
        _ => Error::io("cannot open lock directory", path, errno),
    }
}

fn check_filesystem(fd: &OwnedFd, path: &Path, filesystems: Filesystems) -> Result<(), Error> {
    let magic = rustix::fs::fstatfs(fd)
        .map_err(|e| Error::io("cannot tell the filesystem of", path, e))?
        .f_type;
    // The kernel's numbers have 32 bits, whatever the type of the field.
    let magic = magic as u64 & 0xffff_ffff;
    judge(magic, filesystems).map_err(|name| {
        let text = format!(
            "lock directory {} lies on {name} (magic {magic:#x}), whose locks are not known to be dependable; \
             choose a directory on a local filesystem such as /run",
            path.display()
        );
        Error::new(ErrorKind::ForeignFilesystem, text)
    })
}

/// The name of a filesystem that may not hold locks.
fn judge(magic: u64, filesystems: Filesystems) -> Result<(), &'static str> {
    if filesystems == Filesystems::Any || DEPENDABLE.contains(&magic) {
        return Ok(());
    }
    let known = REFUSED.iter().find(|(m, _)| *m == magic);
    Err(known.map_or("unknown", |(_, name)| name))
}

fn check_private(stat: &Stat, path: &Path) -> Result<(), Error> {
    let own = rustix::process::geteuid().as_raw();
    if stat.st_uid != own && stat.st_uid != 0 {
        let why = format!("belongs to user {}", stat.st_uid);
        return Err(not_private(path, &why, "choose a directory of your own"));
    }
    if stat.st_mode & OTHERS_WRITE != 0 {
        let mode = stat.st_mode & 0o7777;
        let why = format!("can be written to by others (mode {mode:o})");
        return Err(not_private(path, &why, "chmod it to 700"));
    }
    Ok(())
}

/// Who may write to the directory above may rename ours away and put another in its place, unless the sticky bit forbids it.
fn check_parent(fd: &OwnedFd, path: &Path) -> Result<(), Error> {
    let parent = rustix::fs::statat(fd, "..", AtFlags::empty())
        .map_err(|e| Error::io("cannot stat the directory above", path, e))?;
    if parent.st_mode & OTHERS_WRITE == 0 || parent.st_mode & STICKY != 0 {
        return Ok(());
    }
    let mode = parent.st_mode & 0o7777;
    let why =
        format!("can be replaced by others, who may write to the directory above (mode {mode:o})");
    Err(not_private(path, &why, "chmod that one go-w, or +t"))
}

fn not_private(path: &Path, why: &str, remedy: &str) -> Error {
    Error::new(
        ErrorKind::NotPrivate,
        format!("lock directory {} {why}; {remedy}", path.display()),
    )
}

#[cfg(test)]
mod tests {
    use super::{DEPENDABLE, Filesystems, REFUSED, judge};

    #[test]
    fn network_filesystems_are_refused_by_name_unless_the_caller_takes_the_risk() {
        let magics = [0x6969, 0xff53_4d42, 0xfe53_4d42, 0x517b, 0x6573_5546];
        let names = ["NFS", "CIFS", "SMB2", "SMB", "FUSE"];
        for (magic, name) in magics.into_iter().zip(names) {
            assert_eq!(judge(magic, Filesystems::Dependable), Err(name));
            assert_eq!(judge(magic, Filesystems::Any), Ok(()));
        }
    }

    #[test]
    fn unknown_filesystem_is_refused_and_a_dependable_one_is_not() {
        assert_eq!(judge(0x1234_5678, Filesystems::Dependable), Err("unknown"));
        for magic in DEPENDABLE {
            assert_eq!(judge(magic, Filesystems::Dependable), Ok(()));
            assert!(REFUSED.iter().all(|(refused, _)| *refused != magic));
        }
    }
}
