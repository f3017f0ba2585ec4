//! Runs that come and go on a real Swarm and end in every way there is, with sweeps that are killed too.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use runward_tests::chance::{Chance, number};
use runward_tests::{Running, Sandbox, binaries};
use rustix::process::Signal;

use crate::build::Build;
use crate::harness::{Bed, bed};

const APPS: u64 = 5;
/// Longer than a deploy takes; a killed one is killed somewhere in it, in its work, or in its teardown.
const LONGEST: Duration = Duration::from_secs(7);

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    End,
    Cancel,
    Deadline,
    Step,
    Owner,
    Guardian,
    Both,
}

impl Fate {
    const ALL: [Self; 7] = [
        Self::End,
        Self::Cancel,
        Self::Deadline,
        Self::Step,
        Self::Owner,
        Self::Guardian,
        Self::Both,
    ];

    /// Codes with which such a run may end; none where it may end anyhow.
    fn codes(self) -> &'static [i32] {
        match self {
            // Without its guardian the owner goes on.
            Self::End | Self::Guardian => &[0],
            Self::Cancel => &[0, 143],
            Self::Deadline => &[0, 142],
            _ => &[],
        }
    }
}

/// What happened, and what must not have.
#[derive(Default)]
struct Log {
    counts: BTreeMap<String, usize>,
    left: Vec<String>,
    wrong: Vec<String>,
}

impl Log {
    fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }
}

#[test]
fn runs_that_end_in_every_way_leave_nothing_and_are_never_touched() {
    let test = "runs_that_end_in_every_way_leave_nothing_and_are_never_touched";
    let seconds = number("RUNWARD_CHURN_SECONDS", 30);
    let Some(bed) = bed(test, seconds + 300) else {
        return;
    };
    let chance = Chance::new();
    let log = Mutex::new(Log::default());
    let end = Instant::now() + Duration::from_secs(seconds);
    let (done, stop) = mpsc::channel::<()>();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..number("RUNWARD_CHURN_RUNS", 4))
            .map(|worker| {
                let chance = Chance::seeded(chance.seed() ^ (worker + 1));
                let (bed, log) = (&bed, &log);
                scope.spawn(move || work(bed, chance, end, log))
            })
            .collect();
        let (bed, log) = (&bed, &log);
        scope.spawn(move || sweep_now_and_then(bed, chance, &stop, log));
        workers.into_iter().for_each(|worker| drop(worker.join()));
        drop(done);
    });
    let log = log.into_inner().expect("no thread panicked");
    let (seed, counts, left) = (chance.seed(), &log.counts, &log.left);
    let _ = writeln!(
        std::io::stderr(),
        "seed {seed}: {counts:#?}\nleft: {left:#?}"
    );
    assert_eq!(log.wrong, Vec::<String>::new(), "seed {}", chance.seed());
    assert_nothing_touched(&bed.sandbox);
    assert_clean_after_one_sweep(&bed, chance.seed());
}

/// Without this, the test above would prove nothing.
#[test]
fn a_stack_that_is_touched_is_noticed() {
    let Some(bed) = bed("a_stack_that_is_touched_is_noticed", 60) else {
        return;
    };
    let build = build(&bed, 0, 60_000);
    let service = format!("{}_app", build.stack());
    let running = bed.start(build);
    running.wait_stderr("settled");
    bed.swarm().docker(["service", "rm", &service]);
    running.wait().assert_code(3);
    let touched = fs::read_to_string(bed.sandbox.path("touched")).expect("it was noticed");
    assert!(touched.contains(&service), "{touched}");
}

#[track_caller]
fn assert_nothing_touched(sandbox: &Sandbox) {
    let touched = fs::read_to_string(sandbox.path("touched")).unwrap_or_default();
    assert_eq!(touched, "", "of a live run");
}

/// Guardians that are still at work belong to live runs.
#[track_caller]
fn assert_clean_after_one_sweep(bed: &Bed, seed: u64) {
    while let Some(one) = bed
        .sandbox
        .everyone()
        .into_iter()
        .find(|one| one.is_runward())
    {
        let ended = one
            .pidfd()
            .is_none_or(|pidfd| runward_tests::procs::wait_end(&pidfd, bed.sandbox.until()));
        assert!(ended, "{one:?} does not end");
    }
    // Two sweeps in a row that were killed at one name have it left alone for a while, for which the last one is not to wait.
    let _ = fs::remove_dir_all(bed.sandbox.path("home/sweeps"));
    let swept = bed.sweep(&[]);
    let stacks: Vec<String> = (0..APPS).map(|app| build(bed, app, 0).stack()).collect();
    let left = bed.left(&stacks);
    let said = format!("seed {seed}\n{}\n{}", swept.stdout, swept.stderr);
    assert_eq!(left, Vec::<String>::new(), "{said}");
    swept.assert_code(0);
}

/// One of the apps, whose test looks after its stack for so long.
fn build(bed: &Bed, app: u64, milliseconds: u64) -> Build {
    let recipe = ["shop", "blog", "matrix-synapse", "mail", "wiki"][app as usize];
    let vigil = binaries::fixture("vigil");
    let test = format!(
        "#!/bin/sh\nexec {} --socket {} --stack $STACK_NAME --run $RUNWARD_RUN_ID \
         --settings $ABRA_DIR/servers/default/$RUNWARD_APP.env --log {} --work {milliseconds}\n",
        vigil.display(),
        bed.swarm().socket().display(),
        bed.sandbox.path("touched").display()
    );
    bed.build(recipe, 1, &test)
}

fn work(bed: &Bed, mut chance: Chance, end: Instant, log: &Mutex<Log>) {
    while Instant::now() < end {
        let fate = Fate::ALL[chance.below(Fate::ALL.len() as u64) as usize];
        let instant = chance.duration(LONGEST);
        let mut build = build(bed, chance.below(APPS), chance.below(2000));
        if fate == Fate::Deadline {
            build
                .command
                .arg("--deadline")
                .arg(format!("{}ms", instant.as_millis()));
        }
        if fate == Fate::Step {
            build = build.under_a_shell();
        }
        let running = bed.start(build);
        if !running.ends_within(instant) {
            strike(&running, fate);
        }
        judge(running, fate, log);
    }
}

fn strike(running: &Running<'_>, fate: Fate) {
    let guardian = running.find_guardian();
    match fate {
        Fate::End | Fate::Deadline => {}
        Fate::Cancel => running.signal(Signal::TERM),
        Fate::Step | Fate::Owner => running.signal(Signal::KILL),
        Fate::Guardian | Fate::Both => {
            if fate == Fate::Both {
                running.signal(Signal::KILL);
            }
            if let Some(guardian) = guardian {
                guardian.signal(Signal::KILL);
            }
        }
    }
}

fn judge(running: Running<'_>, fate: Fate, log: &Mutex<Log>) {
    let ended = running.wait();
    let mut log = log.lock().expect("no thread panicked");
    log.count(format!("{fate:?} {:?}", ended.code));
    let allowed = fate.codes();
    // On a busy machine a cancel may come before the program has begun to run.
    let unborn = fate == Fate::Cancel && ended.signal.is_some() && ended.stderr.is_empty();
    let expected = ended.code.is_some_and(|code| allowed.contains(&code));
    if !allowed.is_empty() && !expected && !unborn {
        log.wrong.push(format!("{fate:?}: {ended:#?}"));
    }
}

fn sweep_now_and_then(bed: &Bed, mut chance: Chance, stop: &Receiver<()>, log: &Mutex<Log>) {
    while stop.recv_timeout(chance.duration(Duration::from_secs(3)))
        == Err(RecvTimeoutError::Timeout)
    {
        let sweep = Running::of(&bed.sandbox, bed.sweeper());
        let killed = chance.below(3) == 0 && !sweep.ends_within(chance.duration(LONGEST));
        if killed {
            sweep.signal(Signal::KILL);
        }
        let ended = sweep.wait();
        let mut log = log.lock().expect("no thread panicked");
        log.count(format!("sweep {:?}", ended.code));
        let left = ended
            .stdout
            .lines()
            .filter(|line| !line.starts_with("keep ") || line.contains("tried"));
        if ended.code == Some(1) {
            log.left.extend(left.map(str::to_owned));
        }
        // 1: somebody else is at it; 2 would be an engine that does not answer.
        if !killed && !matches!(ended.code, Some(0 | 1)) {
            log.wrong.push(format!("{ended:#?}"));
        }
    }
}
