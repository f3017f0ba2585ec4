//! What each command does.
pub(crate) mod doctor;
pub(crate) mod evidence;
pub(crate) mod locks;
pub(crate) mod manual;
pub(crate) mod swarm;
pub(crate) mod whoami;

use std::path::PathBuf;

use serde::Serialize;

use crate::cli::{FileArg, ReportArgs};
use crate::environment::Environment;
use crate::error::{Error, Kind, Result};
use crate::exit;
use crate::places::{self, Directories, User};
use crate::settings::{self, ConfigFile, Places};
use crate::summary::Summary;
use crate::terminal;

/// Help on stdout, or what is wrong with the command line on stderr.
pub(crate) fn not_understood(e: &clap::Error) -> u8 {
    let text = e.to_string();
    if !e.use_stderr() {
        return print(text.as_bytes()).map_or_else(|e| e.code(), |()| 0);
    }
    let lines: Vec<_> = text.lines().map(terminal::printable).collect();
    terminal::raw(&format!("{}\n", lines.join("\n")));
    let command = std::env::args_os().nth(1).unwrap_or_default();
    match command.to_str() {
        Some("run") => Summary::of_nothing("failed", exit::FAILED).print(),
        Some("verify" | "attest" | "prove" | "explain" | "lint" | "spec") => {
            return evidence::USAGE;
        }
        Some("canary") => return crate::canary::UNKNOWN,
        _ => {}
    }
    exit::FAILED
}

pub(crate) fn print(bytes: &[u8]) -> Result<()> {
    terminal::data(bytes)
        .map_err(|e| Error::new(Kind::System, format!("cannot write to stdout: {e}")))
}

pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value);
    let text = text.map_err(|e| Error::new(Kind::System, format!("cannot write JSON: {e}")))?;
    print(format!("{text}\n").as_bytes())
}

/// The file named on the command line, by `RUNWARD_CONFIG`, or found.
pub(crate) fn config(named: &FileArg, env: &Environment) -> Result<ConfigFile> {
    let named = named
        .config
        .clone()
        .or_else(|| env.os("RUNWARD_CONFIG").map(PathBuf::from));
    settings::load(named.as_deref())
}

/// The directories that a command looks at.
fn looked_at(args: &ReportArgs) -> Result<Directories> {
    let env = Environment::of_this_process();
    directories(&args.places, &config(&args.file, &env)?, &env)
}

/// The directories that the options, the environment and the file name.
pub(crate) fn directories(
    given: &Places,
    file: &ConfigFile,
    env: &Environment,
) -> Result<Directories> {
    let given = given
        .clone()
        .or(settings::environment_places(env))
        .or(file.places());
    places::decide(&given, env, &User::of_this_process())
}
