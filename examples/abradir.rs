//! Runs a command with a state directory of its own, with `runward-abradir` and nothing else.
//!
//! ```text
//! cd examples
//! cargo run -p runward-examples --example abradir -- state/docker.toml /tmp/my-runs docker login
//! cargo run -p runward-examples --example abradir -- state/kube.toml /tmp/my-runs kubectl config use-context test
//! ```
//!
//! The logins and contexts of this user are there, what the command changes is gone afterwards. Kill it with `kill -9`, and the next
//! one says what was left.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::{
    env,
    error::Error,
    path::Path,
    process::{Command, ExitCode},
};

use runward_abradir::{Doomed, Layout, Request, Root};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let done = match words.as_slice() {
        [layout, place, program, args @ ..] => {
            run(layout.as_ref(), place, Command::new(program).args(args))
        }
        _ => Err("usage: abradir LAYOUT PLACE PROGRAM [ARG]...".into()),
    };
    match done {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("abradir: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(layout: &Path, place: &str, command: &mut Command) -> Result<u8, Box<dyn Error>> {
    let layout = Layout::read(layout)?;
    let root = Root::open(place, &doomed())?;
    tell_left(&root)?;

    let home = env::var_os("HOME").ok_or("HOME is not set")?;
    let mut request = Request::new(&layout, "example");
    if let Some(source) = layout.source(home.as_ref()) {
        request = request.source(source);
    }
    let state = root.build(&request)?;
    println!("state of {} in {}", layout.tool(), state.path().display());
    let status = state.environment().apply(command).status()?;
    for path in state.strangers()? {
        println!("not in the layout: {}", path.display());
    }
    state.close()?;
    Ok(status
        .code()
        .and_then(|code| code.try_into().ok())
        .unwrap_or(u8::MAX))
}

/// A CI deletes its workspace when it pleases.
fn doomed() -> Doomed {
    match env::var_os("CI_WORKSPACE") {
        Some(workspace) => Doomed::new().below(workspace, "the CI's workspace ($CI_WORKSPACE)"),
        None => Doomed::new(),
    }
}

/// What others have left, or still use: a lock would tell.
fn tell_left(root: &Root) -> Result<(), Box<dyn Error>> {
    for entry in root.list()? {
        match entry.owner() {
            Some(owner) => println!("{} of process {}", entry.name(), owner.pid()),
            None => println!("{}, not begun or nearly gone", entry.name()),
        }
    }
    Ok(())
}
