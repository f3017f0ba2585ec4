//! A program that looks for us: argv in, JSON out, and an end that comes.

mod run;

use std::time::{Duration, Instant};

use runward_canary::{Ask, Cause, Context, Error, Reading, Setting, Settings, Source};

use crate::bound::{self, Binding};
use crate::facet::{Facet, Scope, Shape};
use crate::local::unplanned;
use crate::options::Options;
use crate::rows::Rows;
use crate::{json, look, template};

const SHAPE: Shape = Shape {
    settings: &["args"],
    id: None,
    born: None,
    fields: &[],
    places: false,
};

/// A program.
pub(crate) struct Command {
    argv: Vec<String>,
    timeout: Duration,
}

/// An argument: as it stands, or a value by itself.
enum Word {
    Text(String),
    Name(String),
}

impl Command {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source command", settings, &[&["argv"]])?;
        let argv: Vec<String> = options
            .texts("argv")?
            .into_iter()
            .map(str::to_owned)
            .collect();
        if let Some(Setting::Text(text)) = options.get("argv")
            && text.split_whitespace().nth(1).is_some()
        {
            let words: Vec<_> = text.split_whitespace().collect();
            let why = format!("there is no shell that takes this apart: write argv = {words:?}");
            return Err(options.refuse_at("argv", why));
        }
        match argv.first().is_some_and(|program| !program.is_empty()) {
            true => Ok(Self { argv, timeout }),
            false => Err(options.refuse(
                "`argv` is missing; write argv = [\"program\", \"argument\"]; there is no shell",
            )),
        }
    }

    fn plan(&self, ask: &Ask) -> Result<(Facet, Vec<Word>), Error> {
        let (facet, options) = Facet::of(ask, &SHAPE)?;
        let args = options.texts("args")?;
        let all = self.argv.iter().map(String::as_str).chain(args);
        let word = |text: &str| {
            Word::new(text, &facet.scope).map_err(|why| options.refuse_at("args", why))
        };
        let words: Vec<_> = all.map(word).collect::<Result<_, _>>()?;
        match words.first() {
            Some(Word::Text(_)) => Ok((facet, words)),
            _ => Err(options.refuse("what is filled in cannot be the program")),
        }
    }

    fn one(&self, ask: &Ask, context: &Context<'_>, until: Instant) -> Result<Reading, Cause> {
        let begun = (context.clock)();
        let (facet, words) = self.plan(ask).map_err(|error| unplanned(&error))?;
        let mut bound = bound::of(&facet, ask, context)?;
        let mut rows = Rows::new(&facet, ask, std::mem::take(&mut bound.gaps));
        for binding in &bound.all {
            let read = (context.clock)();
            let taken = argv(&words, binding)
                .and_then(|argv| run::run(&argv, until))
                .and_then(|output| json::parse(&output))
                .and_then(|document| json::push(&document, &facet, binding, &mut rows, read));
            match (taken, binding.subject()) {
                (Err(cause), Some(subject)) => rows.gap(subject, cause),
                (taken, _) => taken?,
            }
        }
        Ok(look::done(rows, begun, context, None))
    }
}

impl Word {
    fn new(text: &str, scope: &Scope) -> Result<Self, String> {
        let name = text
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        // Only a plain name is one: an argument may well be JSON.
        let name = name.filter(|name| {
            !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        match name {
            Some(name) => {
                template::check(name, scope, text)?;
                Ok(Self::Name(name.to_owned()))
            }
            None if text.contains("{subject}") || text.contains("{id}") => Err(format!(
                "`{text}` fills a value into part of an argument; give it an argument of its own"
            )),
            None => Ok(Self::Text(text.to_owned())),
        }
    }
}

fn argv(words: &[Word], binding: &Binding<'_>) -> Result<Vec<String>, Cause> {
    let word = |word: &Word| match word {
        Word::Text(text) => Ok(text.clone()),
        Word::Name(name) => binding.text(name).map(|text| text.into_owned()),
    };
    words.iter().map(word).collect()
}

impl Source for Command {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter().try_for_each(|ask| self.plan(ask).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        look::one_by_one(asks, context, |ask| self.one(ask, context, until))
    }
}
