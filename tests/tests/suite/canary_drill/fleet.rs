//! The example `agent-fleet` on real servers and a real engine, drilled by the binary: each kind of each invariant.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use runward_tests::skip::{is_root, skip};
use runward_tests::swarm::Swarm;
use runward_tests::{Running, Sandbox, binaries, places, servers};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use super::{json, verified};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/agent-fleet");

/// What lasts seconds in the example is shortened once more, and so are the pauses between two looks.
const SHORTER: &str = r#"
[invariant.E-09]
sustained = "1s"
[invariant.H-01]
confirm_after = "500ms"
[invariant.R-01]
min = "1s"
[invariant.B-08]
silence_grace = "8s"
"#;

/// Their reverts make a container anew, which takes its time.
const WITH_CONTAINERS: [&str; 3] = ["B-02", "B-08", "R-01"];

/// A server that ends with its test.
struct Server {
    child: Child,
    folder: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
        servers::remove_shared_memory(&self.folder.join("data"));
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Database {
    Sqlite,
    Postgres,
}

struct Fleet<'a> {
    sandbox: &'a Sandbox,
    engine: Swarm,
    redis: u16,
    database: String,
    kind: Database,
    _servers: Vec<Server>,
}

/// Why the drills cannot be done here.
fn lacks(database: Database) -> Option<String> {
    let lacks = |program: &&str| !servers::installed(program);
    let programs = ["redis-server", "redis-cli", "sqlite3", "flock"];
    if let Some(reason) = Swarm::lacks() {
        return Some(reason);
    }
    if let Some(missing) = programs.iter().find(|one| lacks(one)) {
        return Some(format!(
            "needs {missing} (Debian: redis, sqlite3, util-linux)"
        ));
    }
    let none = servers::postgres_programs().is_none() || !servers::installed("psql") || !is_root();
    (database == Database::Postgres && none).then(|| "needs PostgreSQL (Debian: postgresql)".into())
}

impl<'a> Fleet<'a> {
    fn start(sandbox: &'a Sandbox, kind: Database) -> Self {
        let engine = std::thread::spawn(Swarm::start);
        let redis = servers::free_port();
        let mut all = vec![start_redis(sandbox, redis)];
        let database = match kind {
            Database::Sqlite => sandbox.path("fleet.db").display().to_string(),
            Database::Postgres => {
                let (server, address) = start_postgres(sandbox);
                all.push(server);
                address
            }
        };
        let fleet = Self {
            sandbox,
            engine: engine.join().expect("an engine"),
            redis,
            database,
            kind,
            _servers: all,
        };
        fleet.make();
        fleet
    }

    /// Tables, agents, and what looks wrong and is not.
    fn make(&self) {
        if self.kind == Database::Sqlite {
            let mut wal = Command::new("sqlite3");
            wal.arg(&self.database).arg("PRAGMA journal_mode = WAL");
            assert!(wal.output().expect("sqlite3 starts").status.success());
        }
        fs::create_dir(self.agents()).expect("a directory");
        self.does(&["schema"]);
        self.does(&["seed", "quick", "slow", "drill"]);
        self.does(&["innocents"]);
    }

    fn agents(&self) -> PathBuf {
        self.sandbox.path("agents")
    }

    fn set(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .env("PATH", format!("{EXAMPLE}:{path}"))
            .env("FLEET_DB", &self.database)
            .env("FLEET_REDIS", format!("redis://127.0.0.1:{}", self.redis))
            .env("FLEET_AGENTS_DIR", self.agents())
            .env("FLEET_ENGINE", self.engine.socket())
            .env("HOME", self.sandbox.root())
            .current_dir(self.sandbox.root())
            .stdin(Stdio::null());
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(Path::new(EXAMPLE).join("fleet"));
        command.args(words);
        self.set(&mut command);
        command
    }

    #[track_caller]
    fn does(&self, words: &[&str]) {
        let output = self.command(words).output().expect("the fleet starts");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {said}");
    }

    fn traffic(&self) -> Server {
        let mut command = self.command(&["traffic", "900"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        Server {
            child: command.process_group(0).spawn().expect("the fleet starts"),
            folder: self.sandbox.root().to_owned(),
        }
    }

    fn drill(&self, rules: &Path, words: &[&str]) -> Command {
        let mut command = Command::new(binaries::runward());
        command.args(["canary", "drill"]).arg(rules).args(words);
        self.set(&mut command);
        command
    }

    /// The example's rules, on these servers.
    fn rules(&self) -> PathBuf {
        let database = match self.kind {
            Database::Sqlite => format!("kind = 'sqlite'\npath = '{}'", self.database),
            Database::Postgres => "kind = 'postgres'\nurl_env = 'FLEET_DB'".to_owned(),
        };
        let socket = self.engine.socket();
        let port = serve(self.agents());
        let text = format!(
            "include = ['{EXAMPLE}/canary.toml']\nledger.directory = 'ledger'\n[source.db]\n{database}\n[source.docker]\nkind = 'docker'\nsocket = '{}'\n[facet.listed]\nquery = 'http://127.0.0.1:{port}/{{subject}}.json'\n{SHORTER}",
            socket.display()
        );
        let path = self.sandbox.path("canary.toml");
        fs::write(&path, &text).expect("rules");
        let listed = self
            .drill(&path, &["--list", "--json"])
            .output()
            .expect("starts");
        let listed = json(&String::from_utf8_lossy(&listed.stdout));
        assert_eq!(listed["missing"], Value::Array(Vec::new()));
        fs::write(&path, text + &shorter(&listed["drills"])).expect("rules");
        path
    }
}

/// As many looks as fit into the time that a drill had before, and a few more.
fn shorter(drills: &Value) -> String {
    let drills = drills.as_array().expect("drills").iter();
    let drill = |one: &Value| {
        let cycles = one["within_cycles"].as_u64().expect("a number") * 6;
        format!(
            "[drill.{}]\ngap = '150ms'\nwithin_cycles = {cycles}\n",
            one["drill"]
        )
    };
    drills.map(drill).collect()
}

fn start_redis(sandbox: &Sandbox, port: u16) -> Server {
    let folder = sandbox.fresh("redis");
    fs::create_dir(&folder).expect("a directory");
    places::give_to_nobody(&folder);
    let mut command = servers::as_nobody();
    command.args([
        "redis-server",
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--port",
    ]);
    command.arg(port.to_string()).arg("--dir").arg(&folder);
    let child = command.process_group(0).stdout(Stdio::null()).spawn();
    let server = Server {
        child: child.expect("Redis starts"),
        folder,
    };
    until(sandbox, "Redis answers", || {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &port.to_string(), "PING"]);
        command.output().is_ok_and(|said| said.stdout == b"PONG\n")
    });
    server
}

fn start_postgres(sandbox: &Sandbox) -> (Server, String) {
    let programs = servers::postgres_programs().expect("as we have looked");
    let (folder, port) = (sandbox.fresh("postgres"), servers::free_port());
    fs::create_dir(&folder).expect("a directory");
    places::give_to_nobody(&folder);
    let data = folder.join("data");
    servers::make_cluster(sandbox, &programs, &data);
    let mut command = servers::as_nobody();
    command.arg(programs.join("postgres")).arg("-D").arg(&data);
    command
        .arg("-k")
        .arg(&folder)
        .args(["-p", &port.to_string()]);
    for option in [
        "listen_addresses=",
        "fsync=off",
        "shared_buffers=1MB",
        "dynamic_shared_memory_type=mmap",
    ] {
        command.args(["-c", option]);
    }
    command
        .current_dir(&folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let server = Server {
        child: command.process_group(0).spawn().expect("PostgreSQL starts"),
        folder: folder.clone(),
    };
    let address = format!(
        "postgres:///postgres?host={}&port={port}&user=nobody",
        folder.display()
    );
    until(sandbox, "PostgreSQL answers", || {
        let mut command = Command::new("psql");
        command.args(["-X", "-c", "SELECT 1"]).arg(&address);
        command.output().is_ok_and(|said| said.status.success())
    });
    (server, address)
}

#[track_caller]
fn until(sandbox: &Sandbox, what: &str, holds: impl Fn() -> bool) {
    while !holds() {
        assert!(std::time::Instant::now() < sandbox.until(), "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Answers with the files of a folder, for as long as the test process lives.
fn serve(folder: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or("/");
            let (status, body) = match fs::read(folder.join(path.trim_start_matches('/'))) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(&[head.as_bytes(), &body].concat());
        }
    });
    port
}

/// One fleet at a time: what is to turn red within seconds has to have the machine for itself.
static ALONE: Mutex<()> = Mutex::new(());

fn each_kind(test: &str, database: Database) {
    if let Some(reason) = lacks(database) {
        return skip(test, &reason);
    }
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let sandbox = Sandbox::new(300);
    let fleet = Fleet::start(&sandbox, database);
    let rules = fleet.rules();
    let _traffic = fleet.traffic();
    let drills = fleet.drill(&rules, &["--all", "--json", "--evidence", "bundle"]);
    let ended = Running::of(&sandbox, drills).wait();
    ended.assert_code(0);
    let report = json(&ended.stdout);
    let drills = report["drills"].as_array().expect("drills");
    assert!(drills.len() >= 30, "{}", drills.len());
    assert!(drills.iter().all(|one| one["passed"] == true));
    // Where nothing is broken a revert has nothing to do, and does it.
    for one in drills
        .iter()
        .filter(|one| !WITH_CONTAINERS.iter().any(|id| one["invariant"] == *id))
    {
        let word = |key: &str| one[key].as_str().expect("a text");
        fleet.does(&["revert", word("invariant"), word("kind")]);
    }
    let (verdict, failed) = verified(&sandbox, &sandbox.path("bundle"), "all");
    assert_eq!((&*verdict, failed), ("proven", Vec::new()));
}

#[test]
fn each_kind_of_the_example_is_drilled_on_sqlite() {
    each_kind(
        "each_kind_of_the_example_is_drilled_on_sqlite",
        Database::Sqlite,
    );
}

#[test]
fn each_kind_of_the_example_is_drilled_on_postgresql() {
    each_kind(
        "each_kind_of_the_example_is_drilled_on_postgresql",
        Database::Postgres,
    );
}
