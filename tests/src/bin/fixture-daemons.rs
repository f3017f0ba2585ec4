//! Starts very many daemons: forked twice, each in a session of its own.
#![expect(
    unsafe_code,
    reason = "plain forks: ten thousand of them have to be light"
)]

use std::io::{Read, Write};

use nix::libc;
use nix::sys::wait::wait;
use nix::unistd::{ForkResult, fork, setsid};
use runward_tests::options::Options;
use runward_tests::report::Reporter;

fn main() {
    let options = Options::of_process();
    let count: usize = options.value("--count").expect("--count is needed");
    let (mut placed, mut place) = std::io::pipe().expect("a pipe");
    // In batches: each alone waits for its turn on a busy machine, and all at once need two ids each.
    for batch in (0..count).step_by(BATCH) {
        let size = BATCH.min(count - batch);
        for _ in 0..size {
            daemon(&mut place);
        }
        for _ in 0..size {
            wait().expect("an own child");
        }
    }
    placed
        .read_exact(&mut vec![0; count])
        .expect("every daemon reports");
    Reporter::open(&options).say("ready");
    if options.flag("--wait") {
        linger();
    }
}

const BATCH: usize = 200;

fn daemon(place: &mut impl Write) {
    // SAFETY: this process has one thread (fork(2)).
    if let ForkResult::Child = unsafe { fork() }.expect("fork") {
        let _ = setsid();
        // SAFETY: so has its child (fork(2)).
        if let ForkResult::Child = unsafe { fork() }.expect("fork") {
            place.write_all(b".").expect("the planter reads");
            // Ten thousand that die at once would queue up at the lock of a pipe that all hold.
            // SAFETY: nothing here uses a descriptor after this (close_range(2)).
            unsafe { libc::close_range(0, u32::MAX, 0) };
            linger();
        }
        // SAFETY: always allowed (_exit(2)).
        unsafe { libc::_exit(0) };
    }
}

fn linger() -> ! {
    loop {
        // SAFETY: always allowed (pause(2)); the alarm is a bound, in case the test dies.
        unsafe {
            libc::alarm(600);
            libc::pause();
        }
    }
}
