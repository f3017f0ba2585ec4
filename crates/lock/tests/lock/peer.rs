//! What the second process does; `harness` lists the lines that it obeys.
//!
//! # Safety
//!
//! One test needs a fork without an exec, whose child drops a guard and exits.
#![expect(unsafe_code, reason = "a fork is what is tested")]

use std::collections::HashMap;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use runward_lock::{
    Error, Event, Guard, Kept, LockDir, Mode, Name, Order, Released, Request, Wait, quiet,
};

struct Peer {
    locks: LockDir,
    held: HashMap<String, Guard>,
    kept: Vec<Child>,
    below: Option<crate::harness::Peer>,
}

fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout();
    // The test may have ended first.
    let _ = writeln!(out, "@{line}").and_then(|()| out.flush());
}

pub(crate) fn obey(dir: &Path) {
    let mut peer = Peer {
        locks: LockDir::open(dir).unwrap(),
        held: HashMap::new(),
        kept: Vec::new(),
        below: None,
    };
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        if words == ["exit"] {
            break;
        }
        peer.serve(&words);
    }
    // As a program ends: guards are not dropped by an exit.
    drop(peer.held);
}

impl Peer {
    fn serve(&mut self, words: &[&str]) {
        match words {
            ["acquire", name, wait, options @ ..] => {
                let result = acquire(
                    &self.locks,
                    name,
                    &request(wait, options),
                    options.contains(&"loud"),
                );
                self.keep(name, result);
            }
            ["inherited", name] => {
                let result = self.locks.inherited(&Name::new(name).unwrap());
                self.keep(name, result);
            }
            ["close", name] => done(self.take(name).close()),
            ["remove", name] => done(self.take(name).remove()),
            ["drop", name] => {
                drop(self.take(name));
                say("done");
            }
            ["current", name] => say(self.held[*name].still_current().unwrap()),
            ["what", name, text] => say(self.held.get_mut(*name).unwrap().set_what(text).is_ok()),
            ["predecessor", name] => say(predecessor(&self.held[*name])),
            ["keep", name] => self.start_keeper(name, Stdio::piped()),
            ["orphan", name] => self.start_keeper(name, Stdio::inherit()),
            ["fork", name] => self.fork(name),
            ["rounds", count, name] => self.rounds(count.parse().unwrap(), name),
            ["tries", count, name] => self.tries(count.parse().unwrap(), name),
            ["attempt", name] => self.attempt(name),
            ["descend", line @ ..] => self.descend(&line.join(" ")),
            ["descendant"] => say(self.below.as_mut().unwrap().hear()),
            ["cycles", count, first, second] => {
                self.cycles(count.parse().unwrap(), &[first, second])
            }
            other => say(format!("unknown {other:?}")),
        }
    }

    fn take(&mut self, name: &str) -> Guard {
        self.held.remove(name).unwrap()
    }

    fn keep(&mut self, name: &str, result: Result<Guard, Error>) {
        match result {
            Ok(guard) => {
                say(format!("held {}", guard.fence()));
                self.held.insert(name.to_owned(), guard);
            }
            Err(error) if error.is_held_by_ancestor() => {
                say(format!("failed {:?} {error}", error.kind()))
            }
            Err(error) => say(format!("failed {:?}", error.kind())),
        }
    }

    /// Says the first word of a child that was told the line, below a shell.
    fn descend(&mut self, line: &str) {
        let own = crate::harness::Peer::command(self.locks.path());
        let mut shell = Command::new("sh");
        shell.args(["-c", "\"$@\"; exit $?", "sh"]);
        shell.arg(own.get_program()).args(own.get_args());
        shell.env(crate::harness::DIR, self.locks.path());
        // Once we are killed it has nobody to say its last words to.
        shell.stderr(Stdio::null());
        let mut below = crate::harness::Peer::spawn(shell);
        below.tell(line);
        say(below.hear());
        self.below = Some(below);
    }

    fn start_keeper(&mut self, name: &str, input: Stdio) {
        let mut command = Command::new("cat");
        self.held.get_mut(name).unwrap().hand_down(&mut command);
        let child = command.stdin(input).stdout(Stdio::null()).spawn().unwrap();
        say(child.id());
        // Of a pipe the other end is in us alone, so that it ends with us.
        self.kept.push(child);
    }

    fn fork(&mut self, name: &str) {
        // SAFETY: the child drops one guard and exits; no other thread of this process holds a lock then.
        match unsafe { nix::unistd::fork() }.unwrap() {
            nix::unistd::ForkResult::Child => {
                drop(self.take(name));
                // SAFETY: ends the child without running anything of the parent's.
                unsafe { nix::libc::_exit(0) }
            }
            nix::unistd::ForkResult::Parent { child } => {
                let pid = rustix::process::Pid::from_raw(child.as_raw());
                rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
                say("forked");
            }
        }
    }

    /// Under the lock only one process may be, and the file says how often one was.
    fn rounds(&self, count: usize, name: &str) {
        let lock = Name::new(name).unwrap();
        let witness = self.locks.path().join(format!(".witness.{name}"));
        for round in 0..count {
            let guard = self
                .locks
                .acquire(&lock, &Request::new(), &mut quiet)
                .unwrap();
            assert!(!witness.exists(), "two holders in round {round}");
            std::fs::write(&witness, b"").unwrap();
            std::fs::remove_file(&witness).unwrap();
            guard.remove().unwrap();
        }
        say(format!("rounds {count}"));
    }

    fn tries(&self, count: usize, name: &str) {
        let name = Name::new(name).unwrap();
        let request = Request::new().wait(Wait::Never);
        let attempt = |_| {
            self.locks
                .acquire(&name, &request, &mut quiet)
                .map(Guard::close)
                .err()
        };
        let refused: Vec<_> = (0..count)
            .filter_map(attempt)
            .map(|error| error.kind())
            .collect();
        say(format!("refused {refused:?}"));
    }

    /// Stops while it holds the lock, so that another can come in if the lock does not hold.
    fn attempt(&self, name: &str) {
        let request = Request::new().wait(Wait::Never);
        let Ok(guard) = self
            .locks
            .acquire(&Name::new(name).unwrap(), &request, &mut quiet)
        else {
            return say("busy");
        };
        let witness = self.locks.path().join(".witness");
        let alone = std::fs::File::create_new(&witness).is_ok();
        nix::sys::signal::raise(nix::sys::signal::Signal::SIGSTOP).unwrap();
        let _ = std::fs::remove_file(&witness);
        guard.remove().unwrap();
        say(if alone { "alone" } else { "together" });
    }

    fn cycles(&self, count: usize, names: &[&str]) {
        let names: Vec<Name> = names.iter().map(|n| Name::new(n).unwrap()).collect();
        for _ in 0..count {
            let guards = self
                .locks
                .acquire_all(&names, &Request::new(), &mut quiet)
                .unwrap();
            assert_eq!(guards.len(), names.len());
        }
        say(format!("cycles {count}"));
    }
}

fn request(wait: &str, options: &[&str]) -> Request<'static> {
    let wait = match wait {
        "never" => Wait::Never,
        "forever" => Wait::Forever,
        millis => Wait::Until(Instant::now() + Duration::from_millis(millis.parse().unwrap())),
    };
    let mode = if options.contains(&"shared") {
        Mode::Shared
    } else {
        Mode::Exclusive
    };
    let order = if options.contains(&"ordered") {
        Order::Arrival
    } else {
        Order::Any
    };
    Request::new()
        .refuse_ancestor(options.contains(&"refusing"))
        .wait(wait)
        .mode(mode)
        .order(order)
        .run_id("run-of-peer")
        .what("peering")
}

fn acquire(locks: &LockDir, name: &str, request: &Request<'_>, loud: bool) -> Result<Guard, Error> {
    let name = Name::new(name).unwrap();
    locks.acquire(&name, request, &mut |event| {
        if let (
            Event::Waiting {
                holder, waiters, ..
            },
            true,
        ) = (event, loud)
        {
            let pids: Vec<String> = holder
                .processes()
                .iter()
                .map(|p| p.pid().to_string())
                .collect();
            let above = if holder.is_ancestor() { " above" } else { "" };
            say(format!(
                "waiting {:?} {} {waiters}{above}",
                holder.kind(),
                pids.join(",")
            ));
        }
        ControlFlow::Continue(())
    })
}

fn predecessor(guard: &Guard) -> String {
    guard.predecessor().map_or("none".to_owned(), |r| {
        if r.released() { "released" } else { "crashed" }.to_owned()
    })
}

fn done(result: Result<Released, Kept<Guard>>) {
    match result {
        Ok(_) => say("done"),
        Err(kept) => say(format!("failed {:?}", kept.error().kind())),
    }
}
