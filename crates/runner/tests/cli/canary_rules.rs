//! What `canary check` says of rules that only a source or a sink can refuse; each message is compared as a whole.
use crate::harness::Sandbox;

const RULES: &str = r#"[source.db]
kind = "sqlite"
path = "app.db"
timeout = "2s"
[source.cache]
kind = "redis"
url = "redis://127.0.0.1:1/0"
[source.jobs]
kind = "command"
argv = ["list-jobs", "--json"]
[facet.roster]
source = "db"
query = "SELECT id FROM agents"
[facet.slots]
source = "cache"
query = "SMEMBERS slots:{subject}"
subjects = "roster"
[facet.jobs]
source = "jobs"
args = ["all"]
[invariant.S-1]
title = "Not too many"
tier = "A"
severity = "critical"
message = "{subject} has {count}"
runbook = "Look."
shape = "at_most"
count = "slots"
limit = 3
expect = { examined_at_least = 1, within_cycles = 3 }
[invariant.S-2]
title = "Not too many jobs"
tier = "A"
severity = "minor"
message = "{count} jobs"
runbook = "Look."
shape = "at_most"
count = "jobs"
limit = 3
expect = { examined_at_least = 1, within_cycles = 3 }
[ledger]
directory = "ledger"
[[alert]]
kind = "command"
argv = ["notify-me"]
timeout = "5s"
"#;

fn told(from: &str, to: &str) -> String {
    assert!(RULES.contains(from), "{from} is not in the rules");
    let sandbox = Sandbox::new();
    sandbox.write("rules.toml", &RULES.replacen(from, to, 1));
    let seen = sandbox.run(&["canary", "check", "rules.toml"]);
    assert_eq!(seen.code, Some(3), "{to}: {seen:?}");
    seen.stderr.trim_end().to_owned()
}

#[track_caller]
fn all(rows: &[(&str, &str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .map(|(from, to, message)| (to, told(from, to), format!("runward: {message}")))
        .filter(|(_, told, message)| told != message)
        .map(|(to, told, message)| format!("{to}\n  is told as {told}\n  and not as {message}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_a_source_refuses_has_its_place() {
    all(&[
        (
            "url = \"redis",
            "ulr = \"redis",
            "rules.toml:7:7: [source.cache] ulr: `ulr` is not known; did you mean `url`?",
        ),
        (
            "kind = \"redis\"",
            "kind = \"reddis\"",
            "rules.toml:6:8: [source.cache] kind = \"reddis\": source kind `reddis` is not known; did you mean `redis`?",
        ),
        (
            "kind = \"redis\"",
            "kind = \"mainframe\"",
            "rules.toml:6:8: [source.cache] kind = \"mainframe\": source kind `mainframe` is not known; there are command, docker, files, flock-dir, http, postgres, procfs, redis, run-dirs, sqlite",
        ),
        (
            "timeout = \"2s\"",
            "timeout = \"0s\"",
            "rules.toml:4:11: [source.db] timeout = \"0s\": the timeout has to be more than nothing, and an hour at most",
        ),
        (
            "timeout = \"2s\"",
            "timeout = \"2h\"",
            "rules.toml:4:11: [source.db] timeout = \"2h\": the timeout has to be more than nothing, and an hour at most",
        ),
        (
            "path = \"app.db\"\n",
            "",
            "rules.toml:1:1: [source.db]: `path` is missing; write path = \"/var/lib/app/app.db\"",
        ),
        (
            "path = \"app.db\"",
            "path = 3",
            "rules.toml:3:8: [source.db] path = 3: `path` has to be text",
        ),
        (
            "SELECT id FROM",
            "DELETE FROM",
            "rules.toml:13:9: [facet.roster] query = \"DELETE FROM agents\": `query` may only read; it begins with DELETE, and may begin with SELECT, WITH or VALUES",
        ),
        (
            "SMEMBERS slots",
            "DEL slots",
            "rules.toml:16:9: [facet.slots] query = \"DEL slots:{subject}\": `DEL slots:{subject}` does not begin with a command that only reads",
        ),
        (
            "argv = [\"list-jobs\", \"--json\"]",
            "argv = \"list-jobs --json\"",
            "rules.toml:10:8: [source.jobs] argv = \"list-jobs --json\": there is no shell that takes this apart: write argv = [\"list-jobs\", \"--json\"]",
        ),
        (
            "args = [\"all\"]",
            "arguments = [\"all\"]",
            "rules.toml:20:13: [facet.jobs] arguments = [\"all\"]: `arguments` is not known; there are as, born, columns, each, fields, id, period, source, subject, subjects, args",
        ),
        (
            "url = \"redis://127",
            "url = \"http://127",
            "rules.toml:7:7: [source.cache] url: its address is none; write redis://127.0.0.1:6379/0 or unix:///path?db=0; there is no TLS",
        ),
        (
            "subjects = \"roster\"",
            "subjects = \"roster\"\nas = \"row\"",
            "rules.toml:18:6: [facet.slots] as = \"row\": it is one of rows, stamp, count; did you mean `rows`?",
        ),
    ]);
}

#[test]
fn what_a_sink_refuses_has_its_place() {
    all(&[
        (
            "kind = \"command\"\nargv = [\"notify",
            "kind = \"exec\"\nargv = [\"notify",
            "rules.toml:44:8: [[alert]] exec kind = \"exec\": there is no such kind; known: command, email, file, stderr, webhook",
        ),
        (
            "argv = [\"notify-me\"]",
            "cmd = [\"notify-me\"]",
            "rules.toml:45:7: [[alert]] command cmd = [\"notify-me\"]: there is no setting `cmd`, only argv, timeout",
        ),
        (
            "argv = [\"notify-me\"]",
            "argv = \"notify-me --now\"",
            "rules.toml:45:8: [[alert]] command argv = \"notify-me --now\": `argv` is taken apart by no shell: write argv = [\"notify-me\", \"--now\"]",
        ),
        (
            "argv = [\"notify-me\"]\n",
            "",
            "rules.toml:43:1: [[alert]] command: `argv` is missing, which is a list of text",
        ),
        (
            "timeout = \"5s\"",
            "timout = \"5s\"",
            "rules.toml:46:10: [[alert]] command timout = \"5s\": there is no setting `timout`, only argv, timeout",
        ),
        (
            "timeout = \"5s\"",
            "timeout = 5",
            "rules.toml:46:11: [[alert]] command timeout = 5: `timeout` is a time from 1s to 120s, such as \"10s\"",
        ),
        (
            "timeout = \"5s\"",
            "timeout = \"5\"",
            "rules.toml:46:11: [[alert]] command timeout = \"5\": `timeout` is a time from 1s to 120s, such as \"10s\"",
        ),
        (
            "timeout = \"5s\"",
            "timeout = \"5m\"",
            "rules.toml:46:11: [[alert]] command timeout = \"5m\": `timeout` is a time from 1s to 120s, such as \"10s\"",
        ),
        (
            "[[alert]]\n",
            "[[alert]]\nkind = \"stderr\"\nformat = \"json\"\n[[alert]]\n",
            "rules.toml:45:10: [[alert]] stderr format = \"json\": there is no setting `format`, only kind, name, minimum",
        ),
        (
            "[[alert]]\n",
            "[[alert]]\nkind = \"file\"\n[[alert]]\n",
            "rules.toml:43:1: [[alert]] file: `path` is missing",
        ),
        (
            "[[alert]]\n",
            "[[alert]]\nkind = \"webhook\"\nurl = \"https://hooks.example.org/T/secret\"\n[[alert]]\n",
            "rules.toml:45:7: [[alert]] webhook url: this is a secret, and does not belong into a rule set: name the variable that holds it with `url_env`",
        ),
        (
            "[[alert]]\n",
            "[[alert]]\nkind = \"webhook\"\nurl_env = \"HOOK\"\nformat = \"xml\"\n[[alert]]\n",
            "rules.toml:46:10: [[alert]] webhook format = \"xml\": `format` is \"slack\" or \"json\"",
        ),
    ]);
}

#[test]
fn a_check_needs_no_secret_and_says_which_there_will_have_to_be() {
    let sandbox = Sandbox::new();
    let hook = "[[alert]]\nkind = \"webhook\"\nurl_env = \"HOOK\"\n[[alert]]\n";
    let mail = "[[alert]]\nkind = \"email\"\nfrom = \"a@example.org\"\nto = \"b@example.org\"\nserver = \"smtps://mail.example.org\"\nusername = \"a\"\npassword_env = \"MAIL\"\n[[alert]]\n";
    let rules = RULES
        .replacen("url = \"redis://127.0.0.1:1/0\"", "url_env = \"CACHE\"", 1)
        .replacen("directory = \"ledger\"", "url_env = \"BOOK\"", 1)
        .replacen(
            "[[alert]]\n",
            &format!("{hook}{}", &mail["[[alert]]\n".len()..]),
            1,
        );
    sandbox.write("rules.toml", &rules);
    let seen = sandbox.run(&["canary", "check", "rules.toml"]);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    for variable in ["CACHE", "BOOK", "HOOK", "MAIL"] {
        let note = format!("note: the environment has no {variable}; a cycle needs it\n");
        assert!(seen.stdout.contains(&note), "{variable}: {seen:?}");
    }
    let set = [
        ("CACHE", "redis://:hunter2@127.0.0.1:1/0"),
        ("BOOK", "postgres://a@127.0.0.1:1/a"),
        ("HOOK", "https://hooks.example.org/hunter2"),
        ("MAIL", "hunter2"),
    ];
    let seen = sandbox.run_with(&["canary", "check", "rules.toml"], &set);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    assert!(!seen.stdout.contains("the environment has no"), "{seen:?}");
    assert!(!seen.stdout.contains("hunter2"), "{seen:?}");
    let wrong = sandbox.run_with(&["canary", "check", "rules.toml"], &[("CACHE", "hunter2")]);
    assert_eq!(wrong.code, Some(3), "{wrong:?}");
    assert!(
        wrong
            .stderr
            .contains("rules.toml:7:11: [source.cache] url_env = \"CACHE\": ")
            && !wrong.stderr.contains("hunter2"),
        "{wrong:?}"
    );
    let cycle = sandbox.run(&["canary", "cycle", "rules.toml"]);
    assert_eq!(cycle.code, Some(3), "a cycle needs them: {cycle:?}");
}

#[test]
fn the_schema_knows_the_kinds() {
    let sandbox = Sandbox::new();
    let seen = sandbox.run(&["canary", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&seen.stdout).unwrap();
    let kinds = |at: &str| {
        schema
            .pointer(&format!("{at}/properties/kind/enum"))
            .unwrap()
    };
    let sources = kinds("/properties/source/additionalProperties");
    assert!(sources.as_array().unwrap().contains(&"redis".into()));
    let alerts = kinds("/properties/alert/items").as_array().unwrap();
    for kind in ["command", "email", "file", "stderr", "webhook"] {
        assert!(alerts.contains(&kind.into()), "{kind}");
    }
}

#[test]
fn a_ledger_that_is_a_file_is_told_so() {
    let sandbox = Sandbox::new();
    sandbox.write("rules.toml", RULES);
    sandbox.write("ledger", "");
    let seen = sandbox.run(&["canary", "cycle", "rules.toml"]);
    let path = sandbox.path().join("ledger");
    assert_eq!(
        (seen.code, seen.stderr),
        (
            Some(3),
            format!(
                "runward: the ledger {} is no directory; name another one with `directory` in [ledger]\n",
                path.display()
            )
        )
    );
}

/// Root may read everything, so that somebody else has to ask.
#[test]
fn a_ledger_that_may_not_be_read_is_none_that_never_was() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let sandbox = Sandbox::new();
    sandbox.write("rules.toml", RULES);
    let ledger = sandbox.path().join("ledger");
    let never = sandbox.run(&["canary", "status", "rules.toml"]);
    assert_eq!(never.code, Some(3));
    let said = format!(
        "unknown: never run: there is no ledger {}",
        ledger.display()
    );
    assert!(never.stdout.starts_with(&said), "{never:?}");
    std::fs::create_dir(&ledger).unwrap();
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(sandbox.path(), 0o755);
    open(&ledger, 0o000);
    let mut command = sandbox.command(&["canary", "status", "rules.toml"]);
    let user = rustix::process::geteuid().as_raw();
    let asks = if user == 0 { 65534 } else { user };
    if user == 0 {
        command.uid(asks).gid(asks);
    }
    let seen: crate::harness::Seen = command.output().unwrap().into();
    open(&ledger, 0o700);
    assert_eq!(seen.code, Some(3), "{seen:?}");
    let said = format!(
        "unknown: the ledger {} of uid {user} is not readable for uid {asks}: ask as the user that runs the cycles, or look at what [output] writes\n",
        ledger.display()
    );
    assert_eq!(seen.stdout, said);
}
