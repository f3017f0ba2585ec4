//! The harness shows that it can be red before it is believed to be green.
use runward_canary::engine::Verdict;
use runward_canary::{
    Cause, CauseKind, Column, Cut, Kind as Is, Only, Options, Reading, Rules, Snapshot, Stamp,
    State, Table, Value, judge,
};

use super::wrong;
use crate::error::Result;

const RULES: &str = r#"
title = "planted"
[source.planted]
kind = "command"
[facet.planted]
source = "planted"
columns = { wrong = "bool" }
[invariant.planted]
title = "What is planted is found"
tier = "A"
severity = "critical"
message = "{subject} is wrong"
runbook = "The harness itself is broken: do not trust it."
shape = "row"
of = "planted"
bad = [{ kind = "wrong", column = "wrong", equals = true }]
"#;

/// A planted fault is red, its twin holds, and a source that fails is neither.
pub(super) fn prove() -> Result<()> {
    let rules = Rules::parse("self-test", RULES).map_err(wrong)?;
    let at = Stamp::from_micros(0);
    let table = |fault| {
        let mut table = Table::new([Column::new("id", Is::Text), Column::new("wrong", Is::Bool)]);
        table.push([Value::text("planted"), Value::Bool(fault)]);
        Reading::ok(table, at, at)
    };
    let gone = Reading::failed(Cause::new(CauseKind::Unreachable, "planted"), at, at);
    let red = |verdict: &Verdict| {
        let found = verdict.findings();
        found.len() == 1 && found[0].subject == "planted" && found[0].kind == "wrong"
    };
    let well = |verdict: &Verdict| verdict.is_judged() && verdict.findings().is_empty();
    let dark = |verdict: &Verdict| !verdict.is_judged() && verdict.findings().is_empty();
    let sees = |reading, wanted: &dyn Fn(&Verdict) -> bool| {
        let cut = Cut::from([("planted".to_owned(), reading)]);
        let snapshot = Snapshot::new(at, cut);
        let (options, state) = (Options::default(), State::default());
        let cycle = judge(rules.invariants(), &options, &snapshot, &state, &Only::All);
        cycle.report.verdicts.get("planted").is_some_and(wanted)
    };
    match sees(table(true), &red) && sees(table(false), &well) && sees(gone, &dark) {
        true => Ok(()),
        false => Err(wrong(
            "the self-test failed: a planted fault is not red, or what is well or unread is not told apart from it; nothing that this binary says can be trusted",
        )),
    }
}
