//! `cycle`: look, judge, keep, tell, in an order in which being killed loses nothing.
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use runward_canary::alert::{Delivery, Entry, Limits, Outbox, Policy, Round};
use runward_canary::ledger::{Origin, Saved};
use runward_canary::render::{Level, Status, Unwritten};
use runward_canary::{Cycle, ErrorKind, Only, Snapshot, Stamp, State, judge, suspects};

use super::args::CycleArgs;
use super::last::{self, Last};
use super::ledger::Book;
use super::setup::Setup;
use super::sinks::Sinks;
use super::{clock, outputs};
use crate::commands::print;
use crate::duration::Span;
use crate::error::{Error, Result};
use crate::terminal::{printable, say};

/// How long a cycle tells at most; one delivery that has begun may take its own time beyond that.
const ROUND: Duration = Duration::from_secs(60);

/// One cycle, under way.
struct Running<'a> {
    args: &'a CycleArgs,
    setup: &'a Setup,
    sinks: &'a Sinks,
    ledger: Book,
    only: Only,
    instance: String,
    /// What the rules have switched off, and why.
    off: BTreeMap<String, String>,
    /// What is wrong with the harness itself.
    warnings: Vec<String>,
}

pub(super) fn main(args: &CycleArgs) -> Result<u8> {
    if args.watched {
        super::watch::unblock_signals();
    }
    let setup = Setup::judging(&args.config)?;
    let mut collector = setup.collector()?;
    let sinks = Sinks::open(&setup.rules)?;
    let only = only(args, &setup)?;
    let place = setup.ledger()?;
    let instance = setup.instance(args.instance.as_deref(), &place);
    let wait = args.wait.map(Span::get);
    let (ledger, past) = place.open(&instance, setup.retention(), wait)?;
    setup.owner().claim(&place, args.adopt)?;
    let mut running = Running {
        instance,
        warnings: warning(&past.origin).into_iter().collect(),
        off: setup.off(),
        setup: &setup,
        sinks: &sinks,
        args,
        ledger,
        only,
    };
    let (state, outbox) = running.past(past.saved, &past.origin);
    let begun = clock::boottime();
    let snapshot = clock::mark(collector.collect(&clock::now), begun);
    let rules = setup.rules.invariants();
    let again = suspects(rules, &snapshot, &state, &running.only);
    let snapshot = collector.again(snapshot, &again, &clock::now);
    let mut options = setup.options(&running.instance);
    options.watched = args.watched;
    let cycle = judge(rules, &options, &snapshot, &state, &running.only);
    let (state, outbox) = running.settle(&cycle, outbox);
    running.keep(&snapshot);
    let last = running.last(past.last, cycle, &snapshot);
    let code = running.show(last, &state, &outbox)?;
    running.ledger.close()?;
    Ok(code)
}

/// The invariants that were asked for; one that the rules do not have is a typo, and no verdict.
fn only(args: &CycleArgs, setup: &Setup) -> Result<Only> {
    let known = || setup.rules.invariants().iter().map(|one| &*one.meta().id);
    for id in &args.only {
        if !known().any(|one| one == id) {
            let all: Vec<&str> = known().collect();
            return Err(Error::usage(format!(
                "--only {id}: there is no such invariant; there are {}",
                all.join(", ")
            )));
        }
    }
    match args.only.is_empty() {
        true => Ok(Only::All),
        false => Ok(Only::Ids(args.only.iter().cloned().collect())),
    }
}

/// What was forgotten is not green, and has to be said.
pub(super) fn warning(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Current | Origin::Fresh => None,
        Origin::Previous(why) => Some(format!(
            "the last state could not be read, and the one before was used: {why}"
        )),
        Origin::Forgotten(why) => Some(format!("what was red is forgotten: {why}")),
        _ => Some("the state is from somewhere else".to_owned()),
    }
}

impl Running<'_> {
    /// State and outbox to begin with. Where the state is lost, checks are told that they remember nothing.
    fn past(&self, saved: Saved, origin: &Origin) -> (State, Outbox) {
        let ids = self.setup.rules.invariants().iter();
        let ids = ids.map(|one| one.meta().id.as_str());
        let state = match origin {
            Origin::Forgotten(_) => State::forgotten(ids),
            _ => saved.state,
        };
        (state, saved.outbox)
    }

    /// Decides who is told, keeps that, tells, and keeps what came of it.
    fn settle(&mut self, cycle: &Cycle, outbox: Outbox) -> (State, Outbox) {
        let changed = &cycle.report.transitions;
        let names = self.sinks.names();
        let state = cycle.state.clone();
        let news = self.policy().decide(&cycle.report, state, outbox, &names);
        let (state, mut outbox) = (news.state, news.outbox);
        if self.args.no_alerts {
            // It is written down who is to be told; the next cycle tells.
            let kept = self.ledger.commit(&state, &outbox, changed);
            self.note(kept);
            return (state, outbox);
        }
        for entry in outbox.begin(cycle.report.taken, &Limits::default()) {
            self.given_up(&entry);
        }
        let kept = self.ledger.commit(&state, &outbox, changed);
        let other =
            |e: &runward_canary::Error| self.ledger.is_shared() || e.kind() == ErrorKind::Conflict;
        let other = kept.as_ref().is_err_and(other);
        self.note(kept);
        if other {
            // Whoever else writes it tells as well; and what was armed is still there for whoever comes next.
            self.warn("nobody was told in this cycle".to_owned());
            return (state, outbox);
        }
        self.lost(&outbox);
        // Also where it could not be kept: told twice is better than not at all.
        let round = self.send(cycle.report.taken, &mut outbox);
        for entry in &round.failed {
            let cause = entry.last_error.as_ref().map(ToString::to_string);
            let cause = cause.unwrap_or_default();
            say(printable(&format!(
                "alert {} did not arrive at {}, and is tried again: {cause}",
                entry.alert.id, entry.sink
            )));
        }
        let kept = self.ledger.commit(&state, &outbox, &[]);
        self.note(kept);
        (state, outbox)
    }

    /// Tells for a part of the time that the cycle has: what is left comes first in the next one.
    fn send(&self, taken: Stamp, outbox: &mut Outbox) -> Round {
        let policy = self.setup.rules.policy();
        let most = policy
            .deadline
            .map_or(ROUND, |deadline| ROUND.min(deadline / 3));
        let begun = Instant::now();
        outbox.send(taken, &mut |name, alert| match begun.elapsed() < most {
            true => self.sinks.deliver(name, alert),
            false => Delivery::Later,
        })
    }

    fn policy(&self) -> Policy {
        let said = self.setup.rules.policy();
        Policy {
            remind_after: said.remind_after,
            recover: said.recover,
            minimum: said.minimum,
            flap: said.flap,
            flap_window: said.flap_window,
            rules: self.setup.rules.title().to_owned(),
            instance: self.instance.clone(),
        }
    }

    /// What waits for a place that the rules do not have any more.
    fn lost(&self, outbox: &Outbox) {
        let entries = outbox.entries().iter();
        for entry in entries.filter(|entry| !self.sinks.knows(&entry.sink)) {
            say(printable(&format!(
                "alert {} is for {}, which the rules do not have any more: nobody is told by it",
                entry.alert.id, entry.sink
            )));
        }
    }

    fn given_up(&mut self, entry: &Entry) {
        let words = format!("alert {} never arrived at {}", entry.alert.id, entry.sink);
        self.warn(words);
    }

    fn note(&mut self, kept: std::result::Result<(), runward_canary::Error>) {
        if let Err(e) = kept {
            self.warn(e.to_string());
        }
    }

    fn warn(&mut self, words: String) {
        say(printable(&words));
        if !self.warnings.contains(&words) {
            self.warnings.push(words);
        }
    }

    fn keep(&mut self, snapshot: &Snapshot) {
        let wanted =
            self.setup.rules.retention().snapshots.is_some() || self.args.snapshot.is_some();
        let text = if wanted {
            snapshot.to_json()
        } else {
            String::new()
        };
        let kept = self.ledger.keep(snapshot.taken(), &text);
        self.note(kept);
        if let Some(path) = &self.args.snapshot {
            self.note(runward_canary::keep(path, &text));
        }
    }

    fn last(&self, before: Option<Last>, cycle: Cycle, snapshot: &Snapshot) -> Last {
        let facets = self.setup.rules.facets().iter();
        let facets = facets.map(|facet| (facet.source(), &*facet.ask().facet));
        let ended = clock::now();
        let took = u64::try_from(ended.since(cycle.report.taken) / 1_000).unwrap_or(0);
        let mut last = Last {
            report: cycle.report,
            sources: last::sources(facets, snapshot),
            ended,
            longest_ms: before.as_ref().map_or(took, |it| it.longest_ms.max(took)),
            warning: (!self.warnings.is_empty()).then(|| self.warnings.join("; ")),
            only: match &self.only {
                Only::All => None,
                Only::Ids(ids) => Some(ids.clone()),
            },
            unwritten: Vec::new(),
        };
        if self.only != Only::All {
            last.add_others(before.as_ref());
        }
        last
    }

    /// Writes what others look at, and says on stdout what this cycle says.
    fn show(&mut self, mut last: Last, state: &State, outbox: &Outbox) -> Result<u8> {
        let said = self.ledger.say(&last);
        self.note(said);
        let warning = self.warnings.join("; ");
        let warning = (!warning.is_empty()).then_some(&*warning);
        let unwritten = outputs::write(self.setup, &self.status(&last, state, outbox, warning));
        if !unwritten.is_empty() {
            self.unwritten(&mut last, unwritten);
            let status = self.status(&last, state, outbox, warning);
            // So that all that can be written says what cannot.
            let _ = outputs::write(self.setup, &status);
        }
        let status = self.status(&last, state, outbox, warning);
        if !self.args.watched {
            let text = match self.args.json {
                true => status.json(),
                false => status.human(),
            };
            return shown(status.level(), &text);
        }
        Ok(status.level().code())
    }

    fn unwritten(&mut self, last: &mut Last, unwritten: Vec<Unwritten>) {
        for it in &unwritten {
            say(printable(&format!("[output] {}: {}", it.key, it.why)));
        }
        last.unwritten = unwritten;
        if let Err(e) = self.ledger.say(last) {
            say(printable(&e.to_string()));
        }
    }

    fn status<'a>(
        &'a self,
        last: &'a Last,
        state: &'a State,
        outbox: &'a Outbox,
        warning: Option<&'a str>,
    ) -> Status<'a> {
        let rules = &self.setup.rules;
        Status {
            title: rules.title(),
            report: &last.report,
            state,
            outbox,
            sources: &last.sources,
            only: last.only.as_ref(),
            off: &self.off,
            ended: last.ended,
            stale_after: Some(stale_after(last, rules.policy().interval)),
            warning,
            unwritten: &last.unwritten,
        }
    }
}

/// Writes it to stdout. Where that fails nobody knows what is well, but what is critical stays so.
pub(super) fn shown(level: Level, text: &str) -> Result<u8> {
    let written = print(format!("{}\n", text.trim_end()).as_bytes());
    match (level, written) {
        (Level::Critical, Err(e)) => say(printable(&e.to_string())),
        (_, written) => written?,
    }
    Ok(level.code())
}

/// From then on, what was said last is old.
pub(super) fn stale_after(last: &Last, interval: Duration) -> Stamp {
    let longest = Duration::from_millis(last.longest_ms);
    last.ended.plus(interval.saturating_mul(2)).plus(longest)
}
