//! Named points in a sweep. With the feature `sync-points`, a process whose environment names points in `RUNWARD_JANITOR_STOP_AT`,
//! with commas between, stops itself there with SIGSTOP; `*` names them all. Without it they compile to nothing.

#[cfg(feature = "sync-points")]
pub(crate) fn point(name: &str) {
    let wanted = std::env::var("RUNWARD_JANITOR_STOP_AT").unwrap_or_default();
    if !wanted.is_empty() && wanted.split(',').any(|w| w == "*" || w == name) {
        // To this thread, which then goes no further; to the process, another thread could take it while this one runs on.
        let _ = nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP);
    }
}

#[cfg(not(feature = "sync-points"))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}
