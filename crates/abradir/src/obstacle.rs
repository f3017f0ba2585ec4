use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Shown;

/// What a removal met and left where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub(crate) path: PathBuf,
    pub(crate) kind: ObstacleKind,
}

/// The case of an [`Obstacle`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObstacleKind {
    /// Another filesystem, or a part of this one, is mounted there.
    Mount,
    /// The file has the immutable or the append-only attribute.
    Immutable,
    /// Somebody writes to the directory as fast as it is emptied.
    Busy,
    /// The system refused.
    Refused,
}

impl Obstacle {
    /// Where it is now, which is no longer where it was made.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The case.
    pub fn kind(&self) -> ObstacleKind {
        self.kind
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self.kind {
            ObstacleKind::Mount => "is a mount point; unmount it",
            ObstacleKind::Immutable => "is immutable; clear it with chattr -ia",
            ObstacleKind::Busy => "is written to while it is removed; end its writers",
            ObstacleKind::Refused => "is refused by the system; remove it as its owner",
        };
        write!(f, "{} {why}", Shown(&self.path))
    }
}
