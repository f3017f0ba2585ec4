//! A fleet of agents in a real Redis and a real SQLite, and the rules for it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use runward_canary::engine::{Outcome, Report, Verdict};
use runward_canary::{Collector, Only, Options, Rules, Stamp, State, judge, suspects};
use runward_tests::servers;

use crate::Result;

const RULES: &str = include_str!("fleet.toml");
const TABLES: &str = "
CREATE TABLE agents (name TEXT PRIMARY KEY, cap INTEGER, timeout_s INTEGER, pull INTEGER);
CREATE TABLE runs (id TEXT PRIMARY KEY, agent TEXT, status TEXT, queued_at INTEGER, started_at INTEGER, done_at INTEGER, lease_until INTEGER, session TEXT, meta TEXT);
CREATE INDEX runs_of ON runs (agent, status);
CREATE TABLE schedules (id TEXT PRIMARY KEY, agent TEXT, config TEXT);";

/// A Redis of our own, on the loopback.
pub(super) struct Server {
    child: Child,
    port: u16,
}

impl Server {
    pub(super) fn start(folder: &Path) -> Result<Self> {
        let port = servers::free_port();
        let mut redis = Command::new("redis-server");
        redis.args([
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--port",
            &port.to_string(),
        ]);
        redis.arg("--dir").arg(folder).stdout(Stdio::null());
        let child = redis
            .spawn()
            .map_err(|error| format!("redis-server: {error}"))?;
        let server = Self { child, port };
        let until = Instant::now() + Duration::from_secs(10);
        while server.client(0).is_err() {
            if Instant::now() > until {
                return Err("redis-server does not answer".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    fn url(&self, database: usize) -> String {
        format!("redis://127.0.0.1:{}/{database}", self.port)
    }

    pub(super) fn client(&self, database: usize) -> Result<redis::Connection> {
        Ok(redis::Client::open(self.url(database))?.get_connection()?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// So many agents with so many slots each, all of them well.
pub(super) struct Fleet {
    pub(super) agents: usize,
    pub(super) slots: usize,
    pub(super) file: PathBuf,
    collector: Collector,
    rules: Rules,
    state: State,
}

impl Fleet {
    pub(super) fn new(
        server: &Server,
        folder: &Path,
        database: usize,
        (agents, slots): (usize, usize),
    ) -> Result<Self> {
        let file = folder.join(format!("fleet-{database}.db"));
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        fill_redis(&mut server.client(database)?, (agents, slots), now)?;
        fill_sqlite(&file, (agents, slots), now)?;
        let text = RULES
            .replace("REDIS", &server.url(database))
            .replace("SQLITE", &file.display().to_string());
        let rules = Rules::parse("fleet.toml", &with_words(&text))?;
        let mut collector = Collector::new();
        for source in rules.sources() {
            let asks = rules
                .facets()
                .iter()
                .filter(|facet| facet.source() == source.name());
            let asks = asks.map(|facet| facet.ask().clone()).collect();
            let opened = runward_sources::open(source.kind(), source.settings(), source.timeout())?;
            collector = collector.source(source.name(), opened, source.timeout(), asks);
        }
        let mut fleet = Self {
            agents,
            slots,
            file,
            collector: collector.prepare()?,
            rules,
            state: State::default(),
        };
        // What is compared with what was before has nothing to look at in the first.
        fleet.look();
        Ok(fleet)
    }

    pub(super) fn invariants(&self) -> usize {
        self.rules.invariants().len()
    }

    /// Looks at all of it, again at what is doubtful, and judges it.
    fn look(&mut self) -> Report {
        let clock = || Stamp::of(SystemTime::now());
        let (invariants, state) = (self.rules.invariants(), &self.state);
        let snapshot = self.collector.collect(&clock);
        let doubtful = suspects(invariants, &snapshot, state, &Only::All);
        let snapshot = self.collector.again(snapshot, &doubtful, &clock);
        let cycle = judge(
            invariants,
            &Options::default(),
            &snapshot,
            state,
            &Only::All,
        );
        self.state = cycle.state;
        cycle.report
    }

    /// The same; everything has to be judged, and well.
    pub(super) fn cycle(&mut self) -> Result {
        let report = self.look();
        for invariant in self.rules.invariants() {
            let id = &invariant.meta().id;
            let verdict = report.verdicts.get(id).ok_or("no verdict")?;
            held(verdict).map_err(|wrong| format!("{id}: {wrong}"))?;
        }
        let slots = report.verdicts.get("S-04").map_or(Ok(0), held)?;
        let wanted = u64::try_from(self.agents * self.slots)?;
        match slots == wanted {
            true => Ok(()),
            false => Err(format!("{slots} slots were examined, and not {wanted}").into()),
        }
    }
}

/// How much a verdict has examined that says that all is well.
pub(super) fn held(verdict: &Verdict) -> Result<u64> {
    match &verdict.outcome {
        Outcome::Held { examined } if *examined > 0 => Ok(*examined),
        other => Err(format!("{other:?}")
            .chars()
            .take(300)
            .collect::<String>()
            .into()),
    }
}

/// Each invariant needs words for people; here they are all the same.
fn with_words(rules: &str) -> String {
    let words = "tier = \"A\"\nseverity = \"critical\"\nmessage = \"{subject}\"\nrunbook = \"none\"\ntitle =";
    let (facets, invariants) = rules.split_once("[invariant.").unwrap_or((rules, ""));
    let invariants = invariants.replace("\ntitle =", &format!("\n{words}"));
    format!("{facets}[invariant.{invariants}")
}

pub(super) fn agent(number: usize) -> String {
    format!("agent-{number:06}")
}

/// The name of a slot, which is that of its run.
pub(super) fn run(agent: usize, slot: usize) -> String {
    format!("0190c2a4-{agent:06}-{slot:04}")
}

fn fill_redis(
    connection: &mut redis::Connection,
    (agents, slots): (usize, usize),
    now: i64,
) -> Result {
    for agent_number in 0..agents {
        let agent = agent(agent_number);
        let mut pipe = redis::pipe();
        for slot in 0..slots {
            let run = run(agent_number, slot);
            let key = format!("agent:slot:{agent}:{run}");
            pipe.cmd("ZADD")
                .arg(format!("agent:slots:{agent}"))
                .arg(now - 60)
                .arg(&run)
                .ignore();
            pipe.cmd("HSET")
                .arg(&key)
                .arg("timeout_s")
                .arg(3600)
                .ignore();
            pipe.cmd("EXPIRE").arg(&key).arg(7200).ignore();
        }
        pipe.query::<()>(connection)?;
    }
    redis::cmd("SET")
        .arg("canary:drain_tick_at")
        .arg(now)
        .query::<()>(connection)?;
    Ok(())
}

fn fill_sqlite(file: &Path, (agents, slots): (usize, usize), now: i64) -> Result {
    let mut connection = rusqlite::Connection::open(file)?;
    connection.execute_batch(TABLES)?;
    let transaction = connection.transaction()?;
    {
        let mut add_agent = transaction.prepare("INSERT INTO agents VALUES (?, ?, 3600, 0)")?;
        let mut add_run = transaction
            .prepare("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, NULL, 'session', '{}')")?;
        let mut add_schedule =
            transaction.prepare("INSERT INTO schedules VALUES (?, ?, '{\"every\": 60}')")?;
        for number in 0..agents {
            let agent = agent(number);
            add_agent.execute((&agent, i64::try_from(slots + 1)?))?;
            add_schedule.execute((format!("s-{number}"), &agent))?;
            for slot in 0..slots {
                let running = (run(number, slot), &agent, "running", now - 70, now - 60);
                add_run.execute((
                    running.0,
                    running.1,
                    running.2,
                    running.3,
                    running.4,
                    None::<i64>,
                ))?;
            }
            add_run.execute((
                format!("q-{number}"),
                &agent,
                "queued",
                now - 5,
                None::<i64>,
                None::<i64>,
            ))?;
            for ended in 0..2 {
                let id = format!("t-{number}-{ended}");
                add_run.execute((id, &agent, "success", now - 70, now - 60, Some(now - 30)))?;
            }
        }
    }
    Ok(transaction.commit()?)
}
