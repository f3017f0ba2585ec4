//! Sealing and judging the bundle, in whichever process finishes the run, after the teardowns and before the locks go.
use std::fs;
use std::path::Path;

use runward_evidence::{
    Dir, Judgement, Outcome as Judged, Report, Source, Spec, Terms, Verdict, bundle, verify,
};
use runward_lifetime::Outcome;
use runward_lock::{LockDir, Name, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::evidence::Evidence;
use crate::commands::evidence::terms;
use crate::exit::Findings;
use crate::record::{App, Record, timestamp};

/// What the bundle came to: for the record, and for the owner to say.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Finding {
    /// None where there was no spec and nothing is wrong with the seal.
    pub(crate) verdict: Option<String>,
    /// What is not proven, or could not be done.
    pub(crate) why: Option<String>,
    /// Where the bundle is, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dir: Option<String>,
}

/// What the process that finishes has besides the note.
#[derive(Default)]
pub(super) struct Judge {
    /// None where it has to be read again.
    pub(super) spec: Option<Spec>,
    /// None where nobody is left who knows.
    pub(super) events: Option<Vec<u8>>,
}

/// A seal is checked by the rule that every spec has.
const SEAL_ALONE: &str =
    "schema = 1\nid = \"seal\"\n[files]\nunread = \"allow\"\nwhy = \"the seal alone is judged\"\n";

impl Finding {
    /// Not green, until it is known.
    pub(super) fn pending(evidence: &Evidence) -> Self {
        Self::inconclusive(&evidence.staging(), "the bundle is not sealed yet")
    }

    fn inconclusive(dir: &Path, why: impl Into<String>) -> Self {
        Self {
            dir: Some(dir.to_string_lossy().into_owned()),
            ..Self::gone(why)
        }
    }

    fn gone(why: impl Into<String>) -> Self {
        Self {
            verdict: Some(Verdict::Inconclusive.name().into()),
            why: Some(why.into()),
            dir: None,
        }
    }

    /// What it adds to the exit code.
    pub(crate) fn findings(&self) -> Findings {
        let verdict = self.verdict.as_deref();
        Findings {
            refuted: verdict == Some(Verdict::Refuted.name()),
            inconclusive: matches!(verdict, Some("inconclusive" | "vacuous")),
            ..Findings::default()
        }
    }
}

/// Seals, brings the bundle to its place, judges it. May be done again by another process that finds it half done.
pub(super) fn seal(
    evidence: &Evidence,
    record: &Record,
    outcome: &Outcome,
    judge: &Judge,
) -> Finding {
    let (staging, dir) = (evidence.staging(), evidence.dir());
    if !is_directory(&staging) {
        return match is_ours(&dir, bundle::MANIFEST, evidence) {
            true => verdict(evidence, &dir, judge),
            false => Finding::gone("the program removed RUNWARD_EVIDENCE_DIR"),
        };
    }
    // What has no seal could not be told from what nobody ever sealed, so it does not get to its place.
    if let Err(why) = fill(evidence, &staging, record, outcome, judge) {
        return Finding::inconclusive(&staging, why);
    }
    match fs::rename(&staging, &dir) {
        Ok(()) => verdict(evidence, &dir, judge),
        Err(e) => {
            let why = format!("the bundle cannot be moved to {}: {e}", dir.display());
            Finding::inconclusive(&staging, why)
        }
    }
}

fn is_directory(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Whether a process made the file that was killed while it finished this run: by the mark, which the program does not see.
fn is_ours(dir: &Path, name: &str, evidence: &Evidence) -> bool {
    let Some(mark) = &evidence.mark else {
        return false;
    };
    let mark = format!("\"mark\":{}", json!(mark));
    // Not opened but by what neither waits nor reads without end.
    let file = Dir::open(dir)
        .ok()
        .and_then(|dir| dir.read(name, &Terms::new()).ok());
    file.is_some_and(|text| String::from_utf8_lossy(&text).contains(&mark))
}

fn fill(
    evidence: &Evidence,
    staging: &Path,
    record: &Record,
    outcome: &Outcome,
    judge: &Judge,
) -> Result<(), String> {
    let said = |e: runward_evidence::Error| e.to_string();
    // The file about the run is the first that is written, so the others are ours only where that one is.
    let own = [bundle::MANIFEST, bundle::RUN, bundle::EVENTS];
    let taken = |name: &&str| fs::symlink_metadata(staging.join(name)).is_ok();
    let taken = own.into_iter().find(taken);
    if let Some(name) = taken.filter(|_| !is_ours(staging, bundle::RUN, evidence)) {
        return Err(format!(
            "the program wrote {name}, which is a name of runward's own in a bundle; call it otherwise"
        ));
    }
    let terms = terms().ok_or("there is no day to judge waivers by")?;
    let run = run_file(evidence, record, outcome);
    let text = format!("{run}\n");
    bundle::put(staging, bundle::RUN, text.as_bytes()).map_err(said)?;
    if let Some(events) = &judge.events {
        bundle::put(staging, bundle::EVENTS, &with_key(events, evidence)).map_err(said)?;
    }
    let about = json!({"key": evidence.facts.key, "run_id": record.run_id, "mark": evidence.mark});
    bundle::seal(staging, evidence.armed, &about.to_string(), &terms).map_err(said)
}

/// Each line says whose it is.
fn with_key(events: &[u8], evidence: &Evidence) -> Vec<u8> {
    let key = json!(evidence.facts.key);
    let lines = String::from_utf8_lossy(events);
    let lines = lines.lines().filter_map(|line| line.strip_suffix('}'));
    let lines = lines.map(|line| format!("{line},\"key\":{key}}}\n"));
    lines.collect::<String>().into_bytes()
}

/// What runward knows: the record, without what is yet to be decided, and what was known when the run was armed.
fn run_file(evidence: &Evidence, record: &Record, outcome: &Outcome) -> Value {
    let mut run = json!(record);
    let succeeded = outcome.teardowns().iter().filter(|one| one.succeeded());
    let more = [
        json!(evidence.facts),
        json!({
            "armed": timestamp(evidence.armed),
            "mark": evidence.mark,
            "finished_by": outcome.finished_by(),
            "teardowns_succeeded": succeeded.count(),
            "apps": apps(evidence, &record.apps),
        }),
    ];
    if let Some(run) = run.as_object_mut() {
        for undecided in ["exit", "verdict", "evidence"] {
            run.remove(undecided);
        }
        let more = more
            .into_iter()
            .filter_map(|value| value.as_object().cloned());
        run.extend(more.flatten());
    }
    run
}

/// The fences once more: a lock that was held throughout has the one that it had.
fn apps(evidence: &Evidence, apps: &[App]) -> Vec<Value> {
    let locks = LockDir::open(evidence.locks()).ok();
    let now = |app: &App| {
        let name = Name::new(&*app.name).ok()?;
        let state = locks.as_ref()?.peek(&name).ok()?;
        let State::Held(holder) = state else {
            return None;
        };
        let record = holder.record().filter(|record| !record.released())?;
        Some(record.fence().get())
    };
    let app = |app: &App| {
        json!({
            "name": app.name, "fence": app.fence, "fence_at_seal": now(app), "waited_ms": app.waited_ms,
        })
    };
    apps.iter().map(app).collect()
}

fn verdict(evidence: &Evidence, dir: &Path, judge: &Judge) -> Finding {
    match judged(evidence, dir, judge) {
        Ok(finding) => finding,
        Err(why) => Finding::inconclusive(dir, why),
    }
}

fn judged(evidence: &Evidence, dir: &Path, judge: &Judge) -> Result<Finding, String> {
    let said = |e: runward_evidence::Error| e.to_string();
    let given = judge.spec.clone().map(Ok).or_else(|| evidence.spec());
    let given = given.transpose()?;
    let with_spec = given.is_some();
    let spec = given.map_or_else(|| Spec::parse("seal", SEAL_ALONE).map_err(said), Ok)?;
    let terms = terms().ok_or("there is no day to judge waivers by")?;
    let report = verify(&spec, &Dir::open(dir).map_err(said)?, &terms);
    let verdict = match with_spec {
        true => report.verdict(),
        false => of_the_seal(&report),
    };
    let worst = |one: &&Judgement| one.outcome() == Judged::Judged(verdict);
    let open = report
        .judgements()
        .iter()
        .filter(|one| one.failure().is_some());
    Ok(Finding {
        verdict: (with_spec || verdict != Verdict::Proven).then(|| verdict.name().into()),
        why: open
            .clone()
            .find(worst)
            .map(|one| reason(one, open.count())),
        dir: Some(dir.to_string_lossy().into_owned()),
    })
}

/// Of a spec that asks nothing, only what it says of the seal counts.
fn of_the_seal(report: &Report) -> Verdict {
    match report.judgement("bundle.sealed").map(Judgement::outcome) {
        Some(Judged::Judged(verdict)) => verdict,
        _ => Verdict::Vacuous,
    }
}

fn reason(first: &Judgement, count: usize) -> String {
    let message = first.failure().map_or("", |failure| failure.message());
    let more = match count {
        0 | 1 => String::new(),
        more => format!(", and {} more", more - 1),
    };
    format!("{}: {message}{more}", first.id())
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
