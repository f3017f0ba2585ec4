use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use runward_canary::{CauseKind, Cut, Value};

use crate::harness::*;

fn running() -> runward_canary::Ask {
    ask(
        "running",
        "subject id",
        &[
            ("query", text("http://{address}/api/{subject}/running")),
            ("each", text("agents")),
            ("pointer", text("/executions")),
            ("id", text("id")),
        ],
    )
}

fn agents(all: &[(&str, String)]) -> Cut {
    let row =
        |(name, address): &(&str, String)| vec![Value::text(*name), Value::text(address.as_str())];
    before("agents", "subject address", all.iter().map(row).collect())
}

/// A server for as many requests, which answers with the path it was asked for.
fn echo(requests: usize) -> (u16, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let mut asked = Vec::new();
        for stream in listener.incoming().take(requests) {
            let (mut stream, mut read) = (stream.unwrap(), Vec::new());
            while !read.ends_with(b"\r\n\r\n") {
                let mut part = vec![0; 1 << 16];
                let count = stream.read(&mut part).unwrap();
                read.extend_from_slice(&part[..count]);
            }
            asked.push(
                String::from_utf8_lossy(&read)
                    .lines()
                    .next()
                    .unwrap()
                    .to_owned(),
            );
            let body = r#"{"executions":[{"id":"e1"},{"id":"e2"}]}"#;
            let _ = write!(
                stream,
                "HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
        }
        asked
    });
    (port, served)
}

#[test]
fn who_answers_has_rows_and_who_does_not_is_a_gap() {
    let (port, served) = echo(1);
    let (silent, garbled, refused) = (
        Liar::saying(b""),
        Liar::saying(b"SSH-2.0\r\n\r\n"),
        Liar::saying(b"HTTP/1.0 500 No\r\n\r\n"),
    );
    let at = |port: u16| format!("127.0.0.1:{port}");
    let closed = runward_tests::servers::free_port();
    let cut = agents(&[
        ("good", at(port)),
        ("silent", at(silent.port)),
        ("garbled", at(garbled.port)),
        ("refused", at(refused.port)),
        ("closed", at(closed)),
        ("hostile", "x/../y".into()),
    ]);
    let mut source = open("http", &[], Duration::from_millis(800));
    let begun = Instant::now();
    let read = read(&mut *source, &[running()], &cut).remove(0);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!(rows(&read), ["'good'|'e1'", "'good'|'e2'"]);
    let gap = |name: &str| read.gaps()[name].kind();
    assert_eq!(gap("silent"), CauseKind::Timeout);
    assert_eq!(gap("closed"), CauseKind::Unreachable);
    assert_eq!(gap("hostile"), CauseKind::Malformed);
    // Those never hang up, so that it is either.
    assert!([CauseKind::Garbled, CauseKind::Timeout].contains(&gap("garbled")));
    assert!([CauseKind::Unreachable, CauseKind::Timeout].contains(&gap("refused")));
    assert_eq!(served.join().unwrap(), ["GET /api/good/running HTTP/1.0"]);
}

#[test]
fn a_hundred_silent_ones_cost_one_timeout() {
    let silent = Liar::saying(b"");
    let names: Vec<String> = (0..100).map(|i| format!("a{i}")).collect();
    let all: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), format!("127.0.0.1:{}", silent.port)))
        .collect();
    let mut source = open(
        "http",
        &[("concurrency", runward_canary::Setting::Int(8))],
        Duration::from_millis(300),
    );
    let begun = Instant::now();
    let read = read(&mut *source, &[running()], &agents(&all)).remove(0);
    assert!(begun.elapsed() < Duration::from_secs(3));
    assert_eq!(read.gaps().len(), 100);
    assert!(
        read.gaps()
            .values()
            .all(|cause| cause.kind() == CauseKind::Timeout)
    );
}

#[test]
fn hostile_names_stay_in_their_part_of_the_path() {
    let names: Vec<String> = hostile()
        .into_iter()
        .filter(|name| name.len() < 10_000)
        .collect();
    let (port, served) = echo(names.len());
    let all: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), format!("127.0.0.1:{port}")))
        .collect();
    let mut source = open("http", &[], LONG);
    let read = read(&mut *source, &[running()], &agents(&all)).remove(0);
    assert!(read.gaps().is_empty(), "{read:?}");
    for line in served.join().unwrap() {
        let path = line
            .strip_prefix("GET /api/")
            .and_then(|rest| rest.strip_suffix("/running HTTP/1.0"))
            .unwrap()
            .to_owned();
        assert!(
            path.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"%-_~".contains(&b)),
            "{path}"
        );
    }
}
