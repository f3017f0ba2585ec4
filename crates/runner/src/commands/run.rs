//! The composition of one run.
use super::{config, print_json};
use crate::cli::RunArgs;
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::identity::process_id;
use crate::plan::Plan;
use crate::settings;
use crate::summary::Summary;
use crate::terminal;

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
    Err(Error::new(
        Kind::System,
        "this build can plan a run, and not carry it out yet; use --dry-run",
    ))
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
