use std::collections::BTreeSet;
use std::time::Duration;

use runward_canary::{Ask, ErrorKind, Setting};

use crate::harness::*;

#[track_caller]
fn refused(kind: &str, pairs: &[(&str, Setting)]) -> String {
    let error = runward_sources::open(kind, &settings(pairs), LONG)
        .err()
        .unwrap();
    assert_eq!(error.kind(), ErrorKind::Source);
    error.to_string()
}

#[test]
fn a_source_that_is_not_understood_names_what_is_near() {
    assert!(refused("redsi", &[]).contains("`redis`?"));
    assert!(refused("redis", &[("ulr", text("x"))]).contains("`url`?"));
    assert!(refused("redis", &[]).contains("url = "));
    assert!(refused("redis", &[("url", Setting::Int(1))]).contains("text"));
    assert!(!refused("redis", &[("url", text("rediss://:hunter2@x"))]).contains("hunter2"));
    assert!(!refused("redis", &[("url", text("hunter2"))]).contains("hunter2"));
    assert!(!refused("postgres", &[("url", text("postgres://a:hunter2@[x/"))]).contains("hunter2"));
    assert!(
        refused("postgres", &[("url_env", text("RUNWARD_NOT_SET"))]).contains("RUNWARD_NOT_SET")
    );
    assert!(refused("sqlite", &[]).contains("path = "));
    assert!(refused("command", &[("argv", Setting::List(Vec::new()))]).contains("argv = "));
    assert!(refused("docker", &[("socket", text("tcp://x"))]).contains("unix socket"));
    let nothing = runward_sources::open("procfs", &settings(&[]), Duration::ZERO);
    assert!(nothing.is_err());
    assert_eq!(runward_sources::kinds().count(), 10);
}

#[track_caller]
fn unprepared(kind: &str, facet: Ask) -> String {
    let pairs: &[(&str, Setting)] = match kind {
        "redis" => &[("url", text("redis://127.0.0.1:1"))],
        "postgres" => &[("url", text("postgres://a@127.0.0.1:1/a"))],
        "command" => &[("argv", texts(&["true"]))],
        "sqlite" | "flock-dir" | "run-dirs" => &[("path", text("/nonexistent"))],
        _ => &[],
    };
    let mut source = open(kind, pairs, LONG);
    let error = source.prepare(&[facet]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Source);
    error.to_string()
}

#[test]
fn a_facet_that_is_not_understood_is_refused_before_anybody_is_asked() {
    let query = |query: &str| ask("f", "id", &[("query", text(query))]);
    for (kind, facet, words) in [
        ("redis", query("DEL x"), "only reads"),
        ("redis", query("GET x:{subject}"), "`subjects` or `each`"),
        ("redis", query("GET 'x"), "quote"),
        (
            "redis",
            ask("f", "a b", &[("query", text("HMGET x a b"))]),
            "fields =",
        ),
        (
            "redis",
            ask("f", "id", &[("qeury", text("GET x"))]),
            "`query`?",
        ),
        ("redis", ask("f", "id", &[("scan", text("*x*"))]), "one `*`"),
        (
            "redis",
            ask(
                "f",
                "stamp:time",
                &[("query", text("SMEMBERS x")), ("as", text("stamp"))],
            ),
            "no instant",
        ),
        ("sqlite", query("DELETE FROM x"), "DELETE"),
        ("sqlite", query("SELECT :id"), "`subjects` or `each`"),
        ("postgres", query("SELECT 1; SELECT 2"), "more than one"),
        (
            "postgres",
            query("SELECT '{subject}' FROM x WHERE a = {subject}"),
            ":name",
        ),
        ("procfs", ask("f", "id cmd", &[]), "no field `cmd`"),
        ("procfs", ask("f", "id containr", &[]), "`container`?"),
        ("files", ask("f", "id", &[]), "paths ="),
        (
            "run-dirs",
            ask("f", "id x:bool", &[("has", map(&[("x", "../y")]))]),
            "leads out",
        ),
        (
            "run-dirs",
            ask("f", "id x", &[("says", map(&[("x", "a/../../b#c")]))]),
            "leads out",
        ),
        (
            "run-dirs",
            ask("f", "id x", &[("says", map(&[("x", "owner")]))]),
            "FILE#KEY",
        ),
        (
            "run-dirs",
            ask(
                "f",
                "id x",
                &[("says", map(&[("x", "a#b")])), ("suffix", text(".j"))],
            ),
            "FILE#KEY",
        ),
        (
            "flock-dir",
            ask("f", "id", &[("state", texts(&["left", "free"]))]),
            "and not `free`",
        ),
        ("run-dirs", ask("f", "held:bool", &[]), "`suffix`"),
        (
            "run-dirs",
            ask("f", "id", &[("suffix", text("/x"))]),
            "how the names of files end",
        ),
        (
            "run-dirs",
            ask(
                "f",
                "x:bool",
                &[("has", map(&[("x", "y")])), ("suffix", text(".j"))],
            ),
            "no inside",
        ),
        ("procfs", ask("f", "id", &[("what", text("boots"))]), "boot"),
        (
            "procfs",
            ask("f", "id comm", &[("what", text("boot"))]),
            "no field `comm`",
        ),
        ("docker", ask("f", "id", &[]), "query ="),
        ("http", query("https://x/"), "TLS"),
        ("http", query("http://{subject}/"), "`subjects` or `each`"),
        (
            "command",
            ask(
                "f",
                "id",
                &[
                    ("args", texts(&["--agent={subject}"])),
                    ("subjects", text("roster")),
                ],
            ),
            "argument of its own",
        ),
        (
            "command",
            ask("f", "id", &[("subjects", text("a")), ("each", text("b"))]),
            "exclude",
        ),
        (
            "command",
            ask("f", "id", &[("as", text("row"))]),
            "rows, stamp or count",
        ),
    ] {
        let error = unprepared(kind, facet);
        assert!(
            error.contains(words) && error.starts_with("facet f: "),
            "{kind}: {error}"
        );
    }
}

/// What the schema of rules says of a kind is what the kind understands: its refusal of a name that is near none lists them all.
#[test]
fn what_is_described_is_what_is_known() {
    let (kinds, common) = runward_sources::described();
    let listed = |error: &str| -> BTreeSet<String> {
        let names = error
            .rsplit_once("there are ")
            .map_or("", |(_, names)| names);
        names
            .split(", ")
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let far = ("zzzzzzzzzzzzzzzzzzzzzzzz", text("x"));
    let shared = [
        "as", "born", "columns", "each", "id", "period", "source", "subject", "subjects",
    ];
    for kind in kinds {
        let names = |all: &[runward_canary::rules::Described]| -> BTreeSet<String> {
            all.iter().map(|one| one.name.to_owned()).collect()
        };
        let error = refused(kind.name, std::slice::from_ref(&far));
        assert_eq!(listed(&error), names(kind.settings), "{}", kind.name);
        let mut facet: BTreeSet<String> = BTreeSet::new();
        // Redis has either of two.
        for pairs in [vec![far.clone()], vec![far.clone(), ("scan", text("a:*"))]] {
            let error = unprepared(kind.name, ask("f", "id", &pairs));
            facet.extend(listed(&error));
        }
        let mut wanted = names(kind.facet);
        wanted.extend(names(common));
        wanted.extend(shared.map(str::to_owned));
        assert_eq!(facet, wanted, "a facet of {}", kind.name);
    }
    assert_eq!(kinds.len(), runward_sources::kinds().count());
}
