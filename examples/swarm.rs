//! Waits until a stack on Docker Swarm has arrived, or removes all of it, with `runward-swarm` and nothing else.
//!
//! ```text
//! docker stack deploy --compose-file compose.yml shop
//! cargo run -p runward-examples --example swarm -- wait shop
//! cargo run -p runward-examples --example swarm -- rm shop
//! ```
//!
//! It talks to the manager at `DOCKER_HOST`, or at `/var/run/docker.sock`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::{env, error::Error, ops::ControlFlow, process::ExitCode};

use runward_swarm::{Convergence, Engine, Event, StackName, State, Teardown, Wait};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["wait", stack] => wait(stack),
        ["rm", stack] => remove(stack),
        _ => Err("usage: swarm wait|rm STACK".into()),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("swarm: {error}");
            ExitCode::FAILURE
        }
    }
}

fn wait(stack: &str) -> Result<ExitCode, Box<dyn Error>> {
    let engine = Engine::of_environment()?;
    let arrived = Wait::new(&engine, StackName::new(stack)?).run(&mut show)?;
    Ok(match arrived.state() {
        State::Settled => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn show(now: &Convergence) -> ControlFlow<()> {
    for service in now.services() {
        println!("{service}");
    }
    ControlFlow::Continue(())
}

fn remove(stack: &str) -> Result<ExitCode, Box<dyn Error>> {
    let engine = Engine::of_environment()?;
    let report = Teardown::new(&engine, StackName::new(stack)?).run(&mut tell)?;
    println!("{report}");
    Ok(match report.is_clean() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn tell(event: &Event<'_>) -> ControlFlow<()> {
    println!("{event}");
    ControlFlow::Continue(())
}
