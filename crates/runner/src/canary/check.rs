//! `check`, `schema` and `rules`: what can be said without contacting anybody.
use std::fmt::Write;
use std::time::Duration;

use runward_canary::rules::{AlertRule, KindOf, Policy};
use runward_canary::{Invariant, Rules};

use super::args::CheckArgs;
use super::setup::Setup;
use super::sinks;
use crate::commands::print;
use crate::duration::Span;
use crate::error::{Error, Result};
use crate::terminal::printable;

pub(super) fn schema() -> Result<u8> {
    let (sources, facet) = runward_sources::described();
    let mut alerts = runward_sinks::described().to_vec();
    alerts.push(KindOf {
        name: sinks::STDERR,
        settings: &[],
        facet: &[],
    });
    let schema = Rules::schema_of(sources, facet, &alerts);
    print(format!("{}\n", schema.trim_end()).as_bytes())?;
    Ok(0)
}

/// A set that comes with the binary, or a line for each: its name, and the sentence that it begins with.
pub(super) fn rules(name: Option<&str>) -> Result<u8> {
    let about = |text: &'static str| text.lines().next().unwrap_or_default();
    let line = |(name, text)| format!("{name:<14}{}\n", about(text).trim_start_matches("# "));
    let text = match name {
        None => Rules::shipped().map(line).collect(),
        Some("language") => Rules::language().to_owned(),
        Some(name) => {
            let found = Rules::shipped().find(|(known, _)| *known == name);
            let known = || Rules::shipped().map(|(known, _)| known);
            let text = found.map(|(_, text)| text.to_owned());
            text.ok_or_else(|| {
                let known = known().collect::<Vec<_>>().join(", ");
                Error::usage(format!(
                    "there is no rule set {name}; there are {known}, and language"
                ))
            })?
        }
    };
    print(text.as_bytes())?;
    Ok(0)
}

pub(super) fn main(args: &CheckArgs) -> Result<u8> {
    let setup = Setup::judging(&args.config)?;
    let mut unset = setup.rehearse()?;
    unset.extend(sinks::unset(&setup.rules)?);
    let (ledger, variable) = setup.rehearsed_ledger()?;
    unset.extend(variable);
    let rules = &setup.rules;
    let mut out = String::new();
    let _ = writeln!(out, "{} ({})", printable(rules.title()), rules.digest());
    for source in rules.sources() {
        let facets = rules.facets().iter();
        let facets = facets.filter(|facet| facet.source() == source.name());
        let facets: Vec<&str> = facets.map(|facet| &*facet.ask().facet).collect();
        let (name, kind) = (source.name(), source.kind());
        let _ = writeln!(out, "source {name} ({kind}): {}", facets.join(", "));
    }
    for invariant in rules.invariants() {
        let (meta, kinds) = (invariant.meta(), invariant.kinds().join(", "));
        let title = printable(&meta.title);
        let _ = writeln!(out, "invariant {}: {title} ({kinds})", meta.id);
    }
    for (id, why) in rules.off() {
        let _ = writeln!(out, "invariant {id}: off, {}", printable(why));
    }
    let _ = writeln!(out, "drills: {}", rules.drills().len());
    let alerts: Vec<&str> = rules.alerts().iter().map(AlertRule::kind).collect();
    let alerts = match alerts.as_slice() {
        [] => "none; the exit code and the output are all that tells".to_owned(),
        kinds => kinds.join(", "),
    };
    let _ = writeln!(out, "alerts: {alerts}");
    let _ = writeln!(out, "ledger: {}", printable(&ledger));
    let _ = writeln!(out, "policy: {}", policy(rules.policy()));
    let _ = write!(out, "{}", unexpected(rules));
    for variable in unset {
        let _ = writeln!(
            out,
            "note: the environment has no {}; a cycle needs it",
            printable(&variable)
        );
    }
    print(out.as_bytes())?;
    Ok(0)
}

/// Each as it is, whether the rules say it or not.
fn policy(policy: &Policy) -> String {
    let length = |length: Duration| Span::from_millis(length).to_string();
    let remind = match policy.remind_after {
        Some(after) => format!("what is red is told again after {}", length(after)),
        None => "what is red is told once".to_owned(),
    };
    format!(
        "a cycle every {}, the first after {}; {remind}; what is not judged is told after {} cycles; at least {} is told",
        length(policy.interval),
        length(policy.startup),
        policy.stale_after,
        policy.minimum.name(),
    )
}

/// Invariants that hold over nothing at all for as long as others have something.
fn unexpected(rules: &Rules) -> String {
    let without = |one: &&Invariant| one.terms().expect.is_none();
    let without = rules.invariants().iter().filter(without);
    let ids: Vec<&str> = without.map(|one| &*one.meta().id).collect();
    if ids.is_empty() {
        return String::new();
    }
    format!(
        "note: without `expect`, nothing tells if there is nothing to look at for {}; \
         `expect = {{ examined_at_least = 1, within_cycles = 3 }}` does\n",
        printable(&ids.join(", "))
    )
}
