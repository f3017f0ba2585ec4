//! What must not look green, and who is told what: the level, the first line, the notes, and whose ledger it is.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use runward_tests::{Sandbox, binaries};

use crate::canary_kit::{Canary, ILL, JOBS, WELL, Watcher, ran};

#[test]
fn rules_that_judge_nothing_are_refused() {
    let sandbox = Sandbox::new(60);
    let head = "ledger.directory = \"ledger\"\n";
    let off = JOBS.replace("[invariant.J-01]", "[invariant.J-01]\noff = \"noisy\"");
    for (rules, said) in [
        (
            head.to_owned(),
            "no invariant is judged: write `[invariant.ID]`",
        ),
        (format!("title = \"t\"\n{head}"), "no invariant is judged: "),
        (off, "no invariant is judged (J-01 switched off): "),
    ] {
        let canary = Canary::new(&sandbox, &rules);
        for name in ["check", "cycle", "watch"] {
            let ran = canary.assert(name, &[], 3);
            assert!(ran.err.contains(said), "{name}: {ran:#?}");
            assert!(ran.err.contains("rules.toml: "), "{name}: {ran:#?}");
        }
        assert!(!canary.path("ledger/state.json").exists());
    }
}

#[test]
fn rules_that_judge_nothing_any_more_have_no_status() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    canary.assert("cycle", &[], 0);
    canary.assert("status", &[], 0);
    let off = JOBS.replace("[invariant.J-01]", "[invariant.J-01]\noff = \"noisy\"");
    canary.write("rules.toml", &off);
    let ran = canary.assert("status", &[], 3);
    assert!(ran.out.contains("no invariant is judged"), "{ran:#?}");
}

#[test]
fn nothing_to_look_at_is_no_green() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    canary.write("jobs", "[]");
    let ran = canary.assert("cycle", &[], 3);
    let head = "canary jobs: UNKNOWN: nothing was examined, 1 vacuous; taken ";
    assert!(ran.out.starts_with(head), "{ran:#?}");
    canary.assert("status", &[], 3);
    canary.write("jobs", WELL);
    let ran = canary.assert("cycle", &[], 0);
    assert!(
        ran.out.starts_with("canary jobs: OK: 1 held; taken "),
        "{ran:#?}"
    );
    assert!(
        ran.out.contains(" of the harness itself: nothing wrong"),
        "{ran:#?}"
    );
    assert!(!ran.out.contains("canary.twin"), "{ran:#?}");
}

#[test]
fn check_says_what_could_hold_over_nothing_and_how_often_it_looks() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    let ran = canary.assert("check", &[], 0);
    let note = "note: without `expect`, nothing tells if there is nothing to look at for J-01; ";
    assert!(ran.out.contains(note), "{ran:#?}");
    assert!(ran.out.contains("policy: a cycle every 5m, "), "{ran:#?}");
    let expect = "expect = { examined_at_least = 1, within_cycles = 3 }\n";
    let canary = Canary::of_jobs(&sandbox, expect);
    let ran = canary.assert("check", &[], 0);
    assert!(!ran.out.contains("without `expect`"), "{ran:#?}");
}

#[test]
fn alerts_that_do_not_arrive_are_no_green() {
    let sandbox = Sandbox::new(60);
    let sink = "[[alert]]\nkind = \"command\"\nargv = [\"/nonexistent/tell\"]\n";
    let canary = Canary::of_jobs(&sandbox, sink);
    canary.write("jobs", ILL);
    canary.assert("cycle", &[], 1);
    canary.write("jobs", WELL);
    let ran = canary.assert("cycle", &[], 1);
    let head = "canary jobs: WARNING: alerts do not arrive at command, 1 held; taken ";
    assert!(ran.out.starts_with(head), "{ran:#?}");
    let said = "warning: alerts do not arrive at command: 2 waiting; ";
    assert!(ran.out.contains(said), "{ran:#?}");
    canary.assert("status", &[], 1);
    assert_eq!(canary.status()["level"], "warning");
    // Once something arrives, it is over.
    let rules = canary.read("rules.toml");
    canary.write("rules.toml", &rules.replace("/nonexistent/tell", "true"));
    canary.assert("cycle", &[], 0);
    canary.assert("status", &[], 0);
}

#[test]
fn what_others_look_at_and_cannot_be_written_makes_green_unknown() {
    let sandbox = Sandbox::new(60);
    let output =
        "[output]\nhtml = \"page.html\"\nprometheus = \"nosuch/c.prom\"\njson = \"now.json\"\n";
    let canary = Canary::of_jobs(&sandbox, output);
    let path = canary.path("nosuch/c.prom").display().to_string();
    let ran = canary.assert("cycle", &[], 3);
    let said = "warning: [output] prometheus could not be written, and is old: ";
    assert!(ran.out.contains(said), "{ran:#?}");
    assert!(
        ran.out.contains(&path) && ran.err.contains(&path),
        "{ran:#?}"
    );
    let page = canary.read("page.html");
    assert!(
        page.contains("[output] prometheus could not be written"),
        "{page}"
    );
    let json: serde_json::Value = serde_json::from_str(&canary.read("now.json")).expect("JSON");
    assert_eq!(json["level"], "unknown");
    canary.assert("status", &[], 3);
    canary.write("jobs", ILL);
    canary.assert("cycle", &[], 1);
    canary.write("jobs", WELL);
    fs::create_dir(canary.path("nosuch")).expect("a directory");
    canary.assert("cycle", &[], 0);
    canary.assert("status", &[], 0);
}

#[test]
fn a_change_of_the_rules_and_what_it_drops_are_said() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    canary.write("jobs", ILL);
    let ran = canary.assert("cycle", &[], 1);
    let head = "canary jobs: WARNING: J-01 red (1 subject); taken ";
    assert!(ran.out.starts_with(head), "{ran:#?}");
    canary.write("jobs", WELL);
    canary.write("rules.toml", &JOBS.replace("J-01", "J-02"));
    for name in ["cycle", "status"] {
        let ran = canary.assert(name, &[], 0);
        for said in [
            "canary jobs: OK: 1 red dropped with their rules, 1 held; taken ",
            "note: the rules are not those of the cycle before",
            "note: J-01 nightly (idle, major) was red for ",
        ] {
            assert!(ran.out.contains(said), "{name} {said:?}: {ran:#?}");
        }
    }
    let ran = canary.assert("cycle", &[], 0);
    assert!(!ran.out.contains("dropped"), "{ran:#?}");
}

#[test]
fn by_hand_no_cycle_is_overdue() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "[policy]\ninterval = \"1s\"\n");
    canary.assert("cycle", &[], 0);
    std::thread::sleep(Duration::from_millis(2_200));
    canary.assert("cycle", &[], 0);
    assert_eq!(canary.findings("canary.overdue"), serde_json::json!([]));
}

#[test]
fn whoever_was_not_asked_is_not_blamed() {
    let sandbox = Sandbox::new(60);
    let more = "[source.other]\nkind = \"command\"\nargv = [\"echo\"]\n\
        [facet.other]\nsource = \"other\"\neach = \"jobs\"\nargs = [\"{id}\"]\ncolumns = { n = \"int\" }\n\
        [invariant.O-01]\ntitle = \"Other\"\ntier = \"A\"\nseverity = \"major\"\nmessage = \"{subject}\"\n\
        runbook = \"Look.\"\nshape = \"row\"\nof = \"other\"\nbad = [{ kind = \"odd\", column = \"n\", equals = 0 }]\n";
    let canary = Canary::of_jobs(&sandbox, more);
    fs::remove_file(canary.path("jobs")).expect("removed");
    let ran = canary.assert("cycle", &[], 3);
    for said in [
        "canary jobs: UNKNOWN: 3 not judged (J-01, O-01, canary.blind); taken ",
        "note: the source jobs did not answer for jobs: ",
        "note: the source other was not asked: it stands on jobs",
        "none of the sources that were asked could be read: jobs",
    ] {
        assert!(ran.out.contains(said), "{said:?}: {ran:#?}");
    }
}

#[test]
fn what_is_for_others_can_be_read_by_them_and_what_is_not_cannot() {
    let sandbox = Sandbox::new(60);
    let output = "[output]\nhtml = \"page.html\"\nprometheus = \"c.prom\"\njson = \"now.json\"\n";
    let canary = Canary::of_jobs(&sandbox, output);
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "umask \"$1\"; shift; exec \"$@\" --snapshot kept.json",
            "sh",
        ])
        .arg("077")
        .arg(binaries::runward())
        .args(["canary", "cycle"])
        .arg(&canary.rules)
        .current_dir(&canary.folder);
    assert_eq!(ran(&mut command).code, 0);
    let mode = |name: &str| {
        let found = fs::metadata(canary.path(name)).expect(name);
        found.permissions().mode() & 0o777
    };
    for name in ["page.html", "c.prom", "now.json"] {
        assert_eq!(mode(name), 0o644, "{name}");
    }
    canary.assert(
        "cycle",
        &[
            "--snapshot",
            canary.path("kept.json").to_str().expect("text"),
        ],
        0,
    );
    for name in ["ledger/last.json", "ledger/rules.json", "kept.json"] {
        assert_eq!(mode(name), 0o600, "{name}");
    }
    let samples = canary.read("c.prom");
    let own = |line: &str| line.starts_with('#') || line.contains("{rules=\"jobs\"");
    assert!(samples.lines().all(own), "{samples}");
}

#[test]
fn an_alert_says_by_which_rules_it_is_and_since_when_it_was() {
    let sandbox = Sandbox::new(60);
    let sink = "[[alert]]\nkind = \"file\"\npath = \"told\"\n";
    let canary = Canary::of_jobs(&sandbox, sink);
    canary.write("jobs", ILL);
    canary.assert("cycle", &[], 1);
    canary.write("jobs", WELL);
    canary.assert("cycle", &[], 0);
    let told = canary.lines("told");
    let [opened, recovered] = told.as_slice() else {
        panic!("{told:#?}");
    };
    assert_eq!(opened["rules"], "jobs");
    assert!(
        opened["headline"]
            .as_str()
            .expect("text")
            .starts_with("[jobs] opened: J-01 ")
    );
    assert!(
        opened["instance"]
            .as_str()
            .expect("text")
            .ends_with("/rules.toml")
    );
    assert_eq!(recovered["reason"], "recovered");
    assert_eq!(recovered["since"], opened["since"]);
    assert_ne!(recovered["since"], recovered["at"]);
}

#[test]
fn a_watcher_says_once_that_rules_are_broken_and_once_that_they_are_mended() {
    let sandbox = Sandbox::new(60);
    let policy = "[policy]\ninterval = \"1s\"\nstartup = \"0s\"\nping = [\"touch\", \"pinged\"]\n";
    let canary = Canary::of_jobs(&sandbox, policy);
    let mut watcher = Watcher::start(&canary);
    watcher.says("leading");
    let whole = canary.read("rules.toml");
    for broken in ["shap = \"row\"\n", "title = 7\n"] {
        canary.write("rules.toml", &format!("{whole}{broken}"));
        let said = watcher.says("nothing is judged and nothing is pinged");
        assert!(said.contains("rules.toml:"), "{said}");
        // Time for some cycles: whatever they say is between this line and the next.
        std::thread::sleep(Duration::from_millis(2_500));
        canary.write("rules.toml", &whole);
        let between = watcher.before("cycles judge again");
        assert!(between.is_empty(), "{between:#?}");
    }
    watcher.end();
}

#[test]
fn a_ledger_belongs_to_one_rule_file_until_it_is_moved() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    canary.write("jobs", ILL);
    canary.assert("cycle", &[], 1);
    let other = Canary {
        rules: canary.path("other.toml"),
        folder: canary.folder.clone(),
        sandbox: &sandbox,
    };
    other.write(
        "other.toml",
        &JOBS
            .replace("J-01", "J-02")
            .replace("title = \"jobs\"", "title = \"others\""),
    );
    for name in ["cycle", "watch", "status", "drill"] {
        let ran = other.assert(name, &[], 3);
        for said in [
            "belongs to the rules",
            "/rules.toml (\"jobs\")",
            "[ledger] directory",
            "--adopt",
        ] {
            assert!(ran.err.contains(said), "{name} {said:?}: {ran:#?}");
        }
    }
    canary.assert("status", &[], 1);
    assert_eq!(canary.findings("J-01").as_array().map(Vec::len), Some(1));
    // Another title is the same file.
    let rules = canary
        .read("rules.toml")
        .replace("title = \"jobs\"", "title = \"work\"");
    canary.write("rules.toml", &rules);
    canary.assert("cycle", &[], 1);
    // A file that was moved takes its ledger along.
    fs::rename(&canary.rules, &other.rules).expect("moved");
    other.assert("cycle", &[], 3);
    let ran = other.assert("cycle", &["--adopt"], 1);
    assert!(ran.out.contains("J-01 red (1 subject)"), "{ran:#?}");
    other.assert("cycle", &[], 1);
    other.assert("status", &[], 1);
}

#[test]
fn a_cycle_of_some_says_which_it_judged_and_a_replay_what_it_comes_to() {
    let sandbox = Sandbox::new(60);
    let second = JOBS.split("[invariant.J-01]").nth(1).expect("an invariant");
    let canary = Canary::of_jobs(&sandbox, &format!("[invariant.J-02]{second}"));
    canary.assert("cycle", &[], 0);
    let kept = canary.path("kept.json");
    let arguments = ["--only", "J-01", "--snapshot", kept.to_str().expect("text")];
    let ran = canary.assert("cycle", &arguments, 0);
    let said = "not judged in this cycle, and as they were in one before:\nheld      J-02";
    assert!(ran.out.contains(said), "{ran:#?}");
    let ran = canary.assert("status", &[], 0);
    assert!(ran.out.contains(said), "{ran:#?}");
    let ran = canary.assert("replay", &[arguments[3]], 0);
    let head = "replay: OK: snapshots: 1, with something red: 0, with something not judged: 0\n";
    assert!(ran.out.starts_with(head), "{ran:#?}");
    canary.write("jobs", "[]");
    canary.run("cycle", &arguments[2..]);
    let ran = canary.assert("replay", &[arguments[3]], 3);
    assert!(ran.out.contains(", nothing was examined\n"), "{ran:#?}");
}
