//! App names and run ids that somebody else may have chosen.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use runward_tests::{Line, Running, Sandbox, Then};

fn hostile() -> Vec<String> {
    let fixed = [
        "/",
        "..",
        ".",
        "...",
        "../../escape",
        "a/b",
        "a_b",
        "a%2Fb",
        "/etc/passwd",
        "new\nline",
        "tab\there",
        "-dash",
        "--app",
        " ",
        "ünïcödé",
        "$(touch pwned)",
        "`touch pwned`",
        ";touch pwned",
        "*",
        "CON",
        "a\u{1b}[31mred",
        "\u{202e}txt",
        "a.lock",
        "a",
    ];
    let long = [
        "x".repeat(63),
        "x".repeat(255),
        "x".repeat(300),
        "x".repeat(299) + "y",
        ".".repeat(300),
        "ü".repeat(200),
    ];
    fixed.into_iter().map(str::to_owned).chain(long).collect()
}

/// Every file below a folder.
fn listing(folder: &Path) -> BTreeSet<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return BTreeSet::new();
    };
    let paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    let below: Vec<PathBuf> = paths
        .iter()
        .filter(|path| path.is_dir())
        .flat_map(|path| listing(path))
        .collect();
    paths.into_iter().chain(below).collect()
}

/// What lies outside of the folders that runward owns.
fn outside(sandbox: &Sandbox) -> BTreeSet<PathBuf> {
    let own = [sandbox.path("locks"), sandbox.path("home")];
    let known = |path: &PathBuf| path.to_string_lossy().contains("/result-");
    listing(sandbox.root())
        .into_iter()
        .filter(|path| !own.iter().any(|folder| path.starts_with(folder)) && !known(path))
        .collect()
}

#[test]
fn no_name_reaches_beyond_its_folder() {
    let sandbox = Sandbox::new(60);
    sandbox
        .run()
        .app("a")
        .shell("exit 0")
        .finish()
        .assert_code(0);
    let before = outside(&sandbox);
    for name in hostile() {
        let ended = sandbox.run().app(&name).shell("exit 0").finish();
        assert!(matches!(ended.code, Some(0 | 125)), "{name:?}: {ended:#?}");
        assert!(
            !ended.stderr.contains('\u{1b}') && !ended.stderr.contains('\u{202e}'),
            "{name:?} reaches the terminal"
        );
        if ended.code == Some(0) {
            assert_eq!(ended.record().apps[0].name, name);
        }
        assert_eq!(outside(&sandbox), before, "{name:?}");
    }
}

#[test]
fn an_empty_name_is_refused() {
    let sandbox = Sandbox::new(20);
    sandbox
        .run()
        .app("")
        .shell("exit 0")
        .finish()
        .assert_code(125);
}

#[test]
fn no_two_names_share_a_lock() {
    let sandbox = Sandbox::new(60);
    let names: Vec<String> = hostile()
        .into_iter()
        .filter(|name| sandbox.run().app(name).shell("exit 0").finish().code == Some(0))
        .collect();
    assert!(names.len() >= 3, "{names:?}");
    let held: Vec<(Running<'_>, Line)> = names.iter().map(|name| hold(&sandbox, name)).collect();
    for name in &names {
        let run = sandbox.run().app(name).option("--wait", "0");
        run.shell("exit 0").finish().assert_code(120);
    }
    assert_eq!(held.len(), names.len());
}

fn hold<'a>(sandbox: &'a Sandbox, name: &str) -> (Running<'a>, Line) {
    let mut line = sandbox.line();
    let plant = sandbox.plant().line(&line).then(Then::Wait);
    let running = sandbox
        .run()
        .app(name)
        .option("--wait", "0")
        .program(plant.command())
        .spawn_ready(&mut line);
    (running, line)
}

#[test]
fn no_run_id_reaches_beyond_its_folder() {
    let sandbox = Sandbox::new(60);
    sandbox
        .run()
        .app("a")
        .shell("exit 0")
        .finish()
        .assert_code(0);
    let before = outside(&sandbox);
    for id in hostile() {
        let ended = sandbox
            .run()
            .app("a")
            .flag(format!("--run-id={id}"))
            .shell("exit 0")
            .finish();
        assert!(matches!(ended.code, Some(0 | 125)), "{id:?}: {ended:#?}");
        assert_eq!(outside(&sandbox), before, "{id:?}");
    }
}

#[test]
fn an_argument_that_is_no_text_passes_through() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new(20);
    let bytes = std::ffi::OsStr::from_bytes(b"\xff\xfe");
    let ended = sandbox
        .run()
        .program([
            "sh".as_ref(),
            "-c".as_ref(),
            "printf %s \"$1\" | wc -c".as_ref(),
            "sh".as_ref(),
            bytes,
        ])
        .finish();
    ended.assert_code(0);
    assert_eq!(ended.stdout.trim(), "2");
    ended.record();
}
