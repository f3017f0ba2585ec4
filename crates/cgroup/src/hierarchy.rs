use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, AtFlags, CWD},
    io::Errno,
};

use crate::{Cgroup, Error};

/// Where cgroup v2 is mounted, and where in it this process lives.
#[derive(Clone, Debug)]
pub struct Hierarchy {
    mount: PathBuf,
    own: PathBuf,
}

impl Hierarchy {
    /// Looks up the mount and this process's own cgroup, also on a hybrid host.
    ///
    /// # Errors
    ///
    /// [`NotMounted`](crate::ErrorKind::NotMounted) where no version 2 hierarchy is in view.
    ///
    /// # References
    ///
    /// `proc_pid_mountinfo(5)`, `cgroups(7)`.
    pub fn find() -> Result<Self, Error> {
        let membership = Path::new("/proc/self/cgroup");
        let text = read_small(membership).map_err(|e| Error::new("read", membership, e))?;
        let path = own_path(&text).ok_or_else(|| Error::not_mounted(membership))?;
        match USUAL_MOUNTS
            .iter()
            .find_map(|mount| at_usual_mount(Path::new(mount), path))
        {
            Some(found) => Ok(found),
            None => Self::search(path),
        }
    }

    /// Goes through all mounts: the hierarchy may be anywhere, or only a part of it in view.
    fn search(path: &str) -> Result<Self, Error> {
        let mounts = Path::new("/proc/self/mountinfo");
        let table = fs::read_to_string(mounts).map_err(|e| Error::new("read", mounts, e))?;
        let (root, mount) = find_mount(&table).ok_or_else(|| Error::not_mounted(mounts))?;
        let own = below(&mount, path, &root);
        Ok(Self { mount, own })
    }

    /// The mount point.
    pub fn mount(&self) -> &Path {
        &self.mount
    }

    /// The directory of the cgroup that this process is in: the usual parent of a new one.
    pub fn own(&self) -> &Path {
        &self.own
    }

    /// Every cgroup of the whole hierarchy whose name begins so, parents first.
    ///
    /// # Errors
    ///
    /// Where a directory cannot be read: then they could not all be told. One that goes away meanwhile is none.
    pub fn named(&self, prefix: &str) -> Result<Vec<PathBuf>, Error> {
        let (mut all, mut found) = (vec![self.mount.clone()], Vec::new());
        while let Some(dir) = all.pop() {
            for below in directories(&dir).map_err(|e| Error::new("list", &dir, e))? {
                let name = below.file_name().and_then(|name| name.to_str());
                if name.is_some_and(|name| name.starts_with(prefix)) {
                    found.push(below.clone());
                }
                all.push(below);
            }
        }
        Ok(found)
    }

    /// What this host allows below this process's own cgroup. It creates a cgroup there and
    /// removes it, as permissions alone do not tell.
    pub fn support(&self) -> Support {
        Support {
            kill: self.own.join("cgroup.kill").exists() || probe_file(self, "cgroup.kill"),
            freeze: probe_file(self, "cgroup.freeze"),
            controllers: read_words(&self.mount.join("cgroup.controllers")),
            refused: Cgroup::probe(&self.own).err(),
        }
    }
}

fn directories(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Some(entries) = unless_gone(fs::read_dir(dir))? else {
        return Ok(found);
    };
    for entry in entries {
        let Some(entry) = unless_gone(entry)? else {
            break;
        };
        if unless_gone(entry.file_type())?.is_some_and(|kind| kind.is_dir()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// A directory of a cgroup that is removed while it is read answers with ENODEV.
fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) if e.raw_os_error() == Some(Errno::NODEV.raw_os_error()) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Where it is on a unified host, and on a hybrid one.
const USUAL_MOUNTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];

fn at_usual_mount(mount: &Path, path: &str) -> Option<Hierarchy> {
    const CGROUP2_SUPER_MAGIC: u64 = 0x6367_7270;
    let own = below(mount, path, Path::new("/"));
    let kind = rustix::fs::statfs(&own).ok()?.f_type;
    (u64::try_from(kind) == Ok(CGROUP2_SUPER_MAGIC)).then(|| Hierarchy {
        mount: mount.to_owned(),
        own,
    })
}

/// A file of `/proc` that fits a page, in one call.
fn read_small(path: &Path) -> io::Result<String> {
    let file = fs::File::open(path)?;
    let mut buffer = [0; 4096];
    let length = rustix::io::read(&file, &mut buffer)?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// A typed account of what a host allows.
#[derive(Debug)]
pub struct Support {
    kill: bool,
    freeze: bool,
    controllers: Vec<String>,
    refused: Option<Error>,
}

impl Support {
    /// Whether a subtree can be created, filled and removed here.
    pub fn usable(&self) -> bool {
        self.refused.is_none()
    }

    /// Why not, where it cannot.
    pub fn refused(&self) -> Option<&Error> {
        self.refused.as_ref()
    }

    /// Whether the kernel has `cgroup.kill` (Linux 5.14).
    pub fn has_kill(&self) -> bool {
        self.kill
    }

    /// Whether the kernel has the version 2 freezer (Linux 5.2).
    pub fn has_freeze(&self) -> bool {
        self.freeze
    }

    /// The controllers that are bound to version 2 on this host; on a hybrid host often none.
    pub fn controllers(&self) -> &[String] {
        &self.controllers
    }
}

/// The root of a hierarchy has no `cgroup.kill` or `cgroup.freeze`; any child of it has.
fn probe_file(hierarchy: &Hierarchy, file: &str) -> bool {
    if hierarchy.own.join(file).exists() {
        return true;
    }
    let Ok(entries) = fs::read_dir(&hierarchy.own) else {
        return false;
    };
    let found = entries
        .flatten()
        .any(|entry| entry.path().join(file).exists());
    found
        || Cgroup::create(
            &hierarchy.own,
            &format!("runward-probe-{}", std::process::id()),
        )
        .is_ok_and(|probe| probe.path().join(file).exists())
}

fn read_words(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

/// The root and mount point of the first cgroup2 mount that can be entered.
fn find_mount(table: &str) -> Option<(PathBuf, PathBuf)> {
    table.lines().filter_map(parse_mount).find(|(_, mount)| {
        rustix::fs::accessat(CWD, mount, Access::EXEC_OK, AtFlags::EACCESS).is_ok()
    })
}

fn parse_mount(line: &str) -> Option<(PathBuf, PathBuf)> {
    let (left, right) = line.split_once(" - ")?;
    if right.split(' ').next() != Some("cgroup2") {
        return None;
    }
    let mut fields = left.split(' ').skip(3);
    Some((unescape(fields.next()?), unescape(fields.next()?)))
}

/// Undoes the octal escapes of space, tab, newline and backslash.
fn unescape(field: &str) -> PathBuf {
    let plain = field
        .replace("\\040", " ")
        .replace("\\011", "\t")
        .replace("\\012", "\n");
    plain.replace("\\134", "\\").into()
}

fn own_path(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("0::"))
}

/// Joins the path that the kernel reports to the mount; where only a part of the hierarchy is
/// mounted, that part's root is taken off first.
fn below(mount: &Path, path: &str, root: &Path) -> PathBuf {
    let path = Path::new(path);
    let path = path
        .strip_prefix(root)
        .or_else(|_| path.strip_prefix("/"))
        .unwrap_or(path);
    if path.as_os_str().is_empty() {
        mount.to_owned()
    } else {
        mount.join(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hybrid_host_has_version_2_beside_version_1() {
        let line = "31 25 0:27 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw";
        let old = "30 25 0:26 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids";
        assert_eq!(parse_mount(old), None);
        assert_eq!(
            parse_mount(line),
            Some(("/".into(), "/sys/fs/cgroup/unified".into()))
        );
    }

    #[test]
    fn a_part_of_the_hierarchy_may_be_mounted() {
        let at = Path::new("/sys/fs/cgroup");
        assert_eq!(below(at, "/", Path::new("/")), at);
        assert_eq!(below(at, "/a/b", Path::new("/")), at.join("a/b"));
        assert_eq!(
            below(at, "/docker/x/job", Path::new("/docker/x")),
            at.join("job")
        );
    }

    #[test]
    fn escapes_in_mount_points_are_undone() {
        assert_eq!(unescape("/a\\040b\\134c"), Path::new("/a b\\c"));
    }
}
