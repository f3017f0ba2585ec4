use std::fs;
use std::os::unix::fs::symlink;

use runward_canary::CauseKind;
use rustix::fs::{FlockOperation, flock};

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

#[test]
fn journals_are_files_with_a_suffix_and_tell_what_their_runs_said() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("runs");
    fs::create_dir(&path).unwrap();
    runward_tests::places::set_mode(&path, 0o700);
    let journal = |name: &str, text: &str| fs::write(path.join(name), text).unwrap();
    journal(
        "one.journal",
        "\n{\"run\":{\"id\":\"r\",\"ends\":{\"secs\":60},\"at\":90,\"deep\":[1]}}\n{}\n",
    );
    journal("torn.journal", "{\"run\":{\"id\":");
    journal("empty.journal", "");
    journal(".journal", "{}");
    journal("else", "{}");
    symlink(path.join("one.journal"), path.join("link.journal")).unwrap();
    fs::create_dir(path.join("folder.journal")).unwrap();
    let says = [
        ("run", "#/run/id"),
        ("ends", "#/run/ends/secs"),
        ("at", "#/run/at"),
        ("deep", "#/run/deep"),
    ];
    let settings = [("suffix", text(".journal")), ("says", map(&says))];
    let mut source = open("run-dirs", &[("path", shown_path(&path))], LONG);
    let facet = ask("journals", "id run ends:int at:time deep", &settings);
    assert_eq!(
        rows(&read_one(&mut *source, facet)),
        [
            "'empty'|null|null|null|null",
            "'one'|'r'|60|1970-01-01T00:01:30.000000Z|null",
            "'torn'|null|null|null|null",
        ]
    );
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let facet = ask("journals", "id boot", &[("suffix", text("ne.journal"))]);
    assert_eq!(
        rows(&read_one(&mut *source, facet)),
        [format!("'o'|'{}'", boot.trim())]
    );
}

#[test]
fn a_file_that_somebody_has_is_held_and_stays_so() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = folder.path().join("runs");
    fs::create_dir(&path).unwrap();
    runward_tests::places::set_mode(&path, 0o700);
    for name in ["held.journal", "free.journal"] {
        fs::write(path.join(name), "{}").unwrap();
    }
    let mut source = open("run-dirs", &[("path", shown_path(&path))], LONG);
    let mut look = |held: Option<bool>| {
        let mut settings = vec![("suffix", text(".journal"))];
        settings.extend(held.map(|held| ("held", runward_canary::Setting::Bool(held))));
        rows(&read_one(
            &mut *source,
            ask("journals", "id held:bool", &settings),
        ))
    };
    let file = fs::File::open(path.join("held.journal")).unwrap();
    flock(&file, FlockOperation::LockShared).unwrap();
    assert_eq!(look(None), ["'free'|false", "'held'|true"]);
    assert_eq!(look(Some(true)), ["'held'|true"]);
    assert_eq!(look(Some(false)), ["'free'|false"]);
    flock(&file, FlockOperation::Unlock).unwrap();
    assert!(look(Some(true)).is_empty());
    // Nobody else was kept out by a look.
    let again = fs::File::open(path.join("free.journal")).unwrap();
    flock(&again, FlockOperation::NonBlockingLockExclusive).unwrap();
    runward_tests::places::set_mode(&path, 0o777);
    let facet = ask("journals", "held:bool", &[("suffix", text(".journal"))]);
    assert_eq!(failed(&read_one(&mut *source, facet)), CauseKind::Denied);
}

#[test]
fn a_directory_tells_what_a_file_in_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, owner: &str| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("owner"), owner).unwrap();
        path
    };
    run("a", "run-id = \"b \\\"7\\\" \\\\\"\npid = 12\n");
    run("b", "run-id-other = \"x\"\n");
    run("c", "run-id = \"torn\npid = x\n");
    let away = run("d", "");
    fs::remove_file(away.join("owner")).unwrap();
    symlink(folder.path().join("a/owner"), away.join("owner")).unwrap();
    let pipe = run("e", "");
    fs::remove_file(pipe.join("owner")).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(pipe.join("owner"))
        .status();
    assert!(made.unwrap().success());
    let says = map(&[("run", "owner#run-id"), ("pid", "owner#pid")]);
    let mut source = open("run-dirs", &[("path", shown_path(folder.path()))], LONG);
    assert_eq!(
        rows(&read_one(
            &mut *source,
            ask("states", "id run pid:int", &[("says", says)])
        )),
        [
            "'a'|'b \"7\" \\'|12",
            "'b'|null|null",
            "'c'|null|null",
            "'d'|null|null",
            "'e'|null|null",
        ]
    );
}

#[test]
fn only_who_says_so_takes_a_missing_directory_for_an_empty_one() {
    let folder = tempfile::tempdir_in("/dev/shm").unwrap();
    let none = folder.path().join("none/at/all");
    for kind in ["run-dirs", "flock-dir"] {
        let mut strict = open(kind, &[("path", shown_path(&none))], LONG);
        let read = read_one(&mut *strict, ask("f", "id", &[]));
        assert_eq!(failed(&read), CauseKind::Unreachable, "{kind}");
        let settings = [("path", shown_path(&none)), ("absent", text("empty"))];
        let mut lenient = open(kind, &settings, LONG);
        assert!(rows(&read_one(&mut *lenient, ask("f", "id", &[]))).is_empty());
        // What is there and is no directory is no empty one.
        let file = folder.path().join(kind);
        fs::write(&file, "").unwrap();
        let settings = [("path", shown_path(&file)), ("absent", text("empty"))];
        let mut lenient = open(kind, &settings, LONG);
        failed(&read_one(&mut *lenient, ask("f", "id", &[])));
    }
    assert!(!folder.path().join("none").exists(), "nothing was made");
}
