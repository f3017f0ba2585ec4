//! What the tests need of the host.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Reports that a test is skipped, and why.
pub(crate) fn skip(test: &str, reason: &str) {
    let line = format!("SKIP {test}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("RUNWARD_SKIP_LOG") {
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(path);
        log.and_then(|mut log| log.write_all(line.as_bytes()))
            .expect("RUNWARD_SKIP_LOG can be written");
    }
    let forbidden = std::env::var_os("RUNWARD_FORBID_SKIPS").is_some();
    assert!(!forbidden, "{}", line.trim_end());
}

/// Where a program is.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Runs a program to its end; one that hangs is killed, and fails the test.
pub(crate) fn run(program: impl AsRef<OsStr>, arguments: &[&str], input: Option<&str>) -> Output {
    let mut command = Command::new("timeout");
    command
        .args(["--signal=KILL", "120"])
        .arg(program)
        .args(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let began = Instant::now();
    let mut child = command.spawn().expect("it starts");
    let mut stdin = child.stdin.take().expect("its input");
    stdin
        .write_all(input.unwrap_or_default().as_bytes())
        .expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(began.elapsed() < Duration::from_secs(119), "it hung");
    output
}
