//! One run: its plan, its guards, its locks, what a dead predecessor left, its work, its end.
mod note;
mod outcome;
mod own;
mod progress;
mod stage;
mod waiting;

use std::fmt::Display;
use std::path::Path;
use std::time::SystemTime;

use runward_lifetime::{Armed, Cause, Choice, Containment, Lifetime, Program, Running, recover};
use runward_lock::{Guard, LockDir};

use crate::cli::RunArgs;
use crate::commands::{config, print_json};
use crate::duration::millis;
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::exit;
use crate::identity::process_id;
use crate::plan::Plan;
use crate::record::App;
use crate::settings::{self, Strength};
use crate::summary::Summary;
use crate::terminal;
use note::Note;
use own::Owned;
use stage::{Stage, keep_record};

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
    let settings = settings::resolve(args.options, env_layer, file.into_layer())?;
    Plan::new(settings, args.program, env, &process_id())
}

/// The order is the correctness: what may need cleaning comes after the guards, what others share after its lock.
fn carry_out(plan: &Plan, env: &Environment, stage: &Stage) -> Result<Summary> {
    if plan.apps.is_empty() {
        let lifetime = stage.hook_up(lifetime(plan, env), plan, None)?;
        return work_unlocked(stage, lifetime);
    }
    let locks = LockDir::open(&plan.locks).map_err(system)?;
    let lifetime = stage.hook_up(lifetime(plan, env), plan, Some(locks.clone()))?;
    let mut armed = lifetime.arm().map_err(system)?;
    match own::acquire(plan, &locks, &mut armed, env) {
        Owned::All(guards) => work(stage, plan, armed, guards),
        Owned::Not { cause, message } => Ok(abandon(stage, armed, cause, message)),
    }
}

fn lifetime(plan: &Plan, env: &Environment) -> Lifetime {
    let mut lifetime = Lifetime::new(program(plan, env))
        .run_id(&plan.run_id)
        .grace(plan.grace.get())
        .teardown_deadline(plan.teardown_deadline.get())
        .leaks(stage::leaks(plan))
        .containment(choice(plan))
        .until_exit();
    if let Some(journal) = &plan.journal {
        lifetime = lifetime.journal(journal);
    }
    for command in &plan.teardowns {
        lifetime = lifetime.teardown(Vec::from(command.clone()));
    }
    if let Some(deadline) = plan.deadline {
        lifetime = lifetime.deadline(deadline.get());
    }
    match plan.require {
        Some(least) => lifetime.require(strength(least)),
        None => lifetime,
    }
}

/// The program sees what it runs in, and not the options that were meant for this run.
fn program(plan: &Plan, env: &Environment) -> Program {
    let app = plan.app.as_ref().map_or("", |app| app.as_str());
    let mut words = plan.argv.iter().cloned();
    let mut program = Program::new(words.next().unwrap_or_default()).args(words);
    for name in settings::consumed()
        .into_iter()
        .filter(|name| env.has(name))
    {
        program = program.env(name, "");
    }
    if !app.is_empty() {
        program = program.env("RUNWARD_APP", app);
    }
    let inside = format!("{}/{app}", plan.run_id);
    program
        .env("RUNWARD_RUN_ID", &plan.run_id)
        .env("RUNWARD_INSIDE", inside)
}

fn work(stage: &Stage, plan: &Plan, mut armed: Armed, mut guards: Vec<Guard>) -> Result<Summary> {
    let trace = plan.trace();
    for guard in &mut guards {
        finish_predecessor(guard)?;
        guard.settle(&trace).map_err(system)?;
    }
    // That may have taken its time.
    if let Some(cause) = armed.cancelled() {
        return Ok(abandon(stage, armed, cause, None));
    }
    let apps = guards.iter().map(app).collect();
    let note = stage.note(|note| Note {
        apps,
        started: true,
        ..note
    });
    let kept = own::copies(&guards)?;
    let running = armed.start(kept, &note);
    let summary = wait(stage, running);
    if summary.is_err() {
        // Nobody has finished: the next holder will.
        guards.into_iter().for_each(|guard| drop(guard.leave()));
    }
    summary
}

/// With nothing to own there is nothing to do between guards and work.
fn work_unlocked(stage: &Stage, lifetime: Lifetime) -> Result<Summary> {
    let note = stage.note(|note| Note {
        started: true,
        ..note
    });
    wait(stage, lifetime.start(&note))
}

fn wait(
    stage: &Stage,
    running: std::result::Result<Running, runward_lifetime::Error>,
) -> Result<Summary> {
    let outcome = running.and_then(Running::wait).map_err(system)?;
    stage.tell_where_the_record_is(outcome.started());
    stage.tell_of_lost_events();
    if let Cause::Failed { reason, .. } = outcome.cause() {
        terminal::say(reason);
    }
    Ok(outcome::summary(&outcome, stage.leaks()))
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
    let dead = guard
        .predecessor()
        .filter(|record| !record.released() && !record.trace().is_empty());
    let Some(dead) = dead else { return Ok(()) };
    let name = guard.name();
    let finished = recover(Path::new(dead.trace()), |outcome, note| {
        if let Ok(note) = serde_json::from_str(note) {
            keep_record(outcome, &note);
        }
    });
    let finished = finished.map_err(|e| {
        system(format!(
            "cannot finish for the run that was killed while it had {name}: {e}"
        ))
    })?;
    if finished.is_none() {
        terminal::say(format_args!(
            "run {} was killed while it had {name}, and its journal {} is gone or cannot be read: \
             what it has left, if anything, is not finished",
            dead.run_id(),
            dead.trace()
        ));
    }
    if let Some(outcome) = finished {
        let (run, teardowns) = (outcome.run_id(), outcome.teardowns().len());
        terminal::say(format_args!(
            "finished for run {run}, which was killed while it had {name}; teardowns run: {teardowns}"
        ));
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

fn choice(plan: &Plan) -> Choice {
    plan.containment
        .strength()
        .map_or(Choice::Auto, |only| Choice::Only(strength(only)))
}

fn strength(of: Strength) -> Containment {
    match of {
        Strength::Group => Containment::Group,
        Strength::Subreaper => Containment::Subreaper,
        Strength::Pidns => Containment::PidNamespace,
        Strength::Cgroup => Containment::Cgroup,
    }
}

fn system(e: impl Display) -> Error {
    Error::new(Kind::System, e.to_string())
}
