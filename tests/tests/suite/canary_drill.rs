//! `runward canary drill`: what it shows, what it refuses to show, and what it leaves when it is ended.

mod fleet;
mod signals;
mod vacuous;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use runward_tests::{Ended, Running, Sandbox, binaries};
use serde_json::Value;

const WELL: &str = r#"[{"name":"nightly","workers":2},{"name":"weekly","workers":2}]"#;
const IDLE: &str = r#"[{"name":"nightly","workers":0},{"name":"weekly","workers":2}]"#;

/// Rules over a file of jobs, and drills of them.
struct Jobs<'a> {
    sandbox: &'a Sandbox,
    jobs: PathBuf,
    rules: PathBuf,
}

impl<'a> Jobs<'a> {
    fn new(sandbox: &'a Sandbox) -> Self {
        let jobs = Self {
            sandbox,
            jobs: sandbox.path("jobs"),
            rules: sandbox.path("rules.toml"),
        };
        jobs.are(WELL);
        jobs
    }

    fn are(&self, text: &str) {
        fs::write(&self.jobs, text).expect("jobs");
    }

    /// The words of a command that writes these jobs.
    fn put(&self, text: &str) -> String {
        self.shell(&format!("echo '{text}' > {}", self.jobs.display()))
    }

    fn shell(&self, script: &str) -> String {
        format!("[\"sh\", \"-c\", '''{script}''']")
    }

    /// One drill of a job without a worker.
    fn drill(&self, name: &str, provoke: &str, revert: &str) -> String {
        format!(
            "[drill.{name}]\ninvariant = \"J-01\"\nkind = \"idle\"\nsubject = \"nightly\"\ngap = \"20ms\"\nlimit = \"20s\"\nprovoke = {provoke}\nrevert = {revert}\n"
        )
    }

    /// One that is as it should be.
    fn good(&self, name: &str) -> String {
        self.drill(name, &self.put(IDLE), &self.put(WELL))
    }

    fn rules(&self, more: &str) {
        let jobs = &self.jobs;
        let text = format!(
            r#"title = "jobs"
source.jobs = {{ kind = "command", argv = ["sh", "-c", "cat $0.once 2>/dev/null && rm $0.once || cat $0"], timeout = "2s" }}
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
bad = [{{ kind = "idle", column = "workers", equals = 0 }}, {{ kind = "crowded", column = "workers", equals = 9 }}]
[invariant.J-02]
title = "No job has a negative number of workers"
tier = "B"
severity = "minor"
message = "{{subject}} is impossible"
runbook = "Look at the pool."
shape = "row"
of = "jobs"
bad = [{{ kind = "negative", column = "workers", equals = -1 }}]
{more}"#
        );
        fs::write(&self.rules, text).expect("rules");
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(binaries::runward());
        command.args(["canary", "drill"]).arg(&self.rules);
        command.args(words).current_dir(self.sandbox.root());
        command
    }

    fn start(&self, words: &[&str]) -> Running<'a> {
        Running::of(self.sandbox, self.command(words))
    }

    #[track_caller]
    fn run(&self, words: &[&str], code: i32) -> Ended {
        let ended = self.start(words).wait();
        ended.assert_code(code);
        ended
    }

    /// Why the only drill did not pass, by the name of the reason.
    #[track_caller]
    fn reason(&self, code: i32) -> (String, String) {
        let ended = self.run(&["--json", "one"], code);
        let one = &json(&ended.stdout)["drills"][0];
        assert_eq!(one["passed"], false, "{one}");
        let text = |key: &str| one[key].as_str().expect("a text").to_owned();
        (text("reason"), text("why"))
    }

    fn is_well(&self) -> bool {
        fs::read_to_string(&self.jobs).expect("jobs").trim() == WELL
    }

    fn owes(&self) -> bool {
        self.sandbox.path("ledger/drill.json").exists()
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

/// The verdict of somebody else on a bundle of drills, and the rules that failed.
#[track_caller]
fn verified(sandbox: &Sandbox, dir: &Path, scope: &str) -> (String, Vec<String>) {
    let spec = sandbox.path("drill.spec.toml");
    let shipped = Command::new(binaries::runward())
        .args(["spec", "canary-drill"])
        .output();
    fs::write(&spec, shipped.expect("starts").stdout).expect("a spec");
    let mut command = Command::new(binaries::runward());
    command.arg("verify").arg(&spec).arg(dir);
    command.args(["--format", "json", "--param", &format!("scope={scope}")]);
    let output = command.output().expect("starts");
    let report = json(&String::from_utf8_lossy(&output.stdout));
    let open = ["refuted", "inconclusive", "vacuous"];
    let rules = report["rules"].as_array().expect("rules").iter();
    let failed = rules.filter(|rule| open.iter().any(|one| rule["outcome"] == *one));
    let ids = failed.map(|rule| rule["id"].as_str().expect("an id").to_owned());
    let verdict = report["verdict"].as_str().expect("a verdict");
    (verdict.to_owned(), ids.collect())
}

#[test]
fn the_bundle_of_drills_is_proven_and_each_rule_of_it_can_fail() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    let crowded = jobs.drill(
        "two",
        &jobs.put(&WELL.replacen('2', "9", 1)),
        &jobs.put(WELL),
    );
    let crowded = crowded.replace("\"idle\"", "\"crowded\"");
    let negative = jobs.drill(
        "three",
        &jobs.put(&WELL.replacen('2', "-1", 1)),
        &jobs.put(WELL),
    );
    let negative = negative
        .replace("J-01", "J-02")
        .replace("\"idle\"", "\"negative\"");
    jobs.rules(&format!("{}{crowded}{negative}", jobs.good("one")));
    let bundle = sandbox.path("bundle");
    let ended = jobs.run(&["--all", "--evidence", "bundle"], 0);
    for said in [
        "one: provoking",
        "one: red after 1 cycle",
        "one: reverting",
        "three: passed",
        "is proven",
    ] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    assert_eq!(verified(&sandbox, &bundle, "all").0, "proven");
    let mut prove = Command::new(binaries::runward());
    prove
        .arg("prove")
        .arg(sandbox.path("drill.spec.toml"))
        .arg(&bundle);
    let proved = prove.output().expect("starts");
    assert_eq!(
        proved.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&proved.stdout)
    );
    assert!(!jobs.owes());
}

#[test]
fn some_drills_are_no_proof_of_all() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    jobs.rules(&jobs.good("one"));
    jobs.run(&["one", "--evidence", "some"], 0);
    assert_eq!(
        verified(&sandbox, &sandbox.path("some"), "chosen").0,
        "proven"
    );
    let all = verified(&sandbox, &sandbox.path("some"), "all");
    assert_eq!(all, ("refuted".to_owned(), vec!["drills.scope".to_owned()]));
    // Of all kinds, two have no drill.
    let ended = jobs.run(&["--all", "--evidence", "all"], 2);
    assert!(
        ended.stderr.contains("no drill for J-01/crowded"),
        "{}",
        ended.stderr
    );
    let all = verified(&sandbox, &sandbox.path("all"), "all");
    assert_eq!(
        all,
        ("refuted".to_owned(), vec!["drills.each-kind".to_owned()])
    );
}

#[test]
fn a_forged_bundle_is_refuted_also_where_nobody_looks_at_the_seal() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    // It fails, and somebody would like it to have passed.
    jobs.rules(&jobs.drill("one", "[\"true\"]", "[\"true\"]"));
    jobs.run(&["one", "--evidence", "bundle"], 2);
    let bundle = sandbox.path("bundle");
    let (verdict, failed) = verified(&sandbox, &bundle, "chosen");
    assert_eq!(verdict, "refuted");
    assert!(
        failed.contains(&"drills.passed".to_owned()) && failed.contains(&"red.exactly".to_owned())
    );
    let outcomes = bundle.join("outcomes.jsonl");
    let text = fs::read_to_string(&outcomes).expect("outcomes");
    let forged = text.replace("\"passed\":false", "\"passed\":true");
    assert_ne!(text, forged);
    fs::write(&outcomes, forged).expect("written");
    let (verdict, failed) = verified(&sandbox, &bundle, "chosen");
    assert_eq!(verdict, "refuted");
    assert!(
        failed.contains(&"bundle.sealed".to_owned()) && failed.contains(&"red.exactly".to_owned())
    );
    assert!(!failed.contains(&"drills.passed".to_owned()), "{failed:?}");
}

#[test]
fn drills_are_chosen_by_name_invariant_and_kind() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    let crowded = jobs.drill(
        "two",
        &jobs.put(&WELL.replacen('2', "9", 1)),
        &jobs.put(WELL),
    );
    let crowded = crowded.replace("\"idle\"", "\"crowded\"");
    jobs.rules(&format!("{}{crowded}", jobs.good("one")));
    let drilled = |words: &[&str]| {
        let ended = jobs.run(&[words, &["--json"]].concat(), 0);
        let drills = json(&ended.stdout)["drills"]
            .as_array()
            .expect("drills")
            .clone();
        drills
            .iter()
            .map(|one| one["drill"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(drilled(&["two"]), ["two"]);
    assert_eq!(drilled(&["J-01"]), ["one", "two"]);
    assert_eq!(drilled(&["idle"]), ["one"]);
    assert_eq!(drilled(&["J-01/crowded", "two"]), ["two"]);
    assert_eq!(drilled(&["--list", "idle"]), ["one"]);
    let listed = jobs.run(&["--list"], 0).stdout;
    assert!(
        listed.contains("two  J-01/crowded  nightly")
            && listed.contains("no drill for J-02/negative"),
        "{listed}"
    );
    for (word, said) in [
        ("J-02", "J-02 has no drill"),
        ("negative", "has no drill"),
        ("nine", "is called nine"),
    ] {
        let ended = jobs.run(&[word], 3);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    jobs.run(&[], 3);
    assert!(jobs.is_well());
}

#[test]
fn a_bundle_is_whole_or_not_there() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    jobs.rules(&jobs.good("one"));
    fs::create_dir(sandbox.path("taken")).expect("a directory");
    fs::write(sandbox.path("taken/file"), "mine").expect("a file");
    // Refused before anything is broken.
    let ended = jobs.run(&["one", "--evidence", "taken"], 3);
    assert!(ended.stderr.contains("it is not empty"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("provoking"), "{}", ended.stderr);
    jobs.run(&["one", "--evidence", "nowhere/bundle"], 3);
    jobs.run(&["one", "--evidence", "bundle"], 0);
    jobs.run(&["one", "--evidence", "bundle"], 3);
    let left = fs::read_dir(sandbox.root()).expect("a directory").flatten();
    let drafts = left.filter(|one| one.file_name().to_string_lossy().ends_with(".runward"));
    assert_eq!(drafts.count(), 0);
}
