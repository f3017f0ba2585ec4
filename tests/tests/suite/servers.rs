//! Redis and PostgreSQL, started as daemons inside a run that is cancelled at a random instant.

use std::fs;
use std::path::Path;
use std::time::Duration;

use runward_tests::chance::{Chance, number};
use runward_tests::servers::{self, AS_NOBODY, free_port, installed, is_free};
use runward_tests::skip::{is_root, skip};
use runward_tests::{Running, Sandbox, places, procs};
use rustix::process::Signal;

struct Cluster {
    sandbox: Sandbox,
    folder: std::path::PathBuf,
    ports: (u16, u16),
}

impl Cluster {
    fn new(programs: &Path) -> Self {
        let sandbox = Sandbox::new(60);
        let folder = sandbox.path("servers");
        fs::create_dir(&folder).expect("a directory");
        places::give_to_nobody(&folder);
        servers::make_cluster(&sandbox, programs, &folder.join("data"));
        Self {
            sandbox,
            folder,
            ports: (free_port(), free_port()),
        }
    }

    fn start(&self, programs: &Path, gate: &Path) -> Running<'_> {
        let script = servers::script(programs, &self.folder, self.ports, gate);
        let words = AS_NOBODY.into_iter().chain(["sh", "-c", &script]);
        self.sandbox
            .run()
            .app("servers")
            .option("--grace", "5s")
            .program(words)
            .spawn()
    }

    #[track_caller]
    fn assert_gone(&self) {
        self.sandbox.assert_no_survivors();
        assert!(is_free(self.ports.0), "Redis keeps port {}", self.ports.0);
        assert!(
            is_free(self.ports.1),
            "PostgreSQL keeps port {}",
            self.ports.1
        );
        servers::remove_shared_memory(&self.folder.join("data"));
        fs::remove_dir_all(&self.folder).expect("nobody uses the data directory");
    }
}

fn programs(test: &str) -> Option<std::path::PathBuf> {
    let found = servers::postgres_programs();
    let reason = if !is_root() {
        "needs root, to become nobody"
    } else if !installed("redis-server") {
        "needs redis-server"
    } else if found.is_none() {
        "needs PostgreSQL"
    } else {
        return found;
    };
    skip(test, reason);
    None
}

fn cancelled(programs: &Path, signal: Signal, delay: Option<Duration>) {
    let cluster = Cluster::new(programs);
    let mut line = cluster.sandbox.line();
    let running = cluster.start(programs, line.path());
    match delay {
        Some(delay) => assert!(
            !running.ends_within(delay),
            "the servers keep the run going"
        ),
        None => {
            running.wait_word(&mut line, "ready");
            assert!(
                !is_free(cluster.ports.0) && !is_free(cluster.ports.1),
                "both servers serve"
            );
        }
    }
    let guardian = running.find_guardian().and_then(|one| one.pidfd());
    running.signal(signal);
    running.wait();
    if let Some(guardian) = guardian {
        assert!(
            procs::wait_end(&guardian, cluster.sandbox.until()),
            "the guardian does not end"
        );
    }
    cluster.assert_gone();
}

#[test]
fn serving_when_cancelled() {
    let Some(programs) = programs("serving_when_cancelled") else {
        return;
    };
    cancelled(&programs, Signal::TERM, None);
    cancelled(&programs, Signal::KILL, None);
}

#[test]
fn cancelled_at_random() {
    let Some(programs) = programs("cancelled_at_random") else {
        return;
    };
    let mut chance = Chance::new();
    for round in 0..number("RUNWARD_SERVER_ROUNDS", 3_u32) {
        let signal = if round % 2 == 0 {
            Signal::TERM
        } else {
            Signal::KILL
        };
        let delay = chance.duration(Duration::from_millis(800));
        let outcome = std::panic::catch_unwind(|| cancelled(&programs, signal, Some(delay)));
        assert!(
            outcome.is_ok(),
            "round {round}: {signal:?} after {delay:?}, RUNWARD_SEED={}",
            chance.seed()
        );
    }
}
