//! What is wrong with a spec whatever the bundle.

use std::collections::HashMap;
use std::fmt;

use crate::Spec;
use crate::describe::describe;
use crate::engine::{Datum, typed};
use crate::json::Number;
use crate::spec::check::{Check, Comparison};
use crate::spec::operand::{From, Op, Operand, Type};
use crate::spec::rule::Rule;

/// Something that needs no bundle to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    kind: LintKind,
    rule: String,
    message: String,
    line: usize,
}

/// In what way a rule is no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LintKind {
    /// No bundle passes it.
    Impossible,
    /// Every bundle passes it.
    AlwaysTrue,
    /// Another rule demands the same.
    Duplicate,
    /// It comes after a rule that no bundle passes.
    Unreachable,
    /// An artifact that no rule looks into, or that another one reads as well.
    Artifact,
}

impl LintKind {
    /// In a few lower-case words.
    pub fn name(self) -> &'static str {
        match self {
            Self::Impossible => "impossible",
            Self::AlwaysTrue => "always true",
            Self::Duplicate => "duplicate",
            Self::Unreachable => "unreachable",
            Self::Artifact => "artifact",
        }
    }
}

impl Lint {
    /// In what way.
    pub fn kind(&self) -> LintKind {
        self.kind
    }

    /// The rule's id; of an artifact, the id of the rule that it implies.
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The line of the spec.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, rule) = (self.kind.name(), &self.rule);
        write!(f, "{kind}: {rule}: {}", self.message)
    }
}

/// Looks for rules that are no use, without a bundle.
pub fn lint(spec: &Spec) -> Vec<Lint> {
    let mut lints = Vec::new();
    let mut add = |kind, rule: &Rule, message: String| {
        lints.push(Lint {
            kind,
            rule: rule.id.clone(),
            message,
            line: spec.line(rule.at).0,
        });
    };
    constants(spec, &mut add);
    duplicates(spec, &mut add);
    artifacts(spec, &mut add);
    lints
}

type Add<'a> = dyn FnMut(LintKind, &Rule, String) + 'a;

fn constants(spec: &Spec, add: &mut Add<'_>) {
    let mut dead = vec![false; spec.rules().len()];
    for number in spec.order() {
        let rule = spec.rule(*number);
        match constant(&rule.check) {
            Some(false) => {
                dead[*number as usize] = true;
                add(LintKind::Impossible, rule, describe(&rule.check, spec));
            }
            Some(true) => add(LintKind::AlwaysTrue, rule, describe(&rule.check, spec)),
            None => {}
        }
        let before = rule.after.iter().find(|before| dead[**before as usize]);
        if let Some(before) = before {
            dead[*number as usize] = true;
            let message = format!(
                "it comes after {}, which never holds",
                spec.rule(*before).id
            );
            add(LintKind::Unreachable, rule, message);
        }
    }
}

/// What a check says of every bundle, if it says one thing of all.
fn constant(check: &Check) -> Option<bool> {
    match check {
        Check::Cmp(comparison) => always(comparison),
        Check::When { when, .. } => always(when).filter(|holds| !holds),
        Check::EachMatches { regex, .. } | Check::Matches { regex, .. } => regex
            .is_match("")
            .then_some(true)
            .filter(|_| regex.as_str().is_empty()),
        Check::RunLength {
            at_least: Some(0),
            at_most: None,
            ..
        } => Some(true),
        Check::RunLength {
            at_least: Some(least),
            at_most: Some(most),
            ..
        } if least > most => Some(false),
        Check::Files {
            least,
            most: Some(most),
            ..
        } if least > most => Some(false),
        Check::Same { left, right, .. } => (left.to_string() == right.to_string()).then_some(true),
        _ => None,
    }
}

fn always(comparison: &Comparison) -> Option<bool> {
    let Comparison { left, op, right } = comparison;
    if let (Some(a), Some(b)) = (literal(left), literal(right)) {
        return Some(op.holds(a.order(&b)));
    }
    if left.to_string() == right.to_string() {
        return Some(op.holds(std::cmp::Ordering::Equal));
    }
    let natural = left.ty == Type::U64 && left.mul.is_none() && left.add.is_none();
    let bound = literal(right).filter(|_| natural && right.mul.is_none() && right.add.is_none())?;
    match (op, bound) {
        (Op::AtLeast, Datum::Integer(..=0)) | (Op::Greater, Datum::Integer(..0)) => Some(true),
        (Op::Less, Datum::Integer(..=0)) | (Op::AtMost | Op::Equal, Datum::Integer(..0)) => {
            Some(false)
        }
        _ => None,
    }
}

/// A value that is the same for every bundle.
fn literal(operand: &Operand) -> Option<Datum<'_>> {
    let From::Literal(value) = &operand.from else {
        return None;
    };
    let adjusted = operand.mul.is_some() || operand.add.is_some();
    let exact = !matches!(value.value().number(), Some(Number::Huge(_)));
    typed(value.value(), operand.ty)
        .ok()
        .filter(|_| exact && !adjusted)
}

fn duplicates(spec: &Spec, add: &mut Add<'_>) {
    let mut seen: HashMap<String, &Rule> = HashMap::new();
    for rule in spec.rules() {
        // These name their rows but not all of their fields: two that read alike may differ.
        if matches!(
            rule.check,
            Check::RowSum { .. }
                | Check::Group { .. }
                | Check::RunLength { .. }
                | Check::Project { .. }
        ) {
            continue;
        }
        let demand = describe(&rule.check, spec);
        match seen.get(&demand) {
            Some(first) if !matches!(rule.check, Check::Present(_) | Check::Parse(_)) => {
                add(
                    LintKind::Duplicate,
                    rule,
                    format!("{} demands the same: {demand}", first.id),
                );
            }
            _ => {
                seen.insert(demand, rule);
            }
        }
    }
}

fn artifacts(spec: &Spec, add: &mut Add<'_>) {
    let own = spec.artifacts().len();
    let mut used = vec![false; own];
    for rule in spec.rules().iter().skip(2 * own) {
        for artifact in rule.check.artifacts() {
            used[artifact as usize] = true;
        }
    }
    let mut files: HashMap<&str, &str> = HashMap::new();
    for (at, artifact) in spec.artifacts().iter().enumerate() {
        let rule = &spec.rules()[at];
        if !used[at] {
            let message = format!("no rule looks into {}", artifact.file);
            add(LintKind::Artifact, rule, message);
        }
        if let Some(first) = files.insert(&artifact.file, &artifact.id) {
            let message = format!("{first} reads {} as well", artifact.file);
            add(LintKind::Artifact, rule, message);
        }
    }
}
