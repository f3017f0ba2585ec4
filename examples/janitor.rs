//! Removes the directories that dead runs left, with `runward-janitor` and `runward-lock` and nothing else.
//!
//! ```text
//! cargo run -p runward-examples --example lock -- /tmp/my/locks shop-1            # a run; kill it with `kill -9`
//! cargo run -p runward-examples --example janitor -- /tmp/my 'shop-[0-9]+' --dry-run
//! cargo run -p runward-examples --example janitor -- /tmp/my 'shop-[0-9]+'
//! ```
//!
//! Below `/tmp/my` there are `locks`, and `runs` with a directory for each run, of the name of its lock.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::{env, error::Error, path::Path, process::ExitCode};

use runward_janitor::{Allow, Directories, Janitor, Policy};
use runward_lock::{LockDir, Name};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        [root, pattern] => sweep(root.as_ref(), pattern, false),
        [root, pattern, "--dry-run"] => sweep(root.as_ref(), pattern, true),
        _ => Err("usage: janitor DIRECTORY PATTERN [--dry-run]".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("janitor: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether nothing is left that may be reaped.
fn sweep(root: &Path, pattern: &str, dry_run: bool) -> Result<bool, Box<dyn Error>> {
    let locks = LockDir::open(root.join("locks"))?;
    let policy = Policy::new(Allow::patterns([pattern])?);
    let runs = Directories::new("run", root.join("runs"), |entry| Name::new(entry).ok());
    let janitor = Janitor::new(&locks, policy, root.join("janitor")).sweep(runs);
    let plan = janitor.plan()?;
    print!("{plan}");
    if dry_run {
        return Ok(plan.reaps().count() == 0);
    }
    let report = janitor.execute(&plan)?;
    print!("{report}");
    Ok(report.is_clean())
}
