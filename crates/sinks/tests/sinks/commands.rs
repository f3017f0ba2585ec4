use std::fs;
use std::time::{Duration, Instant};

use runward_canary::alert::{Alert, Delivery};
use runward_canary::{CauseKind, Setting};
use runward_sinks::Sink;

use crate::alerts::{HOSTILE, LONG, alert, cause, megabyte, open, send, text};

fn shell(script: &str) -> Box<dyn Sink> {
    let argv = ["sh", "-c", script].map(text).to_vec();
    open(
        "command",
        [("argv", Setting::List(argv)), ("timeout", text("2s"))],
    )
}

#[test]
fn the_program_gets_the_alert_whatever_is_in_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("heard");
    let sink = shell(&format!("cat >{}", path.display()));
    for hostile in HOSTILE
        .iter()
        .map(|text| (*text).to_owned())
        .chain([megabyte()])
    {
        let alert = alert(&hostile);
        assert_eq!(sink.deliver(&alert, LONG), Delivery::Delivered);
        let heard = fs::read_to_string(&path).expect("what it heard");
        assert_eq!(Alert::from_json(heard.trim_end()), Some(alert));
    }
}

#[test]
fn a_program_that_does_not_read_has_still_done_it() {
    let sink = shell("exec <&-; exit 0");
    assert_eq!(sink.deliver(&alert(&megabyte()), LONG), Delivery::Delivered);
}

#[test]
fn a_program_that_fails_says_why_in_short() {
    let (kind, detail) = cause(send(&*shell(
        "yes x | head -c 3000000 >&2; echo >&2; echo 'no such channel' >&2; exit 3",
    )));
    assert_eq!(kind, CauseKind::Denied);
    assert!(
        detail.contains("exit status: 3; it said: no such channel"),
        "{detail}"
    );
    assert!(detail.len() < 400, "{detail}");
    let (_, detail) = cause(send(&*shell("printf 'no\\033[31m such' >&2; exit 1")));
    assert!(detail.contains("it said: no\\u{1b}[31m such"), "{detail}");
}

#[test]
fn one_that_is_not_there_is_unreachable() {
    let sink = open("command", [("argv", text("/nowhere/at-all"))]);
    let (kind, detail) = cause(send(&*sink));
    assert_eq!(kind, CauseKind::Unreachable);
    assert!(detail.contains("/nowhere/at-all"), "{detail}");
}

#[test]
fn one_that_hangs_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let pids = folder.path().join("pids");
    let script = format!(
        "sleep 1000 & echo $! >{0}; echo $$ >>{0}; trap '' TERM; wait",
        pids.display()
    );
    let began = Instant::now();
    let (kind, _) = cause(send(&*shell(&script)));
    assert_eq!(kind, CauseKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_gone(&pids);
}

#[test]
fn what_it_leaves_behind_ends_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let pids = folder.path().join("pids");
    let sink = shell(&format!("sleep 1000 & echo $! >{}; exit 0", pids.display()));
    let began = Instant::now();
    assert_eq!(send(&*sink), Delivery::Delivered);
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "its standard error is not waited for"
    );
    assert_gone(&pids);
}

#[test]
fn the_caller_may_give_less_time() {
    let began = Instant::now();
    let argv = ["sleep", "1000"].map(text).to_vec();
    let sink = open(
        "command",
        [("argv", Setting::List(argv)), ("timeout", text("60s"))],
    );
    let delivery = sink.deliver(&alert("x"), Duration::from_millis(300));
    assert_eq!(cause(delivery).0, CauseKind::Timeout);
    assert!(began.elapsed() < Duration::from_secs(10));
}

/// Killed is not yet gone: what has no parent left is collected by another process.
fn assert_gone(pids: &std::path::Path) {
    let pids = fs::read_to_string(pids).expect("pids");
    let end = Instant::now() + Duration::from_secs(10);
    for pid in pids.lines() {
        while is_alive(pid) {
            assert!(Instant::now() < end, "{pid} lives");
            std::thread::yield_now();
        }
    }
}

fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}
