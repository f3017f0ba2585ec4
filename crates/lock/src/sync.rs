//! Named points in the protocol. With the feature `sync-points`, a process whose environment names a point in
//! `RUNWARD_LOCK_STOP_AT` stops itself there with SIGSTOP; `*` names them all. Without it they compile to nothing.

#[cfg(feature = "sync-points")]
pub(crate) fn point(name: &str) {
    let wanted = std::env::var_os("RUNWARD_LOCK_STOP_AT");
    if wanted.is_some_and(|w| w == "*" || w == name) {
        stop();
    }
}

#[cfg(feature = "sync-points")]
fn stop() {
    // A process may always signal itself.
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
}

#[cfg(not(feature = "sync-points"))]
#[inline(always)]
pub(crate) fn point(_name: &str) {}
