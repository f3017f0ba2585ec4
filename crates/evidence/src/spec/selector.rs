//! `artifact:/pointer/*/[key=json]`: which values of an artifact a rule is about.

use std::fmt;

use super::fill::Fill;
use super::table::{Item, Result};
use crate::json::Doc;
use crate::nearest::hint;

/// A path to values of one artifact.
#[derive(Debug)]
pub(crate) struct Selector {
    pub(crate) artifact: u32,
    pub(crate) path: Path,
    text: Box<str>,
}

/// The segments behind the artifact's name, or those of a path within a row.
#[derive(Debug)]
pub(crate) struct Path(pub(crate) Box<[Segment]>);

#[derive(Debug)]
pub(crate) enum Segment {
    /// A member of that name, or an element of that number.
    Key(Box<str>),
    /// Every child.
    Each,
    /// The elements that have this member with this value.
    Where(Box<str>, Literal),
}

/// A value that stands in the spec.
#[derive(Debug)]
pub(crate) struct Literal(pub(crate) Doc);

impl Literal {
    pub(crate) fn parse(json: String) -> std::result::Result<Self, String> {
        let doc = Doc::parse(json, 64).map_err(|refused| refused.fault.message)?;
        Ok(Self(doc))
    }

    pub(crate) fn value(&self) -> crate::json::Value<'_> {
        self.0.root()
    }

    pub(crate) fn text(&self) -> &str {
        self.0.body().text()
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Path {
    pub(crate) fn has_branches(&self) -> bool {
        self.0
            .iter()
            .any(|segment| !matches!(segment, Segment::Key(_)))
    }

    /// The keys, if there is nothing else.
    pub(crate) fn keys(&self) -> Option<Vec<String>> {
        let key = |segment: &Segment| match segment {
            Segment::Key(key) => Some(key.to_string()),
            Segment::Each | Segment::Where(..) => None,
        };
        self.0.iter().map(key).collect()
    }
}

impl Selector {
    /// Reads a selector; `artifacts` finds an artifact's number by its id.
    pub(crate) fn parse<'s>(
        item: Item<'s>,
        fill: &Fill<'s>,
        artifacts: &Names<'_>,
    ) -> Result<Self> {
        let text = item.text()?;
        let Some((name, path)) = text.split_once(':') else {
            return Err(item.error(format!("`{text}` has no artifact: write `artifact:/path`")));
        };
        let name = fill.within(item, name)?;
        let artifact = artifacts.find(item, &name)?;
        let (path, shown) = segments(path, fill).map_err(|e| item.error(e))?;
        let text = format!("{name}:{shown}").into();
        Ok(Self {
            artifact,
            path,
            text,
        })
    }
}

/// Numbers by ids, with a hint for an id that is not there.
pub(crate) struct Names<'n> {
    pub(crate) what: &'static str,
    pub(crate) ids: &'n std::collections::HashMap<String, u32>,
}

impl Names<'_> {
    pub(crate) fn find(&self, item: Item<'_>, name: &str) -> Result<u32> {
        let number = self.ids.get(name).copied();
        number.ok_or_else(|| {
            let mut known: Vec<&str> = self.ids.keys().map(String::as_str).collect();
            known.sort_unstable();
            item.error(format!(
                "there is no {} `{name}`{}",
                self.what,
                hint(name, known)
            ))
        })
    }
}

/// A path within a row: no artifact, no row filters of its own needed.
pub(crate) fn path<'s>(item: Item<'s>, text: &str, fill: &Fill<'s>) -> Result<Path> {
    let parsed = segments(text, fill).map_err(|e| item.error(e))?;
    Ok(parsed.0)
}

fn segments(text: &str, fill: &Fill<'_>) -> std::result::Result<(Path, String), String> {
    if text.is_empty() {
        return Ok((Path(Box::new([])), String::new()));
    }
    let Some(rest) = text.strip_prefix('/') else {
        return Err(format!(
            "`{text}` is no path: a path begins with `/`, such as `/{text}`"
        ));
    };
    let mut path = Vec::new();
    let mut shown = String::new();
    for raw in split(rest)? {
        let filled = fill.segment(raw)?;
        shown.push('/');
        shown.push_str(&filled);
        path.push(segment(raw, &filled)?);
    }
    Ok((Path(path.into()), shown))
}

/// Cuts at slashes outside of brackets.
fn split(text: &str) -> std::result::Result<Vec<&str>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    loop {
        let end = if rest.starts_with('[') {
            bracket_end(rest).ok_or_else(|| format!("`{rest}`: the bracket is not closed"))?
        } else {
            rest.find('/').unwrap_or(rest.len())
        };
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        match after.strip_prefix('/') {
            Some(after) => rest = after,
            None if after.is_empty() => return Ok(pieces),
            None => return Err(format!("`{after}`: a slash should be behind the bracket")),
        }
    }
}

fn bracket_end(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn segment(raw: &str, filled: &str) -> std::result::Result<Segment, String> {
    if raw == "*" {
        return Ok(Segment::Each);
    }
    let inside = filled
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let Some(inside) = inside.filter(|_| raw.starts_with('[')) else {
        return token(filled).map(|key| Segment::Key(key.into()));
    };
    let (key, json) = inside
        .split_once('=')
        .ok_or_else(|| format!("`{filled}`: write `[key=value]`, the value as JSON"))?;
    let value = Literal::parse(json.to_owned())
        .map_err(|fault| format!("`{json}` is no JSON ({fault}); a string needs its quotes"))?;
    Ok(Segment::Where(token(key)?.into(), value))
}

/// The key that a token of a pointer stands for.
fn token(token: &str) -> std::result::Result<String, String> {
    let plain = token.replace("~1", "/");
    let wrong = plain.replace("~0", "").contains('~');
    if wrong {
        return Err(format!(
            "`{token}`: in a path, `~` is written `~0` and `/` is written `~1`"
        ));
    }
    Ok(plain.replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(text: &str) -> std::result::Result<String, String> {
        let (path, _) = segments(text, &Fill::default())?;
        let show = |segment: &Segment| match segment {
            Segment::Key(key) => format!("key({key})"),
            Segment::Each => "each".to_owned(),
            Segment::Where(key, value) => format!("where({key}={})", value.text()),
        };
        Ok(path.0.iter().map(show).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn segments_are_keys_wildcards_and_filters() {
        assert_eq!(shape(""), Ok(String::new()));
        assert_eq!(shape("/a/*/0"), Ok("key(a) each key(0)".to_owned()));
        let filter = r#"/r/[id="x/y]\"z"]/n~1m~0"#;
        assert_eq!(
            shape(filter),
            Ok(r#"key(r) where(id="x/y]\"z") key(n/m~)"#.to_owned())
        );
        assert_eq!(shape("/[n=1]"), Ok("where(n=1)".to_owned()));
    }

    #[test]
    fn what_is_no_path_says_so() {
        for text in ["a", "/[id=x]", "/[id", "/[id]", "/a~", "/a~2", "/[id=1]x"] {
            assert!(shape(text).is_err(), "{text}");
        }
    }
}
