//! Who is told: sinks that hang, refuse or do not carry it, and what comes and goes.

use std::fs;
use std::io;
use std::process::Stdio;
use std::time::{Duration, Instant};

use runward_tests::Sandbox;
use runward_tests::places::Tmpfs;
use runward_tests::skip::is_root;

use crate::canary_kit::{Canary, Hook, ILL, JOBS, WELL};

#[test]
fn sinks_that_hang_are_ended_and_the_others_are_told() {
    let sandbox = Sandbox::new(60);
    let hook = Hook::start(None);
    let sinks = format!(
        r#"
[[alert]]
kind = "command"
argv = ["sleep", "60"]
timeout = "300ms"
[[alert]]
kind = "webhook"
url = "{}"
timeout = "300ms"
[[alert]]
kind = "file"
path = "alerts"
[[alert]]
kind = "stderr"
"#,
        hook.url()
    );
    let canary = Canary::of_jobs(&sandbox, &sinks);
    canary.write("jobs", ILL);
    let begun = Instant::now();
    let ran = canary.assert("cycle", &[], 1);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(ran.err.contains("nightly has no worker"), "{ran:#?}");
    assert_eq!(canary.reasons("alerts"), ["opened"]);
    assert_eq!(hook.posts().len(), 1);
    hook.answer(200);
    let ran = canary.assert("cycle", &[], 1);
    assert_eq!(hook.posts().len(), 2, "it is tried again");
    assert_eq!(hook.posts()[0], hook.posts()[1]);
    let said = "warning: alerts do not arrive at command: 1 waiting; timeout: ";
    assert!(ran.out.contains(said), "{ran:#?}");
    assert_eq!(
        canary.reasons("alerts"),
        ["opened"],
        "who knows is not told again"
    );
    let waiting = &canary.status()["alerts"]["waiting"];
    assert_eq!(
        (&waiting[0]["sink"], &waiting[0]["attempts"]),
        (&"command".into(), &2.into())
    );
    sandbox.assert_no_survivors();
}

#[test]
fn a_webhook_that_refuses_is_tried_within_bounds_and_its_address_is_never_said() {
    let sandbox = Sandbox::new(60);
    let hook = Hook::start(Some(500));
    let more = format!(
        "[[alert]]\nkind = \"webhook\"\nurl = \"{}\"\n[output]\nhtml = \"page.html\"\njson = \"page.json\"\nprometheus = \"page.prom\"\n",
        hook.url()
    );
    let canary = Canary::of_jobs(&sandbox, &more);
    // Three hundred cycles, which on a disk would wait for it most of the time.
    let _memory = is_root().then(|| Tmpfs::mount(&canary.path("ledger"), 4096));
    canary.write("jobs", ILL);
    let mut said = String::new();
    for status in [500, 403, 302, 404] {
        hook.answer(status);
        let ran = canary.assert("cycle", &[], 1);
        assert!(
            ran.err.contains(&format!("it answered {status}")),
            "{ran:#?}"
        );
        let waiting = canary.status()["alerts"]["waiting"][0].clone();
        let error = waiting["error"].to_string();
        assert!(error.contains(&status.to_string()), "{error}");
        said += &format!("{}{}{waiting}", ran.err, ran.out);
    }
    let mut cycles = 4;
    let given_up = loop {
        let ran = canary.run("cycle", &["--only", "J-01"]);
        cycles += 1;
        if ran.code == 3 || cycles > 320 {
            break ran;
        }
    };
    assert!(
        given_up.err.contains("never arrived at webhook"),
        "{given_up:#?}"
    );
    assert_eq!((cycles, hook.posts().len()), (301, 300));
    let status = canary.status();
    assert_eq!(status["alerts"]["dropped"], 1);
    assert_eq!(
        status["level"], "unknown",
        "an alert that nobody got is loud"
    );
    for name in [
        "page.html",
        "page.json",
        "page.prom",
        "ledger/state.json",
        "ledger/last.json",
    ] {
        said += &canary.read(name);
    }
    assert!(!said.contains("S3CRET"), "the address is a secret");
}

#[test]
fn what_a_sink_does_not_carry_is_not_sent_there() {
    let sandbox = Sandbox::new(60);
    let sink = |minimum: &str| {
        format!("[[alert]]\nkind = \"file\"\nminimum = \"{minimum}\"\npath = \"{minimum}\"\n")
    };
    let sinks = ["minor", "major", "critical"].map(sink).concat();
    let canary = Canary::of_jobs(&sandbox, &sinks);
    canary.write("jobs", ILL);
    canary.assert("cycle", &[], 1);
    assert_eq!(canary.reasons("minor"), ["opened"]);
    assert_eq!(canary.reasons("major"), ["opened"]);
    assert_eq!(canary.read("critical"), "");
    assert_eq!(canary.status()["alerts"]["pending"], 0);
}

#[test]
fn what_comes_and_goes_is_told_once() {
    let sandbox = Sandbox::new(60);
    let more = "[policy]\nflap = 2\n[[alert]]\nkind = \"file\"\npath = \"alerts\"\n";
    let canary = Canary::of_jobs(&sandbox, more);
    for _ in 0..5 {
        for (jobs, code) in [(ILL, 1), (WELL, 0)] {
            canary.write("jobs", jobs);
            canary.assert("cycle", &[], code);
        }
    }
    let told = ["opened", "recovered", "opened", "recovered", "flapping"];
    assert_eq!(canary.reasons("alerts"), told);
    let refused = canary
        .read("rules.toml")
        .replace("flap = 2", "flap = 2\nflap_window = \"5m\"");
    canary.write("rules.toml", &refused);
    let ran = canary.assert("check", &[], 3);
    assert!(ran.err.contains("can never be exceeded"), "{ran:#?}");
}

#[test]
fn whoever_is_not_told_in_one_cycle_is_told_in_the_next() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "[[alert]]\nkind = \"file\"\npath = \"alerts\"\n");
    canary.write("jobs", ILL);
    canary.assert("cycle", &["--no-alerts"], 1);
    assert_eq!(canary.read("alerts"), "");
    canary.assert("cycle", &[], 1);
    assert_eq!(canary.reasons("alerts"), ["opened"]);
    canary.write("jobs", WELL);
    canary.assert("cycle", &["--no-alerts"], 0);
    canary.assert("cycle", &[], 0);
    assert_eq!(canary.reasons("alerts"), ["opened", "recovered"]);
}

#[test]
fn a_stderr_that_nobody_reads_holds_up_no_cycle() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "[[alert]]\nkind = \"stderr\"\n");
    canary.write("jobs", ILL);
    let (_unread, mut full) = io::pipe().expect("a pipe");
    io::Write::write_all(&mut full, &[b'.'; 1 << 16]).expect("as much as it holds");
    let mut cycle = canary.command("cycle");
    let status = cycle.stdout(Stdio::null()).stderr(full).status();
    assert_eq!(status.expect("it runs").code(), Some(1));
}

#[test]
fn what_waits_for_a_place_with_a_name_waits_for_that_one() {
    let sandbox = Sandbox::new(60);
    let first = "[[alert]]\nkind = \"file\"\npath = \"first\"\n";
    let second = "[[alert]]\nkind = \"file\"\nname = \"ops\"\npath = \"missing/second\"\n";
    let canary = Canary::of_jobs(&sandbox, &format!("{first}{second}"));
    canary.write("jobs", ILL);
    canary.run("cycle", &[]);
    assert_eq!(canary.reasons("first"), ["opened"]);
    fs::create_dir(canary.path("missing")).expect("a directory");
    canary.write("rules.toml", &format!("{JOBS}{second}"));
    canary.run("cycle", &[]);
    assert_eq!(canary.reasons("missing/second"), ["opened"]);
    canary.write("jobs", WELL);
    fs::remove_dir_all(canary.path("missing")).expect("removed");
    canary.run("cycle", &[]);
    canary.write("rules.toml", &format!("{JOBS}{first}"));
    let lost = canary.run("cycle", &[]);
    assert!(
        lost.err.contains("is for ops, which the rules do not have"),
        "{lost:?}"
    );
}
