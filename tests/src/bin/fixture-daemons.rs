//! Starts very many daemons: forked twice, each in a session of its own.
#![expect(unsafe_code, reason = "plain forks: ten thousand of them have to be light")]

use nix::libc;
use nix::unistd::{ForkResult, fork, setsid};
use runward_tests::options::Options;
use runward_tests::report::Reporter;

fn main() {
    let options = Options::of_process();
    let reporter = Reporter::open(&options);
    let count: usize = options.value("--count").expect("--count is needed");
    // SAFETY: SIG_IGN is no handler; the first forks then need no wait (sigaction(2)).
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    for _ in 0..count {
        daemon();
    }
    reporter.say("ready");
    if options.flag("--wait") {
        linger();
    }
}

fn daemon() {
    let (mut placed, hold) = std::io::pipe().expect("a pipe");
    // SAFETY: this process has one thread (fork(2)), here and below.
    if let ForkResult::Child = unsafe { fork() }.expect("fork") {
        let _ = setsid();
        if let ForkResult::Child = unsafe { fork() }.expect("fork") {
            drop(hold);
            linger();
        }
        // SAFETY: always allowed (_exit(2)).
        unsafe { libc::_exit(0) };
    }
    drop(hold);
    let _ = std::io::Read::read(&mut placed, &mut [0]);
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
