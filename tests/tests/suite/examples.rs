//! The command lines of `examples/drone` and `examples/abra-ci` are ones that runward takes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use runward_tests::{Ended, Running, Sandbox, binaries};

fn path(name: &str) -> PathBuf {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    examples.join(name)
}

fn example(name: &str) -> String {
    let path = path("drone").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folded block of the pipeline's only command.
fn pipeline_command() -> String {
    let text = example(".drone.yml");
    let lines = text
        .lines()
        .skip_while(|line| line.trim() != "- >-")
        .skip(1);
    let block: Vec<&str> = lines
        .take_while(|line| !line.trim().is_empty())
        .map(str::trim)
        .collect();
    block.join(" ")
}

/// The snippets of the page, without their YAML keys.
fn page_commands() -> Vec<String> {
    let text = example("README.md");
    let mut commands = Vec::new();
    for block in text.split("```yaml\n").skip(1) {
        let block = block.split("```").next().unwrap_or_default();
        let lines = block
            .lines()
            .filter_map(|line| Some(line[line.find("runward run")?..].to_owned()));
        commands.extend(lines);
    }
    commands
}

#[test]
fn every_command_line_is_accepted() {
    let commands: Vec<String> = [pipeline_command()]
        .into_iter()
        .chain(page_commands())
        .collect();
    assert_eq!(commands.len(), 4, "{commands:#?}");
    for command in commands {
        let dry = command.replacen("runward run", "runward run --dry-run", 1);
        assert_ne!(dry, command, "it runs runward");
        plan(&dry);
    }
}

#[track_caller]
fn plan(script: &str) {
    let sandbox = Sandbox::new(20);
    let mut command = Command::new("sh");
    command.args(["-euc", script]);
    for name in [
        "DRONE_PULL_REQUEST",
        "DRONE_BUILD_NUMBER",
        "DRONE_STEP_NUMBER",
        "CI_MERGE_REQUEST_IID",
        "BUILDKITE_PULL_REQUEST",
    ] {
        command.env(name, "7");
    }
    command.env("DRONE_REPO_NAME", "recipe");
    let ended = with_runward(&sandbox, command);
    ended.assert_code(0);
    assert!(ended.stdout.contains("teardown"), "{}", ended.stdout);
}

/// Runs a command that finds `runward`.
#[track_caller]
fn with_runward(sandbox: &Sandbox, mut command: Command) -> Ended {
    let folder = sandbox.fresh("bin");
    fs::create_dir(&folder).expect("a directory");
    symlink(binaries::runward(), folder.join("runward")).expect("a link");
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{}:{path}", folder.display()))
        .current_dir(sandbox.root());
    Running::of(sandbox, command).wait()
}

/// What `ci-run` would do for a recipe, under Drone or by hand.
#[track_caller]
fn ci_run(recipe: &str, pull_request: Option<&str>) -> Ended {
    let sandbox = Sandbox::new(20);
    let mut command = Command::new(path("abra-ci/ci-run"));
    command
        .arg("--dry-run")
        .env("DRONE_REPO_NAME", recipe)
        .env_remove("DRONE_PULL_REQUEST");
    if let Some(number) = pull_request {
        command
            .env("DRONE", "true")
            .env("DRONE_REPO", format!("somebody/{recipe}"))
            .env("DRONE_PULL_REQUEST", number);
    }
    with_runward(&sandbox, command)
}

#[track_caller]
fn app_of(recipe: &str, pull_request: Option<&str>) -> String {
    let ended = ci_run(recipe, pull_request);
    ended.assert_code(0);
    let plan: serde_json::Value = serde_json::from_str(&ended.stdout).expect("a plan");
    let app = plan["app"].as_str().expect("an app").to_owned();
    let teardown = plan["teardowns"][0].to_string();
    assert!(teardown.contains(&app.replace('.', "_")), "{teardown}");
    app
}

#[test]
fn a_pull_request_of_a_recipe_has_its_own_app() {
    let app = app_of("matrix-synapse", Some("7"));
    // printf %s somebody/matrix-synapse/7 | sha256sum
    assert_eq!(app, "matr-e68f00.ci.example.org");
    assert_eq!(app_of("matrix-synapse", Some("7")), app);
    assert_ne!(app_of("matrix-synapse", Some("8")), app);
    assert_ne!(
        app_of("matrix-synapse", None),
        app_of("matrix-synapse", None),
        "by hand"
    );
    for name in ["../etc", "a b", "UPPER", "$(id)"] {
        let ended = ci_run(name, Some("7"));
        ended.assert_code(125);
        assert!(
            ended.stderr.contains("cannot be the name of a recipe"),
            "{}",
            ended.stderr
        );
    }
}
