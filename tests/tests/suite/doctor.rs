//! What `runward doctor` says of this host is what the tests of the matrix see.

use std::process::Command;

use runward_tests::servers::AS_NOBODY;
use runward_tests::skip::is_root;
use runward_tests::{Sandbox, binaries, need};
use serde_json::Value;

use crate::expected::CONTAINMENTS;

fn doctor(via: &[&str]) -> Value {
    let sandbox = Sandbox::new(20);
    let mut words: Vec<std::ffi::OsString> = via.iter().map(Into::into).collect();
    words.extend([binaries::runward().into(), "doctor".into(), "--json".into()]);
    let output = Command::new(&words[0])
        .args(&words[1..])
        .current_dir(sandbox.root())
        .output()
        .expect("runward starts");
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[test]
fn it_names_each_containment_from_strong_to_weak() {
    let answer = doctor(&[]);
    let found: Vec<&str> = answer["containments"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| text(one, "name"))
        .collect();
    let expected: Vec<&str> = CONTAINMENTS.iter().map(|one| one.name).collect();
    assert_eq!(found, expected);
}

#[test]
fn it_says_what_the_matrix_sees() {
    let answer = doctor(&[]);
    for (said, expected) in answer["containments"]
        .as_array()
        .expect("a list")
        .iter()
        .zip(&CONTAINMENTS)
    {
        let guarantees = text(said, "guarantees");
        assert_eq!(
            said["available"].as_bool(),
            Some(expected.missing().is_none()),
            "{said}"
        );
        assert_eq!(
            guarantees.contains("nobody escapes"),
            expected.escapes.is_empty(),
            "{said}"
        );
        if !expected.escapes.is_empty() {
            assert!(
                guarantees.contains("setsid") && guarantees.contains("setpgid"),
                "{said}"
            );
        }
        if expected.escapes.is_empty() {
            assert_eq!(
                guarantees.contains("not found again"),
                !expected.found_again,
                "{said}"
            );
        }
    }
}

#[test]
fn automatic_is_what_a_run_gets() {
    let sandbox = Sandbox::new(20);
    let record = sandbox.run().shell("exit 0").finish().record();
    assert_eq!(
        record.containment.as_deref(),
        doctor(&[])["automatic"].as_str()
    );
}

#[test]
fn it_tells_an_ordinary_user_what_is_missing() {
    need!(
        "it_tells_an_ordinary_user_what_is_missing",
        is_root(),
        "needs root, to become an ordinary user"
    );
    let answer = doctor(&AS_NOBODY);
    let cgroup = &answer["containments"][0];
    assert_eq!(cgroup["available"].as_bool(), Some(false));
    assert!(!text(cgroup, "refused").is_empty());
    assert_eq!(text(&answer, "automatic"), "subreaper");
}
