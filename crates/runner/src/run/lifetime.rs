//! From the plan of a run to its lifetime and its program.
use runward_lifetime::{Choice, Containment, Lifetime, Program};

use super::stage;
use crate::environment::Environment;
use crate::plan::Plan;
use crate::settings::{self, Strength};

pub(super) fn lifetime(plan: &Plan, program: Program) -> Lifetime {
    let mut lifetime = Lifetime::new(program)
        .run_id(&plan.run_id)
        .tree_name(&plan.key)
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
pub(super) fn program(plan: &Plan, env: &Environment) -> Program {
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
