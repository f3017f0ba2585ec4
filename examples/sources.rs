//! Reads what a canary reads, with `runward-sources` alone: rows or a reason, and an end.
//!
//! ```text
//! cargo run -p runward-examples --example sources -- zombies
//! cargo run -p runward-examples --example sources -- locks /run/runward/locks
//! cargo run -p runward-examples --example sources -- rows jobs.db 'SELECT name, workers FROM queues' name workers
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};
use std::{env, iter};

use runward_canary::{Ask, Column, Context, Cut, Kind, Reading, Setting, Settings, Stamp, Value};

const TIMEOUT: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let read = match words[..] {
        ["zombies"] => read("procfs", [], [("state", "Z")], &["pid", "ppid", "comm"]),
        ["locks", folder] => {
            let columns = ["name", "held", "pid", "since", "waiters"];
            read("flock-dir", [("path", folder)], [], &columns)
        }
        ["rows", path, query, ref columns @ ..] => {
            read("sqlite", [("path", path)], [("query", query)], columns)
        }
        _ => Err("usage: sources zombies | locks DIRECTORY | rows FILE QUERY COLUMN...".into()),
    };
    match read {
        Ok(reading) => show(&reading),
        Err(error) => {
            eprintln!("sources: {error}");
            ExitCode::from(2)
        }
    }
}

/// One look at one facet.
fn read<const N: usize, const M: usize>(
    kind: &str,
    source: [(&str, &str); N],
    facet: [(&str, &str); M],
    columns: &[&str],
) -> Result<Reading, Box<dyn Error>> {
    let mut source = runward_sources::open(kind, &settings(source), TIMEOUT)?;
    let ask = Ask {
        facet: kind.to_owned(),
        columns: columns
            .iter()
            .map(|it| Column::new(*it, Kind::Any))
            .collect(),
        settings: settings(facet),
        only: None,
    };
    source.prepare(std::slice::from_ref(&ask))?;
    let context = Context {
        cut: &Cut::new(),
        deadline: Instant::now() + TIMEOUT,
        clock: &|| Stamp::of(SystemTime::now()),
    };
    Ok(source.read(&[&ask], &context).remove(0))
}

fn settings<const N: usize>(pairs: [(&str, &str); N]) -> Settings {
    let pair = |(key, text): (&str, &str)| (key.to_owned(), Setting::Text(text.to_owned()));
    pairs.into_iter().map(pair).collect()
}

fn show(reading: &Reading) -> ExitCode {
    match reading.table() {
        Ok(table) => {
            for row in table.rows() {
                let cells = iter::zip(table.columns(), row.cells());
                let cells =
                    cells.map(|(column, value)| format!("{}={}", column.name(), text(value)));
                println!("{}", cells.collect::<Vec<_>>().join(" "));
            }
            println!("{} rows, read at {}", table.len(), reading.begun());
            ExitCode::SUCCESS
        }
        Err(cause) => {
            println!("not read: {cause}");
            ExitCode::FAILURE
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Time(stamp) => stamp.to_string(),
        _ => "-".to_owned(),
    }
}
