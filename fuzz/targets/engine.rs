//! A small bundle and rules about it: judged without a panic, twice the same, and with a verdict that its rules add up to.
//!
//! The input is cut at lines of `====`: rules, then the files `a.json`, `l.jsonl`, `t.txt` and `s.rc`.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use runward_evidence::{
    Format, Judgement, Memory, Outcome, ProofResult, Report, Spec, Terms, Verdict, prove, verify,
};
use serde_json::Value;

const HEAD: &str = include_str!("../head.toml");
const FILES: [&str; 4] = ["a.json", "l.jsonl", "t.txt", "s.rc"];
const FORMATS: [Format; 5] = [
    Format::Human,
    Format::Json,
    Format::Junit,
    Format::Sarif,
    Format::Tap,
];

fuzz_target!(|input: &[u8]| -> Corpus {
    let mut parts = cut(input).into_iter();
    let rules = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let Ok(spec) = Spec::parse("s.toml", &format!("{HEAD}{rules}")) else {
        return Corpus::Reject;
    };
    let mut bundle = Memory::new();
    for (file, bytes) in FILES.into_iter().zip(parts) {
        bundle.insert(file, bytes);
    }
    let terms = Terms::new().today("2026-06-01").expect("a day");
    let report = verify(&spec, &bundle, &terms);
    consistent(&report, &bundle);
    readable(&report);
    let again = verify(&spec, &bundle.clone(), &terms);
    for format in FORMATS {
        assert_eq!(report.render(format), again.render(format));
    }
    proofs(&spec, &bundle, &report);
    Corpus::Keep
});

fn cut(input: &[u8]) -> Vec<&[u8]> {
    const MARK: &[u8] = b"====\n";
    let mut parts = Vec::new();
    let mut rest = input;
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        parts.push(&rest[..at]);
        rest = &rest[at + MARK.len()..];
    }
    parts.push(rest);
    parts
}

/// The order of verdicts, written down a second time.
fn badness(verdict: Verdict) -> (u8, u8) {
    match verdict {
        Verdict::Proven => (0, 0),
        Verdict::Waived => (1, 0),
        Verdict::Vacuous => (2, 3),
        Verdict::Inconclusive => (3, 2),
        Verdict::Refuted => (4, 1),
    }
}

fn consistent(report: &Report, bundle: &Memory) {
    let judged = report
        .judgements()
        .iter()
        .filter_map(|judgement| match judgement.outcome() {
            Outcome::Judged(verdict) => Some(verdict),
            Outcome::Blocked => None,
        });
    let worst = judged
        .max_by_key(|verdict| badness(*verdict))
        .unwrap_or(Verdict::Vacuous);
    assert_eq!(report.verdict(), worst);
    assert_eq!(report.verdict().exit_code(), badness(worst).1);
    for judgement in report.judgements() {
        outcome(report, judgement);
        place(judgement, bundle);
    }
}

/// What holds says nothing against itself, what fails says why, what is blocked is blocked by something that is no proof.
fn outcome(report: &Report, judgement: &Judgement) {
    let (failure, root) = (judgement.failure(), judgement.blocked_by());
    match judgement.outcome() {
        Outcome::Judged(Verdict::Proven) => assert!(failure.is_none() && root.is_none()),
        Outcome::Judged(_) => {
            assert!(failure.is_some_and(|f| !f.message().is_empty()) && root.is_none())
        }
        Outcome::Blocked => {
            let root = report
                .judgement(root.expect("what blocks it"))
                .expect("a rule");
            let open = root.is_by_absence() || root.failure().is_some();
            assert!(
                failure.is_none() && open,
                "{} by {}",
                judgement.id(),
                root.id()
            );
        }
    }
}

/// A place is in its file, and its line and column lead to its bytes.
fn place(judgement: &Judgement, bundle: &Memory) {
    let Some((place, bytes)) = judgement
        .place()
        .and_then(|place| Some((place, place.bytes()?)))
    else {
        return;
    };
    let file = bundle.get(place.path()).expect("a file of the bundle");
    let text = std::str::from_utf8(file).expect("what is cited is text");
    assert!(bytes.start <= bytes.end && bytes.end <= text.len());
    let before = &text.as_bytes()[..bytes.start];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    assert_eq!(place.line(), Some(line));
}

/// What machines read can be read, and counts every rule.
fn readable(report: &Report) {
    let json: Value = serde_json::from_str(&report.render(Format::Json)).expect("JSON");
    assert_eq!(
        json["rules"].as_array().map(Vec::len),
        Some(report.judgements().len())
    );
    assert_eq!(json["verdict"], report.verdict().name());
    let sarif: Value = serde_json::from_str(&report.render(Format::Sarif)).expect("SARIF is JSON");
    let proven = report.count(Outcome::Judged(Verdict::Proven));
    let results = sarif["runs"][0]["results"].as_array().map(Vec::len);
    assert_eq!(results, Some(report.judgements().len() - proven));
    let tap = report.render(Format::Tap);
    assert_eq!(
        tap.lines().nth(1),
        Some(&*format!("1..{}", report.judgements().len()))
    );
}

/// Proofs are looked for in what is proven and in nothing else, one for each rule.
fn proofs(spec: &Spec, bundle: &Memory, report: &Report) {
    let rules = spec.rule_ids().count();
    if rules > 16 {
        return;
    }
    let proofs = prove(spec, bundle, &Terms::new());
    let waived = report.verdict() == Verdict::Waived;
    assert!(waived || proofs.is_ok() == (report.verdict() == Verdict::Proven));
    let Ok(proofs) = proofs else { return };
    assert!(
        proofs
            .all()
            .iter()
            .map(|proof| proof.rule())
            .eq(spec.rule_ids())
    );
    for proof in proofs.all() {
        assert_eq!(
            proof.result() == ProofResult::Exact,
            proof.others().is_empty() && !proof.edits().is_empty()
        );
    }
}
