//! The rule set `ci-host` on a host that runs jobs: each drill of `examples/ci-host` by the binary itself, with its locks, its journals and real zombies.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use runward_tests::skip::skip;
use runward_tests::swarm::Swarm;
use runward_tests::{Ended, Running, Sandbox, binaries};

use crate::expected::CGROUP;

/// A host of its own in a sandbox, and the example's rules on its places.
struct Host<'a> {
    sandbox: &'a Sandbox,
    directory: PathBuf,
    engine: Option<PathBuf>,
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/ci-host")
}

impl<'a> Host<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        let directory = sandbox.path("host");
        fs::create_dir(&directory).expect("a directory");
        Self {
            sandbox,
            directory,
            engine: None,
        }
    }

    fn run(&self, mut command: Command) -> Ended {
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .current_dir(&self.directory)
            .env("PATH", format!("{}:{path}", example().display()))
            .env("CI_HOST_DIR", &self.directory)
            .env("RUNWARD", binaries::runward());
        if let Some(socket) = &self.engine {
            command
                .env("CI_HOST_ENGINE", socket)
                .env("DOCKER_CONFIG", self.sandbox.path("docker"));
        }
        Running::of(self.sandbox, command).wait()
    }

    #[track_caller]
    fn ci_host(&self, words: &[&str]) -> String {
        let mut command = Command::new(example().join("ci-host"));
        command.args(words);
        let ended = self.run(command);
        ended.assert_code(0);
        ended.stdout.trim().to_owned()
    }

    fn canary(&self, words: &[&str]) -> Ended {
        let mut command = Command::new(binaries::runward());
        command.arg("canary").args(words);
        self.run(command)
    }

    /// The example's rules, on these places.
    fn rules(&self) -> String {
        let at = |below: &str| self.directory.join(below);
        let states = self.ci_host(&["places"]);
        let audit = at("home/sweeps/runs/audit.jsonl");
        let engine = self.engine.as_ref().map(|socket| {
            format!("[source.docker]\nsocket = {socket:?}\n[invariant.CI-S1]\noff = false\n")
        });
        let text = format!(
            r#"include = [{include:?}]
[source]
locks = {{ path = {locks:?} }}
run_locks = {{ path = {run_locks:?} }}
runs = {{ path = {runs:?} }}
states = {{ path = {states:?} }}
[facet.audit]
paths = {audit:?}
[drill."CI-J1-silent"]
subject = {audit:?}
[drill."CI-J2-never"]
subject = {audit:?}
[ledger]
directory = {ledger:?}
{engine}"#,
            include = example().join("canary.toml"),
            locks = at("locks"),
            run_locks = at("locks/.runs"),
            runs = at("home/runs"),
            ledger = at("ledger"),
            engine = engine.unwrap_or_default(),
        );
        let path = at("canary.toml");
        fs::write(&path, text).expect("rules");
        path.display().to_string()
    }

    /// Ends all that was started, and shows that nothing is left.
    #[track_caller]
    fn end(&self) {
        self.ci_host(&["end"]);
        let until = self.sandbox.within(Duration::from_secs(10));
        assert!(
            self.sandbox.everyone_ended_by(until),
            "{:?}",
            self.sandbox.everyone()
        );
    }
}

/// The names of the drills that are there, by what `check` would run.
fn names(rules: &str) -> Vec<String> {
    let drill = |line: &str| {
        Some(
            line.strip_prefix("[drill.\"")?
                .strip_suffix("\"]")?
                .to_owned(),
        )
    };
    rules.lines().filter_map(drill).collect()
}

#[test]
fn each_kind_turns_red_by_itself_and_green_again() {
    let sandbox = Sandbox::new(120);
    let host = Host::new(&sandbox);
    let rules = host.rules();
    host.ci_host(&["innocents"]);
    host.canary(&["cycle", &rules]).assert_code(0);
    let drilled = match CGROUP.missing() {
        None => host.canary(&["drill", &rules, "--all"]),
        Some(reason) => {
            skip("ci-host, the drill of CI-R2", reason);
            let text = fs::read_to_string(example().join("canary.toml")).expect("the example");
            let without = ["CI-R2-orphaned", "CI-S1-unowned"];
            let all = names(&text);
            let some = all.iter().filter(|name| !without.contains(&name.as_str()));
            let mut words = vec!["drill", &rules];
            words.extend(some.map(String::as_str));
            host.canary(&words)
        }
    };
    drilled.assert_code(0);
    let passed = drilled
        .stdout
        .lines()
        .filter(|line| line.starts_with("passed"));
    assert!(passed.count() >= 15, "{}", drilled.stdout);
    host.canary(&["cycle", &rules]).assert_code(0);
    host.end();
}

#[test]
fn with_an_engine_a_stack_is_the_apps_that_somebody_holds() {
    const TEST: &str = "with_an_engine_a_stack_is_the_apps_that_somebody_holds";
    if let Some(reason) = Swarm::lacks() {
        return skip(TEST, &reason);
    }
    let sandbox = Sandbox::new(120);
    let engine = Swarm::start();
    let mut host = Host::new(&sandbox);
    host.engine = Some(engine.socket());
    let rules = host.rules();
    host.ci_host(&["innocents"]);
    // Of the app whose run is at work, for longer than any grace.
    let label = "com.docker.stack.namespace=web";
    let work = ["busybox", "sleep", "1000000"];
    let run = [
        "run",
        "--detach",
        "--network",
        "none",
        "--label",
        label,
        "tiny:1",
    ];
    let mut words = run.to_vec();
    words.extend(work);
    let started = engine.command().args(&words).output().expect("docker");
    assert!(started.status.success(), "{started:?}");
    host.canary(&["drill", &rules, "CI-S1-unowned"])
        .assert_code(0);
    host.canary(&["cycle", &rules]).assert_code(0);
    host.end();
}
