use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::SystemTime;

use runward_lifetime::{Event, Leaks, Lifetime, Outcome};
use serde_json::json;

use super::evidence::{self, Court, Evidence};
use super::note::{Desk, Note};
use super::presence::Presence;
use super::seal::{Finding, Judge};
use super::{outcome, own, progress, seal, state};
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::plan::Plan;
use crate::record::{Cause, Found, Record, Target};
use crate::{settings, terminal};

type SharedEvents = Option<Rc<RefCell<Events>>>;

/// What must be found usable before anything starts, and what guardian and owner share.
pub(super) struct Stage {
    run_id: String,
    note: Note,
    desk: Desk,
    events: SharedEvents,
    court: Court,
    /// Of a run with a bundle, for that.
    told: SharedEvents,
    found: Desk,
}

impl Stage {
    pub(super) fn set(plan: &Plan) -> Result<Self> {
        let directories = plan.directories();
        if plan.journal.is_some() {
            directories.create_home()?;
        }
        let court = Court::set(plan)?;
        let fallback = directories.record(&plan.run_id);
        plan.result
            .as_deref()
            .map_or(Ok(()), |file| directories.create_within(file))?;
        let result = plan
            .result
            .as_deref()
            .map(|file| Target::check(file, fallback))
            .transpose()?;
        let events = plan
            .events
            .as_deref()
            .map(|file| Events::open(file, &plan.run_id))
            .transpose()?;
        let note = Note {
            argv: plan
                .argv
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            apps: Vec::new(),
            result,
            state: None,
            evidence: None,
            leaks_fail: leaks(plan) == Leaks::Fail,
            started: false,
            busy: false,
        };
        let events = events.map(|events| Rc::new(RefCell::new(events)));
        Ok(Self {
            run_id: plan.run_id.clone(),
            note,
            desk: Desk::new()?,
            events,
            told: told(plan)?,
            court,
            found: Desk::new()?,
        })
    }

    pub(super) fn leaks(&self) -> Leaks {
        self.note.leaks()
    }

    /// Leaves the note, changed, where the guardian finds it; returns its text for the journal.
    pub(super) fn note(&self, change: impl FnOnce(Note) -> Note) -> String {
        let text = change(self.note.clone()).to_text();
        self.desk.put(&text);
        text
    }

    /// The hooks work in whichever process finishes the run.
    pub(super) fn hook_up(
        &self,
        lifetime: Lifetime,
        plan: &Plan,
        presence: &Presence,
    ) -> Result<Lifetime> {
        let desk = self.desk.try_clone()?;
        let people = progress::People::of(plan);
        let (events, last) = (self.events.clone(), self.events.clone());
        let (told, all) = (self.told.clone(), self.told.clone());
        let (spec, found) = (self.court.spec.clone(), self.found.try_clone()?);
        let some_stay = Rc::new(Cell::new(false));
        let survived = some_stay.clone();
        let held = own::Held {
            directories: plan.directories(),
            run: presence.name(),
            apps: plan.apps.iter().map(|app| app.name().clone()).collect(),
            owner: std::process::id(),
        };
        Ok(lifetime
            .on_event(move |event| {
                log(&events, event);
                log(&told, event);
            })
            .on_progress(move |event| people.show(event))
            .on_finish(move |outcome| {
                survived.set(!outcome.survivors().is_empty());
                if let Some(note) = desk.get::<Note>() {
                    let events = all.as_ref().and_then(|all| all.borrow().lines().ok());
                    let finding = keep_record(outcome, &note, &Judge { spec, events });
                    found.put(&serde_json::to_string(&finding).unwrap_or_default());
                    let exit = outcome::exit_code(outcome, note.leaks(), finding.as_ref());
                    log_end(&last, outcome.cause(), exit);
                }
            })
            .on_release(move |kept| held.release(kept, some_stay.get())))
    }

    /// The guardian writes the record, and has no terminal to say where it had to.
    pub(super) fn tell_where_the_record_is(&self, started: SystemTime) {
        let Some(target) = &self.note.result else {
            return;
        };
        match target.find(&self.run_id, started) {
            Found::There => {}
            Found::Fallback(path) => terminal::say(format_args!(
                "the record could not be written where --result says; it is in {}",
                path.display()
            )),
            Found::Nowhere => terminal::say("the record of the run could not be written anywhere"),
        }
    }

    pub(super) fn arm(&self, plan: &Plan, env: &Environment) -> Result<Option<Evidence>> {
        evidence::arm(plan, env, &self.court)
    }

    /// What the bundle came to, by whoever sealed it.
    pub(super) fn finding(&self) -> Option<Finding> {
        let note: Note = self.desk.get()?;
        let evidence = note.evidence?;
        let found: Option<Option<Finding>> = self.found.get();
        Some(
            found
                .flatten()
                .unwrap_or_else(|| Finding::pending(&evidence)),
        )
    }

    pub(super) fn tell_of_lost_events(&self) {
        let complaint = self.events.iter().find_map(|all| all.borrow().complaint());
        complaint.into_iter().for_each(terminal::say);
    }

    /// The record of a run that came to nothing.
    pub(super) fn keep_failure(&self, e: &Error, started: SystemTime) {
        let cause = Cause {
            kind: "failed",
            message: Some(e.to_string()),
            ..Cause::default()
        };
        log_end(&self.events, &cause, e.code());
        let argv = &self.note.argv;
        let record = Record::new(&self.run_id, argv, cause, e.code(), started);
        keep(&self.note, &record);
    }
}

/// Seals and judges what there is to, and writes the record; what was found is in it.
pub(super) fn keep_record(outcome: &Outcome, note: &Note, judge: &Judge) -> Option<Finding> {
    // What is left of it is among the leftovers that a sweep finds.
    let _ = note.state.as_deref().map(state::remove);
    let finding = note.evidence.as_ref().map(|evidence| {
        // Whatever becomes of this process while it reads what others wrote, there is a record.
        let pending = Finding::pending(evidence);
        let record = outcome::record(outcome, note, Some(&pending));
        keep(note, &record);
        seal::seal(evidence, &record, outcome, judge)
    });
    keep(note, &outcome::record(outcome, note, finding.as_ref()));
    finding
}

/// Where the record cannot be written at all, stderr may still be there to say so.
fn keep(note: &Note, record: &Record) {
    let Some(target) = &note.result else { return };
    if let Err(e) = target.write(record) {
        terminal::say(format_args!("the record of the run is lost: {e}"));
    }
}

fn told(plan: &Plan) -> Result<SharedEvents> {
    let made = plan
        .evidence
        .as_ref()
        .map(|_| Events::in_memory(&plan.run_id));
    let made = made.transpose();
    let made =
        made.map_err(|e| Error::new(Kind::System, format!("cannot make a memory file: {e}")))?;
    Ok(made.map(|events| Rc::new(RefCell::new(events))))
}

fn log(events: &SharedEvents, event: &Event) {
    // Its exit code is that of the cause alone; the line written at the end has the one that CI sees.
    if let (Some(events), false) = (events, matches!(event, Event::Finished { .. })) {
        events.borrow_mut().write(event);
    }
}

fn log_end(events: &SharedEvents, cause: &impl serde::Serialize, exit: u8) {
    if let Some(events) = events {
        events
            .borrow_mut()
            .write(&json!({"event": "finished", "cause": cause, "exit": exit}));
    }
}

pub(super) fn leaks(plan: &Plan) -> Leaks {
    match plan.leaks {
        settings::Leaks::Warn => Leaks::Warn,
        settings::Leaks::Fail => Leaks::Fail,
        settings::Leaks::Allow => Leaks::Allow,
    }
}
