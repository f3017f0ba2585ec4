//! The artifacts of a real run, the reference spec, and forgeries of them.

use runward_evidence::{Outcome, Verdict};

use crate::harness::{Reference, apply, failures};

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
    let mut wrong = Vec::new();
    let mut several = 0;
    for mutation in reference.mutations() {
        let mut bundle = reference.bundle.clone();
        for edit in mutation["edits"].as_array().unwrap() {
            apply(&mut bundle, edit);
        }
        let report = reference.judge(&bundle);
        let failed = failures(&report);
        let rule = mutation["rule"].as_str().unwrap();
        let fits = match mutation["expect"].as_str().unwrap() {
            "accept" => report.verdict() == Verdict::Proven,
            _ => failed.first() == Some(&rule),
        };
        several += usize::from(failed.len() > 1);
        if !fits || failed.len() > 1 {
            wrong.push(format!("{} {fits}: {failed:?}", mutation["id"]));
        }
    }
    eprintln!("{several} several: {wrong:#?}");
    assert!(
        wrong.iter().all(|line| line.contains(" true")),
        "{wrong:#?}"
    );
}
