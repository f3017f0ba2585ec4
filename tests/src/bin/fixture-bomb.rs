//! A fork bomb whose every process leads a session of its own, as an ordinary user with a process limit.
#![expect(
    clippy::exit,
    reason = "a fixture ends where its kind says, in whatever process that is"
)]
#![expect(unsafe_code, reason = "plain forks: a bomb is nothing else")]

use std::process::exit;

use nix::errno::Errno;
use nix::libc;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{ForkResult, Gid, Pid, Uid, fork, setgid, setsid, setuid};
use runward_tests::options::Options;
use runward_tests::report::Reporter;

fn main() {
    let options = Options::of_process();
    let reporter = Reporter::open(&options);
    let limit: u64 = options.value("--limit").expect("--limit is needed");
    let user: u32 = options.value("--user").expect("--user is needed");
    if options.flag("--defuse") {
        defuse(user);
    }
    setrlimit(Resource::RLIMIT_NPROC, limit, limit).expect("a limit can be lowered");
    setgid(Gid::from_raw(user)).expect("the bomb starts as root");
    setuid(Uid::from_raw(user)).expect("the bomb starts as root");
    // SAFETY: SIG_IGN is no handler; ended children then leave no zombies that count (sigaction(2)).
    unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
    explode(&reporter);
}

// The kernel signals all processes of a user at once, so that no fork escapes.
fn defuse(user: u32) -> ! {
    setuid(Uid::from_raw(user)).expect("the bomb is defused as root");
    assert!(!Uid::current().is_root());
    let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    exit(0)
}

fn explode(reporter: &Reporter) -> ! {
    let mut said = false;
    loop {
        // SAFETY: this process has one thread (fork(2)).
        match unsafe { fork() } {
            Ok(ForkResult::Child) => {
                let _ = setsid();
            }
            Ok(ForkResult::Parent { .. }) => {}
            // Once each: a full line would hold the bomb up.
            Err(Errno::EAGAIN) if !said => {
                reporter.say("full");
                said = true;
            }
            Err(Errno::EAGAIN) => {}
            Err(error) => panic!("failed to fork: {error}"),
        }
    }
}
