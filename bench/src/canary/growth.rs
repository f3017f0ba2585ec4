//! Cycles of ten and a hundred times as many slots: time, and the memory of the whole process.

use std::fs;
use std::time::Instant;

use super::fleet::{Fleet, Server};
use crate::Result;
use crate::report::{Outcome, Section, Unit};
use crate::setting::Setting;
use crate::stats::Samples;

const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

pub(super) fn section(setting: &Setting) -> Section {
    let title = "A look and its judgement, by slots, ten of each agent";
    let mut section = Section::new("canary-growth", title, Unit::Nanoseconds);
    if let Err(error) = measure(setting, &mut section) {
        section.row("cycles", Outcome::Failed(error.to_string()));
    }
    let [_, ten, hundred] = SIZES.map(name);
    section.target_ratio(&hundred, &ten, 12.0);
    section
}

fn name(slots: usize) -> String {
    format!("{slots} slots")
}

fn measure(setting: &Setting, section: &mut Section) -> Result {
    let server = Server::start(setting.scratch())?;
    let mut most = 0.0;
    for (database, slots) in SIZES.into_iter().enumerate() {
        // A number of its own for each file: the first section has the first.
        let (database, size) = (database + 1, (slots / 10, 10));
        let mut fleet = Fleet::new(&server, setting.scratch(), database, size)?;
        let mut samples = Samples::default();
        // The peak from here on: proc(5), clear_refs.
        fs::write("/proc/self/clear_refs", "5")?;
        for _ in 0..setting.rounds(10, 2) {
            let began = Instant::now();
            fleet.cycle()?;
            samples.push(began.elapsed().as_secs_f64() * 1e9);
        }
        let peak = peak()?;
        most = f64::max(most, peak);
        let summary = samples.summary().ok_or("no round was run")?;
        let each = summary.median / slots as f64 / 1e3;
        let remark = format!("{each:.2} µs a slot, peak {peak:.0} MiB");
        section.row(name(slots), Outcome::Measured(summary, remark));
    }
    section.target("peak of the resident set in MiB", most, 300.0);
    Ok(())
}

/// The highest resident set, in MiB.
fn peak() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmHWM")?.parse::<f64>()? / 1024.0)
}
