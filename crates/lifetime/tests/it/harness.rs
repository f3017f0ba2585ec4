//! A run's owner must have one thread, which a test has not. So the owner is a *subject*: this binary again, running the one
//! ignored test below, which forks a process that obeys lines on its standard input. Each line is a JSON array of words:
//!
//! | words | answer |
//! |---|---|
//! | `program WORD…`, then any of `containment C`, `require C`, `leaks L`, `grace MS`, `deadline MS`, `teardown WORD…`, `teardown-deadline MS`, `journal PATH`, `id ID`, `env KEY VALUE`, `parent PID` | |
//! | `record PATH`, `released PATH`, `events PATH`, `progress PATH`: what each hook is called with, as a line of that file | |
//! | `keep PATH`, `note TEXT`: what `start` is given; to be opened after `arm`, as the guardian is a fork | |
//! | `arm`, `start` | `armed`, `started`, or `failed KIND` |
//! | `drop`: what `arm` gave | `dropped` |
//! | `cancelled`, and `await-cancel`, which waits until there is something to see | the cause as JSON, or `null` |
//! | `run`, `wait`, `abandon` | `outcome` and the outcome as JSON, or `failed KIND` |
//! | `recover JOURNAL RECORD` | `outcome …`, `none` or `failed KIND` |
//! | `probe CONTAINMENT` | `yes`, or why not |
//! | `child SCRIPT`: start a shell | |
//! | `thread`: start one; `deny-clone3`: answer ENOSYS to it, as the filters of container runtimes do | `done` |
//!
//! Answers begin with `@`. What the program prints without it is not heard.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use runward_cgroup::{Cgroup, Hierarchy};
use runward_lifetime::{Containment, Outcome};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, FileType, Mode, OFlags, inotify},
    process::{Pid, Signal},
};

const SUBJECT: &str = "RUNWARD_LIFETIME_TEST_SUBJECT";

/// All four, from strong to weak.
pub(crate) const ALL: [Containment; 4] = [
    Containment::Cgroup,
    Containment::PidNamespace,
    Containment::Subreaper,
    Containment::Group,
];

/// Ends the whole test binary if the test is not over in time: a run that never ends must not hang a CI.
pub(crate) struct HangGuard(
    #[expect(dead_code, reason = "its drop ends the watch")] mpsc::Sender<()>,
);

pub(crate) fn hang_guard() -> HangGuard {
    let (alive, watch) = mpsc::channel();
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    std::thread::spawn(move || {
        if watch.recv_timeout(Duration::from_secs(120)) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "HANG {test}");
            std::process::abort();
        }
    });
    HangGuard(alive)
}

/// Says that a test could not run here, where it can be counted; in a CI that forbids it, it has failed.
pub(crate) fn skip(test: &str, reason: &str) {
    let line = format!("SKIP {test}: {reason}\n");
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("RUNWARD_SKIP_LOG") {
        let log = File::options().append(true).create(true).open(path);
        log.and_then(|mut log| log.write_all(line.as_bytes()))
            .unwrap();
    }
    assert!(
        std::env::var_os("RUNWARD_FORBID_SKIPS").is_none(),
        "{}",
        line.trim_end()
    );
}

/// Those of `wanted` that this host has; the others are skipped by name.
pub(crate) fn available(test: &str, wanted: &[Containment]) -> Vec<Containment> {
    let has = |containment: &Containment| {
        let answer = Subject::start().ask(&["probe", &containment.to_string()]);
        if answer != "yes" {
            skip(&format!("{test} ({containment})"), &answer);
        }
        answer == "yes"
    };
    wanted.iter().copied().filter(has).collect()
}

/// A directory with pipes by name, for processes that nobody starts directly.
pub(crate) struct Scratch(tempfile::TempDir);

impl Scratch {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub(crate) fn line(&self, name: &str) -> Line {
        self.pipe(name);
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::open(self.path(name), flags, Mode::empty()).unwrap();
        rustix::fs::fcntl_setfl(&fd, OFlags::empty()).unwrap();
        Line(BufReader::new(File::from(fd)))
    }

    /// Waits until a file has `text` in it.
    pub(crate) fn await_text(&self, name: &str, text: &str) {
        let watch = inotify::init(inotify::CreateFlags::CLOEXEC).unwrap();
        inotify::add_watch(&watch, self.path(name), inotify::WatchFlags::MODIFY).unwrap();
        while !self.read(name).contains(text) {
            rustix::io::read(&watch, &mut [0; 4096]).unwrap();
        }
    }

    /// A pipe that `read x <GATE` waits at.
    pub(crate) fn gate(&self, name: &str) -> Gate {
        self.pipe(name);
        Gate(self.path(name))
    }

    fn pipe(&self, name: &str) {
        let mode = Mode::from_raw_mode(0o666);
        rustix::fs::mknodat(CWD, self.path(name), FileType::Fifo, mode, 0).unwrap();
    }

    /// The words of a shell program that runs in this directory, with `alive` open on 9 in all that it starts.
    pub(crate) fn shell(&self, script: &str) -> [String; 3] {
        let dir = self.0.path().display();
        let script = format!("cd {dir}; exec 9>alive >/dev/null; {script}");
        ["sh".to_owned(), "-c".to_owned(), script]
    }

    /// The same, without `alive`.
    pub(crate) fn teardown(&self, script: &str) -> [String; 4] {
        let script = format!("cd {}; {script}", self.0.path().display());
        ["teardown", "sh", "-c", &script].map(str::to_owned)
    }
}

/// The reading end of a pipe by name: it ends when the last process dies that has it open.
pub(crate) struct Line(BufReader<File>);

impl Line {
    /// The next line; empty when all who could write are gone.
    pub(crate) fn hear(&mut self) -> String {
        if self.0.buffer().is_empty() {
            // A pipe that nobody has opened yet reads as ended, but does not poll so.
            self.poll(None);
        }
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits until all who could write are gone; answers what they wrote.
    pub(crate) fn end(&mut self) -> String {
        self.poll(None);
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }

    /// Whether all who could write are gone by now.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.poll(Some(Duration::ZERO)).contains(PollFlags::HUP)
    }

    /// Whether nothing comes for a while. For what must not happen there is no event to wait for.
    pub(crate) fn is_silent(&mut self) -> bool {
        self.0.buffer().is_empty() && self.poll(Some(Duration::from_millis(300))).is_empty()
    }

    fn poll(&mut self, patience: Option<Duration>) -> PollFlags {
        let timeout = patience.map(|patience| Timespec::try_from(patience).unwrap());
        let file = self.0.get_ref().as_fd();
        let mut fds = [PollFd::from_borrowed_fd(file, PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut fds, timeout.as_ref())).unwrap();
        fds[0].revents()
    }
}

pub(crate) struct Gate(PathBuf);

impl Gate {
    /// Returns when somebody stands at the gate and was let pass.
    pub(crate) fn open(&self) {
        let mut pipe = File::options().write(true).open(&self.0).unwrap();
        pipe.write_all(b"go\n").unwrap();
    }
}

pub(crate) struct Subject {
    child: Child,
    owner: i32,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Subject {
    pub(crate) fn start() -> Self {
        Self::spawn(Command::new(std::env::current_exe().unwrap()))
    }

    /// With a process above it that is neither this one nor its parent.
    pub(crate) fn below_a_shell() -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", r#""$@"; exit 1"#, "sh"]);
        command.arg(std::env::current_exe().unwrap());
        Self::spawn(command)
    }

    fn spawn(mut command: Command) -> Self {
        let mut child = command
            .args([
                "harness::entry",
                "--exact",
                "--ignored",
                "--nocapture",
                "--test-threads=1",
            ])
            .env(SUBJECT, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut subject = Self {
            child,
            owner: 0,
            input,
            output,
        };
        subject.owner = subject.hear().parse().unwrap();
        subject
    }

    /// The process that was started first: not the owner, but one above it.
    pub(crate) fn above(&self) -> i32 {
        self.child.id() as i32
    }

    pub(crate) fn owner(&self) -> i32 {
        self.owner
    }

    /// The owner's youngest child.
    pub(crate) fn guardian(&self) -> i32 {
        // The kernel's list may miss a child while another dies.
        loop {
            if let Some(guardian) = children(self.owner).last() {
                return *guardian;
            }
        }
    }

    pub(crate) fn tell<S: AsRef<str>>(&mut self, words: &[S]) {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let line = serde_json::to_string(&words).unwrap();
        writeln!(self.input.as_ref().unwrap(), "{line}").unwrap();
    }

    /// What the run's program is, and how its tree is held.
    pub(crate) fn program<S: AsRef<str>>(&mut self, words: &[S], containment: Containment) {
        let words = words.iter().map(AsRef::as_ref);
        let line: Vec<&str> = ["program"].into_iter().chain(words).collect();
        self.tell(&line);
        self.tell(&["containment", &containment.to_string()]);
    }

    /// The next answer; empty once owner and guardian have ended.
    pub(crate) fn hear(&mut self) -> String {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            if let Some((_, answer)) = line.split_once('@') {
                return answer.trim_end().to_owned();
            }
            line.clear();
        }
        String::new()
    }

    pub(crate) fn ask<S: AsRef<str>>(&mut self, words: &[S]) -> String {
        self.tell(words);
        self.hear()
    }

    /// The next answer, which must be an outcome.
    pub(crate) fn outcome(&mut self) -> Outcome {
        let answer = self.hear();
        let Some(outcome) = answer.strip_prefix("outcome ") else {
            panic!("no outcome: {answer:?}");
        };
        serde_json::from_str(outcome).unwrap()
    }

    pub(crate) fn run(&mut self) -> Outcome {
        self.tell(&["run"]);
        self.outcome()
    }

    pub(crate) fn kill_owner(&self) {
        send(self.owner, Signal::KILL);
    }

    /// The owner may begin to go on for the guardian, but has no time to do anything. The other way round would be another
    /// story, as the guardian then ends the tree.
    pub(crate) fn kill_both(&mut self) {
        let guardian = self.guardian();
        send(guardian, Signal::KILL);
        send(self.owner, Signal::KILL);
        assert_eq!(self.hear(), "");
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            send(self.owner, Signal::KILL);
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

/// Removes the cgroup of a run that was meant to leave it.
pub(crate) fn clear_away(outcome: &Outcome) {
    let name = format!("runward-{}", outcome.run_id());
    let left = Hierarchy::find().and_then(|hierarchy| Cgroup::open(&hierarchy.own().join(name)));
    if let Ok(left) = left {
        assert!(left.wait_empty(Duration::from_secs(30)).unwrap());
        left.remove().unwrap();
    }
}

/// Waits until a process is stopped, or is not. The kernel tells nobody but its parent.
pub(crate) fn await_stopped(pid: i32, stopped: bool) {
    let until = Instant::now() + Duration::from_secs(20);
    let is = || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains(") T ") == stopped
    };
    while !is() && Instant::now() < until {
        std::thread::yield_now();
    }
    assert!(is(), "process {pid}, stopped: {}", !stopped);
}

pub(crate) fn send(pid: i32, signal: Signal) {
    let pid = Pid::from_raw(pid).unwrap();
    let _ = rustix::process::kill_process(pid, signal);
}

pub(crate) fn children(pid: i32) -> Vec<i32> {
    let list = format!("/proc/{pid}/task/{pid}/children");
    let text = std::fs::read_to_string(list).unwrap_or_default();
    text.split_whitespace().flat_map(str::parse).collect()
}

/// The lines of a file that a hook has written.
pub(crate) fn lines(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "the other process of the other tests"]
fn entry() {
    if std::env::var_os(SUBJECT).is_some() {
        crate::subject::live();
    }
}
