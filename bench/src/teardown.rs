//! How long a stack of five services takes to be gone as a whole, beside the least that the engine needs: until it says itself that
//! the last container is gone, after its services were removed and nothing else was done.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Stdio;
use std::time::{Duration, Instant};

use runward_swarm::{Inventory, Kind, StackName};

use crate::Result;
use crate::report::{Outcome, Section, Unit};
use crate::rounds::order;
use crate::setting::Setting;
use crate::stacks::{Bed, OBEYS};
use crate::stats::Samples;

const ENGINE: &str = "the engine, containers only";
const OURS: &str = "runward-swarm, all six kinds";
const DOCKER: &str = "docker stack rm, until it returns";
const SERVICES: usize = 5;

/// Takes a stack down, as far as it does.
type Way = fn(&Bed, &StackName) -> Result;

const WAYS: [(&str, Way); 3] = [
    (ENGINE, services_alone),
    (OURS, Bed::remove),
    (DOCKER, stack_rm),
];

pub(crate) fn section(setting: &Setting) -> Section {
    let title = format!("Removal of a stack of {SERVICES} services, 1 network, 1 config, 1 volume");
    let mut section = Section::new("teardown", title, Unit::Nanoseconds);
    match bouts(setting.rounds(10, 2)) {
        Err(error) => section.row(OURS, Outcome::Missing(error.to_string())),
        Ok(all) => {
            for ((name, _), samples) in WAYS.iter().zip(all) {
                if let Some(summary) = samples.summary() {
                    section.row(*name, Outcome::Measured(summary, String::new()));
                }
            }
        }
    }
    section.target_ratio(OURS, ENGINE, 1.3);
    section.note("`docker stack rm` leaves the volume, and leaks addresses of networks that are shared: see the section on the overlay.");
    section
}

fn bouts(rounds: usize) -> Result<Vec<Samples>> {
    let bed = Bed::new()?;
    let mut samples = vec![Samples::default(); WAYS.len()];
    for round in 0..rounds {
        for turn in order(round, WAYS.len()) {
            let stack = StackName::new(format!("bench{round}x{turn}"))?;
            if !bed.deploy(&stack, &compose(&bed)?, Duration::from_secs(60))? {
                return Err("the stack does not start".into());
            }
            let began = Instant::now();
            WAYS[turn].1(&bed, &stack)?;
            samples[turn].push(began.elapsed().as_secs_f64() * 1e9);
            bed.remove(&stack)?;
        }
    }
    Ok(samples)
}

fn compose(bed: &Bed) -> Result<String> {
    let conf = bed.swarm.socket().with_file_name("conf");
    std::fs::write(&conf, "shown")?;
    let mut text = String::from("version: \"3.8\"\nservices:\n");
    for number in 0..SERVICES {
        text.push_str(&format!(
            "  s{number}: {{image: \"tiny:1\", command: {OBEYS}, configs: [conf], volumes: [\"data:/data\"]}}\n"
        ));
    }
    text.push_str(&format!(
        "configs: {{conf: {{file: {}}}}}\nvolumes: {{data: {{}}}}\n",
        conf.display()
    ));
    Ok(text)
}

fn stack_rm(bed: &Bed, stack: &StackName) -> Result {
    let mut command = bed.swarm.command();
    command
        .args(["stack", "rm", "--detach=false", stack.as_str()])
        .stdout(Stdio::null());
    command.status()?;
    Ok(())
}

/// Asks the engine itself, with nothing between: to remove the services, and to say when their containers are gone.
fn services_alone(bed: &Bed, stack: &StackName) -> Result {
    let filters = format!(
        "%7B%22event%22%3A%5B%22destroy%22%5D%2C%22label%22%3A%5B%22com.docker.stack.namespace%3D{stack}%22%5D%7D"
    );
    let events = ask(bed, "GET", &format!("/events?filters={filters}"))?;
    let services = Inventory::of(&bed.engine, stack, &[])?;
    for service in services
        .objects()
        .iter()
        .filter(|object| object.kind() == Kind::Service)
    {
        ask(bed, "DELETE", &format!("/services/{}", service.name()))?
            .read_to_end(&mut Vec::new())?;
    }
    let gone = BufReader::new(events)
        .lines()
        .map_while(std::result::Result::ok);
    let gone = gone.filter(|line| line.contains("\"Action\":\"destroy\""));
    match gone.take(SERVICES).count() {
        SERVICES => Ok(()),
        _ => Err("the engine went away".into()),
    }
}

fn ask(bed: &Bed, method: &str, path: &str) -> Result<UnixStream> {
    let mut stream = UnixStream::connect(bed.swarm.socket())?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    write!(stream, "{method} /v1.41{path} HTTP/1.0\r\n\r\n")?;
    Ok(stream)
}
