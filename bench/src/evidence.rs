//! The verdict on artifacts: beside a program that only loads them, and alone with many.

use std::fmt::Write;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use runward_evidence::{Dir, Memory, Spec, Terms, Verdict, prove, verify};

use crate::Result;
use crate::report::{Outcome, Section, Unit};
use crate::rounds::order;
use crate::setting::Setting;
use crate::stats::Samples;

const VERIFY: &str = "runward-evidence verify";
const LOAD: &str = "python3: json.load of each";
const READ: &str = "runward-evidence, with places and duplicate keys";
const SERDE: &str = "serde_json::Value";

pub(crate) fn sections(setting: &Setting) -> Vec<Section> {
    let mut sections = match data() {
        None => vec![missing()],
        Some(data) => vec![
            reference(setting, &data),
            reading(setting, &data),
            proving(setting, &data),
        ],
    };
    sections.push(many(setting));
    sections
}

/// The artifacts of a real run: where `RUNWARD_TEST_DATA` says, else beside the repository.
fn data() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    let data = std::env::var_os("RUNWARD_TEST_DATA").map_or(beside, PathBuf::from);
    data.join("policy-scheduler.spec.toml")
        .exists()
        .then_some(data)
}

fn missing() -> Section {
    let mut section = Section::new("evidence", "The verdict on a real run", Unit::Nanoseconds);
    let reason = "no artifacts: set RUNWARD_TEST_DATA to their directory";
    section.row(VERIFY, Outcome::Missing(reason.into()));
    section
}

type Turn<'a> = (&'a str, Box<dyn Fn() -> Result + 'a>);

/// Measures each contender in turn, and puts it into the section.
fn measure(rounds: usize, turns: &[Turn<'_>], section: &mut Section) {
    let mut samples = vec![Ok(Samples::default()); turns.len()];
    for round in 0..rounds {
        for turn in order(round, turns.len()) {
            let began = Instant::now();
            let done = turns[turn].1();
            let took = began.elapsed().as_secs_f64() * 1e9;
            if let Ok(taken) = &mut samples[turn] {
                match done {
                    Ok(()) => taken.push(took),
                    Err(error) => samples[turn] = Err(error.to_string()),
                }
            }
        }
    }
    for ((name, _), samples) in turns.iter().zip(samples) {
        let outcome = match samples.map(|samples| samples.summary()) {
            Ok(Some(summary)) => Outcome::Measured(summary, String::new()),
            Ok(None) => Outcome::Missing("no round was run".into()),
            Err(error) => Outcome::Failed(error),
        };
        section.row(*name, outcome);
    }
}

fn reference(setting: &Setting, data: &Path) -> Section {
    let title =
        "The reference spec, 202 rules, on the 1.5 MB of a real run, spec and files read each time";
    let mut section = Section::new("evidence", title, Unit::Nanoseconds);
    let turns: [Turn<'_>; 2] = [
        (VERIFY, Box::new(|| judged(data))),
        (LOAD, Box::new(|| loaded_by_python(data))),
    ];
    measure(setting.rounds(50, 5), &turns, &mut section);
    section.target_ratio(VERIFY, LOAD, 0.2);
    if let Some(found) = section.summary(VERIFY) {
        section.target("verify, median in ms", found.median / 1e6, 20.0);
    }
    section.note("the verdict is taken in this process; starting one is measured under `spawn`");
    section
}

fn spec(data: &Path) -> Result<Spec> {
    Ok(Spec::load::<&str, &str>(
        data.join("policy-scheduler.spec.toml"),
        &[],
    )?)
}

fn judged(data: &Path) -> Result {
    let bundle = Dir::open(data.join("policy-scheduler-live"))?;
    let report = verify(&spec(data)?, &bundle, &Terms::new());
    match report.verdict() {
        Verdict::Proven => Ok(()),
        other => Err(format!("the run is {}", other.name()).into()),
    }
}

const LOADER: &str = "
import json, pathlib, sys
for path in pathlib.Path(sys.argv[1]).rglob('*'):
    if path.suffix == '.json':
        json.load(path.open())
    elif path.is_file():
        path.read_text()
";

fn loaded_by_python(data: &Path) -> Result {
    let mut python = Command::new("python3");
    python
        .args(["-I", "-c", LOADER])
        .arg(data.join("policy-scheduler-live"));
    let status = python.stdin(Stdio::null()).status()?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("python3: {status}").into()),
    }
}

const SHAPE: &str = "schema = 1\nid = 'x'\n[[artifact]]\nid = 'a'\nfile = 'a'\nkind = 'json'\n";

fn reading(setting: &Setting, data: &Path) -> Section {
    let title = "Reading a JSON document of 211 kB from memory";
    let mut section = Section::new("evidence-json", title, Unit::Nanoseconds);
    let file = data.join("policy-scheduler-live/active-status.json");
    let (Ok(bytes), Ok(spec)) = (fs::read(&file), Spec::parse("x", SHAPE)) else {
        section.row(READ, Outcome::Failed(format!("{}", file.display())));
        return section;
    };
    let mut bundle = Memory::new();
    bundle.insert("a", bytes.clone());
    let turns: [Turn<'_>; 2] = [
        (
            SERDE,
            Box::new(|| {
                black_box(serde_json::from_slice::<serde_json::Value>(&bytes)?);
                Ok(())
            }),
        ),
        (
            READ,
            Box::new(|| {
                black_box(verify(&spec, &bundle, &Terms::new()));
                Ok(())
            }),
        ),
    ];
    measure(setting.rounds(200, 20), &turns, &mut section);
    section.target_ratio(READ, SERDE, 2.0);
    section.note(
        "ours includes a copy of the bytes, the check of their encoding, and a whole verdict",
    );
    section
}

fn proving(setting: &Setting, data: &Path) -> Section {
    let title = "A change of the real run for each of 202 rules that trips it alone";
    let mut section = Section::new("evidence-prove", title, Unit::Nanoseconds);
    let turns: [Turn<'_>; 1] = [(
        "runward-evidence prove",
        Box::new(|| {
            let bundle = Dir::open(data.join("policy-scheduler-live"))?;
            let proofs = prove(&spec(data)?, &bundle, &Terms::new())?;
            match proofs.is_complete() {
                true => Ok(()),
                false => Err(proofs.to_string().into()),
            }
        }),
    )];
    measure(setting.rounds(5, 1), &turns, &mut section);
    if let Some(found) = section.summary("runward-evidence prove") {
        section.target("prove, median in s", found.median / 1e9, 10.0);
    }
    section
}

/// Rules for each artifact of the large bundle.
const RULES: usize = 8;

fn many(setting: &Setting) -> Section {
    let artifacts = setting.rounds(10_000, 1000);
    let title = format!(
        "{artifacts} artifacts, {} rules after expansion",
        artifacts * (RULES + 2)
    );
    let mut section = Section::new("evidence-many", title, Unit::Nanoseconds);
    let (full, half) = (large(artifacts), large(artifacts / 2));
    let turn = |(text, bundle): &(String, Memory)| {
        let report = verify(&Spec::parse("x", text)?, bundle, &Terms::new());
        match report.verdict() {
            Verdict::Proven => Ok(()),
            other => Err(other.name().into()),
        }
    };
    let turns: [Turn<'_>; 2] = [
        ("half of them", Box::new(|| turn(&half))),
        ("all of them", Box::new(|| turn(&full))),
    ];
    measure(setting.rounds(5, 1), &turns, &mut section);
    section.target_ratio("all of them", "half of them", 2.5);
    if let Some(found) = section.summary("all of them") {
        section.target("all of them, median in s", found.median / 1e9, 2.0);
    }
    section
}

fn large(artifacts: usize) -> (String, Memory) {
    let cells: Vec<String> = (0..artifacts).map(|cell| format!("\"{cell}\"")).collect();
    let mut text = format!(
        "schema = 1\nid = \"many\"\n[sets]\ncell = [{}]\n",
        cells.join(", ")
    );
    text.push_str("[[artifact]]\nid = \"c{cell}\"\nfor = { cell = \"cell\" }\nfile = \"{cell}.json\"\nkind = \"json\"\n");
    for rule in 0..RULES {
        let _ = write!(
            text,
            "[[rule]]\nid = \"r{rule}.{{cell}}\"\nfor = {{ cell = \"cell\" }}\ncheck = \"cmp\"\nleft = {{ at = \"c{{cell}}:/n{rule}\", type = \"u64\" }}\nop = \"==\"\nright = {{ value = {rule} }}\n"
        );
    }
    let members: Vec<String> = (0..RULES)
        .map(|rule| format!("\"n{rule}\": {rule}"))
        .collect();
    let document = format!("{{{}}}", members.join(", "));
    let mut bundle = Memory::new();
    for cell in 0..artifacts {
        bundle.insert(format!("{cell}.json"), document.as_str());
    }
    (text, bundle)
}
