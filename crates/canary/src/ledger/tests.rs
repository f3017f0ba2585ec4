use std::path::Path;
use std::time::Duration;

use super::*;
use crate::alert::Outbox;
use crate::disk::death;
use crate::{Change, ErrorKind, Facts, Key, Severity, Stamp, State, Transition};

fn at(seconds: i64) -> Stamp {
    Stamp::from_micros(seconds * 1_000_000)
}

fn opened(subject: &str) -> Transition {
    Transition {
        invariant: "S-01".into(),
        at: at(1),
        change: Change::Opened(Key {
            kind: "wrong".into(),
            subject: subject.into(),
            severity: Severity::Major,
            facts: Facts::new(),
            since: None,
        }),
    }
}

/// A state that can be told from others.
fn state(number: u64) -> State {
    let mut state = State::default();
    state.harness.sequence = number;
    state
}

fn open(folder: &Path) -> (Ledger, Loaded) {
    Ledger::open(folder, Retention::default()).expect("the ledger opens")
}

fn commit(ledger: &mut Ledger, number: u64) {
    let done = ledger.commit(
        &state(number),
        &Outbox::default(),
        &[opened(&number.to_string())],
    );
    done.expect("it is committed");
}

/// The subjects of the episodes, which are the numbers of the states with which they were committed.
fn subjects(folder: &Path) -> Vec<String> {
    let episodes = Ledger::episodes(folder).expect("episodes");
    let subject = |it: Episode| it.transition.change.key().expect("a key").subject.clone();
    episodes.into_iter().map(subject).collect()
}

#[test]
fn what_was_committed_is_there_for_the_next() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut ledger, loaded) = open(folder.path());
    assert_eq!(loaded.origin, Origin::Fresh);
    commit(&mut ledger, 1);
    commit(&mut ledger, 2);
    let (mut ledger, loaded) = open(folder.path());
    assert_eq!(
        (loaded.origin, loaded.saved.state),
        (Origin::Current, state(2))
    );
    commit(&mut ledger, 3);
    assert_eq!(subjects(folder.path()), ["1", "2", "3"]);
}

#[test]
fn whoever_dies_between_any_two_steps_leaves_the_old_or_the_new() {
    for steps in 0.. {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut ledger, _) = open(folder.path());
        commit(&mut ledger, 1);
        commit(&mut ledger, 2);
        let (_, died) = death::after(steps, || {
            let _ = ledger.commit(&state(3), &Outbox::default(), &[opened("3")]);
        });
        let (mut ledger, loaded) = open(folder.path());
        assert_eq!(loaded.origin, Origin::Current, "after {steps} steps");
        let sequence = loaded.saved.state.sequence();
        let expected: Vec<_> = (1..=sequence).map(|number| number.to_string()).collect();
        assert!(sequence == 2 || sequence == 3, "after {steps} steps");
        assert_eq!(subjects(folder.path()), expected, "after {steps} steps");
        commit(&mut ledger, sequence + 1);
        if !died {
            assert!(steps > 8, "there were steps to die at");
            return;
        }
    }
}

#[test]
fn a_commit_that_failed_can_be_made_again_by_the_same_writer() {
    for steps in 0.. {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut ledger, _) = open(folder.path());
        commit(&mut ledger, 1);
        let (_, died) = death::after(steps, || {
            let _ = ledger.commit(&state(2), &Outbox::default(), &[opened("2")]);
        });
        commit(&mut ledger, 3);
        let (_, loaded) = open(folder.path());
        assert_eq!(loaded.saved.state, state(3), "after {steps} steps");
        if !died {
            return;
        }
    }
}

#[test]
fn a_torn_or_damaged_state_falls_back_to_the_one_before_and_says_so() {
    let damages: [fn(&mut Vec<u8>); 4] = [
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.clear(),
        |bytes| *bytes.last_mut().expect("a byte") = b'x',
        |bytes| {
            let at = bytes.len() - 10;
            bytes[at] ^= 1;
        },
    ];
    for damage in damages {
        let folder = tempfile::tempdir().expect("a folder");
        let (mut ledger, _) = open(folder.path());
        commit(&mut ledger, 1);
        commit(&mut ledger, 2);
        let path = folder.path().join("state.json");
        let mut bytes = std::fs::read(&path).expect("a state");
        damage(&mut bytes);
        std::fs::write(&path, &bytes).expect("written");
        let (mut ledger, loaded) = open(folder.path());
        assert!(
            matches!(loaded.origin, Origin::Previous(_)),
            "{:?}",
            loaded.origin
        );
        assert_eq!(loaded.saved.state, state(1));
        assert_eq!(
            subjects(folder.path()),
            ["1"],
            "what is told again is not there twice"
        );
        assert_eq!(
            std::fs::read(folder.path().join("state.bad")).expect("kept"),
            bytes
        );
        commit(&mut ledger, 2);
        assert_eq!(open(folder.path()).1.origin, Origin::Current);
    }
}

#[test]
fn a_state_that_is_forgotten_is_not_taken_for_a_fresh_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut ledger, _) = open(folder.path());
    commit(&mut ledger, 1);
    commit(&mut ledger, 2);
    std::fs::remove_file(folder.path().join("state.json")).expect("removed");
    let (_, loaded) = open(folder.path());
    assert!(matches!(loaded.origin, Origin::Previous(_)));
    std::fs::write(folder.path().join("state.prev"), "{").expect("written");
    let (_, loaded) = open(folder.path());
    assert!(matches!(loaded.origin, Origin::Forgotten(_)));
    std::fs::remove_file(folder.path().join("state.prev")).expect("removed");
    let (mut ledger, loaded) = open(folder.path());
    assert!(matches!(loaded.origin, Origin::Forgotten(_)));
    commit(&mut ledger, 9);
    assert_eq!(subjects(folder.path()), ["1", "9"], "its history stays");
}

#[test]
fn a_second_writer_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut first, _) = open(folder.path());
    commit(&mut first, 1);
    let (mut second, _) = open(folder.path());
    commit(&mut second, 2);
    let error = first
        .commit(&state(3), &Outbox::default(), &[])
        .expect_err("it is not alone");
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(open(folder.path()).1.saved.state, state(2));
    commit(&mut second, 4);
}

#[test]
fn a_half_line_of_a_killed_writer_is_cut() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut ledger, _) = open(folder.path());
    commit(&mut ledger, 1);
    let log = folder.path().join("episodes.jsonl");
    let mut text = std::fs::read_to_string(&log).expect("episodes");
    text.push_str("{\"commit\":2,\"inv");
    std::fs::write(&log, text).expect("written");
    let (mut ledger, _) = open(folder.path());
    commit(&mut ledger, 2);
    assert_eq!(subjects(folder.path()), ["1", "2"]);
}

#[test]
fn snapshots_are_kept_by_number_and_by_age() {
    let folder = tempfile::tempdir().expect("a folder");
    let terms = Retention {
        snapshots: 3,
        snapshot_age: Duration::from_secs(100),
        ..Retention::default()
    };
    let (ledger, _) = Ledger::open(folder.path(), terms).expect("the ledger opens");
    for second in 0..5 {
        ledger.keep(at(second), "{}").expect("kept");
    }
    assert_eq!(Ledger::snapshots(folder.path()).len(), 3);
    ledger.keep(at(104), "{}").expect("kept");
    assert_eq!(
        Ledger::snapshots(folder.path()).len(),
        2,
        "100 seconds old is kept, 101 is not"
    );
}

#[test]
fn episodes_are_put_away_when_they_are_many_and_removed_when_they_are_old() {
    let folder = tempfile::tempdir().expect("a folder");
    let terms = Retention {
        episode_bytes: 1,
        episodes: Duration::from_secs(100),
        ..Retention::default()
    };
    let (mut ledger, _) = Ledger::open(folder.path(), terms).expect("the ledger opens");
    commit(&mut ledger, 1);
    ledger.keep(at(0), "{}").expect("kept");
    commit(&mut ledger, 2);
    ledger.keep(at(100), "{}").expect("kept");
    commit(&mut ledger, 3);
    assert_eq!(subjects(folder.path()), ["1", "2", "3"]);
    ledger.keep(at(101), "{}").expect("kept");
    assert_eq!(subjects(folder.path()), ["2", "3"]);
}

#[test]
fn a_full_disk_is_an_error_and_the_old_state_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    let (mut ledger, _) = open(folder.path());
    commit(&mut ledger, 1);
    // A directory in the place of the new file cannot be written, whoever we are.
    std::fs::create_dir(folder.path().join(".state.json.new")).expect("a folder");
    let error = ledger
        .commit(&state(2), &Outbox::default(), &[opened("2")])
        .expect_err("no");
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert_eq!(open(folder.path()).1.saved.state, state(1));
    assert_eq!(subjects(folder.path()), ["1"]);
}

#[test]
fn what_cannot_be_put_away_stays_where_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let terms = Retention {
        episode_bytes: 1,
        ..Retention::default()
    };
    let (mut ledger, _) = Ledger::open(folder.path(), terms).expect("the ledger opens");
    commit(&mut ledger, 1);
    let taken = folder.path().join(format!("episodes-{}.jsonl", at(9)));
    std::fs::create_dir(&taken).expect("something in the way");
    assert!(ledger.keep(at(9), "{}").is_err());
    std::fs::remove_dir(&taken).expect("out of the way");
    assert_eq!(subjects(folder.path()), ["1"]);
}

#[test]
fn numbers_of_episodes_that_were_put_away_are_not_used_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let terms = Retention {
        episode_bytes: 1,
        ..Retention::default()
    };
    let (mut ledger, _) = Ledger::open(folder.path(), terms).expect("the ledger opens");
    commit(&mut ledger, 1);
    commit(&mut ledger, 2);
    ledger.keep(at(9), "{}").expect("they are put away");
    for name in ["state.json", "state.prev"] {
        std::fs::write(folder.path().join(name), "torn").expect("a file");
    }
    let (mut ledger, loaded) = open(folder.path());
    assert!(matches!(loaded.origin, Origin::Forgotten(_)));
    commit(&mut ledger, 3);
    let episodes = Ledger::episodes(folder.path()).expect("episodes");
    let numbers: Vec<u64> = episodes.iter().map(|it| it.commit).collect();
    assert_eq!(numbers, [1, 2, 3]);
}
