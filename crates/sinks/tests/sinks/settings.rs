use runward_canary::{Setting, Settings};
use runward_sinks::ErrorKind;

use crate::alerts::{settings, text};

fn refused(kind: &str, settings: &Settings) -> (ErrorKind, String) {
    let error = runward_sinks::open(kind, settings, &|_| None)
        .err()
        .expect("it is refused");
    (error.kind(), error.to_string())
}

#[test]
fn what_is_wrong_is_named_with_what_would_be_right() {
    let cases = [
        ("pigeon", settings([]), "only command, email, file, webhook"),
        ("file", settings([]), "`path` is missing"),
        (
            "file",
            settings([("path", text("/x")), ("pahts", text("/x"))]),
            "there is no setting `pahts`, only path",
        ),
        (
            "file",
            settings([("path", Setting::Int(3))]),
            "`path` is text",
        ),
        (
            "command",
            settings([("argv", Setting::List(vec![]))]),
            "at least one item",
        ),
        (
            "command",
            settings([("argv", text("x")), ("timeout", text("soon"))]),
            "from 1s to 120s",
        ),
        (
            "command",
            settings([("argv", text("x")), ("timeout", text("121s"))]),
            "from 1s to 120s",
        ),
        ("webhook", settings([]), "`url_env` is missing"),
        (
            "webhook",
            settings([("url", text("https://x/")), ("format", text("xml"))]),
            "\"slack\" or \"json\"",
        ),
        (
            "webhook",
            settings([("url", text("https://x/")), ("url_env", text("X"))]),
            "exclude each other",
        ),
        (
            "webhook",
            settings([("url", text("http://x/"))]),
            "it has to be https",
        ),
        (
            "email",
            settings([("from", text("nobody"))]),
            "no address such as",
        ),
        ("email", mail("x.example.org"), "smtps://HOST"),
        ("email", mail("smtp://a b"), "smtps://HOST"),
        ("email", mail("smtp://host:99999"), "smtps://HOST"),
    ];
    for (kind, settings, said) in cases {
        let (found, message) = refused(kind, &settings);
        assert_eq!(found, ErrorKind::Setting, "{message}");
        assert!(message.contains(said), "{said:?} is not in {message:?}");
    }
}

fn mail(server: &str) -> Settings {
    settings([
        ("from", text("a@example.org")),
        ("to", text("b@example.org")),
        ("server", text(server)),
    ])
}

#[test]
fn a_secret_that_is_not_there_and_a_file_that_is_none_are_other_errors() {
    let (kind, message) = refused("webhook", &settings([("url_env", text("NOT_SET"))]));
    assert_eq!(kind, ErrorKind::Secret);
    assert!(message.contains("NOT_SET"), "{message}");
    let (kind, message) = refused(
        "webhook",
        &settings([("url", text("https://x/")), ("ca", text("/dev/null"))]),
    );
    assert_eq!(kind, ErrorKind::File);
    assert!(message.contains("/dev/null"), "{message}");
}
