use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use runward_canary::CauseKind;
use runward_canary::alert::{Alert, Delivery};

use crate::alerts::{HOSTILE, LONG, alert, cause, megabyte, open, plain, send, text};

fn lines(path: &std::path::Path) -> Vec<Alert> {
    let content = fs::read_to_string(path).expect("the file");
    assert!(content.ends_with('\n'));
    let read = |line: &str| Alert::from_json(line).unwrap_or_else(|| panic!("{line}"));
    content.lines().map(read).collect()
}

#[test]
fn each_alert_is_a_line_whatever_is_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("alerts");
    let sink = open("file", [("path", text(path.to_str().expect("text")))]);
    let mut sent: Vec<_> = HOSTILE.iter().map(|text| alert(text)).collect();
    sent.push(alert(&megabyte()));
    for alert in &sent {
        assert_eq!(sink.deliver(alert, LONG), Delivery::Delivered);
    }
    assert_eq!(lines(&path), sent);
    let mode = fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn what_a_killed_writer_left_does_not_spoil_the_next_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("alerts");
    fs::write(&path, "{\"id\":\"ha").expect("written");
    let sink = open("file", [("path", text(path.to_str().expect("text")))]);
    assert_eq!(send(&*sink), Delivery::Delivered);
    let content = fs::read_to_string(&path).expect("the file");
    let last = content.lines().last().expect("a line");
    assert_eq!(Alert::from_json(last), Some(plain()));
}

#[test]
fn writers_at_the_same_time_do_not_mix() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = Arc::new(folder.path().join("alerts"));
    let write = |path: Arc<std::path::PathBuf>| {
        let sink = open("file", [("path", text(path.to_str().expect("text")))]);
        (0..50)
            .filter(|_| send(&*sink) == Delivery::Delivered)
            .count()
    };
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let path = Arc::clone(&path);
            std::thread::spawn(move || write(path))
        })
        .collect();
    let delivered: usize = threads
        .into_iter()
        .map(|it| it.join().expect("a writer"))
        .sum();
    assert_eq!(lines(&path).len(), delivered, "as many as were said to be");
}

#[test]
fn what_cannot_be_written_has_failed_and_nothing_is_waited_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipe = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .expect("mkfifo");
    assert!(made.success());
    for bad in [
        pipe.as_path(),
        folder.path(),
        &folder.path().join("none/alerts"),
        "/dev/full".as_ref(),
    ] {
        let sink = open("file", [("path", text(bad.to_str().expect("text")))]);
        let (kind, detail) = cause(send(&*sink));
        assert_eq!(kind, CauseKind::Unreachable, "{detail}");
        assert!(detail.contains(bad.to_str().expect("text")), "{detail}");
    }
}
