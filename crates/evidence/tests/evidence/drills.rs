//! The spec of drills: a bundle of two is proven, each rule is tripped alone, and each forgery is seen by the rule that is about it.

use runward_evidence::{
    Dir, Memory, ProofResult, Spec, Terms, Verdict, bundle, lint, prove, verify,
};

use crate::harness::failures;

const DRILL: &str = include_str!("../../specs/canary-drill.spec.toml");
const STEPS: &str = "steps.jsonl";
const OUTCOMES: &str = "outcomes.jsonl";

fn at(second: usize) -> String {
    format!("2026-01-01T00:00:{second:02}Z")
}

fn key(nth: usize) -> String {
    format!(r#"{{"kind":"J-0{nth}/idle","subject":"nightly"}}"#)
}

/// The six steps of one drill, as they follow each other.
fn steps(nth: usize) -> String {
    let key = key(nth);
    let line = |step: &str, second: usize, more: &str| {
        let taken = at(10 * nth + second);
        let report =
            format!(r#","report":{{"taken":"{taken}","digest":"d","verdicts":{{}}}},"other":[]"#);
        let report = if more.contains("argv") { "" } else { &*report };
        format!(r#"{{"key":"k","drill":"d{nth}","step":"{step}","at":"{taken}",{more}{report}}}"#)
            + "\n"
    };
    let judged = |outcome: &str, red: usize, opened: &str, closed: &str| {
        format!(
            r#""named":{{"outcome":"{outcome}","red":{red}}},"opened":[{opened}],"closed":[{closed}]"#
        )
    };
    let opened = format!(r#"{{"key":{key},"severity":"critical"}}"#);
    let closed = format!(r#"{{"key":{key},"witness":{{"held":{{}}}}}}"#);
    let ran = r#""argv":["true"],"ended":"exit 0""#;
    let red = |opened: &str| {
        let judged = judged("violated", 1, opened, "");
        format!(r#"{judged},"found":{{"key":{key},"elements":[]}}"#)
    };
    line("before", 1, &judged("held", 0, "", ""))
        + &line("provoke", 2, ran)
        + &line("red", 3, &red(&opened))
        + &line("still", 4, &red(""))
        + &line("revert", 5, ran)
        + &line(
            "green",
            6,
            &format!(r#"{},"subject":"held""#, judged("held", 0, "", &closed)),
        )
}

fn outcome(nth: usize) -> String {
    let second = |second| at(10 * nth + second);
    format!(
        r#"{{"key":"k","drill":"d{nth}","key_of":{},"passed":true,"why":"","marks":{{"before":"{}","provoke":"{}","red":"{}","still":"{}","revert":"{}","green":"{}"}}}}"#,
        key(nth),
        second(1),
        second(2),
        second(3),
        second(4),
        second(5),
        second(6)
    ) + "\n"
}

/// As `runward canary drill --evidence` writes it; the seal is the crate's own.
fn drills() -> Memory {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, text: String| std::fs::write(dir.path().join(name), text).unwrap();
    let judged = [11, 13, 14, 16, 21, 23, 24, 26];
    let snapshot = |second: usize| format!("{{\"schema\":1,\"taken\":\"{}\"}}\n", at(second));
    put("snapshots.jsonl", judged.map(snapshot).concat());
    let digest = bundle::digest(&dir.path().join("snapshots.jsonl")).unwrap();
    put(STEPS, steps(1) + &steps(2));
    put(OUTCOMES, outcome(1) + &outcome(2));
    put(
        "run.json",
        format!(
            r#"{{"schema":1,"key":"k","ended":"2026-01-01T00:00:59Z","rules":{{"digest":"d"}},"scope":{{"chosen":true,"all":true}},
"kinds":["J-01/idle","J-02/idle"],"drills":{{"d1":{},"d2":{}}},"snapshots_sha256":"{digest}"}}"#,
            key(1),
            key(2)
        ),
    );
    let armed = std::time::SystemTime::now() - std::time::Duration::from_secs(9);
    bundle::seal(dir.path(), armed, r#"{"key":"k"}"#, &Terms::new()).unwrap();
    Memory::copy(&Dir::open(dir.path()).unwrap(), &Terms::new()).unwrap()
}

fn spec() -> Spec {
    Spec::parse("canary-drill.spec.toml", DRILL).unwrap()
}

fn text(bundle: &Memory, file: &str) -> String {
    String::from_utf8(bundle.get(file).unwrap().to_vec()).unwrap()
}

/// What is seen of a bundle in which one file was changed so, beside the seal, which sees all of it.
#[track_caller]
fn forged(file: &str, change: impl Fn(&str) -> String) -> Vec<String> {
    let mut bundle = drills();
    let was = text(&bundle, file);
    let now = change(&was);
    assert_ne!(was, now);
    bundle.insert(file, now);
    let report = verify(&spec(), &bundle, &Terms::new());
    assert_eq!(report.verdict(), Verdict::Refuted);
    let mut found = failures(&report).into_iter().map(str::to_owned);
    assert_eq!(found.next().as_deref(), Some("bundle.sealed"));
    found.collect()
}

fn without(line: usize) -> impl Fn(&str) -> String {
    move |text| {
        let kept = text.lines().enumerate().filter(|(nth, _)| *nth != line);
        kept.map(|(_, text)| format!("{text}\n")).collect()
    }
}

fn replaced(from: &str, to: &str) -> impl Fn(&str) -> String {
    move |text| text.replacen(from, to, 1)
}

#[test]
fn a_bundle_of_drills_is_proven_and_each_rule_is_the_only_guard_against_something() {
    let (spec, good) = (spec(), drills());
    let report = verify(&spec, &good, &Terms::new());
    let shown = report.render(Default::default());
    assert_eq!(report.verdict(), Verdict::Proven, "{shown}");
    assert_eq!(lint(&spec), []);
    let proofs = prove(&spec, &good, &Terms::new()).unwrap();
    let unsound = proofs
        .all()
        .iter()
        .filter(|proof| proof.result() != ProofResult::Exact);
    assert_eq!(unsound.collect::<Vec<_>>(), Vec::<&_>::new());
}

#[test]
fn what_was_not_all_kinds_is_not_taken_for_it() {
    let all = Spec::with_params("canary-drill.spec.toml", DRILL, &[("scope", "all")]).unwrap();
    let mut some = drills();
    assert_eq!(
        verify(&all, &some, &Terms::new()).verdict(),
        Verdict::Proven
    );
    let run = text(&some, "run.json").replace("\"all\":true", "\"all\":false");
    some.insert("run.json", run);
    let report = verify(&all, &some, &Terms::new());
    assert_eq!(failures(&report), ["bundle.sealed", "drills.scope"]);
}

#[test]
fn an_outcome_that_was_set_to_passed_is_seen_by_what_its_steps_show() {
    // Never red, red of another kind, of another subject, with another, by itself green, not mended, not seen well, not judged before.
    let opened =
        r#""opened":[{"key":{"kind":"J-01/idle","subject":"nightly"},"severity":"critical"}]"#;
    let other = opened.replace("J-01/idle", "J-01/late");
    let whose = opened.replace("nightly", "weekly");
    let both = opened.replace(
        "}]",
        "},{\"key\":{\"kind\":\"J-02/idle\",\"subject\":\"nightly\"}}]",
    );
    assert_eq!(
        forged(STEPS, without(2)),
        [
            "red.exactly",
            "found.red",
            "red.nothing-else",
            "step.red",
            "reports.of-snapshots"
        ]
    );
    assert_eq!(forged(STEPS, replaced(opened, &other)), ["red.exactly"]);
    assert_eq!(forged(STEPS, replaced(opened, &whose)), ["red.exactly"]);
    assert_eq!(forged(STEPS, replaced(opened, &both)), ["red.nothing-else"]);
    let red = r#""step":"still","at":"2026-01-01T00:00:14Z","named":{"outcome":"violated","red":"#;
    let green = format!("{red}0");
    assert_eq!(
        forged(STEPS, replaced(&format!("{red}1"), &green)),
        ["red.until-reverted"]
    );
    let remembered = format!("{red}1").replace("violated", "unjudged");
    assert_eq!(
        forged(STEPS, replaced(&format!("{red}1"), &remembered)),
        ["still.judged"]
    );
    assert_eq!(
        forged(STEPS, replaced("\"violated\"", "\"unjudged\"")),
        ["red.judged"]
    );
    // Nothing found, another kind, another subject; in the first of the two looks, and in the second.
    let found = r#""found":{"key":{"kind":"J-01/idle","subject":"nightly"}"#;
    for other in [
        r#""found":{"no":{}"#.to_owned(),
        found.replace("idle", "late"),
        found.replace("nightly", "weekly"),
    ] {
        assert_eq!(forged(STEPS, replaced(found, &other)), ["found.red"]);
        let second = |text: &str| {
            let at = text.rfind(found).unwrap();
            format!("{}{other}{}", &text[..at], &text[at + found.len()..])
        };
        assert_eq!(forged(STEPS, second), ["found.still"]);
    }
    let late = |text: &str| {
        let (head, tail) = text.split_once("\"step\":\"revert\"").unwrap();
        format!(
            "{head}\"step\":\"revert\"{}",
            tail.replacen("exit 0", "exit 1", 1)
        )
    };
    assert_eq!(forged(STEPS, replaced("exit 0", "exit 1")), ["ran.provoke"]);
    assert_eq!(forged(STEPS, late), ["ran.revert"]);
    assert_eq!(
        forged(STEPS, without(5)),
        [
            "green.exactly",
            "green.once",
            "step.green",
            "reports.of-snapshots"
        ]
    );
    assert_eq!(
        forged(STEPS, replaced("\"held\",\"red\"", "\"unjudged\",\"red\"")),
        ["before.green"]
    );
    assert_eq!(
        forged(
            STEPS,
            replaced("\"subject\":\"held\"", "\"subject\":\"gone\"")
        ),
        ["green.as-before"]
    );
    assert_eq!(
        forged(OUTCOMES, replaced("\"passed\":true", "\"passed\":false")),
        ["drills.passed"]
    );
}

#[test]
fn a_report_that_was_swapped_or_left_out_is_seen() {
    let swap = |text: &str| {
        let (red, still) = (at(13), at(14));
        let swapped = |from: &str, to: &str, text: &str| {
            text.replace(
                &format!("\"report\":{{\"taken\":\"{from}\""),
                &format!("\"report\":{{\"taken\":\"{to}\""),
            )
        };
        swapped(
            "x",
            &still,
            &swapped(&still, &red, &swapped(&red, "x", text)),
        )
    };
    assert_eq!(forged(STEPS, swap), ["reports.in-order"]);
    let other = |text: &str| text.replacen("\"digest\":\"d\"", "\"digest\":\"other\"", 1);
    assert_eq!(forged(STEPS, other), ["drills.one-rule-set"]);
    let of_another_run = |text: &str| text.replacen("\"key\":\"k\"", "\"key\":\"other\"", 1);
    assert_eq!(forged(STEPS, of_another_run), ["drills.one-run"]);
    assert_eq!(
        forged(STEPS, without(0)),
        ["step.before", "reports.of-snapshots"]
    );
}

#[test]
fn a_drill_that_is_missing_is_seen() {
    // From the outcomes alone, from the plan as well, and from the kinds that were to be drilled.
    let plan = |text: &str| text.replace(&format!(",\"d2\":{}", key(2)), "");
    let found = forged(OUTCOMES, without(1));
    assert_eq!(found[0], "drills.each-outcome");
    let mut bundle = drills();
    bundle.insert("run.json", plan(&text(&bundle, "run.json")));
    bundle.insert(OUTCOMES, outcome(1));
    bundle.insert(STEPS, steps(1));
    let seconds: String = text(&bundle, "snapshots.jsonl")
        .lines()
        .take(4)
        .map(|line| format!("{line}\n"))
        .collect();
    bundle.insert("snapshots.jsonl", seconds);
    let report = verify(&spec(), &bundle, &Terms::new());
    assert_eq!(
        failures(&report),
        ["bundle.sealed", "drills.each-kind", "snapshots.whole"]
    );
}

#[test]
fn a_snapshot_that_was_edited_is_seen_also_under_a_new_seal() {
    let edit = |text: &str| text.replacen("\"schema\":1", "\"schema\":1,\"first\":{}", 1);
    assert_eq!(forged("snapshots.jsonl", edit), ["snapshots.whole"]);
    let dir = tempfile::tempdir().unwrap();
    let good = drills();
    for file in ["run.json", STEPS, OUTCOMES, "snapshots.jsonl"] {
        std::fs::write(dir.path().join(file), text(&good, file)).unwrap();
    }
    let path = dir.path().join("snapshots.jsonl");
    std::fs::write(&path, edit(&std::fs::read_to_string(&path).unwrap())).unwrap();
    let armed = std::time::SystemTime::now() - std::time::Duration::from_secs(9);
    bundle::seal(dir.path(), armed, r#"{"key":"k"}"#, &Terms::new()).unwrap();
    let report = verify(&spec(), &Dir::open(dir.path()).unwrap(), &Terms::new());
    assert_eq!(failures(&report), ["snapshots.whole"]);
    assert_eq!(report.verdict(), Verdict::Refuted);
}

#[test]
fn steps_in_another_order_are_seen() {
    let from = format!("\"provoke\":\"{}\"", at(12));
    let to = format!("\"provoke\":\"{}\"", at(14));
    let found = forged(OUTCOMES, replaced(&from, &to));
    assert_eq!(found, ["step.provoke", "steps.in-order"]);
}
