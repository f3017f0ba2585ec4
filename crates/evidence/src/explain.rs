use std::fmt::Write;

use crate::describe::describe;
use crate::nearest::hint;
use crate::report::clean;
use crate::{Error, Spec};

/// What a rule demands, why, what it reads, and within which bounds; as text for people.
///
/// # Errors
///
/// When the spec has no rule of that id.
pub fn explain(spec: &Spec, rule: &str) -> Result<String, Error> {
    let Some(number) = spec.number(rule) else {
        let hint = hint(rule, spec.rule_ids());
        return Err(Error::usage(format!(
            "{} has no rule `{rule}`{hint}",
            spec.id()
        )));
    };
    let found = spec.rule(number);
    let (line, _, text) = spec.line(found.at);
    let mut out = format!("{} ({})\n", found.id, found.check.name());
    let mut field = |name: &str, text: &str| {
        let _ = writeln!(out, "  {name:<7} {}", clean(text));
    };
    field("demands", &describe(&found.check, spec));
    if let Some(why) = &found.why {
        field("why", why);
    }
    for artifact in found.check.artifacts() {
        let artifact = spec.artifact(artifact);
        field("reads", &format!("{} ({})", artifact.file, artifact.id));
    }
    if !found.after.is_empty() {
        let ids = found.after.iter().map(|before| &*spec.rule(*before).id);
        field("after", &ids.collect::<Vec<_>>().join(", "));
    }
    for param in spec
        .params()
        .iter()
        .filter(|param| uses(text_of(spec, found.at), &param.name))
    {
        let bounds = param.bounds();
        field(
            "bounds",
            &format!(
                "{} = {} ({}{bounds})",
                param.name,
                param.value,
                param.ty.name()
            ),
        );
    }
    if let Some(verdict) = found.otherwise {
        field("else", &format!("{} when it does not hold", verdict.name()));
    }
    if let Some(waiver) = spec.waiver(number) {
        field(
            "waiver",
            &format!(
                "by {} until {}: {}",
                waiver.owner, waiver.expires, waiver.why
            ),
        );
    }
    field("at", &format!("{}:{line}: {}", spec.name(), text.trim()));
    Ok(out)
}

/// The entry of the spec around a byte: from its header to the next one.
fn text_of(spec: &Spec, at: usize) -> &str {
    let (before, behind) = spec.text().split_at(at);
    let start = before.rfind("\n[[").unwrap_or(0);
    let end = behind
        .find("\n[[")
        .map_or(spec.text().len(), |end| at + end);
    &spec.text()[start..end]
}

fn uses(entry: &str, name: &str) -> bool {
    let spellings = [
        format!("{{{name}}}"),
        format!("\"{name}\""),
        format!("'{name}'"),
    ];
    spellings.iter().any(|spelling| entry.contains(spelling))
}
