//! A test that this host cannot run says so, where it can be counted.

use std::env;
use std::fs::File;
use std::io::Write;

/// Reports that a test is skipped, and why.
///
/// # Panics
///
/// When `RUNWARD_FORBID_SKIPS` is set.
pub fn skip(test: &str, reason: &str) {
    let line = format!("SKIP {test}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = env::var_os("RUNWARD_SKIP_LOG") {
        let log = File::options().append(true).create(true).open(path);
        log.and_then(|mut log| log.write_all(line.as_bytes()))
            .expect("RUNWARD_SKIP_LOG can be written");
    }
    assert!(
        env::var_os("RUNWARD_FORBID_SKIPS").is_none(),
        "{}",
        line.trim_end()
    );
}

/// Leaves the test when a condition of the host does not hold.
#[macro_export]
macro_rules! need {
    ($test:expr, $holds:expr, $reason:expr) => {
        if !$holds {
            $crate::skip::skip($test, $reason);
            return;
        }
    };
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
