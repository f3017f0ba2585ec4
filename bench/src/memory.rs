//! What a wrapper keeps in memory while its program waits.

use std::fs;

use crate::Result;
use crate::contender::{RUNWARD, Shape, WRAPPERS};
use crate::report::{Outcome, Section, Unit};
use crate::running::{Running, heard, settle};
use crate::setting::Setting;
use crate::stats::Samples;

pub(crate) fn section(setting: &Setting) -> Section {
    let title = "Memory of the wrapper's own processes while its program waits (PSS)";
    let mut section = Section::new("memory", title, Unit::KiB);
    for shape in WRAPPERS {
        let outcome = measure(setting, shape).unwrap_or_else(|e| Outcome::Missing(e.to_string()));
        section.row(shape.name, outcome);
    }
    if let Some(ours) = section.summary(RUNWARD.name) {
        section.target(
            format!("{} in MiB", RUNWARD.name),
            ours.median / 1024.0,
            2.0,
        );
    }
    section.note("A dynamic program shares its libraries with others, so its PSS falls as more of them run; RSS does not.");
    section
}

/// Three runs.
fn measure(setting: &Setting, shape: &Shape) -> Result<Outcome> {
    let (mut pss, mut remark) = (Samples::default(), String::new());
    for _ in 0..setting.rounds(3, 1) {
        let contender = shape.find(setting)?;
        let command = heard(contender.around([setting.helper("bench-idle")]));
        let mut running = Running::start(setting, command, "memory")?;
        running.wait_ready()?;
        settle();
        let own = running.own();
        if own.is_empty() {
            return Err("it replaces itself with the program: nothing of it stays".into());
        }
        let total = |field| own.iter().map(|pid| rollup(*pid, field)).sum::<f64>();
        pss.push(total("Pss:"));
        let (rss, dirty) = (total("Rss:"), total("Private_Dirty:"));
        remark = format!(
            "{} processes, RSS {rss:.0}, private dirty {dirty:.0} KiB",
            own.len()
        );
    }
    let summary = pss.summary().ok_or("no round was run")?;
    Ok(Outcome::Measured(summary, remark))
}

/// A field of smaps_rollup, in KiB; nothing for a process that has ended.
fn rollup(pid: u32, field: &str) -> f64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).unwrap_or(0.0)
}
