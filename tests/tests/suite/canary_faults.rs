//! What breaks while a cycle runs: nothing is lost, no outage is red or green, and nothing comes twice but what may.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use runward_tests::chance::Chance;
use runward_tests::places::Tmpfs;
use runward_tests::servers::installed;
use runward_tests::skip::{is_root, skip};
use runward_tests::{Sandbox, binaries, need};
use rustix::process::Signal;

use crate::canary_kit::{Canary, Hook, ILL, JOBS, Redis, WELL, kill, ran, sqlite, until};

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
fn on_a_full_disk_what_others_look_at_stays_whole() {
    let name = "on_a_full_disk_what_others_look_at_stays_whole";
    let sandbox = Sandbox::new(60);
    let output = "[output]\nhtml = \"out/page.html\"\nprometheus = \"out/page.prom\"\njson = \"out/page.json\"\n";
    let canary = Canary::of_jobs(&sandbox, output);
    let mounted = is_root().then(|| Tmpfs::mount(&canary.path("out"), 64));
    let Some(disk) = mounted.flatten() else {
        return skip(name, "needs root, to mount a file system");
    };
    canary.assert("cycle", &[], 0);
    let names = ["out/page.html", "out/page.prom", "out/page.json"];
    let before = names.map(|name| canary.read(name));
    assert!(before.iter().all(|text| !text.is_empty()));
    disk.fill();
    canary.write("jobs", ILL);
    let ran = canary.assert("cycle", &[], 1);
    for name in ["page.html", "page.prom", "page.json"] {
        assert!(ran.err.contains(name), "{name}: {ran:#?}");
    }
    assert_eq!(names.map(|name| canary.read(name)), before);
    fs::remove_file(disk.path().join("filler")).expect("removed");
    canary.assert("cycle", &[], 1);
    let after = names.map(|name| canary.read(name));
    assert!(after.iter().zip(&before).all(|(new, old)| new != old));
    let left = fs::read_dir(disk.path()).expect("a directory").count();
    assert_eq!(left, 3, "nothing lies beside them");
}

#[test]
fn sinks_that_hang_are_ended_and_the_others_are_told() {
    let sandbox = Sandbox::new(60);
    let hook = Hook::start(None);
    let sinks = format!(
        r#"
[[alert]]
kind = "command"
argv = ["sleep", "60"]
timeout = "300ms"
[[alert]]
kind = "webhook"
url = "{}"
timeout = "300ms"
[[alert]]
kind = "file"
path = "alerts"
[[alert]]
kind = "stderr"
"#,
        hook.url()
    );
    let canary = Canary::of_jobs(&sandbox, &sinks);
    canary.write("jobs", ILL);
    let begun = Instant::now();
    let ran = canary.assert("cycle", &[], 1);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(ran.err.contains("nightly has no worker"), "{ran:#?}");
    assert_eq!(canary.reasons("alerts"), ["opened"]);
    assert_eq!(hook.posts().len(), 1);
    hook.answer(200);
    let ran = canary.assert("cycle", &[], 1);
    assert_eq!(hook.posts().len(), 2, "it is tried again");
    assert_eq!(hook.posts()[0], hook.posts()[1]);
    assert!(ran.out.contains("1 alert has not arrived"), "{ran:#?}");
    assert_eq!(
        canary.reasons("alerts"),
        ["opened"],
        "who knows is not told again"
    );
    let waiting = &canary.status()["alerts"]["waiting"];
    assert_eq!(
        (&waiting[0]["sink"], &waiting[0]["attempts"]),
        (&"command".into(), &2.into())
    );
    sandbox.assert_no_survivors();
}

#[test]
fn a_webhook_that_refuses_is_tried_within_bounds_and_its_address_is_never_said() {
    let sandbox = Sandbox::new(60);
    let hook = Hook::start(Some(500));
    let more = format!(
        "[[alert]]\nkind = \"webhook\"\nurl = \"{}\"\n[output]\nhtml = \"page.html\"\njson = \"page.json\"\nprometheus = \"page.prom\"\n",
        hook.url()
    );
    let canary = Canary::of_jobs(&sandbox, &more);
    canary.write("jobs", ILL);
    let mut said = String::new();
    for status in [500, 403, 302, 404] {
        hook.answer(status);
        let ran = canary.assert("cycle", &[], 1);
        assert!(
            ran.err.contains(&format!("it answered {status}")),
            "{ran:#?}"
        );
        let waiting = canary.status()["alerts"]["waiting"][0].clone();
        let error = waiting["error"].to_string();
        assert!(error.contains(&status.to_string()), "{error}");
        said += &format!("{}{}{waiting}", ran.err, ran.out);
    }
    let mut cycles = 4;
    let given_up = loop {
        let ran = canary.run("cycle", &["--only", "J-01"]);
        cycles += 1;
        if ran.code == 3 || cycles > 320 {
            break ran;
        }
    };
    assert!(
        given_up.err.contains("never arrived at webhook"),
        "{given_up:#?}"
    );
    assert_eq!((cycles, hook.posts().len()), (301, 300));
    let status = canary.status();
    assert_eq!(status["alerts"]["dropped"], 1);
    assert_eq!(
        status["level"], "unknown",
        "an alert that nobody got is loud"
    );
    for name in [
        "page.html",
        "page.json",
        "page.prom",
        "ledger/state.json",
        "ledger/last.json",
    ] {
        said += &canary.read(name);
    }
    assert!(!said.contains("S3CRET"), "the address is a secret");
}

#[test]
fn what_a_sink_does_not_carry_is_not_sent_there() {
    let sandbox = Sandbox::new(60);
    let sink = |minimum: &str| {
        format!("[[alert]]\nkind = \"file\"\nminimum = \"{minimum}\"\npath = \"{minimum}\"\n")
    };
    let sinks = ["minor", "major", "critical"].map(sink).concat();
    let canary = Canary::of_jobs(&sandbox, &sinks);
    canary.write("jobs", ILL);
    canary.assert("cycle", &[], 1);
    assert_eq!(canary.reasons("minor"), ["opened"]);
    assert_eq!(canary.reasons("major"), ["opened"]);
    assert_eq!(canary.read("critical"), "");
    assert_eq!(canary.status()["alerts"]["pending"], 0);
}

#[test]
fn snapshots_that_were_kept_are_judged_by_the_rules_of_today() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "[retention]\nsnapshots = \"1h\"\n");
    for (jobs, code) in [(WELL, 0), (ILL, 1), ("nonsense", 3), (WELL, 0)] {
        canary.write("jobs", jobs);
        canary.assert("cycle", &[], code);
    }
    let mut kept: Vec<_> = fs::read_dir(canary.path("ledger/snapshots"))
        .expect("snapshots")
        .flatten()
        .map(|it| it.path().display().to_string())
        .collect();
    kept.sort();
    assert_eq!(kept.len(), 4);
    let all: Vec<&str> = kept.iter().map(String::as_str).collect();
    let replay = |more: &[&str], code| canary.assert("replay", &[&all, more].concat(), code);
    let json = replay(&["--json"], 3);
    assert_eq!(json.out, replay(&["--json"], 3).out, "the same to the byte");
    assert!(replay(&[], 3).out.contains("red J-01 idle nightly"));
    let worse = JOBS
        .replace("equals = 0", "equals = 2")
        .replace("\"major\"", "\"critical\"");
    canary.write("other.toml", &worse);
    let other = canary.path("other.toml").display().to_string();
    let same = canary.rules.display().to_string();
    assert_eq!(replay(&["--against", &same], 0).out, "no difference\n");
    let differs = replay(&["--against", &other], 1).out;
    assert!(
        differs.contains("+ J-01 idle nightly") && differs.contains("- J-01 idle nightly"),
        "{differs}"
    );
    canary.write("rules.toml", &worse);
    replay(&[], 2);
    assert_eq!(canary.run("replay", &["/dev/null"]).code, 3);
}

#[test]
fn an_outsider_sees_that_nobody_looks() {
    let sandbox = Sandbox::new(60);
    let canary = Canary::of_jobs(&sandbox, "[policy]\ninterval = \"1s\"\n");
    assert!(canary.assert("status", &[], 3).out.contains("never run"));
    assert_eq!(canary.status()["level"], "unknown");
    canary.assert("cycle", &[], 0);
    let status = canary.status();
    assert!(
        status["stale_after"].as_str() > status["ended"].as_str(),
        "{status}"
    );
    until(&sandbox, "it grows old", || {
        canary.run("status", &[]).code == 3
    });
    assert!(canary.assert("status", &[], 3).out.contains("stale"));
    let ran = canary.assert("cycle", &[], 1);
    assert!(ran.out.contains("canary.overdue"), "{ran:#?}");
    for garbage in ["", "garbage", "{\"schema\":1}", "{\"schema\":99}\n{}\n"] {
        for name in ["state.json", "state.prev"] {
            canary.write(&format!("ledger/{name}"), garbage);
        }
        let ran = canary.assert("status", &[], 3);
        assert!(!ran.out.is_empty(), "{garbage:?}");
    }
    canary.write("ledger/last.json", "garbage");
    canary.assert("status", &[], 3);
    fs::remove_dir_all(canary.path("ledger")).expect("removed");
    canary.write("ledger", "a file where a directory was");
    canary.assert("status", &[], 3);
    canary.assert("cycle", &[], 3);
}

#[test]
fn a_harness_that_watches_nothing_is_loud() {
    let sandbox = Sandbox::new(60);
    let off = JOBS.replace(
        "[invariant.J-01]",
        "[invariant.J-01]\noff = \"it was noisy\"",
    );
    let canary = Canary::new(&sandbox, &off);
    let ran = canary.assert("cycle", &[], 3);
    assert!(ran.out.contains("nothing is watched"), "{ran:#?}");
    assert!(ran.out.contains("J-01 is off: it was noisy"), "{ran:#?}");
    canary.assert("status", &[], 3);
    canary.write(
        "rules.toml",
        "title = \"nothing\"\nledger.directory = \"other\"\n",
    );
    canary.assert("cycle", &[], 3);
}

#[test]
fn relative_paths_begin_where_the_rules_stand() {
    let name = "relative_paths_begin_where_the_rules_stand";
    need!(name, installed("sqlite3"), "needs sqlite3");
    let sandbox = Sandbox::new(60);
    let more = r#"
[source.db]
kind = "sqlite"
path = "app.db"
[facet.rows]
source = "db"
query = "SELECT name FROM rows"
id = "name"
[source.locks]
kind = "flock-dir"
path = "locks"
[facet.locks]
source = "locks"
[source.files]
kind = "files"
[facet.files]
source = "files"
paths = ["jobs"]
columns = { exists = "bool" }
[invariant.F-01]
title = "The file is there"
tier = "A"
severity = "major"
message = "{subject} is not there"
runbook = "Look."
shape = "row"
of = "files"
bad = [{ kind = "gone", column = "exists", equals = false }]
[invariant.L-01]
title = "Locks refer to rows"
tier = "A"
severity = "major"
message = "{subject} has no row"
runbook = "Look."
shape = "refers"
refs = ["locks"]
column = "id"
to = ["rows"]
[[alert]]
kind = "file"
path = "alerts"
[[alert]]
kind = "command"
argv = ["./sink"]
[output]
json = "page.json"
"#;
    let canary = Canary::of_jobs(&sandbox, more);
    fs::create_dir(canary.path("locks")).expect("a directory");
    runward_tests::places::set_mode(&canary.path("locks"), 0o700);
    canary.write("sink", "#!/bin/sh\ncat > told\n");
    runward_tests::places::set_mode(&canary.path("sink"), 0o755);
    sqlite(&canary.path("app.db"), "CREATE TABLE rows(name TEXT);");
    canary.write("jobs", ILL);
    let elsewhere = sandbox.fresh("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    let mut command = canary.command("cycle");
    let ran = ran(command
        .args(["--snapshot", "now.json"])
        .current_dir(&elsewhere));
    assert_eq!(ran.code, 1, "{ran:#?}");
    assert_eq!(canary.reasons("alerts"), ["opened"]);
    assert!(canary.read("told").contains("opened") && !canary.read("page.json").is_empty());
    // What the command line names begins where it was given.
    let made: Vec<_> = fs::read_dir(&elsewhere)
        .expect("a directory")
        .flatten()
        .collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].file_name(), "now.json");
}
