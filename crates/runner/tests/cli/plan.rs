use serde_json::json;

use crate::harness::Sandbox;

#[test]
fn a_dry_run_prints_the_plan_and_touches_nothing() {
    let sandbox = Sandbox::new();
    let options = [
        "--app",
        "web",
        "--teardown",
        "touch torn",
        "--result",
        "r.json",
        "--events",
        "e.jsonl",
    ];
    let plan = sandbox.plan(&options, &[]);
    assert_eq!(plan["schema"], 1);
    assert_eq!(plan["argv"], json!(["true"]));
    assert_eq!(plan["teardowns"], json!([["touch", "torn"]]));
    assert_eq!(plan["result"], json!(sandbox.path().join("r.json")));
    assert!(sandbox.names().is_empty(), "{:?}", sandbox.names());
}

#[test]
fn defaults_are_those_of_the_contract() {
    let plan = Sandbox::new().plan(&[], &[]);
    assert_eq!(plan["apps"], json!([]));
    for (name, value) in [
        ("wait_ms", json!(null)),
        ("deadline_ms", json!(null)),
        ("grace_ms", json!(10_000)),
        ("teardown_deadline_ms", json!(60_000)),
        ("leaks", json!("warn")),
        ("containment", json!("auto")),
        ("require", json!(null)),
    ] {
        assert_eq!(plan[name], value, "{name}");
    }
}

#[test]
fn apps_are_taken_in_sorted_order_and_once() {
    let plan = Sandbox::new().plan(&["--app", "b", "--app", "a", "--app", "b"], &[]);
    assert_eq!(plan["apps"], json!(["a", "b"]));
    assert_eq!(plan["app"], "b");
}

#[test]
fn hostile_app_names_are_refused_with_what_is_allowed() {
    let sandbox = Sandbox::new();
    let long = "a".repeat(300);
    for name in [
        "a/b", "..", "../x", ".", "....", "", "a\nb", &long, "-x", "a b",
    ] {
        let seen = sandbox.run(&["run", &format!("--app={name}"), "--dry-run", "--", "true"]);
        seen.refused("allowed are letters");
    }
    assert!(sandbox.names().is_empty());
}

#[test]
fn a_hostile_run_id_is_refused() {
    let seen = Sandbox::new().run(&["run", "--run-id", "../../x", "--dry-run", "--", "true"]);
    seen.refused("allowed are letters");
}

#[test]
fn places_below_the_workspace_are_refused_with_the_remedy() {
    let sandbox = Sandbox::new();
    let env = [("DRONE_WORKSPACE", sandbox.path().to_str().unwrap())];
    sandbox
        .run_with(&["run", "--dry-run", "--", "true"], &env)
        .refused("--lock-dir");
}

#[test]
fn bad_durations_are_named_with_the_remedy() {
    let sandbox = Sandbox::new();
    for (text, remedy) in [
        ("10 parsecs", "units are"),
        ("soon", "write 90s"),
        ("-5", "write 90s"),
        ("", "write 90s"),
    ] {
        let seen = sandbox.run(&["run", &format!("--wait={text}"), "--", "true"]);
        seen.refused(remedy);
        assert!(seen.stderr.contains("--wait"), "{seen:?}");
    }
    sandbox
        .run(&["run", "--deadline", "0", "--", "true"])
        .refused("leaves no time");
}

#[test]
fn options_that_are_not_offered_are_not_taken() {
    let sandbox = Sandbox::new();
    let seen = sandbox.run(&["run", "--scenario=f", "--dry-run", "--", "true"]);
    seen.refused("unexpected argument");
    sandbox.run(&["run"]).refused("PROGRAM");
}

#[test]
fn contradictions_are_refused() {
    let args = [
        "run",
        "--containment",
        "group",
        "--require",
        "cgroup",
        "--",
        "true",
    ];
    Sandbox::new().run(&args).refused("weaker");
}

const GITLAB: [(&str, &str); 2] = [("GITLAB_CI", "true"), ("CI_JOB_TIMEOUT", "3600")];

#[test]
fn the_limit_of_the_job_leaves_time_to_clean_up() {
    let sandbox = Sandbox::new();
    let plan = sandbox.plan(&["--teardown", "true"], &GITLAB);
    let limit = json!({"variable": "CI_JOB_TIMEOUT", "left_ms": 3_600_000, "reserve_ms": 80_000, "sets_deadline": true});
    assert_eq!(plan["deadline_ms"], 3_520_000);
    assert_eq!(plan["outer_limit"], limit);
    let minutes = [("BUILDKITE", "true"), ("BUILDKITE_TIMEOUT", "10")];
    assert_eq!(sandbox.plan(&[], &minutes)["deadline_ms"], 590_000);
    let old = [
        GITLAB[0],
        GITLAB[1],
        ("CI_JOB_STARTED_AT", "2022-01-31T16:47:55Z"),
    ];
    assert_eq!(
        sandbox.plan(&[], &old)["deadline_ms"],
        json!(null),
        "of another job"
    );
    assert_eq!(sandbox.plan(&[], &[])["outer_limit"], json!(null));
}

#[test]
fn a_deadline_of_ones_own_is_kept_and_warned_of_where_it_is_too_late() {
    let sandbox = Sandbox::new();
    for (deadline, warned) in [("59m", false), ("2h", true)] {
        let args = ["run", "--deadline", deadline, "--", "true"];
        let seen = sandbox.run_with(&args, &GITLAB);
        assert_eq!(seen.code, Some(0));
        let lines = seen.stderr.lines().filter(|l| l.contains("CI_JOB_TIMEOUT"));
        assert_eq!(lines.count(), usize::from(warned), "{}", seen.stderr);
        let plan = sandbox.plan(&args[1..3], &GITLAB);
        let kept = if warned { 7_200_000 } else { 3_540_000 };
        assert_eq!(plan["deadline_ms"], kept);
        assert_eq!(plan["outer_limit"]["sets_deadline"], false);
    }
}

#[test]
fn a_bundle_grows_beside_its_place_and_is_kept_account_of() {
    let sandbox = Sandbox::new();
    let plan = sandbox.plan(&["--evidence", "out", "--spec", "s.toml"], &[]);
    let (key, root) = (plan["run_id"].as_str().unwrap(), sandbox.path());
    let expected = json!({
        "dir": root.join("out"), "staging": root.join(format!(".out.{key}.runward")), "spec": root.join("s.toml"),
    });
    assert_eq!(plan["evidence"], expected);
    assert_ne!(
        plan["journal"],
        json!(null),
        "somebody may have to seal it later"
    );
    let env = [("RUNWARD_EVIDENCE", "e"), ("RUNWARD_SPEC", "t.toml")];
    let plan = sandbox.plan(&["--evidence", "out"], &env);
    assert_eq!(plan["evidence"]["dir"], json!(root.join("out")));
    assert_eq!(plan["evidence"]["spec"], json!(root.join("t.toml")));
    assert!(sandbox.names().is_empty(), "{:?}", sandbox.names());
}

#[test]
fn a_spec_needs_a_bundle_and_a_bundle_a_name() {
    let sandbox = Sandbox::new();
    let refused = |args: &[&str], said| {
        let args = [&["run", "--dry-run"], args, &["--", "true"]].concat();
        sandbox.run(&args).refused(said);
    };
    refused(&["--spec", "s.toml"], "--evidence");
    refused(&["--evidence", "/"], "names no directory");
}
