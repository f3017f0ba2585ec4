//! What tenants can write, through a real Redis and a real SQLite to everybody who reads it: text stays text, and is bounded.

use std::fs;
use std::process::{Command, Stdio};

use runward_tests::servers::installed;
use runward_tests::{Sandbox, need};
use serde_json::Value;

use crate::canary_kit::{Canary, Hook, Redis, sqlite};

const NAMES: [&str; 16] = [
    "<!channel> <!here> <@U123> @everyone",
    "<https://evil.example/?a=b&c|the status page>",
    "<script>document.title='owned'</script>",
    "\"><img src=x onerror=\"document.title='owned'\">",
    "</style></title><iframe src=//evil.example>",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{8}\u{9b}31m",
    "\u{202e}txt.exe\u{2066}\u{200f}",
    "a\nb\r\nSubject: owned\r\n\r\n.\r\n",
    "'; DROP TABLE agents; --",
    "$(touch owned) `touch owned`; touch owned | touch owned & touch owned",
    "{subject} {kind} {{}} {severity} {",
    "x\\\",rule=\"y\",z=\"\n# TYPE owned counter\nowned 1\n",
    "--help",
    "../../../../etc/passwd",
    "*3\r\n$3\r\nDEL\r\n$6\r\nagents\r\n",
    "%s%n%x \\u0000 \\x00 &lt;b&gt; &amp;",
];

fn rules(redis: &Redis, hook: &Hook) -> String {
    format!(
        r#"
title = "<script>tenants</script>"
[source.redis]
kind = "redis"
url = "{}"
[source.db]
kind = "sqlite"
path = "app.db"
[source.count]
kind = "command"
argv = ["sh", "count"]
[facet.agents]
source = "db"
query = "SELECT name, note, bad FROM agents"
id = "name"
columns = {{ note = "text", bad = "int" }}
[facet.short]
source = "db"
query = "SELECT name FROM agents WHERE length(name) < 1000"
id = "name"
[facet.rows]
source = "db"
query = "SELECT note FROM agents WHERE name = :subject"
subjects = "agents"
id = "note"
[facet.slots]
source = "redis"
query = "ZRANGE slots:{{subject}} 0 -1 WITHSCORES"
subjects = "agents"
fields = ["name", "score"]
id = "name"
columns = {{ score = "int" }}
[facet.counted]
source = "count"
args = ["{{subject}}"]
subjects = "short"
id = "id"
columns = {{ count = "int" }}
[invariant.A-01]
title = "Agents are well"
tier = "A"
severity = "major"
message = "{{subject}}: {{id}}, {{bad}}"
runbook = "Look at the agent."
shape = "row"
of = "agents"
bad = [{{ kind = "bad", column = "bad", equals = 1 }}]
[invariant.A-02]
title = "Each name finds one row"
tier = "A"
severity = "major"
message = "{{subject}} has {{count}}"
runbook = "Look at the query."
shape = "exactly"
count = "rows"
limit = 1
[invariant.A-03]
title = "Each name is one argument"
tier = "A"
severity = "major"
message = "{{subject}} has {{count}}"
runbook = "Look at the command."
shape = "row"
of = "counted"
bad = [{{ kind = "split", column = "count", not = 1 }}]
[invariant.A-04]
title = "No slot is without a score"
tier = "A"
severity = "major"
message = "{{subject}}: {{id}}"
runbook = "Look at Redis."
shape = "row"
of = "slots"
bad = [{{ kind = "empty", column = "score", equals = 0 }}]
[ledger]
directory = "ledger"
[retention]
snapshots = "1h"
[output]
html = "page.html"
prometheus = "page.prom"
json = "page.json"
[[alert]]
kind = "stderr"
[[alert]]
kind = "file"
path = "alerts"
[[alert]]
kind = "webhook"
url = "{}"
"#,
        redis.url(),
        hook.url()
    )
}

fn plain(text: &str) -> bool {
    let bidi = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .all(|c| c == '\n' || !(c.is_control() || bidi(c)))
}

/// All text in a value.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(all) => all.iter().for_each(|it| texts(it, found)),
        Value::Object(all) => all.values().for_each(|it| texts(it, found)),
        _ => {}
    }
}

#[track_caller]
fn assert_slack(post: &str) {
    assert!(post.len() < 40_000, "{} bytes", post.len());
    let value: Value = serde_json::from_str(post).expect("JSON");
    let blocks = value["blocks"].as_array().expect("blocks");
    let kind = |it: &Value| it["type"] == "mrkdwn";
    assert!(blocks.iter().all(|it| !kind(&it["text"])), "{post}");
    let mut found = Vec::new();
    texts(&value, &mut found);
    for text in found {
        assert!(!text.contains(['<', '>']), "{text:?}");
        assert!(plain(&text), "{text:?}");
        assert!(text.encode_utf16().count() <= 3_000);
    }
}

#[track_caller]
fn assert_page(page: &str) {
    assert!(page.len() < 300_000, "{} bytes", page.len());
    assert!(plain(page));
    for mark in ["<script", "<img", "<iframe", "</style></title>"] {
        assert!(!page.contains(mark), "{mark}");
    }
}

#[track_caller]
fn assert_exposition(text: &str) {
    assert!(text.len() < 100_000 && !text.contains("owned"), "{text}");
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    let mut child = command.spawn().expect("promtool starts");
    let mut input = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut input, text.as_bytes()).expect("written");
    drop(input);
    assert!(child.wait().expect("ends").success(), "{text}");
}

fn quoted(text: &str) -> String {
    // The shell of SQLite reads lines, and would drop the carriage returns.
    let text = text.replace('\'', "''").replace('\r', "'||char(13)||'");
    format!("'{text}'")
}

#[test]
fn what_tenants_write_stays_text_for_everybody_who_reads_it() {
    let name = "what_tenants_write_stays_text_for_everybody_who_reads_it";
    need!(name, installed("redis-server"), "needs redis-server");
    need!(name, installed("sqlite3"), "needs sqlite3");
    need!(name, installed("promtool"), "needs promtool");
    let sandbox = Sandbox::new(60);
    let redis = Redis::start(&sandbox);
    let hook = Hook::start(Some(200));
    let canary = Canary::new(&sandbox, &rules(&redis, &hook));
    canary.write(
        "count",
        "echo \"[{\\\"id\\\":\\\"args\\\",\\\"count\\\":$#}]\"",
    );
    let long = "\u{1f4a9}<x>".repeat(250_000);
    let mut sql = "CREATE TABLE agents(name TEXT, note TEXT, bad INT);\n".to_owned();
    let names = || NAMES.into_iter().chain([long.as_str()]);
    for name in names() {
        let text = quoted(name);
        sql += &format!("INSERT INTO agents VALUES ({text}, {text}, 1);\n");
        redis.tell(&["ZADD", &format!("slots:{name}"), "0", name]);
    }
    let db = canary.path("app.db");
    sqlite(&db, &sql);
    let ran = canary.assert("cycle", &[], 1);
    for text in [&ran.out, &ran.err] {
        assert!(plain(text) && text.len() < 100_000, "{} bytes", text.len());
    }
    let count = |id: &str| canary.findings(id).as_array().map_or(0, Vec::len);
    let all = NAMES.len() + 1;
    assert_eq!(
        ["A-01", "A-02", "A-03", "A-04"].map(count),
        [all, 0, 0, all]
    );
    assert_eq!(hook.posts().len(), 2);
    hook.posts().iter().for_each(|post| assert_slack(post));
    assert_eq!(canary.reasons("alerts"), ["opened", "opened"]);
    assert!(canary.read("alerts").len() < 100_000);
    assert_page(&canary.read("page.html"));
    assert_exposition(&canary.read("page.prom"));
    for shown in [canary.run("status", &[]), canary.run("cycle", &[])] {
        assert_eq!(shown.code, 1);
        assert!(plain(&shown.out));
    }
    serde_json::from_str::<Value>(&canary.read("page.json")).expect("JSON");
    let kept = fs::read_dir(canary.path("ledger/snapshots")).expect("snapshots");
    let kept: Vec<_> = kept
        .flatten()
        .map(|it| it.path().display().to_string())
        .collect();
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    assert!(plain(&canary.assert("replay", &kept, 1).out));
    // Nothing of it was done.
    assert_eq!(sqlite(&db, "SELECT count(*) FROM agents;"), all.to_string());
    assert_eq!(redis.call(&["DBSIZE"]), all.to_string());
    assert!(!canary.path("owned").exists());
    // And it is over when it is over.
    sqlite(&db, "UPDATE agents SET bad = 0;");
    names().for_each(|name| redis.tell(&["ZADD", &format!("slots:{name}"), "5", name]));
    canary.assert("cycle", &[], 0);
    hook.posts().iter().for_each(|post| assert_slack(post));
    assert_eq!(canary.reasons("alerts")[2..], ["recovered", "recovered"]);
}

#[test]
fn an_empty_roster_is_red_where_somebody_lives_and_no_green_where_nobody_can_tell() {
    let name = "an_empty_roster_is_red_where_somebody_lives_and_no_green_where_nobody_can_tell";
    need!(name, installed("redis-server"), "needs redis-server");
    need!(name, installed("sqlite3"), "needs sqlite3");
    let sandbox = Sandbox::new(60);
    let mut redis = Redis::start(&sandbox);
    let rules = format!(
        r#"
title = "roster"
[source.redis]
kind = "redis"
url = "{}"
timeout = "300ms"
[source.db]
kind = "sqlite"
path = "app.db"
[facet.roster]
source = "db"
query = "SELECT name FROM agents"
id = "name"
[facet.alive]
source = "redis"
scan = "alive:*"
[invariant.H-01]
title = "The roster is what is there"
tier = "A"
severity = "critical"
message = "{{subject}}: {{kind}}"
runbook = "Look whether the database is the one that is meant."
shape = "sees"
roster = "roster"
evidence = ["alive"]
confirm_after = "0s"
[ledger]
directory = "ledger"
"#,
        redis.url()
    );
    let canary = Canary::new(&sandbox, &rules);
    let db = canary.path("app.db");
    sqlite(
        &db,
        "CREATE TABLE agents(name TEXT); INSERT INTO agents VALUES ('a');",
    );
    redis.call(&["SET", "alive:a", "1"]);
    canary.assert("cycle", &[], 0);
    sqlite(&db, "DELETE FROM agents;");
    let kinds = |wanted: &str, code: i32| {
        let ran = canary.run("cycle", &[]);
        let found = canary.findings("H-01").to_string();
        assert_eq!(ran.code, code, "{ran:#?}");
        assert!(found.contains(wanted), "{found}");
    };
    kinds("roster_empty_contradicted", 2);
    sqlite(&db, "INSERT INTO agents VALUES ('a');");
    canary.assert("cycle", &[], 0);
    fs::rename(&db, canary.path("elsewhere")).expect("moved");
    kinds("roster_read_failed", 2);
    fs::rename(canary.path("elsewhere"), &db).expect("moved");
    canary.assert("cycle", &[], 0);
    sqlite(&db, "DELETE FROM agents;");
    redis.signal(rustix::process::Signal::STOP);
    kinds("roster_empty_unverifiable", 1);
    redis.again(&sandbox);
}
