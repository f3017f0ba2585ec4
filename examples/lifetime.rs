//! A small tool that is not runward and makes the whole promise, with `runward-lifetime` and
//! nothing else: it runs a task out of a file, ends everything that the task started, and does
//! what comes after it, also when the tool itself is killed.
//!
//! ```text
//! $ cat tasks
//! test: docker run --detach --name db postgres && make test
//! after test: docker rm --force db
//! $ cargo run -p runward-examples --example lifetime -- tasks test
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::{env, error::Error, fs, process::ExitCode};

use runward_lifetime::{Lifetime, Outcome, Program};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let done = match words.as_slice() {
        [file, task] => run(file, task),
        _ => Err("usage: lifetime FILE TASK".into()),
    };
    match done {
        Ok(code) => code.into(),
        Err(error) => {
            eprintln!("lifetime: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(file: &str, task: &str) -> Result<u8, Box<dyn Error>> {
    let tasks = fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let command = find(&tasks, task).ok_or_else(|| format!("{file} has no task {task:?}"))?;
    let after = find(&tasks, &format!("after {task}")).unwrap_or("true");

    // The promise, in three lines.
    let lifetime = Lifetime::new(Program::new("sh").args(["-c", command]));
    let outcome = lifetime.teardown(["sh", "-c", after]).run()?;
    let code = outcome.exit_code();

    tell(&outcome);
    Ok(code)
}

/// What follows `name:` in the file.
fn find<'a>(tasks: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = tasks.lines().filter_map(|line| line.split_once(':'));
    lines
        .find(|(key, _)| key.trim() == name)
        .map(|(_, command)| command.trim())
}

fn tell(outcome: &Outcome) {
    for left in outcome.leaks() {
        println!("left behind and ended: {}", left.command);
    }
    for after in outcome.teardowns() {
        print!("{}", after.output);
    }
    println!("{:?}, held by a {}", outcome.cause(), outcome.containment());
}
