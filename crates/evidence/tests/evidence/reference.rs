//! The artifacts of a real run, the reference spec, and forgeries of them.

use runward_evidence::{Outcome, Verdict};

use crate::harness::{Reference, failures};

#[test]
fn the_real_set_is_proven_and_every_rule_cites_its_witness() {
    let Some(reference) =
        Reference::find("the_real_set_is_proven_and_every_rule_cites_its_witness")
    else {
        return;
    };
    let report = reference.judge(&reference.bundle);
    assert_eq!(
        failures(&report),
        [""; 0],
        "{}",
        report.render(Default::default())
    );
    assert_eq!(report.verdict(), Verdict::Proven);
    assert_eq!(report.count(Outcome::Judged(Verdict::Proven)), 202);
    assert!(
        report
            .judgements()
            .iter()
            .all(|judged| judged.place().is_some())
    );
}

#[test]
fn each_forgery_is_rejected_by_the_rule_that_was_meant_to() {
    let Some(reference) = Reference::find("each_forgery_is_rejected_by_the_rule_that_was_meant_to")
    else {
        return;
    };
    for (mutation, bundle) in reference.forgeries() {
        let report = reference.judge(&bundle);
        let id = mutation["id"].as_str().unwrap();
        if mutation["expect"] == "accept" {
            assert_eq!(report.verdict(), Verdict::Proven, "{id}");
            continue;
        }
        let failed = failures(&report);
        assert_eq!(failed.first().copied(), mutation["rule"].as_str(), "{id}");
        assert!(
            failed.len() == 1 || SEVERAL.contains(&id),
            "{id}: {failed:?}"
        );
        assert!(report.verdict() >= Verdict::Vacuous, "{id}");
    }
}

/// Forgeries that break more than one rule; the one that they are for comes first.
const SEVERAL: [&str; 3] = [
    "reject-success-only",
    "story-failover-old-owner",
    "story-nothing-ran",
];
