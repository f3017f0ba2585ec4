//! What a validator in the field accepted, crashed on or waited for, and what is said here. `DEFECTS.md` is the table of it.

use runward_evidence::{FailureKind, Memory, Verdict};
use serde_json::{Value, json};

use crate::harness::{Reference, apply, failures};

const ACTIVE: [&str; 3] = [
    "active-status.json",
    "raw/active-control-status.raw.json",
    "active-policy-counters.json",
];

/// An edit of one file.
fn edit(file: &str, op: &str, path: &str, value: impl Into<Value>) -> Value {
    json!({ "file": file, "op": op, "path": path, "value": value.into() })
}

/// A member of the status of a phase, in the status and in the answer that it was made from.
fn status(phase: &str, op: &str, path: &str, value: &Value) -> Vec<Value> {
    let files = [
        format!("{phase}-status.json"),
        format!("raw/{phase}-control-status.raw.json"),
    ];
    files
        .map(|file| edit(&file, op, path, value.clone()))
        .into()
}

/// The active phase's count of packets in all three files.
fn packets(value: &Value) -> Vec<Value> {
    let mut edits = status(
        "active",
        "set",
        "/status/policy_rule_counters/0/packets",
        value,
    );
    edits.push(edit(ACTIVE[2], "set", "/0/packets", value.clone()));
    edits
}

struct Bench(Reference);

impl Bench {
    #[track_caller]
    fn ends(&self, bundle: &Memory, rule: &str, verdict: Verdict) {
        let report = self.0.judge(bundle);
        assert_eq!(failures(&report).first(), Some(&rule));
        assert_eq!(report.verdict(), verdict);
    }

    #[track_caller]
    fn edited(&self, edits: &[Value], rule: &str, verdict: Verdict) {
        let mut bundle = self.0.bundle.clone();
        edits.iter().for_each(|edit| apply(&mut bundle, edit));
        self.ends(&bundle, rule, verdict);
    }

    #[track_caller]
    fn bytes(&self, file: &str, bytes: Vec<u8>, rule: &str, kind: FailureKind) {
        let mut bundle = self.0.bundle.clone();
        bundle.insert(file, bytes);
        let report = self.0.judge(&bundle);
        assert_eq!(failures(&report).first(), Some(&rule));
        let failure = report.judgement(rule).unwrap().failure().unwrap();
        assert_eq!(
            (failure.kind(), report.verdict()),
            (kind, Verdict::Inconclusive)
        );
    }
}

#[test]
fn numbers_that_were_converted_are_refuted() {
    let Some(bench) = Reference::find("numbers_that_were_converted_are_refuted").map(Bench) else {
        return;
    };
    for value in [
        json!("5"),
        json!(5.9),
        json!(5.0),
        json!(true),
        json!(null),
        json!(-5),
    ] {
        bench.edited(&packets(&value), "counter.active", Verdict::Refuted);
    }
    let version = "/status/config_snapshot_protocol_version";
    for value in [json!("2"), json!(2.9)] {
        bench.edited(
            &status("active", "set", version, &value),
            "protocol.active",
            Verdict::Refuted,
        );
    }
    for value in [json!("EBPF_ONLY"), json!("unknown"), json!(["ebpf_only"])] {
        let edits = [edit(ACTIVE[0], "set", "/status/dataplane_mode", value)];
        bench.edited(&edits, "mode.active", Verdict::Refuted);
    }
}

#[test]
fn attachments_are_looked_at_one_by_one() {
    let Some(bench) = Reference::find("attachments_are_looked_at_one_by_one").map(Bench) else {
        return;
    };
    for value in [
        json!("xdp_main_prog"),
        json!("not_xdp_userspace"),
        json!({ "xdp_userspace": 1 }),
    ] {
        let edits = [edit(ACTIVE[0], "set", "/status/entry_programs/4", value)];
        bench.edited(&edits, "xdp.active", Verdict::Refuted);
    }
    // A raw helper answer has no attachments in it at all.
    let mut bundle = bench.0.bundle.clone();
    let raw = bundle.get(ACTIVE[1]).unwrap().to_vec();
    bundle.insert(ACTIVE[0], raw);
    bench.ends(&bundle, "programs.active", Verdict::Refuted);
}

#[test]
fn answers_have_to_be_whole_and_without_an_error() {
    let Some(bench) = Reference::find("answers_have_to_be_whole_and_without_an_error").map(Bench)
    else {
        return;
    };
    bench.edited(
        &status("active", "delete", "/ok", &json!(null)),
        "ok.active",
        Verdict::Refuted,
    );
    bench.edited(
        &status("active", "set", "/error", &json!("busy")),
        "no-error.active",
        Verdict::Refuted,
    );
    let row = json!({ "rule_id": "lan->wan/scheduled-allow", "packets": 0, "bytes": 0 });
    let rows = "/status/policy_rule_counters/-";
    bench.edited(
        &status("active", "set", rows, &row),
        "counter.active",
        Verdict::Refuted,
    );
}

#[test]
fn one_capture_is_not_evidence_of_two_phases() {
    let Some(bench) = Reference::find("one_capture_is_not_evidence_of_two_phases").map(Bench)
    else {
        return;
    };
    let copy = |from: &str, to: &[&str]| {
        let mut bundle = bench.0.bundle.clone();
        for into in to {
            for file in ["-status.json", "-policy-counters.json"] {
                let bytes = bundle.get(&format!("{from}{file}")).unwrap().to_vec();
                bundle.insert(format!("{into}{file}"), bytes);
            }
            for file in ["control-status.raw", "entry-programs", "ip-link.raw"] {
                let bytes = bundle
                    .get(&format!("raw/{from}-{file}.json"))
                    .unwrap()
                    .to_vec();
                bundle.insert(format!("raw/{into}-{file}.json"), bytes);
            }
        }
        bundle
    };
    bench.ends(
        &copy("active", &["rebuild", "inactive"]),
        "inactive-witness",
        Verdict::Refuted,
    );
    bench.ends(
        &copy("active", &["rebuild"]),
        "snapshot-generation",
        Verdict::Refuted,
    );
    let old_owner = bench.0.judge(&copy("inactive", &["failover"]));
    assert_eq!(old_owner.verdict(), Verdict::Refuted);
    let failed = failures(&old_owner);
    for rule in [
        "failover-packets",
        "failover-process",
        "failover-node",
        "failover-peer",
    ] {
        assert!(failed.contains(&rule), "{rule}: {failed:?}");
    }
}

#[test]
fn a_failover_without_the_identity_of_a_new_owner_is_refuted() {
    let Some(bench) =
        Reference::find("a_failover_without_the_identity_of_a_new_owner_is_refuted").map(Bench)
    else {
        return;
    };
    let gone = |path: &str, rule: &str| {
        bench.edited(
            &status("failover", "delete", path, &json!(null)),
            rule,
            Verdict::Refuted,
        );
    };
    gone("/status/fabrics", "fabric.failover");
    gone("/status/fabrics/0/local_mac", "failover-node");
    gone("/status/ha_groups", "owner.failover.rg1");
    gone("/status/pid", "failover-process");
    let bytes = "/status/policy_rule_counters/0/bytes";
    let edits = status("failover", "set", bytes, &json!(0));
    let mut edits = edits;
    edits.push(edit("failover-policy-counters.json", "set", "/0/bytes", 0));
    bench.edited(&edits, "bytes-floor.failover", Verdict::Refuted);
}

#[test]
fn an_inactive_phase_without_traffic_is_vacuous() {
    let Some(bench) = Reference::find("an_inactive_phase_without_traffic_is_vacuous").map(Bench)
    else {
        return;
    };
    let event = "/status/recent_session_deltas/63/event";
    let edits = status("inactive", "set", event, &json!("close"));
    bench.edited(&edits, "traffic.inactive", Verdict::Vacuous);
    let none = status(
        "inactive",
        "set",
        "/status/recent_session_deltas",
        &json!([]),
    );
    bench.edited(&none, "traffic.inactive", Verdict::Vacuous);
}

#[test]
fn a_warning_is_no_refusal() {
    let Some(bench) = Reference::find("a_warning_is_no_refusal").map(Bench) else {
        return;
    };
    let file = "missing-scheduler-commit.txt";
    let says = |text: &str, rule: &str| {
        let mut bundle = bench.0.bundle.clone();
        bundle.insert(file, text);
        bench.ends(&bundle, rule, Verdict::Refuted);
    };
    says(
        "warning: policy \"scheduled-allow\": scheduler \"s\" not defined\nconfiguration check succeeds\n",
        "reject-text",
    );
    says(
        "scheduler-map \"m\" references undefined scheduler \"s\"\n",
        "reject-text",
    );
    says(
        "policy \"other\" references undefined scheduler \"s\"\n",
        "reject-text",
    );
    for success in [
        "commit  complete",
        "Commit Successful",
        "commit confirmed will be automatically rolled back",
        "configuration check succeeds",
    ] {
        let edits = [edit(file, "append", "", format!("{success}\n"))];
        bench.edited(&edits, "reject-no-success", Verdict::Refuted);
    }
}

#[test]
fn what_crashed_is_inconclusive_and_says_why() {
    let Some(bench) = Reference::find("what_crashed_is_inconclusive_and_says_why").map(Bench)
    else {
        return;
    };
    let json = ACTIVE[2];
    let parse = "parse.counters-active";
    let number = |text: &str| format!("[{{\"packets\": {text}}}]").into_bytes();
    for text in ["Infinity", "1e400", "NaN", &"9".repeat(5000)] {
        bench.bytes(json, number(text), parse, FailureKind::BadJson);
    }
    bench.bytes(json, b"[\"\xff\"]".to_vec(), parse, FailureKind::NotUtf8);
    bench.bytes(
        json,
        b"\xff\xfe[\0]\0".to_vec(),
        parse,
        FailureKind::NotUtf8,
    );
    bench.bytes(json, b"[\0]\0".to_vec(), parse, FailureKind::BadJson);
    bench.bytes(
        json,
        "[".repeat(100_000).into_bytes(),
        parse,
        FailureKind::TooDeep,
    );
    bench.bytes(
        json,
        b"[{\"packets\":1,\"packets\":2}]".to_vec(),
        parse,
        FailureKind::DuplicateKey,
    );
}

#[test]
fn bounds_that_prove_nothing_are_refused() {
    let Some(reference) = Reference::find("bounds_that_prove_nothing_are_refused") else {
        return;
    };
    let text = std::fs::read_to_string(reference.root.join("policy-scheduler.spec.toml")).unwrap();
    for (name, value) in [
        ("min_active_packets", "0"),
        ("min_failover_delta", "0"),
        ("min_failover_delta", "-100"),
    ] {
        let error = runward_evidence::Spec::with_params("s", &text, &[(name, value)]).unwrap_err();
        assert!(error.to_string().contains("parameter"), "{error}");
    }
}
