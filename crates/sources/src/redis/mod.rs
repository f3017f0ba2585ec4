//! Redis: all facets of a look in one pipelined round trip, in chunks.

mod answer;
mod command;
mod round;
mod scan;
mod wire;

use std::time::Duration;

use runward_canary::{Ask, Context, Error, Reading, Settings, Source};

use crate::facet::{Facet, Shape};
use crate::options::Options;
use crate::{look, secret};
use command::Command;
use scan::Pattern;
use wire::{Info, Login};

const SETTINGS: &[&str] = &["url", "url_env", "info"];
const EXAMPLE: &str = "redis://127.0.0.1:6379/0";

/// A Redis server.
pub(crate) struct Redis {
    login: Login,
    timeout: Duration,
}

/// What a facet asks of Redis.
enum Query {
    Commands(Vec<Command>),
    Scan(Pattern),
}

impl Redis {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source redis", settings, &[SETTINGS])?;
        let url = secret::url(&options, EXAMPLE)?;
        // The library's own words have the address in them.
        let info = match options.get("info").is_some() && !options.bool("info")? {
            true => Info::Waived,
            false => Info::Asked,
        };
        let login = Login::of(&url, info).ok_or_else(|| {
            let set = if settings.contains_key("url") {
                "url"
            } else {
                "url_env"
            };
            options.refuse_at(
                set,
                format!(
                    "its address is none; write {EXAMPLE} or unix:///path?db=0; there is no TLS"
                ),
            )
        })?;
        Ok(Self { login, timeout })
    }
}

fn plan(ask: &Ask) -> Result<(Facet, Query), Error> {
    let scanned = ask.settings.contains_key("scan");
    let (facet, options) = Facet::of(ask, &shape(scanned))?;
    let query = match options.text("scan")? {
        Some(pattern) => {
            Query::Scan(Pattern::new(pattern, &facet).map_err(|e| options.refuse_at("scan", e))?)
        }
        None => {
            let texts = options.texts("query")?;
            let commands =
                command::parse(&texts, &facet).map_err(|e| options.refuse_at("query", e))?;
            Query::Commands(commands)
        }
    };
    Ok((facet, query))
}

fn shape(scanned: bool) -> Shape {
    match scanned {
        true => Shape {
            settings: &["scan"],
            id: Some("name"),
            fields: &["key", "name"],
            ..Shape::default()
        },
        false => Shape {
            settings: &["query"],
            places: true,
            ..Shape::default()
        },
    }
}

impl Source for Redis {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter().try_for_each(|ask| plan(ask).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        round::read(&self.login, asks, context, until)
    }

    fn remote(&self) -> bool {
        self.login.endpoint.is_far()
    }
}
