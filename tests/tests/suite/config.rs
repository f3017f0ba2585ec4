//! The configuration file, and what is above it.

use std::fs;

use runward_tests::servers::AS_NOBODY;
use runward_tests::skip::is_root;
use runward_tests::{Run, Sandbox, need, places};

fn in_folder<'a>(sandbox: &'a Sandbox, text: &str) -> Run<'a> {
    let folder = sandbox.fresh("folder");
    fs::create_dir(&folder).expect("a directory");
    fs::write(folder.join("runward.toml"), text).expect("a file");
    sandbox.run().folder(folder)
}

#[test]
fn a_syntax_error_is_located() {
    let sandbox = Sandbox::new(20);
    let ended = in_folder(&sandbox, "[run]\n\n   wait = = 3\n")
        .shell("exit 0")
        .finish();
    ended.assert_code(125);
    assert_located(&ended.stderr, 3);
}

#[test]
fn an_unknown_key_is_located_and_named() {
    let sandbox = Sandbox::new(20);
    let ended = in_folder(&sandbox, "[run]\ngrase = \"10s\"\n")
        .shell("exit 0")
        .finish();
    ended.assert_code(125);
    assert!(ended.stderr.contains("grase"), "{}", ended.stderr);
    assert_located(&ended.stderr, 2);
}

#[test]
fn a_wrong_value_is_located_and_named() {
    let sandbox = Sandbox::new(20);
    for text in [
        "[run]\ngrace = \"soon\"\n",
        "[run]\ngrace = [1]\n",
        "[run]\ncontainment = \"prison\"\n",
    ] {
        let ended = in_folder(&sandbox, text).shell("exit 0").finish();
        ended.assert_code(125);
        assert_located(&ended.stderr, 2);
    }
}

/// The message names the file, and where in it.
#[track_caller]
fn assert_located(message: &str, line: u32) {
    assert!(message.contains("runward.toml"), "{message}");
    let shapes = [format!("line {line}"), format!("runward.toml:{line}:")];
    assert!(
        shapes.iter().any(|shape| message.contains(shape)),
        "no line {line} in {message}"
    );
    assert!(
        message.contains("column") || message.contains(&shapes[1]),
        "no column in {message}"
    );
}

#[test]
fn what_cannot_be_read_is_no_absence() {
    need!(
        "what_cannot_be_read_is_no_absence",
        is_root(),
        "needs root, to become one who may not read it"
    );
    let sandbox = Sandbox::new(20);
    places::give_to_nobody(sandbox.root());
    let folder = sandbox.path("folder");
    fs::create_dir(&folder).expect("a directory");
    places::set_mode(&folder, 0o755);
    fs::write(folder.join("runward.toml"), "[run]\ngrace = \"1s\"\n").expect("a file");
    places::set_mode(&folder.join("runward.toml"), 0o600);
    let ended = sandbox
        .run()
        .via(AS_NOBODY)
        .folder(folder)
        .shell("exit 0")
        .finish();
    ended.assert_code(125);
    assert!(ended.stderr.contains("runward.toml"), "{}", ended.stderr);
}

#[test]
fn a_folder_is_no_file() {
    let sandbox = Sandbox::new(20);
    let ended = sandbox
        .run()
        .option("--config", sandbox.root())
        .shell("exit 0")
        .finish();
    ended.assert_code(125);
    assert!(
        ended.stderr.contains(&sandbox.root().display().to_string()),
        "{}",
        ended.stderr
    );
}

#[test]
fn the_nearer_source_wins() {
    let sandbox = Sandbox::new(30);
    let text = "[run]\ngrace = \"11s\"\n";
    // In milliseconds, as everything that is written for programs.
    let plan = |run: Run<'_>| {
        run.flag("--dry-run")
            .shell("exit 9")
            .finish()
            .assert_code(0)
            .stdout
            .clone()
    };
    assert!(plan(in_folder(&sandbox, text)).contains("11000"));
    assert!(plan(in_folder(&sandbox, text).env("RUNWARD_GRACE", "12s")).contains("12000"));
    assert!(
        plan(
            in_folder(&sandbox, text)
                .env("RUNWARD_GRACE", "12s")
                .option("--grace", "13s")
        )
        .contains("13000")
    );
}

#[test]
fn a_dry_run_touches_nothing() {
    let sandbox = Sandbox::new(20);
    let (ran, run) = (
        sandbox.path("ran"),
        sandbox
            .run()
            .app("a")
            .teardown("touch ran")
            .flag("--dry-run"),
    );
    let result = run.result();
    let ended = run.program(["touch".as_ref(), ran.as_os_str()]).finish();
    ended.assert_code(0);
    for path in [ran, result, sandbox.path("locks"), sandbox.path("home")] {
        assert!(!path.exists(), "{} was made", path.display());
    }
}

#[test]
fn durations_as_documented() {
    let sandbox = Sandbox::new(30);
    for good in ["90s", "10m", "1h 30m", "90", "500ms"] {
        sandbox
            .run()
            .option("--grace", good)
            .flag("--dry-run")
            .shell("exit 0")
            .finish()
            .assert_code(0);
    }
    for bad in ["", "ten", "1x", "-3", "1h30", "99999999999999999999s"] {
        sandbox
            .run()
            .flag(format!("--grace={bad}"))
            .flag("--dry-run")
            .shell("exit 0")
            .finish()
            .assert_code(125);
    }
}
