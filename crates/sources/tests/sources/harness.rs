//! Private servers that end with their test, and what a facet asks of them.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use runward_canary::{
    Ask, CauseKind, Column, Context, Cut, Kind, Reading, Setting, Settings, Source, Stamp, Table,
    Value,
};
use runward_tests::{places, servers, skip};

/// Longer than anything takes that does not hang.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Ends the whole test binary if the test is not over in time.
pub(crate) struct HangGuard(
    #[expect(dead_code, reason = "its drop ends the watch")] mpsc::Sender<()>,
);

pub(crate) fn hang_guard() -> HangGuard {
    hang_guard_for(2 * LONG)
}

pub(crate) fn hang_guard_for(longest: Duration) -> HangGuard {
    let (alive, watch) = mpsc::channel();
    let test = std::thread::current().name().unwrap_or("?").to_owned();
    std::thread::spawn(move || {
        if watch.recv_timeout(longest) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "HANG {test}");
            std::process::abort();
        }
    });
    HangGuard(alive)
}

/// Looks again and again until it holds; a test that waits for the impossible fails.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A server of the test's own, and its folder; killed at the end.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        servers::remove_shared_memory(&self.folder.path().join("data"));
    }
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    places::give_to_nobody(folder.path());
    folder
}

/// A Redis on a unix socket and a port; none where there is no Redis: the test is skipped.
pub(crate) fn redis(test: &str) -> Option<Server> {
    if !skip::is_root() || !servers::installed("redis-server") {
        skip::skip(test, "needs root and redis-server (Debian: redis-server)");
        return None;
    }
    let (folder, port) = (folder(), servers::free_port());
    let child = servers::as_nobody()
        .args([
            "redis-server",
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--unixsocket",
        ])
        .arg(folder.path().join("sock"))
        .args(["--port", &port.to_string(), "--dir"])
        .arg(folder.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server {
        child,
        folder,
        port,
    };
    until("redis answers", || cli(&server, &["PING"]).trim() == "PONG");
    Some(server)
}

/// What `redis-cli` says.
pub(crate) fn cli(server: &Server, words: &[&str]) -> String {
    let mut command = Command::new("redis-cli");
    command
        .arg("-s")
        .arg(server.path("sock"))
        .args(words)
        .stderr(Stdio::null());
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}

/// A PostgreSQL; its user `nobody` is trusted on the socket, and has to say a password over TCP.
pub(crate) fn postgres(test: &str) -> Option<Server> {
    let Some(programs) = servers::postgres_programs().filter(|_| skip::is_root()) else {
        skip::skip(test, "needs root and PostgreSQL (Debian: postgresql)");
        return None;
    };
    let (folder, port) = (folder(), servers::free_port());
    let data = folder.path().join("data");
    let password = folder.path().join("password");
    std::fs::write(&password, "p@ss word\n").unwrap();
    places::give_to_nobody(&password);
    let made = servers::as_nobody()
        .arg(programs.join("initdb"))
        .args([
            "--no-sync",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--username=nobody",
            "--encoding=UTF8",
            "--locale=C",
        ])
        .arg("--pgdata")
        .arg(&data)
        .arg("--pwfile")
        .arg(&password)
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .status();
    assert!(made.unwrap().success());
    let child = servers::as_nobody()
        .arg(programs.join("postgres"))
        .arg("-D")
        .arg(&data)
        .arg("-k")
        .arg(folder.path())
        .args([
            "-p",
            &port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
        ])
        .args([
            "-c",
            "shared_buffers=1MB",
            "-c",
            "dynamic_shared_memory_type=mmap",
            "-c",
            "logging_collector=off",
        ])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
        .spawn()
        .unwrap();
    let server = Server {
        child,
        folder,
        port,
    };
    until("postgres answers", || psql(&server, "SELECT 1").is_some());
    Some(server)
}

pub(crate) fn psql(server: &Server, sql: &str) -> Option<String> {
    psql_at(server.folder.path(), server.port, sql)
}

pub(crate) fn psql_at(folder: &Path, port: u16, sql: &str) -> Option<String> {
    let programs = servers::postgres_programs().unwrap();
    let mut command = Command::new(programs.join("psql"));
    command
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "nobody",
            "-d",
            "postgres",
            "-h",
        ])
        .arg(folder)
        .args(["-p", &port.to_string(), "-c", sql])
        .stderr(Stdio::null());
    let output = command.output().unwrap();
    output
        .status
        .success()
        .then(|| String::from_utf8(output.stdout).unwrap())
}

pub(crate) fn text(text: impl Into<String>) -> Setting {
    Setting::Text(text.into())
}

pub(crate) fn texts(all: &[&str]) -> Setting {
    Setting::List(all.iter().map(|one| text(*one)).collect())
}

pub(crate) fn map(pairs: &[(&str, &str)]) -> Setting {
    Setting::Map(
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), text(*value)))
            .collect(),
    )
}

pub(crate) fn settings(pairs: &[(&str, Setting)]) -> Settings {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.clone()))
        .collect()
}

/// A facet; its columns as `name` or `name:kind`.
pub(crate) fn ask(facet: &str, columns: &str, pairs: &[(&str, Setting)]) -> Ask {
    let column = |word: &str| {
        let (name, kind) = word.split_once(':').unwrap_or((word, "text"));
        let kind = match kind {
            "int" => Kind::Int,
            "time" => Kind::Time,
            "bool" => Kind::Bool,
            "any" => Kind::Any,
            _ => Kind::Text,
        };
        Column::new(name, kind)
    };
    Ask {
        facet: facet.to_owned(),
        columns: columns.split(' ').map(column).collect(),
        settings: settings(pairs),
        only: None,
    }
}

pub(crate) fn only(mut ask: Ask, subjects: &[&str]) -> Ask {
    ask.only = Some(
        subjects
            .iter()
            .map(|one| (*one).to_owned())
            .collect::<BTreeSet<_>>(),
    );
    ask
}

pub(crate) fn open(kind: &str, pairs: &[(&str, Setting)], timeout: Duration) -> Box<dyn Source> {
    runward_sources::open(kind, &settings(pairs), timeout).unwrap()
}

/// Prepares and reads once, with what was read before.
#[track_caller]
pub(crate) fn read(source: &mut dyn Source, asks: &[Ask], cut: &Cut) -> Vec<Reading> {
    let _hang = hang_guard();
    source.prepare(asks).unwrap();
    let asks: Vec<_> = asks.iter().collect();
    let clock = || Stamp::of(SystemTime::now());
    let context = Context {
        cut,
        deadline: Instant::now() + LONG,
        clock: &clock,
    };
    let before = clock();
    let readings = source.read(&asks, &context);
    assert_eq!(readings.len(), asks.len());
    for reading in &readings {
        assert!(
            before <= reading.begun()
                && reading.begun() <= reading.ended()
                && reading.ended() <= clock()
        );
    }
    readings
}

#[track_caller]
pub(crate) fn read_one(source: &mut dyn Source, ask: Ask) -> Reading {
    read(source, &[ask], &Cut::new()).remove(0)
}

/// A facet as if another source had read it.
pub(crate) fn before(facet: &str, columns: &str, rows: Vec<Vec<Value>>) -> Cut {
    let mut table = Table::new(ask(facet, columns, &[]).columns);
    rows.into_iter().for_each(|row| table.push(row));
    let now = Stamp::of(SystemTime::now());
    BTreeMap::from([(facet.to_owned(), Reading::ok(table, now, now))])
}

pub(crate) fn roster(names: &[&str]) -> Cut {
    before(
        "roster",
        "id",
        names.iter().map(|name| vec![Value::text(*name)]).collect(),
    )
}

/// The rows as lines of their cells, in order.
#[track_caller]
pub(crate) fn rows(reading: &Reading) -> Vec<String> {
    let table = reading.table().unwrap_or_else(|cause| panic!("{cause}"));
    let mut rows: Vec<_> = table
        .rows()
        .map(|row| row.cells().iter().map(shown).collect::<Vec<_>>().join("|"))
        .collect();
    rows.sort();
    rows
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(bool) => bool.to_string(),
        Value::Int(int) => int.to_string(),
        Value::Time(stamp) => stamp.to_string(),
        Value::Text(text) => format!("'{text}'"),
    }
}

#[track_caller]
pub(crate) fn failed(reading: &Reading) -> CauseKind {
    match reading.table() {
        Ok(table) => panic!("it was read: {table:?}"),
        Err(cause) => cause.kind(),
    }
}

/// Names that a tenant may choose: each of them ends something in some language.
pub(crate) fn hostile() -> Vec<String> {
    let mut names: Vec<String> = [
        "a b",
        "a\nb",
        "a\r\nDEL victim\r\n",
        "'; DROP TABLE jobs; --",
        "\"quoted\"",
        "*",
        "{subject}",
        "{",
        "}",
        "$(id)",
        "`id`",
        "a|b",
        "../../etc/passwd",
        "-rf",
        "--help",
        "%s%n",
        "ä\u{202e}b",
        "\\",
        "NULL",
        "\t",
        " ",
        "a?b#c&d=e",
        "%0d%0a",
        "?1",
        ":id",
        "$1",
    ]
    .map(str::to_owned)
    .to_vec();
    names.push("x".repeat(1 << 20));
    names
}

pub(crate) fn sql(name: &str) -> String {
    format!("'{}'", name.replace('\'', "''"))
}

pub(crate) fn socket_url(server: &Server) -> Setting {
    text(format!("unix://{}", server.path("sock").display()))
}

/// What is sent by somebody who listens, and then says this and hangs up, or nothing and waits.
pub(crate) struct Liar {
    pub(crate) path: PathBuf,
    pub(crate) port: u16,
    _folder: tempfile::TempDir,
}

impl Liar {
    /// Answers whatever comes first with these bytes; with none of them, never.
    pub(crate) fn saying(answer: &'static [u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sock");
        let unix = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in unix.incoming().flatten() {
                lie(stream.into(), answer, &mut kept);
            }
        });
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in tcp.incoming().flatten() {
                lie(stream.into(), answer, &mut kept);
            }
        });
        Self {
            path,
            port,
            _folder: folder,
        }
    }
}

fn lie(stream: std::os::fd::OwnedFd, answer: &[u8], kept: &mut Vec<std::fs::File>) {
    let mut stream = std::fs::File::from(stream);
    if answer.is_empty() {
        return kept.push(stream);
    }
    let mut part = [0; 4096];
    let _ = std::io::Read::read(&mut stream, &mut part);
    let _ = stream.write_all(answer);
    kept.push(stream);
}

pub(crate) fn shown_path(path: &Path) -> Setting {
    text(path.to_str().unwrap())
}
