//! A question to many at once over plain HTTP, on this one thread: who does not answer in time is a gap.

mod answer;
mod call;
mod target;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use runward_canary::{Ask, Cause, Context, Error, Reading, Settings, Source, Stamp};
use serde_json::Value as Json;

use crate::bound::{self, Binding};
use crate::facet::{Facet, Shape};
use crate::local::unplanned;
use crate::options::Options;
use crate::rows::{Rows, garbled};
use crate::{json, look};
use call::Calls;
use target::Target;

const SHAPE: Shape = Shape {
    settings: &["pointer", "query"],
    id: None,
    born: None,
    fields: &[],
    places: false,
};
/// How many are asked at once, where nobody says.
const AT_ONCE: i64 = 32;

/// Servers that answer in JSON.
pub(crate) struct Http {
    at_once: usize,
    timeout: Duration,
    /// The facets for which somebody on another machine was asked in the last look.
    far: RefCell<BTreeSet<String>>,
}

/// What is asked, and where in the answer the rows are.
struct Query {
    target: Target,
    pointer: String,
}

impl Http {
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Self, Error> {
        let options = Options::new("source http", settings, &[&["concurrency"]])?;
        let at_once = options.int("concurrency", 1, 512)?.unwrap_or(AT_ONCE);
        let at_once = usize::try_from(at_once).unwrap_or(1);
        let far = RefCell::default();
        Ok(Self {
            at_once,
            timeout,
            far,
        })
    }

    /// Keeps whether anybody on another machine was asked for a facet: whoever asked nobody has waited for nobody.
    fn went(&self, facet: &str, far: bool) {
        let mut all = self.far.borrow_mut();
        match far {
            true => drop(all.insert(facet.to_owned())),
            false => drop(all.remove(facet)),
        }
    }

    fn one(&self, ask: &Ask, context: &Context<'_>, until: Instant) -> Result<Reading, Cause> {
        let begun = (context.clock)();
        let (facet, query) = plan(ask).map_err(|error| unplanned(&error))?;
        let mut bound = bound::of(&facet, ask, context)?;
        let mut rows = Rows::new(&facet, ask, std::mem::take(&mut bound.gaps));
        let mut calls = Calls::new(self.at_once, until);
        let mut failed = None;
        let mut take = |binding: &Binding<'_>, read: Stamp, answer: Result<Vec<u8>, Cause>| {
            let taken = answer.and_then(|body| query.push(&body, &facet, binding, &mut rows, read));
            match (taken, binding.subject()) {
                (Err(cause), Some(subject)) => rows.gap(subject, cause),
                (Err(cause), None) => failed = Some(cause),
                (Ok(()), _) => {}
            }
        };
        for binding in &bound.all {
            let read = (context.clock)();
            match query.target.fill(binding) {
                Ok(target) => calls.ask((binding, read), target, &mut |(b, at), answer| {
                    take(b, at, answer)
                }),
                Err(cause) => take(binding, read, Err(cause)),
            }
        }
        let far = calls.finish(&mut |(binding, at), answer| take(binding, at, answer));
        self.went(&ask.facet, far);
        match failed {
            Some(cause) => Err(cause),
            None => Ok(look::done(rows, begun, context, None)),
        }
    }
}

impl Query {
    fn push(
        &self,
        body: &[u8],
        facet: &Facet,
        binding: &Binding<'_>,
        rows: &mut Rows<'_>,
        read: Stamp,
    ) -> Result<(), Cause> {
        let document: Json =
            serde_json::from_slice(body).map_err(|_| garbled("the answer is no JSON"))?;
        let part = document.pointer(&self.pointer);
        let part =
            part.ok_or_else(|| garbled(format!("the answer has nothing at {}", self.pointer)))?;
        json::push(part, facet, binding, rows, read)
    }
}

fn plan(ask: &Ask) -> Result<(Facet, Query), Error> {
    let (facet, options) = Facet::of(ask, &SHAPE)?;
    let url = options.required("query", "\"http://{address}:8000/api/running\"")?;
    let target = Target::new(url, &facet.scope).map_err(|why| options.refuse_at("query", why))?;
    let pointer = options.text("pointer")?.unwrap_or_default().to_owned();
    match pointer.is_empty() || pointer.starts_with('/') {
        true => Ok((facet, Query { target, pointer })),
        false => Err(options.refuse_at(
            "pointer",
            "`pointer` has to begin with a slash, as in /executions",
        )),
    }
}

impl Source for Http {
    fn prepare(&mut self, asks: &[Ask]) -> Result<(), Error> {
        asks.iter().try_for_each(|ask| plan(ask).map(drop))
    }

    fn read(&mut self, asks: &[&Ask], context: &Context<'_>) -> Vec<Reading> {
        let until = look::until(context, self.timeout);
        look::one_by_one(asks, context, |ask| self.one(ask, context, until))
    }

    fn remote(&self) -> bool {
        !self.far.borrow().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_remote_as_long_as_some_facet_was_asked_for_over_the_network() {
        let http = Http::open(&Settings::new(), Duration::from_secs(1)).unwrap();
        let steps = [
            ("a", false, false),
            ("a", true, true),
            ("b", false, true),
            ("a", false, false),
        ];
        for (facet, far, remote) in steps {
            http.went(facet, far);
            assert_eq!(http.remote(), remote, "{facet}");
        }
    }
}
