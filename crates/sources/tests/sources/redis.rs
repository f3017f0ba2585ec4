use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use runward_canary::{CauseKind, Cut, Setting, Stamp, Value};

use crate::harness::*;

const SHORT: Duration = Duration::from_millis(300);

fn slots() -> runward_canary::Ask {
    ask(
        "slots",
        "subject id born:time",
        &[
            (
                "query",
                text("ZRANGE agent:slots:{subject} 0 -1 WITHSCORES"),
            ),
            ("subjects", text("roster")),
            ("id", Setting::Int(0)),
            ("born", Setting::Int(1)),
        ],
    )
}

#[test]
fn slots_heartbeats_counts_and_keys_come_in_one_look() {
    let Some(server) = redis("redis looks") else {
        return;
    };
    cli(
        &server,
        &[
            "ZADD",
            "agent:slots:a",
            "1779278400.25",
            "e1",
            "1779278401",
            "e2",
        ],
    );
    cli(&server, &["ZADD", "agent:slots:ghost", "1", "e3"]);
    cli(&server, &["SET", "tick", "1779278400"]);
    let mut source = open("redis", &[("url", socket_url(&server))], LONG);
    let asks = [
        slots(),
        ask(
            "drain",
            "stamp:time",
            &[("query", text("GET tick")), ("as", text("stamp"))],
        ),
        ask(
            "never",
            "stamp:time",
            &[("query", text("GET tock")), ("as", text("stamp"))],
        ),
        ask(
            "count",
            "subject count:int",
            &[
                ("query", text("ZCARD agent:slots:{subject}")),
                ("as", text("count")),
                ("subjects", text("roster")),
            ],
        ),
        ask(
            "polls",
            "subject id polled:time",
            &[
                ("query", text("GET poll:{subject}")),
                ("subjects", text("roster")),
                ("id", text("subject")),
            ],
        ),
        ask("keys", "id key", &[("scan", text("agent:slots:*"))]),
    ];
    let read = read(&mut *source, &asks, &roster(&["a", "b"]));
    assert_eq!(
        rows(&read[0]),
        [
            "'a'|'e1'|2026-05-20T12:00:00.250000Z",
            "'a'|'e2'|2026-05-20T12:00:01.000000Z"
        ]
    );
    assert_eq!(rows(&read[1]), ["2026-05-20T12:00:00.000000Z"]);
    assert_eq!(rows(&read[2]), ["null"]);
    assert_eq!(rows(&read[3]), ["'a'|2", "'b'|0"]);
    assert_eq!(rows(&read[4]), ["'a'|'a'|null", "'b'|'b'|null"]);
    assert_eq!(
        rows(&read[5]),
        ["'a'|'agent:slots:a'", "'ghost'|'agent:slots:ghost'"]
    );
    assert!(read[0].watermark().unwrap().contains("offset="), "{read:?}");
}

#[test]
fn each_row_is_asked_for_and_stamped() {
    let Some(server) = redis("redis each") else {
        return;
    };
    cli(&server, &["HSET", "slot:a:e1", "timeout", "60"]);
    cli(&server, &["EXPIRE", "slot:a:e1", "100"]);
    let row = |id: &str| {
        vec![
            Value::text("a"),
            Value::text(id),
            Value::Time(Stamp::from_micros(5)),
        ]
    };
    let cut = before("slots", "subject id born:time", vec![row("e1"), row("e2")]);
    let mut source = open("redis", &[("url", socket_url(&server))], LONG);
    let query = texts(&[
        "TTL slot:{subject}:{id}",
        "HGET slot:{subject}:{id} timeout",
    ]);
    let facet = ask(
        "ttls",
        "subject id born:time ttl:int timeout:int read_at:time",
        &[
            ("query", query),
            ("each", text("slots")),
            ("fields", texts(&["ttl", "timeout"])),
        ],
    );
    let read = read(&mut *source, &[facet], &cut).remove(0);
    let rows = rows(&read);
    assert!(
        rows[0].starts_with("'a'|'e1'|1970-01-01T00:00:00.000005Z|100|60|")
            || rows[0].contains("|99|60|"),
        "{rows:?}"
    );
    assert!(
        rows[1].starts_with("'a'|'e2'|1970-01-01T00:00:00.000005Z|-2|null|"),
        "{rows:?}"
    );
    let table = read.table().unwrap();
    let at = table.rows().next().unwrap().at(5).as_time().unwrap();
    assert!(read.begun() <= at && at <= read.ended());
}

#[test]
fn a_key_of_the_wrong_kind_is_a_gap_of_its_subject_alone() {
    let Some(server) = redis("redis gap") else {
        return;
    };
    cli(&server, &["SET", "agent:slots:b", "text"]);
    cli(&server, &["ZADD", "agent:slots:a", "1", "e1"]);
    let mut source = open("redis", &[("url", socket_url(&server))], LONG);
    let read = read(&mut *source, &[slots()], &roster(&["a", "b"])).remove(0);
    assert_eq!(rows(&read), ["'a'|'e1'|1970-01-01T00:00:01.000000Z"]);
    assert_eq!(read.gaps()["b"].kind(), CauseKind::Garbled);
}

#[test]
fn of_many_chunks_no_answer_is_taken_for_another() {
    let Some(server) = redis("redis chunks") else {
        return;
    };
    let names: Vec<String> = (0..5000).map(|n| format!("n{n:04}")).collect();
    for some in names.chunks(1000) {
        let pairs = some.iter().map(|name| [format!("x:{name}"), name.clone()]);
        let words: Vec<String> = std::iter::once("MSET".into())
            .chain(pairs.flatten())
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        cli(&server, &words);
    }
    // One in the middle has no text, and takes none of the others with it.
    cli(&server, &["DEL", "x:n2222"]);
    cli(&server, &["LPUSH", "x:n2222", "e"]);
    let mut source = open("redis", &[("url", socket_url(&server))], LONG);
    let facet = ask(
        "words",
        "subject word read_at:time",
        &[
            ("query", text("GET x:{subject}")),
            ("subjects", text("roster")),
            ("fields", texts(&["word"])),
        ],
    );
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let read = read(&mut *source, &[facet], &roster(&all)).remove(0);
    assert_eq!(read.gaps().keys().collect::<Vec<_>>(), ["n2222"]);
    let table = read.table().unwrap();
    assert_eq!(table.len(), 4999);
    let mut last = read.begun();
    for row in table.rows() {
        assert_eq!(row.at(0), row.at(1));
        let at = row.at(2).as_time().unwrap();
        assert!(
            last <= at && at <= read.ended(),
            "each chunk has its own time"
        );
        last = at;
    }
    assert!(read.begun() < last, "there was more than one chunk");
}

#[test]
fn a_second_look_is_at_those_that_were_named() {
    let Some(server) = redis("redis only") else {
        return;
    };
    cli(&server, &["ZADD", "agent:slots:a", "1", "e1"]);
    cli(&server, &["ZADD", "agent:slots:b", "1", "e2"]);
    let mut source = open("redis", &[("url", socket_url(&server))], LONG);
    let keys = ask(
        "keys",
        "subject id",
        &[("scan", text("agent:slots:*")), ("subject", text("name"))],
    );
    let read = read(
        &mut *source,
        &[only(slots(), &["b"]), only(keys, &["b"])],
        &roster(&["a", "b"]),
    );
    assert_eq!(rows(&read[0]), ["'b'|'e2'|1970-01-01T00:00:01.000000Z"]);
    assert_eq!(rows(&read[1]), ["'b'|'b'"]);
}

#[test]
fn what_was_not_read_before_is_not_asked_for() {
    let Some(server) = redis("redis not run") else {
        return;
    };
    let mut source = open("redis", &[("url", socket_url(&server))], LONG);
    assert_eq!(
        failed(&read(&mut *source, &[slots()], &Cut::new())[0]),
        CauseKind::NotRun
    );
}

#[test]
fn hostile_names_are_names() {
    let Some(server) = redis("redis names") else {
        return;
    };
    cli(&server, &["SET", "victim", "alive"]);
    let names = hostile();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut source = open("redis", &[("url", socket_url(&server))], LONG);
    let facet = ask(
        "exists",
        "subject there:int",
        &[
            ("query", text("EXISTS key:{subject}")),
            ("subjects", text("roster")),
        ],
    );
    let read = read(&mut *source, &[facet], &roster(&names)).remove(0);
    assert_eq!(read.table().unwrap().len(), names.len());
    assert!(read.gaps().is_empty());
    assert_eq!(cli(&server, &["GET", "victim"]).trim(), "alive");
}

#[test]
fn a_server_that_is_stopped_is_a_timeout_on_socket_and_port() {
    let Some(server) = redis("redis stopped") else {
        return;
    };
    for url in [
        socket_url(&server),
        text(format!("redis://127.0.0.1:{}", server.port)),
    ] {
        let mut source = open("redis", &[("url", url)], SHORT);
        server.signal(Signal::SIGSTOP);
        let begun = Instant::now();
        let read = read(&mut *source, &[slots()], &roster(&["a"]));
        server.signal(Signal::SIGCONT);
        assert_eq!(failed(&read[0]), CauseKind::Timeout);
        assert!(begun.elapsed() < 10 * SHORT);
    }
}

#[test]
fn a_server_that_is_killed_is_unreachable() {
    let Some(mut server) = redis("redis killed") else {
        return;
    };
    let mut source = open("redis", &[("url", socket_url(&server))], LONG);
    server.signal(Signal::SIGKILL);
    server.child.wait().unwrap();
    assert_eq!(
        failed(&read(&mut *source, &[slots()], &roster(&["a"]))[0]),
        CauseKind::Unreachable
    );
}

#[test]
fn a_password_is_said_and_never_shown() {
    let Some(server) = redis("redis password") else {
        return;
    };
    cli(&server, &["CONFIG", "SET", "requirepass", "hunter2"]);
    let url = |password: &str| text(format!("redis://:{password}@127.0.0.1:{}/3", server.port));
    let count = ask(
        "count",
        "count:int",
        &[("query", text("DBSIZE")), ("as", text("count"))],
    );
    let mut source = open("redis", &[("url", url("hunter2"))], LONG);
    assert_eq!(rows(&read_one(&mut *source, count.clone())), ["0"]);
    let mut source = open("redis", &[("url", url("hunter3"))], LONG);
    let read = read_one(&mut *source, count);
    assert_eq!(failed(&read), CauseKind::Denied);
    assert!(!format!("{read:?}").contains("hunter"));
}

#[test]
fn a_replica_without_its_master_is_stale() {
    let Some(server) = redis("redis replica") else {
        return;
    };
    cli(&server, &["REPLICAOF", "127.0.0.1", "1"]);
    let mut source = open("redis", &[("url", socket_url(&server))], LONG);
    assert_eq!(
        failed(&read(&mut *source, &[slots()], &roster(&["a"]))[0]),
        CauseKind::Stale
    );
}

#[test]
fn a_user_without_info_reads_nothing_unless_it_is_waived() {
    let Some(server) = redis("redis info") else {
        return;
    };
    cli(
        &server,
        &["ACL", "SETUSER", "canary", "on", ">pw", "~*", "+zrange"],
    );
    cli(&server, &["ZADD", "agent:slots:a", "1", "e1"]);
    let url = || text(format!("redis://canary:pw@127.0.0.1:{}", server.port));
    let mut source = open("redis", &[("url", url())], LONG);
    let refused = read(&mut *source, &[slots()], &roster(&["a"])).remove(0);
    assert_eq!(failed(&refused), CauseKind::Denied);
    let words = refused.table().unwrap_err().detail();
    assert!(words.contains("ACL SETUSER canary +info"), "{words}");
    let waived = ("info", Setting::Bool(false));
    let mut source = open("redis", &[("url", url()), waived], LONG);
    let read = read(&mut *source, &[slots()], &roster(&["a"])).remove(0);
    assert_eq!(rows(&read), ["'a'|'e1'|1970-01-01T00:00:01.000000Z"]);
}

/// What a server says whose clock is another one.
fn clocks(time: impl Fn(i64) -> String) -> String {
    let itself = "$12\r\nrun_id:abc\r\n\r\n$0\r\n\r\n";
    format!("{itself}{}{}:100\r\n", time(0), time(1))
}

#[test]
fn what_runs_down_is_read_by_the_clock_of_its_server() {
    let facet = || {
        ask(
            "ttls",
            "subject id ttl:int read_at:time",
            &[
                ("query", text("TTL slot:{subject}:{id}")),
                ("each", text("slots")),
                ("fields", texts(&["ttl"])),
            ],
        )
    };
    let cut = before(
        "slots",
        "subject id",
        vec![vec![Value::text("a"), Value::text("e1")]],
    );
    let time = |seconds: i64| format!("*2\r\n$10\r\n{}\r\n$6\r\n500000\r\n", seconds);
    let liar = |said: String| {
        let liar = Liar::saying(said.leak().as_bytes());
        let url = text(format!("unix://{}", liar.path.display()));
        let mut source = open("redis", &[("url", url)], LONG);
        let reading = read(&mut *source, &[facet()], &cut).remove(0);
        reading.table().unwrap_or_else(|why| panic!("{why}"));
        reading
    };
    for (clock, ahead) in [(1_779_278_400, " ahead=-"), (9_000_000_000, " ahead=")] {
        let read = liar(clocks(|later| time(clock + later)));
        let at = read.table().unwrap().rows().next().unwrap().at(3).clone();
        let micros = (clock + 1) * 1_000_000 + 500_000;
        assert_eq!(at, Value::Time(Stamp::from_micros(micros)));
        let mark = read.watermark().unwrap();
        assert!(
            mark.contains(ahead) && !mark.contains("ahead=0ms"),
            "{mark}"
        );
    }
    let no_time = |later: i64| match later {
        0 => "-NOPERM this user has no permissions\r\n".to_owned(),
        _ => String::new(),
    };
    let read = liar(clocks(no_time));
    let at = read.table().unwrap().rows().next().unwrap().at(3).as_time();
    assert!(Some(read.begun()) <= at && at <= Some(read.ended()));
}

#[test]
fn one_who_listens_and_says_nothing_or_nonsense() {
    for (answer, kind) in [
        (&b""[..], CauseKind::Timeout),
        (b"SSH-2.0-nonsense\r\n", CauseKind::Garbled),
        (b"*2147483647\r\n", CauseKind::Garbled),
        (b"$9999999999\r\n", CauseKind::Garbled),
        (
            b"-LOADING Redis is loading the dataset in memory\r\n-LOADING x\r\n-LOADING x\r\n",
            CauseKind::Unreachable,
        ),
        (b"+OK\r\n+OK\r\n", CauseKind::Timeout),
        (b"*1000000\r\n", CauseKind::Timeout),
    ] {
        let liar = Liar::saying(answer);
        let url = text(format!("unix://{}", liar.path.display()));
        let mut source = open("redis", &[("url", url)], SHORT);
        let read = read(&mut *source, &[slots()], &roster(&["a"]));
        assert_eq!(failed(&read[0]), kind, "{}", answer.escape_ascii());
    }
}
