//! `locks` and `doctor`.
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::Sandbox;

fn report(sandbox: &Sandbox, command: &str) -> Value {
    let seen = sandbox.run(&[command, "--json"]);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    serde_json::from_str(&seen.stdout).unwrap()
}

#[test]
fn looking_creates_nothing() {
    let sandbox = Sandbox::new();
    assert_eq!(report(&sandbox, "locks")["locks"], json!([]));
    assert_eq!(sandbox.run(&["locks"]).code, Some(0));
    report(&sandbox, "doctor");
    assert!(sandbox.names().is_empty(), "{:?}", sandbox.names());
}

#[test]
fn a_lock_is_shown_with_its_holder() {
    let sandbox = Sandbox::new();
    let held = sandbox.start(&[
        "run",
        "--app",
        "web",
        "--run-id",
        "first",
        "--",
        "sh",
        "-c",
        "echo ready; exec sleep 600",
    ]);
    let lock = &report(&sandbox, "locks")["locks"][0];
    assert_eq!(
        (&lock["name"], &lock["state"], &lock["run_id"]),
        (&json!("web"), &json!("held"), &json!("first"))
    );
    assert!(
        lock["what"].as_str().unwrap().starts_with("sh -c"),
        "{lock}"
    );
    let text = sandbox.run(&["locks"]).stdout;
    assert!(text.starts_with("web: held, run first, since "), "{text}");
    held.signal(Signal::TERM);
    held.end();
    assert_eq!(report(&sandbox, "locks")["locks"][0]["state"], "free");
}

#[test]
fn the_doctor_names_every_containment_and_every_place() {
    let found = report(&Sandbox::new(), "doctor");
    let names: Vec<&str> = found["containments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["cgroup", "pidns", "subreaper", "group"]);
    assert!(names.contains(&found["automatic"].as_str().unwrap()));
    assert_eq!(found["places"].as_array().unwrap().len(), 2);
}

#[test]
fn the_doctor_says_what_is_wrong_with_a_place() {
    let sandbox = Sandbox::new();
    std::os::unix::fs::symlink("/tmp", sandbox.path().join("home")).unwrap();
    let home = &report(&sandbox, "doctor")["places"][1];
    assert_eq!(home["usable"], false);
    assert!(
        home["problem"].as_str().unwrap().contains("--home"),
        "{home}"
    );
}
