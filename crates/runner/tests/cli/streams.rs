//! Streams that are closed, full, or whose reader left.
use std::fs::OpenOptions;
use std::process::Stdio;

use crate::harness::Sandbox;

/// Runs `runward ARGS` from a shell that redirects as told.
fn in_shell(args: &str, redirections: &str) -> Option<i32> {
    let sandbox = Sandbox::new();
    let runward = env!("CARGO_BIN_EXE_runward");
    let script = format!("'{runward}' {args} {redirections}");
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg(script).current_dir(sandbox.path());
    shell
        .env("RUNWARD_HOME", sandbox.path().join("home"))
        .env("RUNWARD_LOCK_DIR", sandbox.path().join("locks"));
    shell.stdin(Stdio::null()).status().unwrap().code()
}

#[test]
fn the_code_is_right_with_all_streams_closed() {
    assert_eq!(in_shell("run --wait soon -- true", ">&- 2>&-"), Some(125));
    assert_eq!(in_shell("run --dry-run -- true", ">&- 2>&-"), Some(0));
    assert_eq!(in_shell("whoami", "<&- >&- 2>&-"), Some(0));
    assert_eq!(
        in_shell(
            "run --teardown 'echo down' -- sh -c 'exit 7'",
            "<&- >&- 2>&-"
        ),
        Some(7)
    );
    assert_eq!(
        in_shell("run --app web --teardown false -- true", "<&- >&- 2>&-"),
        Some(123)
    );
}

#[test]
fn a_reader_that_left_is_no_failure() {
    let sandbox = Sandbox::new();
    for args in [
        &["completions", "bash"][..],
        &["man"],
        &["run", "--help"],
        &["run", "--dry-run", "--", "true"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = sandbox.command(args).stdout(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_reader_of_stderr_that_left_changes_neither_code_nor_teardown() {
    let sandbox = Sandbox::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let args = [
        "run",
        "--deadline",
        "100ms",
        "--teardown",
        "touch torn",
        "--",
        "sleep",
        "600",
    ];
    let status = sandbox.command(&args).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(142));
    assert!(sandbox.names().contains(&"torn".to_owned()));
}

#[test]
fn the_program_is_not_given_our_way_with_pipes() {
    // SIGPIPE, signal 13, is ignored here and must not be there.
    let seen = Sandbox::new().run(&["run", "--", "grep", "SigIgn", "/proc/self/status"]);
    let mask = u64::from_str_radix(seen.stdout.trim().rsplit('\t').next().unwrap(), 16).unwrap();
    assert_eq!(mask & (1 << 12), 0, "{seen:?}");
}

#[test]
fn data_that_could_not_be_written_is_a_failure() {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = Sandbox::new()
        .command(&["whoami"])
        .stdout(full)
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert_eq!(status.code(), Some(125));
}

/// Events fail no run, but who waits for them must know.
#[test]
fn events_that_cannot_be_written_are_told_of_once() {
    let sandbox = Sandbox::new();
    for (events, told) in [("/dev/full", 1), ("events", 0)] {
        for app in [&[][..], &["--app", "web"]] {
            let args = [
                &["run", "--events", events][..],
                app,
                &["--", "sh", "-c", "exit 3"],
            ];
            let seen = sandbox.run(&args.concat());
            assert_eq!(seen.code, Some(3), "{seen:?}");
            let told_of = "events are missing in /dev/full: No space left on device";
            assert_eq!(
                seen.stderr.matches(told_of).count(),
                told,
                "{}",
                seen.stderr
            );
            assert!(
                seen.stderr
                    .trim_end()
                    .lines()
                    .last()
                    .unwrap()
                    .contains("exit 3")
            );
        }
    }
}
