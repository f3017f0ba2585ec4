use serde_json::{Value, json};

use crate::harness::Sandbox;

fn whoami(env: &[(&str, &str)]) -> Value {
    let seen = Sandbox::new().run_with(&["whoami", "--json"], env);
    assert_eq!((seen.code, seen.stderr.as_str()), (Some(0), ""), "{seen:?}");
    serde_json::from_str(&seen.stdout).unwrap()
}

#[test]
fn without_a_ci_each_process_is_a_run() {
    let (one, two) = (whoami(&[]), whoami(&[]));
    assert_eq!(one["ci"], "none");
    assert!(one["run_id"].as_str().unwrap().starts_with("local-"));
    assert_ne!(one["run_id"], two["run_id"]);
}

#[test]
fn a_pull_request_of_github_is_found_in_its_event() {
    let sandbox = Sandbox::new();
    sandbox.write("event.json", r#"{"pull_request":{"number":41}}"#);
    let event = sandbox.path().join("event.json");
    let env = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_RUN_ID", "1"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_JOB", "t"),
        ("GITHUB_EVENT_PATH", event.to_str().unwrap()),
    ];
    let found = whoami(&env);
    assert_eq!(found["pull_request"], "41");
    assert_eq!(found["run_id"], whoami(&env)["run_id"]);
}

#[test]
fn the_limit_of_the_ci_is_shown() {
    let found = whoami(&[
        ("GITLAB_CI", "true"),
        ("CI_JOB_ID", "9"),
        ("CI_JOB_TIMEOUT", "3600"),
    ]);
    assert_eq!(
        found["outer_limit"],
        json!({"variable": "CI_JOB_TIMEOUT", "ms": 3_600_000})
    );
}

#[test]
fn hostile_text_reaches_neither_a_path_nor_the_terminal() {
    let env = [
        ("DRONE", "true"),
        ("DRONE_REPO", "../\u{1b}[2J\nrun id forged"),
        ("DRONE_BUILD_NUMBER", "1"),
    ];
    let id = whoami(&env)["run_id"].as_str().unwrap().to_owned();
    assert!(
        id.chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)),
        "{id}"
    );
    let text = Sandbox::new().run_with(&["whoami"], &env).stdout;
    assert!(
        !text.contains('\u{1b}') && text.lines().count() == 6,
        "{text}"
    );
}
