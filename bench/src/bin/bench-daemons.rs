//! `bench-daemons FIFO N`: starts N daemons (double fork, own session), writes `ready` to the FIFO, and waits.
//! Each process holds the FIFO open and nothing else does, so its end of file says that all of them are gone.

#![expect(
    unsafe_code,
    reason = "a daemon is made by fork alone, which is what costs least"
)]

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::ExitCode;

use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, fork, pause, setsid};

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    let (fifo, count) = (args.next(), args.next());
    let count = count.and_then(|count| count.to_str()?.parse().ok());
    let (Some(fifo), Some(count)) = (fifo, count) else {
        return ExitCode::from(64);
    };
    let Ok(mut fifo) = OpenOptions::new().write(true).open(fifo) else {
        return ExitCode::from(66);
    };
    match start(count).and_then(|()| ready(&mut fifo)) {
        Ok(()) => wait_for_ever(),
        Err(_) => ExitCode::from(71),
    }
}

fn ready(fifo: &mut File) -> std::io::Result<()> {
    fifo.write_all(b"ready\n")
}

fn start(count: usize) -> std::io::Result<()> {
    for _ in 0..count {
        daemon()?;
    }
    Ok(())
}

fn daemon() -> nix::Result<()> {
    // SAFETY: this process has one thread, so the child may do what it likes (fork(2)).
    match unsafe { fork() }? {
        ForkResult::Parent { child } => waitpid(child, None).map(drop),
        ForkResult::Child => {
            let _ = setsid();
            // SAFETY: as above; the child has one thread as well.
            match unsafe { fork() } {
                Ok(ForkResult::Child) => wait_for_ever(),
                // SAFETY: _exit(2) runs no handlers of the process that we were forked from.
                _ => unsafe { nix::libc::_exit(0) },
            }
        }
    }
}

fn wait_for_ever() -> ! {
    loop {
        pause();
    }
}
