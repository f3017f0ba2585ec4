//! What the parts of one rule are read with: variables, artifacts, parameters, patterns that were compiled before.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::{Regex, RegexBuilder};

use super::artifact::{Artifact, ArtifactKind};
use super::fill::Fill;
use super::operand::{Factor, Type};
use super::params::Params;
use super::selector::{self, Literal, Names, Path, Selector};
use super::table::{Item, Result};
use crate::json::Number;

/// A pattern's program may have so many bytes.
const MAX_PATTERN: usize = 1 << 20;

/// Patterns by their text: `for` repeats most of them.
pub(crate) type Patterns = RefCell<HashMap<String, Regex>>;

pub(crate) struct Context<'c, 's> {
    pub(crate) fill: &'c Fill<'s>,
    pub(crate) params: &'c Params,
    pub(crate) artifacts: &'c [Artifact],
    pub(crate) names: &'c Names<'c>,
    pub(crate) patterns: &'c Patterns,
}

impl<'s> Context<'_, 's> {
    pub(crate) fn text(&self, item: Item<'s>) -> Result<String> {
        self.fill.text(item)
    }

    /// Values of a JSON artifact.
    pub(crate) fn selector(&self, item: Item<'s>) -> Result<Selector> {
        let selector = Selector::parse(item, self.fill, self.names)?;
        let artifact = &self.artifacts[selector.artifact as usize];
        if artifact.kind == ArtifactKind::Text {
            let message = format!(
                "`{}` is text: read it with `text` and a pattern",
                artifact.id
            );
            return Err(item.error(message));
        }
        Ok(selector)
    }

    pub(crate) fn path(&self, item: Item<'s>) -> Result<Path> {
        selector::path(item, item.text()?, self.fill)
    }

    pub(crate) fn path_of(&self, item: Item<'s>, text: &str) -> Result<Path> {
        selector::path(item, text, self.fill)
    }

    /// The number of a text artifact.
    pub(crate) fn text_artifact(&self, item: Item<'s>) -> Result<u32> {
        let number = self.any_artifact(item)?;
        let artifact = &self.artifacts[number as usize];
        match artifact.kind {
            ArtifactKind::Text => Ok(number),
            _ => Err(item.error(format!("`{}` is no text", artifact.id))),
        }
    }

    pub(crate) fn any_artifact(&self, item: Item<'s>) -> Result<u32> {
        self.names.find(item, &self.text(item)?)
    }

    pub(crate) fn regex(&self, item: Item<'s>) -> Result<Regex> {
        let text = self.fill.regex(item)?;
        if let Some(known) = self.patterns.borrow().get(&text) {
            return Ok(known.clone());
        }
        let regex = RegexBuilder::new(&text)
            .size_limit(MAX_PATTERN)
            .crlf(true)
            .build();
        let regex = regex.map_err(|error| {
            let error = error.to_string();
            let last = error.lines().last().unwrap_or_default().trim();
            item.error(format!(
                "no pattern: {}",
                last.trim_start_matches("error: ")
            ))
        })?;
        self.patterns.borrow_mut().insert(text, regex.clone());
        Ok(regex)
    }

    pub(crate) fn literal(&self, item: Item<'s>) -> Result<Literal> {
        let json = item.json(&|item, text| self.fill.within(item, text))?;
        Literal::parse(json).map_err(|error| item.error(error))
    }

    pub(crate) fn param(&self, item: Item<'s>) -> Result<(Literal, Type)> {
        self.params.literal(item, &self.text(item)?)
    }

    /// A parameter to add to a value of that type.
    pub(crate) fn number(&self, item: Item<'s>, ty: Type) -> Result<Factor> {
        let (literal, given) = self.param(item)?;
        let number = literal.value().number();
        let integral = given.is_integer() && (ty.is_integer() || ty == Type::Time);
        match number {
            Some(Number::Integer(n)) if integral => {
                let small = i64::try_from(n).map(Factor::Integer);
                small.map_err(|_| item.error("too large to be added"))
            }
            Some(Number::Float(x)) if ty == Type::Finite => Ok(Factor::Float(x)),
            _ => {
                let (given, ty) = (given.name(), ty.name());
                Err(item.error(format!("a parameter of {given} is added to {ty}")))
            }
        }
    }
}
