//! `runward canary` with its ledger in a PostgreSQL that several hosts share: each has a home and a rules file of its own here.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};

use runward_tests::proxy::{Fate, Proxy};
use runward_tests::skip::{is_root, skip};
use runward_tests::{Sandbox, binaries, places, servers};
use rustix::process::{Pid, Signal, kill_process};

const WELL: &str = r#"[{"name":"nightly","workers":2}]"#;
const ILL: &str = r#"[{"name":"nightly","workers":0}]"#;

/// A server of the test's own, ended with it.
struct Server {
    child: Child,
    folder: PathBuf,
    programs: PathBuf,
    port: u16,
}

impl Server {
    /// None where there is none: the test is skipped.
    fn start(sandbox: &Sandbox, test: &str) -> Option<Self> {
        let Some(programs) = servers::postgres_programs().filter(|_| is_root()) else {
            skip(test, "needs root and PostgreSQL (Debian: postgresql)");
            return None;
        };
        let folder = sandbox.fresh("server");
        fs::create_dir(&folder).expect("a folder");
        places::give_to_nobody(&folder);
        servers::make_cluster(sandbox, &programs, &folder.join("data"));
        let port = servers::free_port();
        let server = Self {
            child: postgres(&programs, &folder, port),
            folder,
            programs,
            port,
        };
        server.until_it_answers();
        Some(server)
    }

    fn until_it_answers(&self) {
        until("the server answers", || self.psql("SELECT 1").is_some());
    }

    /// As a crash of its machine would end it.
    fn stop(&mut self) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::QUIT).expect("signalled");
        self.child.wait().expect("ends");
    }

    fn start_again(&mut self) {
        self.child = postgres(&self.programs, &self.folder, self.port);
        self.until_it_answers();
    }

    fn psql(&self, sql: &str) -> Option<String> {
        let mut command = Command::new(self.programs.join("psql"));
        command
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"])
            .args(["-U", "nobody", "-d", "postgres", "-h"])
            .arg(&self.folder)
            .args(["-p", &self.port.to_string(), "-c", sql]);
        let output = command.output().expect("psql starts");
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    }

    /// Ends what serves a process of ours.
    fn end_connections_of(&self, pid: u32) {
        let ended = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%:{pid} jobs'"
        );
        assert_eq!(self.psql(&ended).as_deref(), Some("t"));
    }

    /// A proxy before it, and the address behind that.
    fn proxied(&self) -> (Proxy, String) {
        let proxy = Proxy::before(&self.folder.join(format!(".s.PGSQL.{}", self.port)));
        let url = format!("postgres://nobody@127.0.0.1:{}/postgres", proxy.port());
        (proxy, url)
    }

    fn url(&self) -> String {
        format!("postgres://nobody:secret@127.0.0.1:{}/postgres", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        servers::remove_shared_memory(&self.folder.join("data"));
    }
}

fn postgres(programs: &Path, folder: &Path, port: u16) -> Child {
    servers::as_nobody()
        .arg(programs.join("postgres"))
        .arg("-D")
        .arg(folder.join("data"))
        .arg("-k")
        .arg(folder)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
        .args(["-c", "fsync=off", "-c", "shared_buffers=1MB"])
        .args(["-c", "dynamic_shared_memory_type=mmap"])
        .args(["-c", "logging_collector=off"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("postgres starts")
}

/// Looks again and again until it holds; a test that waits for the impossible fails.
#[track_caller]
fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// One host: a folder with its rules and its home. What is watched is the same for all.
struct Host {
    rules: PathBuf,
    home: PathBuf,
    url: String,
}

/// What all hosts see, and where all of them tell.
struct World<'a> {
    sandbox: &'a Sandbox,
    jobs: PathBuf,
    told: PathBuf,
}

impl<'a> World<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        let (jobs, told) = (sandbox.fresh("jobs"), sandbox.fresh("told"));
        fs::write(&jobs, WELL).expect("jobs");
        Self {
            sandbox,
            jobs,
            told,
        }
    }

    fn host(&self, url: &str, more: &str) -> Host {
        let (rules, home) = (self.sandbox.fresh("rules"), self.sandbox.fresh("home"));
        let (jobs, told) = (&self.jobs, &self.told);
        let text = format!(
            r#"title = "jobs"
ledger.url_env = "LEDGER"
[source.jobs]
kind = "command"
argv = ["cat"]
timeout = "5s"
[facet.jobs]
source = "jobs"
args = [{jobs:?}]
id = "name"
columns = {{ workers = "int" }}
[invariant.J-01]
title = "Every job has a worker"
tier = "A"
severity = "critical"
message = "{{subject}} has no worker"
runbook = "Look at the pool."
shape = "row"
of = "jobs"
bad = [{{ kind = "idle", column = "workers", equals = 0 }}]
[[alert]]
kind = "file"
path = {told:?}
{more}"#
        );
        fs::write(&rules, text).expect("rules");
        Host {
            rules,
            home,
            url: url.to_owned(),
        }
    }

    fn jobs(&self, text: &str) {
        // Whoever reads it sees the old one or the new one.
        let new = self.sandbox.fresh("jobs");
        fs::write(&new, text).expect("jobs");
        fs::rename(&new, &self.jobs).expect("renamed");
    }

    /// How many alerts with that reason were told.
    fn told(&self, reason: &str) -> usize {
        let told = fs::read_to_string(&self.told).unwrap_or_default();
        told.matches(&format!("\"reason\":\"{reason}\"")).count()
    }
}

impl Host {
    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binaries::runward());
        command.args(["canary", name]).arg(&self.rules);
        command
            .env("LEDGER", &self.url)
            .env("RUNWARD_HOME", &self.home);
        command.stdin(Stdio::null());
        command
    }

    /// What it says on both, which never has the password.
    #[track_caller]
    fn assert(&self, name: &str, arguments: &[&str], expected: i32) -> String {
        let ran = self.command(name).args(arguments).output().expect("starts");
        let said = said(&ran);
        assert_eq!(code(&ran), expected, "{name} {arguments:?}: {said}");
        said
    }

    fn watch(&self) -> Watcher {
        let mut command = self.command("watch");
        let mut child = command.stderr(Stdio::piped()).spawn().expect("starts");
        let lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        Watcher { child, lines }
    }
}

fn said(ran: &Output) -> String {
    let said = [&ran.stdout, &ran.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    let said = said.concat();
    assert!(!said.contains("secret"), "{said}");
    said
}

fn code(ran: &Output) -> i32 {
    ran.status.code().unwrap_or(-1)
}

struct Watcher {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

impl Watcher {
    /// Reads on until it says that; the sandbox ends who never does.
    #[track_caller]
    fn says(&mut self, words: &str) -> String {
        let mut heard = Vec::new();
        for line in self.lines.by_ref() {
            let line = line.expect("text");
            assert!(!line.contains("secret"), "{line}");
            if line.contains(words) {
                return line;
            }
            heard.push(line);
        }
        panic!("never: {words}; but {heard:#?}");
    }

    fn kill(&mut self) {
        kill_process(Pid::from_child(&self.child), Signal::KILL).expect("killed");
        self.child.wait().expect("ends");
    }

    #[track_caller]
    fn end(mut self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("signalled");
        assert_eq!(self.child.wait().expect("ends").code(), Some(0));
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const OFTEN: &str = "[policy]\ninterval = \"1s\"\nstartup = \"0s\"\n";

#[test]
fn every_command_works_with_it_on_every_host() {
    let sandbox = Sandbox::new(120);
    let Some(server) = Server::start(&sandbox, "every_command_works_with_it_on_every_host") else {
        return;
    };
    let world = World::new(&sandbox);
    let more = format!(
        "[retention]\nsnapshots = \"1h\"\n[drill.one]\ninvariant = \"J-01\"\nkind = \"idle\"\nsubject = \"nightly\"\ngap = \"10ms\"\nprovoke = {}\nrevert = {}\n",
        put(&world.jobs, ILL),
        put(&world.jobs, WELL)
    );
    let (east, west) = (
        world.host(&server.url(), &more),
        world.host(&server.url(), &more),
    );
    let checked = east.assert("check", &[], 0);
    let place = format!(
        "ledger: schema runward_canary of postgres at 127.0.0.1:{}",
        server.port
    );
    assert!(checked.contains(&place), "{checked}");
    assert_eq!(
        server
            .psql("SELECT to_regnamespace('runward_canary') IS NULL")
            .as_deref(),
        Some("t")
    );
    assert!(west.assert("status", &[], 3).contains("never run"));
    east.assert("cycle", &[], 0);
    west.assert("status", &[], 0);
    world.jobs(ILL);
    east.assert("cycle", &[], 2);
    let shown = west.assert("status", &[], 2);
    assert!(shown.contains("nightly"), "{shown}");
    west.assert("cycle", &["--only", "J-01"], 2);
    assert_eq!(world.told("opened"), 1, "the other knew that it was told");
    world.jobs(WELL);
    west.assert("cycle", &[], 0);
    east.assert("status", &["--json"], 0);
    assert_eq!((world.told("opened"), world.told("recovered")), (1, 1));
    assert!(!east.home.exists(), "nothing is kept here");
    // What a drill owes is owed by the host on which it broke something.
    east.assert("drill", &["--all"], 0);
    let replayed = west.assert("replay", &[], 2);
    assert!(replayed.contains("J-01 idle nightly"), "{replayed}");
    assert!(!west.home.exists(), "nothing is kept here");
}

fn put(jobs: &Path, text: &str) -> String {
    format!("[\"sh\", \"-c\", '''echo '{text}' > {}''']", jobs.display())
}

#[test]
fn of_two_hosts_one_leads_and_the_other_takes_over_and_each_change_is_told_once() {
    let sandbox = Sandbox::new(120);
    let test = "of_two_hosts_one_leads_and_the_other_takes_over_and_each_change_is_told_once";
    let Some(server) = Server::start(&sandbox, test) else {
        return;
    };
    let world = World::new(&sandbox);
    let (east, west) = (
        world.host(&server.url(), OFTEN),
        world.host(&server.url(), OFTEN),
    );
    let mut first = east.watch();
    first.says("leading");
    let mut second = west.watch();
    let other = second.says("another watcher leads");
    assert!(
        other.contains(&format!(":{} jobs", first.child.id())),
        "{other}"
    );
    world.jobs(ILL);
    until("it was told", || world.told("opened") == 1);
    first.kill();
    second.says("leading");
    let kept = || {
        server
            .psql("SELECT commit FROM runward_canary.ledger")
            .expect("kept")
    };
    let before = kept();
    until("the other goes on", || kept() != before);
    world.jobs(WELL);
    until("it was told", || world.told("recovered") == 1);
    // And back: whoever stood in is no twin.
    let mut third = east.watch();
    third.says("another watcher leads");
    second.end();
    third.says("leading");
    let before = kept();
    until("the first goes on", || kept() != before);
    third.end();
    east.assert("status", &[], 0);
    assert_eq!((world.told("opened"), world.told("recovered")), (1, 1));
    let all = fs::read_to_string(&world.told).expect("told");
    assert_eq!(all.lines().count(), 2, "{all}");
    let episodes = "SELECT convert_from(body, 'UTF8')::json ->> 'change' FROM runward_canary.episode ORDER BY commit, line";
    assert_eq!(server.psql(episodes).as_deref(), Some("opened\nclosed"));
}

#[test]
fn a_leader_whose_connection_ends_stands_by_and_one_whose_server_ends_comes_back() {
    let sandbox = Sandbox::new(120);
    let test = "a_leader_whose_connection_ends_stands_by_and_one_whose_server_ends_comes_back";
    let Some(mut server) = Server::start(&sandbox, test) else {
        return;
    };
    let world = World::new(&sandbox);
    let rare = "[policy]\ninterval = \"1h\"\nstartup = \"0s\"\n";
    let (east, west) = (
        world.host(&server.url(), rare),
        world.host(&server.url(), rare),
    );
    let mut first = east.watch();
    first.says("leading");
    let mut second = west.watch();
    second.says("another watcher leads");
    until("it has looked", || {
        server
            .psql("SELECT last IS NOT NULL FROM runward_canary.ledger")
            .as_deref()
            == Some("t")
    });
    server.end_connections_of(first.child.id());
    // Though its next cycle is an hour away.
    first.says("the lead is lost");
    second.says("leading");
    first.says("another watcher leads");
    server.stop();
    second.says("the lead is lost");
    first.says("start the database");
    server.start_again();
    // Whichever is first.
    until("one leads", || {
        let leads = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";
        server.psql(leads).as_deref() != Some("0")
    });
    first.end();
    second.end();
}

#[test]
fn a_leader_that_hears_nothing_of_its_loss_asks_before_each_cycle() {
    let sandbox = Sandbox::new(120);
    let test = "a_leader_that_hears_nothing_of_its_loss_asks_before_each_cycle";
    let Some(server) = Server::start(&sandbox, test) else {
        return;
    };
    let world = World::new(&sandbox);
    // It passes on what is said in answer, and so no end that comes between.
    let (_proxy, behind) = server.proxied();
    let (near, far) = (world.host(&server.url(), OFTEN), world.host(&behind, OFTEN));
    let mut first = far.watch();
    first.says("leading");
    let mut second = near.watch();
    second.says("another watcher leads");
    server.end_connections_of(first.child.id());
    first.says("the lead is lost");
    second.says("leading");
    first.says("another watcher leads");
    first.end();
    second.end();
}

#[test]
fn a_database_that_ends_in_mid_cycle_is_no_verdict_and_nothing_is_told_twice() {
    let sandbox = Sandbox::new(120);
    let test = "a_database_that_ends_in_mid_cycle_is_no_verdict_and_nothing_is_told_twice";
    let Some(mut server) = Server::start(&sandbox, test) else {
        return;
    };
    let world = World::new(&sandbox);
    let host = world.host(&server.url(), "");
    host.assert("cycle", &[], 0);
    // The source waits for a writer: the cycle has read its state, and not written it.
    let held = |text: &str, server: &mut Server| {
        fs::remove_file(&world.jobs).expect("removed");
        let made = Command::new("mkfifo").arg(&world.jobs).status();
        assert!(made.expect("mkfifo").success());
        let cycle = host
            .command("cycle")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut pipe = fs::OpenOptions::new()
            .write(true)
            .open(&world.jobs)
            .expect("a reader");
        server.stop();
        std::io::Write::write_all(&mut pipe, text.as_bytes()).expect("written");
        drop(pipe);
        let ran = cycle.expect("starts").wait_with_output().expect("ends");
        world.jobs(text);
        ran
    };
    let ran = held(WELL, &mut server);
    assert_eq!(code(&ran), 3, "{}", said(&ran));
    let gone = host.assert("cycle", &[], 3);
    assert!(gone.contains("start the database"), "{gone}");
    assert!(host.assert("status", &[], 3).contains("start the database"));
    server.start_again();
    host.assert("cycle", &[], 0);
    let ran = held(ILL, &mut server);
    assert!(said(&ran).contains("nobody was told"), "{}", said(&ran));
    assert_eq!((code(&ran), world.told("opened")), (2, 0));
    server.start_again();
    host.assert("cycle", &[], 2);
    host.assert("cycle", &[], 2);
    assert_eq!(world.told("opened"), 1);
}

#[test]
fn killed_at_any_moment_on_two_hosts_nothing_is_lost() {
    let sandbox = Sandbox::new(120);
    let Some(server) = Server::start(
        &sandbox,
        "killed_at_any_moment_on_two_hosts_nothing_is_lost",
    ) else {
        return;
    };
    let world = World::new(&sandbox);
    let hosts = [world.host(&server.url(), ""), world.host(&server.url(), "")];
    let kill_some = || {
        for (millis, host) in (0..80).step_by(4).zip(hosts.iter().cycle()) {
            let mut command = host.command("cycle");
            command.stdout(Stdio::null()).stderr(Stdio::null());
            let mut cycle = command.spawn().expect("starts");
            // The moment is the point; nothing waits for it.
            std::thread::sleep(Duration::from_millis(millis));
            let _ = kill_process(Pid::from_child(&cycle), Signal::KILL);
            cycle.wait().expect("ends");
        }
    };
    world.jobs(ILL);
    kill_some();
    hosts[0].assert("cycle", &["--wait", "10s"], 2);
    assert!(world.told("opened") > 0);
    world.jobs(WELL);
    kill_some();
    hosts[1].assert("cycle", &["--wait", "10s"], 0);
    assert!(world.told("recovered") > 0);
    hosts[0].assert("status", &[], 0);
    let opened = "SELECT count(*) FROM runward_canary.episode WHERE convert_from(body, 'UTF8')::json ->> 'change' = 'opened'";
    assert_eq!(
        server.psql(opened).as_deref(),
        Some("1"),
        "it opened once, whoever was killed"
    );
}

#[test]
fn killed_at_each_statement_it_leaves_the_old_or_the_new_and_red_is_told() {
    let sandbox = Sandbox::new(240);
    let test = "killed_at_each_statement_it_leaves_the_old_or_the_new_and_red_is_told";
    let Some(server) = Server::start(&sandbox, test) else {
        return;
    };
    let world = World::new(&sandbox);
    let (proxy, behind) = server.proxied();
    let (near, far) = (world.host(&server.url(), ""), world.host(&behind, ""));
    let opened = "SELECT count(*) FROM runward_canary.episode WHERE convert_from(body, 'UTF8')::json ->> 'change' = 'opened'";
    for fate in [Fate::Before, Fate::After] {
        let mut doubled = 0;
        for statements in 0.. {
            world.jobs(WELL);
            near.assert("cycle", &[], 0);
            world.jobs(ILL);
            let (told, was) = (world.told("opened"), server.psql(opened).expect("kept"));
            let (tell, pid) = std::sync::mpsc::channel::<Pid>();
            proxy.at(statements, fate, move |_| {
                let pid = pid.recv().expect("a cycle");
                kill_process(pid, Signal::KILL).expect("killed");
            });
            let mut cycle = far
                .command("cycle")
                .stdout(Stdio::null())
                .spawn()
                .expect("starts");
            let _ = tell.send(Pid::from_child(&cycle));
            let ended = cycle.wait().expect("ends");
            let spared = proxy.spares();
            assert_eq!(ended.code().is_some(), spared, "{fate:?} at {statements}");
            near.assert("cycle", &[], 2);
            let (now, told) = (
                server.psql(opened).expect("kept"),
                world.told("opened") - told,
            );
            let number = |text: &str| text.parse::<usize>().expect("a number");
            assert_eq!(number(&now), number(&was) + 1, "{fate:?} at {statements}");
            assert!(
                (1..=2).contains(&told),
                "{fate:?} at {statements}: told {told} times"
            );
            doubled += told - 1;
            if spared {
                assert!(statements > 15, "there were statements to be killed at");
                break;
            }
        }
        // Between what was sent and what is written of it: those of the second commit.
        assert!(
            (1..=4).contains(&doubled),
            "{fate:?}: doubled {doubled} times"
        );
    }
}

#[test]
fn a_second_cycle_on_another_host_is_told_who_runs() {
    let sandbox = Sandbox::new(120);
    let Some(server) = Server::start(&sandbox, "a_second_cycle_on_another_host_is_told_who_runs")
    else {
        return;
    };
    let world = World::new(&sandbox);
    let (east, west) = (world.host(&server.url(), ""), world.host(&server.url(), ""));
    fs::remove_file(&world.jobs).expect("removed");
    let made = Command::new("mkfifo").arg(&world.jobs).status();
    assert!(made.expect("mkfifo").success());
    let mut first = east
        .command("cycle")
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    let mut pipe = fs::OpenOptions::new()
        .write(true)
        .open(&world.jobs)
        .expect("a reader");
    let busy = west.assert("cycle", &[], 3);
    assert!(busy.contains(&format!(":{} jobs", first.id())), "{busy}");
    std::io::Write::write_all(&mut pipe, WELL.as_bytes()).expect("written");
    drop(pipe);
    assert_eq!(first.wait().expect("ends").code(), Some(0));
}

#[test]
fn what_is_not_ours_is_refused_with_what_to_do() {
    let sandbox = Sandbox::new(60);
    let Some(server) = Server::start(&sandbox, "what_is_not_ours_is_refused_with_what_to_do")
    else {
        return;
    };
    let world = World::new(&sandbox);
    let host = world.host(&server.url(), "");
    host.assert("cycle", &[], 0);
    for (damage, words) in [
        ("SET version = 2", "install the newer runward"),
        ("SET version = 1, rules = 'others'", "titled `others`"),
        (
            "SET rules = 'jobs', saved = 'garbage'",
            "name another with `[ledger] schema`",
        ),
    ] {
        server
            .psql(&format!("UPDATE runward_canary.ledger {damage}"))
            .expect("damaged");
        for name in ["cycle", "status"] {
            let said = host.assert(name, &[], 3);
            assert!(said.contains(words), "{damage}: {said}");
        }
    }
    let wrong = fs::read_to_string(&host.rules).expect("rules");
    let wrong = wrong.replace(
        "ledger.url_env = \"LEDGER\"",
        "ledger.url_env = \"LEDGER\"\nledger.directory = \"a\"",
    );
    fs::write(&host.rules, wrong).expect("rules");
    assert!(host.assert("check", &[], 3).contains(":2:"));
    let nowhere = world.host("postgres:///app?user=ann&password=secret", "");
    for name in ["check", "cycle", "watch", "status"] {
        let said = nowhere.assert(name, &[], 3);
        assert!(said.contains("no host"), "{name}: {said}");
    }
}
