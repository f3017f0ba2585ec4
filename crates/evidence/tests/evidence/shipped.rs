//! The specs that are shipped: a bundle made here is proven, each rule is tripped alone, and the usual lies are seen.

use runward_evidence::{
    Dir, Memory, ProofResult, Spec, Terms, Verdict, bundle, lint, prove, verify,
};

use crate::harness::{Reference, failures, memory};
use crate::sample;

const JUNIT: &str = include_str!("../../specs/junit.toml");
const COVERAGE: &str = include_str!("../../specs/coverage.toml");
const POLICY: &str = include_str!("../../specs/policy-scheduler.spec.toml");
const RUN: &str = include_str!("../../specs/runward-run.spec.toml");
const BENCHMARK: &str = include_str!("../../specs/benchmark.toml");

fn suite(tests: usize, failures: usize, cases: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<testsuites name=\"n\" tests=\"{tests}\" failures=\"{failures}\" errors=\"0\" skipped=\"0\">\n<testsuite name=\"s\">\n{cases}</testsuite>\n</testsuites>\n"
    )
}

fn coverage(at: &str, commit: &str, covered: usize) -> String {
    format!(
        "{{\"schema\":1,\"at\":\"{at}\",\"commit\":\"{commit}\",\"lines\":{{\"covered\":{covered},\"total\":100}},\"files\":[{{\"path\":\"a.rs\",\"covered\":{covered}}},{{\"path\":\"b.rs\",\"covered\":0}}]}}"
    )
}

fn row(name: &str, median: u32, second: u32) -> String {
    format!(
        "{{\"name\":\"{name}\",\"median_ns\":{median},\"samples\":10,\"at\":\"2026-01-01T00:00:{second:02}Z\"}}\n"
    )
}

fn junit() -> Memory {
    memory(&[
        ("junit.xml", &suite(2, 0, "<testcase/>\n")),
        ("status.rc", "0\n"),
    ])
}

fn reports(now: usize) -> Memory {
    let before = coverage("2026-01-01T00:00:00Z", "aa", 85);
    let now = coverage("2026-01-02T00:00:00Z", "bb", now);
    memory(&[
        ("coverage-before.json", &before),
        ("coverage-now.json", &now),
    ])
}

fn rows(ours: u32, theirs: u32) -> Memory {
    memory(&[(
        "rows.jsonl",
        &(row("ours", ours, 1) + &row("theirs", theirs, 2)),
    )])
}

/// Proven, sound, and each rule of it the only guard against something.
#[track_caller]
fn is_sound(text: &str, good: &Memory) -> Spec {
    let spec = Spec::parse("shipped.toml", text).unwrap();
    let report = verify(&spec, good, &Terms::new());
    assert_eq!(
        report.verdict(),
        Verdict::Proven,
        "{}",
        report.render(Default::default())
    );
    assert_eq!(lint(&spec), []);
    let proofs = prove(&spec, good, &Terms::new()).unwrap();
    for proof in proofs.all() {
        assert_eq!(proof.result(), ProofResult::Exact, "{proof:?}");
    }
    spec
}

#[test]
fn a_junit_file() {
    let spec = is_sound(JUNIT, &junit());
    let failed = |xml: &str, status: &str| {
        let report = verify(
            &spec,
            &memory(&[("junit.xml", xml), ("status.rc", status)]),
            &Terms::new(),
        );
        failures(&report).join(" ")
    };
    assert_eq!(failed(&suite(0, 0, ""), "0"), "ran");
    assert_eq!(failed(&suite(2, 1, ""), "0"), "no-failures");
    assert_eq!(failed(&suite(2, 0, "<failure/>\n"), "0"), "no-failed-case");
    assert_eq!(failed(&suite(2, 0, ""), "101"), "ended-well");
    assert_eq!(
        failed(&suite(2, 0, "").replace("</testsuites>", ""), "0"),
        "whole"
    );
}

#[test]
fn a_coverage_report() {
    let spec = is_sound(COVERAGE, &reports(90));
    let report = verify(&spec, &reports(84), &Terms::new());
    assert_eq!(failures(&report), ["no-loss"]);
    let patient = Spec::with_params("shipped.toml", COVERAGE, &[("max_loss", "1")]).unwrap();
    assert_eq!(
        verify(&patient, &reports(84), &Terms::new()).verdict(),
        Verdict::Proven
    );
}

#[test]
fn a_table_of_measurements() {
    let spec = is_sound(BENCHMARK, &rows(110, 100));
    let report = verify(&spec, &rows(111, 100), &Terms::new());
    assert_eq!(failures(&report), ["fast-enough"]);
}

/// As `runward run` writes it; the seal is the crate's own.
fn run() -> Memory {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        r#"{{"schema":1,"key":"k","armed":"2026-01-01T00:00:01.100Z","ended":"2026-01-01T00:00:09Z","containment":"cgroup",
"program_sha256":"{}","survivors":[],"teardowns":[{{"code":0}},{{"code":0}}],"teardowns_planned":2,"teardowns_succeeded":2,
"apps":[{{"name":"a","fence":7,"fence_at_seal":7}},{{"name":"b","fence":9,"fence_at_seal":9}}]}}"#,
        "a1".repeat(32)
    );
    std::fs::write(dir.path().join("run.json"), text).unwrap();
    let event = |second: u32, name: &str| {
        format!(r#"{{"at":"2026-01-01T00:00:0{second}Z","event":"{name}","key":"k"}}"#) + "\n"
    };
    let events = event(2, "started") + &event(3, "program-ended") + &event(4, "empty");
    std::fs::write(dir.path().join("events.jsonl"), events).unwrap();
    let armed = std::time::SystemTime::now() - std::time::Duration::from_secs(9);
    bundle::seal(dir.path(), armed, r#"{"key":"k"}"#, &Terms::new()).unwrap();
    Memory::copy(&Dir::open(dir.path()).unwrap(), &Terms::new()).unwrap()
}

#[test]
fn a_bundle_of_runward_run() {
    let spec = is_sound(RUN, &run());
    let failed = |from: &str, to: &str, file: &str| {
        let mut changed = run();
        let text = String::from_utf8(changed.get(file).unwrap().to_vec()).unwrap();
        assert!(text.contains(from), "{from}");
        changed.insert(file, text.replacen(from, to, 1));
        let found = failures(&verify(&spec, &changed, &Terms::new())).join(" ");
        let seal = "bundle.sealed ";
        found.strip_prefix(seal).unwrap_or(&found).to_owned()
    };
    let run = "run.json";
    assert_eq!(failed("00:01.100Z", "00:02.001Z", run), "guards.first");
    assert_eq!(failed("\"cgroup\"", "\"group\"", run), "contained");
    assert_eq!(failed("\"cgroup\"", "\"none\"", run), "contained");
    assert_eq!(
        failed("\"survivors\":[]", "\"survivors\":[{}]", run),
        "no.survivors"
    );
    assert_eq!(failed("_seal\":7", "_seal\":8", run), "lock.one-fence");
    assert_eq!(failed("_seal\":9", "_seal\":null", run), "lock.one-fence");
    assert_eq!(failed("{\"code\":0},", "", run), "teardowns.all");
    assert_eq!(
        failed("succeeded\":2", "succeeded\":1", run),
        "teardowns.succeeded"
    );
    assert_eq!(
        failed("\"empty\"", "\"killed\"", "events.jsonl"),
        "tree.empty"
    );
    assert_eq!(failed("00:04Z", "00:01Z", "events.jsonl"), "in.order");
}

#[test]
fn a_policy_under_a_scheduler() {
    let spec = is_sound(POLICY, &sample::policy_scheduler());
    assert_eq!(spec.rule_ids().count(), 202);
    // Nobody sent anything, so nothing could be counted.
    let mut idle = sample::policy_scheduler();
    for file in [
        "inactive-status.json",
        "raw/inactive-control-status.raw.json",
    ] {
        let text = String::from_utf8(idle.get(file).unwrap().to_vec()).unwrap();
        assert!(text.contains("\"open\""), "{file}");
        idle.insert(file, text.replace("\"open\"", "\"seen\""));
    }
    let report = verify(&spec, &idle, &Terms::new());
    assert_eq!(failures(&report), ["traffic.inactive"]);
    assert_eq!(report.verdict(), Verdict::Vacuous);
}

#[test]
fn the_policy_of_a_real_run_is_judged_as_by_the_reference() {
    let Some(reference) = Reference::find("the_policy_of_a_real_run_is_judged_as_by_the_reference")
    else {
        return;
    };
    let spec = Spec::parse("policy-scheduler.spec.toml", POLICY).unwrap();
    let judge = |bundle: &Memory| verify(&spec, bundle, &Terms::new());
    assert!(spec.rule_ids().eq(reference.spec.rule_ids()));
    assert_eq!(judge(&reference.bundle).verdict(), Verdict::Proven);
    for (mutation, bundle) in reference.forgeries() {
        let (ours, theirs) = (judge(&bundle), reference.judge(&bundle));
        assert_eq!(failures(&ours), failures(&theirs), "{mutation}");
        assert_eq!(ours.verdict(), theirs.verdict(), "{mutation}");
    }
}

#[test]
fn the_schema_that_is_shipped_is_that_of_the_language() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/spec.schema.json");
    let schema = runward_evidence::language_schema();
    if std::env::var_os("RUNWARD_BLESS").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(path).unwrap(),
        schema,
        "RUNWARD_BLESS=1 writes it anew"
    );
    let json: serde_json::Value = serde_json::from_str(&schema).unwrap();
    let checks = json["$defs"]["rule"]["properties"]["check"]["enum"]
        .as_array()
        .unwrap();
    assert_eq!(
        checks.len(),
        json["$defs"]["rule"]["allOf"].as_array().unwrap().len()
    );
    // Every check of the language has its row in the text about it.
    let text = include_str!("../../LANGUAGE.md");
    for check in checks {
        assert!(
            text.contains(&format!("`{}`", check.as_str().unwrap())),
            "{check}"
        );
    }
}
