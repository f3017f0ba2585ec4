//! Directories in the shapes that a test needs.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// Changes the permission bits of a file.
pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode))
        .expect("the mode of an own file can be set");
}

/// Gives a file to the user `nobody`.
pub fn give_to_nobody(path: &Path) {
    std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("root gives files away");
}

/// The user and group that own nothing.
pub const NOBODY: u32 = 65534;

/// A small file system in memory, unmounted at the end.
#[derive(Debug)]
#[must_use = "the file system is unmounted when this is dropped"]
pub struct Tmpfs {
    path: PathBuf,
}

impl Tmpfs {
    /// Mounts one of `kilobytes` at `path`, which is made; none where that is not allowed.
    pub fn mount(path: &Path, kilobytes: u32) -> Option<Self> {
        fs::create_dir_all(path).expect("a mount point can be made");
        let size = format!("size={kilobytes}k,mode=700");
        mount(
            Some("tmpfs"),
            path,
            Some("tmpfs"),
            MsFlags::empty(),
            Some(size.as_str()),
        )
        .ok()?;
        Some(Self {
            path: path.to_owned(),
        })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut chunk = 65536;
        let mut filler = fs::File::create(self.path.join("filler"))
            .expect("an empty file system has room for a name");
        while chunk > 0 {
            if std::io::Write::write_all(&mut filler, &vec![b'x'; chunk]).is_err() {
                chunk /= 2;
            }
        }
    }

    /// Makes it read-only.
    pub fn make_read_only(&self) {
        let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
        mount(None::<&str>, &self.path, None::<&str>, flags, None::<&str>)
            .expect("a mount without writers can be remounted");
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = umount2(&self.path, MntFlags::MNT_DETACH);
    }
}
