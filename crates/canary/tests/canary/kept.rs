//! The ledger in the hands of processes that are killed, and of one that may not write any more.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use runward_canary::alert::Outbox;
use runward_canary::engine::Transition;
use runward_canary::ledger::{Ledger, Origin, Retention};
use runward_canary::{ErrorKind, State};
use serde_json::json;

const FOLDER: &str = "RUNWARD_CANARY_TEST_LEDGER";
const SIZE: &str = "RUNWARD_CANARY_TEST_SIZE";

fn state(number: u64) -> State {
    let mut state: serde_json::Value = serde_json::from_str(&State::default().to_json()).unwrap();
    state["harness"]["sequence"] = number.into();
    State::from_json(&state.to_string()).unwrap()
}

fn opened(number: u64, size: usize) -> Transition {
    let transition = json!({
        "invariant": "S-01", "at": "2026-05-20T12:00:00Z", "change": "opened",
        "kind": "x".repeat(size), "subject": number.to_string(), "severity": "major", "facts": {},
    });
    serde_json::from_value(transition).unwrap()
}

/// Writes until it is killed or may not; started by the tests below, and nothing without them.
#[test]
fn writer() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let size = std::env::var(SIZE).unwrap().parse().unwrap();
    let (mut ledger, loaded) = Ledger::open(Path::new(&folder), Retention::default()).unwrap();
    let mut number = loaded.saved.state.sequence();
    loop {
        number += 1;
        match ledger.commit(&state(number), &Outbox::default(), &[opened(number, size)]) {
            Ok(()) => say(&format!("committed {number}")),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
                say(&format!("refused {number}"));
                return;
            }
        }
    }
}

/// A line of its own, whatever the harness has written before it.
fn say(line: &str) {
    std::io::stdout()
        .write_all(format!("\n{line}\n").as_bytes())
        .unwrap();
}

fn start(folder: &Path, size: usize, shell: &str) -> std::process::Child {
    let this = std::env::current_exe().unwrap();
    Command::new("sh")
        .args([
            "-c",
            &format!("{shell} exec \"$0\" --exact kept::writer --nocapture"),
        ])
        .arg(this)
        .env(FOLDER, folder)
        .env(SIZE, size.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What there is is whole: each commit has its episode, and no other has.
fn assert_whole(folder: &Path, at_least: u64) -> u64 {
    let (_, loaded) = Ledger::open(folder, Retention::default()).unwrap();
    assert!(
        matches!(loaded.origin, Origin::Current | Origin::Fresh),
        "{:?}",
        loaded.origin
    );
    let last = loaded.saved.state.sequence();
    assert!(
        last >= at_least,
        "{at_least} was committed, and {last} is there"
    );
    let episodes = Ledger::episodes(folder).unwrap();
    let subject = |number: &Transition| number.change.key().unwrap().subject.clone();
    let subjects: Vec<_> = episodes
        .iter()
        .map(|episode| subject(&episode.transition))
        .collect();
    let expected: Vec<_> = (1..=last).map(|number| number.to_string()).collect();
    assert_eq!(subjects, expected);
    last
}

fn number(line: &str, word: &str) -> Option<u64> {
    line.strip_prefix(word)?.trim().parse().ok()
}

#[test]
fn a_writer_that_is_killed_leaves_the_old_or_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    for round in 0..25 {
        let mut writer = start(folder.path(), 10, "");
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut seen = lines
            .map_while(Result::ok)
            .filter_map(|line| number(&line, "committed "));
        let committed = seen.nth(round % 5).unwrap();
        writer.kill().unwrap();
        let committed = seen.last().unwrap_or(committed);
        writer.wait().unwrap();
        assert!(committed > last);
        last = assert_whole(folder.path(), committed);
    }
}

#[test]
fn a_writer_that_may_not_write_any_more_keeps_what_it_had() {
    let folder = tempfile::tempdir().unwrap();
    // 512 bytes each: a file that grows beyond it is cut by the kernel in the middle of a write.
    let limited = start(folder.path(), 1_000, "trap '' XFSZ; ulimit -f 20;");
    let output = limited.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let refused = text
        .lines()
        .find_map(|line| number(line, "refused "))
        .unwrap();
    assert!(refused > 2, "{text}");
    assert_eq!(assert_whole(folder.path(), refused - 1), refused - 1);
}
