//! What one cycle leaves for the next: in a directory of this host, or in a database that several hosts share.
use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fmt, fs, io};

use runward_canary::alert::Outbox;
use runward_canary::engine::Transition;
use runward_canary::ledger::{self, Origin, Retention, Saved};
use runward_canary::rules::LedgerRule;
use runward_canary::{Setting, Stamp, State};
use runward_lock::{Guard, LockDir, Name, Request, Wait, quiet};
use runward_sources::ledger::{self as shared, Database, Writer};
use serde::{Deserialize, Serialize};

use super::last::Last;
use super::wrong;
use crate::error::{Error, Kind, Result};
use crate::places::make_private;

type Kept = std::result::Result<(), runward_canary::Error>;

/// Where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Place {
    Directory(PathBuf),
    Database(Remote),
}

/// A database as the rules name it: an address with a password is in the environment, and not here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remote {
    settings: BTreeMap<String, String>,
    rules: String,
    timeout: Duration,
}

/// What is kept now, and how much that can be trusted.
pub(super) struct Past {
    pub(super) saved: Saved,
    pub(super) origin: Origin,
    pub(super) last: Option<Last>,
}

/// It, open for the one cycle that writes it.
pub(super) enum Book {
    File {
        folder: PathBuf,
        guard: Guard,
        ledger: ledger::Ledger,
    },
    Shared(shared::Ledger),
}

impl Remote {
    /// None if the rules name no database.
    pub(super) fn of(rule: &LedgerRule, title: &str) -> Option<Self> {
        let text = |(name, setting): (&String, &Setting)| match setting {
            Setting::Text(text) => Some((name.clone(), text.clone())),
            _ => None,
        };
        let settings = rule.database()?.iter().filter_map(text).collect();
        Some(Self {
            settings,
            rules: title.to_owned(),
            timeout: rule.timeout(),
        })
    }

    pub(super) fn database(&self) -> Result<Database> {
        let pairs = self.settings.iter();
        let settings = pairs.map(|(name, text)| (name.clone(), Setting::Text(text.clone())));
        Database::new(&settings.collect(), &self.rules, self.timeout).map_err(wrong)
    }

    /// Under which name the hosts that share it judge, for as long as nobody says another: they stand in for each other.
    pub(super) fn instance(&self) -> &str {
        &self.rules
    }
}

/// This process, for whoever else writes.
pub(super) fn writer(instance: &str) -> Writer {
    let host = rustix::system::uname();
    Writer {
        host: host.nodename().to_string_lossy().into_owned(),
        instance: instance.to_owned(),
    }
}

impl Place {
    /// Makes a directory of it, for this user alone; a database is made when it is written first.
    pub(super) fn prepare(&self) -> Result<()> {
        match self {
            Self::Directory(folder) => match fs::metadata(folder) {
                Ok(found) if !found.is_dir() => Err(Error::place(format!(
                    "the ledger {} is no directory; name another one with `directory` in [ledger]",
                    folder.display()
                ))),
                _ => make_private(folder, "`directory` in [ledger]"),
            },
            Self::Database(_) => Ok(()),
        }
    }

    /// Alone, or not at all: an answer that nobody judged would look like good news.
    pub(super) fn open(
        &self,
        instance: &str,
        retention: Retention,
        wait: Option<Duration>,
    ) -> Result<(Book, Past)> {
        self.prepare()?;
        match self {
            Self::Directory(folder) => open_folder(folder, retention, wait),
            Self::Database(remote) => {
                let (writer, wait) = (writer(instance), wait.unwrap_or_default());
                let opened = remote.database()?.open(&writer, retention, wait);
                let (ledger, kept) = opened.map_err(wrong)?;
                Ok((Book::Shared(ledger), Past::of(kept)))
            }
        }
    }

    /// Why this user cannot look into it, though it may be there.
    pub(super) fn denied(&self) -> Option<String> {
        let Self::Directory(folder) = self else {
            return None;
        };
        let error = fs::read_dir(folder).err()?;
        if error.kind() != io::ErrorKind::PermissionDenied {
            return None;
        }
        let owner = fs::metadata(folder).map(|found| format!(" of uid {}", found.uid()));
        let user = rustix::process::geteuid().as_raw();
        Some(format!(
            "the ledger {}{} is not readable for uid {user}: ask as the user that runs the cycles, or look at what [output] writes",
            folder.display(),
            owner.unwrap_or_default()
        ))
    }

    /// What is there, without changing anything; none if nobody ever wrote.
    pub(super) fn look(&self) -> Result<Option<Past>> {
        match self {
            Self::Directory(folder) if !folder.exists() => Ok(None),
            Self::Directory(folder) => {
                let loaded = ledger::Ledger::look(folder).map_err(wrong)?;
                Ok(Some(Past::in_folder(loaded, folder)))
            }
            Self::Database(remote) => {
                let kept = remote.database()?.look().map_err(wrong)?;
                Ok(kept.map(Past::of))
            }
        }
    }

    /// The snapshots that are kept, oldest first, with a name for each.
    pub(super) fn snapshots(&self) -> Result<Vec<(String, String)>> {
        match self {
            Self::Directory(folder) => {
                let paths = ledger::Ledger::snapshots(folder).into_iter();
                let read = paths.map(|path| Ok((path.display().to_string(), read(&path)?)));
                read.collect()
            }
            Self::Database(remote) => {
                let database = remote.database()?;
                let found = database.snapshots().map_err(wrong)?;
                let found = found.into_iter();
                Ok(found.map(|text| (database.to_string(), text)).collect())
            }
        }
    }
}

/// A snapshot that somebody kept.
pub(super) fn read(path: &Path) -> Result<String> {
    runward_canary::text(path).map_err(|e| wrong(format!("{e}; name a snapshot that was kept")))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(folder) => write!(f, "{}", folder.display()),
            Self::Database(remote) => match remote.database() {
                Ok(database) => write!(f, "{database}"),
                Err(e) => write!(f, "{e}"),
            },
        }
    }
}

fn open_folder(
    folder: &Path,
    retention: Retention,
    wait: Option<Duration>,
) -> Result<(Book, Past)> {
    let guard = lock(folder, wait)?;
    let (ledger, loaded) = ledger::Ledger::open(folder, retention).map_err(wrong)?;
    let past = Past::in_folder(loaded, folder);
    let folder = folder.to_owned();
    let book = Book::File {
        folder,
        guard,
        ledger,
    };
    Ok((book, past))
}

fn lock(folder: &Path, wait: Option<Duration>) -> Result<Guard> {
    let name = Name::new("canary").map_err(wrong)?;
    let until = wait.and_then(|wait| Instant::now().checked_add(wait));
    let wait = until.map_or(Wait::Never, Wait::Until);
    let request = Request::new().what("canary cycle").wait(wait);
    let taken = LockDir::open(folder).and_then(|locks| locks.acquire(&name, &request, &mut quiet));
    taken.map_err(|e| match e.is_busy() {
        true => Error::new(Kind::System, format!("another cycle is running: {e}")),
        false => wrong(e),
    })
}

impl Past {
    fn in_folder(loaded: ledger::Loaded, folder: &Path) -> Self {
        let text = runward_canary::text(&last(folder)).ok();
        Self {
            saved: loaded.saved,
            origin: loaded.origin,
            last: text.and_then(|text| Last::parse(&text)),
        }
    }

    fn of(kept: shared::Kept) -> Self {
        let origin = match kept.saved.commit {
            0 => Origin::Fresh,
            _ => Origin::Current,
        };
        Self {
            saved: kept.saved,
            origin,
            last: kept.last.and_then(|text| Last::parse(&text)),
        }
    }
}

fn last(folder: &Path) -> PathBuf {
    folder.join("last.json")
}

impl Book {
    /// Whether another host may go on in our place, so that what could not be kept is not ours to tell.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Shared(_))
    }

    pub(super) fn commit(
        &mut self,
        state: &State,
        outbox: &Outbox,
        changed: &[Transition],
    ) -> Kept {
        match self {
            Self::File { ledger, .. } => ledger.commit(state, outbox, changed),
            Self::Shared(ledger) => ledger.commit(state, outbox, changed),
        }
    }

    pub(super) fn keep(&mut self, taken: Stamp, snapshot: &str) -> Kept {
        match self {
            Self::File { ledger, .. } => ledger.keep(taken, snapshot),
            Self::Shared(ledger) => ledger.keep(taken, snapshot),
        }
    }

    /// Keeps what the cycle says, after the commit: it may be older than the state, and is never newer.
    pub(super) fn say(&mut self, said: &Last) -> Kept {
        let text = said.text()?;
        match self {
            Self::File { folder, .. } => {
                let last = last(folder);
                // What was said before is not what is; without it nobody takes it for that.
                runward_canary::keep(&last, &text).inspect_err(|_| drop(fs::remove_file(&last)))
            }
            Self::Shared(ledger) => ledger.say(&text),
        }
    }

    pub(super) fn close(self) -> Result<()> {
        match self {
            Self::File { guard, .. } => guard.close().map(drop).map_err(wrong),
            // What the cycle says has been said; the lock goes with the connection.
            Self::Shared(ledger) => {
                let _ = ledger.close();
                Ok(())
            }
        }
    }
}
