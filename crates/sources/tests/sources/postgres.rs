use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use runward_canary::{CauseKind, Cut, Setting, Value};

use crate::harness::*;
use crate::sqlite::{MADE, ROWS, count, mine, whole};

fn unix(server: &Server) -> Setting {
    let folder = server.folder.path().display();
    text(format!(
        "postgres:///postgres?host={folder}&port={}&user=nobody",
        server.port
    ))
}

fn tcp(server: &Server, password: &str) -> Setting {
    text(format!(
        "postgres://nobody:{password}@127.0.0.1:{}/postgres",
        server.port
    ))
}

#[test]
fn the_same_queries_give_the_same_rows_as_on_sqlite() {
    let Some(server) = postgres("postgres looks") else {
        return;
    };
    psql(&server, MADE).unwrap();
    for url in [unix(&server), tcp(&server, "p%40ss%20word")] {
        let mut source = open("postgres", &[("url", url)], LONG);
        let read = read(
            &mut *source,
            &[whole(), mine(), count(), only(whole(), &["b"])],
            &roster(&["it's", "b", "x"]),
        );
        assert_eq!(rows(&read[0]), ROWS);
        assert_eq!(rows(&read[1]), ["'b'|'e2'", "'it's'|'e'3'"]);
        assert_eq!(rows(&read[2]), ["'b'|1", "'it's'|1", "'x'|0"]);
        assert_eq!(rows(&read[3]), [ROWS[1]]);
        assert!(
            read[0].watermark().unwrap().starts_with("snapshot="),
            "{read:?}"
        );
        assert_eq!(read[0].watermark(), read[2].watermark());
    }
}

#[test]
fn types_of_the_server_are_kept_and_times_are_instants() {
    let Some(server) = postgres("postgres types") else {
        return;
    };
    let query = "SELECT 7 AS i, true AS b, timestamptz '2026-05-20 14:00:00.25+02' AS z, timestamp '2026-05-20 12:00' AS n, 1.50 AS d, NULL AS x";
    let mut source = open("postgres", &[("url", unix(&server))], LONG);
    let read = read_one(
        &mut *source,
        ask(
            "types",
            "i:any b:any z:any n:time d:any x:int",
            &[("query", text(query))],
        ),
    );
    assert_eq!(
        rows(&read),
        ["7|true|2026-05-20T12:00:00.250000Z|2026-05-20T12:00:00.000000Z|'1.50'|null"]
    );
}

#[test]
fn hostile_names_are_values_and_a_zero_is_a_gap() {
    let Some(server) = postgres("postgres names") else {
        return;
    };
    psql(&server, MADE).unwrap();
    let names = hostile();
    for name in names.iter().filter(|name| name.len() < 1000) {
        psql(
            &server,
            &format!("INSERT INTO jobs (id, agent) VALUES ('h', {})", sql(name)),
        )
        .unwrap();
    }
    let mut subjects: Vec<&str> = names.iter().map(String::as_str).collect();
    subjects.push("a\0b");
    let mut source = open("postgres", &[("url", unix(&server))], LONG);
    let read = read(&mut *source, &[mine()], &roster(&subjects)).remove(0);
    let table = read.table().unwrap();
    assert_eq!(table.len(), names.len() - 1);
    assert!(
        table
            .rows()
            .all(|row| subjects.contains(&row.at(0).as_text().unwrap())
                && *row.at(1) == Value::text("h"))
    );
    assert_eq!(read.gaps()["a\0b"].kind(), CauseKind::Malformed);
    assert_eq!(
        psql(&server, "SELECT count(*) FROM jobs WHERE id <> 'h'")
            .unwrap()
            .trim(),
        "3"
    );
}

#[test]
fn many_subjects_go_through_in_one_transaction() {
    let Some(server) = postgres("postgres many") else {
        return;
    };
    psql(&server, MADE).unwrap();
    psql(&server, "INSERT INTO jobs (id, agent) SELECT 'j' || i, 'agent' || i FROM generate_series(1, 2000) i").unwrap();
    let names: Vec<String> = (1..=2000).map(|i| format!("agent{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut source = open("postgres", &[("url", unix(&server))], LONG);
    let read = read(&mut *source, &[mine()], &roster(&names)).remove(0);
    assert_eq!(read.table().unwrap().len(), 2000);
}

#[test]
fn a_server_that_is_stopped_or_slow_is_a_timeout() {
    let Some(server) = postgres("postgres stopped") else {
        return;
    };
    psql(&server, MADE).unwrap();
    let short = Duration::from_millis(500);
    for url in [unix(&server), tcp(&server, "p%40ss%20word")] {
        let mut source = open("postgres", &[("url", url)], short);
        let begun = Instant::now();
        server.signal(Signal::SIGSTOP);
        let stopped = read_one(&mut *source, whole());
        server.signal(Signal::SIGCONT);
        assert_eq!(failed(&stopped), CauseKind::Timeout);
        let slow = ask(
            "slow",
            "id",
            &[("query", text("SELECT 'x' AS id FROM pg_sleep(600)"))],
        );
        assert_eq!(failed(&read_one(&mut *source, slow)), CauseKind::Timeout);
        assert!(begun.elapsed() < 10 * short);
    }
    // Its own limit frees the server of a query that nobody waits for.
    until("nobody sleeps", || {
        psql(&server, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND state = 'active' AND pid <> pg_backend_pid()")
            .is_some_and(|count| count.trim() == "0")
    });
}

#[test]
fn who_is_killed_is_unreachable_and_who_is_refused_is_denied() {
    let Some(mut server) = postgres("postgres killed") else {
        return;
    };
    psql(&server, MADE).unwrap();
    let mut wrong = open("postgres", &[("url", tcp(&server, "hunter2"))], LONG);
    let read = read_one(&mut *wrong, whole());
    assert_eq!(failed(&read), CauseKind::Denied);
    assert!(!format!("{read:?}").contains("hunter2"));
    psql(&server, "CREATE ROLE other LOGIN").unwrap();
    let folder = server.folder.path().display().to_string();
    let other = format!(
        "postgres:///postgres?host={folder}&port={}&user=other",
        server.port
    );
    let mut other = open("postgres", &[("url", text(other))], LONG);
    assert_eq!(failed(&read_one(&mut *other, whole())), CauseKind::Denied);
    let mut source = open("postgres", &[("url", unix(&server))], LONG);
    server.signal(Signal::SIGQUIT);
    server.child.wait().unwrap();
    assert_eq!(
        failed(&read_one(&mut *source, whole())),
        CauseKind::Unreachable
    );
}

#[test]
fn a_facet_that_fails_takes_no_other_with_it_and_none_writes() {
    let Some(server) = postgres("postgres fails") else {
        return;
    };
    psql(&server, MADE).unwrap();
    psql(&server, "CREATE SEQUENCE s").unwrap();
    let bad = |query: &str| ask("bad", "id", &[("query", text(query))]);
    let mut source = open("postgres", &[("url", unix(&server))], LONG);
    let asks = [
        bad("SELECT id FROM nowhere"),
        bad("SELECT 1 / 0 AS id"),
        bad("SELECT agent FROM jobs"),
        bad("WITH gone AS (DELETE FROM jobs RETURNING id) SELECT id FROM gone"),
        bad("SELECT nextval('s') AS id"),
        whole(),
    ];
    let read = read(&mut *source, &asks, &Cut::new());
    assert!(
        read[..5]
            .iter()
            .all(|read| failed(read) == CauseKind::Garbled),
        "{read:?}"
    );
    assert_eq!(rows(&read[5]), ROWS);
    assert_eq!(
        psql(&server, "SELECT count(*) FROM jobs").unwrap().trim(),
        "3"
    );
}

#[test]
fn one_who_listens_and_says_nothing_or_nonsense() {
    for (answer, kind) in [
        (&b""[..], CauseKind::Timeout),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", CauseKind::Timeout),
        (b"R\x00\x00\x00\x01", CauseKind::Garbled),
        (b"R\x00\x00\x00\x08\x00\x00\x00\x63", CauseKind::Garbled),
        (b"R\x00\x00\x00\x08\x00\x00\x00\x00", CauseKind::Timeout),
    ] {
        let liar = Liar::saying(answer);
        let url = text(format!("postgres://nobody@127.0.0.1:{}/x", liar.port));
        let mut source = open("postgres", &[("url", url)], Duration::from_millis(300));
        assert_eq!(
            failed(&read_one(&mut *source, whole())),
            kind,
            "{}",
            answer.escape_ascii()
        );
    }
}
