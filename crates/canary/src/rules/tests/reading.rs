use std::time::Duration;

use super::SET;
use crate::{Kind, Rules, Setting, Severity};

#[test]
fn a_set_is_read_whole() {
    let rules = Rules::parse("set.toml", SET).expect("a rule set");
    assert_eq!(rules.title(), "a fleet");
    let sources: Vec<_> = rules
        .sources()
        .iter()
        .map(|one| (one.name(), one.kind(), one.timeout().as_secs()))
        .collect();
    assert_eq!(sources, [("db", "sqlite", 5), ("redis", "redis", 2)]);
    assert_eq!(
        rules.sources()[0].settings()["path"],
        Setting::Text("/data/app.db".to_owned())
    );
    let facets: Vec<_> = rules
        .facets()
        .iter()
        .map(|one| (one.ask().facet.as_str(), one.source(), one.round()))
        .collect();
    assert_eq!(
        facets,
        [
            ("roster", "db", 0),
            ("drain", "redis", 0),
            ("slots", "redis", 1)
        ]
    );
    assert_eq!(rules.facets()[2].over(), Some("roster"));
    assert_eq!(rules.facets()[1].period(), Some(Duration::from_secs(60)));
    assert_eq!(rules.invariants()[0].meta().id, "S-02");
    assert_eq!(rules.drills()[0].kind, "above");
    assert_eq!(rules.policy().interval, Duration::from_secs(300));
}

#[test]
fn an_answer_has_its_own_columns_and_those_that_are_asked_for() {
    let text = r#"
[source]
s = { kind = "command" }
[facet]
list = { source = "s" }
each = { source = "s", each = "list", born = 1, columns = { ttl = "int", on = "bool" } }
count = { source = "s", subjects = "list", as = "count" }
stamp = { source = "s", as = "stamp" }
whose = { source = "s", subject = "agent", id = "row_id", columns = { tab = "text" } }
"#;
    let rules = Rules::parse("set.toml", text).expect("a rule set");
    let columns = |name: &str| {
        let facet = rules
            .facets()
            .iter()
            .find(|one| one.ask().facet == name)
            .expect("a facet");
        let columns: Vec<_> = facet
            .ask()
            .columns
            .iter()
            .map(|one| (one.name().to_owned(), one.kind()))
            .collect();
        columns
    };
    let named = |pairs: &[(&str, Kind)]| {
        pairs
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), *kind))
            .collect::<Vec<_>>()
    };
    let (text, int, time) = (Kind::Text, Kind::Int, Kind::Time);
    assert_eq!(columns("list"), named(&[("id", text)]));
    let each = [
        ("subject", text),
        ("id", text),
        ("born", time),
        ("read_at", time),
        ("ttl", int),
        ("on", Kind::Bool),
    ];
    assert_eq!(columns("each"), named(&each));
    assert_eq!(
        columns("count"),
        named(&[("subject", text), ("count", int)])
    );
    assert_eq!(columns("stamp"), named(&[("stamp", time)]));
    assert_eq!(
        columns("whose"),
        named(&[("subject", text), ("id", text), ("tab", text)])
    );
}

/// The surface as it was proposed, with what it left to be guessed written out.
const SAMPLE: &str = r#"
[source]
redis = { kind = "command", argv = ["redis-cli", "--json"], timeout = "2s" }
db    = { kind = "command", argv = ["sqlite3", "-json", "-readonly", "/data/app.db"] }
locks = { kind = "flock-dir", path = "/run/ci/locks" }
proc  = { kind = "procfs" }

[facet]
slots   = { source = "redis", query = "ZRANGE agent:slots:{subject} 0 -1 WITHSCORES", id = 0, born = 1, subjects = "roster" }
running = { source = "db", query = "SELECT id, started_at FROM runs WHERE agent=:subject AND status='running'", born = "started_at", subjects = "roster" }
queued  = { source = "db", query = "SELECT id, queued_at FROM runs WHERE agent=:subject AND status='queued'", born = "queued_at", subjects = "roster" }
roster  = { source = "db", query = "SELECT name, cap, timeout_s FROM agents", columns = { cap = "int", timeout_s = "int" } }
drain   = { source = "redis", query = "GET canary:drain_tick_at", as = "stamp", period = "60s" }

[invariant.S-01]
title = "Slots and running rows are the same"
tier = "A"
severity = "major"
message = "{subject}: {ids}"
shape = "same_ids"
left = "slots"
right = "running"
exclude = { left_prefix = "drain-" }
grace = "3s"
confirm = "reread"
runbook = "A slot without a row: look for a release that did not run."

[invariant.B-02]
title = "Work that waits is picked up"
tier = "B"
severity = "critical"
message = "{subject}: {work} waiting"
shape = "waiting_implies"
work = "queued"
capacity = { used = "slots", limit = "roster.cap" }
heartbeat = "drain"
grace = "120s"
expect = { examined_at_least = 1, within_cycles = 288 }
runbook = "Work and room but no tick: the loop that drains has stopped."

[policy]
interval = "5m"
startup = "30s"
remind_after = "24h"
recover = true

[retention]
findings = "30d"

[[alert]]
kind = "webhook"
url_env = "HOOK"
minimum = "major"
"#;

#[test]
fn the_proposed_surface_loads() {
    let rules = Rules::parse("sample.toml", SAMPLE).expect("a rule set");
    let ids: Vec<_> = rules
        .invariants()
        .iter()
        .map(|one| &*one.meta().id)
        .collect();
    assert_eq!(ids, ["B-02", "S-01"]);
    assert!(rules.invariants()[1].terms().reread);
    assert_eq!(
        rules.invariants()[0]
            .terms()
            .expect
            .map(|one| one.within_cycles),
        Some(288)
    );
    assert_eq!(rules.alerts()[0].minimum(), Severity::Major);
    assert_eq!(
        rules.alerts()[0].settings()["url_env"],
        Setting::Text("HOOK".to_owned())
    );
    assert_eq!(rules.retention().findings, Duration::from_secs(30 * 86_400));
    assert_eq!(
        rules.policy().remind_after,
        Some(Duration::from_secs(86_400))
    );
}

#[test]
fn the_digest_is_of_what_is_said_and_not_of_how() {
    let digest = |text: &str| {
        Rules::parse("set.toml", text)
            .expect("a rule set")
            .digest()
            .to_owned()
    };
    let whole = digest(SET);
    assert_eq!(whole.len(), 64);
    assert_eq!(
        whole,
        digest(&format!(
            "# a comment\n{}",
            SET.replace("kind = \"sqlite\"", "kind    = 'sqlite'")
        ))
    );
    assert_ne!(whole, digest(&SET.replace("5m", "6m")));
}

#[test]
fn what_is_off_says_why_and_takes_its_drills_with_it() {
    let off = SET.replace("tier = \"A\"", "tier = \"A\"\noff = \"no slots here\"");
    let rules = Rules::parse("set.toml", &off).expect("a rule set");
    assert!(rules.invariants().is_empty() && rules.drills().is_empty());
    assert_eq!(rules.off().collect::<Vec<_>>(), [("S-02", "no slots here")]);
    for word in ["true", "\" \"", "1"] {
        let off = off.replace("\"no slots here\"", word);
        let error = Rules::parse("set.toml", &off).expect_err("a refusal");
        assert!(error.to_string().contains("say why it is off"), "{error}");
    }
}
