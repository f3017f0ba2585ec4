//! The command lines of `examples/drone` are ones that runward takes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use runward_tests::{Running, Sandbox, binaries};

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../examples/drone")
        .join(name);
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
    let folder = sandbox.path("bin");
    fs::create_dir(&folder).expect("a directory");
    symlink(binaries::runward(), folder.join("runward")).expect("a link");
    let mut command = Command::new("sh");
    command.args(["-euc", script]).current_dir(sandbox.root());
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", folder.display()));
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
    let ended = Running::of(&sandbox, command).wait();
    ended.assert_code(0);
    assert!(ended.stdout.contains("teardown"), "{}", ended.stdout);
}
