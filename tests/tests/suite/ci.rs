//! Steps started and cancelled exactly as CI runners do it.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use runward_tests::chance::number;
use runward_tests::procs::{self, Proc};
use runward_tests::{Leaf, Line, Plant, Record, Run, Running, Sandbox, Teardown, Then};
use rustix::process::Signal;

/// The delays of a CI runner, scaled down; their order and ratio is what matters.
fn scaled(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds).mul_f64(number("RUNWARD_CI_SCALE", 0.1))
}

/// A step of some CI, in a workspace of its own.
struct Step {
    sandbox: Sandbox,
    teardown: Teardown,
    root: PathBuf,
}

impl Step {
    fn new() -> Self {
        let sandbox = Sandbox::new(40);
        let (teardown, root) = (Teardown::new(&sandbox), sandbox.path("agent"));
        for folder in ["home", "src", "tmp"] {
            fs::create_dir_all(root.join(folder)).expect("a directory");
        }
        Self {
            sandbox,
            teardown,
            root,
        }
    }

    fn plant(&self, line: &Line) -> Plant {
        self.sandbox.plant().line(line).leaves(&Leaf::ALL)
    }

    fn run(&self, plant: Plant) -> Run<'_> {
        self.sandbox
            .run()
            .app("recipe-1234")
            .teardown(self.teardown.command())
            .program(plant.command())
    }

    /// The script that the runner makes of a step's commands.
    fn script(&self, run: &Run<'_>, exec: &str) -> PathBuf {
        let path = self.root.join("tmp/script");
        fs::write(
            &path,
            format!(
                "echo '+ the step'\n{exec}{}\necho '+ over'\n",
                run.shell_line()
            ),
        )
        .expect("a script");
        path
    }

    /// The environment and the folder that the runner gives: nothing is inherited.
    fn command(&self, shell: &[&str], script: &Path, environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(shell[0]);
        command
            .args(&shell[1..])
            .arg(script)
            .env_clear()
            .envs(environment.iter().copied());
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root.join("home"));
        command.current_dir(self.root.join("src"));
        command
    }

    fn start(&self, command: Command) -> Running<'_> {
        Running::of(&self.sandbox, command)
    }

    /// All that a cancelled step has to come to, whatever the runner has done in the meantime.
    #[track_caller]
    fn assert_cleaned(&self, mut line: Line, watched: &[Proc], result: &Path) -> Record {
        for one in watched {
            let ended = one
                .pidfd()
                .is_none_or(|pidfd| procs::wait_end(&pidfd, self.sandbox.until()));
            assert!(ended, "it lives on: {one:?}");
        }
        line.wait_end();
        self.sandbox.assert_no_survivors();
        self.teardown.assert_once();
        let free = self
            .sandbox
            .run()
            .app("recipe-1234")
            .option("--wait", "0")
            .shell("exit 0")
            .finish();
        free.assert_code(0);
        Record::read(result)
    }
}

const DRONE: [(&str, &str); 7] = [
    ("USER", "root"),
    ("CI", "true"),
    ("DRONE", "true"),
    ("DRONE_REPO", "acme/recipe"),
    ("DRONE_BUILD_NUMBER", "42"),
    ("DRONE_STAGE_NUMBER", "1"),
    ("DRONE_STEP_NUMBER", "3"),
];

/// Drone's exec runner: SIGKILL of the step's shell alone, and its directories are deleted at once.
#[test]
fn drone_exec_cancelled() {
    let step = Step::new();
    let mut line = step.sandbox.line();
    let run = step.run(step.plant(&line));
    let (script, result) = (step.script(&run, ""), run.result());
    let watched = {
        let running = step.start(step.command(&["/bin/sh", "-e"], &script, &DRONE));
        running.wait_word(&mut line, "ready");
        let watched = [running.owner(), running.guardian()];
        running.signal(Signal::KILL);
        running.wait();
        let _ = fs::remove_dir_all(&step.root);
        watched
    };
    let record = step.assert_cleaned(line, &watched, &result);
    assert_eq!((record.cause.kind.as_str(), record.exit), ("ancestor", 143));
    assert!(record.run_id.contains("42"), "{}", record.run_id);
    assert!(!step.root.exists() || fs::remove_dir_all(&step.root).is_ok());
}

/// The same with `exec` in front, which makes runward itself the one that is killed.
#[test]
fn drone_exec_cancelled_with_exec() {
    let step = Step::new();
    let mut line = step.sandbox.line();
    let run = step.run(step.plant(&line));
    let (script, result) = (step.script(&run, "exec "), run.result());
    let watched = {
        let running = step.start(step.command(&["/bin/sh", "-e"], &script, &DRONE));
        running.wait_word(&mut line, "ready");
        let watched = [running.guardian()];
        running.signal(Signal::KILL);
        running.wait();
        let _ = fs::remove_dir_all(&step.root);
        watched
    };
    let record = step.assert_cleaned(line, &watched, &result);
    assert_eq!(record.cause.kind, "owner-killed");
}

/// Drone's exec runner waits for the end of the step's output before it goes on.
#[test]
fn drone_exec_is_not_held_up_by_daemons() {
    for (code, said) in [(0, true), (7, false)] {
        let step = Step::new();
        let line = step.sandbox.line();
        let run = step.run(step.plant(&line).holding_output().then(Then::Exit(code)));
        let script = step.script(&run, "");
        let ended = step
            .start(step.command(&["/bin/sh", "-e"], &script, &DRONE))
            .wait();
        ended.assert_code(code);
        assert!(ended.drained, "a daemon holds the step's output");
        assert_eq!(
            ended.stdout.contains("+ over"),
            said,
            "errexit sees the program's own code"
        );
    }
}

const GITHUB: [(&str, &str); 6] = [
    ("CI", "true"),
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_RUN_ID", "1234567"),
    ("GITHUB_RUN_ATTEMPT", "2"),
    ("GITHUB_JOB", "test"),
    ("GITHUB_REPOSITORY", "acme/recipe"),
];

/// GitHub's runner: SIGINT to one process, then SIGTERM, then SIGKILL.
fn github_cancels(running: &Running<'_>) {
    for (signal, milliseconds) in [(Signal::INT, 7500), (Signal::TERM, 2500)] {
        running.signal(signal);
        if running.ends_within(scaled(milliseconds)) {
            return;
        }
    }
    running.signal(Signal::KILL);
}

fn github(exec: &str, obeys: bool) -> (Record, Option<i32>) {
    let step = Step::new();
    let mut line = step.sandbox.line();
    let then = if obeys { Then::Wait } else { Then::Cleanup };
    let gate = step.sandbox.gate();
    let leaves = if obeys {
        vec![Leaf::Plain, Leaf::Session]
    } else {
        Leaf::ALL.to_vec()
    };
    let run = step.run(
        step.sandbox
            .plant()
            .line(&line)
            .gate(&gate)
            .leaves(&leaves)
            .then(then),
    );
    let (script, result) = (step.script(&run, exec), run.result());
    let (watched, code) = {
        let running = step.start(step.command(&["bash", "-e"], &script, &GITHUB));
        running.wait_word(&mut line, "ready");
        let watched = [running.owner(), running.guardian()];
        github_cancels(&running);
        (watched, running.wait().code)
    };
    (step.assert_cleaned(line, &watched, &result), code)
}

#[test]
fn github_actions_cancelled() {
    // bash passes nothing on: SIGTERM ends it, and runward sees an ancestor die.
    let (record, _) = github("", true);
    assert_eq!(record.cause.kind, "ancestor");
    assert!(
        record.run_id.contains("1234567") && record.run_id.contains('2'),
        "{}",
        record.run_id
    );
}

#[test]
fn github_actions_cancelled_with_exec() {
    let (record, code) = github("exec ", true);
    assert_eq!(
        (record.cause.kind.as_str(), record.exit, code),
        ("cancelled", 130, Some(130))
    );
}

#[test]
fn github_actions_cancelled_and_nothing_obeys() {
    let (record, code) = github("exec ", false);
    // The runner's patience is shorter than the grace: it kills the owner in the middle of the cancel.
    assert_eq!(code, None, "{record:#?}");
    assert!(
        matches!(record.cause.kind.as_str(), "cancelled" | "owner-killed"),
        "{record:#?}"
    );
}

/// GitLab's shell executor and Buildkite's agent: SIGTERM to the process group, then SIGKILL to it.
fn group_cancels(
    environment: &[(&str, &str)],
    shell: &[&str],
    obeys: bool,
    patience: Duration,
) -> Record {
    let step = Step::new();
    let mut line = step.sandbox.line();
    let (then, gate) = (
        if obeys { Then::Wait } else { Then::Cleanup },
        step.sandbox.gate(),
    );
    let leaves = if obeys {
        vec![Leaf::Plain, Leaf::Session]
    } else {
        Leaf::ALL.to_vec()
    };
    let run = step.run(
        step.sandbox
            .plant()
            .line(&line)
            .gate(&gate)
            .leaves(&leaves)
            .then(then),
    );
    let (script, result) = (step.script(&run, ""), run.result());
    let watched = {
        let mut command = step.command(shell, &script, environment);
        command.process_group(0);
        let running = step.start(command);
        running.wait_word(&mut line, "ready");
        let watched = [running.owner(), running.guardian()];
        running.signal_group(Signal::TERM);
        let _ = procs::wait_end(
            &watched[0].pidfd().expect("it was just there"),
            std::time::Instant::now() + patience,
        );
        running.signal_group(Signal::KILL);
        running.wait();
        watched
    };
    step.assert_cleaned(line, &watched, &result)
}

const GITLAB: [(&str, &str); 4] = [
    ("CI", "true"),
    ("GITLAB_CI", "true"),
    ("CI_JOB_ID", "777"),
    ("CI_PROJECT_PATH", "acme/recipe"),
];
const BUILDKITE: [(&str, &str); 3] = [
    ("CI", "true"),
    ("BUILDKITE", "true"),
    ("BUILDKITE_JOB_ID", "0190-aaaa"),
];

#[test]
fn gitlab_shell_cancelled() {
    let record = group_cancels(&GITLAB, &["bash", "--login"], true, Duration::from_secs(20));
    // The shell dies of the same signal that runward gets: which of the two comes first is chance.
    assert!(
        matches!(record.cause.kind.as_str(), "cancelled" | "ancestor"),
        "{record:#?}"
    );
    assert_eq!(record.exit, 143);
    assert!(record.run_id.contains("777"), "{}", record.run_id);
}

#[test]
fn gitlab_shell_cancelled_and_nothing_obeys() {
    group_cancels(&GITLAB, &["bash", "--login"], false, scaled(10_000));
}

#[test]
fn buildkite_cancelled() {
    let record = group_cancels(
        &BUILDKITE,
        &["/bin/sh", "-e"],
        true,
        Duration::from_secs(20),
    );
    assert_eq!(record.exit, 143);
    assert!(record.run_id.contains("0190-aaaa"), "{}", record.run_id);
}

#[test]
fn buildkite_cancelled_and_nothing_obeys() {
    group_cancels(&BUILDKITE, &["/bin/sh", "-e"], false, scaled(10_000));
}
