//! Runs a program in a cgroup, kills what it left, and proves that nothing is alive, with
//! `runward-cgroup` and nothing else.
//!
//! ```text
//! cargo run -p runward-examples --example cgroup -- sh -c 'setsid sleep 1000 & echo started'
//! ```
//!
//! It needs a cgroup that this user may write to: root, or `Delegate=yes` in a systemd unit.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::{
    env,
    error::Error,
    process::{self, Command, ExitCode},
    time::Duration,
};

use runward_cgroup::{Cgroup, Hierarchy};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let done = match words.split_first() {
        Some((program, args)) => run(Command::new(program).args(args)),
        None => Err("usage: cgroup PROGRAM [ARG]...".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cgroup: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: &mut Command) -> Result<(), Box<dyn Error>> {
    let name = format!("example-{}", process::id());
    let cgroup = Cgroup::create(Hierarchy::find()?.own(), &name)?;
    let status = cgroup.spawn(command)?.wait()?;
    println!("the program ended: {status}");
    println!("it left {} processes", cgroup.processes()?.len());

    cgroup.kill()?;
    if !cgroup.wait_empty(Duration::from_secs(10))? {
        return Err(format!("still alive: {:?}", cgroup.processes()?).into());
    }
    println!("the kernel says that none is alive");
    Ok(cgroup.close()?)
}
