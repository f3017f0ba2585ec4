//! What is kept and shown: to people, to programs, to those who ask from outside, and from wherever it is called.

use std::fs;

use runward_tests::places::{Tmpfs, set_mode};
use runward_tests::servers::installed;
use runward_tests::skip::{is_root, skip};
use runward_tests::{Sandbox, binaries, need};

use crate::canary_kit::{Canary, ILL, JOBS, WELL, ran, sqlite, until};

#[test]
fn on_a_full_disk_what_others_look_at_stays_whole() {
    let name = "on_a_full_disk_what_others_look_at_stays_whole";
    let sandbox = Sandbox::new(60);
    let output = "[output]\nhtml = \"out/page.html\"\nprometheus = \"out/page.prom\"\njson = \"out/page.json\"\n";
    let canary = Canary::of_jobs(&sandbox, output);
    let mounted = is_root().then(|| Tmpfs::mount(&canary.path("out"), 64));
    let Some(disk) = mounted.flatten() else {
        return skip(name, "needs root, to mount a file system");
    };
    canary.assert("cycle", &[], 0);
    let names = ["out/page.html", "out/page.prom", "out/page.json"];
    let before = names.map(|name| canary.read(name));
    assert!(before.iter().all(|text| !text.is_empty()));
    disk.fill();
    canary.write("jobs", ILL);
    let ran = canary.assert("cycle", &[], 1);
    for name in ["page.html", "page.prom", "page.json"] {
        assert!(ran.err.contains(name), "{name}: {ran:#?}");
    }
    assert_eq!(names.map(|name| canary.read(name)), before);
    fs::remove_file(disk.path().join("filler")).expect("removed");
    canary.assert("cycle", &[], 1);
    let after = names.map(|name| canary.read(name));
    assert!(after.iter().zip(&before).all(|(new, old)| new != old));
    let left = fs::read_dir(disk.path()).expect("a directory").count();
    assert_eq!(left, 3, "nothing lies beside them");
}

#[test]
fn snapshots_that_were_kept_are_judged_by_the_rules_of_today() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "[retention]\nsnapshots = \"1h\"\n");
    for (jobs, code) in [(WELL, 0), (ILL, 1), ("nonsense", 3), (WELL, 0)] {
        canary.write("jobs", jobs);
        canary.assert("cycle", &[], code);
    }
    let mut kept: Vec<_> = fs::read_dir(canary.path("ledger/snapshots"))
        .expect("snapshots")
        .flatten()
        .map(|it| it.path().display().to_string())
        .collect();
    kept.sort();
    assert_eq!(kept.len(), 4);
    let all: Vec<&str> = kept.iter().map(String::as_str).collect();
    let replay = |more: &[&str], code| canary.assert("replay", &[&all, more].concat(), code);
    let json = replay(&["--json"], 3);
    assert_eq!(json.out, replay(&["--json"], 3).out, "the same to the byte");
    assert!(replay(&[], 3).out.contains("red J-01 idle nightly"));
    let worse = JOBS
        .replace("equals = 0", "equals = 2")
        .replace("\"major\"", "\"critical\"");
    canary.write("other.toml", &worse);
    let other = canary.path("other.toml").display().to_string();
    let same = canary.rules.display().to_string();
    assert_eq!(replay(&["--against", &same], 0).out, "no difference\n");
    let differs = replay(&["--against", &other], 1).out;
    assert!(
        differs.contains("+ J-01 idle nightly") && differs.contains("- J-01 idle nightly"),
        "{differs}"
    );
    canary.write("rules.toml", &worse);
    replay(&[], 2);
    assert_eq!(canary.run("replay", &["/dev/null"]).code, 3);
}

#[test]
fn an_outsider_sees_that_nobody_looks() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "[policy]\ninterval = \"1s\"\n");
    assert!(canary.assert("status", &[], 3).out.contains("never run"));
    assert_eq!(canary.status()["level"], "unknown");
    canary.assert("cycle", &[], 0);
    let status = canary.status();
    assert!(
        status["stale_after"].as_str() > status["ended"].as_str(),
        "{status}"
    );
    until(&sandbox, "it grows old", || {
        canary.run("status", &[]).code == 3
    });
    assert!(canary.assert("status", &[], 3).out.contains("stale"));
    canary.assert("cycle", &[], 0);
    for garbage in ["", "garbage", "{\"schema\":1}", "{\"schema\":99}\n{}\n"] {
        for name in ["state.json", "state.prev"] {
            canary.write(&format!("ledger/{name}"), garbage);
        }
        let ran = canary.assert("status", &[], 3);
        assert!(!ran.out.is_empty(), "{garbage:?}");
    }
    canary.write("ledger/last.json", "garbage");
    canary.assert("status", &[], 3);
    fs::remove_dir_all(canary.path("ledger")).expect("removed");
    canary.write("ledger", "a file where a directory was");
    canary.assert("status", &[], 3);
    canary.assert("cycle", &[], 3);
}

#[test]
fn a_harness_that_watches_nothing_is_loud() {
    let sandbox = Sandbox::new(60);
    let off = JOBS.replace(
        "[invariant.J-01]",
        "[invariant.J-01]\noff = \"it was noisy\"",
    );
    let canary = Canary::new(&sandbox, &off);
    let ran = canary.assert("cycle", &[], 3);
    assert!(ran.err.contains("no invariant is judged (J-01"), "{ran:#?}");
    canary.assert("status", &[], 3);
    canary.write(
        "rules.toml",
        "title = \"nothing\"\nledger.directory = \"other\"\n",
    );
    canary.assert("cycle", &[], 3);
}

#[test]
fn relative_paths_begin_where_the_rules_stand() {
    let name = "relative_paths_begin_where_the_rules_stand";
    need!(name, installed("sqlite3"), "needs sqlite3");
    let sandbox = Sandbox::new(60);
    let more = r#"
[source.db]
kind = "sqlite"
path = "app.db"
[facet.rows]
source = "db"
query = "SELECT name FROM rows"
id = "name"
[source.locks]
kind = "flock-dir"
path = "locks"
[facet.locks]
source = "locks"
[source.files]
kind = "files"
[facet.files]
source = "files"
paths = ["jobs"]
columns = { exists = "bool" }
[invariant.F-01]
title = "The file is there"
tier = "A"
severity = "major"
message = "{subject} is not there"
runbook = "Look."
shape = "row"
of = "files"
bad = [{ kind = "gone", column = "exists", equals = false }]
[invariant.L-01]
title = "Locks refer to rows"
tier = "A"
severity = "major"
message = "{subject} has no row"
runbook = "Look."
shape = "refers"
refs = ["locks"]
column = "id"
to = ["rows"]
[[alert]]
kind = "file"
path = "alerts"
[[alert]]
kind = "command"
argv = ["./sink"]
[output]
json = "page.json"
"#;
    let canary = Canary::of_jobs(&sandbox, more);
    fs::create_dir(canary.path("locks")).expect("a directory");
    set_mode(&canary.path("locks"), 0o700);
    canary.write("sink", "#!/bin/sh\ncat > told\n");
    set_mode(&canary.path("sink"), 0o755);
    sqlite(&canary.path("app.db"), "CREATE TABLE rows(name TEXT);");
    canary.write("jobs", ILL);
    let elsewhere = sandbox.fresh("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    let mut command = canary.command("cycle");
    let ran = ran(command
        .args(["--snapshot", "now.json"])
        .current_dir(&elsewhere));
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert_eq!(canary.reasons("alerts"), ["opened"]);
    assert!(canary.read("told").contains("opened") && !canary.read("page.json").is_empty());
    // What the command line names begins where it was given.
    let made: Vec<_> = fs::read_dir(&elsewhere)
        .expect("a directory")
        .flatten()
        .collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].file_name(), "now.json");
}

#[test]
fn each_page_names_its_exit_codes() {
    let sandbox = Sandbox::new(60);
    let page = |words: &[&str]| {
        let mut command = std::process::Command::new(binaries::runward());
        let ran = ran(command.args(words).current_dir(sandbox.root()));
        assert_eq!(ran.code, 0, "{words:?}: {ran:#?}");
        ran.out
    };
    for name in [
        "", "check", "schema", "cycle", "watch", "drill", "status", "replay",
    ] {
        let words: Vec<_> = ["canary", name]
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect();
        let help = page(&[&words[..], &["--help"]].concat());
        let manual = page(&[&["man"], &words[..]].concat());
        for page in [help, manual] {
            assert!(page.contains("Exit status"), "{name}: {page}");
            assert!(page.contains("\n  0  "), "{name}: {page}");
        }
    }
    for shell in ["bash", "zsh", "fish"] {
        let text = page(&["completions", shell]);
        for word in ["canary", "cycle", "watch", "replay", "snapshot", "against"] {
            assert!(text.contains(word), "{shell}: {word}");
        }
    }
}
