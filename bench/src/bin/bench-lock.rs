//! The other process of a lock bench: holds locks until it is killed, or looks at them again and again.

#![expect(
    clippy::print_stdout,
    reason = "its line is how the bench knows that it is there"
)]

use std::error::Error;
use std::fs::{File, TryLockError};
use std::path::Path;

use runward_janitor::{Allow, Directories, Janitor, Policy};
use runward_lock::{LockDir, Name, Request, quiet};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "bench-lock hold-flock FILE | hold DIR NAME… | probe FILE | list DIR | peek DIR NAME | sweep DIR";

fn main() -> Result {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["hold-flock", file] => hold_flock(file),
        ["hold", dir, ref names @ ..] => hold(dir, names),
        ["probe", file] => again(|| probe(file)),
        ["list", dir] => {
            let dir = LockDir::open(dir)?;
            again(|| Ok(dir.list().map(drop)?))
        }
        ["peek", dir, name] => {
            let (dir, name) = (LockDir::open(dir)?, Name::new(name)?);
            again(|| Ok(dir.peek(&name).map(drop)?))
        }
        ["sweep", dir] => sweep(dir.as_ref()),
        _ => Err(USAGE.into()),
    }
}

fn hold_flock(file: &str) -> Result {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(file)?;
    file.lock()?;
    wait_for_ever()
}

fn hold(dir: &str, names: &[&str]) -> Result {
    let dir = LockDir::open(dir)?;
    let names: std::result::Result<Vec<_>, _> = names.iter().map(Name::new).collect();
    let _guards = dir.acquire_all(&names?, &Request::new().run_id("bench"), &mut quiet)?;
    wait_for_ever()
}

fn sweep(dir: &Path) -> Result {
    let locks = LockDir::open(dir.join("locks"))?;
    let policy = Policy::new(Allow::patterns(["run-[0-9]+"])?);
    let owner = |entry: &str| Name::new(entry).ok();
    let state = Directories::new("state", dir.join("state"), owner);
    let janitor = Janitor::new(&locks, policy, dir.join("home")).sweep(state);
    let (_, report) = janitor.run()?;
    if !report.is_clean() {
        return Err("there was something to do".into());
    }
    wait_for_ever()
}

fn wait_for_ever() -> ! {
    println!("ready");
    loop {
        nix::unistd::pause();
    }
}

fn again(mut look: impl FnMut() -> Result) -> Result {
    look()?;
    println!("ready");
    loop {
        look()?;
    }
}

/// What scripts do to see whether a lock is free: take it for a moment.
fn probe(file: &str) -> Result {
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(file)?;
    match file.try_lock() {
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(()),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}
