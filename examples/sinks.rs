//! Delivers an alert with `runward-sinks` alone, to a file and to a command.
//!
//! ```text
//! cargo run -p runward-examples --example sinks -- alerts.jsonl tee /dev/stderr
//! ```
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::process::ExitCode;
use std::time::Duration;
use std::{env, error::Error};

use runward_canary::alert::{Alert, Delivery};
use runward_canary::{Setting, Settings};

const ALERT: &str = r#"{
    "id": "host/Q-01/opened/7", "reason": "opened", "invariant": "Q-01", "title": "Every queue has a worker", "severity": "major",
    "at": "2026-05-20T12:00:00Z", "since": "2026-05-20T11:59:00Z", "instance": "host", "all": 1, "red": 1, "runbook": "Look at the pool.",
    "lines": [{ "subject": "nightly", "kind": "no_worker", "text": "nightly has no worker." }]
}"#;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let (Some(file), Some(argv)) = (words.first(), words.get(1..)) else {
        eprintln!("usage: sinks FILE [COMMAND [ARGUMENT...]]");
        return ExitCode::from(64);
    };
    match tell(file, argv) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("sinks: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether everybody has got it.
fn tell(file: &str, argv: &[String]) -> Result<bool, Box<dyn Error>> {
    let alert = Alert::from_json(ALERT).ok_or("that is no alert")?;
    let text = |text: &String| Setting::Text(text.clone());
    let mut sinks = vec![("file", "path", text(&file.to_owned()))];
    if !argv.is_empty() {
        sinks.push((
            "command",
            "argv",
            Setting::List(argv.iter().map(text).collect()),
        ));
    }
    let mut arrived = true;
    for (kind, key, value) in sinks {
        let settings = Settings::from([(key.to_owned(), value)]);
        let sink = runward_sinks::open(kind, &settings, &|name| env::var(name).ok())?;
        let delivery = sink.deliver(&alert, Duration::from_secs(5));
        println!("{kind}: {delivery:?}");
        arrived &= delivery == Delivery::Delivered;
    }
    Ok(arrived)
}
