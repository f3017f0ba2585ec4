use std::time::{Duration, Instant};

use runward_canary::{Ask, CauseKind, Cut, Setting, Value};
use rusqlite::Connection;

use crate::harness::*;

pub(crate) const MADE: &str = "CREATE TABLE jobs (id TEXT, agent TEXT, started_at TEXT, cap INTEGER, open BOOLEAN);
    INSERT INTO jobs VALUES ('e1', 'a', '2026-05-20T12:00:00Z', 3, '1'), ('e2', 'b', NULL, NULL, '0'), ('e''3', 'it''s', 'soon', 1, '1');";

pub(crate) fn whole() -> Ask {
    ask(
        "jobs",
        "subject id born:time cap:int open:bool",
        &[
            (
                "query",
                text("SELECT id, agent, started_at, cap, open FROM jobs"),
            ),
            ("subject", text("agent")),
            ("born", text("started_at")),
        ],
    )
}

pub(crate) fn mine() -> Ask {
    ask(
        "jobs",
        "subject id",
        &[
            ("query", text("SELECT id FROM jobs WHERE agent = :subject")),
            ("subjects", text("roster")),
        ],
    )
}

pub(crate) fn count() -> Ask {
    ask(
        "count",
        "subject count:int",
        &[
            (
                "query",
                text("SELECT count(*) FROM jobs WHERE agent = :subject"),
            ),
            ("subjects", text("roster")),
            ("as", text("count")),
        ],
    )
}

pub(crate) const ROWS: [&str; 3] = [
    "'a'|'e1'|2026-05-20T12:00:00.000000Z|3|true",
    "'b'|'e2'|null|null|false",
    "'it's'|'e'3'|'soon'|1|true",
];

fn database() -> (tempfile::TempDir, Connection, Setting) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(MADE).unwrap();
    let path = shown_path(&path);
    (folder, connection, path)
}

#[test]
fn rows_counts_and_instants_are_read() {
    let (_folder, _kept, path) = database();
    let mut source = open("sqlite", &[("path", path)], LONG);
    let last = ask(
        "last",
        "stamp:time",
        &[
            (
                "query",
                text("SELECT max(started_at) FROM jobs WHERE id = 'e1'"),
            ),
            ("as", text("stamp")),
        ],
    );
    let none = ask(
        "none",
        "stamp:time",
        &[
            ("query", text("SELECT started_at FROM jobs WHERE id = 'x'")),
            ("as", text("stamp")),
        ],
    );
    let read = read(
        &mut *source,
        &[whole(), mine(), count(), last, none],
        &roster(&["it's", "b", "x"]),
    );
    assert_eq!(rows(&read[0]), ROWS);
    assert_eq!(rows(&read[1]), ["'b'|'e2'", "'it's'|'e'3'"]);
    assert_eq!(rows(&read[2]), ["'b'|1", "'it's'|1", "'x'|0"]);
    assert_eq!(rows(&read[3]), ["2026-05-20T12:00:00.000000Z"]);
    assert_eq!(rows(&read[4]), ["null"]);
}

#[test]
fn a_second_look_is_at_those_that_were_named() {
    let (_folder, _kept, path) = database();
    let mut source = open("sqlite", &[("path", path)], LONG);
    let read = read(
        &mut *source,
        &[only(whole(), &["b"]), only(mine(), &["b"])],
        &roster(&["a", "b"]),
    );
    assert_eq!(rows(&read[0]), [ROWS[1]]);
    assert_eq!(rows(&read[1]), ["'b'|'e2'"]);
}

#[test]
fn hostile_names_are_values() {
    let (_folder, kept, path) = database();
    let names = hostile();
    for name in &names {
        kept.execute("INSERT INTO jobs (id, agent) VALUES ('h', ?1)", [name])
            .unwrap();
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut source = open("sqlite", &[("path", path)], LONG);
    let read = read(&mut *source, &[mine()], &roster(&names)).remove(0);
    assert_eq!(read.table().unwrap().len(), names.len());
    assert!(
        read.table()
            .unwrap()
            .rows()
            .all(|row| names.contains(&row.at(0).as_text().unwrap())
                && *row.at(1) == Value::text("h"))
    );
}

#[test]
fn a_file_that_is_missing_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none");
    let mut source = open("sqlite", &[("path", shown_path(&path))], LONG);
    assert_eq!(
        failed(&read_one(&mut *source, whole())),
        CauseKind::Unreachable
    );
    assert!(!path.exists());
    for wrong in [folder.path().to_owned(), "/dev/null".into()] {
        let mut source = open("sqlite", &[("path", shown_path(&wrong))], LONG);
        assert_eq!(failed(&read_one(&mut *source, whole())), CauseKind::Garbled);
    }
}

#[test]
fn a_file_that_is_no_database_is_garbled_and_an_empty_one_has_no_table() {
    let folder = tempfile::tempdir().unwrap();
    for text in [
        "",
        "no database, but long enough to be looked at as one, with a header that is none of its own kind at all, whatever",
    ] {
        let path = folder.path().join("db");
        std::fs::write(&path, text).unwrap();
        let mut source = open("sqlite", &[("path", shown_path(&path))], LONG);
        assert_eq!(failed(&read_one(&mut *source, whole())), CauseKind::Garbled);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

#[test]
fn another_file_at_the_path_is_seen() {
    let (folder, _kept, path) = database();
    let mut source = open("sqlite", &[("path", path)], LONG);
    let old = read_one(&mut *source, whole());
    let new = folder.path().join("new");
    Connection::open(&new)
        .unwrap()
        .execute_batch(&MADE.replace("e1", "e9"))
        .unwrap();
    std::fs::rename(&new, folder.path().join("db")).unwrap();
    let new = read_one(&mut *source, whole());
    assert!(rows(&new)[0].contains("e9"), "{new:?}");
    assert_ne!(old.watermark(), new.watermark());
}

#[test]
fn a_change_moves_the_watermark_and_nothing_else_does() {
    let (_folder, kept, path) = database();
    let mut source = open("sqlite", &[("path", path)], LONG);
    let mark = |read: runward_canary::Reading| read.watermark().unwrap().to_owned();
    let first = mark(read_one(&mut *source, whole()));
    assert_eq!(mark(read_one(&mut *source, whole())), first);
    kept.execute("DELETE FROM jobs", []).unwrap();
    assert_ne!(mark(read_one(&mut *source, whole())), first);
}

#[test]
fn a_column_that_is_not_there_fails_its_facet_alone() {
    let (_folder, _kept, path) = database();
    let mut source = open("sqlite", &[("path", path)], LONG);
    let lease = ask(
        "lease",
        "id lease:time",
        &[("query", text("SELECT id FROM jobs"))],
    );
    let table = ask("table", "id", &[("query", text("SELECT id FROM nowhere"))]);
    let read = read(&mut *source, &[lease, table, whole()], &Cut::new());
    assert_eq!(failed(&read[0]), CauseKind::Garbled);
    assert_eq!(failed(&read[1]), CauseKind::Garbled);
    assert_eq!(rows(&read[2]), ROWS);
}

#[test]
fn a_query_that_never_ends_and_a_writer_that_never_commits_are_timeouts() {
    let (_folder, kept, path) = database();
    let short = Duration::from_millis(300);
    let mut source = open("sqlite", &[("path", path)], short);
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS id FROM n WHERE i < 0";
    let begun = Instant::now();
    assert_eq!(
        failed(&read_one(
            &mut *source,
            ask("endless", "id", &[("query", text(endless))])
        )),
        CauseKind::Timeout
    );
    kept.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; DELETE FROM jobs")
        .unwrap();
    assert_eq!(failed(&read_one(&mut *source, whole())), CauseKind::Timeout);
    assert!(begun.elapsed() < 20 * short);
    kept.execute_batch("ROLLBACK; PRAGMA locking_mode = NORMAL; SELECT * FROM jobs")
        .unwrap();
    assert_eq!(rows(&read_one(&mut *source, whole())), ROWS);
}

#[test]
fn a_query_that_writes_is_denied() {
    let (_folder, kept, path) = database();
    let mut source = open("sqlite", &[("path", path)], LONG);
    let write = "WITH gone AS (SELECT 1) DELETE FROM jobs RETURNING id";
    let read = read_one(&mut *source, ask("write", "id", &[("query", text(write))]));
    assert_eq!(failed(&read), CauseKind::Denied);
    let left: i64 = kept
        .query_row("SELECT count(*) FROM jobs", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 3);
}
