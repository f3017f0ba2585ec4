//! Deploy and remove, again and again, on a network that the stacks share and that has 14 addresses: who loses one in each round
//! comes to a deploy that never starts.

use std::process::Stdio;
use std::time::{Duration, Instant};

use runward_swarm::{Inventory, StackName};

use crate::Result;
use crate::report::{Outcome, Section, Unit};
use crate::setting::Setting;
use crate::stacks::{Bed, OBEYS};
use crate::stats::Samples;

const OURS: &str = "runward-swarm";
const DOCKER: &str = "docker stack rm";

/// A stack that has not started by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// A way to remove a stack.
type Remove = fn(&Bed, &StackName) -> Result;

pub(crate) fn section(setting: &Setting) -> Section {
    let rounds = setting.rounds(100, 16);
    let title = format!("Rounds of deploy and removal on a shared /28 overlay, of {rounds}");
    let mut section = Section::new("overlay", title, Unit::Count);
    let ways: [(&str, Remove); 2] = [(OURS, Bed::remove), (DOCKER, stack_rm)];
    // One after the other and each with an engine of its own: what is counted does not depend on the machine's mood.
    for (number, (name, remove)) in ways.into_iter().enumerate() {
        let outcome = bout(rounds, number, remove);
        section.row(
            name,
            outcome.unwrap_or_else(|error| Outcome::Missing(error.to_string())),
        );
    }
    if let Some(ours) = section.summary(OURS) {
        let lost = rounds as f64 - ours.median;
        section.target(format!("rounds that {OURS} did not get to"), lost, 0.0);
    }
    section.note("Each stack has one service on the shared network and on one of its own.");
    section
}

fn bout(rounds: usize, number: usize, remove: Remove) -> Result<Outcome> {
    let bed = Bed::new()?;
    let subnet = format!("10.9{number}.0.0/28");
    bed.swarm.docker([
        "network", "create", "-d", "overlay", "--subnet", &subnet, "shared",
    ]);
    let stack = StackName::new("bench")?;
    let mut done = 0;
    while done < rounds && bed.deploy(&stack, &compose(), PATIENCE)? {
        remove(&bed, &stack)?;
        done += 1;
    }
    let remark = match done == rounds {
        true => String::new(),
        false => format!("deploy {} never started", done + 1),
    };
    let mut samples = Samples::default();
    samples.push(done as f64);
    let summary = samples.summary().ok_or("nothing was counted")?;
    Ok(Outcome::Measured(summary, remark))
}

fn compose() -> String {
    format!(
        r#"
version: "3.8"
services: {{web: {{image: "tiny:1", command: {OBEYS}, networks: [shared, inner]}}}}
networks: {{inner: {{}}, shared: {{external: true}}}}
"#
    )
}

/// And a wait until nothing is left of it, as whoever deploys the same stack again has to.
fn stack_rm(bed: &Bed, stack: &StackName) -> Result {
    let mut command = bed.swarm.command();
    command
        .args(["stack", "rm", stack.as_str()])
        .stdout(Stdio::null());
    command.status()?;
    let until = Instant::now() + PATIENCE;
    while !Inventory::of(&bed.engine, stack, &[])?.is_empty() {
        if Instant::now() > until {
            return Err("the stack is there still".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}
