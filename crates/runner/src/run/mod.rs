//! One run: its plan, its guards, its locks, what a dead predecessor left, its work, its end.
mod evidence;
mod lifetime;
mod note;
mod outcome;
pub(crate) mod own;
pub(crate) mod predecessor;
mod presence;
mod progress;
mod seal;
mod stage;
pub(crate) mod state;
mod waiting;

use std::fmt::Display;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use runward_abradir::Prepared;
use runward_lifetime::{Armed, Cause, Lifetime, Outcome, Running};
use runward_lock::{Guard, LockDir, Name};

use crate::cli::RunArgs;
use crate::commands::{config, print_json};
use crate::duration::millis;
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::exit;
use crate::identity::process_id;
use crate::plan::Plan;
use crate::record::App;
use crate::settings::{self, Leaks};
use crate::summary::Summary;
use crate::sweep::{self, Broom};
use crate::terminal;
use evidence::Evidence;
pub(crate) use evidence::check as check_bundle_place;
use note::Note;
use own::Owned;
use predecessor::Finished;
use presence::Presence;
use seal::Finding;
use stage::Stage;
use state::Ground;

pub(crate) fn main(args: RunArgs) -> u8 {
    match run(args) {
        Ok(code) => code,
        Err(e) => {
            terminal::say(&e);
            Summary::of_nothing("failed", e.code()).print();
            e.code()
        }
    }
}

fn run(args: RunArgs) -> Result<u8> {
    let env = Environment::of_this_process();
    let dry_run = args.dry_run;
    let plan = plan(args, &env)?;
    plan.warning().into_iter().for_each(terminal::say);
    if dry_run {
        return print_json(&plan).map(|()| 0);
    }
    let started = SystemTime::now();
    let stage = Stage::set(&plan)?;
    let summary = carry_out(&plan, &env, &stage).inspect_err(|e| stage.keep_failure(e, started))?;
    summary.print();
    Ok(summary.exit)
}

fn plan(args: RunArgs, env: &Environment) -> Result<Plan> {
    let file = config(&args.file, env)?;
    settings::warn_of_typos(env);
    let env_layer = settings::environment_layer(env)?;
    let sections = (file.state(), file.sweep());
    let settings = settings::resolve(args.options, env_layer, file.into_layer())?;
    let plan = Plan::new(settings, args.program, sections, env, &process_id())?;
    plan.sweep.as_ref().map_or(Ok(()), sweep::check)?;
    state::check(&plan, env)?;
    Ok(plan)
}

/// The order is the correctness: what may need cleaning comes after the guards, what others share after its lock. The lock of
/// the run itself is shared with nobody, and is all that comes before.
fn carry_out(plan: &Plan, env: &Environment, stage: &Stage) -> Result<Summary> {
    let ground = Ground::of(plan, env)?;
    let requests = ground.as_ref().map(Ground::requests);
    let state = ground.as_ref().zip(requests.as_ref());
    let state = state.map(|(ground, requests)| ground.prepare(requests));
    let run = Run {
        plan,
        env,
        stage,
        presence: Presence::declare(plan)?,
        state: state.transpose()?,
    };
    let lifetime = stage.hook_up(run.lifetime(), plan, &run.presence)?;
    let idle = plan.sweep.is_none() && plan.state.is_none() && plan.evidence.is_none();
    if plan.apps.is_empty() && idle {
        run.start_at_once(lifetime)
    } else {
        run.start_prepared(lifetime)
    }
}

/// One run, decided: its state is where it will be.
struct Run<'a> {
    plan: &'a Plan,
    env: &'a Environment,
    stage: &'a Stage,
    presence: Presence,
    state: Option<Prepared<'a>>,
}

impl Run<'_> {
    /// With nothing to own or to prepare there is nothing to do between guards and work.
    fn start_at_once(self, lifetime: Lifetime) -> Result<Summary> {
        let note = self.stage.note(|note| Note {
            started: true,
            ..note
        });
        let running = lifetime.start(self.presence.copy()?, &note);
        self.wait(running.map_err(system)?, Vec::new())
    }

    fn start_prepared(self, lifetime: Lifetime) -> Result<Summary> {
        let locks = LockDir::open(&self.plan.locks).map_err(system)?;
        self.stage.note(|note| note);
        let mut armed = lifetime.arm().map_err(system)?;
        match own::acquire(self.plan, &locks, &mut armed, self.env) {
            Owned::All(guards) => self.prepare(armed, guards),
            Owned::Not { cause, message } => Ok(abandon(self.stage, armed, cause, message)),
        }
    }

    fn prepare(mut self, mut armed: Armed, mut guards: Vec<Guard>) -> Result<Summary> {
        let trace = self.plan.trace();
        for guard in &mut guards {
            finish_predecessor(guard)?;
            guard.settle(&trace).map_err(system)?;
        }
        sweep_first(self.plan, &armed);
        // That may have taken its time.
        if let Some(cause) = armed.cancelled() {
            return Ok(abandon(self.stage, armed, cause, None));
        }
        let state = match self.state.take() {
            Some(prepared) => state::build(self.plan, prepared)?,
            None => None,
        };
        let evidence = self.stage.arm(self.plan, self.env);
        let started = evidence.and_then(|evidence| {
            let started = self.start(armed, &guards, state.clone(), evidence);
            started.inspect_err(|_| evidence::disarm(self.plan))
        });
        if started.is_err() {
            let _ = state.as_deref().map(state::remove);
        }
        let summary = self.wait(started?, guards);
        tell_of_remains(state.as_deref());
        summary
    }

    fn start(
        &self,
        armed: Armed,
        guards: &[Guard],
        state: Option<PathBuf>,
        evidence: Option<Evidence>,
    ) -> Result<Running> {
        let apps = guards.iter().map(app).collect();
        let note = self.stage.note(|note| Note {
            apps,
            state,
            evidence,
            started: true,
            ..note
        });
        let mut kept = self.presence.copy()?;
        kept.extend(own::copies(guards)?);
        armed.start(kept, &note).map_err(system)
    }

    /// Nobody has finished if this fails: the next holder will, or a sweep.
    fn wait(self, running: Running, guards: Vec<Guard>) -> Result<Summary> {
        match running.wait() {
            Ok(outcome) => {
                let allowed = self.plan.leaks == Leaks::Allow && !outcome.leaks().is_empty();
                if allowed || !outcome.survivors().is_empty() {
                    self.presence.stay();
                }
                Ok(conclude(self.stage, &outcome))
            }
            Err(e) => {
                guards.into_iter().for_each(|guard| drop(guard.leave()));
                self.presence.leave();
                Err(system(e))
            }
        }
    }

    fn lifetime(&self) -> Lifetime {
        let program = lifetime::program(self.plan, self.env);
        let program = self.state.iter().fold(program, state::tell);
        let program = self.plan.evidence.iter().fold(program, evidence::tell);
        lifetime::lifetime(self.plan, program)
    }
}

/// The guardian has no terminal to say so.
fn tell_of_remains(state: Option<&Path>) {
    if let Some(path) = state.filter(|path| state::is_left(path)) {
        terminal::say(format_args!(
            "the state directory {} is not removed; `runward sweep` says why",
            path.display()
        ));
    }
}

/// What cannot be swept is said, and is no reason not to work.
fn sweep_first(plan: &Plan, armed: &Armed) {
    let Some(options) = &plan.sweep else { return };
    let swept = Broom::new(options.clone(), plan.directories())
        .and_then(|broom| broom.sweep_for(&plan.run_id, armed.as_fd()));
    match swept {
        Ok(said) => terminal::say(said),
        Err(e) => terminal::say(format_args!("nothing was swept: {e}")),
    }
}

fn conclude(stage: &Stage, outcome: &Outcome) -> Summary {
    stage.tell_where_the_record_is(outcome.started());
    stage.tell_of_lost_events();
    if let Cause::Failed { reason, .. } = outcome.cause() {
        terminal::say(reason);
    }
    let finding = stage.finding();
    finding.iter().for_each(tell_of_evidence);
    outcome::summary(outcome, stage.leaks(), finding.as_ref())
}

fn tell_of_evidence(finding: &Finding) {
    let Some(verdict) = &finding.verdict else {
        return;
    };
    let why = finding.why.as_deref().map(terminal::printable);
    match (why, &finding.dir) {
        (Some(why), Some(dir)) => terminal::say(format_args!(
            "evidence {verdict}: {why}; the bundle is in {dir}"
        )),
        (Some(why), None) => terminal::say(format_args!("evidence {verdict}: {why}")),
        (None, dir) => {
            let dir = dir.as_deref().unwrap_or("nothing");
            terminal::say(format_args!("evidence {verdict} by {dir}"));
        }
    }
}

fn abandon(stage: &Stage, armed: Armed, cause: Cause, message: Option<String>) -> Summary {
    let busy = matches!(
        cause,
        Cause::Failed {
            code: exit::BUSY,
            ..
        }
    );
    stage.note(|note| Note { busy, ..note });
    if let Some(message) = message {
        terminal::say(message);
    }
    let outcome = armed.abandon(cause);
    stage.tell_of_lost_events();
    let cause = if busy {
        "busy".to_owned()
    } else {
        outcome::describe(outcome.cause())
    };
    Summary::of_nothing(cause, outcome.exit_code())
}

/// A holder that did not release its lock was killed; what it left is finished before our own work begins.
fn finish_predecessor(guard: &Guard) -> Result<()> {
    let (name, before) = (guard.name(), guard.predecessor());
    let finished = predecessor::finish(before).map_err(|e| {
        system(format!(
            "cannot finish for the run that was killed while it had {name}: {e}"
        ))
    })?;
    match (finished, before) {
        (Finished::Now(outcome), _) => terminal::say(format_args!(
            "finished for run {}, which was killed while it had {name}; teardowns run: {}",
            outcome.run_id(),
            outcome.teardowns().len()
        )),
        (Finished::Lost, Some(dead)) => terminal::say(format_args!(
            "run {} was killed while it had {name}, and its journal {} is gone or cannot be read: \
             what it has left, if anything, is not finished",
            dead.run_id(),
            dead.trace()
        )),
        _ => {}
    }
    Ok(())
}

fn app(guard: &Guard) -> App {
    App {
        name: guard.name().to_string(),
        fence: guard.fence().get(),
        waited_ms: millis(guard.waited()),
    }
}

/// The apps that the run of this note owned.
pub(crate) fn apps_of(note: &str) -> Vec<Name> {
    let note: Option<Note> = serde_json::from_str(note).ok();
    let apps = note.into_iter().flat_map(|note| note.apps);
    apps.filter_map(|app| Name::new(app.name).ok()).collect()
}

fn system(e: impl Display) -> Error {
    Error::new(Kind::System, e.to_string())
}
