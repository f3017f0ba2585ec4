use runward_evidence::Verdict;

use super::Finding;
use crate::exit::{Findings, INCONCLUSIVE, REFUTED, merge};

fn finding(verdict: Option<&str>) -> Findings {
    let finding = Finding {
        verdict: verdict.map(str::to_owned),
        why: None,
        dir: Some("/d".to_owned()),
    };
    finding.findings()
}

/// Whatever the order of verdicts: which of them is which code.
#[test]
fn each_verdict_adds_its_own_code_to_a_green_program() {
    for (verdict, code) in [
        (Verdict::Proven, 0),
        (Verdict::Waived, 0),
        (Verdict::Vacuous, INCONCLUSIVE),
        (Verdict::Inconclusive, INCONCLUSIVE),
        (Verdict::Refuted, REFUTED),
    ] {
        let found = finding(Some(verdict.name()));
        assert_eq!(merge(0, found), code, "{}", verdict.name());
        assert_eq!(merge(3, found), 3);
        assert!(!found.unclean);
    }
    assert_eq!(finding(None), Findings::default());
}

#[test]
fn what_could_not_be_judged_is_inconclusive_and_says_why() {
    let finding = Finding::inconclusive("/d".as_ref(), "no day");
    assert_eq!(finding.findings(), self::finding(Some("inconclusive")));
    assert_eq!(
        (finding.why.as_deref(), finding.dir.as_deref()),
        (Some("no day"), Some("/d"))
    );
}
