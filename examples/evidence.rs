//! Judges a bundle of artifacts with `runward-evidence` and nothing else.
//!
//! ```text
//! cargo run -p runward-examples --example evidence -- verify SPEC DIRECTORY [FORMAT]   # human, json, junit, sarif, tap
//! cargo run -p runward-examples --example evidence -- prove SPEC DIRECTORY
//! cargo run -p runward-examples --example evidence -- explain SPEC RULE
//! cargo run -p runward-examples --example evidence -- lint SPEC
//! ```
//!
//! Without words it makes a bundle of its own in memory, judges it, and forges it.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example shows what it does"
)]

use std::{env, error::Error, path::Path, process::ExitCode};

use runward_evidence::command::{Answer, run_explain, run_lint, run_prove, run_verify};
use runward_evidence::{Format, Memory, Spec, Terms, verify};

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let terms = Terms::new();
    let answer = match words[..] {
        [] => return story().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        ["verify", spec, bundle] => run_verify(
            Path::new(spec),
            Path::new(bundle),
            &[],
            Format::Human,
            &terms,
        ),
        ["verify", spec, bundle, format] => match Format::named(format) {
            Some(format) => run_verify(Path::new(spec), Path::new(bundle), &[], format, &terms),
            None => return usage(),
        },
        ["prove", spec, bundle] => run_prove(Path::new(spec), Path::new(bundle), &[], &terms),
        ["explain", spec, rule] => run_explain(Path::new(spec), rule, &[]),
        ["lint", spec] => run_lint(Path::new(spec), &[]),
        _ => return usage(),
    };
    tell(&answer)
}

fn tell(answer: &Answer) -> ExitCode {
    print!("{}", answer.text());
    if let Some(complaint) = answer.complaint() {
        eprintln!("evidence: {complaint}");
    }
    ExitCode::from(answer.code())
}

fn usage() -> ExitCode {
    eprintln!(
        "usage: evidence [verify SPEC DIRECTORY [FORMAT] | prove SPEC DIRECTORY | explain SPEC RULE | lint SPEC]"
    );
    ExitCode::from(64)
}

const SPEC: &str = r#"
schema = 1
id = "failover"

[[artifact]]
id = "run"
file = "run.json"
kind = "json"

[[rule]]
id = "tried"
check = "cmp"
left = { at = "run:/attempts", type = "u64" }
op = ">="
right = { value = 1 }
otherwise = "vacuous"
why = "no error among no attempts proves nothing"

[[rule]]
id = "no-errors"
check = "eq"
after = ["tried"]
at = "run:/errors"
value = 0
"#;

fn story() -> Result<(), Box<dyn Error>> {
    let spec = Spec::parse("failover.toml", SPEC)?;
    for run in [
        r#"{"attempts": 3, "errors": 0}"#,
        r#"{"attempts": 0, "errors": 0}"#,
        r#"{"attempts": 3, "errors": 1}"#,
        r#"{"attempts": 3, "errors": 1, "errors": 0}"#,
    ] {
        let mut bundle = Memory::new();
        bundle.insert("run.json", run);
        let report = verify(&spec, &bundle, &Terms::new());
        println!("{run}\n{}", report.render(Format::Human));
    }
    Ok(())
}
