use std::fmt::Write;

use crate::describe::describe;
use crate::nearest::hint;
use crate::report::clean;
use crate::{Error, Spec, Verdict};

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
    let mut out = format!("{} ({})\n", found.id, found.check.name());
    for (name, text) in fields(spec, number) {
        let _ = writeln!(out, "  {name:<7} {}", clean(&text));
    }
    Ok(out)
}

fn fields(spec: &Spec, number: u32) -> Vec<(&'static str, String)> {
    let rule = spec.rule(number);
    let mut fields = vec![("demands", describe(&rule.check, spec))];
    fields.extend(rule.why.as_ref().map(|why| ("why", why.to_string())));
    for artifact in rule.check.artifacts() {
        let artifact = spec.artifact(artifact);
        fields.push(("reads", format!("{} ({})", artifact.file, artifact.id)));
    }
    let before: Vec<&str> = rule
        .after
        .iter()
        .map(|before| &*spec.rule(*before).id)
        .collect();
    if !before.is_empty() {
        fields.push(("after", before.join(", ")));
    }
    let entry = entry(spec, rule.at);
    let used = spec
        .params()
        .iter()
        .filter(|param| uses(entry, &param.name));
    fields.extend(used.map(|param| ("bounds", param.to_string())));
    let otherwise = rule.otherwise.map(Verdict::name);
    fields.extend(otherwise.map(|verdict| ("else", format!("{verdict} when it does not hold"))));
    let waiver = spec.waiver(number);
    fields.extend(waiver.map(|waiver| ("waiver", waiver.says("until"))));
    let (line, _, text) = spec.line(rule.at);
    fields.push(("at", format!("{}:{line}: {}", spec.name(), text.trim())));
    fields
}

/// The entry of the spec around a byte: from its header to the next one.
fn entry(spec: &Spec, at: usize) -> &str {
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
