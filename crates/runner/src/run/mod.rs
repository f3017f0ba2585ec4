//! One run: its plan, its guards, its locks, what a dead predecessor left, its work, its end.
mod note;
mod outcome;
mod own;
mod progress;
mod waiting;

use std::cell::RefCell;
use std::fmt::Display;
use std::path::Path;
use std::rc::Rc;

use runward_lifetime::{
    Armed, Cause, Choice, Containment, Event, Leaks, Lifetime, Outcome, Program, recover,
};
use runward_lock::{Guard, LockDir};
use serde_json::json;

use crate::cli::RunArgs;
use crate::commands::{config, print_json};
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::exit;
use crate::identity::process_id;
use crate::places::User;
use crate::plan::Plan;
use crate::record::{App, Target};
use crate::settings::{self, Strength};
use crate::summary::Summary;
use crate::terminal;
use note::{Desk, Note};
use own::Owned;

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
    if dry_run {
        return print_json(&plan).map(|()| 0);
    }
    let summary = carry_out(&plan, &env)?;
    summary.print();
    Ok(summary.exit)
}

fn plan(args: RunArgs, env: &Environment) -> Result<Plan> {
    let file = config(&args.file, env)?;
    settings::warn_of_typos(env);
    let settings = settings::resolve(
        args.options,
        settings::environment_layer(env)?,
        file.into_layer(),
    )?;
    Plan::new(settings, args.program, env, &process_id())
}

/// The order is the correctness: what may need cleaning comes after the guards, what others share after its lock.
fn carry_out(plan: &Plan, env: &Environment) -> Result<Summary> {
    let stage = Stage::set(plan)?;
    let mut armed = lifetime(plan, env, &stage)?.arm().map_err(system)?;
    let owned = match &stage.locks {
        Some(locks) => own::acquire(plan, locks, &mut armed, env),
        None => own::nothing(&mut armed),
    };
    match owned {
        Owned::All(guards) => work(&stage, armed, guards),
        Owned::Not { cause, message } => Ok(abandon(&stage, armed, cause, message)),
    }
}

/// What must be found usable before anything starts, and what guardian and owner share.
struct Stage {
    note: Note,
    desk: Desk,
    events: Option<Rc<RefCell<Events>>>,
    locks: Option<LockDir>,
    leaks: Leaks,
}

impl Stage {
    fn set(plan: &Plan) -> Result<Self> {
        let directories = plan.directories();
        directories.create_home(&User::of_this_process())?;
        let fallback = directories.record(&plan.run_id);
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
        let locks = (!plan.apps.is_empty())
            .then(|| LockDir::open(&plan.locks))
            .transpose()
            .map_err(system)?;
        let leaks = leaks(plan);
        let note = Note {
            argv: plan
                .argv
                .iter()
                .map(|word| word.to_string_lossy().into_owned())
                .collect(),
            apps: Vec::new(),
            result,
            leaks_fail: leaks == Leaks::Fail,
            started: false,
            busy: false,
        };
        let stage = Self {
            note,
            desk: Desk::new()?,
            events: events.map(|e| Rc::new(RefCell::new(e))),
            locks,
            leaks,
        };
        stage.desk.put(&stage.note.to_text());
        Ok(stage)
    }
}

fn lifetime(plan: &Plan, env: &Environment, stage: &Stage) -> Result<Lifetime> {
    let mut lifetime = Lifetime::new(program(plan, env))
        .run_id(&plan.run_id)
        .grace(plan.grace.get())
        .teardown_deadline(plan.teardown_deadline.get())
        .leaks(stage.leaks)
        .containment(choice(plan))
        .journal(&plan.journal);
    for command in &plan.teardowns {
        lifetime = lifetime.teardown(Vec::from(command.clone()));
    }
    if let Some(deadline) = plan.deadline {
        lifetime = lifetime.deadline(deadline.get());
    }
    if let Some(least) = plan.require {
        lifetime = lifetime.require(strength(least));
    }
    hooks(lifetime, plan, stage)
}

fn hooks(lifetime: Lifetime, plan: &Plan, stage: &Stage) -> Result<Lifetime> {
    let (desk, leaks, grace, shown) =
        (stage.desk.try_clone()?, stage.leaks, plan.grace, plan.leaks);
    let (events, last) = (stage.events.clone(), stage.events.clone());
    let locks = stage.locks.clone();
    let apps = plan.apps.clone();
    let owner = std::process::id();
    Ok(lifetime
        .on_event(move |event| log(events.as_ref(), event))
        .on_progress(move |event| progress::show(event, grace, shown))
        .on_finish(move |outcome| {
            if let Some(note) = desk.get() {
                keep_record(outcome, &note);
            }
            log_end(last.as_ref(), outcome, leaks);
        })
        .on_release(move |kept| own::release(locks.as_ref(), &apps, kept, owner)))
}

/// The program sees what it runs in, and not the options that were meant for this run.
fn program(plan: &Plan, env: &Environment) -> Program {
    let app = plan.app.as_ref().map_or("", |app| app.as_str());
    let mut words = plan.argv.iter();
    let mut program = Program::new(words.next().cloned().unwrap_or_default()).args(words.cloned());
    for name in settings::consumed()
        .into_iter()
        .filter(|name| env.has(name))
    {
        program = program.env(name, "");
    }
    if !app.is_empty() {
        program = program.env("RUNWARD_APP", app);
    }
    program
        .env("RUNWARD_RUN_ID", &plan.run_id)
        .env("RUNWARD_INSIDE", format!("{}/{app}", plan.run_id))
}

fn work(stage: &Stage, armed: Armed, guards: Vec<Guard>) -> Result<Summary> {
    for guard in &guards {
        finish_predecessor(guard)?;
    }
    let apps = guards.iter().map(app).collect();
    let note = Note {
        apps,
        started: true,
        ..stage.note.clone()
    }
    .to_text();
    stage.desk.put(&note);
    let kept = own::copies(&guards)?;
    let outcome = armed
        .start(kept, &note)
        .and_then(runward_lifetime::Running::wait)
        .map_err(system)?;
    drop(guards);
    if let Cause::Failed { reason, .. } = outcome.cause() {
        terminal::say(reason);
    }
    Ok(outcome::summary(&outcome, stage.leaks))
}

fn abandon(stage: &Stage, armed: Armed, cause: Cause, message: Option<String>) -> Summary {
    let busy = matches!(
        cause,
        Cause::Failed {
            code: exit::BUSY,
            ..
        }
    );
    stage.desk.put(
        &Note {
            busy,
            ..stage.note.clone()
        }
        .to_text(),
    );
    if let Some(message) = message {
        terminal::say(message);
    }
    let outcome = armed.abandon(cause);
    let cause = if busy {
        "busy".to_owned()
    } else {
        outcome::describe(outcome.cause())
    };
    Summary::of_nothing(cause, outcome.exit_code())
}

/// A holder that did not release its lock was killed; what it left is finished before our own work begins.
fn finish_predecessor(guard: &Guard) -> Result<()> {
    let Some(dead) = guard
        .predecessor()
        .filter(|record| !record.released() && !record.trace().is_empty())
    else {
        return Ok(());
    };
    let name = guard.name();
    let finished = recover(Path::new(dead.trace()), |outcome, note| {
        if let Ok(note) = serde_json::from_str::<Note>(note) {
            keep_record(outcome, &note);
        }
    });
    match finished {
        Ok(None) => Ok(()),
        Ok(Some(outcome)) => {
            let line = format!(
                "finished for run {}, which was killed while it had {name}",
                outcome.run_id()
            );
            terminal::say(format_args!(
                "{line}: {} teardowns",
                outcome.teardowns().len()
            ));
            Ok(())
        }
        Err(e) => Err(system(format!(
            "cannot finish for the run that was killed while it had {name}: {e}"
        ))),
    }
}

fn app(guard: &Guard) -> App {
    App {
        name: guard.name().to_string(),
        fence: guard.fence().get(),
        waited_ms: crate::duration::millis(guard.waited()),
    }
}

/// Where the record cannot be written at all, stderr may still be there to say so.
fn keep_record(outcome: &Outcome, note: &Note) {
    let Some(target) = &note.result else { return };
    if let Err(e) = target.write(&outcome::record(outcome, note)) {
        terminal::say(format_args!("the record of the run is lost: {e}"));
    }
}

fn log(events: Option<&Rc<RefCell<Events>>>, event: &Event) {
    // Its exit code is that of the cause alone; the last line has the one that CI sees.
    if let (Some(events), false) = (events, matches!(event, Event::Finished { .. })) {
        events.borrow_mut().write(event);
    }
}

fn log_end(events: Option<&Rc<RefCell<Events>>>, outcome: &Outcome, leaks: Leaks) {
    if let Some(events) = events {
        let exit = outcome::exit_code(outcome, leaks);
        events
            .borrow_mut()
            .write(&json!({"event": "finished", "cause": outcome.cause(), "exit": exit}));
    }
}

fn leaks(plan: &Plan) -> Leaks {
    match plan.leaks {
        settings::Leaks::Warn => Leaks::Warn,
        settings::Leaks::Fail => Leaks::Fail,
        settings::Leaks::Allow => Leaks::Allow,
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
