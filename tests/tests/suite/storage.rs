//! Directories that cannot be trusted or written, and disks that are full.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use runward_tests::places::{self, Tmpfs};
use runward_tests::skip::{is_root, skip};
use runward_tests::{Ended, Leaf, Sandbox, Teardown, Then};

/// A run that must not start: the program, the message and the code say so.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, option: &str, folder: &Path) {
    let ran = sandbox.fresh("ran");
    let run = sandbox.run().app("a").option(option, folder);
    let ended = run.program(["touch".as_ref(), ran.as_os_str()]).finish();
    ended.assert_code(125);
    assert!(
        !ran.exists(),
        "{option} {}: the program ran",
        folder.display()
    );
    assert!(
        ended.stderr.contains(&folder.display().to_string()),
        "no path in {}",
        ended.stderr
    );
}

#[test]
fn a_directory_that_others_can_write_to() {
    let sandbox = Sandbox::new(20);
    for (mode, option) in [
        (0o777, "--lock-dir"),
        (0o770, "--lock-dir"),
        (0o1777, "--lock-dir"),
        (0o777, "--home"),
    ] {
        let folder = sandbox.fresh("open");
        fs::create_dir(&folder).expect("a directory");
        places::set_mode(&folder, mode);
        assert_refused(&sandbox, option, &folder);
    }
}

#[test]
fn a_directory_that_is_a_symlink() {
    let sandbox = Sandbox::new(20);
    for option in ["--lock-dir", "--home"] {
        let (target, link) = (sandbox.fresh("target"), sandbox.fresh("link"));
        fs::create_dir(&target).expect("a directory");
        places::set_mode(&target, 0o700);
        symlink(&target, &link).expect("a symlink");
        assert_refused(&sandbox, option, &link);
        assert_eq!(fs::read_dir(&target).expect("a directory").count(), 0);
    }
}

#[test]
fn a_directory_of_somebody_else() {
    if !is_root() {
        return skip(
            "a_directory_of_somebody_else",
            "needs root, to give a directory away",
        );
    }
    let sandbox = Sandbox::new(20);
    let folder = sandbox.path("theirs");
    fs::create_dir(&folder).expect("a directory");
    places::set_mode(&folder, 0o700);
    places::give_to_nobody(&folder);
    assert_refused(&sandbox, "--lock-dir", &folder);
}

#[test]
fn a_file_is_no_directory() {
    let sandbox = Sandbox::new(20);
    let file = sandbox.path("file");
    fs::write(&file, "").expect("a file");
    for option in ["--lock-dir", "--home"] {
        assert_refused(&sandbox, option, &file);
    }
}

fn mounted(test: &str, sandbox: &Sandbox) -> Option<Tmpfs> {
    let mounted = is_root()
        .then(|| Tmpfs::mount(&sandbox.fresh("disk"), 256))
        .flatten();
    if mounted.is_none() {
        skip(test, "needs root, to mount a file system");
    }
    mounted
}

#[test]
fn locks_on_a_full_or_read_only_disk() {
    let sandbox = Sandbox::new(30);
    let Some(full) = mounted("locks_on_a_full_or_read_only_disk", &sandbox) else {
        return;
    };
    full.fill();
    // The first directory that has to be made may still fit; what has to be written does not.
    assert_refused_or_whole(&sandbox, "--lock-dir", full.path());
    let Some(fixed) = mounted("locks_on_a_full_or_read_only_disk", &sandbox) else {
        return;
    };
    fixed.make_read_only();
    assert_refused(&sandbox, "--lock-dir", fixed.path());
}

#[test]
fn home_on_a_full_or_read_only_disk() {
    let sandbox = Sandbox::new(30);
    let Some(full) = mounted("home_on_a_full_or_read_only_disk", &sandbox) else {
        return;
    };
    full.fill();
    assert_refused_or_whole(&sandbox, "--home", full.path());
    let Some(fixed) = mounted("home_on_a_full_or_read_only_disk", &sandbox) else {
        return;
    };
    fixed.make_read_only();
    assert_refused(&sandbox, "--home", fixed.path());
}

/// Either the run does not start, or it does all that it does otherwise.
#[track_caller]
fn assert_refused_or_whole(sandbox: &Sandbox, option: &str, folder: &Path) {
    let ran = sandbox.fresh("ran");
    let teardown = Teardown::new(sandbox);
    let run = sandbox
        .run()
        .app("a")
        .teardown(teardown.command())
        .option(option, folder);
    let ended = run.program(["touch".as_ref(), ran.as_os_str()]).finish();
    if ran.exists() {
        ended.assert_code(0);
        teardown.assert_once();
    } else {
        ended.assert_code(125);
        assert!(
            ended.stderr.contains(&folder.display().to_string()),
            "no path in {}",
            ended.stderr
        );
    }
}

/// A run whose record or events have nowhere to go still does its work, and says what is lost.
#[track_caller]
fn assert_whole(sandbox: &Sandbox, option: &str, file: &Path) -> Ended {
    let mut line = sandbox.line();
    let teardown = Teardown::new(sandbox);
    let plant = sandbox
        .plant()
        .line(&line)
        .leaves(&Leaf::MATRIX)
        .then(Then::Exit(7));
    let run = sandbox
        .run()
        .app("a")
        .teardown(teardown.command())
        .option(option, file);
    let ended = run.program(plant.command()).finish();
    if ended.code == Some(125) {
        assert_eq!(teardown.counts(), (0, 0), "refused before the start");
    } else {
        ended.assert_code(7);
        line.wait_end();
        teardown.assert_once();
    }
    sandbox.assert_no_survivors();
    assert!(
        ended.stderr.contains(&file.display().to_string()),
        "no path in {}",
        ended.stderr
    );
    ended
}

#[test]
fn record_and_events_on_a_full_or_read_only_disk() {
    let sandbox = Sandbox::new(60);
    let test = "record_and_events_on_a_full_or_read_only_disk";
    for option in ["--result", "--events"] {
        let Some(full) = mounted(test, &sandbox) else {
            return;
        };
        full.fill();
        assert_whole(&sandbox, option, &full.path().join("file"));
        let Some(fixed) = mounted(test, &sandbox) else {
            return;
        };
        fixed.make_read_only();
        assert_whole(&sandbox, option, &fixed.path().join("file"));
    }
}

#[test]
fn record_and_events_in_a_folder_that_is_not_there() {
    let sandbox = Sandbox::new(30);
    for option in ["--result", "--events"] {
        assert_whole(&sandbox, option, &sandbox.path("none/file"));
    }
}

#[test]
fn the_record_replaces_whole_files_only() {
    let sandbox = Sandbox::new(30);
    let result = sandbox.path("result");
    fs::write(&result, "the last one").expect("a file");
    sandbox
        .run()
        .option("--result", &result)
        .shell("exit 0")
        .finish()
        .assert_code(0);
    let record = runward_tests::Record::read(&result);
    assert_eq!(record.schema, 1);
    let names = fs::read_dir(sandbox.root())
        .expect("a directory")
        .flatten()
        .map(|entry| entry.file_name());
    let leftovers: Vec<_> = names
        .filter(|name| name.to_string_lossy().contains("result") && name != "result")
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");
}

#[test]
fn each_event_is_a_whole_line() {
    let sandbox = Sandbox::new(30);
    let events = sandbox.path("events");
    let mut line = sandbox.line();
    let plant = sandbox.plant().line(&line).leaves(&Leaf::MATRIX);
    let run = sandbox
        .run()
        .option("--events", &events)
        .option("--grace", "0.2s");
    let running = run.program(plant.command()).spawn_ready(&mut line);
    let guardian = running.guardian();
    running.signal(rustix::process::Signal::KILL);
    if let Some(pidfd) = guardian.pidfd() {
        assert!(runward_tests::procs::wait_end(&pidfd, sandbox.until()));
    }
    let text = fs::read_to_string(&events).expect("events");
    assert!(text.ends_with('\n') && text.lines().count() > 1, "{text:?}");
    for one in text.lines() {
        let _: serde_json::Value =
            serde_json::from_str(one).unwrap_or_else(|error| panic!("{error} in {one:?}"));
    }
}

#[test]
fn the_directory_of_a_result_in_the_home_is_made() {
    let sandbox = Sandbox::new(20);
    let result = sandbox.path("home/results/shop/last.json");
    let run = sandbox.run().option("--result", &result).program(["true"]);
    let ended = run.finish();
    ended.assert_code(0);
    assert_eq!(ended.record().exit, 0);
}
