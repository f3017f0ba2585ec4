//! Commands that only read, with what is filled in as whole arguments or parts of one.

use std::borrow::Cow;

use runward_canary::Cause;

use super::answer::Answer;
use super::wire;
use crate::bound::Binding;
use crate::cell::Cell;
use crate::facet::{Facet, Form, Scope};
use crate::options::nearest;
use crate::rows::garbled;
use crate::template::Template;

/// What the reply to a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// Fields of one row.
    Fields,
    /// A row for each element.
    List,
    /// A row for each two of them.
    Pairs,
}

/// What may be asked at all. None of them writes; none waits.
const COMMANDS: &[(&str, Reply)] = &[
    ("DBSIZE", Reply::Fields),
    ("EXISTS", Reply::Fields),
    ("EXPIRETIME", Reply::Fields),
    ("GET", Reply::Fields),
    ("GETRANGE", Reply::Fields),
    ("HEXISTS", Reply::Fields),
    ("HGET", Reply::Fields),
    ("HGETALL", Reply::Pairs),
    ("HKEYS", Reply::List),
    ("HLEN", Reply::Fields),
    ("HMGET", Reply::Fields),
    ("HSTRLEN", Reply::Fields),
    ("HVALS", Reply::List),
    ("LINDEX", Reply::Fields),
    ("LLEN", Reply::Fields),
    ("LRANGE", Reply::List),
    ("MGET", Reply::Fields),
    ("PEXPIRETIME", Reply::Fields),
    ("PTTL", Reply::Fields),
    ("SCARD", Reply::Fields),
    ("SISMEMBER", Reply::Fields),
    ("SMEMBERS", Reply::List),
    ("STRLEN", Reply::Fields),
    ("TTL", Reply::Fields),
    ("TYPE", Reply::Fields),
    ("XLEN", Reply::Fields),
    ("ZCARD", Reply::Fields),
    ("ZCOUNT", Reply::Fields),
    ("ZRANGE", Reply::List),
    ("ZRANGEBYSCORE", Reply::List),
    ("ZRANK", Reply::Fields),
    ("ZREVRANGE", Reply::List),
    ("ZSCORE", Reply::Fields),
];

/// Those that have no answer where there is no such key, member or place; of all others, a nil is none of Redis.
const NILS: [&str; 5] = ["GET", "HGET", "LINDEX", "ZRANK", "ZSCORE"];

/// One command, taken apart.
pub(super) struct Command {
    args: Vec<Template>,
    pub(super) reply: Reply,
    /// How many values it answers with, each of which may be nil; none where it is one value.
    several: Option<usize>,
    nil: bool,
}

/// Reads the commands of a facet: one, or several whose replies are the fields of one row.
pub(super) fn parse(texts: &[&str], facet: &Facet) -> Result<Vec<Command>, String> {
    if texts.is_empty() {
        return Err(
            r#"`query` is missing; write query = "ZRANGE key:{subject} 0 -1 WITHSCORES""#.into(),
        );
    }
    let command = |text: &&str| Command::new(text, &facet.scope);
    let commands: Vec<_> = texts.iter().map(command).collect::<Result<_, _>>()?;
    let fields = commands
        .iter()
        .all(|command| command.reply == Reply::Fields);
    match commands.len() {
        1 if fields || facet.form != Form::Stamp => Ok(commands),
        1 => {
            Err("its answer is a list, and no instant; ask for one value, or leave `as` out".into())
        }
        _ if facet.form != Form::Rows => Err("several commands make a row; leave `as` out".into()),
        _ if fields => Ok(commands),
        _ => Err("several commands make one row, and one of them answers with a list".into()),
    }
}

impl Command {
    fn new(text: &str, scope: &Scope) -> Result<Self, String> {
        let words = shell_words::split(text)
            .map_err(|_| format!("`{text}` has a quote that is not closed"))?;
        let args: Vec<_> = words
            .iter()
            .map(|word| Template::new(word, scope))
            .collect::<Result<_, _>>()?;
        let name = args
            .first()
            .and_then(Template::constant)
            .unwrap_or_default();
        let name = name.to_ascii_uppercase();
        let known = COMMANDS.iter().find(|(known, _)| *known == name);
        let reply = known.ok_or_else(|| unknown(&name, text))?.1;
        let scored = |arg: &Template| {
            arg.constant()
                .is_some_and(|word| word.eq_ignore_ascii_case("WITHSCORES"))
        };
        let reply = match reply {
            Reply::List if args.iter().any(scored) => Reply::Pairs,
            reply => reply,
        };
        let several = match &*name {
            "HMGET" => Some(args.len().saturating_sub(2)),
            "MGET" => Some(args.len().saturating_sub(1)),
            _ => None,
        };
        Ok(Self {
            nil: NILS.contains(&&*name),
            args,
            reply,
            several,
        })
    }

    /// Appends its answer as fields of a row.
    ///
    /// # Errors
    ///
    /// When it is no answer to this command.
    pub(super) fn fields<'a>(
        &self,
        answer: &Answer<'a>,
        row: &mut Vec<Cell<'a>>,
    ) -> Result<(), Cause> {
        match (answer, self.several) {
            (Answer::Nil, None) if !self.nil => Err(garbled(
                "redis answers with nothing where there is always something",
            )),
            (Answer::Refused(_), _) | (_, None) => {
                row.push(wire::cell(answer)?);
                Ok(())
            }
            (_, Some(several)) => {
                let cells = wire::cells(answer)?;
                if cells.len() != several {
                    let came = cells.len();
                    return Err(garbled(format!(
                        "{came} values came where {several} were asked for"
                    )));
                }
                row.extend(cells);
                Ok(())
            }
        }
    }

    /// Appends the command as it goes over the wire; each argument with its length in front.
    pub(super) fn pack(&self, binding: &Binding<'_>, into: &mut Vec<u8>) -> Result<(), Cause> {
        wire::head(b'*', self.args.len(), into);
        for arg in &self.args {
            match arg.constant() {
                Some(text) => wire::pack_word(text, into),
                None => wire::pack_word(&arg.fill(binding, whole)?, into),
            }
        }
        Ok(())
    }
}

fn whole(text: &str) -> Result<Cow<'_, str>, Cause> {
    Ok(Cow::Borrowed(text))
}

fn unknown(name: &str, text: &str) -> String {
    let near = nearest(name, COMMANDS.iter().map(|(known, _)| *known));
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    format!("`{text}` does not begin with a command that only reads{hint}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(text: &str) -> Result<Command, String> {
        Command::new(text, &Scope::Subjects("roster".into()))
    }

    #[test]
    fn only_commands_that_read_are_taken() {
        for text in [
            "DEL x",
            "SET x 1",
            "EVAL x 0",
            "SORT x STORE y",
            "{subject} x",
            "GETDEL x",
            "FLUSHALL",
            "",
            "CONFIG GET *",
            "KEYS *",
            "BLPOP x 0",
        ] {
            assert!(new(text).is_err(), "{text}");
        }
        assert!(new("ZRANG x").err().unwrap().contains("ZRANGE?"));
        assert_eq!(new("get x").unwrap().reply, Reply::Fields);
        assert_eq!(new("ZRANGE x 0 -1").unwrap().reply, Reply::List);
        assert_eq!(new("ZRANGE x 0 -1 withscores").unwrap().reply, Reply::Pairs);
    }

    #[test]
    fn what_is_no_answer_to_a_command_is_garbled_and_nothing_else_is() {
        let (nil, empty) = (Answer::Nil, Answer::List(Vec::new()));
        let (one, number) = (Answer::Text(b"x"), Answer::Int(-2));
        let two = Answer::List(vec![Answer::Nil, Answer::Text(b"x")]);
        for (command, answer, fields) in [
            ("GET k", &nil, Some(1)),
            ("GET k", &one, Some(1)),
            ("GET k", &empty, None),
            ("GET k", &two, None),
            ("HGET k f", &nil, Some(1)),
            ("HGET k f", &empty, None),
            ("TTL k", &number, Some(1)),
            ("TTL k", &nil, None),
            ("TTL k", &empty, None),
            ("ZCARD k", &nil, None),
            ("STRLEN k", &nil, None),
            ("HMGET k f g", &two, Some(2)),
            ("HMGET k f", &two, None),
            ("HMGET k f g h", &two, None),
            ("HMGET k f g", &nil, None),
            ("HMGET k f g", &empty, None),
            ("HMGET k f g", &one, None),
            ("MGET k l", &two, Some(2)),
            ("MGET k", &two, None),
            ("GET k", &Answer::Refused(b"ERR no"), None),
        ] {
            let mut row = Vec::new();
            let came = new(command).unwrap().fields(answer, &mut row);
            assert_eq!(
                came.ok().map(|()| row.len()),
                fields,
                "{command} {answer:?}"
            );
        }
    }

    #[test]
    fn quotes_make_one_argument() {
        let command = new(r#"HMGET "a b:{subject}" 'c d' e"#).unwrap();
        assert_eq!(command.args.len(), 4);
    }
}
