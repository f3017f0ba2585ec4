use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn each_event_is_one_line_with_its_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.jsonl");
    let mut events = Events::open(&path, "r-1").unwrap();
    events.write(&json!({"event": "started", "pid": 7}));
    events.write(&json!({"event": "ended", "text": "two\nlines"}));
    let lines = lines(&path);
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["schema"], 1);
    assert_eq!(lines[0]["run_id"], "r-1");
    assert_eq!(lines[0]["pid"], 7);
    assert!(lines[1]["at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn runs_can_share_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.jsonl");
    let mut one = Events::open(&path, "1").unwrap();
    let mut two = Events::open(&path, "2").unwrap();
    for _ in 0..3 {
        one.write(&json!({"event": "x"}));
        two.write(&json!({"event": "y"}));
    }
    assert_eq!(lines(&path).len(), 6);
}

#[test]
fn what_a_killed_writer_left_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("e.jsonl");
    let long = format!("{{}}\n{}", "x".repeat(10_000));
    for (left, whole) in [
        ("{\"a\":1}\n{\"b\":", 1),
        ("{\"b\":", 0),
        ("{\"a\":1}\n", 1),
        ("", 0),
        (&long, 1),
    ] {
        fs::write(&path, left).unwrap();
        Events::open(&path, "r")
            .unwrap()
            .write(&json!({"event": "next"}));
        assert_eq!(lines(&path).len(), whole + 1, "{left:?}");
    }
}

#[test]
fn a_fifo_without_a_reader_is_refused_and_does_not_block() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fifo");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    assert!(Events::open(&path, "r").is_err());
}

#[test]
fn a_full_device_fails_nothing() {
    Events::open(Path::new("/dev/full"), "r")
        .unwrap()
        .write(&json!({"event": "x"}));
    Events::open(Path::new("/dev/null"), "r")
        .unwrap()
        .write(&json!({"event": "x"}));
}

#[test]
fn a_directory_that_is_missing_is_named() {
    let error = Events::open(Path::new("/no/such/dir/e.jsonl"), "r")
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("/no/such/dir/e.jsonl") && error.contains("--events"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn a_piece_is_taken_back_only_from_the_end(before in ".{0,9}\n", piece in ".{1,9}", after in ".{0,9}") {
        let mut file = tempfile::tempfile().unwrap();
        write!(file, "{before}{piece}{after}").unwrap();
        take_back(&file, piece.as_bytes()).unwrap();
        let size = file.metadata().unwrap().size() as usize;
        let whole = before.len() + piece.len() + after.len();
        prop_assert!(size == whole || size == whole - piece.len());
        prop_assert!(!after.is_empty() || size == before.len());
    }
}
