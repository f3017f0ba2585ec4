//! The commands as a program calls them: paths in, text and exit code out.

use std::fs;
use std::path::PathBuf;

use runward_evidence::command::{run_explain, run_lint, run_prove, run_verify};
use runward_evidence::{Format, Terms};

use crate::harness::rule;

struct Files {
    _root: tempfile::TempDir,
    spec: PathBuf,
    bundle: PathBuf,
}

const KEYS: &str = "check = 'cmp'\nleft = { at = 'a:/n', type = 'u64' }\nop = '>='\nright = { param = 'least' }\nwhy = 'somebody must have come'";

impl Files {
    fn new(a: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let (spec, bundle) = (root.path().join("s.toml"), root.path().join("bundle"));
        let params = "[params]\nleast = { type = 'u64', default = 2, min = 1 }\n";
        fs::write(&spec, rule(KEYS) + params).unwrap();
        fs::create_dir(&bundle).unwrap();
        for (name, text) in [("a.json", a), ("b.json", "0"), ("t.txt", "x")] {
            fs::write(bundle.join(name), text).unwrap();
        }
        let _root = root;
        Self {
            _root,
            spec,
            bundle,
        }
    }

    fn verify(&self, params: &[(&str, &str)]) -> runward_evidence::command::Answer {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let params: Vec<_> = params.iter().map(owned).collect();
        run_verify(
            &self.spec,
            &self.bundle,
            &params,
            Format::Json,
            &Terms::new(),
        )
    }
}

#[test]
fn the_exit_code_tells_the_verdict() {
    assert_eq!(Files::new(r#"{"n":2}"#).verify(&[]).code(), 0);
    assert_eq!(Files::new(r#"{"n":1}"#).verify(&[]).code(), 1);
    assert_eq!(Files::new("{").verify(&[]).code(), 2);
    let vacuous = Files::new("{}");
    fs::write(
        &vacuous.spec,
        rule("check = 'each_typed'\nat = 'a:/*'\ntype = 'u64'"),
    )
    .unwrap();
    assert_eq!(vacuous.verify(&[]).code(), 3);
}

#[test]
fn wrong_usage_is_64_and_a_bad_spec_is_65() {
    let files = Files::new(r#"{"n":1}"#);
    assert_eq!(files.verify(&[("least", "1")]).code(), 0);
    let beyond = files.verify(&[("least", "0")]);
    assert_eq!(beyond.code(), 64);
    assert!(
        beyond.complaint().unwrap().contains("at least 1"),
        "{beyond:?}"
    );
    assert!(
        files
            .verify(&[("lest", "1")])
            .complaint()
            .unwrap()
            .contains("`least`")
    );
    let twice = files.verify(&[("least", "9"), ("least", "1")]);
    assert_eq!(twice.code(), 64);
    assert!(twice.complaint().unwrap().contains("twice"), "{twice:?}");
    fs::remove_dir_all(&files.bundle).unwrap();
    assert_eq!(files.verify(&[]).code(), 64);
    fs::write(&files.spec, "schema = 1").unwrap();
    let bad = files.verify(&[]);
    assert_eq!((bad.code(), bad.text()), (65, ""));
    fs::remove_file(&files.spec).unwrap();
    assert_eq!(files.verify(&[]).code(), 64);
}

#[test]
fn explain_says_what_is_read_and_why() {
    let files = Files::new(r#"{"n":2}"#);
    let answer = run_explain(&files.spec, "r", &[]);
    assert_eq!(answer.code(), 0);
    for part in [
        "r (cmp)",
        "a:/n >= 2",
        "somebody must have come",
        "a.json (a)",
        "parse.a",
        "least = 2 (u64, at least 1)",
    ] {
        assert!(answer.text().contains(part), "{part}: {}", answer.text());
    }
    assert_eq!(run_explain(&files.spec, "q", &[]).code(), 64);
}

#[test]
fn the_rules_of_every_bundle_are_explained_too() {
    let files = Files::new("{}");
    for (rule, part) in [
        ("bundle.sealed", "manifest.json"),
        ("bundle.attested", "--attested"),
        ("unread", "[files]"),
    ] {
        let answer = run_explain(&files.spec, rule, &[]);
        assert_eq!(answer.code(), 0, "{answer:?}");
        assert!(
            answer
                .text()
                .starts_with(&format!("{rule} (of every bundle)\n  demands ")),
            "{answer:?}"
        );
        assert!(answer.text().contains(part), "{answer:?}");
    }
    let typo = run_explain(&files.spec, "bundle.seled", &[]);
    assert!(
        typo.complaint().unwrap().contains("`bundle.sealed`"),
        "{typo:?}"
    );
}

#[test]
fn prove_and_lint_end_with_1_when_a_rule_is_no_use() {
    let files = Files::new(r#"{"n":2}"#);
    let proven = run_prove(&files.spec, &files.bundle, &[], &Terms::new());
    assert_eq!(proven.code(), 0, "{proven:?}");
    assert!(
        proven.text().ends_with("7 of 7 rules were tripped alone\n"),
        "{}",
        proven.text()
    );
    let pinned = rule(KEYS)
        + "[[rule]]\nid = 'p'\ncheck = 'eq'\nat = 'a:/n'\nvalue = 2\n[params]\nleast = { type = 'u64', default = 2 }\n";
    fs::write(&files.spec, pinned).unwrap();
    let entangled = run_prove(&files.spec, &files.bundle, &[], &Terms::new());
    assert_eq!(entangled.code(), 1);
    assert!(
        entangled.text().contains("entangled: r (p)"),
        "{}",
        entangled.text()
    );
    // No rule looks into two of the three artifacts.
    assert_eq!(run_lint(&files.spec, &[]).code(), 1);
    fs::write(files.bundle.join("a.json"), "{}").unwrap();
    assert_eq!(
        run_prove(&files.spec, &files.bundle, &[], &Terms::new()).code(),
        64
    );
}
