//! `runward canary`: each command, and what it says when it cannot know.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use runward_tests::places::Tmpfs;
use runward_tests::skip::{is_root, skip};
use runward_tests::{Sandbox, binaries};
use rustix::process::{Pid, Signal, kill_process};

const WELL: &str = r#"[{"name":"nightly","workers":2}]"#;
const ILL: &str = r#"[{"name":"nightly","workers":0}]"#;

/// Rules over one file of jobs, which a test writes.
struct Canary<'a> {
    sandbox: &'a Sandbox,
    jobs: PathBuf,
    rules: PathBuf,
}

impl<'a> Canary<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        Self::with(sandbox, "[\"cat\"]", "")
    }

    fn with(sandbox: &'a Sandbox, argv: &str, more: &str) -> Self {
        let (jobs, rules) = (sandbox.fresh("jobs"), sandbox.fresh("rules"));
        let text = format!(
            r#"title = "jobs"
source.jobs = {{ kind = "command", argv = {argv}, timeout = "2s" }}
ledger.directory = "ledger"
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
{more}"#
        );
        fs::write(&rules, text).expect("rules");
        fs::write(&jobs, WELL).expect("jobs");
        Self {
            sandbox,
            jobs,
            rules,
        }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(binaries::runward());
        command.args(["canary", name]).arg(&self.rules);
        command.stdin(Stdio::null());
        command
    }

    fn output(&self, name: &str, arguments: &[&str]) -> (i32, String) {
        let output = self.command(name).args(arguments).output().expect("starts");
        (
            code(&output),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    }

    #[track_caller]
    fn assert(&self, name: &str, arguments: &[&str], expected: i32) -> String {
        let (code, out) = self.output(name, arguments);
        assert_eq!(code, expected, "{name} {arguments:?}: {out}");
        out
    }

    fn jobs(&self, text: &str) {
        fs::write(&self.jobs, text).expect("jobs");
    }
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

#[test]
fn red_stays_red_while_nobody_can_look_and_green_needs_one_who_can() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::new(&sandbox);
    canary.assert("status", &[], 3);
    canary.assert("check", &[], 0);
    canary.assert("cycle", &[], 0);
    canary.assert("status", &[], 0);
    canary.jobs("garbage");
    canary.assert("cycle", &[], 3);
    canary.assert("status", &[], 3);
    canary.jobs(ILL);
    canary.assert("cycle", &["--only", "J-01"], 2);
    for blind in ["garbage", ""] {
        canary.jobs(blind);
        canary.assert("cycle", &[], 2);
    }
    canary.jobs(WELL);
    canary.assert("cycle", &["--json"], 0);
    canary.assert("cycle", &["--only", "J-02"], 3);
}

#[test]
fn a_second_cycle_is_no_empty_answer() {
    let sandbox = Sandbox::new(60);
    let fifo = sandbox.fresh("fifo");
    let canary = Canary::with(&sandbox, "[\"cat\"]", "");
    let made = Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
    assert!(made.success());
    fs::remove_file(&canary.jobs).expect("removed");
    fs::rename(&fifo, &canary.jobs).expect("a pipe");
    let mut first = canary
        .command("cycle")
        .stdout(Stdio::null())
        .spawn()
        .expect("starts");
    // Opens as soon as the source of the first reads, which is then in the middle of its cycle.
    let pipe = fs::OpenOptions::new()
        .write(true)
        .open(&canary.jobs)
        .expect("a reader");
    canary.assert("cycle", &[], 3);
    // It hangs, and ends by its own limit: nothing was seen, so nothing is green or red.
    assert_eq!(first.wait().expect("ends").code(), Some(3));
    drop(pipe);
}

#[test]
fn a_drill_shows_exactly_its_kind_and_names_what_has_none() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::new(&sandbox);
    let put = |text: &str| {
        format!(
            "[\"sh\", \"-c\", '''echo '{text}' > {}''']",
            canary.jobs.display()
        )
    };
    let drill = |provoke: &str| {
        format!(
            "[drill.one]\ninvariant = \"J-01\"\nkind = \"idle\"\nsubject = \"nightly\"\ngap = \"10ms\"\nprovoke = {provoke}\nrevert = {}\n",
            put(WELL)
        )
    };
    let rules = fs::read_to_string(&canary.rules).expect("rules");
    fs::write(&canary.rules, format!("{rules}{}", drill(&put(ILL)))).expect("rules");
    canary.assert("drill", &["--all"], 0);
    fs::write(&canary.rules, format!("{rules}{}", drill("[\"true\"]"))).expect("rules");
    canary.assert("drill", &["one"], 2);
    canary.jobs(ILL);
    canary.assert("drill", &["one"], 2);
    fs::write(&canary.rules, rules).expect("rules");
    canary.assert("drill", &["--all"], 2);
}

#[test]
fn of_two_watchers_one_leads_and_the_other_follows() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::with(
        &sandbox,
        "[\"cat\"]",
        "[policy]\ninterval = \"1h\"\nstartup = \"0s\"\n",
    );
    let start = || {
        let mut child = canary
            .command("watch")
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let first = lines.next().expect("a line").expect("text");
        (child, lines, first)
    };
    let (mut one, _kept, first) = start();
    assert!(first.contains("leading"), "{first}");
    let (mut two, mut lines, second) = start();
    assert!(second.contains("another watcher leads"), "{second}");
    let until = Instant::now() + Duration::from_secs(20);
    while canary.output("status", &[]).0 != 0 {
        assert!(Instant::now() < until, "no cycle");
        std::thread::sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&one), Signal::KILL).expect("killed");
    one.wait().expect("ends");
    let third = lines.next().expect("a line").expect("text");
    assert!(third.contains("leading"), "{third}");
    kill_process(Pid::from_child(&two), Signal::TERM).expect("signalled");
    assert_eq!(two.wait().expect("ends").code(), Some(0));
    canary.sandbox.assert_no_survivors();
}

#[test]
fn what_a_tenant_wrote_drives_no_terminal() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::new(&sandbox);
    canary.jobs(r#"[{"name":"\u001b[2J\u202e<script>","workers":0}]"#);
    let out = canary.assert("cycle", &[], 2);
    assert!(!out.contains(['\u{1b}', '\u{202e}']), "{out:?}");
}

#[test]
fn killed_at_any_moment_it_has_lost_nothing_that_was_red() {
    let sandbox = Sandbox::new(120);
    let told = sandbox.fresh("alerts");
    let sink = format!("[[alert]]\nkind = \"file\"\npath = {told:?}\n");
    let canary = Canary::with(&sandbox, "[\"cat\"]", &sink);
    let kill_some = || {
        for millis in (0..60).step_by(3) {
            let mut cycle = canary
                .command("cycle")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("starts");
            // The moment is the point; nothing waits for it.
            std::thread::sleep(Duration::from_millis(millis));
            let _ = kill_process(Pid::from_child(&cycle), Signal::KILL);
            cycle.wait().expect("ends");
        }
    };
    canary.jobs(ILL);
    kill_some();
    canary.assert("cycle", &["--wait", "10s"], 2);
    let alerts = || fs::read_to_string(&told).expect("alerts");
    assert!(alerts().contains("\"reason\":\"opened\""), "{}", alerts());
    canary.jobs(WELL);
    kill_some();
    canary.assert("cycle", &["--wait", "10s"], 0);
    assert!(
        alerts().contains("\"reason\":\"recovered\""),
        "{}",
        alerts()
    );
    canary.assert("status", &[], 0);
}

#[test]
fn a_sink_that_hangs_holds_up_no_verdict_and_is_tried_again() {
    let sandbox = Sandbox::new(60);
    let sink = "[[alert]]\nkind = \"command\"\nargv = [\"sleep\", \"60\"]\ntimeout = \"1s\"\n";
    let canary = Canary::with(&sandbox, "[\"cat\"]", sink);
    canary.jobs(ILL);
    for _ in 0..2 {
        let ran = canary.command("cycle").output().expect("starts");
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(code(&ran), 2, "{said}");
        assert!(said.contains("did not arrive"), "{said}");
    }
    sandbox.assert_no_survivors();
}

#[test]
fn a_state_that_cannot_be_read_is_not_green() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::new(&sandbox);
    canary.assert("cycle", &[], 0);
    canary.assert("cycle", &[], 0);
    let ledger = canary.rules.with_file_name("ledger");
    for name in ["state.json", "state.prev"] {
        fs::write(ledger.join(name), "garbage").expect("written");
    }
    canary.assert("status", &[], 3);
    let out = canary.assert("cycle", &[], 3);
    assert!(out.contains("forgotten"), "{out}");
    canary.assert("cycle", &[], 0);
}

#[test]
fn on_a_full_disk_red_is_told_and_the_state_is_whole() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::with(&sandbox, "[\"cat\"]", "[[alert]]\nkind = \"stderr\"\n");
    let ledger = canary.rules.with_file_name("ledger");
    let mounted = is_root().then(|| Tmpfs::mount(&ledger, 256)).flatten();
    let Some(disk) = mounted else {
        return skip(
            "on_a_full_disk_red_is_told_and_the_state_is_whole",
            "needs root, to mount a file system",
        );
    };
    canary.assert("cycle", &[], 0);
    disk.fill();
    canary.jobs(ILL);
    let ran = canary.command("cycle").output().expect("starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(code(&ran), 2, "{said}");
    assert!(said.contains("nightly has no worker"), "{said}");
    fs::remove_file(disk.path().join("filler")).expect("removed");
    canary.assert("cycle", &[], 2);
    canary.assert("status", &[], 2);
}
