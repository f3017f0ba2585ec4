//! Text with `{names}` in it, which are filled in after it has been taken apart: what is filled in can end nothing.

use std::borrow::Cow;

use runward_canary::Cause;

use crate::bound::Binding;
use crate::facet::Scope;

/// One argument, or another piece that is whole by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Name(String),
}

impl Template {
    /// Takes text apart; `{{` and `}}` are braces.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub(crate) fn new(text: &str, scope: &Scope) -> Result<Self, String> {
        let mut pieces = vec![];
        let mut plain = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '{' | '}' if chars.peek() == Some(&c) => {
                    chars.next();
                    plain.push(c);
                }
                '{' => {
                    let name = name(&mut chars).ok_or_else(|| unclosed(text))?;
                    check(&name, scope, text)?;
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    pieces.push(Piece::Name(name));
                }
                '}' => {
                    return Err(format!(
                        "`{text}` has a lone brace; write `}}}}` for one that is meant"
                    ));
                }
                c => plain.push(c),
            }
        }
        pieces.push(Piece::Text(plain));
        pieces.retain(|piece| *piece != Piece::Text(String::new()));
        Ok(Self(pieces))
    }

    /// The text, if there is nothing to fill in.
    pub(crate) fn constant(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Fills in, with what `escape` makes of each value.
    ///
    /// # Errors
    ///
    /// When there is nothing to fill in.
    pub(crate) fn fill(
        &self,
        binding: &Binding<'_>,
        escape: impl Fn(&str) -> Result<Cow<'_, str>, Cause>,
    ) -> Result<String, Cause> {
        let mut filled = String::with_capacity(64);
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Name(name) => filled.push_str(&escape(&binding.text(name)?)?),
            }
        }
        Ok(filled)
    }
}

fn name(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut name = String::new();
    loop {
        match chars.next()? {
            '}' => return Some(name),
            c => name.push(c),
        }
    }
}

fn unclosed(text: &str) -> String {
    format!("`{text}` has a brace that is not closed; write `{{{{` for one that is meant")
}

/// Names are filled in from the row that is asked for; without one there are none.
pub(crate) fn check(name: &str, scope: &Scope, text: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(format!(
            "`{text}` has braces around `{name}`, which is no name of a column; double braces that are meant"
        ));
    }
    match scope {
        Scope::Once => Err(format!(
            "`{text}` asks for `{name}` of nobody; say for whom by `subjects` or `each`"
        )),
        Scope::Subjects(_) | Scope::Each(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_names_or_doubled() {
        let scope = Scope::Subjects("roster".into());
        let template = Template::new("a:{subject}:{{x}}", &scope).unwrap();
        let pieces = [
            Piece::Text("a:".into()),
            Piece::Name("subject".into()),
            Piece::Text(":{x}".into()),
        ];
        assert_eq!(template, Template(pieces.into()));
        for wrong in ["{", "{}", "{a b}", "}", "x{subject"] {
            assert!(Template::new(wrong, &scope).is_err(), "{wrong}");
        }
        assert!(Template::new("{subject}", &Scope::Once).is_err());
    }
}
