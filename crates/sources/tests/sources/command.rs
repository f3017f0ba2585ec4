use std::time::{Duration, Instant};

use runward_canary::{CauseKind, Setting};

use crate::harness::*;

fn shell(script: &str) -> Vec<(&'static str, Setting)> {
    vec![("argv", texts(&["sh", "-c", script, "sh"]))]
}

fn said(script: &str, timeout: Duration) -> runward_canary::Reading {
    let mut source = open("command", &shell(script), timeout);
    read_one(
        &mut *source,
        ask(
            "said",
            "id born:time n:int",
            &[("fields", texts(&["id", "born", "n"]))],
        ),
    )
}

#[test]
fn objects_lines_and_arrays_are_rows() {
    let objects = r#"echo '[{"n":1,"id":"a","born":"2026-05-20T12:00:00Z","more":[]}]'"#;
    let lines = r#"printf '{"n":1,"id":"a","born":1779278400}\n{"n":2,"id":"b","born":null}\n'"#;
    let arrays = r#"echo '[["a",1779278400.0,1]]'"#;
    let one = "'a'|2026-05-20T12:00:00.000000Z|1";
    assert_eq!(rows(&said(objects, LONG)), [one]);
    assert_eq!(rows(&said(lines, LONG)), [one, "'b'|null|2"]);
    assert_eq!(rows(&said(arrays, LONG)), [one]);
    assert!(rows(&said("echo '[]'", LONG)).is_empty());
}

#[test]
fn what_is_no_answer_is_never_an_empty_one() {
    for (script, kind) in [
        ("exit 1", CauseKind::Unreachable),
        ("echo '[]'; exit 3", CauseKind::Unreachable),
        ("kill -9 $$", CauseKind::Unreachable),
        ("true", CauseKind::Garbled),
        ("echo nonsense", CauseKind::Garbled),
        ("echo '[{\"id\":\"a\"}]'", CauseKind::Garbled),
        ("echo '[[\"a\"]]'", CauseKind::Garbled),
        ("echo '[[[[[[[['", CauseKind::Garbled),
        ("yes", CauseKind::Garbled),
        ("sleep 1000", CauseKind::Timeout),
        ("echo '[]'; exec >&-; sleep 1000", CauseKind::Timeout),
        ("sleep 1000 & echo '[]'", CauseKind::Timeout),
    ] {
        let begun = Instant::now();
        let timeout = if kind == CauseKind::Timeout {
            Duration::from_millis(300)
        } else {
            LONG
        };
        assert_eq!(failed(&said(script, timeout)), kind, "{script}");
        assert!(begun.elapsed() < LONG / 2);
    }
    let mut source = open(
        "command",
        &[("argv", texts(&["/nonexistent/program"]))],
        LONG,
    );
    assert_eq!(
        failed(&read_one(&mut *source, ask("x", "id", &[]))),
        CauseKind::Unreachable
    );
}

#[test]
fn the_whole_group_ends_with_the_look() {
    let token = format!("1{}", std::process::id());
    let script = format!("sleep {token}.5 & sleep {token}.5");
    assert_eq!(
        failed(&said(&script, Duration::from_millis(300))),
        CauseKind::Timeout
    );
    let quiet = format!("sleep {token}.7 >/dev/null & echo '[]'");
    assert!(rows(&said(&quiet, LONG)).is_empty());
    until("none of the group is left", || {
        let found = std::process::Command::new("pgrep")
            .args(["-f", &format!("sleep {token}")])
            .output()
            .unwrap();
        found.stdout.is_empty()
    });
}

#[test]
fn hostile_names_are_single_arguments() {
    let names: Vec<String> = hostile()
        .into_iter()
        .filter(|name| name.len() < 100_000)
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let echo = r#"import json,sys; print(json.dumps([[sys.argv[1], len(sys.argv)]]))"#;
    let mut source = open(
        "command",
        &[("argv", texts(&["python3", "-c", echo]))],
        LONG,
    );
    let facet = ask(
        "echo",
        "subject id n:int",
        &[
            ("args", texts(&["{subject}"])),
            ("subjects", text("roster")),
            ("fields", texts(&["id", "n"])),
        ],
    );
    let read = read(&mut *source, &[facet], &roster(&names)).remove(0);
    let table = read.table().unwrap();
    assert_eq!(table.len(), names.len());
    for row in table.rows() {
        assert_eq!((row.at(0), row.at(2).as_int()), (row.at(1), Some(2)));
    }
}
