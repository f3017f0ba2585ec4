use std::fs;
use std::process::Command;

use runward_canary::CauseKind;
use runward_lock::{LockDir, Name, Request, quiet};

use crate::harness::*;

const COLUMNS: &str =
    "id held:bool in_place:bool pid:int run waiters:int generation since:time start:time";

fn locks() -> runward_canary::Ask {
    ask("locks", COLUMNS, &[])
}

#[test]
fn holders_are_named_and_nothing_is_taken() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("locks");
    let dir = LockDir::open(&path).unwrap();
    let name = |text: &str| Name::new(text).unwrap();
    let held = dir
        .acquire(
            &name("held"),
            &Request::new().run_id("build-17"),
            &mut quiet,
        )
        .unwrap();
    dir.acquire(&name("free"), &Request::new(), &mut quiet)
        .unwrap()
        .close()
        .unwrap();
    let mut source = open("flock-dir", &[("path", shown_path(&path))], LONG);
    let read = read_one(&mut *source, locks());
    let rows = rows(&read);
    assert!(
        rows[0].starts_with("'free'|false|null|null|null|0|null|null|null"),
        "{rows:?}"
    );
    let own = std::process::id();
    assert!(
        rows[1].starts_with(&format!("'held'|true|true|{own}|'build-17'|0|'")),
        "{rows:?}"
    );
    assert!(held.still_current().unwrap());
    dir.acquire(&name("free"), &Request::new(), &mut quiet)
        .unwrap()
        .close()
        .unwrap();
    held.close().unwrap();
}

#[test]
fn a_lock_on_a_file_that_was_removed_guards_nothing_and_is_shown() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    // As /var/run is one to /run.
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path(), &link).unwrap();
    let path = link.join("locks");
    LockDir::open(&path).unwrap();
    let file = path.join("stray");
    // A holder of its own, since locks of our own process are ours to see anyway.
    let mut holder = Command::new("flock")
        .arg(&file)
        .args(["sh", "-c", "echo held; read _"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(
        &mut std::io::BufReader::new(holder.stdout.take().unwrap()),
        &mut line,
    )
    .unwrap();
    fs::remove_file(&file).unwrap();
    let mut source = open("flock-dir", &[("path", shown_path(&path))], LONG);
    let stray = rows(&read_one(&mut *source, locks()));
    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert!(
        stray
            .iter()
            .any(|row| row.starts_with("'stray'|true|false|")),
        "{stray:?}"
    );
    assert!(rows(&read_one(&mut *source, locks())).is_empty());
}

#[test]
fn a_directory_that_is_missing_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none");
    let mut source = open("flock-dir", &[("path", shown_path(&path))], LONG);
    assert_eq!(
        failed(&read_one(&mut *source, locks())),
        CauseKind::Unreachable
    );
    assert!(!path.exists());
    fs::write(&path, "").unwrap();
    assert_eq!(failed(&read_one(&mut *source, locks())), CauseKind::Garbled);
}

#[test]
fn a_free_lock_tells_how_it_was_given_back() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("locks");
    let dir = LockDir::open(&path).unwrap();
    let take = |name: &str| {
        let name = Name::new(name).unwrap();
        let request = Request::new().run_id("build-7");
        dir.acquire(&name, &request, &mut quiet).unwrap()
    };
    take("shop.example.org").close().unwrap();
    drop(take("killed").leave());
    fs::write(path.join("never"), "").unwrap();
    let held = take("work");
    let mut source = open("flock-dir", &[("path", shown_path(&path))], LONG);
    let facet = ask("locks", "id state stack", &[]);
    assert_eq!(
        rows(&read_one(&mut *source, facet)),
        [
            "'killed'|'left'|'killed'",
            "'never'|'unused'|'never'",
            "'shop.example.org'|'released'|'shop_example_org'",
            "'work'|'held'|'work'",
        ]
    );
    let left = ask("locks", "id run", &[("state", text("left"))]);
    assert_eq!(rows(&read_one(&mut *source, left)), ["'killed'|'build-7'"]);
    let known = ask("locks", "id run", &[("state", texts(&["held", "unused"]))]);
    assert_eq!(
        rows(&read_one(&mut *source, known)),
        ["'never'|null", "'work'|'build-7'"]
    );
    held.close().unwrap();
}
