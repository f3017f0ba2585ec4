//! The language: from TOML to rules that are ready to be judged.

pub(crate) mod artifact;
pub(crate) mod check;
pub(crate) mod checks;
mod context;
mod expand;
mod fill;
pub(crate) mod glob;
pub(crate) mod operand;
mod order;
mod params;
pub(crate) mod rule;
mod schema;
pub(crate) mod selector;
mod table;
pub(crate) mod waiver;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

pub use schema::language_schema;

use artifact::Artifact;
use expand::Expansion;
use params::Params;
use rule::Rule;
use table::{Page, Result};
use waiver::Waiver;

use crate::Terms;
use crate::error::{Error, ErrorKind};

/// The largest spec, in bytes.
const MAX_SPEC: u64 = 16 << 20;

/// A spec that was read whole: every key known, every selector and prerequisite resolved, every pattern compiled.
#[derive(Clone, Debug)]
pub struct Spec(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    text: String,
    id: String,
    params: Params,
    artifacts: Vec<Artifact>,
    rules: Vec<Rule>,
    order: Vec<u32>,
    numbers: HashMap<String, u32>,
    waivers: HashMap<u32, Waiver>,
    unread: Unread,
}

/// What becomes of files that no artifact reads.
#[derive(Debug)]
pub(crate) enum Unread {
    /// They are failures, unless they match one of these.
    Fails(Vec<String>),
    Allowed,
}

impl Spec {
    /// Reads a spec; `name` is what messages call it.
    ///
    /// # Errors
    ///
    /// When it is no spec, with the place where it is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        Self::with_params::<&str, &str>(name, text, &[])
    }

    /// Reads a spec with values for some of its parameters.
    ///
    /// # Errors
    ///
    /// As [`Spec::parse`]; and when there is no such parameter, or a value is out of its bounds.
    pub fn with_params<N: AsRef<str>, V: AsRef<str>>(
        name: &str,
        text: &str,
        params: &[(N, V)],
    ) -> Result<Self> {
        let owned = |(name, value): &(N, V)| (name.as_ref().to_owned(), value.as_ref().to_owned());
        let chosen: Vec<_> = params.iter().map(owned).collect();
        let expansion = Expansion::read(Page { name, text }, &chosen)?;
        Ok(Self(Arc::new(Inner::new(name, text, expansion)?)))
    }

    /// Reads a spec from a file, with values for some of its parameters.
    ///
    /// # Errors
    ///
    /// As [`Spec::with_params`]; and when the file cannot be read, is larger than 16 MiB, or is no UTF-8.
    pub fn load<N: AsRef<str>, V: AsRef<str>>(
        path: impl AsRef<Path>,
        params: &[(N, V)],
    ) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = read(path)
            .map_err(|error| Error::new(ErrorKind::Io, format!("read the spec {name}: {error}")))?;
        Self::with_params(&name, &text, params)
    }

    /// What the spec calls itself.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The ids of all rules, those that artifacts imply first, in the order of the spec.
    pub fn rule_ids(&self) -> impl Iterator<Item = &str> {
        self.0.rules.iter().map(|rule| &*rule.id)
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn text(&self) -> &str {
        &self.0.text
    }

    pub(crate) fn params(&self) -> &[params::Param] {
        &self.0.params.0
    }

    pub(crate) fn artifacts(&self) -> &[Artifact] {
        &self.0.artifacts
    }

    pub(crate) fn artifact(&self, number: u32) -> &Artifact {
        &self.0.artifacts[number as usize]
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.0.rules
    }

    pub(crate) fn rule(&self, number: u32) -> &Rule {
        &self.0.rules[number as usize]
    }

    pub(crate) fn number(&self, id: &str) -> Option<u32> {
        self.0.numbers.get(id).copied()
    }

    /// Prerequisites first.
    pub(crate) fn order(&self) -> &[u32] {
        &self.0.order
    }

    pub(crate) fn waiver(&self, rule: u32) -> Option<&Waiver> {
        self.0.waivers.get(&rule)
    }

    pub(crate) fn is_waived(&self, rule: u32, terms: &Terms) -> bool {
        let waiver = self.waiver(rule);
        waiver.is_some_and(|waiver| waiver.applies(terms.day()))
    }

    pub(crate) fn unread(&self) -> &Unread {
        &self.0.unread
    }

    /// Line, column and text of the line around a byte of the spec.
    pub(crate) fn line(&self, at: usize) -> (usize, usize, &str) {
        let (line, column) = crate::json::position(&self.0.text, at);
        let text = self.0.text.lines().nth(line - 1).unwrap_or_default();
        (line, column, text)
    }
}

impl Inner {
    fn new(name: &str, text: &str, expansion: Expansion) -> Result<Self> {
        let Expansion {
            id,
            params,
            artifacts,
            rules,
            numbers,
            waivers,
            unread,
        } = expansion;
        let order = order::order(&rules).map_err(|stuck| {
            let rule = &rules[stuck];
            let message = format!("the rule `{}` waits for itself through `after`", rule.id);
            Page { name, text }.error(rule.at, message)
        })?;
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
            id,
            params,
            artifacts,
            rules,
            order,
            numbers,
            waivers,
            unread,
        })
    }
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    let read = file.take(MAX_SPEC + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_SPEC {
        let message = format!("more than {MAX_SPEC} bytes");
        return Err(std::io::Error::new(
            std::io::ErrorKind::FileTooLarge,
            message,
        ));
    }
    Ok(text)
}
