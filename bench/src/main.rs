//! Measures this workspace beside its rivals, in one run. `cargo xtask bench` builds it, finds the rivals and starts it.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to its terminal"
)]

mod acquire;
mod canary;
mod cgroup;
mod contender;
mod evidence;
mod facts;
mod handover;
mod idle;
mod memory;
mod other;
mod ours;
mod overlay;
mod python;
mod report;
mod rivals;
mod rounds;
mod running;
mod scan;
mod setting;
mod spawn;
mod stacks;
mod state;
mod stats;
mod sweep;
mod teardown;
mod tree;

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::*;
use report::Section;
use rivals::Rivals;
use serde_json::json;
use setting::Setting;

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A measurement by the name that people call it.
type Bench = (&'static str, fn(&Setting) -> Vec<Section>);

const BENCHES: &[Bench] = &[
    ("acquire", acquire::sections),
    ("handover", |setting| vec![handover::section(setting)]),
    ("scan", scan::sections),
    ("sweep", sweep::sections),
    ("spawn", |setting| vec![spawn::section(setting)]),
    ("state", state::sections),
    ("tree", tree::sections),
    ("memory", |setting| vec![memory::section(setting)]),
    ("idle", |setting| vec![idle::section(setting)]),
    ("teardown", |setting| vec![teardown::section(setting)]),
    ("overlay", |setting| vec![overlay::section(setting)]),
    ("evidence", evidence::sections),
    ("canary", canary::sections),
];

#[derive(Default)]
struct Options {
    rivals: PathBuf,
    json: Option<PathBuf>,
    quick: bool,
    rows: Vec<String>,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("runward-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result {
    let options = options()?;
    let setting = Setting::new(Rivals::load(&options.rivals)?, options.quick)?;
    let facts = facts::gather(&setting.rivals);
    println!("# Bench\n\n{}", facts::markdown(&facts));
    let mut sections = Vec::new();
    for (name, bench) in chosen(&options.rows)? {
        eprintln!("measuring: {name}");
        for section in bench(&setting) {
            println!("{}", section.markdown());
            sections.push(section.json());
        }
    }
    let Some(file) = options.json else {
        return Ok(());
    };
    let facts = facts
        .into_iter()
        .map(|(name, fact)| (name.to_owned(), fact));
    let facts: serde_json::Map<_, _> = facts.collect();
    let all = json!({ "schema": 1, "facts": facts, "sections": sections });
    std::fs::write(&file, format!("{all:#}\n"))
        .map_err(|e| format!("{}: {e}", file.display()).into())
}

fn options() -> Result<Options> {
    let mut options = Options::default();
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("rivals") => options.rivals = args.value()?.into(),
            Long("json") => options.json = Some(args.value()?.into()),
            Long("quick") => options.quick = true,
            Value(row) => options.rows.push(row.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(options)
}

fn chosen(rows: &[String]) -> Result<Vec<&'static Bench>> {
    if rows.is_empty() {
        return Ok(BENCHES.iter().collect());
    }
    let find = |row: &String| {
        let found = BENCHES.iter().find(|(name, _)| name == row);
        found.ok_or_else(|| format!("no row `{row}`; there are: {}", names()).into())
    };
    rows.iter().map(find).collect()
}

fn names() -> String {
    BENCHES
        .iter()
        .map(|(name, _)| *name)
        .collect::<Vec<_>>()
        .join(" ")
}
