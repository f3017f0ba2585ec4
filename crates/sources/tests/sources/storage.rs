use std::fs;
use std::os::unix::fs::symlink;

use runward_canary::CauseKind;

use crate::harness::*;

#[test]
fn runs_are_directories_and_no_link_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs");
    let run = |name: &str| path.join(name);
    fs::create_dir_all(run("one/abra")).unwrap();
    fs::write(run("one/abra/header.json"), "{}").unwrap();
    fs::create_dir_all(run("two")).unwrap();
    symlink(run("one/abra"), run("two/abra")).unwrap();
    symlink(run("one"), run("link")).unwrap();
    fs::write(run("file"), "").unwrap();
    let mut source = open("run-dirs", &[("path", shown_path(&path))], LONG);
    let facet = ask(
        "runs",
        "id header:bool abra:bool",
        &[(
            "has",
            map(&[("header", "abra/header.json"), ("abra", "abra")]),
        )],
    );
    let read = read_one(&mut *source, facet.clone());
    assert_eq!(rows(&read), ["'one'|true|true", "'two'|false|true"]);
    let times = read_one(&mut *source, ask("runs", "id born:time", &[]));
    assert!(
        times
            .table()
            .unwrap()
            .rows()
            .all(|row| row.at(1).as_time().unwrap() <= times.ended())
    );
    let moved = folder.path().join("moved");
    fs::rename(&path, &moved).unwrap();
    assert_eq!(
        failed(&read_one(&mut *source, facet.clone())),
        CauseKind::Unreachable
    );
    symlink(&moved, &path).unwrap();
    assert_eq!(
        failed(&read_one(&mut *source, facet)),
        CauseKind::Unreachable
    );
}

#[test]
fn a_heartbeat_is_the_time_of_a_file_or_null() {
    let folder = tempfile::tempdir().unwrap();
    let (there, none) = (folder.path().join("tick"), folder.path().join("none"));
    fs::write(&there, "x").unwrap();
    let mut source = open("files", &[], LONG);
    let stamp = |path: &std::path::Path| {
        ask(
            "tick",
            "stamp:time",
            &[("paths", shown_path(path)), ("as", text("stamp"))],
        )
    };
    let read = read_one(&mut *source, stamp(&there));
    let stamped = read
        .table()
        .unwrap()
        .rows()
        .next()
        .unwrap()
        .at(0)
        .as_time()
        .unwrap();
    assert!(read.ended().since(stamped).abs() < 60_000_000);
    assert_eq!(rows(&read_one(&mut *source, stamp(&none))), ["null"]);
    let below = stamp(&folder.path().join("tick/below"));
    assert_eq!(
        failed(&read_one(&mut *source, below)),
        CauseKind::Unreachable
    );
}
