use std::fmt::Write;

use crate::describe::describe;
use crate::nearest::hint;
use crate::report::{ATTESTED, SEALED, UNREAD, clean};
use crate::{Error, Spec, Verdict};

/// What a rule demands, why, what it reads, and within which bounds; as text for people.
///
/// # Errors
///
/// When neither the spec nor every bundle has a rule of that id.
pub fn explain(spec: &Spec, rule: &str) -> Result<String, Error> {
    let Some(number) = spec.number(rule) else {
        if let Some((own, fields)) = OWN.iter().find(|(own, _)| *own == rule) {
            return Ok(page(&format!("{own} (of every bundle)"), fields));
        }
        let own = OWN.iter().map(|(own, _)| *own);
        let hint = hint(rule, own.chain(spec.rule_ids()));
        return Err(Error::usage(format!(
            "{} has no rule `{rule}`{hint}",
            spec.id()
        )));
    };
    let found = spec.rule(number);
    let title = format!("{} ({})", found.id, found.check.name());
    Ok(page(&title, &fields(spec, number)))
}

fn page(title: &str, fields: &[(&str, impl AsRef<str>)]) -> String {
    let mut out = format!("{title}\n");
    for (name, text) in fields {
        let _ = writeln!(out, "  {name:<7} {}", clean(text.as_ref()));
    }
    out
}

/// Rules that no spec has to ask for.
const OWN: [(&str, &[(&str, &str)]); 3] = [
    (
        SEALED,
        &[
            (
                "demands",
                "the bundle is what was sealed: each file has the size and digest that the manifest has, was written between the arming of the run \
                 and the seal, and no file is there besides; what the manifest says of the run stands in run.json",
            ),
            (
                "why",
                "a file that came later, from elsewhere or in place of another is no evidence of the run",
            ),
            ("reads", "manifest.json, run.json and every other file"),
            (
                "bounds",
                "only where there is a manifest.json; one of another tool is left to an artifact that reads it",
            ),
            (
                "else",
                "refuted for a late, spliced or foreign file; inconclusive for what cannot be read; vacuous for a seal of nothing",
            ),
        ],
    ),
    (
        ATTESTED,
        &[
            (
                "demands",
                "the envelope is signed by the key, and states what is found here: the digest of each file, the digest and parameters of the spec, \
                 what became of each rule",
            ),
            (
                "why",
                "a verdict that somebody signed is believed when it is reached again",
            ),
            ("reads", "the envelope, and every file of the bundle"),
            (
                "bounds",
                "only where an envelope is given with --attested; its keyid decides nothing",
            ),
            ("else", "refuted"),
        ],
    ),
    (
        UNREAD,
        &[
            ("demands", "some artifact reads each file of the bundle"),
            ("why", "what nobody looked at could say the opposite"),
            ("reads", "the names of all files"),
            (
                "bounds",
                "reported only where it does not hold; `[files]` in a spec ignores files by pattern, or allows all, with a `why`",
            ),
            (
                "else",
                "refuted; inconclusive where the bundle cannot be listed",
            ),
        ],
    ),
];

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
