//! The library under test.

use std::ops::ControlFlow;
use std::path::Path;

use runward_lock::{Event, LockDir, Name, Request, Wait, quiet};

use crate::Result;

pub(crate) const ACQUIRE: &str = "runward-lock";

/// One turn: take the lock, record the holder, release.
pub(crate) fn turns(folder: &Path) -> Result<Box<dyn FnMut() -> Result>> {
    let (dir, name) = (LockDir::open(folder)?, Name::new("bench")?);
    Ok(Box::new(move || {
        drop(dir.acquire(&name, &request(), &mut quiet)?);
        Ok(())
    }))
}

/// A lock that is tried; the answer is whether it was free.
pub(crate) fn tries(folder: &Path, name: &str) -> Result<impl FnMut() -> Result<bool>> {
    let (dir, name) = (LockDir::open(folder)?, Name::new(name)?);
    Ok(move || {
        let request = request().wait(Wait::Never);
        match dir.acquire(&name, &request, &mut quiet) {
            Ok(_guard) => Ok(true),
            Err(error) if error.is_busy() => Ok(false),
            Err(error) => Err(error.into()),
        }
    })
}

/// Takes a lock that is busy; `blocked` is called when the wait begins.
pub(crate) fn wait(
    folder: &Path,
    name: &str,
    blocked: &mut dyn FnMut(),
) -> Result<runward_lock::Guard> {
    let (dir, name) = (LockDir::open(folder)?, Name::new(name)?);
    let mut observer = |event: &Event<'_>| {
        if matches!(event, Event::Waiting { .. }) {
            blocked();
        }
        ControlFlow::Continue(())
    };
    Ok(dir.acquire(&name, &request(), &mut observer)?)
}

/// All locks of the directory: how many there are, and how many are held.
pub(crate) fn list(folder: &Path) -> Result<(usize, usize)> {
    let entries = LockDir::open(folder)?.list()?;
    let held = entries
        .iter()
        .filter(|entry| entry.state().is_held())
        .count();
    Ok((entries.len(), held))
}

/// Lock files as a run leaves them behind.
pub(crate) fn leave(folder: &Path, names: impl Iterator<Item = String>) -> Result {
    let dir = LockDir::open(folder)?;
    for name in names {
        let _ = dir
            .acquire(&Name::new(name)?, &request(), &mut quiet)?
            .leave();
    }
    Ok(())
}

fn request() -> Request<'static> {
    Request::new().run_id("bench-1").what("measuring")
}
