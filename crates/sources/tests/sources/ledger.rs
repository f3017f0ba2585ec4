//! The ledger in PostgreSQL: the old or the new, one writer, and no silent beginning.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use runward_canary::alert::Outbox;
use runward_canary::engine::Transition;
use runward_canary::ledger::{Episode, Retention};
use runward_canary::{Error, ErrorKind, Settings, Stamp, State};
use runward_sources::ledger::{Database, Kept, Ledger, Writer};
use runward_tests::proxy::{Fate, Proxy};

use crate::harness::*;

fn url(server: &Server) -> String {
    let folder = server.folder.path().display();
    format!(
        "postgres:///postgres?host={folder}&port={}&user=nobody",
        server.port
    )
}

fn by(url: &str, more: &[(&str, &str)]) -> Settings {
    let more = more.iter().map(|(name, value)| (*name, text(*value)));
    settings(
        &[("url", text(url))]
            .into_iter()
            .chain(more)
            .collect::<Vec<_>>(),
    )
}

/// A proxy before a server, and the address behind it.
fn proxied(server: &Server) -> (Proxy, String) {
    let proxy = Proxy::before(&server.path(&format!(".s.PGSQL.{}", server.port)));
    let url = format!("postgres://nobody@127.0.0.1:{}/postgres", proxy.port());
    (proxy, url)
}

/// Ends a process of the server.
fn terminate(folder: &Path, port: u16, pid: u32) {
    let ended = format!("SELECT pg_terminate_backend({pid})");
    psql_at(folder, port, &ended).unwrap();
    let gone = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}");
    until("it is gone", || {
        psql_at(folder, port, &gone).is_some_and(|count| count.trim() == "0")
    });
}

fn database(url: &str) -> Database {
    Database::new(&by(url, &[]), "jobs", LONG).unwrap()
}

fn writer(host: &str) -> Writer {
    Writer {
        host: host.to_owned(),
        instance: "jobs".to_owned(),
    }
}

fn open(database: &Database) -> (Ledger, Kept) {
    opened(database).unwrap()
}

fn opened(database: &Database) -> Result<(Ledger, Kept), Error> {
    let retention = Retention::default();
    database.open(&writer("east"), retention, Duration::ZERO)
}

/// Why it does not open; a ledger has no `Debug`.
#[track_caller]
fn refused(database: &Database) -> Error {
    opened(database).map(drop).unwrap_err()
}

fn at(seconds: i64) -> Stamp {
    Stamp::from_micros(seconds * 1_000_000)
}

fn change(seconds: i64, subject: &str) -> Transition {
    let subject = subject.replace('\\', "\\\\").replace('"', "\\\"");
    let subject: String = subject.chars().map(escaped).collect();
    let text = format!(
        r#"{{"commit":1,"invariant":"S-01","at":"{}","change":"opened","kind":"wrong","subject":"{subject}","severity":"major","facts":{{}}}}"#,
        at(seconds)
    );
    Episode::decode(&text).unwrap().transition
}

fn escaped(c: char) -> String {
    match c {
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    }
}

/// A state that can be told from others.
fn state(number: u64) -> State {
    let state = State::forgotten([format!("S-{number}").as_str()]);
    State::from_json(&state.to_json()).unwrap()
}

fn commit(ledger: &mut Ledger, number: u64) -> Result<(), Error> {
    let subjects = [format!("{number}a"), format!("{number}b")];
    let changed = subjects.map(|subject| change(1, &subject));
    ledger.commit(&state(number), &Outbox::default(), &changed)
}

fn subjects(database: &Database) -> Vec<String> {
    let episodes = database.episodes().unwrap();
    let subject = |it: Episode| it.transition.change.key().unwrap().subject.clone();
    episodes.into_iter().map(subject).collect()
}

#[test]
fn what_was_committed_is_there_for_the_next_on_any_host() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger round trip") else {
        return;
    };
    let database = database(&url(&server));
    assert!(database.look().unwrap().is_none(), "nobody ever wrote");
    assert!(database.episodes().unwrap().is_empty());
    let (mut ledger, kept) = open(&database);
    assert_eq!(kept, Kept::default());
    commit(&mut ledger, 1).unwrap();
    ledger.say("said").unwrap();
    commit(&mut ledger, 2).unwrap();
    ledger.close().unwrap();
    let kept = database.look().unwrap().unwrap();
    assert_eq!((kept.saved.commit, kept.saved.state), (2, state(2)));
    assert_eq!(kept.last.as_deref(), Some("said"));
    let (mut ledger, kept) = open(&database);
    assert_eq!(kept.saved.state, state(2));
    commit(&mut ledger, 3).unwrap();
    assert_eq!(subjects(&database), ["1a", "1b", "2a", "2b", "3a", "3b"]);
}

#[test]
fn whoever_ends_at_any_statement_leaves_the_old_or_the_new() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger deaths") else {
        return;
    };
    let (proxy, url_behind) = proxied(&server);
    let (near, far) = (database(&url(&server)), database(&url_behind));
    let (mut ledger, _) = open(&near);
    commit(&mut ledger, 1).unwrap();
    ledger.close().unwrap();
    for fate in [Fate::Before, Fate::After, Fate::Told] {
        let mut statements = 0;
        loop {
            let before = near.look().unwrap().unwrap().saved.commit;
            let (mut ledger, _) = open(&far);
            let (folder, port) = (server.folder.path().to_owned(), server.port);
            proxy.at(statements, fate, move |pid| {
                if fate == Fate::Told {
                    terminate(&folder, port, pid);
                }
            });
            let done = commit(&mut ledger, before + 1);
            let spared = proxy.spares();
            assert_eq!(done.is_ok(), spared, "{fate:?} at {statements}: {done:?}");
            if let Err(error) = done {
                assert_eq!(error.kind(), ErrorKind::Storage, "{fate:?} {error}");
                let again = commit(&mut ledger, before + 1).unwrap_err();
                assert_eq!(again.kind(), ErrorKind::Storage, "it is of no use any more");
            }
            drop(ledger);
            let (ledger, kept) = open(&near);
            ledger.close().unwrap();
            let now = kept.saved.commit;
            assert!(
                now == before || now == before + 1,
                "{fate:?} at {statements}"
            );
            assert_eq!(kept.saved.state, state(now), "{fate:?} at {statements}");
            let whole = (1..=now).flat_map(|number| [format!("{number}a"), format!("{number}b")]);
            assert_eq!(subjects(&near), whole.collect::<Vec<_>>());
            if spared {
                break;
            }
            statements += 1;
        }
        assert!(statements >= 4, "there were statements to end at");
    }
}

#[test]
fn whoever_ends_at_any_statement_of_the_first_time_leaves_nothing_or_all() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger beginnings") else {
        return;
    };
    let (proxy, url) = proxied(&server);
    for fate in [Fate::Before, Fate::After] {
        for statements in 0.. {
            let far = Database::new(&by(&url, &[("schema", "anew")]), "jobs", LONG).unwrap();
            proxy.at(statements, fate, |_| {});
            let done = opened(&far).map(drop);
            let spared = proxy.spares();
            assert_eq!(done.is_ok(), spared, "{fate:?} at {statements}");
            let (ledger, kept) = open(&far);
            assert_eq!(kept, Kept::default());
            ledger.close().unwrap();
            psql(&server, "DROP SCHEMA anew CASCADE").unwrap();
            if spared {
                assert!(statements > 8);
                break;
            }
        }
    }
}

#[test]
fn one_writes_and_the_other_is_told_who() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger writers") else {
        return;
    };
    let database = database(&url(&server));
    let (mut first, _) = open(&database);
    commit(&mut first, 1).unwrap();
    let error = refused(&database);
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("east:"), "{error}");
    // The lock is taken from it, as a pooler does, and it does not know.
    psql(
        &server,
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'",
    )
    .unwrap();
    let (mut first, _) = open(&database);
    psql(&server, "UPDATE runward_canary.ledger SET commit = 2, writer = 'jobs on west, pid 7', written = '2026-05-20 14:00+00'").unwrap();
    let error = commit(&mut first, 2).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    for words in [
        "jobs on west, pid 7",
        "2026-05-20 14:00",
        "commit 2",
        "commit 1",
    ] {
        assert!(error.to_string().contains(words), "{error}");
    }
    assert_eq!(first.say("x").unwrap_err().kind(), ErrorKind::Conflict);
    assert_eq!(subjects(&database), ["1a", "1b"]);
}

#[test]
fn whoever_is_just_going_is_waited_for_a_moment() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger farewell") else {
        return;
    };
    let database = database(&url(&server));
    let (ledger, _) = open(&database);
    let lock = "SELECT (classid::bigint << 32) | objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND granted";
    let lock = psql(&server, lock).unwrap().trim().to_owned();
    ledger.close().unwrap();
    let (folder, port) = (server.folder.path().to_owned(), server.port);
    let going = std::thread::spawn(move || {
        let holds = format!("SELECT pg_advisory_lock({lock})");
        let goes = format!("SELECT pg_sleep(0.2), pg_advisory_unlock({lock})");
        psql_at(&folder, port, &format!("{holds}; {goes}")).unwrap();
    });
    until("it is held", || {
        psql(&server, HELD).is_some_and(|count| count.trim() == "1")
    });
    open(&database).0.close().unwrap();
    going.join().unwrap();
}

/// How many locks of a session are held.
const HELD: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted";

#[test]
fn of_many_who_begin_at_once_one_makes_the_tables() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger crowd") else {
        return;
    };
    let database = database(&url(&server));
    let begin = || {
        let database = database.clone();
        std::thread::spawn(move || {
            let (mut ledger, kept) = database
                .open(&writer("east"), Retention::default(), LONG)
                .unwrap();
            commit(&mut ledger, kept.saved.commit + 1).unwrap();
            ledger.close().unwrap();
        })
    };
    let all: Vec<_> = (0..8).map(|_| begin()).collect();
    all.into_iter().for_each(|one| one.join().unwrap());
    assert_eq!(database.look().unwrap().unwrap().saved.commit, 8);
    assert_eq!(subjects(&database).len(), 16);
}

#[test]
fn the_next_writer_comes_when_the_first_has_gone() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger waits") else {
        return;
    };
    let database = database(&url(&server));
    let (mut first, _) = open(&database);
    commit(&mut first, 1).unwrap();
    let second = database.clone();
    let waiting = std::thread::spawn(move || {
        let (ledger, kept) = second
            .open(&writer("west"), Retention::default(), LONG)
            .unwrap();
        ledger.close().unwrap();
        kept.saved.commit
    });
    until("it waits", || {
        psql(
            &server,
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
        )
        .is_some_and(|count| count.trim() == "1")
    });
    commit(&mut first, 2).unwrap();
    drop(first);
    assert_eq!(waiting.join().unwrap(), 2);
}

#[test]
fn what_is_torn_or_of_others_is_an_error_and_never_a_fresh_start() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger torn") else {
        return;
    };
    let database = database(&url(&server));
    let damages = [
        (
            "UPDATE S.ledger SET saved = substr(saved, 1, length(saved) / 2)",
            "cut",
        ),
        (
            "UPDATE S.ledger SET saved = set_byte(saved, length(saved) - 10, 0)",
            "digest",
        ),
        ("UPDATE S.ledger SET saved = NULL", "no state"),
        ("UPDATE S.ledger SET commit = 7", "of commit 7"),
        (
            "UPDATE S.ledger SET commit = 0, saved = NULL",
            "episodes of commit",
        ),
        ("DELETE FROM S.ledger", "0 rows"),
        ("UPDATE S.ledger SET version = 0", "never was"),
        ("ALTER TABLE S.ledger RENAME saved TO kept", "not ours"),
        ("DROP TABLE S.episode", "not ours"),
        (
            "UPDATE S.ledger SET version = 2; ALTER TABLE S.ledger DROP commit",
            "newer runward",
        ),
        ("UPDATE S.ledger SET rules = 'others'", "titled `others`"),
    ];
    for (damage, words) in damages {
        let (mut ledger, kept) = open(&database);
        assert_eq!(kept, Kept::default());
        commit(&mut ledger, 1).unwrap();
        ledger.close().unwrap();
        psql(&server, &damage.replace("S.", "runward_canary.")).unwrap();
        let look = database.look().map(drop).unwrap_err();
        for error in [refused(&database), look] {
            assert_eq!(error.kind(), ErrorKind::State, "{damage}: {error}");
            assert!(error.to_string().contains(words), "{damage}: {error}");
            assert!(error.to_string().contains("`[ledger] schema`") || words == "newer runward");
            for advice in ["DROP", "CASCADE"] {
                assert!(!error.to_string().contains(advice), "{damage}: {error}");
            }
        }
        psql(&server, "DROP SCHEMA runward_canary CASCADE").unwrap();
    }
    psql(
        &server,
        "CREATE SCHEMA runward_canary; CREATE TABLE runward_canary.ledger (mine int)",
    )
    .unwrap();
    assert_eq!(refused(&database).kind(), ErrorKind::State);
}

#[test]
fn a_schema_with_anything_else_in_it_is_refused_whether_our_tables_are_there_or_not() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger crowded") else {
        return;
    };
    let in_schema = |name: &str| {
        let settings = by(&url(&server), &[("schema", name)]);
        Database::new(&settings, "jobs", LONG).unwrap()
    };
    let crowded = |schema: &str, relation: &str| {
        let database = in_schema(schema);
        let all = [
            refused(&database),
            database.look().map(drop).unwrap_err(),
            database.episodes().map(drop).unwrap_err(),
            database.snapshots().map(drop).unwrap_err(),
        ];
        for error in all {
            assert_eq!(error.kind(), ErrorKind::State, "{schema}: {error}");
            for words in [
                format!("schema {schema} "),
                format!("`{relation}`"),
                "another name with `[ledger] schema`".to_owned(),
            ] {
                assert!(error.to_string().contains(&words), "{schema}: {error}");
            }
            assert!(!error.to_string().contains("DROP"), "{error}");
        }
    };
    psql(&server, "CREATE SCHEMA empty; CREATE SCHEMA \"Shop\"").unwrap();
    open(&in_schema("empty")).0.close().unwrap();
    let kinds = [
        ("TABLE", "(id int)"),
        ("VIEW", "AS SELECT 1 AS id"),
        ("MATERIALIZED VIEW", "AS SELECT 1 AS id"),
        ("SEQUENCE", ""),
    ];
    for schema in ["Shop", "empty"] {
        for (kind, what) in kinds {
            let relation = format!("{kind} \"{schema}\".\"Orders\"");
            psql(&server, &format!("CREATE {relation} {what}")).unwrap();
            crowded(schema, "Orders");
            psql(&server, &format!("DROP {relation}")).unwrap();
        }
    }
    let made = "SELECT count(*) FROM pg_class WHERE relnamespace = '\"Shop\"'::regnamespace";
    assert_eq!(psql(&server, made).unwrap().trim(), "0", "nothing was made");
    // With nothing else in it, both serve; an index on a table of ours is not something else.
    psql(&server, "CREATE INDEX mine ON empty.episode (body)").unwrap();
    for schema in ["Shop", "empty"] {
        let (mut ledger, _) = open(&in_schema(schema));
        commit(&mut ledger, 1).unwrap();
        ledger.close().unwrap();
    }
    // Somebody else's table has the name of ours.
    for ledger in ["(mine int)", "AS SELECT generate_series(1, 9) AS version"] {
        let made = "CREATE SCHEMA bank; CREATE TABLE bank.accounts (id int)";
        psql(
            &server,
            &format!("{made}; CREATE TABLE bank.ledger {ledger}"),
        )
        .unwrap();
        crowded("bank", "accounts");
        psql(&server, "DROP SCHEMA bank CASCADE").unwrap();
    }
    // A newer runward may have more tables than we know.
    let newer = "UPDATE empty.ledger SET version = 2; CREATE TABLE empty.more (id int)";
    psql(&server, newer).unwrap();
    let error = refused(&in_schema("empty")).to_string();
    assert!(error.contains("newer runward"), "{error}");
}

#[test]
fn tables_without_the_first_are_torn_and_not_made_again() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger rest") else {
        return;
    };
    let database = database(&url(&server));
    open(&database).0.close().unwrap();
    psql(&server, "DROP TABLE runward_canary.ledger").unwrap();
    for error in [refused(&database), database.look().map(drop).unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::State, "{error}");
        assert!(error.to_string().contains("no table `ledger`"), "{error}");
    }
}

#[test]
fn hostile_names_are_kept_as_they_are_also_where_the_encoding_is_another() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger names") else {
        return;
    };
    psql(
        &server,
        "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0",
    )
    .unwrap();
    let mut names = hostile();
    names.push("a\0b".to_owned());
    names.push("\u{1f512}…".to_owned());
    let title = "it's \"one\"\0 \u{1f512}; DROP TABLE ledger";
    for name in ["postgres", "latin"] {
        let url = url(&server).replace("/postgres?", &format!("/{name}?"));
        let database = Database::new(&by(&url, &[]), title, LONG).unwrap();
        let who = Writer {
            host: "h\u{f6}st'".to_owned(),
            instance: title.to_owned(),
        };
        let (mut ledger, _) = database
            .open(&who, Retention::default(), Duration::ZERO)
            .unwrap();
        let changed: Vec<_> = names.iter().map(|name| change(1, name)).collect();
        ledger
            .commit(&state(1), &Outbox::default(), &changed)
            .unwrap();
        ledger.say(title).unwrap();
        ledger.keep(at(1), title).unwrap();
        ledger.close().unwrap();
        assert_eq!(subjects(&database), names, "{name}");
        let kept = database.look().unwrap().unwrap();
        assert_eq!(kept.last.as_deref(), Some(title));
        assert_eq!(database.snapshots().unwrap(), [title]);
    }
}

#[test]
fn snapshots_and_episodes_are_kept_by_number_and_by_age() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger retention") else {
        return;
    };
    let database = database(&url(&server));
    let terms = Retention {
        episodes: Duration::from_secs(100),
        snapshots: 3,
        snapshot_age: Duration::from_secs(100),
        ..Retention::default()
    };
    let (mut ledger, _) = database
        .open(&writer("east"), terms, Duration::ZERO)
        .unwrap();
    for second in 0..5 {
        let changed = [change(second, &second.to_string())];
        ledger
            .commit(&State::default(), &Outbox::default(), &changed)
            .unwrap();
        ledger.keep(at(second), &second.to_string()).unwrap();
    }
    assert_eq!(database.snapshots().unwrap(), ["2", "3", "4"]);
    assert_eq!(subjects(&database).len(), 5);
    ledger.keep(at(103), "103").unwrap();
    assert_eq!(database.snapshots().unwrap(), ["3", "4", "103"]);
    assert_eq!(
        subjects(&database),
        ["3", "4"],
        "100 seconds old is kept, 101 is not"
    );
    ledger.keep(at(104), "104").unwrap();
    assert_eq!(database.snapshots().unwrap(), ["4", "103", "104"]);
}

#[test]
fn thousands_of_changes_are_one_commit() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger many") else {
        return;
    };
    let database = database(&url(&server));
    let (mut ledger, _) = open(&database);
    let names: Vec<String> = (0..5_000)
        .map(|i| format!("{i}{}", "x".repeat(300)))
        .collect();
    let changed: Vec<_> = names.iter().map(|name| change(1, name)).collect();
    ledger
        .commit(&state(1), &Outbox::default(), &changed)
        .unwrap();
    assert_eq!(subjects(&database), names);
}

#[test]
fn a_server_that_is_stopped_gone_or_refuses_is_said_in_time_and_without_the_password() {
    let _hang = hang_guard();
    let Some(mut server) = postgres("ledger gone") else {
        return;
    };
    let tcp = |password: &str| {
        let port = server.port;
        let url = format!("postgres://nobody:{password}@127.0.0.1:{port}/postgres");
        Database::new(&by(&url, &[]), "jobs", Duration::from_millis(500)).unwrap()
    };
    let (right, wrong) = (tcp("p%40ss%20word"), tcp("hunter2"));
    let error = refused(&wrong);
    assert!(error.to_string().contains("password"), "{error}");
    assert!(!error.to_string().contains("hunter2") && !wrong.to_string().contains("hunter2"));
    let (mut ledger, _) = open(&right);
    commit(&mut ledger, 1).unwrap();
    let begun = Instant::now();
    server.signal(Signal::SIGSTOP);
    // Each process of the server has its own signals: the one that serves us is stopped as well.
    let pids =
        std::fs::read_to_string(format!("/proc/{0}/task/{0}/children", server.child.id())).unwrap();
    let all = |signal| {
        for pid in pids.split_whitespace() {
            let pid = nix::unistd::Pid::from_raw(pid.parse().unwrap());
            let _ = nix::sys::signal::kill(pid, signal);
        }
    };
    all(Signal::SIGSTOP);
    let stopped = commit(&mut ledger, 2).unwrap_err();
    let look = right.look().map(drop).unwrap_err();
    all(Signal::SIGCONT);
    server.signal(Signal::SIGCONT);
    // What comes now is the answer to what was given up.
    let late = commit(&mut ledger, 2).unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Storage, "{late}");
    for error in [stopped, look] {
        assert_eq!(error.kind(), ErrorKind::Storage);
        assert!(error.to_string().contains("timeout"), "{error}");
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    let (mut ledger, kept) = open(&database(&url(&server)));
    assert!(kept.saved.commit <= 2);
    server.signal(Signal::SIGQUIT);
    server.child.wait().unwrap();
    assert_eq!(
        commit(&mut ledger, 2).unwrap_err().kind(),
        ErrorKind::Storage
    );
    let gone = refused(&right);
    assert!(gone.to_string().contains("start the database"), "{gone}");
}

#[test]
fn a_role_that_may_not_make_a_schema_is_told_so_and_uses_one_that_is_there() {
    let _hang = hang_guard();
    let Some(server) = postgres("ledger rights") else {
        return;
    };
    psql(&server, "CREATE ROLE canary LOGIN").unwrap();
    let url = url(&server).replace("user=nobody", "user=canary");
    let database = database(&url);
    let error = refused(&database);
    assert_eq!(error.kind(), ErrorKind::Storage);
    assert!(error.to_string().contains("right"), "{error}");
    psql(&server, "CREATE SCHEMA runward_canary AUTHORIZATION canary").unwrap();
    let (mut ledger, _) = open(&database);
    commit(&mut ledger, 1).unwrap();
    assert_eq!(database.look().unwrap().unwrap().saved.commit, 1);
}

#[test]
fn one_leads_and_the_next_follows_when_its_connection_ends() {
    use std::os::fd::AsFd as _;
    let _hang = hang_guard();
    let Some(server) = postgres("ledger lead") else {
        return;
    };
    let database = database(&url(&server));
    let lease = |host| database.lease(&writer(host)).unwrap();
    let (mut first, mut second) = (lease("east"), lease("west"));
    assert!(first.lead().unwrap() && first.leads().unwrap());
    assert!(!second.lead().unwrap() && !second.leads().unwrap());
    assert!(second.leader().unwrap().contains("east:"));
    second.ask(Duration::from_millis(50)).unwrap();
    assert!(!second.answer().unwrap(), "its time is over");
    second.ask(LONG).unwrap();
    // A lock for cycles is another one.
    let (ledger, _) = open(&database);
    ledger.close().unwrap();
    psql(&server, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%east:%'").unwrap();
    assert!(second.answer().unwrap());
    assert!(second.leads().unwrap());
    let mut fds = [nix::poll::PollFd::new(
        first.as_fd(),
        nix::poll::PollFlags::POLLIN,
    )];
    assert_eq!(
        nix::poll::poll(&mut fds, 10_000_u16).unwrap(),
        1,
        "it wakes"
    );
    assert!(first.leads().is_err());
    second.close().unwrap();
    let mut third = lease("south");
    assert!(third.lead().unwrap());
    let other = Database::new(&by(&url(&server), &[("schema", "other")]), "jobs", LONG).unwrap();
    assert!(other.lease(&writer("east")).unwrap().lead().unwrap());
}

#[test]
fn an_address_that_cannot_be_one_is_refused_before_anybody_is_asked() {
    for (url, words) in [
        ("postgres:///app?user=ann", "no host"),
        ("postgres://db/app", "no user"),
        ("mysql://ann@db/app", "PostgreSQL"),
        ("hunter2", "address"),
        ("postgres://ann:hunter2@db/app?sslmode=require", "TLS"),
    ] {
        let error = Database::new(&by(url, &[]), "jobs", LONG).map(drop);
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("[ledger]") && error.contains(words),
            "{error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
    let gone = settings(&[("url_env", text("RUNWARD_NOT_SET"))]);
    let error = Database::new(&gone, "jobs", LONG).map(drop).unwrap_err();
    assert!(error.to_string().contains("RUNWARD_NOT_SET"));
}
