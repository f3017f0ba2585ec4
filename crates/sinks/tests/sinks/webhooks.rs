use std::io::Write;
use std::time::{Duration, Instant};

use runward_canary::CauseKind;
use runward_canary::alert::{Alert, Delivery};
use runward_sinks::Sink;
use serde_json::Value;

use crate::alerts::{HOSTILE, LONG, alert, cause, megabyte, open, plain, send, settings, text};
use crate::server::{Server, Wire, authority, drip, hang, request, tls};

const SECRET: &str = "T000/B000/hush-hush";
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";

fn answering(answer: impl Into<String>) -> Server {
    let answer = answer.into();
    Server::start(move |mut stream| {
        let heard = request(&mut stream).unwrap_or_default();
        let _ = stream.write_all(answer.as_bytes());
        heard
    })
}

fn hook(port: u16, form: &str) -> Box<dyn Sink> {
    let url = format!("http://127.0.0.1:{port}/services/{SECRET}");
    open(
        "webhook",
        [
            ("url", text(url)),
            ("format", text(form)),
            ("timeout", text("1s")),
        ],
    )
}

/// What was posted.
fn body(heard: &str) -> Value {
    let (_, body) = heard.split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

#[test]
fn slack_gets_blocks() {
    let server = answering(OK);
    assert_eq!(send(&*hook(server.port(), "slack")), Delivery::Delivered);
    let heard = server.end();
    assert!(heard[0].starts_with(&format!("POST /services/{SECRET} HTTP/1.1\r\n")));
    let body = body(&heard[0]);
    let kinds: Vec<_> = body["blocks"]
        .as_array()
        .expect("blocks")
        .iter()
        .map(|it| it["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(kinds, ["header", "section", "section", "context"]);
    let headline = "\u{26a0} [host] opened: S-01 Slots and rows are the same (major, 2 subjects)";
    assert_eq!(
        (
            body["text"].as_str(),
            body["blocks"][0]["text"]["text"].as_str()
        ),
        (Some(headline), Some(headline))
    );
    let lines = "agent-1 (left_only): agent-1 has a slot without a row\nand 1 more";
    assert_eq!(body["blocks"][1]["text"]["text"].as_str(), Some(lines));
}

#[test]
fn others_get_the_alert_itself() {
    let server = answering(OK);
    let sink = hook(server.port(), "json");
    let sent: Vec<_> = HOSTILE.iter().map(|text| alert(text)).collect();
    for alert in &sent {
        assert_eq!(sink.deliver(alert, LONG), Delivery::Delivered);
    }
    let heard = server.end();
    let read = |heard: &String| Alert::from_json(&body(heard).to_string()).expect("an alert");
    assert_eq!(heard.iter().map(read).collect::<Vec<_>>(), sent);
}

/// Each text of a message, with where it stands.
fn texts(value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            if let (Some(kind), Some(text)) = (
                fields.get("type"),
                fields.get("text").and_then(Value::as_str),
            ) {
                found.push((
                    kind.as_str().unwrap_or_default().to_owned(),
                    text.to_owned(),
                ));
            }
            fields.values().for_each(|it| texts(it, found));
        }
        Value::Array(items) => items.iter().for_each(|it| texts(it, found)),
        _ => {}
    }
}

#[test]
fn no_text_becomes_a_link_or_a_mention_or_is_too_long_for_slack() {
    let server = answering(OK);
    let sink = hook(server.port(), "slack");
    let nasty: Vec<_> = HOSTILE
        .iter()
        .map(|text| (*text).to_owned())
        .chain([megabyte(), "&".repeat(5_000)])
        .collect();
    for text in &nasty {
        assert_eq!(sink.deliver(&alert(text), LONG), Delivery::Delivered);
    }
    for heard in server.end() {
        let body = body(&heard);
        assert_eq!(body["mrkdwn"], Value::from(false));
        let mut found = Vec::new();
        texts(&body["blocks"], &mut found);
        assert!(found.len() >= 4);
        found.push((
            "plain_text".into(),
            body["text"].as_str().expect("text").to_owned(),
        ));
        for (kind, text) in &found {
            assert_eq!(kind, "plain_text");
            assert!(text.encode_utf16().count() <= 3_000);
            assert!(
                !text.contains(['<', '>', '\u{202e}', '\u{0}', '\u{1b}', '\r']),
                "{text}"
            );
            let bare = text
                .replace("&amp;", "")
                .replace("&lt;", "")
                .replace("&gt;", "");
            assert!(!bare.contains('&'), "an escape that was cut: {text}");
        }
        let header = body["blocks"][0]["text"]["text"]
            .as_str()
            .expect("a header");
        assert!(header.encode_utf16().count() <= 150 && !header.contains('\n'));
        assert!(body["blocks"].as_array().expect("blocks").len() <= 50);
    }
}

#[test]
fn only_success_is_delivered_and_the_cause_never_has_the_address() {
    let cases = [
        (204, "", Ok(())),
        (301, "", Err(CauseKind::Denied)),
        (307, "", Err(CauseKind::Denied)),
        (400, "invalid_blocks", Err(CauseKind::Denied)),
        (
            403,
            "<html>go to /services/T000/B000/hush-hush</html>",
            Err(CauseKind::Denied),
        ),
        (404, "no_service", Err(CauseKind::Denied)),
        (429, "", Err(CauseKind::Denied)),
        (500, "", Err(CauseKind::Crashed)),
        (503, "", Err(CauseKind::Crashed)),
    ];
    for (status, said, expected) in cases {
        let server = answering(format!(
            "HTTP/1.1 {status} X\r\nlocation: http://127.0.0.1:1/{SECRET}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
            said.len()
        ));
        let delivery = send(&*hook(server.port(), "slack"));
        match expected {
            Ok(()) => assert_eq!(delivery, Delivery::Delivered, "{status}"),
            Err(kind) => {
                let (found, detail) = cause(delivery);
                assert_eq!(found, kind, "{status}: {detail}");
                assert!(detail.contains(&status.to_string()), "{detail}");
                assert!(
                    !detail.contains("hush") && !detail.contains("127.0.0.1"),
                    "{detail}"
                );
                assert_eq!(detail.contains('('), said.contains('_'), "{detail}");
            }
        }
        assert_eq!(
            server.end().len(),
            1,
            "{status}: asked once, and nobody else"
        );
    }
}

#[test]
fn a_redirect_reaches_nobody() {
    let other = answering(OK);
    let server = answering(format!(
        "HTTP/1.1 308 X\r\nlocation: http://127.0.0.1:{}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        other.port()
    ));
    assert_eq!(
        cause(send(&*hook(server.port(), "slack"))).0,
        CauseKind::Denied
    );
    assert!(other.end().is_empty());
}

fn bad(serve: impl Fn(&mut dyn Wire) + Send + 'static) -> (CauseKind, String, Duration) {
    let server = Server::start(move |mut stream| {
        serve(&mut stream);
        String::new()
    });
    let began = Instant::now();
    let (kind, detail) = cause(send(&*hook(server.port(), "slack")));
    assert!(!detail.contains("hush"), "{detail}");
    (kind, detail, began.elapsed())
}

#[test]
fn a_server_that_does_not_answer_costs_the_limit_and_no_more() {
    let near = |time: Duration| time >= Duration::from_millis(900) && time < Duration::from_secs(8);
    let (kind, _, time) = bad(|wire| drop(hang(wire)));
    assert!(
        kind == CauseKind::Timeout && near(time),
        "hangs: {kind:?} {time:?}"
    );
    let (kind, _, time) = bad(|wire| {
        let _ = request(wire);
        let _ = wire.write_all(b"HTTP/1.1 200 OK\r\nx: ");
        drip(wire, b"a");
    });
    assert!(
        kind == CauseKind::Timeout && near(time),
        "drips: {kind:?} {time:?}"
    );
}

#[test]
fn a_connection_that_breaks_has_failed() {
    let (kind, detail, _) = bad(|wire| {
        let _ = request(wire);
        let _ = wire.write_all(b"HTTP/1.1 20");
    });
    assert!(
        matches!(kind, CauseKind::Unreachable | CauseKind::Garbled),
        "{kind:?} {detail}"
    );
    let (kind, detail, _) = bad(|wire| {
        let _ = request(wire);
        let _ = wire.write_all(b"220 mail.example.org ESMTP\r\n\r\n");
    });
    assert_eq!(kind, CauseKind::Garbled, "{detail}");
    let gone = Server::start(|_| String::new());
    let port = gone.port();
    drop(gone);
    assert_eq!(cause(send(&*hook(port, "slack"))).0, CauseKind::Unreachable);
}

#[test]
fn tls_is_spoken_with_whom_it_is_known() {
    let server = Server::start(|stream| {
        let mut wire = tls(stream);
        let heard = request(&mut wire).unwrap_or_default();
        let _ = wire.write_all(OK.as_bytes());
        wire.conn.send_close_notify();
        let _ = wire.flush();
        heard
    });
    let url = || text(format!("https://localhost:{}/{SECRET}", server.port()));
    let ca = text(authority().to_str().expect("text"));
    let known = open(
        "webhook",
        [("url", url()), ("ca", ca.clone()), ("timeout", text("5s"))],
    );
    assert_eq!(send(&*known), Delivery::Delivered);
    let stranger = open("webhook", [("url", url()), ("timeout", text("5s"))]);
    let (kind, detail) = cause(send(&*stranger));
    assert_eq!(kind, CauseKind::Denied, "{detail}");
    let other = url_of("https://127.0.0.2", server.port());
    let wrong_name = open(
        "webhook",
        [("url", other), ("ca", ca), ("timeout", text("5s"))],
    );
    cause(send(&*wrong_name));
    let heard = server.end();
    assert_eq!(heard.iter().filter(|it| it.contains(SECRET)).count(), 1);
}

fn url_of(host: &str, port: u16) -> runward_canary::Setting {
    text(format!("{host}:{port}/{SECRET}"))
}

#[test]
fn an_address_is_a_secret_everywhere() {
    for url in [
        format!("http://example.org/{SECRET}"),
        format!("ftp://x/{SECRET}"),
        SECRET.to_owned(),
        format!("https://exa mple/{SECRET}"),
    ] {
        let error = runward_sinks::open("webhook", &settings([("url", text(&url))]), &|_| None)
            .err()
            .expect("refused");
        assert!(!error.to_string().contains("hush"), "{error}");
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }
    let sink = runward_sinks::open("webhook", &settings([("url_env", text("HOOK"))]), &|name| {
        (name == "HOOK").then(|| format!(" https://localhost/{SECRET}\n"))
    });
    assert!(sink.is_ok());
    assert_eq!(plain().unsaid(), 1);
}
