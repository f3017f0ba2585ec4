//! What a subject does; `harness` lists the lines that it obeys.
//!
//! # Safety
//!
//! The subject is forked from a test's thread, as a run needs a process with one. It uses none of what the other threads of
//! the parent may have had locked: they wait for this one. The filter is installed by a system call on a live table.
#![expect(unsafe_code, reason = "a fork and a system call filter")]

use std::{
    fs::File,
    io::{BufRead, BufReader, Write as _},
    os::fd::{AsFd, OwnedFd},
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    process::{Child, Command},
    time::Duration,
};

use nix::libc;
use runward_lifetime::{
    Armed, Cause, Choice, Containment, Error, Event, Host, Leaks, Lifetime, Outcome, Program,
    Running, recover,
};
use rustix::event::{PollFd, PollFlags, poll};

/// Forks the subject and stays above it until it has ended.
pub(crate) fn live() {
    // SAFETY: see the page.
    match unsafe { nix::unistd::fork() }.unwrap() {
        nix::unistd::ForkResult::Child => {
            let code = catch_unwind(obey).map_or(101, |()| 0);
            // SAFETY: ends the fork without running anything of the parent's.
            unsafe { libc::_exit(code) }
        }
        nix::unistd::ForkResult::Parent { child } => {
            nix::sys::wait::waitpid(child, None).unwrap();
        }
    }
}

#[derive(Default)]
struct Subject {
    program: Option<Program>,
    lifetime: Option<Lifetime>,
    armed: Option<Armed>,
    running: Option<Running>,
    kept: Vec<OwnedFd>,
    note: String,
    children: Vec<Child>,
}

fn obey() {
    let input = AssertUnwindSafe(commands());
    say(std::process::id());
    let mut subject = Subject::default();
    for line in input.0.lines() {
        let words: Vec<String> = serde_json::from_str(&line.unwrap()).unwrap();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        subject.serve(&words);
    }
}

/// Standard input, which the program must not see.
fn commands() -> impl BufRead {
    let copy = rustix::io::fcntl_dupfd_cloexec(std::io::stdin(), 3).unwrap();
    let null = File::open("/dev/null").unwrap();
    rustix::stdio::dup2_stdin(&null).unwrap();
    BufReader::new(File::from(copy))
}

fn say(line: impl std::fmt::Display) {
    // The test may have ended first.
    let _ = rustix::io::write(rustix::stdio::stdout(), format!("@{line}\n").as_bytes());
}

impl Subject {
    fn serve(&mut self, words: &[&str]) {
        match words {
            ["program", program, args @ ..] => {
                self.program = Some(Program::new(*program).args(args));
                self.lifetime = None;
            }
            ["env", key, value] => {
                self.program = self.program.take().map(|program| program.env(*key, *value));
            }
            ["keep", path] => self.kept.push(to_write(path).into()),
            ["note", text] => self.note = (*text).to_owned(),
            ["arm"] => self.arm(),
            ["start"] => self.start(),
            ["cancelled"] => say_cause(self.armed.as_mut().unwrap().cancelled().as_ref()),
            ["await-cancel"] => self.await_cancel(),
            ["abandon"] => self.abandon(),
            ["drop"] => {
                self.armed = None;
                say("dropped");
            }
            ["wait"] => say_outcome(self.running.take().unwrap().wait().map(Some)),
            ["run"] => {
                let lifetime = self.lifetime();
                say_outcome(lifetime.run().map(Some));
            }
            ["recover", journal, record] => say_outcome(finish(journal, record)),
            ["probe", containment] => say(probe(containment)),
            ["child", script] => {
                let child = Command::new("sh").args(["-c", script]).spawn();
                self.children.push(child.unwrap());
            }
            ["thread"] => {
                std::thread::spawn(std::thread::park);
                say("done");
            }
            ["deny-clone3"] => deny_clone3(),
            option => {
                let lifetime = self.lifetime();
                self.lifetime = Some(set(lifetime, option));
            }
        }
    }

    fn lifetime(&mut self) -> Lifetime {
        let program = || Lifetime::new(self.program.take().unwrap());
        self.lifetime.take().unwrap_or_else(program)
    }

    fn arm(&mut self) {
        match self.lifetime().arm() {
            Ok(armed) => {
                self.armed = Some(armed);
                say("armed");
            }
            Err(error) => say_error(&error),
        }
    }

    fn start(&mut self) {
        let armed = self.armed.take().unwrap();
        match armed.start(std::mem::take(&mut self.kept), &self.note) {
            Ok(running) => {
                self.running = Some(running);
                say("started");
            }
            Err(error) => say_error(&error),
        }
    }

    fn await_cancel(&mut self) {
        let armed = self.armed.as_mut().unwrap();
        let mut fds = [PollFd::from_borrowed_fd(armed.as_fd(), PollFlags::IN)];
        poll(&mut fds, None).unwrap();
        say_cause(armed.cancelled().as_ref());
    }

    fn abandon(&mut self) {
        let mut armed = self.armed.take().unwrap();
        let cause = armed.cancelled().unwrap_or(Cause::Failed {
            reason: "the test wants it".to_owned(),
            code: 125,
        });
        say_outcome(Ok(Some(armed.abandon(cause))));
    }
}

fn set(lifetime: Lifetime, option: &[&str]) -> Lifetime {
    match option {
        ["containment", name] => lifetime.containment(Choice::Only(containment(name))),
        ["require", name] => lifetime.require(containment(name)),
        ["leaks", name] => lifetime.leaks(parse::<Leaks>(name)),
        ["grace", millis] => lifetime.grace(time(millis)),
        ["deadline", millis] => lifetime.deadline(time(millis)),
        ["teardown", words @ ..] => lifetime.teardown(words.iter().copied()),
        ["teardown-deadline", millis] => lifetime.teardown_deadline(time(millis)),
        ["journal", path] => lifetime.journal(path),
        ["id", id] => lifetime.run_id(*id),
        ["parent", pid] => lifetime.expect_parent(pid.parse().unwrap()),
        ["record", path] => lifetime.on_finish(recorder(path)),
        ["events", path] => lifetime.on_event(noter(path)),
        ["progress", path] => lifetime.on_progress(noter(path)),
        ["released", path] => {
            let mut file = to_write(path);
            lifetime.on_release(move |kept| {
                file.write_all(format!("{}\n", kept.len()).as_bytes())
                    .unwrap();
            })
        }
        other => panic!("unknown: {other:?}"),
    }
}

fn recorder(path: &str) -> impl FnOnce(&Outcome) + use<> {
    let mut file = to_write(path);
    move |outcome| {
        let line = serde_json::to_string(outcome).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

fn noter(path: &str) -> impl FnMut(&Event) + use<> {
    let mut file = to_write(path);
    move |event| {
        let line = serde_json::to_string(event).unwrap();
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

fn finish(journal: &str, record: &str) -> Result<Option<Outcome>, Error> {
    let mut file = to_write(record);
    let journal = PathBuf::from(journal);
    let path = journal.clone();
    recover(&journal, move |outcome, note| {
        let there = if path.exists() { "there" } else { "gone" };
        let line = format!("{note}, exit {}, journal {there}\n", outcome.exit_code());
        file.write_all(line.as_bytes()).unwrap();
    })
}

fn probe(name: &str) -> String {
    let wanted = containment(name);
    let host = Host::probe();
    let rung = host.rungs().iter().find(|r| r.containment() == wanted);
    rung.unwrap().refused().unwrap_or("yes").to_owned()
}

fn to_write(path: &str) -> File {
    File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
}

fn containment(name: &str) -> Containment {
    parse(name)
}

fn parse<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_value(name.into()).unwrap()
}

fn time(millis: &str) -> Duration {
    Duration::from_millis(millis.parse().unwrap())
}

fn say_error(error: &Error) {
    say(format_args!("failed {:?}: {error}", error.kind()));
}

fn say_cause(cause: Option<&Cause>) {
    say(serde_json::to_string(&cause).unwrap());
}

fn say_outcome(result: Result<Option<Outcome>, Error>) {
    match result {
        Ok(Some(outcome)) => say(format_args!(
            "outcome {}",
            serde_json::to_string(&outcome).unwrap()
        )),
        Ok(None) => say("none"),
        Err(error) => say_error(&error),
    }
}

/// `seccomp(2)`: the number is the first word of what the filter sees.
fn deny_clone3() {
    let code = |class: u32| class as u16;
    let statement = |class, k| libc::sock_filter {
        code: code(class),
        jt: 0,
        jf: 0,
        k,
    };
    let is_clone3 = libc::sock_filter {
        code: code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K),
        jt: 0,
        jf: 1,
        k: libc::SYS_clone3 as u32,
    };
    let refuse = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
    let mut filter = [
        statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0),
        is_clone3,
        statement(libc::BPF_RET | libc::BPF_K, refuse),
        statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: prctl(2) reads the program, which is alive.
    let installed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(
                libc::PR_SET_SECCOMP,
                libc::SECCOMP_MODE_FILTER,
                &raw const program,
            ) == 0
    };
    assert!(installed);
    // SAFETY: clone3(2) without arguments makes nothing.
    let denied = unsafe { libc::syscall(libc::SYS_clone3, 0, 0) } == -1
        && nix::errno::Errno::last() == nix::errno::Errno::ENOSYS;
    say(if denied {
        "done"
    } else {
        "the filter does not hold"
    });
}
