//! Drills that show nothing look like those that passed; each is told by a reason of its own.

use std::os::unix::fs::PermissionsExt as _;

use runward_tests::Sandbox;

use super::{IDLE, Jobs, WELL, verified};

/// The reason of a drill with these commands, on jobs that are so before.
#[track_caller]
fn reason(
    before: &str,
    provoke: &dyn Fn(&Jobs<'_>) -> String,
    revert: &dyn Fn(&Jobs<'_>) -> String,
) -> String {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    jobs.are(before);
    jobs.rules(&jobs.drill("one", &provoke(&jobs), &revert(&jobs)));
    let (reason, why) = jobs.reason(2);
    assert!(!why.is_empty());
    jobs.are(before);
    jobs.run(&["one", "--evidence", "bundle"], 2);
    assert_eq!(
        verified(&sandbox, &sandbox.path("bundle"), "chosen").0,
        "refuted"
    );
    reason
}

fn mended(jobs: &Jobs<'_>) -> String {
    jobs.put(WELL)
}

fn idle(jobs: &Jobs<'_>) -> String {
    jobs.put(IDLE)
}

#[test]
fn red_before_anything_was_provoked() {
    assert_eq!(reason(IDLE, &idle, &mended), "red-before");
    let other = WELL.replace("\"weekly\",\"workers\":2", "\"weekly\",\"workers\":0");
    assert_eq!(reason(&other, &idle, &mended), "red-before");
}

#[test]
fn dark_before_anything_was_provoked() {
    assert_eq!(reason("garbage", &idle, &mended), "unjudged-before");
}

#[test]
fn never_red() {
    assert_eq!(reason(WELL, &|_| "[\"true\"]".into(), &mended), "not-red");
    // An outage is no red.
    assert_eq!(
        reason(WELL, &|jobs| jobs.put("garbage"), &mended),
        "not-red"
    );
}

#[test]
fn red_for_another_reason() {
    let crowded = |jobs: &Jobs<'_>| jobs.put(&WELL.replacen('2', "9", 1));
    assert_eq!(reason(WELL, &crowded, &mended), "red-otherwise");
    let weekly = |jobs: &Jobs<'_>| {
        jobs.put(&WELL.replace("\"weekly\",\"workers\":2", "\"weekly\",\"workers\":0"))
    };
    assert_eq!(reason(WELL, &weekly, &mended), "red-otherwise");
    let both = |jobs: &Jobs<'_>| jobs.put(&WELL.replace('2', "0"));
    assert_eq!(reason(WELL, &both, &mended), "red-otherwise");
    let negative = |jobs: &Jobs<'_>| jobs.put(&WELL.replacen('2', "0", 1).replacen('2', "-1", 1));
    assert_eq!(reason(WELL, &negative, &mended), "also-red");
}

#[test]
fn green_again_without_the_revert() {
    // Red in the first look at it, and well in the next.
    let brief = |jobs: &Jobs<'_>| {
        let once = format!("echo '{IDLE}' > {}.once", jobs.jobs.display());
        jobs.shell(&once)
    };
    assert_eq!(reason(WELL, &brief, &mended), "green-by-itself");
}

#[test]
fn not_seen_again_before_the_revert() {
    // Red in the first look at it; in the next the source is dark, or the one subject.
    let subject = WELL.replacen("2", "\"many\"", 1);
    for dark in ["garbage", &subject] {
        let blind = |jobs: &Jobs<'_>| {
            let path = jobs.jobs.display();
            jobs.shell(&format!(
                "echo '{IDLE}' > {path}.once; echo '{dark}' > {path}"
            ))
        };
        assert_eq!(reason(WELL, &blind, &mended), "unjudged-before-revert");
    }
}

#[test]
fn what_is_judged_once_after_an_event_stands_until_the_next() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    let starts = sandbox.path("starts");
    std::fs::write(&starts, r#"[{"id":"a","born":"2020-01-01T00:00:00Z"}]"#).expect("starts");
    let after = |start: &str, text: &str| {
        let row = format!(r#"[{{\"id\":\"{start}\",\"born\":\"$(date -u +%FT%TZ)\"}}]"#);
        let (starts, path) = (starts.display(), jobs.jobs.display());
        jobs.shell(&format!(
            "echo \"{row}\" > {starts}; echo '{text}' > {path}"
        ))
    };
    let drill = jobs.drill(
        "one",
        &after("b", &WELL.replacen('2', "7", 1)),
        &after("c", WELL),
    );
    let drill = drill
        .replace("J-01", "J-03")
        .replace("\"idle\"", "\"spare\"");
    jobs.rules(&format!(
        r#"[facet.starts]
source = "jobs"
args = [{starts:?}]
id = "id"
born = "born"
[invariant.J-03]
title = "After a start no job has spare workers"
tier = "B"
severity = "minor"
message = "{{subject}} has spare workers"
runbook = "Look at the pool."
shape = "row"
of = "jobs"
when = {{ after = "starts", delay = "1ms", within = "1h" }}
bad = [{{ kind = "spare", column = "workers", equals = 7 }}]
{drill}"#
    ));
    jobs.run(&["one", "--evidence", "bundle"], 0);
    let steps = std::fs::read_to_string(sandbox.path("bundle/steps.jsonl")).expect("steps");
    let mut steps = steps.lines().map(super::json);
    let still = steps.find(|step| step["step"] == "still");
    let still = still.expect("a look before the revert");
    assert_eq!(still["named"]["outcome"], "not-due");
    assert_eq!(still["found"]["earlier"], true);
    assert_eq!(
        verified(&sandbox, &sandbox.path("bundle"), "chosen").0,
        "proven"
    );
}

#[test]
fn not_mended() {
    assert_eq!(reason(WELL, &idle, &|_| "[\"true\"]".into()), "not-green");
}

#[test]
fn removed_instead_of_mended() {
    let removed = |jobs: &Jobs<'_>| jobs.put(r#"[{"name":"weekly","workers":2}]"#);
    assert_eq!(reason(WELL, &idle, &removed), "gone");
}

#[test]
fn what_was_not_there_before_may_be_gone_again() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    let without = r#"[{"name":"weekly","workers":2}]"#;
    jobs.are(without);
    jobs.rules(&jobs.drill("one", &jobs.put(IDLE), &jobs.put(without)));
    let ended = jobs.run(&["one", "--evidence", "bundle"], 0);
    assert!(ended.stderr.contains("gone as before"), "{}", ended.stderr);
    assert_eq!(
        verified(&sandbox, &sandbox.path("bundle"), "chosen").0,
        "proven"
    );
}

#[test]
fn a_command_that_fails_is_heard() {
    let loud =
        |jobs: &Jobs<'_>| jobs.shell("for n in 1 2 3 4 5 6 7; do echo line $n >&2; done; exit 7");
    assert_eq!(reason(WELL, &loud, &mended), "provoke-failed");
    assert_eq!(
        reason(WELL, &|_| "[\"/nowhere/at/all\"]".into(), &mended),
        "provoke-failed"
    );
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    jobs.rules(&jobs.drill("one", &loud(&jobs), &mended(&jobs)));
    let (_, why) = jobs.reason(2);
    assert!(
        why.contains("exit 7: line 3 | line 4 | line 5 | line 6 | line 7"),
        "{why}"
    );
    assert!(jobs.is_well());
}

#[test]
fn what_commands_say_is_masked_and_the_bundle_is_private() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    let token = "sk-abcdefghij0123456789XYZ";
    let loud = |text: &str, end: &str| {
        let path = jobs.jobs.display();
        jobs.shell(&format!(
            "echo token {token} >&2; echo '{text}' > {path}; {end}"
        ))
    };
    // Of a word that is kept in part, nobody knows that it is one.
    let long = jobs.shell(&format!(
        "printf %s%04080d {token} 7 >&2; echo '{WELL}' > {}",
        jobs.jobs.display()
    ));
    let cases = [
        (loud(IDLE, ":"), loud(WELL, ":"), 0),
        (loud(IDLE, "exit 7"), loud(WELL, ":"), 2),
        (loud(IDLE, ":"), long, 0),
    ];
    for (nth, (provoke, revert, code)) in cases.into_iter().enumerate() {
        jobs.rules(&jobs.drill("one", &provoke, &revert));
        let name = format!("bundle-{nth}");
        let ended = jobs.run(&["one", "--json", "--evidence", &name], code);
        assert!(
            !ended.stdout.contains("ghij0123") && !ended.stderr.contains("ghij0123"),
            "{}{}",
            ended.stdout,
            ended.stderr
        );
        let files = std::fs::read_dir(sandbox.path(&name)).expect("a bundle");
        for file in files.flatten() {
            let mode = file.metadata().expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", file.path());
            let text = std::fs::read_to_string(file.path()).expect("text");
            let said = text.lines().filter_map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).ok()?;
                let mut said = [&line["said"], &line["why"]].into_iter();
                Some(said.find_map(|one| one.as_str())?.to_owned())
            });
            for said in said {
                assert!(!said.contains("0123456789X"), "{said}");
                assert!(
                    !said.contains("token") || said.contains("sk-masked"),
                    "{said}"
                );
            }
        }
    }
}

#[test]
fn a_command_that_hangs_is_killed_with_all_that_it_started() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    let hangs = jobs.shell(&format!(
        "sh -c \"sleep 1000; :\" {0} & sh -c \"sleep 1000; :\" {0}",
        sandbox.token()
    ));
    let drill = jobs.drill("one", &hangs, &jobs.put(WELL));
    jobs.rules(&drill.replace("limit = \"20s\"", "limit = \"300ms\""));
    let (reason, why) = jobs.reason(2);
    assert_eq!(reason, "provoke-failed");
    assert!(why.contains("killed after 300ms"), "{why}");
    sandbox.assert_no_survivors();
}

#[test]
fn after_a_revert_that_failed_nothing_else_is_broken_and_it_is_owed() {
    let sandbox = Sandbox::new(60);
    let jobs = Jobs::new(&sandbox);
    let fails = jobs.shell(&format!(
        "test -e {} && echo '{WELL}' > {}",
        sandbox.path("mendable").display(),
        jobs.jobs.display()
    ));
    let one = jobs.drill("one", &jobs.put(IDLE), &fails);
    jobs.rules(&format!("{one}{}", jobs.good("two")));
    let ended = jobs.run(&["J-01", "--json", "--evidence", "bundle"], 2);
    let drills = super::json(&ended.stdout)["drills"].clone();
    assert_eq!(
        (&drills[0]["reason"], &drills[1]["reason"]),
        (&"revert-failed".into(), &"not-run".into())
    );
    assert_eq!(
        verified(&sandbox, &sandbox.path("bundle"), "chosen").0,
        "refuted"
    );
    assert!(jobs.owes() && !jobs.is_well());
    let listed = jobs.run(&["--list", "--json"], 0);
    assert_eq!(super::json(&listed.stdout)["owed"]["drill"], "one");
    let ended = jobs.run(&["two"], 3);
    assert!(ended.stderr.contains("still owed"), "{}", ended.stderr);
    std::fs::write(sandbox.path("mendable"), "").expect("a file");
    jobs.run(&["--mend"], 0);
    assert!(!jobs.owes() && jobs.is_well());
}
