//! What is filled into a query has to be something: the subject, or a column of the facet that says for whom it is asked.

use super::facet::FacetRule;
use super::node::{Entry, Node, Result};
use crate::nearest::hint;

/// The keys of a facet in which something is filled in.
const KEYS: [&str; 2] = ["query", "args"];

/// Refuses a name that the rows of `over` do not have.
pub(super) fn check(entry: &Entry, sql: bool, over: Option<&FacetRule>) -> Result {
    let columns = over.map(|over| &*over.ask().columns).unwrap_or_default();
    let columns = columns.iter().map(crate::Column::name);
    let known: Vec<&str> = over.map(|_| "subject").into_iter().chain(columns).collect();
    for (key, node) in KEYS.iter().flat_map(|key| parts(entry, key)) {
        let text = node.text()?;
        let names = match (sql, key) {
            (true, _) => parameters(text),
            (false, "args") => whole(text),
            (false, _) => braces(text),
        };
        let Some(name) = names.into_iter().find(|name| !known.contains(name)) else {
            continue;
        };
        let written = if sql {
            format!(":{name}")
        } else {
            format!("{{{name}}}")
        };
        return Err(node.error(match over {
            None => format!("`{written}` stands for nobody: say whose with `subjects` or `each`"),
            Some(over) => {
                let (facet, hint) = (&over.ask().facet, hint(name, known.iter().copied()));
                format!("nothing fills `{written}`: it is no column of facet `{facet}`{hint}")
            }
        }));
    }
    Ok(())
}

fn parts<'e>(
    entry: &'e Entry,
    key: &'static str,
) -> impl Iterator<Item = (&'static str, &'e Node)> {
    let parts = entry.node.get(key).map(Node::several).unwrap_or_default();
    parts.iter().map(move |part| (key, part))
}

/// The name that is all of an argument: a part of one is text.
fn whole(text: &str) -> Vec<&str> {
    let name = text
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    name.filter(|name| is_name(name)).into_iter().collect()
}

fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}

/// The names in single braces.
fn braces(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        rest = match after.strip_prefix('{') {
            Some(doubled) => doubled,
            None => {
                let name = after.split_once('}').map(|(name, _)| name);
                names.extend(name.filter(|name| is_name(name)));
                after
            }
        };
    }
    names
}

/// The parameters of SQL: `:name`, outside of quotes and comments, and no `::type`.
fn parameters(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let end = |from: usize, mark: &str| {
            let found = rest.get(from..).and_then(|rest| rest.find(mark));
            found.map_or(rest.len(), |at| from + at + mark.len())
        };
        let length = match c {
            '\'' => end(1, "'"),
            '"' => end(1, "\""),
            '-' if rest.starts_with("--") => end(2, "\n"),
            '/' if rest.starts_with("/*") => end(2, "*/"),
            ':' if rest.starts_with("::") => 2,
            ':' => {
                let word = |c: char| !c.is_ascii_alphanumeric() && c != '_';
                let after = &rest[1..];
                let name = &after[..after.find(word).unwrap_or(after.len())];
                names.extend(Some(name).filter(|name| is_name(name)));
                1 + name.len()
            }
            c => c.len_utf8(),
        };
        rest = &rest[length..];
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_where_they_are_filled_in() {
        assert_eq!(braces("a:{subject}:{{x}}:{a b}:{id}{"), ["subject", "id"]);
        let query =
            "SELECT ':a', \":b\", x::text, t[1:2], :id /* :c */ FROM r WHERE s=:subject -- :d";
        assert_eq!(parameters(query), ["id", "subject"]);
        assert_eq!(parameters("SELECT ':"), Vec::<&str>::new());
    }
}
