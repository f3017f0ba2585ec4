//! Where locks and run directories live, and where they must not.
use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::Access;

use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::settings::Places;
use crate::slug::slug_of_parts;

/// Variables in which a CI names a directory that it deletes, perhaps while a teardown still runs.
const WORKSPACES: [&str; 7] = [
    "DRONE_WORKSPACE",
    "DRONE_WORKSPACE_BASE",
    "GITHUB_WORKSPACE",
    "CI_PROJECT_DIR",
    "CI_WORKSPACE",
    "BUILDKITE_BUILD_CHECKOUT_PATH",
    "WORKSPACE",
];

/// The two directories of this user on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Directories {
    pub(crate) locks: PathBuf,
    pub(crate) home: PathBuf,
}

/// Who is asking.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) uid: u32,
    /// From `/etc/passwd`, which a CI does not fake.
    pub(crate) home: Option<PathBuf>,
}

impl User {
    pub(crate) fn of_this_process() -> Self {
        let uid = rustix::process::geteuid().as_raw();
        let passwd = fs::read("/etc/passwd").unwrap_or_default();
        Self {
            uid,
            home: home_in(&String::from_utf8_lossy(&passwd), uid),
        }
    }
}

/// Field 6 of passwd(5).
fn home_in(passwd: &str, uid: u32) -> Option<PathBuf> {
    let uid = uid.to_string();
    let entry = passwd
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|entry| entry.get(2) == Some(&uid.as_str()))?;
    entry
        .get(5)
        .filter(|home| home.starts_with('/'))
        .map(PathBuf::from)
}

/// Decides both directories and refuses what a CI may delete. Looks at the file system, changes nothing.
pub(crate) fn decide(given: &Places, env: &Environment, user: &User) -> Result<Directories> {
    let locks = match &given.lock_dir {
        Some(dir) => absolute(dir)?,
        None => default_locks(env, user),
    };
    let home = match &given.home {
        Some(dir) => absolute(dir)?,
        None => default_home(env, user),
    };
    let doomed = doomed(env, user);
    refuse_doomed(&locks, "lock directory", "--lock-dir", &doomed)?;
    refuse_doomed(&home, "home", "--home", &doomed)?;
    Ok(Directories { locks, home })
}

fn absolute(dir: &Path) -> Result<PathBuf> {
    std::path::absolute(dir)
        .map_err(|e| Error::io("make absolute", dir, &e, "give an absolute path"))
}

fn default_locks(env: &Environment, user: &User) -> PathBuf {
    if user.uid == 0 {
        return "/run/runward/locks".into();
    }
    let systemd = PathBuf::from(format!("/run/user/{}", user.uid));
    let runtime =
        xdg(env, "XDG_RUNTIME_DIR").or_else(|| owned_by(&systemd, user.uid).then_some(systemd));
    runtime.map_or_else(
        || format!("/tmp/runward-{}/locks", user.uid).into(),
        |dir| dir.join("runward/locks"),
    )
}

fn default_home(env: &Environment, user: &User) -> PathBuf {
    if user.uid == 0 {
        return "/var/lib/runward".into();
    }
    let state = xdg(env, "XDG_STATE_HOME").or_else(|| {
        user.home
            .as_ref()
            .filter(|home| home.is_dir())
            .map(|home| home.join(".local/state"))
    });
    state.map_or_else(
        || format!("/var/tmp/runward-{}", user.uid).into(),
        |dir| dir.join("runward"),
    )
}

/// The XDG specification has relative paths ignored.
fn xdg(env: &Environment, name: &str) -> Option<PathBuf> {
    env.os(name)
        .map(PathBuf::from)
        .filter(|dir| dir.is_absolute())
}

fn owned_by(dir: &Path, uid: u32) -> bool {
    fs::symlink_metadata(dir).is_ok_and(|found| found.is_dir() && found.uid() == uid)
}

/// A directory that a CI deletes when it thinks that a job is over, and the variable that names it.
type Doomed = (&'static str, PathBuf);

fn refuse_doomed(dir: &Path, what: &str, option: &str, doomed: &[Doomed]) -> Result<()> {
    let real = if doomed.is_empty() {
        PathBuf::new()
    } else {
        resolved(dir)
    };
    match doomed.iter().find(|(_, root)| real.starts_with(root)) {
        None => Ok(()),
        Some((variable, root)) => Err(Error::place(format!(
            "the {what} {} lies below {} (${variable}), which the CI may delete while runward still cleans up; \
             name a directory outside with {option}",
            dir.display(),
            root.display()
        ))),
    }
}

fn doomed(env: &Environment, user: &User) -> Vec<Doomed> {
    let workspaces = WORKSPACES
        .into_iter()
        .filter_map(|name| Some((name, PathBuf::from(env.os(name)?))));
    let all = workspaces.chain(faked_home(env, user).map(|home| ("HOME", home)));
    let all = all
        .filter(|(_, root)| root.is_absolute())
        .map(|(name, root)| (name, resolved(&root)));
    all.filter(|(_, root)| !is_too_wide(root, user)).collect()
}

/// No CI deletes the root, or what this user's own home lies in.
fn is_too_wide(root: &Path, user: &User) -> bool {
    root.parent().is_none()
        || user
            .home
            .as_deref()
            .is_some_and(|home| resolved(home).starts_with(root))
}

/// `$HOME`, where it is not the one that the system gave this user.
fn faked_home(env: &Environment, user: &User) -> Option<PathBuf> {
    let faked = PathBuf::from(env.os("HOME")?);
    let real = user.home.as_ref()?;
    (faked != *real && resolved(&faked) != resolved(real)).then_some(faked)
}

/// `path` without symbolic links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    let mut missing = Vec::new();
    let mut at = path;
    loop {
        if let Ok(mut real) = at.canonicalize() {
            real.extend(missing.iter().rev());
            return without_dots(&real);
        }
        match (at.parent(), at.components().next_back()) {
            (Some(parent), Some(last)) => {
                missing.push(last.as_os_str().to_owned());
                at = parent;
            }
            _ => return without_dots(path),
        }
    }
}

fn without_dots(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::CurDir => {}
            std::path::Component::ParentDir => drop(out.pop()),
            other => out.push(other),
        }
    }
    out
}

impl Directories {
    /// Where the journal of a run lives.
    pub(crate) fn journal(&self, key: &str) -> PathBuf {
        self.runs().join(format!("{key}.journal"))
    }

    /// Where the state directories lie of runs with these locks: a sweep with other locks cannot tell whether they live.
    pub(crate) fn states(&self) -> PathBuf {
        let locks = self.locks.to_string_lossy();
        self.home.join("states").join(slug_of_parts(&[&*locks]))
    }

    /// Creates the directory of a file that is to lie in the home; one elsewhere is its owner's.
    pub(crate) fn create_within(&self, file: &Path) -> Result<()> {
        match file.parent().filter(|dir| dir.starts_with(&self.home)) {
            Some(dir) => make_private(dir, "--home"),
            None => Ok(()),
        }
    }

    /// Creates what they lie in.
    pub(crate) fn create_states(&self) -> Result<()> {
        self.create_home()?;
        make_private(&self.states(), "--home")
    }

    /// Where a janitor keeps its own journal and its audit.
    pub(crate) fn sweeps(&self) -> PathBuf {
        self.home.join("sweeps")
    }

    /// The locks of the runs themselves. No app can be called so.
    pub(crate) fn run_locks(&self) -> PathBuf {
        self.locks.join(".runs")
    }

    /// Where a record goes whose own directory is gone.
    pub(crate) fn record(&self, run_id: &str) -> PathBuf {
        self.home.join("records").join(format!("{run_id}.json"))
    }

    /// Where journals live.
    pub(crate) fn runs(&self) -> PathBuf {
        self.home.join("runs")
    }

    /// Creates the home and what is in it, private to this user.
    pub(crate) fn create_home(&self) -> Result<()> {
        // Before, so that nothing is made behind a link; after, as somebody may have been quicker.
        if self.home.symlink_metadata().is_ok() {
            check_private(&self.home)?;
        }
        make_private(&self.runs(), "--home")?;
        check_private(&self.home)
    }
}

/// What is wrong with a home that is there, or why it cannot be made.
pub(crate) fn judge_home(home: &Path) -> Option<String> {
    match home.symlink_metadata() {
        Ok(_) => check_private(home).err().map(|e| e.to_string()),
        Err(_) => judge_missing(home, "--home"),
    }
}

/// Why a directory that is missing cannot be made, as far as can be told without trying.
pub(crate) fn judge_missing(dir: &Path, option: &str) -> Option<String> {
    let parent = dir
        .ancestors()
        .skip(1)
        .find(|parent| parent.symlink_metadata().is_ok())?;
    let access = rustix::fs::access(parent, Access::WRITE_OK | Access::EXEC_OK);
    let e = access.err()?;
    Some(format!(
        "cannot be made in {}: {e}; create it, or name another with {option}",
        parent.display()
    ))
}

/// Creates `dir` and its missing parents, readable by this user alone.
pub(crate) fn make_private(dir: &Path, option: &str) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| {
        Error::io(
            "create the directory",
            dir,
            &e,
            &format!("create it, or name another with {option}"),
        )
    })
}

fn check_private(home: &Path) -> Result<()> {
    const REMEDY: &str = "name a directory of your own with --home";
    let found = fs::symlink_metadata(home).map_err(|e| Error::io("look at", home, &e, REMEDY))?;
    let user = rustix::process::geteuid().as_raw();
    let problem = if !found.is_dir() {
        "is no directory (a symbolic link is refused, as it may be turned elsewhere)".to_owned()
    } else if found.uid() != user && found.uid() != 0 {
        format!("belongs to uid {}", found.uid())
    } else if found.mode() & 0o022 != 0 {
        format!(
            "can be written by others (mode {:o}); chmod go-w it",
            found.mode() & 0o7777
        )
    } else {
        return Ok(());
    };
    Err(Error::place(format!(
        "{} {problem}; {REMEDY}",
        home.display()
    )))
}

#[cfg(test)]
#[path = "places_tests.rs"]
mod tests;
