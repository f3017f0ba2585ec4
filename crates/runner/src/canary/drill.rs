//! `drill`: breaks something on purpose, and shows that exactly that turns red, and green again when it is mended.
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use runward_canary::{
    Change, Collector, Drill, Invariant, Only, Options, Report, Snapshot, State, Witness, judge,
    suspects,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

use super::args::DrillArgs;
use super::setup::Setup;
use super::{clock, wrong};
use crate::commands::{print, print_json};
use crate::error::{Error, Result};
use crate::terminal::{printable, say};

/// How long a command that provokes or mends may take.
const COMMAND: Duration = Duration::from_secs(60);

type Key = (String, String, String);

/// What came of one drill.
#[derive(Debug, Serialize)]
struct Outcome {
    drill: String,
    invariant: String,
    kind: String,
    subject: String,
    passed: bool,
    /// Why not; empty if it passed.
    why: String,
    red_after_cycles: Option<u64>,
    green_after_cycles: Option<u64>,
    witness: Option<Witness>,
    #[serde(skip)]
    steps: Vec<(Snapshot, Report)>,
}

/// A ledger of its own, in memory, and no alerts.
struct Stage<'a> {
    setup: &'a Setup,
    collector: Collector,
    options: Options,
    signals: SignalFd,
    state: State,
    steps: Vec<(Snapshot, Report)>,
    stopped: bool,
}

pub(super) fn main(args: &DrillArgs) -> Result<u8> {
    let setup = Setup::judging(&args.config)?;
    let drills = chosen(args, &setup)?;
    let missing = if args.all {
        missing(&setup)
    } else {
        Vec::new()
    };
    let mut outcomes = Vec::new();
    let mut stopped = false;
    for drill in drills {
        let mut stage = Stage::open(&setup)?;
        outcomes.push(stage.run(drill));
        stopped = stage.stopped;
        if stopped {
            break;
        }
    }
    if let Some(folder) = &args.evidence {
        evidence(folder, &outcomes)?;
    }
    tell(args, &outcomes, &missing)?;
    let good = !stopped && missing.is_empty() && outcomes.iter().all(|one| one.passed);
    Ok(if good { 0 } else { 2 })
}

fn chosen<'a>(args: &DrillArgs, setup: &'a Setup) -> Result<Vec<&'a Drill>> {
    let all = setup.rules.drills();
    if args.all {
        return Ok(all.iter().collect());
    }
    let names = || {
        all.iter()
            .map(|drill| drill.name.as_str())
            .collect::<Vec<_>>()
    };
    let known = || match names().is_empty() {
        true => "the rules have none".to_owned(),
        false => format!("the rules have {}", names().join(", ")),
    };
    if args.names.is_empty() {
        return Err(Error::usage(format!(
            "name a drill, or say --all; {}",
            known()
        )));
    }
    let find = |name: &String| {
        let found = all.iter().find(|drill| drill.name == *name);
        found.ok_or_else(|| Error::usage(format!("there is no drill {name}; {}", known())))
    };
    args.names.iter().map(find).collect()
}

/// The kinds that nobody has ever seen red.
fn missing(setup: &Setup) -> Vec<String> {
    let kinds = |one: &Invariant| {
        let id = one.meta().id.clone();
        let kinds = one.kinds().into_iter().map(str::to_owned);
        kinds.map(|kind| (id.clone(), kind)).collect::<Vec<_>>()
    };
    let drilled = |id: &str, kind: &str| {
        let mut drills = setup.rules.drills().iter();
        drills.any(|drill| drill.invariant == id && drill.kind == kind)
    };
    let all = setup.rules.invariants().iter().flat_map(kinds);
    all.filter(|(id, kind)| !drilled(id, kind))
        .map(|(id, kind)| format!("{id} {kind}"))
        .collect()
}

impl<'a> Stage<'a> {
    fn open(setup: &'a Setup) -> Result<Self> {
        let mut set = SigSet::empty();
        set.add(Signal::SIGTERM);
        set.add(Signal::SIGINT);
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let signals = set
            .thread_block()
            .and_then(|()| SignalFd::with_flags(&set, flags));
        Ok(Self {
            setup,
            collector: setup.collector()?,
            options: setup.options("drill"),
            signals: signals.map_err(wrong)?,
            state: State::default(),
            steps: Vec::new(),
            stopped: false,
        })
    }

    fn run(&mut self, drill: &Drill) -> Outcome {
        let mut outcome = Outcome {
            drill: drill.name.clone(),
            invariant: drill.invariant.clone(),
            kind: drill.kind.clone(),
            subject: drill.subject.clone(),
            passed: false,
            why: String::new(),
            red_after_cycles: None,
            green_after_cycles: None,
            witness: None,
            steps: Vec::new(),
        };
        let done = self.rehearse(drill, &mut outcome);
        outcome.passed = done.is_ok();
        outcome.why = done.err().unwrap_or_default();
        outcome.steps = std::mem::take(&mut self.steps);
        outcome
    }

    fn rehearse(
        &mut self,
        drill: &Drill,
        outcome: &mut Outcome,
    ) -> std::result::Result<(), String> {
        self.cycle();
        let before = self.red();
        let key = (
            drill.invariant.clone(),
            drill.kind.clone(),
            drill.subject.clone(),
        );
        if before.contains(&key) {
            return Err("it is red before anything was provoked".to_owned());
        }
        let judged = self.judged(&drill.invariant);
        if let Some(why) = judged {
            return Err(format!(
                "it could not be judged before anything was provoked: {why}"
            ));
        }
        let provoked = command("provoke", &drill.provoke);
        let red = provoked.and_then(|()| self.until_red(drill, &key, &before));
        // Whatever came of it, what was broken is mended.
        let mended = command("revert", &drill.revert);
        outcome.red_after_cycles = Some(red?);
        mended?;
        let (cycles, witness) = self.until_green(drill, &key)?;
        outcome.green_after_cycles = Some(cycles);
        outcome.witness = Some(witness);
        Ok(())
    }

    fn until_red(
        &mut self,
        drill: &Drill,
        key: &Key,
        before: &BTreeSet<Key>,
    ) -> std::result::Result<u64, String> {
        for cycle in 1..=drill.within_cycles {
            self.rest(drill.gap)?;
            self.cycle();
            let red = self.red();
            let mut others = red.difference(before).filter(|one| *one != key);
            if let Some((id, kind, subject)) = others.next() {
                return Err(format!("{id} {kind} {subject} turned red as well"));
            }
            if red.contains(key) {
                return Ok(cycle);
            }
        }
        let why = self.judged(&drill.invariant).unwrap_or_default();
        Err(format!(
            "it was not red after {} cycles {why}",
            drill.within_cycles
        ))
    }

    fn until_green(
        &mut self,
        drill: &Drill,
        key: &Key,
    ) -> std::result::Result<(u64, Witness), String> {
        for cycle in 1..=drill.within_cycles {
            self.rest(drill.gap)?;
            if let Some(witness) = closed(self.cycle(), key) {
                return Ok((cycle, witness));
            }
        }
        Err(format!(
            "it was not seen to be well again within {} cycles",
            drill.within_cycles
        ))
    }

    fn cycle(&mut self) -> &Report {
        let begun = clock::boottime();
        let snapshot = clock::mark(self.collector.collect(&clock::now), begun);
        let rules = self.setup.rules.invariants();
        let again = suspects(rules, &snapshot, &self.state, &Only::All);
        let snapshot = self.collector.again(snapshot, &again, &clock::now);
        let cycle = judge(rules, &self.options, &snapshot, &self.state, &Only::All);
        self.state = cycle.state;
        self.steps.push((snapshot, cycle.report));
        &self.steps[self.steps.len() - 1].1
    }

    fn red(&self) -> BTreeSet<Key> {
        let standings = self.state.invariants();
        let keys = standings.flat_map(|(id, standing)| {
            let key = move |(kind, subject, _): (&str, &str, _)| {
                (id.to_owned(), kind.to_owned(), subject.to_owned())
            };
            standing.red().map(key)
        });
        keys.collect()
    }

    /// Why the invariant was not judged in the last cycle, if so.
    fn judged(&self, id: &str) -> Option<String> {
        let (_, report) = self.steps.last()?;
        report.verdicts.get(id)?.cause().map(ToString::to_string)
    }

    /// Waits; an error if somebody wants us to end.
    fn rest(&mut self, gap: Duration) -> std::result::Result<(), String> {
        let limit = Timespec::try_from(gap).map_err(|e| e.to_string())?;
        let mut fds = [PollFd::new(&self.signals, PollFlags::IN)];
        if matches!(poll(&mut fds, Some(&limit)), Ok(ready) if ready > 0) {
            self.stopped = true;
            return Err("it was ended by a signal".to_owned());
        }
        Ok(())
    }
}

fn closed(report: &Report, (id, kind, subject): &Key) -> Option<Witness> {
    report.transitions.iter().find_map(|it| match &it.change {
        Change::Closed { key, witness, .. }
            if it.invariant == *id && key.kind == *kind && key.subject == *subject =>
        {
            Some(witness.clone())
        }
        _ => None,
    })
}

/// Runs a command with a limit of time, in a group of its own; what it says goes nowhere.
fn command(what: &str, argv: &[String]) -> std::result::Result<(), String> {
    use std::os::unix::process::CommandExt;
    let (program, args) = argv.split_first().ok_or("nothing to run")?;
    let mut command = Command::new(program);
    command
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let spawned = command.process_group(0).spawn();
    let mut child = spawned.map_err(|e| format!("{what}: cannot run {program}: {e}"))?;
    let pid = rustix::process::Pid::from_child(&child);
    let flags = rustix::process::PidfdFlags::empty();
    let ended = rustix::process::pidfd_open(pid, flags).map_err(|e| format!("{what}: {e}"))?;
    let until = Instant::now() + COMMAND;
    loop {
        if let Some(status) = child.try_wait().map_err(|e| format!("{what}: {e}"))? {
            return match status.success() {
                true => Ok(()),
                false => Err(format!("{what}: {program} failed: {status}")),
            };
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
            let _ = child.wait();
            return Err(format!("{what}: {program} took longer than {COMMAND:?}"));
        }
        let limit = Timespec::try_from(left).map_err(|e| e.to_string())?;
        let _ = poll(&mut [PollFd::new(&ended, PollFlags::IN)], Some(&limit));
    }
}

/// Files, a folder for each drill; they are no sealed bundle.
fn evidence(folder: &Path, outcomes: &[Outcome]) -> Result<()> {
    let put = |path: PathBuf, text: &str| runward_canary::keep(&path, text).map_err(wrong);
    for outcome in outcomes {
        let folder = folder.join(&outcome.drill);
        std::fs::create_dir_all(&folder).map_err(|e| {
            Error::io(
                "create the directory",
                &folder,
                &e,
                "name another with --evidence",
            )
        })?;
        for (step, (snapshot, report)) in outcome.steps.iter().enumerate() {
            put(
                folder.join(format!("{step:03}-snapshot.json")),
                &snapshot.to_json(),
            )?;
            let report = serde_json::to_string(report).map_err(wrong)?;
            put(folder.join(format!("{step:03}-report.json")), &report)?;
        }
        let text = serde_json::to_string(outcome).map_err(wrong)?;
        put(folder.join("outcome.json"), &text)?;
    }
    Ok(())
}

fn tell(args: &DrillArgs, outcomes: &[Outcome], missing: &[String]) -> Result<()> {
    for kind in missing {
        say(printable(&format!("no drill for {kind}")));
    }
    if args.json {
        return print_json(
            &serde_json::json!({ "schema": 1, "drills": outcomes, "missing": missing }),
        );
    }
    let line = |one: &Outcome| {
        let result = if one.passed { "passed" } else { "FAILED" };
        let key = format!("{} {} {}", one.invariant, one.kind, one.subject);
        let cycles = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
        let (red, green) = (cycles(one.red_after_cycles), cycles(one.green_after_cycles));
        let text = format!(
            "{result}  {}  {key}  red after {red}, green after {green}  {}",
            one.drill, one.why
        );
        format!("{}\n", printable(text.trim_end()))
    };
    print(outcomes.iter().map(line).collect::<String>().as_bytes())
}
