use std::collections::BTreeMap;

/// Names and values as they are set in an `.env` file or by the `export` lines of a shell script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those that a text sets, in the order of its lines. `NAME=value`, quotes, comments and `export` are understood, and values may
    /// refer to what was set before. What is not such a line is passed over.
    #[must_use]
    pub fn and(mut self, text: &str) -> Self {
        for (name, value) in text.lines().filter_map(assignment) {
            let (value, literal) = unquoted(value);
            let value = match literal {
                true => value.to_owned(),
                // As a shell has it: what is not set is empty.
                false => expand(value, &|name| {
                    Some(self.get(name).unwrap_or_default().to_owned())
                })
                .unwrap_or_else(|_| value.to_owned()),
            };
            self.0.insert(name.to_owned(), value);
        }
        self
    }

    /// One more.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// Its value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The name and the raw value of a line that sets one.
pub(crate) fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let (name, value) = line.split_once('=')?;
    let name = name.trim_end();
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (!name.is_empty() && name.chars().all(plain)).then_some((name, value.trim()))
}

/// A value without its quotes and the comment after it, and whether it is to be taken literally.
pub(crate) fn unquoted(value: &str) -> (&str, bool) {
    for quote in ['"', '\''] {
        if let Some((inner, _)) = value.strip_prefix(quote).and_then(|v| v.split_once(quote)) {
            return (inner, quote == '\'');
        }
    }
    let end = value
        .char_indices()
        .find(|(at, c)| *c == '#' && (*at == 0 || value[..*at].ends_with([' ', '\t'])));
    let value = end.map_or(value, |(at, _)| &value[..at]);
    (value.trim_end(), false)
}

/// Longer than any name; what grows by referring to itself ends here.
const LONGEST: usize = 4096;

/// Puts values in for `$NAME`, `${NAME}`, `${NAME:-other}` and their kin; the error is what could not be told.
pub(crate) fn expand(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    if text.len() > LONGEST {
        return Err(too_long());
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('$') {
        out.push_str(plain);
        rest = match after.chars().next() {
            Some('$') => {
                out.push('$');
                &after[1..]
            }
            Some('{') => {
                let end = closing(after).ok_or_else(|| format!("`${after}` has no end"))?;
                out.push_str(&braced(&after[1..end], value)?);
                &after[end + 1..]
            }
            _ => {
                let (name, after) = split_name(after);
                out.push_str(&plain_value(name, value)?);
                after
            }
        };
    }
    out.push_str(rest);
    if out.len() > LONGEST {
        return Err(too_long());
    }
    Ok(out)
}

fn too_long() -> String {
    format!("it is longer than {LONGEST} bytes")
}

fn plain_value(name: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    if name.is_empty() {
        return Ok("$".to_owned());
    }
    value(name).ok_or_else(|| format!("{name} is not set"))
}

fn braced(inner: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let (name, operator) = split_name(inner);
    let found = value(name);
    let set = found.as_deref().filter(|found| !found.is_empty());
    let kind = operator.trim_start_matches(':');
    let present = if operator.starts_with(':') {
        set
    } else {
        found.as_deref()
    };
    match (kind.chars().next(), present) {
        (None, _) if operator.is_empty() => plain_value(name, value),
        (Some('-' | '?'), Some(present)) => Ok(present.to_owned()),
        (Some('-'), None) => expand(&kind[1..], value),
        (Some('?'), None) => Err(format!("{name} is not set")),
        (Some('+'), Some(_)) => expand(&kind[1..], value),
        (Some('+'), None) => Ok(String::new()),
        _ => Err(format!("`${{{inner}}}` is not understood")),
    }
}

/// The brace that closes the first one.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    text.char_indices().find_map(|(at, c)| {
        match c {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        (open == 0).then_some(at)
    })
}

fn split_name(text: &str) -> (&str, &str) {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !plain(c)).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Variables, expand};

    #[test]
    fn an_env_file_as_recipes_have_it() {
        let text = "\
            TYPE=immich:1.2.3+v1  # set by the tool\n\
            # COMMENTED=1\n\
            export A=\"x # y\"\nB='$A'\nSECRET_DB_VERSION=v1 # length=64\n\
            COMPOSE_FILE=compose.yml\nCOMPOSE_FILE=\"$COMPOSE_FILE:compose.db.yml\"\nnot a line\nEMPTY=\n";
        let variables = Variables::new().and(text);
        for (name, value) in [
            ("TYPE", "immich:1.2.3+v1"),
            ("A", "x # y"),
            ("B", "$A"),
            ("SECRET_DB_VERSION", "v1"),
            ("COMPOSE_FILE", "compose.yml:compose.db.yml"),
            ("EMPTY", ""),
        ] {
            assert_eq!(variables.get(name), Some(value), "{name}");
        }
        assert_eq!(variables.get("COMMENTED"), None);
    }

    #[test]
    fn expansion_as_compose_has_it() {
        let variables = Variables::new().set("A", "a").set("E", "");
        let get = |name: &str| variables.get(name).map(str::to_owned);
        for (text, value) in [
            ("$A-${A}", "a-a"),
            ("${N:-x${A}}", "xa"),
            ("${E:-x}", "x"),
            ("${E-x}", ""),
            ("${A:+y}${N:+z}", "y"),
            ("$$A $", "$A $"),
        ] {
            assert_eq!(expand(text, &get).as_deref(), Ok(value), "{text}");
        }
        let nested = format!("{}{}", "${N:-".repeat(1_000), "}".repeat(1_000));
        assert!(
            expand(&nested, &get).is_err(),
            "it ends before the stack does"
        );
        let doubled = (0..60).fold(Variables::new().set("X", "x"), |all, _| all.and("X=$X$X"));
        assert!(doubled.get("X").unwrap().len() <= super::LONGEST);
        for text in ["$N", "${N}", "${N:?no}", "${A", "${A%x}"] {
            assert!(expand(text, &get).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[${}:A?+é \n=#'\"-]{0,40}") {
            let variables = Variables::new().and(&text);
            let _ = expand(&text, &|name| variables.get(name).map(str::to_owned));
        }
    }
}
