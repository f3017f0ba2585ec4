use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use runward_canary::alert::Delivery;
use runward_canary::{CauseKind, Setting};
use runward_sinks::Sink;

use crate::alerts::{HOSTILE, LONG, alert, cause, megabyte, open, send, text};
use crate::server::{Server, Wire, authority, drip, tls};

/// What a mail server does instead of what it should.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Good,
    Refuses(&'static str),
    Hangs(&'static str),
    Drips(&'static str),
    Closes(&'static str),
    /// It speaks before it is asked, behind the answer to STARTTLS.
    Injects,
    /// It offers no STARTTLS.
    Bare,
    /// It refuses a login in its own words.
    Repeats,
}

/// Speaks SMTP, and tells what it heard.
fn speak(wire: &mut dyn Wire, way: Way, greet: bool, heard: &mut String) -> bool {
    if greet && !answer(wire, way, "CONNECT", "220 mail ESMTP\r\n") {
        return false;
    }
    let mut reader = BufReader::new(wire);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return false;
        }
        heard.push_str(&line);
        let verb = line
            .split([' ', '\r'])
            .next()
            .unwrap_or_default()
            .to_uppercase();
        let repeated = format!("500 5.5.1 what is {}?\r\n", line.trim_end());
        let said = match verb.as_str() {
            "AUTH" if way == Way::Repeats => &repeated,
            "EHLO" if way == Way::Bare => "250 mail\r\n",
            "EHLO" => "250-mail\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n",
            "STARTTLS" if way == Way::Injects => "220 go\r\n250 injected\r\n",
            "STARTTLS" => "220 go\r\n",
            "AUTH" => "235 in\r\n",
            "DATA" => "354 go\r\n",
            "QUIT" => return false,
            _ => "250 ok\r\n",
        };
        if !answer(reader.get_mut(), way, &verb, said) {
            return false;
        }
        match verb.as_str() {
            "STARTTLS" => return true,
            "DATA" if !matches!(way, Way::Refuses("DATA")) => {
                mail(&mut reader, heard);
                if !answer(reader.get_mut(), way, "DOT", "250 taken\r\n") {
                    return false;
                }
            }
            _ => {}
        }
    }
}

fn mail(reader: &mut dyn BufRead, heard: &mut String) {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line == ".\r\n" {
            return;
        }
        heard.push_str(&line);
    }
}

fn answer(wire: &mut dyn Wire, way: Way, verb: &str, said: &str) -> bool {
    match way {
        Way::Refuses(at) if at == verb => {
            wire.write_all(b"554 5.7.1 no\x1b[31m thanks\r\n").is_ok()
        }
        Way::Hangs(at) if at == verb => {
            let mut rest = Vec::new();
            let _ = wire.read_to_end(&mut rest);
            false
        }
        Way::Drips(at) if at == verb => {
            drip(wire, b"2");
            false
        }
        Way::Closes(at) if at == verb => {
            let _ = wire.write_all(b"25");
            false
        }
        _ => wire
            .write_all(said.as_bytes())
            .and_then(|()| wire.flush())
            .is_ok(),
    }
}

fn plain_server(way: Way) -> Server {
    Server::start(move |mut stream| {
        let mut heard = String::new();
        speak(&mut stream, way, true, &mut heard);
        heard
    })
}

fn sink(port: u16, to: &[&str]) -> Box<dyn Sink> {
    let to = to.iter().map(|it| text(*it)).collect();
    open(
        "email",
        [
            ("from", text("canary@example.org")),
            ("to", Setting::List(to)),
            ("server", text(format!("smtp://127.0.0.1:{port}"))),
            ("timeout", text("1s")),
        ],
    )
}

#[test]
fn a_mail_arrives_with_all_that_it_needs() {
    let server = plain_server(Way::Good);
    assert_eq!(
        send(&*sink(
            server.port(),
            &["Ops <ops@example.org>", "b@example.org"]
        )),
        Delivery::Delivered
    );
    let heard = server.end().remove(0);
    for line in [
        "MAIL FROM:<canary@example.org>",
        "RCPT TO:<ops@example.org>",
        "RCPT TO:<b@example.org>",
        "Subject: [host] opened: S-01 Slots and rows are the same (major, 2 subjects)",
        "Auto-Submitted: auto-generated",
        "Message-ID: <host.S-01.opened.1779278400000000@example.org>",
        "Date: Wed, 20 May 2026 12:00:00 +0000",
        "agent-1 (left_only): agent-1 has a slot without a row",
        "Look first: Look for a release that did not run.",
    ] {
        assert!(heard.contains(line), "{line:?} is not in\n{heard}");
    }
    assert!(!heard.contains("AUTH"));
}

#[test]
fn no_text_becomes_a_header_or_a_command() {
    let server = plain_server(Way::Good);
    let sink = sink(server.port(), &["ops@example.org"]);
    let nasty: Vec<_> = HOSTILE
        .iter()
        .map(|text| (*text).to_owned())
        .chain([megabyte()])
        .collect();
    for text in &nasty {
        assert_eq!(
            sink.deliver(&alert(text), LONG),
            Delivery::Delivered,
            "{text:.80}"
        );
    }
    let heard = server.end();
    assert_eq!(heard.len(), nasty.len());
    for mail in heard {
        let (head, _) = mail.split_once("\r\n\r\n").expect("a head");
        let head = head.rsplit_once("DATA\r\n").expect("DATA").1;
        let names: Vec<_> = head
            .lines()
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split(':').next().unwrap_or_default())
            .collect();
        let known = [
            "From",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "Content-Type",
            "To",
            "MIME-Version",
            "Content-Transfer-Encoding",
        ];
        assert!(names.iter().all(|name| known.contains(name)), "{names:?}");
        assert_eq!(mail.matches("RCPT TO").count(), 1);
        assert!(mail.is_ascii() || !mail.contains('\u{202e}'));
        assert!(
            mail.lines().all(|line| line.len() <= 998),
            "a line is too long"
        );
        assert!(
            mail.ends_with("QUIT\r\n") || !mail.contains("\r\nQUIT"),
            "{mail}"
        );
        assert!(mail.len() < 100_000);
    }
}

#[test]
fn a_refusal_is_a_failure_and_says_what_was_refused() {
    for (verb, said) in [
        ("CONNECT", "us"),
        ("EHLO", "EHLO"),
        ("MAIL", "the sender"),
        ("RCPT", "a recipient"),
        ("DATA", "the mail"),
        ("DOT", "the mail"),
    ] {
        let server = plain_server(Way::Refuses(verb));
        let (kind, detail) = cause(send(&*sink(server.port(), &["ops@example.org"])));
        assert_eq!(kind, CauseKind::Denied, "{verb}: {detail}");
        assert!(
            detail.contains(&format!("refused {said}: 554")),
            "{verb}: {detail}"
        );
        assert!(!detail.contains('\u{1b}'), "{detail}");
    }
}

#[test]
fn silence_costs_the_limit_and_no_more_wherever_it_begins() {
    for verb in ["CONNECT", "EHLO", "RCPT", "DATA", "DOT"] {
        for way in [Way::Hangs(verb), Way::Drips(verb)] {
            let server = plain_server(way);
            let began = Instant::now();
            let (kind, detail) = cause(send(&*sink(server.port(), &["ops@example.org"])));
            assert_eq!(kind, CauseKind::Timeout, "{way:?}: {detail}");
            assert!(began.elapsed() < Duration::from_secs(8), "{way:?}");
        }
    }
}

#[test]
fn a_connection_that_breaks_has_failed_wherever_it_does() {
    for verb in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"] {
        let server = plain_server(Way::Closes(verb));
        let (kind, detail) = cause(send(&*sink(server.port(), &["ops@example.org"])));
        assert_eq!(kind, CauseKind::Unreachable, "{verb}: {detail}");
    }
}

fn covered(way: Way, starttls: bool) -> Server {
    Server::start(move |mut stream: TcpStream| {
        let mut heard = String::new();
        if starttls && !speak(&mut stream, way, true, &mut heard) {
            return heard;
        }
        heard.push_str("-- TLS --\n");
        let mut wire = tls(stream);
        speak(&mut wire, way, !starttls, &mut heard);
        heard
    })
}

fn covered_sink(scheme: &str, port: u16) -> Box<dyn Sink> {
    open(
        "email",
        [
            ("from", text("canary@example.org")),
            ("to", text("ops@example.org")),
            ("server", text(format!("{scheme}://localhost:{port}"))),
            ("ca", text(authority().to_str().expect("text"))),
            ("username", text("canary")),
            ("password", text("very-secret")),
            ("timeout", text("5s")),
        ],
    )
}

#[test]
fn the_password_goes_only_below_tls() {
    for (scheme, starttls) in [("smtps", false), ("smtp", true)] {
        let server = covered(Way::Good, starttls);
        assert_eq!(
            send(&*covered_sink(scheme, server.port())),
            Delivery::Delivered,
            "{scheme}"
        );
        let heard = server.end().remove(0);
        let (bare, covered) = heard.split_once("-- TLS --").expect("TLS");
        assert!(!bare.contains("AUTH") && !bare.contains("MAIL"), "{bare}");
        assert!(
            covered.contains("AUTH PLAIN") && covered.contains("RCPT TO"),
            "{covered}"
        );
    }
}

#[test]
fn without_starttls_nothing_is_sent() {
    for way in [
        Way::Refuses("STARTTLS"),
        Way::Injects,
        Way::Closes("STARTTLS"),
    ] {
        let server = covered(way, true);
        let (_, detail) = cause(send(&*covered_sink("smtp", server.port())));
        assert!(!detail.contains("secret"), "{detail}");
        let heard = server.end().remove(0);
        assert!(
            !heard.contains("AUTH") && !heard.contains("MAIL"),
            "{way:?}: {heard}"
        );
    }
}

#[test]
fn a_login_that_is_refused_does_not_show_the_password() {
    for way in [Way::Refuses("AUTH"), Way::Bare, Way::Repeats] {
        let server = covered(way, false);
        let (kind, detail) = cause(send(&*covered_sink("smtps", server.port())));
        assert_eq!(kind, CauseKind::Denied);
        assert!(
            detail.contains("login") && !detail.contains("secret") && !detail.contains("what is"),
            "{detail}"
        );
    }
}

#[test]
fn a_server_that_nobody_vouches_for_gets_nothing() {
    let server = covered(Way::Good, false);
    let sink = open(
        "email",
        [
            ("from", text("canary@example.org")),
            ("to", text("ops@example.org")),
            (
                "server",
                text(format!("smtps://localhost:{}", server.port())),
            ),
        ],
    );
    let (_, detail) = cause(send(&*sink));
    assert!(detail.contains("use TLS"), "{detail}");
    assert!(!server.end().remove(0).contains("EHLO"));
}
