//! `runward sweep`: what it finishes, what it leaves alone, and what it says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use runward_tests::sweep::{self, sweep};
use runward_tests::{Running, Sandbox, Teardown, skip};
use rustix::process::Signal;

use crate::expected::CGROUP;

pub(crate) const NO_OPTIONS: [&str; 0] = [];

/// A run that works until it is ended, with a state directory of its own.
#[track_caller]
pub(crate) fn start<'a>(
    sandbox: &'a Sandbox,
    app: Option<&str>,
    teardown: &Teardown,
) -> Running<'a> {
    let mut line = sandbox.line();
    let run = app.into_iter().fold(sandbox.run(), |run, app| run.app(app));
    run.teardown(teardown.command())
        .option("--state", layout(sandbox))
        .program(
            sandbox
                .plant()
                .line(&line)
                .leaves(&runward_tests::Leaf::ALL)
                .command(),
        )
        .spawn_ready(&mut line)
}

fn layout(sandbox: &Sandbox) -> PathBuf {
    let path = sandbox.path("layout.toml");
    let text = "format = 1\ntool = \"t\"\n[variables]\nT_DIR = \".\"\n[paths]\nkeep = \"own\"\n";
    fs::write(&path, text).expect("a layout");
    path
}

/// What is left below the home and the locks, but for what a janitor and the locks keep for themselves.
pub(crate) fn left(sandbox: &Sandbox) -> Vec<String> {
    let states = fs::read_dir(sandbox.path("home/states"));
    let states = states
        .into_iter()
        .flatten()
        .flatten()
        .map(|root| root.path());
    let places = states.chain(["home/runs", "locks/.runs"].map(|place| sandbox.path(place)));
    let entries = places.flat_map(|place| names(&place));
    entries.filter(|name| name != ".epoch").collect()
}

pub(crate) fn names(place: &Path) -> Vec<String> {
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.collect()
}

/// Cgroup v2 out of sight, in a mount namespace.
const NO_CGROUPS: &str = "umount -l /sys/fs/cgroup/unified 2>/dev/null || umount -l /sys/fs/cgroup";

/// The mount shows a part of cgroup v2 in which the dead run's is not: its path is that of nothing.
const ANOTHER_PART: &str = "at=/sys/fs/cgroup/unified; test -e $at/cgroup.procs || at=/sys/fs/cgroup; \
    for part in $at/*/; do mount --bind $part $at && break; done";

/// Only a cgroup is found again after both are gone.
pub(crate) fn lacks_cgroup(test: &str) -> bool {
    match CGROUP.missing() {
        None => false,
        Some(reason) => {
            skip::skip(test, reason);
            true
        }
    }
}

#[test]
fn a_run_without_an_app_is_finished() {
    if lacks_cgroup("a_run_without_an_app_is_finished") {
        return;
    }
    let sandbox = Sandbox::new(40);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, None, &teardown);
    let result = running.result().to_owned();
    running.kill_both();
    running.wait();
    assert!(
        !sandbox.survivors().is_empty(),
        "the kill must leave something"
    );
    sweep(&sandbox, NO_OPTIONS).assert_code(0);
    sandbox.assert_no_survivors();
    teardown.assert_once();
    assert_eq!(left(&sandbox), Vec::<String>::new());
    let record = runward_tests::Record::read(&result);
    assert_eq!(record.cause.kind, "owner-killed");
}

#[test]
fn a_live_run_is_left_alone() {
    let sandbox = Sandbox::new(40);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, Some("web"), &teardown);
    let before = left(&sandbox);
    let swept = sweep(&sandbox, ["--app", "web"]);
    swept.assert_code(0);
    assert!(
        swept.stdout.contains("its lock is held by"),
        "{}",
        swept.stdout
    );
    assert_eq!(left(&sandbox), before);
    assert!(!sandbox.survivors().is_empty());
    running.signal(Signal::TERM);
    running.wait().assert_code(143);
    teardown.assert_once();
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn a_run_with_other_locks_is_left_alone() {
    let sandbox = Sandbox::new(40);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, None, &teardown);
    let swept = sweep(
        &sandbox,
        ["--lock-dir".as_ref(), sandbox.path("other").as_os_str()],
    );
    swept.assert_code(0);
    assert!(!sandbox.survivors().is_empty(), "{}", swept.stdout);
    running.signal(Signal::TERM);
    running.wait().assert_code(143);
    teardown.assert_once();
}

#[test]
fn a_teardown_is_run_by_whoever_owns_the_app() {
    if lacks_cgroup("a_teardown_is_run_by_whoever_owns_the_app") {
        return;
    }
    let sandbox = Sandbox::new(40);
    let gate = sandbox.gate();
    let mut line = sandbox.line();
    let teardown = Teardown::new(&sandbox).gate(&gate).line(&line);
    let first = start(&sandbox, Some("web"), &teardown);
    first.kill_both();
    first.wait();
    // The next run has the app, and waits in the teardown of the first.
    let next = sandbox.run().app("web").program(["true"]).spawn();
    next.wait_word(&mut line, "teardown-start");
    let swept = sweep(&sandbox, NO_OPTIONS);
    assert!(
        swept.stdout.contains("somebody is finishing it"),
        "{}",
        swept.stdout
    );
    let mut gate = gate;
    gate.open();
    next.wait().assert_code(0);
    teardown.assert_once();
    sweep(&sandbox, NO_OPTIONS).assert_code(0);
    teardown.assert_once();
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn a_rehearsal_names_what_is_done() {
    if lacks_cgroup("a_rehearsal_names_what_is_done") {
        return;
    }
    let sandbox = Sandbox::new(40);
    for app in ["a", "b"] {
        let teardown = Teardown::new(&sandbox);
        let running = start(&sandbox, Some(app), &teardown);
        running.kill_both();
        running.wait();
    }
    let options = ["--json", "--app", "[ab]"];
    let rehearsal = sweep(&sandbox, options.into_iter().chain(["--dry-run"]));
    rehearsal.assert_code(0);
    assert!(rehearsal.done().is_empty());
    assert_eq!(rehearsal.json()["clean"], false);
    assert!(!sandbox.survivors().is_empty());
    let planned = rehearsal.planned();
    let kinds = ["run ", "cgroup ", "state ", "lock "];
    for kind in kinds {
        assert!(
            planned.iter().any(|object| object.starts_with(kind)),
            "{kind}: {planned:?}"
        );
    }
    let swept = sweep(&sandbox, options);
    swept.assert_code(0);
    assert_eq!(swept.planned(), planned);
    assert_eq!(swept.done(), planned);
    sandbox.assert_no_survivors();
    assert_eq!(sweep(&sandbox, options).planned(), Vec::<String>::new());
}

#[test]
fn a_run_that_sweeps_does_so_before_its_work() {
    if lacks_cgroup("a_run_that_sweeps_does_so_before_its_work") {
        return;
    }
    let sandbox = Sandbox::new(40);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, None, &teardown);
    running.kill_both();
    running.wait();
    let look = format!("test -s {}", teardown.log().display());
    let ended = sandbox.run().flag("--sweep").shell(&look).finish();
    ended.assert_code(0);
    teardown.assert_once();
    sandbox.assert_no_survivors();
}

#[test]
fn what_cannot_be_found_leaves_all_as_it_is() {
    if lacks_cgroup("what_cannot_be_found_leaves_all_as_it_is") {
        return;
    }
    let sandbox = Sandbox::new(40);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, None, &teardown);
    running.kill_both();
    running.wait();
    let before = left(&sandbox);
    let socket = sandbox.path("no-engine.sock").display().to_string();
    let swept = sweep(&sandbox, ["--stacks", "plain", "--docker", &socket]);
    swept.assert_code(2);
    assert!(
        swept.stderr.contains("nothing is reaped") && swept.stderr.contains(&socket),
        "{}",
        swept.stderr
    );
    assert_eq!(left(&sandbox), before);
    assert_eq!(teardown.counts(), (0, 0));
    assert!(!sandbox.survivors().is_empty());
    sweep(&sandbox, NO_OPTIONS).assert_code(0);
    sandbox.assert_no_survivors();
}

#[test]
fn a_veto_keeps_and_says_why() {
    if lacks_cgroup("a_veto_keeps_and_says_why") {
        return;
    }
    let sandbox = Sandbox::new(40);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, None, &teardown);
    running.kill_both();
    running.wait();
    let swept = sweep(
        &sandbox,
        ["--veto", "sh -c 'echo under review: $0; exit 1'"],
    );
    swept.assert_code(0);
    assert!(
        swept.stdout.contains("vetoed: under review: run"),
        "{}",
        swept.stdout
    );
    assert_eq!(teardown.counts(), (0, 0));
    sweep(&sandbox, ["--veto", "no-such-command-anywhere"]).assert_code(125);
    assert_eq!(teardown.counts(), (0, 0));
    sweep(&sandbox, ["--veto", "true"]).assert_code(0);
    teardown.assert_once();
}

#[test]
fn a_list_that_allows_everything_is_asked_for_twice() {
    let sandbox = Sandbox::new(20);
    let swept = sweep(&sandbox, ["--app", ".*"]);
    swept.assert_code(125);
    assert!(swept.stderr.contains("twice"), "{}", swept.stderr);
    sweep(&sandbox, ["--app", ".*", "--app", ".*"]).assert_code(0);
    sweep(&sandbox, ["--app", "["]).assert_code(125);
}

#[test]
fn a_lock_file_of_an_app_that_is_over_goes_only_if_allowed() {
    let sandbox = Sandbox::new(20);
    for app in ["web.a", "webxa"] {
        sandbox
            .run()
            .app(app)
            .program(["true"])
            .finish()
            .assert_code(0);
    }
    let locks = || {
        let mut locks = names(&sandbox.path("locks"));
        locks.retain(|name| !name.starts_with('.'));
        locks.sort();
        locks
    };
    sweep(&sandbox, NO_OPTIONS).assert_code(0);
    assert_eq!(locks(), ["web.a", "webxa"]);
    sweep(&sandbox, ["--app", r"web\.a"]).assert_code(0);
    assert_eq!(locks(), ["webxa"]);
}

#[test]
fn two_sweeps_at_once_finish_a_run_once() {
    if lacks_cgroup("two_sweeps_at_once_finish_a_run_once") {
        return;
    }
    let sandbox = Sandbox::new(40);
    let teardown = Teardown::new(&sandbox).work(200);
    let running = start(&sandbox, None, &teardown);
    running.kill_both();
    running.wait();
    let sweeps: Vec<_> = (0..3)
        .map(|_| {
            let mut command = sweep::command(&sandbox);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().expect("a sweep")
        })
        .collect();
    for mut one in sweeps {
        one.wait().expect("its end");
    }
    teardown.assert_once();
    sandbox.assert_no_survivors();
    sweep(&sandbox, NO_OPTIONS).assert_code(0);
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn a_run_id_that_looks_like_the_room_of_another_runs_teardown() {
    if lacks_cgroup("a_run_id_that_looks_like_the_room_of_another_runs_teardown") {
        return;
    }
    let sandbox = Sandbox::new(40);
    let dead = start(&sandbox, Some("a"), &Teardown::new(&sandbox));
    let key = names(&sandbox.path("locks/.runs"));
    let key = key
        .iter()
        .find(|name| !name.starts_with('.'))
        .expect("a run");
    dead.kill_both();
    dead.wait();
    let mut line = sandbox.line();
    let live = sandbox
        .run()
        .app("b")
        .option("--run-id", format!("{key}.teardown-0"))
        .program(sandbox.plant().line(&line).command())
        .spawn_ready(&mut line);
    let swept = sweep(&sandbox, NO_OPTIONS);
    swept.assert_code(0);
    assert!(!sandbox.survivors().is_empty(), "{}", swept.stdout);
    live.signal(Signal::TERM);
    live.wait().assert_code(143);
}

#[test]
fn a_live_run_whose_lock_file_was_taken_away_keeps_its_state_and_its_processes() {
    let sandbox = Sandbox::new(40);
    let mut line = sandbox.line();
    let running = sandbox
        .run()
        .option("--state", layout(&sandbox))
        .program(sandbox.plant().line(&line).command())
        .spawn_ready(&mut line);
    let states = || {
        let roots = fs::read_dir(sandbox.path("home/states")).expect("a root of states");
        roots
            .flatten()
            .flat_map(|root| names(&root.path()))
            .collect::<Vec<_>>()
    };
    let before = states();
    assert_eq!(before.len(), 1);
    fs::rename(sandbox.path("locks"), sandbox.path("gone")).expect("renamed");
    let swept = sweep(&sandbox, NO_OPTIONS);
    assert!(!sandbox.survivors().is_empty(), "{}", swept.stdout);
    assert!(swept.stdout.contains("whoever has"), "{}", swept.stdout);
    assert_eq!(states(), before);
    running.signal(Signal::TERM);
    running.wait().assert_code(143);
}

#[test]
fn processes_that_cannot_be_seen_are_not_taken_for_gone() {
    let test = "processes_that_cannot_be_seen_are_not_taken_for_gone";
    if lacks_cgroup(test) || !skip::is_root() {
        return skip::skip(test, "needs root, to mount in a namespace of its own");
    }
    let sandbox = Sandbox::new(40);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, Some("a"), &teardown);
    running.kill_both();
    running.wait();
    for (hidden, code) in [
        (NO_CGROUPS, 2),
        (ANOTHER_PART, 1),
        ("mount -t tmpfs x /proc", 2),
    ] {
        let sweep = sweep::command(&sandbox);
        let words = std::iter::once(sweep.get_program()).chain(sweep.get_args());
        let words: Vec<_> = words
            .map(|word| format!("'{}'", word.to_string_lossy()))
            .collect();
        let script = format!("{hidden}; {}", words.join(" "));
        let status = Command::new("unshare")
            .args(["-m", "sh", "-c", &script])
            .status();
        assert_eq!(status.expect("a sweep").code(), Some(code), "{hidden}");
        assert_eq!(teardown.counts(), (0, 0), "{hidden}");
        assert!(!sandbox.survivors().is_empty(), "{hidden}");
    }
    for hidden in [NO_CGROUPS, ANOTHER_PART] {
        let next = sandbox.run().app("a").shell("echo ran").shell_line();
        let next = Command::new("unshare")
            .args(["-m", "sh", "-c", &format!("{hidden}; {next}")])
            .output()
            .expect("the next run");
        assert_eq!((next.status.code(), next.stdout), (Some(125), Vec::new()));
        assert_eq!(teardown.counts(), (0, 0), "beside the processes of the run");
    }
    // With its journal goes what it was told to wait for.
    fs::remove_dir_all(sandbox.path("home/sweeps")).expect("its journal");
    sweep(&sandbox, NO_OPTIONS).assert_code(0);
    sandbox.assert_no_survivors();
    teardown.assert_once();
}

#[test]
fn a_run_with_a_state_directory_does_not_begin_without_its_lock() {
    if !skip::is_root() {
        return skip::skip(
            "a_run_with_a_state_directory_does_not_begin_without_its_lock",
            "needs root, to mount",
        );
    }
    let sandbox = Sandbox::new(20);
    sandbox.run().program(["true"]).finish().assert_code(0);
    let full = runward_tests::places::Tmpfs::mount(&sandbox.path("locks/.runs"), 64);
    let Some(full) = full else {
        return skip::skip(
            "a_run_with_a_state_directory_does_not_begin_without_its_lock",
            "no tmpfs can be mounted",
        );
    };
    runward_tests::places::set_mode(full.path(), 0o700);
    full.make_read_only();
    let ended = sandbox
        .run()
        .option("--state", layout(&sandbox))
        .shell("echo ran")
        .finish();
    ended.assert_code(125);
    assert!(ended.stdout.is_empty());
}

/// Longer than what the record of a lock can say of who holds it.
#[test]
fn a_run_with_a_long_id_is_finished_too() {
    if lacks_cgroup("a_run_with_a_long_id_is_finished_too") {
        return;
    }
    let sandbox = Sandbox::new(40);
    let (mut line, teardown) = (sandbox.line(), Teardown::new(&sandbox));
    let work = sandbox.plant().line(&line).command();
    let run = sandbox.run().app("web").teardown(teardown.command());
    let run = run.option("--run-id", "drone-".repeat(16)).program(work);
    run.spawn_ready(&mut line).kill_both();
    sweep(&sandbox, NO_OPTIONS).assert_code(0);
    teardown.assert_once();
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn locks_that_cannot_be_read_are_not_shown_as_none() {
    let sandbox = Sandbox::new(20);
    sandbox
        .run()
        .app("a")
        .program(["true"])
        .finish()
        .assert_code(0);
    let locks = |dir: &Path| {
        let mut command = Command::new(runward_tests::binaries::runward());
        command.arg("locks").arg("--lock-dir").arg(dir);
        command.args(["--home".as_ref(), sandbox.path("home").as_os_str()]);
        command.output().expect("its locks")
    };
    let none = locks(&sandbox.path("none"));
    assert_eq!(none.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&none.stdout).contains("does not exist"));
    fs::write(sandbox.path("file"), "").expect("a file");
    assert_ne!(locks(&sandbox.path("file")).status.code(), Some(0));
    assert_ne!(locks(&sandbox.path("file/below")).status.code(), Some(0));
}

/// As a backup does that is put back: the file says the same, and nobody holds it.
fn replace(file: &Path) {
    let copy = file.with_file_name(".copy");
    fs::copy(file, &copy)
        .and_then(|_| fs::rename(copy, file))
        .expect("a copy in its place");
}

fn run_lock(sandbox: &Sandbox) -> PathBuf {
    let locks = sandbox.path("locks/.runs");
    let mut names = names(&locks).into_iter();
    let name = names.find(|name| !name.starts_with('.'));
    locks.join(name.expect("the lock of a run"))
}

#[test]
fn a_live_run_without_a_journal_whose_lock_file_was_replaced_keeps_its_processes() {
    let test = "a_live_run_without_a_journal_whose_lock_file_was_replaced_keeps_its_processes";
    if lacks_cgroup(test) {
        return;
    }
    let sandbox = Sandbox::new(20);
    let mut line = sandbox.line();
    let mut command = Command::new(runward_tests::binaries::runward());
    command.args([
        "run".as_ref(),
        "--lock-dir".as_ref(),
        sandbox.path("locks").as_os_str(),
    ]);
    command.args(["--home".as_ref(), sandbox.path("home").as_os_str()]);
    command
        .arg("--")
        .args(sandbox.plant().line(&line).command());
    let running = Running::of(&sandbox, command);
    running.wait_word(&mut line, "ready");
    assert_eq!(names(&sandbox.path("home/runs")), Vec::<String>::new());
    replace(&run_lock(&sandbox));
    let swept = sweep(&sandbox, NO_OPTIONS);
    assert!(!sandbox.survivors().is_empty(), "{}", swept.stdout);
    assert!(swept.stdout.contains("which lives"), "{}", swept.stdout);
    running.signal(Signal::TERM);
    running.wait().assert_code(143);
}

#[test]
fn a_state_directory_that_is_being_built_stays_without_its_lock_file() {
    for replaced in [true, false] {
        let sandbox = Sandbox::new(30);
        let keep = sandbox.path("source/keep");
        for folder in 0..40 {
            let folder = keep.join(folder.to_string());
            fs::create_dir_all(&folder).expect("a directory");
            (0..100).for_each(|n| fs::write(folder.join(n.to_string()), "").expect("a file"));
        }
        let config = format!(
            "[state]\nsource = {:?}\nstage = [\"keep\"]\n",
            sandbox.path("source")
        );
        fs::write(sandbox.path("runward.toml"), config).expect("a file");
        let running = sandbox
            .run()
            .option("--config", sandbox.path("runward.toml"))
            .option("--state", layout(&sandbox))
            .shell("ls $T_DIR/keep | wc -l")
            .spawn();
        let built = || {
            let roots = names(&sandbox.path("home/states"));
            let all = roots
                .iter()
                .flat_map(|root| names(&sandbox.path("home/states").join(root)));
            all.collect::<Vec<_>>()
        };
        while built().is_empty() {
            assert!(!running.ends_within(std::time::Duration::from_millis(1)));
        }
        running.signal(Signal::STOP);
        assert!(built()[0].starts_with(".new-"), "{:?}", built());
        match replaced {
            true => replace(&run_lock(&sandbox)),
            false => fs::remove_file(run_lock(&sandbox)).expect("removed"),
        }
        let swept = sweep(&sandbox, NO_OPTIONS);
        assert_eq!(built().len(), 1, "{}", swept.stdout);
        running.signal(Signal::CONT);
        let ended = running.wait();
        ended.assert_code(0);
        assert_eq!(ended.stdout.trim(), "40");
    }
}

#[test]
fn a_journal_that_cannot_be_read_is_told_of() {
    if lacks_cgroup("a_journal_that_cannot_be_read_is_told_of") {
        return;
    }
    let sandbox = Sandbox::new(20);
    let running = start(&sandbox, None, &Teardown::new(&sandbox));
    running.kill_both();
    running.wait();
    for journal in names(&sandbox.path("home/runs")) {
        fs::write(sandbox.path("home/runs").join(journal), "").expect("emptied");
    }
    let plan = sweep(&sandbox, ["--dry-run"]).stdout;
    assert!(plan.contains("journal cannot be read"), "{plan}");
    let swept = sweep(&sandbox, NO_OPTIONS);
    swept.assert_code(0);
    assert!(
        swept.stderr.contains("journal cannot be read"),
        "{}",
        swept.stderr
    );
    sandbox.assert_no_survivors();
    assert_eq!(left(&sandbox), Vec::<String>::new());
}

#[test]
fn a_veto_may_say_much_and_a_cancel_does_not_wait_for_it() {
    if lacks_cgroup("a_veto_may_say_much_and_a_cancel_does_not_wait_for_it") {
        return;
    }
    let sandbox = Sandbox::new(25);
    let teardown = Teardown::new(&sandbox);
    let running = start(&sandbox, None, &teardown);
    running.kill_both();
    running.wait();
    let line = sandbox.line();
    let config = format!(
        "[sweep]\nveto = \"sh -c 'echo asked >{}; sleep 60'\"\n",
        line.path().display()
    );
    fs::write(sandbox.path("runward.toml"), config).expect("a file");
    let mut line = line;
    let run = sandbox
        .run()
        .option("--config", sandbox.path("runward.toml"));
    let running = run.flag("--sweep").program(["true"]).spawn();
    running.wait_word(&mut line, "asked");
    running.signal(Signal::TERM);
    running.wait().assert_code(143);
    assert_eq!(teardown.counts(), (0, 0));
    let much = "sh -c 'head -c 200000 /dev/zero'";
    sweep(&sandbox, ["--veto", much]).assert_code(0);
    teardown.assert_once();
}
