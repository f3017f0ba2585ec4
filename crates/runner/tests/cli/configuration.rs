use serde_json::json;

use crate::harness::Sandbox;

#[test]
fn the_command_line_overrides_the_environment_which_overrides_the_file() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "runward.toml",
        "[run]\nwait = 1\ngrace = 1\ndeadline = 1\napp = \"file\"\n",
    );
    let env = [
        ("RUNWARD_GRACE", "2"),
        ("RUNWARD_DEADLINE", "2"),
        ("RUNWARD_APP", "env"),
    ];
    let plan = sandbox.plan(&["--deadline", "3", "--app", "cli"], &env);
    assert_eq!(plan["wait_ms"], 1_000);
    assert_eq!(plan["grace_ms"], 2_000);
    assert_eq!(plan["deadline_ms"], 3_000);
    assert_eq!(plan["apps"], json!(["cli"]));
}

#[test]
fn a_file_can_be_named() {
    let sandbox = Sandbox::new();
    sandbox.write("runward.toml", "[run]\nwait = 1\n");
    sandbox.write("other.toml", "[run]\nwait = 2\n");
    assert_eq!(
        sandbox.plan(&["--config", "other.toml"], &[])["wait_ms"],
        2_000
    );
    assert_eq!(
        sandbox.plan(&[], &[("RUNWARD_CONFIG", "other.toml")])["wait_ms"],
        2_000
    );
    sandbox
        .run(&["run", "--config", "none.toml", "--", "true"])
        .refused("none.toml");
}

#[test]
fn a_default_file_that_cannot_be_read_is_an_error() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path().join("runward.toml")).unwrap();
    sandbox.run(&["run", "--", "true"]).refused("runward.toml");
}

#[test]
fn mistakes_in_the_file_are_named_with_line_and_column() {
    let sandbox = Sandbox::new();
    for (text, said) in [
        (
            "[run]\nwiat = 1\n",
            "runward.toml:2:1: \"wiat\" is not known here; did you mean \"wait\"?",
        ),
        (
            "[run]\nwait = \"10 parsecs\"\n",
            "runward.toml:2:8: \"10 parsecs\": unknown unit",
        ),
        ("[run]\napp = \"a\\u0000b\"\n", "runward.toml:2:7: "),
        ("[run]\napp = \"../../x\"\n", "allowed are letters"),
        ("wait = 1\n", "belongs in the section [run]"),
        ("[run", "runward.toml:1:"),
    ] {
        sandbox.write("runward.toml", text);
        sandbox.run(&["run", "--", "true"]).refused(said);
    }
}

#[test]
fn mistakes_in_the_environment_are_named_with_their_variable() {
    let sandbox = Sandbox::new();
    for (name, value) in [
        ("RUNWARD_WAIT", "x"),
        ("RUNWARD_LEAKS", "no"),
        ("RUNWARD_APP", "a/b"),
        ("RUNWARD_TEARDOWN", "'"),
    ] {
        sandbox
            .run_with(&["run", "--", "true"], &[(name, value)])
            .refused(name);
    }
}

#[test]
fn a_misspelt_variable_is_pointed_out() {
    let seen = Sandbox::new().run_with(
        &["run", "--dry-run", "--", "true"],
        &[("RUNWARD_DEADLNE", "5")],
    );
    assert_eq!(seen.code, Some(0));
    assert!(
        seen.stderr.contains("did you mean RUNWARD_DEADLINE?"),
        "{seen:?}"
    );
}

#[test]
fn a_run_inside_a_run_takes_neither_its_id_nor_its_app() {
    let env = [
        ("RUNWARD_INSIDE", "outer/web"),
        ("RUNWARD_RUN_ID", "outer"),
        ("RUNWARD_APP", "web"),
    ];
    let plan = Sandbox::new().plan(&[], &env);
    assert_eq!(plan["apps"], json!([]));
    assert_ne!(plan["run_id"], "outer");
}
