//! From a run to a signed verdict and back, by the command line alone.
use crate::harness::{Sandbox, Seen};

const SPEC: &str = r#"
schema = 1
id = "load"
[params]
least = { type = "u64", default = 2, min = 1, max = 9 }
[files]
unread = "allow"
why = "of a test"
[[artifact]]
id = "out"
file = "out.json"
kind = "json"
[[rule]]
id = "tried"
check = "cmp"
left = { at = "out:/tried", type = "u64" }
op = ">="
right = { param = "least" }
"#;

/// A sandbox with a spec, a key and the bundle of a run that tried twice.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("s.toml", SPEC);
    let key = sandbox.run(&["attest", "--new-key", "ci.key"]);
    assert_eq!((key.code, key.stderr.as_str()), (Some(0), ""), "{key:?}");
    sandbox.write("ci.pub", &key.stdout);
    let ran = sealed(&sandbox, &["--spec", "s.toml"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    sandbox
}

fn sealed(sandbox: &Sandbox, options: &[&str]) -> Seen {
    let script = "echo '{\"tried\":2}' >$RUNWARD_EVIDENCE_DIR/out.json";
    let program = ["--", "sh", "-c", script];
    let all = [&["run", "--evidence", "bundle"], options, &program].concat();
    sandbox.run(&all)
}

fn verify(sandbox: &Sandbox, more: &[&str]) -> Seen {
    let signed = [
        "verify",
        "s.toml",
        "bundle",
        "--attested",
        "dsse.json",
        "--key",
        "ci.pub",
    ];
    sandbox.run(&[&signed, more].concat())
}

#[test]
fn a_run_is_attested_and_held_against_that() {
    let sandbox = sandbox();
    let attested = sandbox.run(&["attest", "s.toml", "bundle", "--key", "ci.key"]);
    assert_eq!((attested.code, attested.stderr.as_str()), (Some(0), ""));
    sandbox.write("dsse.json", &attested.stdout);
    let verified = verify(&sandbox, &["--format", "tap"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.stdout.contains("bundle.attested"), "{verified:?}");
    let other = verify(&sandbox, &["--param", "least=1"]);
    assert_eq!(other.code, Some(1), "{other:?}");
    assert!(other.stdout.contains("other_spec"), "{other:?}");
    sandbox.write("bundle/out.json", "{\"tried\":3}");
    let changed = verify(&sandbox, &[]);
    assert_eq!(changed.code, Some(1), "{changed:?}");
    assert!(changed.stdout.contains("other_digest"), "{changed:?}");
    let red = sandbox.run(&["attest", "s.toml", "bundle", "--key", "ci.key"]);
    assert_eq!(red.code, Some(1));
    assert!(red.stderr.contains("refuted"), "{red:?}");
}

#[test]
fn a_signer_is_words_and_no_shell() {
    let sandbox = sandbox();
    let signed = |signer: &str| {
        let args = ["attest", "s.toml", "bundle", "--signer", signer];
        sandbox.run(&args)
    };
    let echoed = signed("printf '%s' 'a b;$HOME'");
    assert_eq!(echoed.code, Some(0), "{echoed:?}");
    let envelope: serde_json::Value = serde_json::from_str(&echoed.stdout).unwrap();
    assert_eq!(envelope["signatures"][0]["sig"], "YSBiOyRIT01F");
    let failed = signed("false");
    assert_eq!((failed.code, failed.stdout.as_str()), (Some(70), ""));
    assert!(failed.stderr.contains("`false`"), "{failed:?}");
    assert_eq!(signed("'open").code, Some(64));
}

#[test]
fn what_does_not_go_together_is_usage() {
    let sandbox = Sandbox::new();
    for args in [
        &["attest"][..],
        &["attest", "s.toml", "bundle"],
        &["attest", "s.toml", "--key", "k"],
        &[
            "attest", "s.toml", "bundle", "--key", "k", "--signer", "cat",
        ],
        &["attest", "s.toml", "bundle", "--new-key", "k"],
        &["verify", "s.toml", "bundle", "--attested", "e"],
        &["verify", "s.toml", "bundle", "--key", "k"],
    ] {
        let seen = sandbox.run(args);
        assert_eq!(seen.code, Some(64), "{seen:?}");
        assert!(sandbox.names().is_empty(), "{args:?}");
    }
}

#[test]
fn a_parameter_reaches_the_spec_of_a_run() {
    let sandbox = Sandbox::new();
    sandbox.write("s.toml", SPEC);
    let enough = sealed(&sandbox, &["--spec", "s.toml", "--param", "least=1"]);
    assert_eq!(enough.code, Some(0), "{enough:?}");
    std::fs::remove_dir_all(sandbox.path().join("bundle")).unwrap();
    let more = sealed(&sandbox, &["--spec", "s.toml", "--param", "least=3"]);
    assert_eq!(more.code, Some(121), "{more:?}");
    let options = ["--evidence", "b", "--spec", "s.toml", "--param", "least=3"];
    let plan = sandbox.plan(&options, &[]);
    assert_eq!(plan["evidence"]["params"]["least"], "3");
}

#[test]
fn a_parameter_that_the_spec_does_not_take_is_refused_before_the_start() {
    let sandbox = Sandbox::new();
    sandbox.write("s.toml", SPEC);
    for (param, why) in [
        ("least=0", "at least 1"),
        ("least=10", "at most 9"),
        ("least=x", "least"),
        ("lest=1", "`least`"),
    ] {
        let seen = sealed(&sandbox, &["--spec", "s.toml", "--param", param]);
        assert_eq!(seen.code, Some(125), "{seen:?}");
        assert!(seen.stderr.contains(why), "{seen:?}");
        assert!(!sandbox.names().contains(&"bundle".to_owned()));
    }
    let alone = sealed(&sandbox, &["--param", "least=1"]);
    assert_eq!(alone.code, Some(125), "{alone:?}");
    assert!(alone.stderr.contains("--spec"), "{alone:?}");
    let shapeless = sealed(&sandbox, &["--spec", "s.toml", "--param", "least"]);
    assert_eq!(shapeless.code, Some(125), "{shapeless:?}");
}
