//! Plants processes that try to outlive their run, and reports when they are in place.
#![expect(
    clippy::exit,
    reason = "a fixture ends where its kind says, in whatever process that is"
)]
#![expect(
    unsafe_code,
    reason = "plain forks: each kind of leaf is defined by its system calls"
)]

use std::io::{Read, Write};
use std::process::exit;
use std::thread::sleep;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::{SigHandler, SigSet, Signal, kill, raise, signal};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{
    ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, getpid, setpgid, setsid,
};
use runward_tests::options::Options;
use runward_tests::report::{self, Reporter};
use runward_tests::{Leaf, Then};

fn main() {
    let options = Options::of_process();
    let reporter = Reporter::open(&options);
    report::log(&options, "main-start");
    let then: Then = options.value("--then").unwrap_or(Then::Wait);
    let term = (then == Then::Cleanup).then(SigSet::empty).map(|mut set| {
        set.add(Signal::SIGTERM);
        set
    });
    plant_all(&options, &reporter);
    // Not before: the leaves would inherit the mask.
    if let Some(set) = &term {
        set.thread_block().expect("a valid mask");
    }
    reporter.say(&format!("ready {}", getpid()));
    end(then, &options, &reporter, term.as_ref());
}

fn end(then: Then, options: &Options, reporter: &Reporter, term: Option<&SigSet>) -> ! {
    match then {
        Then::Wait => linger(),
        Then::Gate => report::pass_gate(options),
        Then::Work(milliseconds) => sleep(Duration::from_millis(milliseconds)),
        Then::Exit(code) => leave(options, code),
        Then::Raise(number) => {
            // The runtime of a Rust program handles some of them; real-time signals have no name in nix.
            // SAFETY: SIG_DFL is no handler (signal(2)), and raise(3) has no precondition.
            unsafe {
                libc::signal(number, libc::SIG_DFL);
                libc::raise(number);
            }
            linger();
        }
        Then::Cleanup => {
            term.expect("the mask was set")
                .wait()
                .expect("a valid mask");
            reporter.say("cleanup-start");
            report::pass_gate(options);
            report::log(options, "cleanup-end");
            reporter.say("cleanup-end");
            leave(options, 5);
        }
    }
    leave(options, 0)
}

fn leave(options: &Options, code: i32) -> ! {
    report::log(options, "main-end");
    exit(code)
}

fn plant_all(options: &Options, reporter: &Reporter) {
    let copies = options.value("--copies").unwrap_or(1);
    let kinds = options
        .text("--leaves")
        .map(parse_leaves)
        .unwrap_or_default();
    let leaves = kinds.repeat(copies);
    let (mut placed, mut place) = std::io::pipe().expect("a pipe");
    let mut stopped = Vec::new();
    for leaf in &leaves {
        let child = split(*leaf, || {
            become_leaf(*leaf, options);
            reporter.say(&format!("leaf {leaf} {}", getpid()));
            place.write_all(b".").expect("the planter reads");
        });
        if *leaf == Leaf::Stopped {
            stopped.push(child);
        }
    }
    placed
        .read_exact(&mut vec![0; leaves.len()])
        .expect("every leaf reports");
    for child in stopped {
        waitpid(child, Some(WaitPidFlag::WUNTRACED)).expect("the leaf stops");
    }
}

fn parse_leaves(names: &str) -> Vec<Leaf> {
    names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.parse().expect("a kind of leaf"))
        .collect()
}

fn split(leaf: Leaf, place: impl FnOnce()) -> Pid {
    // SAFETY: this process has one thread, so the child may do anything (fork(2)).
    match unsafe { fork() }.expect("fork") {
        ForkResult::Parent { child } => child,
        ForkResult::Child => {
            place();
            match leaf {
                Leaf::Stopped => raise(Signal::SIGSTOP).expect("it stops"),
                Leaf::Forking => roll(),
                _ => {}
            }
            linger()
        }
    }
}

fn become_leaf(leaf: Leaf, options: &Options) {
    if !options.flag("--hold-output") {
        close_stdio();
    }
    match leaf {
        Leaf::Plain | Leaf::Stopped => {}
        Leaf::Group => setpgid(Pid::from_raw(0), Pid::from_raw(0)).expect("a group of its own"),
        Leaf::Stubborn => ignore_term(),
        Leaf::Session | Leaf::Forking => daemonise(),
        Leaf::StubbornSession => {
            ignore_term();
            daemonise();
        }
    }
}

fn ignore_term() {
    // SAFETY: SIG_IGN is no handler (signal(2)).
    unsafe { signal(Signal::SIGTERM, SigHandler::SigIgn) }.expect("TERM can be ignored");
}

fn daemonise() {
    setsid().expect("a forked process leads no group");
    become_child();
}

fn become_child() {
    // SAFETY: this process has one thread (fork(2)).
    if let Ok(ForkResult::Parent { .. }) = unsafe { fork() } {
        // SAFETY: always allowed (_exit(2)).
        unsafe { libc::_exit(0) };
    }
}

// Moves on to a new id, over and over, until it is caught. No faster: where the adopting process reaps slowly,
// the zombies would use up the ids of the whole host.
fn roll() -> ! {
    for _ in 0..3000 {
        become_child();
        sleep(Duration::from_millis(10));
    }
    exit(0)
}

fn close_stdio() {
    let null = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .expect("/dev/null");
    dup2_stdin(&null)
        .and_then(|()| dup2_stdout(&null))
        .and_then(|()| dup2_stderr(&null))
        .expect("descriptors");
}

// For ever, as far as a test goes; a bound, in case the test itself dies.
fn linger() -> ! {
    sleep(Duration::from_secs(600));
    let _ = kill(getpid(), Signal::SIGKILL);
    exit(99)
}
