//! What `status` may not say: that all is well, when nobody has looked.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::thread;
use std::time::Duration;

use runward_tests::places::{Tmpfs, set_mode};
use runward_tests::skip::{is_root, skip};
use runward_tests::{Sandbox, binaries};

use crate::canary_kit::{Canary, ILL, ran};

const SHORT: &str = "[policy]\ninterval = \"3s\"\n";

#[test]
fn a_cycle_of_one_invariant_makes_nothing_young_that_it_did_not_judge() {
    let sandbox = Sandbox::new(60);
    let other = "[invariant.J-02]\ntitle = \"Every job has a name\"\ntier = \"A\"\nseverity = \"major\"\nmessage = \"{subject} has none\"\n\
        runbook = \"Give it one.\"\nshape = \"row\"\nof = \"jobs\"\nbad = [{ kind = \"anonymous\", column = \"id\", equals = \"\" }]\n";
    let canary = Canary::of_jobs(&sandbox, &format!("{other}{SHORT}"));
    canary.run("cycle", &["--only", "J-02"]);
    let never = canary.assert("status", &[], 3);
    assert!(
        never.out.contains("no cycle of all invariants"),
        "{never:?}"
    );
    canary.assert("cycle", &[], 0);
    canary.assert("status", &[], 0);
    let late = |canary: &Canary<'_>| {
        canary.run("cycle", &["--only", "J-02"]);
        canary.run("status", &[]).code == 3
    };
    while !late(&canary) {
        assert!(
            sandbox.until() > std::time::Instant::now(),
            "it stays young"
        );
        thread::sleep(Duration::from_millis(50));
    }
    canary.run("cycle", &[]);
    assert_ne!(canary.run("status", &[]).code, 3);
}

#[test]
fn an_end_that_is_yet_to_come_vouches_for_nothing() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    canary.assert("cycle", &[], 0);
    let mut last: serde_json::Value =
        serde_json::from_str(&canary.read("ledger/last.json")).expect("JSON");
    last["ended"] = "2126-01-01T00:00:00Z".into();
    canary.write("ledger/last.json", &last.to_string());
    let ahead = canary.assert("status", &[], 3);
    assert!(ahead.out.contains("yet to come"), "{ahead:?}");
}

#[test]
fn a_cycle_that_cannot_be_kept_leaves_no_green_behind() {
    let name = "a_cycle_that_cannot_be_kept_leaves_no_green_behind";
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    let mounted = is_root().then(|| Tmpfs::mount(&canary.path("ledger"), 64));
    let Some(disk) = mounted.flatten() else {
        return skip(name, "needs root, to mount a file system");
    };
    set_mode(&canary.path("ledger"), 0o700);
    canary.assert("cycle", &[], 0);
    canary.assert("status", &[], 0);
    disk.fill();
    canary.write("jobs", ILL);
    assert_ne!(canary.run("cycle", &[]).code, 0);
    assert_ne!(canary.run("status", &[]).code, 0);
}

#[test]
fn what_is_critical_is_so_also_where_nobody_can_be_shown() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    let rules = canary.read("rules.toml");
    canary.write("rules.toml", &rules.replace("\"major\"", "\"critical\""));
    canary.write("jobs", ILL);
    for word in ["cycle", "status"] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = canary.command(word);
        let status = command.stdout(full.expect("/dev/full")).status();
        assert_eq!(status.expect("it runs").code(), Some(2), "{word}");
    }
}

#[test]
fn one_file_of_rules_has_one_ledger_however_it_is_named() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    let rules = canary.read("rules.toml");
    canary.write(
        "rules.toml",
        &rules.replace("ledger.directory = \"ledger\"\n", ""),
    );
    symlink(&canary.rules, canary.path("link.toml")).expect("a link");
    let call = |word: &str, rules: &str| {
        let mut command = Command::new(binaries::runward());
        command.args(["canary", word, rules]);
        command
            .current_dir(&canary.folder)
            .env("RUNWARD_HOME", sandbox.path("home"));
        ran(&mut command)
    };
    let folder = canary
        .folder
        .file_name()
        .expect("a name")
        .to_str()
        .expect("UTF-8");
    assert_eq!(call("cycle", "rules.toml").code, 0);
    for rules in [
        "./rules.toml",
        &format!("../{folder}/rules.toml"),
        "link.toml",
    ] {
        let status = call("status", rules);
        assert_eq!(status.code, 0, "{rules}: {status:?}");
    }
}
