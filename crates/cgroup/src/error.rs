use std::{
    fmt, io,
    path::{Path, PathBuf},
};

/// What a failure means to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No cgroup v2 file system is mounted.
    NotMounted,
    /// This user may not do that in this cgroup.
    NotPermitted,
    /// The kernel lacks what is needed.
    Unsupported,
    /// A cgroup of that name is there already, or cannot be removed as it is in use.
    Busy,
    /// The cgroup is gone.
    Gone,
    /// Any other failure of the system.
    Other,
}

/// A failure, with the path and the action that failed.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}: {source}{}", .path.display(), remedy(*.kind))]
pub struct Error {
    kind: ErrorKind,
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Error {
    /// The class of the failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The file or directory that it is about.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn new(action: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        Self {
            kind: classify(&source),
            action,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn unsupported(path: &Path, what: &'static str) -> Self {
        let source = io::Error::new(io::ErrorKind::Unsupported, what);
        Self {
            kind: ErrorKind::Unsupported,
            action: "use",
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn name(path: &Path) -> Self {
        let why = "a name is one component, and neither empty nor a dot nor two";
        let source = io::Error::new(io::ErrorKind::InvalidInput, why);
        Self {
            kind: ErrorKind::Other,
            action: "create the cgroup",
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn not_mounted(path: &Path) -> Self {
        let source = io::Error::new(io::ErrorKind::NotFound, "no cgroup2 file system is mounted");
        Self {
            kind: ErrorKind::NotMounted,
            action: "find a cgroup v2 mount in",
            path: path.to_owned(),
            source,
        }
    }
}

fn classify(error: &io::Error) -> ErrorKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            ErrorKind::NotPermitted
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::ResourceBusy => ErrorKind::Busy,
        io::ErrorKind::NotFound => ErrorKind::Gone,
        _ if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => {
            ErrorKind::Gone
        }
        _ => ErrorKind::Other,
    }
}

fn remedy(kind: ErrorKind) -> impl fmt::Display {
    match kind {
        ErrorKind::NotMounted => {
            " (mount -t cgroup2 none /sys/fs/cgroup, or start the container with a cgroup namespace)"
        }
        ErrorKind::NotPermitted => {
            " (run as root, or have the cgroup delegated to this user: Delegate=yes in its systemd unit)"
        }
        _ => "",
    }
}
