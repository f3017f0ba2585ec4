//! Owns a name among the processes of this machine, with `runward-lock` and nothing else.
//!
//! ```text
//! cargo run -p runward-examples --example lock -- /tmp/my-locks shop   # own it until Enter
//! cargo run -p runward-examples --example lock -- /tmp/my-locks        # who has what
//! ```
//!
//! Start the first line in two terminals. The second waits and says for whom; press Enter in the
//! first, or kill it with `kill -9`.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::{env, error::Error, io, ops::ControlFlow, process::ExitCode};

use runward_lock::{Event, LockDir, Name, Request, State};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let done = match words.as_slice() {
        [directory] => show(directory),
        [directory, name] => own(directory, name),
        _ => Err("usage: lock DIRECTORY [NAME]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lock: {error}");
            ExitCode::FAILURE
        }
    }
}

fn own(directory: &str, name: &str) -> Result<(), Box<dyn Error>> {
    let locks = LockDir::open(directory)?;
    let request = Request::new().what("trying the example");
    let guard = locks.acquire(&Name::new(name)?, &request, &mut tell)?;
    if guard.predecessor().is_some_and(|last| !last.released()) {
        println!("the holder before was killed: clean up after it now");
    }
    println!("mine until Enter");
    io::stdin().read_line(&mut String::new())?;
    let released = guard.close()?;
    println!("released {} after {:?}", released.name(), released.held());
    Ok(())
}

fn tell(event: &Event<'_>) -> ControlFlow<()> {
    println!("{event}");
    ControlFlow::Continue(())
}

fn show(directory: &str) -> Result<(), Box<dyn Error>> {
    for entry in LockDir::open(directory)?.list()? {
        match entry.state() {
            State::Held(holder) => println!("{}: held by {holder}", entry.name()),
            _ => println!("{}: free", entry.name()),
        }
    }
    Ok(())
}
