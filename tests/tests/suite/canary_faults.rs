//! What breaks while a cycle runs: nothing is lost, no outage is red or green, and nothing comes twice but what may.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use runward_tests::chance::Chance;
use runward_tests::servers::installed;
use runward_tests::{Sandbox, binaries, need};
use rustix::process::Signal;

use crate::canary_kit::{Canary, ILL, JOBS, Redis, WELL, kill, ran};

/// A queue in Redis, of which nothing may have the score 0. It is read after what `gate` does.
fn queue(redis: &Redis) -> String {
    format!(
        r#"
title = "queue"
[source.gate]
kind = "command"
argv = ["sh", "gate"]
timeout = "30s"
[source.redis]
kind = "redis"
url = "{}"
timeout = "300ms"
[facet.gate]
source = "gate"
id = "name"
[facet.queue]
source = "redis"
query = "ZRANGE queue:{{subject}} 0 -1 WITHSCORES"
subjects = "gate"
fields = ["name", "score"]
id = "name"
columns = {{ score = "int" }}
[invariant.Q-01]
title = "Nothing is stuck"
tier = "A"
severity = "major"
message = "{{subject}} has something stuck"
runbook = "Look at the queue."
shape = "row"
of = "queue"
bad = [{{ kind = "stuck", column = "score", equals = 0 }}]
[ledger]
directory = "ledger"
[[alert]]
kind = "file"
path = "alerts"
"#,
        redis.url()
    )
}

#[test]
fn redis_that_stops_in_mid_cycle_and_dies_opens_nothing_and_closes_nothing() {
    let name = "redis_that_stops_in_mid_cycle_and_dies_opens_nothing_and_closes_nothing";
    need!(name, installed("redis-server"), "needs redis-server");
    let sandbox = Sandbox::new(60);
    let mut redis = Redis::start(&sandbox);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let canary = Canary::new(&sandbox, &queue(&redis));
    let (here, go) = (line.path().display(), gate.path().display());
    let script =
        format!("exec 3> {here}; echo here >&3; read go < {go}; echo '[{{\"name\":\"main\"}}]'");
    canary.write("gate", &script);
    // As long as this is there, the line has a writer.
    let _kept = fs::File::options().write(true).open(line.path());
    // One cycle, in which something happens after its first reading and before its second.
    let mut cycle = |between: &dyn Fn()| {
        let mut child = canary.spawn("cycle");
        line.wait_for("here");
        between();
        gate.open_line();
        child.wait().expect("ends").code()
    };
    redis.call(&["ZADD", "queue:main", "7", "a"]);
    assert_eq!(cycle(&|| {}), Some(0));
    assert_eq!(cycle(&|| redis.signal(Signal::STOP)), Some(3));
    assert_eq!(canary.findings("Q-01"), serde_json::json!([]));
    redis.signal(Signal::CONT);
    redis.call(&["ZADD", "queue:main", "0", "a"]);
    assert_eq!(cycle(&|| {}), Some(1));
    let red = canary.findings("Q-01")[0].clone();
    assert_eq!(red["subject"], "main");
    // It would be well, but nobody can see it: stopped, and then dead.
    redis.call(&["ZADD", "queue:main", "7", "a"]);
    assert_eq!(cycle(&|| redis.signal(Signal::STOP)), Some(3));
    assert_eq!(cycle(&|| redis.signal(Signal::KILL)), Some(3));
    assert_eq!(canary.findings("Q-01")[0], red, "the episode is as it was");
    assert_eq!(canary.reasons("alerts"), ["opened"]);
    redis.again(&sandbox);
    assert_eq!(cycle(&|| {}), Some(0));
    assert_eq!(canary.reasons("alerts"), ["opened", "recovered"]);
    canary.assert("status", &[], 0);
}

#[test]
fn a_source_that_hangs_lies_or_talks_nonsense_leaves_red_red_and_green_unknown() {
    let sandbox = Sandbox::new(60);
    let rules = JOBS
        .replace(r#"["cat"]"#, r#"["sh"]"#)
        .replace("timeout = \"2s\"", "timeout = \"200ms\"");
    let age = r#"
[invariant.J-02]
title = "Every job was begun lately"
tier = "B"
severity = "major"
message = "{subject} was begun long ago"
runbook = "Look at the job."
shape = "age_below"
of = "jobs"
limit = "1h"
"#;
    let rules = rules.replace("id = \"name\"", "id = \"name\"\nborn = \"born\"") + age;
    let canary = Canary::new(&sandbox, &rules);
    let answer = |workers: u8, born: &str| {
        canary.write(
            "jobs",
            &format!(r#"echo '[{{"name":"nightly","workers":{workers},"born":'{born}'}}]'"#),
        );
    };
    answer(2, "$(date +%s)");
    canary.assert("cycle", &[], 0);
    for (what, script) in [
        ("timeout", "sleep 60"),
        ("garbled", "echo nonsense"),
        ("garbled", r#"printf '[{"name":"nightly"'"#),
        ("unreachable", "exit 7"),
        ("garbled", "head -c 100000 /dev/urandom"),
    ] {
        for workers in [0, 2] {
            answer(workers, "$(date +%s)");
            let code = if workers == 0 { 1 } else { 0 };
            canary.assert("cycle", &[], code);
            canary.write("jobs", script);
            let ran = canary.assert("cycle", &[], 3);
            assert!(ran.out.contains(what), "{what}: {ran:#?}");
            let found = canary.findings("J-01");
            let count = found.as_array().map(Vec::len);
            assert_eq!(count, Some(usize::from(workers == 0)), "{script}");
        }
    }
    // Begun in a year from now, and as long ago as nothing is.
    for lie in [
        "$(($(date +%s) + 31536000))",
        "99999999999999999999",
        "-1e400",
    ] {
        answer(2, "$(date +%s)");
        canary.assert("cycle", &[], 0);
        answer(2, lie);
        let ran = canary.assert("cycle", &[], 3);
        assert!(ran.out.contains("J-02"), "{lie}: {ran:#?}");
        assert_eq!(canary.findings("J-02"), serde_json::json!([]), "{lie}");
    }
    answer(2, "$(date +%s)");
    canary.assert("cycle", &[], 0);
    sandbox.assert_no_survivors();
}

#[test]
fn killed_while_it_reads_it_has_done_nothing_and_the_next_does_all() {
    let sandbox = Sandbox::new(60);
    let mut line = sandbox.line();
    let _kept = fs::File::options().write(true).open(line.path());
    let rules = JOBS.replace(r#"argv = ["cat"]"#, r#"argv = ["sh", "source"]"#)
        + "[[alert]]\nkind = \"file\"\npath = \"alerts\"\n";
    let canary = Canary::new(&sandbox, &rules);
    let hang = format!("echo here > {}; sleep 60", line.path().display());
    canary.write("source", "cat $1");
    canary.assert("cycle", &[], 0);
    canary.write("jobs", ILL);
    canary.write("source", &hang);
    let before = canary.read("ledger/state.json");
    for _ in 0..3 {
        let mut cycle = canary.spawn("cycle");
        line.wait_for("here");
        kill(&mut cycle);
    }
    assert_eq!(canary.read("ledger/state.json"), before);
    canary.write("source", "cat $1");
    canary.assert("cycle", &[], 1);
    assert_eq!(canary.reasons("alerts"), ["opened"]);
}

#[test]
fn killed_while_it_tells_it_tells_again_with_the_same_id() {
    let sandbox = Sandbox::new(60);
    let mut line = sandbox.line();
    let sink = "[[alert]]\nkind = \"command\"\nargv = [\"sh\", \"sink\"]\ntimeout = \"30s\"\n";
    let canary = Canary::of_jobs(&sandbox, sink);
    canary.assert("cycle", &[], 0);
    canary.write("jobs", ILL);
    // It has taken the alert, and its word is never heard.
    let hang = format!(
        "cat >> told; echo here > {}; sleep 60",
        line.path().display()
    );
    canary.write("sink", &hang);
    let mut cycle = canary.spawn("cycle");
    line.wait_for("here");
    kill(&mut cycle);
    assert_eq!(canary.findings("J-01").as_array().map(Vec::len), Some(1));
    canary.write("sink", "cat >> told");
    canary.assert("cycle", &[], 1);
    canary.assert("cycle", &[], 1);
    let told = canary.lines("told");
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!(told[0], told[1], "the same, and by its id known to be");
}

/// Of what a sink was told: how often each, in the order in which they came first.
fn told(canary: &Canary<'_>) -> Vec<(String, String, u32)> {
    let mut count: BTreeMap<String, u32> = BTreeMap::new();
    let mut order = Vec::new();
    for alert in canary.lines("told") {
        let text = |name: &str| alert[name].as_str().unwrap_or_default().to_owned();
        let times = count.entry(text("id")).or_default();
        *times += 1;
        if *times == 1 {
            order.push((text("id"), text("reason")));
        }
    }
    let times = |(id, reason): (String, String)| (count[&id], id, reason);
    let all = order.into_iter().map(times);
    all.map(|(times, id, reason)| (id, reason, times)).collect()
}

#[test]
fn killed_at_random_instants_nothing_is_lost_and_nothing_doubled_without_a_reason() {
    let sandbox = Sandbox::new(60);
    let sink = "[[alert]]\nkind = \"command\"\nargv = [\"sh\", \"-c\", \"cat >> told\"]\n\
        [output]\nhtml = \"page.html\"\njson = \"page.json\"\n[retention]\nsnapshots = \"1h\"\n";
    let canary = Canary::of_jobs(&sandbox, sink);
    canary.assert("cycle", &[], 0);
    let mut chance = Chance::new();
    let seed = chance.seed();
    for round in 0..10 {
        let red = round % 2 == 0;
        canary.write("jobs", if red { ILL } else { WELL });
        for _ in 0..4 {
            let mut cycle = canary.spawn("cycle");
            // The instant is the point; nothing waits for it.
            std::thread::sleep(chance.duration(Duration::from_millis(40)));
            kill(&mut cycle);
        }
        canary.assert("cycle", &["--wait", "10s"], i32::from(red));
        let told = told(&canary);
        let reasons: Vec<_> = told.iter().map(|it| it.1.as_str()).collect();
        let wanted: Vec<_> = ["opened", "recovered"]
            .into_iter()
            .cycle()
            .take(round + 1)
            .collect();
        assert_eq!(reasons, wanted, "round {round}, RUNWARD_SEED={seed}");
        // Once, and once more for each that was killed meanwhile.
        assert!(
            told.iter().all(|it| it.2 <= 5),
            "{told:?}, RUNWARD_SEED={seed}"
        );
    }
    canary.assert("status", &[], 0);
    let litter = |folder: &str| {
        let all = fs::read_dir(canary.path(folder)).expect("a directory");
        let names = all
            .flatten()
            .map(|it| it.file_name().to_string_lossy().into_owned());
        names
            .filter(|name| name.ends_with(".new"))
            .collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(litter("ledger"), none, "RUNWARD_SEED={seed}");
    assert_eq!(litter("."), none, "RUNWARD_SEED={seed}");
}

#[test]
fn a_limit_of_file_size_loses_no_state_and_is_no_green() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "[[alert]]\nkind = \"stderr\"\n");
    canary.assert("cycle", &[], 0);
    let before = canary.read("ledger/state.json");
    canary.write("jobs", ILL);
    let limited = |trap: &str| {
        let script = format!(
            "{trap} ulimit -f 0; exec {} canary cycle {}",
            binaries::runward().display(),
            canary.rules.display()
        );
        ran(Command::new("sh").args(["-c", &script]))
    };
    // As a signal it ends the cycle, as an error it is said.
    let ended = limited("");
    assert_ne!(ended.code, 0, "{ended:#?}");
    assert_eq!(canary.read("ledger/state.json"), before);
    let failed = limited("trap '' XFSZ;");
    assert_eq!(failed.code, 3, "{failed:#?}");
    assert!(failed.err.contains("File too large"), "{failed:#?}");
    assert_eq!(canary.read("ledger/state.json"), before);
    let ran = canary.assert("cycle", &[], 1);
    assert!(ran.err.contains("opened"), "{ran:#?}");
}

#[test]
fn a_fifo_in_place_of_a_file_holds_nobody_up() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "");
    canary.assert("cycle", &[], 0);
    for name in ["ledger/state.json", "ledger/last.json", "rules.toml"] {
        let path = canary.path(name);
        fs::remove_file(&path).expect("it was there");
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.expect("mkfifo").success());
        canary.assert("status", &[], 3);
    }
    for word in ["check", "cycle"] {
        let refused = canary.assert(word, &[], 3);
        assert!(refused.err.contains("no regular file"), "{refused:?}");
    }
}
