use std::collections::HashMap;
use std::ffi::CStr;
use std::path::Path;

use runward_canary::Cause;
use runward_lock::LockDir;

/// Who of the files is locked by anybody, by the kernel's word. No lock is taken.
pub(super) struct Held(HashMap<String, bool>);

impl Held {
    pub(super) fn read(path: &Path) -> Result<Self, Cause> {
        let failed = |error: runward_lock::Error| crate::local::lock_cause(&error);
        let locks = LockDir::open(path).map_err(failed)?;
        let entry =
            |lock: &runward_lock::Entry| (lock.name().as_str().to_owned(), lock.state().is_held());
        Ok(Self(
            locks.list().map_err(failed)?.iter().map(entry).collect(),
        ))
    }

    /// None for a file whose name no lock has.
    pub(super) fn of(&self, name: &CStr) -> Option<bool> {
        self.0.get(name.to_str().ok()?).copied()
    }
}
