//! A whole look with its judgement, beside the bare reads and beside naive ones.

use std::time::Instant;

use super::bare::Bare;
use super::fleet::{Fleet, Server};
use crate::Result;
use crate::report::{Outcome, Section, Unit};
use crate::rounds::order;
use crate::setting::Setting;
use crate::stats::Samples;

const LOOK: &str = "runward-canary, a look and its judgement";
const BARE: &str = "the same reads, pipelined, and nobody looks";
const NAIVE: &str = "a TTL call for each slot, a query for each agent";
const WHOLE: &str = "the same, and a call for the limit of each slot";

pub(super) fn section(setting: &Setting) -> Section {
    let title = "A cycle of 1,000 agents with 10 slots each, Redis and SQLite on the loopback";
    let mut section = Section::new("canary", title, Unit::Nanoseconds);
    if let Err(error) = measure(setting, &mut section) {
        section.row(LOOK, Outcome::Failed(error.to_string()));
    }
    section.target_ratio(LOOK, BARE, 1.5);
    section.target_ratio(LOOK, NAIVE, 0.1);
    section.target_ratio(LOOK, WHOLE, 0.1);
    section
}

fn measure(setting: &Setting, section: &mut Section) -> Result {
    let server = Server::start(setting.scratch())?;
    let mut fleet = Fleet::new(&server, setting.scratch(), 0, (1000, 10))?;
    let mut bare = Bare::new(server.client(0)?, &fleet)?;
    let mut samples: [Samples; 4] = Default::default();
    // The naive one takes longer than the others together.
    let (rounds, naive) = (setting.rounds(60, 4), setting.rounds(10, 1));
    for round in 0..rounds {
        for turn in order(round, 4) {
            if turn >= 2 && round % (rounds / naive) != 0 {
                continue;
            }
            let began = Instant::now();
            match turn {
                0 => bare.pipelined(&fleet)?,
                1 => fleet.cycle()?,
                _ => bare.singly(&fleet, turn == 3)?,
            }
            samples[turn].push(began.elapsed().as_secs_f64() * 1e9);
        }
    }
    for (name, samples) in [BARE, LOOK, NAIVE, WHOLE].into_iter().zip(samples) {
        let summary = samples.summary().ok_or("no round was run")?;
        section.row(name, Outcome::Measured(summary, String::new()));
    }
    let invariants = fleet.invariants();
    section.note(format!(
        "{invariants} invariants over ten facets; ours connects to Redis anew for each stage, the others stay connected; the naive ones \
         make no scan, and the first of them reads no limits"
    ));
    Ok(())
}
