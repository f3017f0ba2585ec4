//! What the tests of `runward canary` share: rules in a directory of their own, a Redis, an address that takes alerts, a watcher.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use runward_tests::{Sandbox, binaries};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// One job, with and without a worker.
pub(crate) const WELL: &str = r#"[{"name":"nightly","workers":2}]"#;
pub(crate) const ILL: &str = r#"[{"name":"nightly","workers":0}]"#;

/// Rules that look at the jobs of a file.
pub(crate) const JOBS: &str = r#"
title = "jobs"
source.jobs = { kind = "command", argv = ["cat"], timeout = "2s" }
ledger.directory = "ledger"
[facet.jobs]
source = "jobs"
args = ["jobs"]
id = "name"
columns = { workers = "int" }
[invariant.J-01]
title = "Every job has a worker"
tier = "A"
severity = "major"
message = "{subject} has no worker"
runbook = "Look at the pool."
shape = "row"
of = "jobs"
bad = [{ kind = "idle", column = "workers", equals = 0 }]
"#;

/// What a call came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A rule file in a directory of its own, beside which all lies that it names.
pub(crate) struct Canary<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) folder: PathBuf,
    pub(crate) rules: PathBuf,
}

impl<'a> Canary<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox, rules: &str) -> Self {
        let folder = sandbox.fresh("canary");
        fs::create_dir(&folder).expect("a directory");
        let canary = Self {
            sandbox,
            rules: folder.join("rules.toml"),
            folder,
        };
        canary.write("rules.toml", rules);
        canary.write("jobs", WELL);
        canary
    }

    /// Rules over the file of jobs, and more.
    pub(crate) fn of_jobs(sandbox: &'a Sandbox, more: &str) -> Self {
        Self::new(sandbox, &format!("{JOBS}{more}"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// Called from somewhere else than where the rules stand.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binaries::runward());
        command.args(["canary", name]).arg(&self.rules);
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    #[track_caller]
    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> Ran {
        ran(self.command(name).args(arguments))
    }

    #[track_caller]
    pub(crate) fn assert(&self, name: &str, arguments: &[&str], code: i32) -> Ran {
        let ran = self.run(name, arguments);
        assert_eq!(ran.code, code, "{name} {arguments:?}: {ran:#?}");
        ran
    }

    /// What `status --json` says.
    #[track_caller]
    pub(crate) fn status(&self) -> Value {
        let ran = self.run("status", &["--json"]);
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
    }

    /// The findings of an invariant.
    #[track_caller]
    pub(crate) fn findings(&self, id: &str) -> Value {
        let status = self.status();
        let all = status["invariants"].as_array().expect("invariants");
        let found = all.iter().find(|it| it["id"] == id);
        found.unwrap_or_else(|| panic!("no {id}: {status}"))["findings"].clone()
    }

    /// The lines of a file of JSON.
    pub(crate) fn lines(&self, name: &str) -> Vec<Value> {
        let text = self.read(name);
        let parsed = |line| serde_json::from_str(line).expect("a line of JSON");
        text.lines().map(parsed).collect()
    }

    /// Why each alert was sent that is in a file.
    pub(crate) fn reasons(&self, name: &str) -> Vec<String> {
        let reason = |it: &Value| it["reason"].as_str().unwrap_or_default().to_owned();
        self.lines(name).iter().map(reason).collect()
    }

    pub(crate) fn spawn(&self, name: &str) -> Child {
        self.command(name)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("starts")
    }
}

/// Tells SQLite, which makes the file if there is none.
#[track_caller]
pub(crate) fn sqlite(path: &Path, sql: &str) -> String {
    let mut command = Command::new("sqlite3");
    command
        .arg(path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("sqlite3 starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(sql.as_bytes()).expect("written");
    drop(input);
    let output = child.wait_with_output().expect("ends");
    assert!(output.status.success(), "sqlite3 refuses");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[track_caller]
pub(crate) fn ran(command: &mut Command) -> Ran {
    let output = command.output().expect("starts");
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub(crate) fn kill(child: &mut Child) {
    let _ = kill_process(Pid::from_child(child), Signal::KILL);
    child.wait().expect("ends");
}

/// Looks again and again until it holds.
#[track_caller]
pub(crate) fn until(sandbox: &Sandbox, what: &str, mut holds: impl FnMut() -> bool) {
    while !holds() {
        assert!(Instant::now() < sandbox.until(), "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A Redis of the test's own, on a socket.
pub(crate) struct Redis {
    folder: PathBuf,
    child: Child,
}

impl Redis {
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        let folder = sandbox.fresh("redis");
        fs::create_dir(&folder).expect("a directory");
        let child = Self::serve(&folder);
        let redis = Self { folder, child };
        until(sandbox, "Redis answers", || redis.call(&["PING"]) == "PONG");
        redis
    }

    fn serve(folder: &Path) -> Child {
        let mut command = Command::new("redis-server");
        command.args(["--port", "0", "--unixsocket", "socket", "--save", ""]);
        command.args(["--appendonly", "yes", "--appendfsync", "always"]);
        command.current_dir(folder).stdout(Stdio::null());
        command.spawn().expect("redis-server starts")
    }

    /// Another one, with what the dead one had kept.
    pub(crate) fn again(&mut self, sandbox: &Sandbox) {
        kill(&mut self.child);
        self.child = Self::serve(&self.folder);
        until(sandbox, "Redis answers", || self.call(&["PING"]) == "PONG");
    }

    pub(crate) fn url(&self) -> String {
        format!("unix://{}/socket", self.folder.display())
    }

    pub(crate) fn call(&self, words: &[&str]) -> String {
        let socket = self.folder.join("socket");
        let ran = ran(Command::new("redis-cli").arg("-s").arg(socket).args(words));
        ran.out.trim().to_owned()
    }

    /// A command with any bytes.
    pub(crate) fn tell(&self, words: &[&str]) {
        let mut stream = UnixStream::connect(self.folder.join("socket")).expect("Redis is there");
        let mut text = format!("*{}\r\n", words.len());
        for word in words {
            text += &format!("${}\r\n{word}\r\n", word.len());
        }
        stream.write_all(text.as_bytes()).expect("written");
        let mut answer = [0];
        stream.read_exact(&mut answer).expect("an answer");
        assert_ne!(answer, *b"-", "Redis refuses {:?}", words[0]);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("signalled");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}

/// An address that takes alerts: keeps what is posted, and answers as it is told.
pub(crate) struct Hook {
    port: u16,
    posts: Arc<Mutex<Vec<String>>>,
    answer: Arc<Mutex<Option<u16>>>,
}

impl Hook {
    /// None as an answer is silence.
    pub(crate) fn start(answer: Option<u16>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let answer = Arc::new(Mutex::new(answer));
        let posts = Arc::new(Mutex::new(Vec::new()));
        let (keep, say) = (Arc::clone(&posts), Arc::clone(&answer));
        // It lives as long as the test's process, which nobody minds.
        std::thread::spawn(move || {
            let mut silent = Vec::new();
            for stream in listener.incoming().flatten() {
                silent.extend(serve(stream, &keep, *say.lock().expect("whole")));
            }
        });
        Self {
            port,
            posts,
            answer,
        }
    }

    /// With a part that nobody may see.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/services/T0P-S3CRET", self.port)
    }

    pub(crate) fn answer(&self, status: u16) {
        *self.answer.lock().expect("whole") = Some(status);
    }

    /// What was posted.
    pub(crate) fn posts(&self) -> Vec<String> {
        self.posts.lock().expect("whole").clone()
    }
}

fn serve(
    mut stream: TcpStream,
    posts: &Mutex<Vec<String>>,
    answer: Option<u16>,
) -> Option<TcpStream> {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        line.clear();
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8_lossy(&body).into_owned();
    posts.lock().expect("whole").push(body);
    let Some(status) = answer else {
        return Some(stream);
    };
    let words = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(words.as_bytes());
    None
}

/// A `watch`, and what it says.
pub(crate) struct Watcher {
    pub(crate) child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Watcher {
    pub(crate) fn start(canary: &Canary<'_>) -> Self {
        let mut command = canary.command("watch");
        let mut child = command.stderr(Stdio::piped()).spawn().expect("starts");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        Self { child, lines }
    }

    /// Passes over what it says, up to a line with these words. A watcher that hangs is ended by the sandbox.
    #[track_caller]
    pub(crate) fn says(&mut self, words: &str) -> String {
        let mut said = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.expect("text");
            if line.contains(words) {
                return line;
            }
            said.push(line);
        }
        panic!("it never says {words:?}, but {said:#?}");
    }

    /// What it says before a line with these words.
    #[track_caller]
    pub(crate) fn before(&mut self, words: &str) -> Vec<String> {
        let said = self.lines.by_ref().map(|line| line.expect("text"));
        said.take_while(|line| !line.contains(words)).collect()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("signalled");
    }

    /// Asks it to end.
    #[track_caller]
    pub(crate) fn end(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.child.wait().expect("ends").code(), Some(0));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        kill(&mut self.child);
    }
}
