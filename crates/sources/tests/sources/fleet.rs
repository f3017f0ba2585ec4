//! The rule set `agent-fleet` on a fleet of real servers: each kind of each invariant red and green again, beside traffic that never is.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use runward_canary::engine::{Change, Report, Witness};
use runward_canary::rules::Drill;
use runward_canary::{Collector, Only, Options, Rules, Stamp, State, judge, suspects};
use runward_tests::{skip, swarm::Swarm};

use crate::harness::{self, Server, hang_guard_for};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/agent-fleet");
const AGENTS: [&str; 3] = ["quick", "slow", "drill"];
/// What looks at containers, or at what is in them.
const WITH_ENGINE: [&str; 5] = ["B-08", "E-09", "G-01", "H-01", "R-01"];
const PUSH: &str = r#"[[invariant.B-02.arm]]
shape = "waiting_implies"
mode = { column = "roster.pull_mode", not = 1 }
work = "queued"
capacity = { used = "slots", exclude = { column = "id", prefix = "drain-" }, limit = "roster.cap" }
heartbeat = "drain"
grace = "120s"
epoch = "restart"
"#;

/// Servers, an engine where there is one, and the traffic.
struct Fleet {
    redis: Server,
    postgres: Option<Server>,
    engine: Option<Swarm>,
    folder: tempfile::TempDir,
    traffic: Option<Child>,
}

impl Fleet {
    fn start(test: &str, postgres: bool) -> Option<Self> {
        let redis = harness::redis(test)?;
        let postgres = match postgres {
            true => Some(harness::postgres(test)?),
            false => None,
        };
        let engine = match Swarm::lacks() {
            None => Some(Swarm::start()),
            Some(reason) => {
                skip::skip(&format!("{test}, what needs an engine"), &reason);
                None
            }
        };
        let fleet = Self {
            redis,
            postgres,
            engine,
            folder: tempfile::tempdir().unwrap(),
            traffic: None,
        };
        if fleet.postgres.is_none() {
            let made = Command::new("sqlite3")
                .arg(fleet.sqlite())
                .arg("PRAGMA journal_mode = WAL")
                .output();
            assert!(made.unwrap().status.success());
        }
        Some(fleet)
    }

    fn sqlite(&self) -> PathBuf {
        self.folder.path().join("fleet.db")
    }

    fn database(&self) -> String {
        match &self.postgres {
            None => self.sqlite().display().to_string(),
            Some(server) => format!(
                "postgres:///postgres?host={}&port={}&user=nobody",
                server.folder.path().display(),
                server.port
            ),
        }
    }

    fn agents(&self) -> PathBuf {
        self.folder.path().join("agents")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(Path::new(EXAMPLE).join("fleet"));
        command
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command.env("FLEET_DB", self.database());
        command.env(
            "FLEET_REDIS",
            format!("redis://127.0.0.1:{}", self.redis.port),
        );
        command.env("FLEET_AGENTS_DIR", self.agents());
        if let Some(engine) = &self.engine {
            command
                .env("FLEET_ENGINE", engine.socket())
                .env("HOME", self.folder.path());
        }
        command
    }

    fn run(&self, words: &[&str]) {
        let output = self.command(words).stderr(Stdio::piped()).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {told}");
    }

    /// The example's rules, on these servers.
    fn rules(&self, port: u16) -> Rules {
        let mut text = format!("include = ['{EXAMPLE}/canary.toml']\n");
        text += &format!(
            "[source.redis]\nkind = 'redis'\nurl = 'redis://127.0.0.1:{}'\n",
            self.redis.port
        );
        text += &match &self.postgres {
            None => format!(
                "[source.db]\nkind = 'sqlite'\npath = '{}'\n",
                self.database()
            ),
            Some(_) => format!(
                "[source.db]\nkind = 'postgres'\nurl = '{}'\n",
                self.database()
            ),
        };
        match &self.engine {
            Some(engine) => {
                let socket = engine.socket();
                text += &format!(
                    "[source.docker]\nkind = 'docker'\nsocket = '{}'\n",
                    socket.display()
                );
                text += &format!(
                    "[facet.listed]\nquery = 'http://127.0.0.1:{port}/{{subject}}.json'\n"
                );
            }
            None => {
                let off = |id: &&str| format!("[invariant.{id}]\noff = 'no engine'\n");
                text += &WITH_ENGINE.iter().map(off).collect::<String>();
                text += PUSH;
                text += "[drill.B-02-queued_not_claimed]\nkind = 'stalled'\nprovoke = ['fleet', 'provoke', 'B-02', 'stalled']\nrevert = ['fleet', 'revert', 'B-02', 'stalled']\n";
            }
        }
        let path = self.folder.path().join("canary.toml");
        std::fs::write(&path, text).unwrap();
        Rules::load(&path).unwrap_or_else(|error| panic!("{error}"))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        if let Some(mut traffic) = self.traffic.take() {
            let group = nix::unistd::Pid::from_raw(i32::try_from(traffic.id()).unwrap());
            let _ = nix::sys::signal::killpg(group, nix::sys::signal::SIGKILL);
            let _ = traffic.wait();
        }
    }
}

/// Answers with the files of a folder, for as long as the test process lives.
fn serve(folder: PathBuf) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let length = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request
                .split(' ')
                .nth(1)
                .unwrap_or("/")
                .trim_start_matches('/');
            let (status, body) = match std::fs::read(folder.join(path)) {
                Ok(body) => ("200 OK", body),
                Err(_) => ("404 Not Found", Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body);
        }
    });
    port
}

/// What watches it.
struct Watch {
    rules: Rules,
    collector: Collector,
    state: State,
    options: Options,
}

impl Watch {
    fn new(rules: Rules) -> Self {
        let mut collector = Collector::new();
        for source in rules.sources() {
            let opened = runward_sources::open(source.kind(), source.settings(), source.timeout());
            let mine = rules
                .facets()
                .iter()
                .filter(|facet| facet.source() == source.name());
            let asks: Vec<_> = mine.map(|facet| facet.ask().clone()).collect();
            if !asks.is_empty() {
                collector =
                    collector.source(source.name(), opened.unwrap(), source.timeout(), asks);
            }
        }
        Self {
            rules,
            collector: collector
                .prepare()
                .unwrap_or_else(|error| panic!("{error}")),
            state: State::default(),
            options: Options::default(),
        }
    }

    fn cycle(&mut self) -> Report {
        let clock = || Stamp::of(SystemTime::now());
        let invariants = self.rules.invariants();
        let first = self.collector.collect(&clock);
        let again = suspects(invariants, &first, &self.state, &Only::All);
        let snapshot = self.collector.again(first, &again, &clock);
        let cycle = judge(
            invariants,
            &self.options,
            &snapshot,
            &self.state,
            &Only::All,
        );
        self.state = cycle.state;
        cycle.report
    }

    /// All red keys of the rules' own invariants.
    fn red(&self) -> BTreeSet<String> {
        let mut red = BTreeSet::new();
        for invariant in self.rules.invariants() {
            let id = &invariant.meta().id;
            let standing = self.state.standing(id);
            for (kind, subject, _) in standing.into_iter().flat_map(|standing| standing.red()) {
                red.insert(format!("{id}/{kind}/{subject}"));
            }
        }
        red
    }

    /// Cycles until it holds; what cannot be judged meanwhile is told.
    #[track_caller]
    fn until(&mut self, what: &str, cycles: u64, mut holds: impl FnMut(&Self, &Report) -> bool) {
        let mut unjudged = Vec::new();
        for _ in 0..cycles {
            let report = self.cycle();
            if holds(self, &report) {
                return;
            }
            let verdicts = report.verdicts.iter();
            unjudged = verdicts
                .filter(|(_, verdict)| verdict.cause().is_some())
                .map(|(id, verdict)| format!("{id}: {:?} {:?}", verdict.cause(), verdict.blind))
                .collect();
            std::thread::sleep(Duration::from_millis(700));
        }
        panic!("never: {what}; red: {:?}; {unjudged:#?}", self.red());
    }
}

fn drill(fleet: &Fleet, watch: &mut Watch, drill: &Drill) {
    let key = format!("{}/{}/{}", drill.invariant, drill.kind, drill.subject);
    let words = |argv: &[String]| argv.iter().skip(1).cloned().collect::<Vec<_>>();
    let run = |argv: &[String]| {
        let words = words(argv);
        fleet.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let begun = Instant::now();
    watch.until(&format!("green before {key}"), 10, |watch, _| {
        watch.red().is_empty()
    });
    run(&drill.provoke);
    let only = BTreeSet::from([key.clone()]);
    watch.until(
        &format!("red: {key}"),
        drill.within_cycles.max(3),
        |watch, _| {
            let red = watch.red();
            assert!(red.is_subset(&only), "{key}: also red: {red:?}");
            red == only
        },
    );
    run(&drill.revert);
    watch.until(
        &format!("green after {key}"),
        drill.within_cycles.max(5),
        |watch, report| {
            let closed = report.transitions.iter().find_map(|one| match &one.change {
                Change::Closed {
                    key: closed,
                    witness,
                    ..
                } if one.invariant == drill.invariant => {
                    Some((closed.subject.clone(), witness.clone()))
                }
                _ => None,
            });
            let Some((subject, witness)) = closed else {
                assert!(watch.red().is_subset(&only), "{:?}", watch.red());
                return false;
            };
            assert_eq!(subject, drill.subject);
            let shown = match &witness {
                Witness::Held(facts) => !facts.is_empty(),
                Witness::Gone { rows, .. } => *rows > 0,
                _ => false,
            };
            assert!(
                shown && watch.red().is_empty(),
                "{witness:?} {:?}",
                watch.red()
            );
            true
        },
    );
    let _ = writeln!(std::io::stderr(), "DRILL {key} in {:?}", begun.elapsed());
}

/// The innocent are found guilty by what asks for half of it: each of these has been a rule. Ours are silent on them in every cycle of the drills.
fn old_formulas_fire(fleet: &Fleet) {
    for query in [
        "SELECT id FROM agent_schedules WHERE enabled = 1 AND deleted_at IS NULL AND agent_name = 'retired'",
        "SELECT id FROM schedule_executions WHERE status IN ('success', 'failed', 'cancelled') AND (completed_at IS NULL OR duration_ms IS NULL)",
        "SELECT id FROM operator_queue WHERE agent_name NOT IN (SELECT agent_name FROM agent_ownership)",
        "SELECT id FROM agent_tags WHERE agent_name NOT IN (SELECT agent_name FROM agent_ownership WHERE deleted_at IS NULL)",
    ] {
        let mut command = fleet.command(&["sql", query]);
        let output = command.stdout(Stdio::piped()).output().unwrap();
        assert!(
            output.status.success() && !output.stdout.is_empty(),
            "{query}"
        );
    }
}

fn all(test: &str, postgres: bool) {
    let _hang = hang_guard_for(Duration::from_secs(900));
    let Some(mut fleet) = Fleet::start(test, postgres) else {
        return;
    };
    std::fs::create_dir(fleet.agents()).unwrap();
    fleet.run(&["schema"]);
    let mut seed = vec!["seed"];
    seed.extend(AGENTS);
    fleet.run(&seed);
    fleet.run(&["innocents"]);
    old_formulas_fire(&fleet);
    let mut traffic = fleet.command(&["traffic", "900"]);
    fleet.traffic = Some(
        traffic
            .process_group(0)
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let mut watch = Watch::new(fleet.rules(serve(fleet.agents())));
    let drills: Vec<Drill> = watch.rules.drills().to_vec();
    let mut shown = BTreeSet::new();
    for one in &drills {
        drill(&fleet, &mut watch, one);
        shown.insert((one.invariant.clone(), one.kind.clone()));
    }
    for invariant in watch.rules.invariants() {
        for kind in invariant.kinds() {
            let id = invariant.meta().id.clone();
            assert!(
                shown.contains(&(id.clone(), kind.to_owned())),
                "no drill of {id}/{kind}"
            );
        }
    }
}

#[test]
fn each_kind_is_red_and_green_again_on_sqlite() {
    all("fleet on sqlite", false);
}

#[test]
fn each_kind_is_red_and_green_again_on_postgresql() {
    all("fleet on postgresql", true);
}
