//! Builds and runs each example, and the first command of the README, and checks what they show.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use runward_cgroup::Hierarchy;
use runward_tests::{
    Ended, Gate, Running, Sandbox, binaries, need, servers,
    swarm::{IMAGE, Swarm},
};
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
fn canary() {
    let sandbox = sandbox();
    let ended = Running::of(&sandbox, example(&sandbox, "canary", &[])).wait();
    ended.assert_code(0);
    let looks: Vec<&str> = ended.stdout.split("# ").collect();
    assert_shows(looks[2], &["Q-01", "nightly has no worker"]);
    assert_shows(looks[3], &["nightly", "nobody listens"]);
    assert_shows(looks[4], &["nightly"]);
    assert!(!looks[5].contains("nightly has no worker"), "{}", looks[5]);
}

#[test]
fn sources() {
    let sandbox = sandbox();
    let gate = sandbox.gate();
    let holder = owner(&sandbox, &gate);
    wait_stdout(&holder, &sandbox, "mine until Enter");
    let seen = Running::of(&sandbox, example(&sandbox, "sources", &["locks", "locks"])).wait();
    seen.assert_code(0);
    let pid = format!("pid={}", holder.pid());
    assert_shows(&seen.stdout, &["name=shop held=true", &pid, "1 rows"]);
    let words = ["rows", "jobs.db", "SELECT 1 AS one", "one"];
    let gone = Running::of(&sandbox, example(&sandbox, "sources", &words)).wait();
    gone.assert_code(1);
    assert_shows(&gone.stdout, &["not read: "]);
}

#[test]
fn sinks() {
    let sandbox = sandbox();
    let words = ["alerts.jsonl", "sh", "-c", "cat >told; exit 3"];
    let ended = Running::of(&sandbox, example(&sandbox, "sinks", &words)).wait();
    ended.assert_code(1);
    assert_shows(&ended.stdout, &["file: Delivered", "command: Failed"]);
    for file in ["alerts.jsonl", "told"] {
        let text = fs::read_to_string(sandbox.path(file)).expect("it was told");
        assert_shows(&text, &["nightly has no worker."]);
    }
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

/// Runs a shell script with a state directory of its own, by one of the layouts, in a home with one file.
fn with_state(sandbox: &Sandbox, layout: &str, file: &str, script: &str) -> Ended {
    let home = sandbox.path("home");
    let file = home.join(file);
    fs::create_dir_all(file.parent().expect("a file lies in a folder"))
        .expect("a folder in the sandbox");
    fs::write(&file, "canonical").expect("a file in the sandbox");
    let layout = root().join("examples/state").join(layout);
    let layout = layout.to_str().expect("UTF-8");
    let mut command = example(sandbox, "abradir", &[layout, "runs", "sh", "-euc", script]);
    command.env("HOME", &home);
    let ended = Running::of(sandbox, command).wait();
    assert_eq!(fs::read_to_string(&file).expect("it is there"), "canonical");
    let left = fs::read_dir(sandbox.path("runs"))
        .expect("a folder")
        .count();
    assert_eq!(left, 0, "the state is gone");
    ended
}

#[test]
fn state_of_docker() {
    let sandbox = sandbox();
    let script = "cat $DOCKER_CONFIG/config.json; echo changed >$DOCKER_CONFIG/config.json; touch $DOCKER_CONFIG/new";
    let ended = with_state(&sandbox, "docker.toml", ".docker/config.json", script);
    ended.assert_code(0);
    assert_shows(
        &ended.stdout,
        &["state of docker in", "canonical", "not in the layout: new"],
    );
}

#[test]
fn state_of_kubectl() {
    let sandbox = sandbox();
    let script = "cat $KUBECONFIG; echo changed >$KUBECONFIG; ls -d $KUBECACHEDIR; exit 7";
    let ended = with_state(&sandbox, "kube.toml", ".kube/config", script);
    ended.assert_code(7);
    assert_shows(
        &ended.stdout,
        &["state of kubectl in", "canonical", "/cache"],
    );
    assert!(!ended.stdout.contains("not in the layout"));
}

#[test]
fn janitor() {
    let sandbox = sandbox();
    for run in ["shop-1", "shop-2", "other"] {
        fs::create_dir_all(sandbox.path("runs").join(run).join("deep")).expect("a directory");
    }
    let gate = sandbox.gate();
    let mut live = example(&sandbox, "lock", &["locks", "shop-2"]);
    let input = fs::File::options().read(true).write(true).open(gate.path());
    live.stdin(input.expect("a gate"));
    let live = Running::of(&sandbox, live);
    wait_stdout(&live, &sandbox, "mine until Enter");

    let words = [".", "shop-[0-9]", "--dry-run"];
    let plan = Running::of(&sandbox, example(&sandbox, "janitor", &words)).wait();
    plan.assert_code(1);
    let live = format!("held by pid {}", live.pid());
    let reap = "reap run \"shop-1\" of shop-1";
    assert_shows(&plan.stdout, &[reap, &live, "keep run \"other\""]);
    assert!(sandbox.path("runs/shop-1").exists());
    let swept = Running::of(&sandbox, example(&sandbox, "janitor", &words[..2])).wait();
    swept.assert_code(0);
    assert_shows(&swept.stdout, &[reap, "reaped run \"shop-1\""]);
    let left = fs::read_dir(sandbox.path("runs")).expect("a directory");
    assert_eq!(left.count(), 2);
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
fn swarm() {
    let lacks = Swarm::lacks();
    need!(
        "examples swarm",
        lacks.is_none(),
        lacks.as_deref().unwrap_or_default()
    );
    let engine = Swarm::start();
    let sandbox = sandbox();
    let on_engine = |words: &[&str]| {
        let mut command = example(&sandbox, "swarm", words);
        command.env(
            "DOCKER_HOST",
            format!("unix://{}", engine.socket().display()),
        );
        Running::of(&sandbox, command).wait()
    };
    let program = r#"["busybox", "sh", "-c", "trap 'exit 0' TERM; while :; do busybox sleep 1000 & wait; done"]"#;
    let compose = format!(
        "version: '3.8'\nservices: {{web: {{image: {IMAGE}, command: {program}, volumes: ['data:/data']}}}}\nvolumes: {{data: {{}}}}\n"
    );
    engine.deploy("shop", &compose);

    let ended = on_engine(&["wait", "shop"]);
    ended.assert_code(0);
    assert_shows(
        &ended.stdout,
        &["shop_web: in flight", "shop_web: settled: 1 of 1"],
    );
    let ended = on_engine(&["rm", "shop"]);
    ended.assert_code(0);
    let shown = [
        "removed service shop_web",
        "removed network shop_default",
        "removed volume shop_data",
        "3 objects removed",
    ];
    assert_shows(&ended.stdout, &shown);
    let ended = on_engine(&["wait", "shop"]);
    ended.assert_code(1);
    assert_shows(
        &ended.stderr,
        &["swarm: find stack shop", "deploy it first"],
    );
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
            "(sleep 1000, ",
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
            "(sleep 1000, ",
            "\ntorn down\n",
        ],
    );
    assert_shows(
        ended.last_line(),
        &["runward: exited, exit 0", "0 survivors"],
    );
}

#[test]
fn shop_canary() {
    let lacks = ["redis-server", "redis-cli", "sqlite3"];
    let lacks = lacks
        .into_iter()
        .find(|program| !servers::installed(program));
    need!(
        "examples shop-canary",
        lacks.is_none(),
        "needs redis-server, redis-cli and sqlite3"
    );
    let sandbox = sandbox();
    let script = format!(
        "cp -r '{}/examples/shop-canary' shop; cd shop; export SHOP_REDIS=redis://127.0.0.1:{port}
         redis-server --port {port} --bind 127.0.0.1 --save '' >/dev/null & trap \"kill $!\" EXIT
         for try in $(seq 500); do ! redis-cli -p {port} ping >/dev/null 2>&1 || break; sleep 0.02; done
         ./shop open; ./shop order 17; runward canary check canary.toml; runward canary cycle canary.toml
         ./shop lose 18; runward canary cycle canary.toml || echo \"red: $?\"
         ./shop done 18; runward canary cycle canary.toml; cat alerts.jsonl
         runward canary drill canary.toml --all; runward canary rules language",
        root().display(),
        port = servers::free_port(),
    );
    let ended = shell(&sandbox, &script);
    ended.assert_code(0);
    assert_shows(
        &ended.stdout,
        &["18 (unqueued, critical", "red: 2", "\"recovered\""],
    );
    assert_eq!(ended.stdout.matches("passed  ").count(), 4);
    assert_shows(&ended.stdout, &["# The rules file", "`same_ids`"]);
}
