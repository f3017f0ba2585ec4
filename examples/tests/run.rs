//! Builds and runs each example, and the first command of the README, and checks what they show.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use runward_cgroup::Hierarchy;
use runward_tests::{Ended, Gate, Running, Sandbox, binaries, need};
use rustix::process::Signal;

/// Where the examples are, built once, with the profile of this test.
fn examples() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut words = vec![
            "build",
            "--quiet",
            "--package",
            "runward-examples",
            "--examples",
        ];
        if !cfg!(debug_assertions) {
            words.push("--release");
        }
        let built = Command::new(env!("CARGO")).args(words).status();
        assert!(built.is_ok_and(|status| status.success()), "cargo build");
        let own = env::current_exe().expect("/proc is mounted");
        let profile = own.ancestors().nth(2).expect("tests lie in deps");
        profile.join("examples")
    })
}

/// A sandbox whose time begins when all is built.
fn sandbox() -> Sandbox {
    examples();
    binaries::runward();
    Sandbox::new(60)
}

/// An example to run in a sandbox.
fn example(sandbox: &Sandbox, name: &str, words: &[&str]) -> Command {
    let mut command = Command::new(examples().join(name));
    command
        .args(words)
        .current_dir(sandbox.root())
        .stdin(Stdio::null());
    command
}

/// A script that finds `runward`, with locks and home of its own.
fn shell(sandbox: &Sandbox, script: &str) -> Ended {
    let folder = binaries::runward()
        .parent()
        .expect("a program lies in a folder");
    let path = env::var("PATH").unwrap_or_default();
    let mut command = Command::new("sh");
    command
        .args(["-euc", script])
        .current_dir(sandbox.root())
        .stdin(Stdio::null())
        .env("PATH", format!("{}:{path}", folder.display()))
        .env("RUNWARD_LOCK_DIR", sandbox.path("locks"))
        .env("RUNWARD_HOME", sandbox.path("home"));
    Running::of(sandbox, command).wait()
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[track_caller]
fn assert_shows(text: &str, shown: &[&str]) {
    for part in shown {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
}

#[track_caller]
fn wait_stdout(running: &Running<'_>, sandbox: &Sandbox, text: &str) {
    let found = running
        .stdout()
        .wait_until(|so_far| so_far.contains(text), sandbox.until());
    assert!(found, "no {text:?} in:\n{}", running.stdout().text());
}

fn owner<'a>(sandbox: &'a Sandbox, gate: &Gate) -> Running<'a> {
    let mut command = example(sandbox, "lock", &["locks", "shop"]);
    command.stdin(
        fs::File::options()
            .read(true)
            .write(true)
            .open(gate.path())
            .expect("a gate"),
    );
    Running::of(sandbox, command)
}

#[test]
fn lock() {
    let sandbox = sandbox();
    let (first_gate, mut second_gate) = (sandbox.gate(), sandbox.gate());
    let first = owner(&sandbox, &first_gate);
    wait_stdout(&first, &sandbox, "mine until Enter");

    let second = owner(&sandbox, &second_gate);
    let holder = format!("pid {}", first.pid());
    wait_stdout(&second, &sandbox, &holder);
    let seen = Running::of(&sandbox, example(&sandbox, "lock", &["locks"])).wait();
    assert_shows(
        &seen.stdout,
        &["shop: held by", &holder, "trying the example"],
    );

    first.signal(Signal::KILL);
    wait_stdout(&second, &sandbox, "mine until Enter");
    second_gate.open_line();
    let ended = second.wait();
    ended.assert_code(0);
    assert_shows(
        &ended.stdout,
        &[
            "waiting for shop",
            "the holder before was killed",
            "released shop",
        ],
    );
    let seen = Running::of(&sandbox, example(&sandbox, "lock", &["locks"])).wait();
    assert_shows(&seen.stdout, &["shop: free"]);
}

#[test]
fn evidence() {
    let sandbox = sandbox();
    let ended = Running::of(&sandbox, example(&sandbox, "evidence", &[])).wait();
    ended.assert_code(0);
    let verdicts = [
        "failover: proven",
        "failover: vacuous",
        "failover: refuted",
        "failover: inconclusive",
    ];
    assert_shows(&ended.stdout, &verdicts);
}

#[test]
fn cgroup() {
    let usable = Hierarchy::find().is_ok_and(|hierarchy| hierarchy.support().usable());
    need!(
        "examples cgroup",
        usable,
        "needs a cgroup v2 that this user may write to"
    );
    let sandbox = sandbox();
    let left = "setsid sleep 1000 & (setsid sleep 1000 &) ; echo started";
    let ended = Running::of(&sandbox, example(&sandbox, "cgroup", &["sh", "-c", left])).wait();
    ended.assert_code(0);
    assert_shows(
        &ended.stdout,
        &[
            "started",
            "it left 2 processes",
            "the kernel says that none is alive",
        ],
    );
    sandbox.assert_no_survivors();
}

#[test]
fn lifetime() {
    let sandbox = sandbox();
    fs::write(
        sandbox.path("tasks"),
        "build: sleep 1000 & echo built\nafter build: echo cleaned\n",
    )
    .expect("a file in the sandbox");
    let ended = Running::of(&sandbox, example(&sandbox, "lifetime", &["tasks", "build"])).wait();
    ended.assert_code(0);
    assert_shows(
        &ended.stdout,
        &[
            "built",
            "left behind and ended: sleep 1000",
            "cleaned",
            "Exited, held by a ",
        ],
    );
    sandbox.assert_no_survivors();
}

#[test]
fn lifetime_whose_owner_is_killed() {
    let sandbox = sandbox();
    let (mut work, mut after) = (sandbox.line(), sandbox.line());
    let tasks = format!(
        "up: exec 3>{}; (setsid sleep 1000 &); echo ready >&3; sleep 1000\nafter up: echo cleaned >{}\n",
        work.path().display(),
        after.path().display(),
    );
    fs::write(sandbox.path("tasks"), tasks).expect("a file in the sandbox");
    let running = Running::of(&sandbox, example(&sandbox, "lifetime", &["tasks", "up"]));
    running.wait_word(&mut work, "ready");
    running.signal(Signal::KILL);
    after.wait_for("cleaned");
    // Each process of the work could write to it, so its end is theirs.
    work.wait_end();
}

#[test]
fn shell_recipe() {
    let sandbox = sandbox();
    let recipe = root().join("examples/shell/recipe");
    let ended = shell(&sandbox, &format!("'{}'", recipe.display()));
    ended.assert_code(0);
    assert_eq!(ended.stdout, "tested shop\n");
    assert_shows(
        &ended.stderr,
        &[
            "the program left 1 process",
            "(sleep 1000)",
            "took shop down",
        ],
    );
    assert_shows(
        ended.last_line(),
        &["runward: exited, exit 0", "0 survivors"],
    );
    let plan = shell(&sandbox, &format!("'{}' --dry-run", recipe.display()));
    plan.assert_code(0);
    assert_shows(&plan.stdout, &["shop", "take-down"]);
}

#[test]
fn first_command_of_the_readme() {
    let sandbox = sandbox();
    let readme = fs::read_to_string(root().join("README.md")).expect("a README");
    let prefix = "cargo run --release -p runward -- ";
    let line = readme.lines().find_map(|line| line.strip_prefix(prefix));
    let ended = shell(&sandbox, &format!("runward {}", line.expect("the command")));
    ended.assert_code(0);
    assert_eq!(ended.stdout, "working\n");
    assert_shows(
        &ended.stderr,
        &[
            "the program left 1 process",
            "(sleep 1000)",
            "\ntorn down\n",
        ],
    );
    assert_shows(
        ended.last_line(),
        &["runward: exited, exit 0", "0 survivors"],
    );
}
