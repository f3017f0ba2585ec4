//! One way to write queries for all databases: `:name` stands for a value that is bound, never for text.

use runward_canary::{Ask, Error};

use crate::facet::{Facet, Scope, Shape};
use crate::template;

const SHAPE: Shape = Shape {
    settings: &["query"],
    id: None,
    born: None,
    fields: &[],
    places: false,
};

/// A query that only reads, with its parameters numbered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// With the marks of the database for its parameters.
    pub(crate) text: String,
    /// The columns whose values are bound, in the order of their numbers.
    pub(crate) names: Vec<String>,
}

/// What a facet asks of a database.
///
/// # Errors
///
/// When a setting is unknown or missing, or its query cannot be asked.
pub(crate) fn plan(ask: &Ask, mark: char) -> Result<(Facet, Statement), Error> {
    let (facet, options) = Facet::of(ask, &SHAPE)?;
    let query = options.required("query", "\"SELECT id, born FROM jobs\"")?;
    let statement =
        parse(query, mark, &facet.scope).map_err(|why| options.refuse_at("query", why))?;
    Ok((facet, statement))
}

/// Takes a query apart; `mark` is the sign in front of the number of a parameter.
///
/// # Errors
///
/// What is wrong with it, in words.
fn parse(query: &str, mark: char, scope: &Scope) -> Result<Statement, String> {
    let mut statement = Statement {
        text: String::with_capacity(query.len()),
        names: Vec::new(),
    };
    let mut rest = query.trim();
    first_word(rest)?;
    while let Some(c) = rest.chars().next() {
        let taken = match quoted(rest) {
            Some(length) => length?,
            None => statement.plain(rest, c, mark, scope)?,
        };
        let (token, after) = rest.split_at(taken);
        if !(c == ':' && taken > 1 && !token.starts_with("::")) {
            statement.text.push_str(token);
        }
        rest = after;
    }
    Ok(statement)
}

impl Statement {
    /// One token outside of quotes: how long it is.
    fn plain(&mut self, rest: &str, c: char, mark: char, scope: &Scope) -> Result<usize, String> {
        match c {
            ';' if !rest.get(1..).unwrap_or_default().trim().is_empty() => {
                Err("it is more than one statement".into())
            }
            ':' if rest.starts_with("::") => Ok(2),
            ':' => self.parameter(rest, mark, scope),
            '$' => Err(
                "`$` is a parameter that nobody binds, or a kind of quote; write :name, or '…'"
                    .into(),
            ),
            '{' => Err(
                "nothing is filled into the text of a query; write :name for a value that is bound"
                    .into(),
            ),
            // Names take their digits and dollars along.
            c if c.is_alphanumeric() || c == '_' => {
                let word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
                Ok(rest.find(|c| !word(c)).unwrap_or(rest.len()))
            }
            c => Ok(c.len_utf8()),
        }
    }

    fn parameter(&mut self, rest: &str, mark: char, scope: &Scope) -> Result<usize, String> {
        let after = rest.get(1..).unwrap_or_default();
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = after.get(..end.unwrap_or(after.len())).unwrap_or_default();
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(1);
        }
        template::check(name, scope, &format!(":{name}"))?;
        let known = self.names.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.names.push(name.to_owned());
            self.names.len() - 1
        });
        self.text.push_str(&format!("{mark}{}", number + 1));
        Ok(1 + name.len())
    }
}

fn first_word(query: &str) -> Result<(), String> {
    let word: String = query
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .collect();
    match word.to_ascii_uppercase().as_str() {
        "SELECT" | "WITH" | "VALUES" => Ok(()),
        "" => Err("`query` has to begin with SELECT, WITH or VALUES".into()),
        other => Err(format!(
            "`query` may only read; it begins with {other}, and may begin with SELECT, WITH or VALUES"
        )),
    }
}

/// How long a quoted text, a quoted name or a comment is that begins here.
fn quoted(rest: &str) -> Option<Result<usize, String>> {
    let until = |from: usize, end: &str| match rest.get(from..).and_then(|text| text.find(end)) {
        Some(at) => Ok(from + at + end.len()),
        None => Err("it has a quote or a comment that is not closed".to_owned()),
    };
    match rest.as_bytes() {
        [b'\'', ..] => Some(until(1, "'")),
        [b'"', ..] => Some(until(1, "\"")),
        [b'E' | b'e', b'\'', ..] => Some(Err(
            "it has a text with escapes (E'…'); write it without".into(),
        )),
        [b'-', b'-', ..] => Some(until(2, "\n").or(Ok(rest.len()))),
        [b'/', b'*', ..] => Some(until(2, "*/")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(query: &str) -> Result<(String, Vec<String>), String> {
        let scope = Scope::Each("slots".into());
        parse(query, '$', &scope).map(|statement| (statement.text, statement.names))
    }

    #[test]
    fn names_are_numbered_outside_of_quotes() {
        let query = "SELECT ':a', \":b\", x::text, t[1:2], :id /* :c */ FROM r WHERE s=:subject AND i=:id -- :d";
        let (text, names) = rewritten(query).unwrap();
        let expected =
            "SELECT ':a', \":b\", x::text, t[1:2], $1 /* :c */ FROM r WHERE s=$2 AND i=$1 -- :d";
        assert_eq!(text, expected);
        assert_eq!(names, ["id", "subject"]);
    }

    #[test]
    fn a_doubled_quote_is_in_the_text() {
        let (text, names) = rewritten("SELECT 'it''s :x', :y").unwrap();
        assert_eq!(
            (text.as_str(), names.as_slice()),
            ("SELECT 'it''s :x', $1", &["y".to_owned()][..])
        );
    }

    #[test]
    fn what_does_not_only_read_is_refused() {
        for query in [
            "DELETE FROM x",
            "",
            "SELECT 1; DELETE FROM x",
            "SELECT $1",
            "SELECT '{subject}",
            "SELECT {subject}",
            "PRAGMA x",
            "ATTACH 'x' AS y",
            "SELECT E'\\':x'",
            "select 1 /* ",
            "COPY x TO PROGRAM 'y'",
        ] {
            assert!(rewritten(query).is_err(), "{query}");
        }
        assert!(rewritten("select 1;").is_ok());
        assert!(rewritten("SELECT json_extract(x, '$.a') FROM t1").is_ok());
        assert!(parse("SELECT :id", '?', &Scope::Once).is_err());
    }
}
