//! Bundles made to hang, to exhaust or to deceive. Each ends with a clear outcome, soon.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use runward_evidence::{Dir, FailureKind, Report, Source, Spec, Terms, Verdict, verify};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::harness::{failures, memory, rule, skip, spec};

const SPEC: &str = "[[artifact]]\nid = 'a'\nfile = 'sub/a.json'\nkind = 'json'\n";

/// Judges a directory, or says that this takes for ever.
fn judged(make: impl FnOnce(&Path)) -> Report {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("sub")).unwrap();
    make(root.path());
    let path = root.path().to_owned();
    let (done, wait) = mpsc::channel();
    std::thread::spawn(move || {
        let spec = Spec::parse("s.toml", &spec(SPEC)).unwrap();
        let _ = done.send(verify(&spec, &Dir::open(path).unwrap(), &Terms::new()));
    });
    wait.recv_timeout(Duration::from_secs(30))
        .expect("a verdict within half a minute")
}

#[track_caller]
fn ends_as(kind: FailureKind, make: impl FnOnce(&Path)) {
    let report = judged(make);
    let failed = report
        .judgements()
        .iter()
        .find_map(|judged| judged.failure());
    assert_eq!(
        failed.map(|failure| failure.kind()),
        Some(kind),
        "{}",
        report.render(Default::default())
    );
    assert_ne!(report.verdict(), Verdict::Proven);
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    ends_as(FailureKind::NotAFile, |root| {
        mknodat(CWD, root.join("sub/a.json"), FileType::Fifo, Mode::RUSR, 0).unwrap();
    });
    ends_as(FailureKind::NotAFile, |root| {
        fs::create_dir(root.join("sub/a.json")).unwrap()
    });
    ends_as(FailureKind::NotAFile, |root| {
        fs::write(root.join("real.json"), "1").unwrap();
        symlink("../real.json", root.join("sub/a.json")).unwrap();
    });
    ends_as(FailureKind::NotAFile, |root| {
        symlink("a.json", root.join("sub/a.json")).unwrap()
    });
    ends_as(FailureKind::NotAFile, |root| {
        drop(std::os::unix::net::UnixListener::bind(root.join("sub/a.json")).unwrap());
    });
    ends_as(FailureKind::NotAFile, |root| {
        fs::create_dir(root.join("real")).unwrap();
        fs::write(root.join("real/a.json"), "1").unwrap();
        fs::remove_dir(root.join("sub")).unwrap();
        symlink("real", root.join("sub")).unwrap();
    });
    ends_as(FailureKind::NotAFile, |root| {
        fs::remove_dir(root.join("sub")).unwrap();
        fs::write(root.join("sub"), "1").unwrap();
    });
    ends_as(FailureKind::MissingArtifact, |_| {});
}

#[test]
fn what_is_no_regular_file_is_not_counted_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let text = "schema = 1\nid = 't'\n[[rule]]\nid = 'logs'\ncheck = 'files'\nfiles = '*.log'\nmin_matches = 2\n";
    let spec = Spec::parse("t.toml", text).unwrap();
    let judge = || verify(&spec, &Dir::open(dir.path()).unwrap(), &Terms::new());
    fs::write(dir.path().join("a.log"), "x").unwrap();
    fs::write(dir.path().join("b.log"), "").unwrap();
    assert_eq!(judge().verdict(), Verdict::Proven);
    fs::remove_file(dir.path().join("b.log")).unwrap();
    symlink("a.log", dir.path().join("b.log")).unwrap();
    let report = judge();
    let failure = report.judgement("logs").and_then(|one| one.failure());
    assert_eq!(failure.map(|one| one.kind()), Some(FailureKind::NotAFile));
    assert_eq!(report.verdict(), Verdict::Inconclusive);
}

#[test]
fn a_directory_that_is_none_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("f");
    fs::write(&file, "x").unwrap();
    for path in [file, root.path().join("missing")] {
        let error = Dir::open(&path).unwrap_err().to_string();
        assert!(error.contains(&*path.to_string_lossy()), "{error}");
    }
}

#[test]
fn a_file_of_a_gigabyte_is_refused_unread() {
    ends_as(FailureKind::TooLarge, |root| {
        let file = fs::File::create(root.join("sub/a.json")).unwrap();
        file.set_len(1 << 30).unwrap();
    });
}

#[test]
fn a_million_brackets_are_refused_where_they_go_too_deep() {
    let report = judged(|root| fs::write(root.join("sub/a.json"), "[".repeat(1_000_000)).unwrap());
    let judged = report.judgement("parse.a").unwrap();
    assert_eq!(judged.failure().unwrap().kind(), FailureKind::TooDeep);
    assert_eq!(judged.place().unwrap().column(), Some(129));
}

#[test]
fn a_file_that_grows_while_it_is_read_is_refused_or_whole() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.json");
    fs::write(&path, "1\n".repeat(100)).unwrap();
    let dir = Dir::open(root.path()).unwrap();
    let (stop, stopped) = mpsc::channel::<()>();
    let writer = std::thread::spawn(move || {
        use std::io::Write;
        let mut file = fs::File::options().append(true).open(path).unwrap();
        for _ in 0..1_000_000 {
            if stopped.try_recv() != Err(mpsc::TryRecvError::Empty) {
                break;
            }
            file.write_all(b"1\n").unwrap();
        }
    });
    // Each read is whole or refused; the first refusal is what is waited for.
    let refused = (0..20_000).any(|_| match dir.read("a.json", &Terms::new()) {
        Ok(bytes) => {
            assert_eq!(bytes.len() % 2, 0);
            false
        }
        Err(error) => {
            assert_eq!(error, runward_evidence::ReadError::Changed);
            true
        }
    });
    drop(stop);
    writer.join().unwrap();
    assert!(refused);
}

#[test]
fn a_file_without_permission_is_unreadable() {
    const TEST: &str = "hostile::a_file_without_permission_is_unreadable";
    if rustix::process::geteuid().is_root() {
        return as_nobody(TEST);
    }
    ends_as(FailureKind::Unreadable, |root| {
        let path = root.join("sub/a.json");
        fs::write(&path, "1").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o000)).unwrap();
    });
}

/// Runs this one test again as somebody who may not read everything.
fn as_nobody(test: &str) {
    const NOBODY: u32 = 65_534;
    // The program may lie where nobody else may look.
    let place = tempfile::tempdir().unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = place.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(program);
    command
        .args(["--exact", test])
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/");
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return skip(test, &format!("cannot run as nobody: {error}")),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

/// A source of which nothing can be had, whoever asks.
struct Refusing;

impl Source for Refusing {
    fn list(&self, terms: &Terms) -> Result<Vec<String>, runward_evidence::Error> {
        Dir::open("/nonexistent").and_then(|dir| dir.list(terms))
    }

    fn read(&self, _: &str, _: &Terms) -> Result<Vec<u8>, runward_evidence::ReadError> {
        Err(runward_evidence::ReadError::Refused(
            "the disk is gone".to_owned(),
        ))
    }
}

#[test]
fn what_cannot_be_read_or_listed_is_inconclusive() {
    let spec = Spec::parse("s.toml", &spec(SPEC)).unwrap();
    let report = verify(&spec, &Refusing, &Terms::new());
    assert_eq!(report.verdict(), Verdict::Inconclusive);
    let kind = |id: &str| report.judgement(id).unwrap().failure().unwrap().kind();
    assert_eq!(kind("present.a"), FailureKind::Unreadable);
    assert_eq!(kind("unread"), FailureKind::Unlisted);
    // No file is at fault, so none is to be removed or ignored.
    let unlisted = report.judgement("unread").unwrap();
    assert_eq!(unlisted.failure().unwrap().help(), None);
}

#[test]
fn names_that_are_no_text_are_named_all_the_same() {
    let report = judged(|root| {
        fs::write(root.join("sub/a.json"), "1").unwrap();
        fs::write(root.join("line\nbreak\u{1b}[2J"), "").unwrap();
        fs::write(root.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), "").unwrap();
    });
    assert_eq!(failures(&report), ["unread"]);
    let message = report
        .judgement("unread")
        .unwrap()
        .failure()
        .unwrap()
        .message()
        .to_owned();
    assert!(
        message.contains("`\\\\xff\\\\xfe` and 1 more") || message.contains("`line\\nbreak"),
        "{message}"
    );
    assert!(!report.render(Default::default()).contains('\u{1b}'));
}

#[test]
fn a_hundred_thousand_files_are_too_many() {
    let mut bundle = memory(&[]);
    for number in 0..100_000 {
        bundle.insert(format!("{number}"), "");
    }
    let spec = Spec::parse("s.toml", &spec("")).unwrap();
    let report = verify(&spec, &bundle, &Terms::new());
    assert_eq!(failures(&report), ["unread"]);
    assert_eq!(
        report
            .judgement("unread")
            .unwrap()
            .failure()
            .unwrap()
            .kind(),
        FailureKind::Unlisted
    );
    let root = tempfile::tempdir().unwrap();
    for number in 0..30 {
        fs::write(root.path().join(number.to_string()), "").unwrap();
    }
    let dir = Dir::open(root.path()).unwrap();
    assert!(dir.list(&Terms::new().max_files(29)).is_err());
    assert_eq!(dir.list(&Terms::new().max_files(30)).unwrap().len(), 30);
}

#[test]
fn patterns_that_explode_elsewhere_are_linear_here() {
    let text = rule("check = 'matches'\ntext = 't'\nregex = '^(a+)+$'");
    let spec = Spec::parse("s.toml", &text).unwrap();
    let long = "a".repeat(1_000_000) + "b";
    let report = verify(
        &spec,
        &memory(&[("a.json", "0"), ("b.json", "0"), ("t.txt", &long)]),
        &Terms::new(),
    );
    assert_eq!(failures(&report), ["r"]);
}

#[test]
fn objects_of_many_keys_are_compared_in_time() {
    let object = |keys: &mut dyn Iterator<Item = u32>| {
        let members: Vec<String> = keys.map(|key| format!("\"k{key}\":{key}")).collect();
        format!("{{{}}}", members.join(","))
    };
    let (a, b) = (object(&mut (0..100_000)), object(&mut (0..100_000).rev()));
    let spec = Spec::parse("s.toml", &rule("check = 'same'\nleft = 'a:'\nright = 'b:'")).unwrap();
    let report = verify(
        &spec,
        &memory(&[("a.json", &a), ("b.json", &b), ("t.txt", "x")]),
        &Terms::new(),
    );
    assert_eq!(report.verdict(), Verdict::Proven);
}
