//! Named points in building and removing. With the feature `sync-points`, a process whose environment has a name in
//! `RUNWARD_ABRADIR_DIE_AT` kills itself at the first point of that name, and one that has a number there at that point, counted from
//! zero. Without it they compile to nothing.

#[cfg(feature = "sync-points")]
pub(crate) fn point(name: &str) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static PASSED: AtomicUsize = AtomicUsize::new(0);
    static WANTED: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    let wanted = WANTED.get_or_init(|| std::env::var("RUNWARD_ABRADIR_DIE_AT").unwrap_or_default());
    let passed = PASSED.fetch_add(1, Ordering::Relaxed);
    if wanted == name || wanted.parse() == Ok(passed) {
        // A fatal signal to the process takes this thread before the call returns.
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

#[cfg(not(feature = "sync-points"))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}
