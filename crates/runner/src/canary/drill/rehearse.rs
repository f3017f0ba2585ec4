//! One drill: green, broken, red, still red, mended, green.
use std::path::Path;

use runward_canary::State;
use runward_canary::engine::Witness;
use runward_canary::rules::Drill;
use serde_json::json;

use super::super::clock;
use super::bundle::Draft;
use super::command::{self, Ran, Signalled};
use super::journal::Journal;
use super::outcome::{Outcome, Step};
use super::rows;
use super::signals::Signals;
use super::stage::{GONE, Key, Look, Stage, closed};
use super::why::Why;
use crate::terminal::{printable, say};

/// How often it is tried to judge what is well, before anything is broken.
const TRIES: usize = 3;

/// What all drills share.
pub(super) struct Hands<'a> {
    pub(super) folder: &'a Path,
    pub(super) journal: &'a mut Journal,
    pub(super) signals: &'a mut Signals,
    pub(super) draft: Option<&'a mut Draft>,
}

pub(super) struct Rehearsal<'a, 'h> {
    drill: &'a Drill,
    key: Key,
    stage: Stage<'a>,
    hands: &'a mut Hands<'h>,
    outcome: Outcome,
}

pub(super) fn rehearse<'a>(
    drill: &'a Drill,
    stage: Stage<'a>,
    hands: &'a mut Hands<'_>,
) -> Outcome {
    let mut rehearsal = Rehearsal {
        key: Key::of(drill),
        outcome: Outcome::new(drill),
        drill,
        stage,
        hands,
    };
    let done = rehearsal.perform();
    let outcome = rehearsal.outcome.came_to(done);
    match outcome.passed {
        true => tell(drill, "passed"),
        false => tell(drill, &format!("FAILED: {}", outcome.why)),
    }
    outcome
}

fn tell(drill: &Drill, words: &str) {
    say(printable(&format!("drill {}: {words}", drill.name)));
}

/// So many, in words that fit.
pub(super) fn cycles(count: u64) -> String {
    match count {
        1 => "1 cycle".to_owned(),
        count => format!("{count} cycles"),
    }
}

impl Rehearsal<'_, '_> {
    fn perform(&mut self) -> Result<(), Why> {
        self.before()?;
        self.hands
            .journal
            .arm(self.drill, self.hands.folder)
            .map_err(|e| Why::System(format!("nothing was broken: {e}")))?;
        let red = self.turn_red();
        if let Err(why) = &red {
            tell(self.drill, &why.to_string());
        }
        // Whatever came of it, what was broken is mended; if that fails, it is the worse news.
        self.revert()?;
        let red = red?;
        self.until_green(&red)
    }

    fn before(&mut self) -> Result<(), Why> {
        for last in 1..=TRIES {
            let look = self.stage.look();
            let red = self.stage.red();
            let red = red
                .into_iter()
                .find(|key| key.invariant == self.key.invariant);
            let open = red.is_none() && !look.is_green(&self.key) && last < TRIES;
            let step = if open { Step::Waiting } else { Step::Before };
            self.stage.is_well(&look, &self.key);
            self.keep(step, &look, None);
            match red {
                Some(key) => return Err(Why::RedBefore(key)),
                None if look.is_green(&self.key) => return Ok(()),
                None if open => self.rest()?,
                None => {
                    let why = look.unjudged(&self.key).unwrap_or_default();
                    return Err(Why::UnjudgedBefore(why));
                }
            }
        }
        Ok(())
    }

    /// Breaks it, and returns the state in which it is red.
    fn turn_red(&mut self) -> Result<State, Why> {
        tell(self.drill, "provoking");
        let ran = self.run(Step::Provoke);
        if let Some(signal) = self.hands.signals.first() {
            return Err(Why::Ended(signal));
        }
        if !ran.succeeded() {
            return Err(Why::Provoke(ran));
        }
        self.until_red()?;
        self.still_red()?;
        Ok(self.stage.state().clone())
    }

    fn until_red(&mut self) -> Result<(), Why> {
        let mut unjudged = None;
        for cycle in 1..=self.drill.within_cycles {
            self.rest()?;
            let look = self.stage.look();
            let red = self.stage.red().contains(&self.key) && look.found(&self.key).is_some();
            let step = if red { Step::Red } else { Step::Waiting };
            self.keep(step, &look, None);
            self.nothing_else(&look)?;
            if red {
                self.outcome.red_after_cycles = Some(cycle);
                tell(self.drill, &format!("red after {}", cycles(cycle)));
                return Ok(());
            }
            unjudged = look.unjudged(&self.key);
        }
        Err(Why::NotRed {
            cycles: self.drill.within_cycles,
            unjudged: because(unjudged),
        })
    }

    /// What becomes green by itself was not mended by the revert.
    fn still_red(&mut self) -> Result<(), Why> {
        self.rest()?;
        let look = self.stage.look();
        self.keep(Step::Still, &look, None);
        if !self.stage.red().contains(&self.key) || closed(&look.report, &self.key).is_some() {
            return Err(Why::GreenByItself);
        }
        if look.found(&self.key).is_none() && !look.is_not_due(&self.key) {
            let why = look.unjudged(&self.key);
            let why = why.unwrap_or_else(|| "nothing of it was found".to_owned());
            return Err(Why::UnjudgedBeforeRevert(why));
        }
        self.nothing_else(&look)
    }

    /// Goes on to its end, whoever signals.
    fn revert(&mut self) -> Result<(), Why> {
        tell(self.drill, "reverting");
        let ran = self.run(Step::Revert);
        if !ran.succeeded() {
            return Err(Why::Revert(ran));
        }
        let done = self.hands.journal.disarm();
        done.map_err(|e| {
            Why::System(format!(
                "it is reverted, and that could not be written down: {e}"
            ))
        })
    }

    fn until_green(&mut self, red: &State) -> Result<(), Why> {
        let mut unjudged = None;
        for cycle in 1..=self.drill.within_cycles {
            self.rest()?;
            let look = self.stage.look();
            let witness = closed(&look.report, &self.key).cloned();
            let subject = witness.as_ref().map(|it| self.subject(it, red));
            let step = if subject.is_some() {
                Step::Green
            } else {
                Step::Mending
            };
            self.keep(step, &look, subject);
            self.nothing_else(&look)?;
            if let Some(subject) = subject {
                self.outcome.green_after_cycles = Some(cycle);
                self.outcome.witness = witness;
                tell(
                    self.drill,
                    &format!("green after {}, {subject}", cycles(cycle)),
                );
                return self.is_mended(subject);
            }
            unjudged = look.unjudged(&self.key);
        }
        Err(Why::NotGreen {
            cycles: self.drill.within_cycles,
            unjudged: because(unjudged),
        })
    }

    fn subject(&self, witness: &Witness, red: &State) -> &'static str {
        match witness {
            Witness::Held(_) => "held",
            _ => self.stage.gone(red, &self.key),
        }
    }

    fn is_mended(&self, subject: &str) -> Result<(), Why> {
        match subject {
            GONE => Err(Why::Gone(self.key.clone())),
            _ => Ok(()),
        }
    }

    /// Exactly what was named turns red, as long as the drill lasts.
    fn nothing_else(&self, look: &Look) -> Result<(), Why> {
        let changes = look.report.transitions.iter();
        let mut opened = changes.filter_map(|it| self.stage.opened(it));
        match opened.find(|key| *key != self.key) {
            None => Ok(()),
            Some(found) if found.invariant == self.key.invariant => Err(Why::Otherwise(found)),
            Some(found) => Err(Why::Also(found)),
        }
    }

    fn rest(&mut self) -> Result<(), Why> {
        self.hands.signals.rest(self.drill.gap);
        self.hands
            .signals
            .first()
            .map_or(Ok(()), |it| Err(Why::Ended(it)))
    }

    fn run(&mut self, step: Step) -> Ran {
        let (argv, on) = match step {
            Step::Provoke => (&self.drill.provoke, Signalled::Ends),
            _ => (&self.drill.revert, Signalled::GoesOn),
        };
        let (folder, signals) = (self.hands.folder, &mut *self.hands.signals);
        let at = clock::now();
        let ran = command::run(argv, folder, self.drill.limit, on, signals);
        self.outcome.marks.set(step, at);
        if let Some(draft) = &mut self.hands.draft {
            draft.step(rows::ran(self.drill, step, argv, at, &ran));
        }
        ran
    }

    fn keep(&mut self, step: Step, look: &Look, subject: Option<&str>) {
        self.outcome.marks.set(step, look.report.taken);
        let Some(draft) = &mut self.hands.draft else {
            return;
        };
        let mut row = rows::look(self.drill, step, look, &self.stage);
        if let Some(subject) = subject {
            row["subject"] = json!(subject);
        }
        draft.step(row);
        draft.snapshot(&look.snapshot);
    }
}

fn because(unjudged: Option<String>) -> String {
    unjudged.map_or_else(String::new, |why| {
        format!(", the last of which could not be judged: {why}")
    })
}
