//! SIGKILL of the owner, the guardian or both, at random instants of a run.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use runward_tests::binaries::fixture;
use runward_tests::chance::{Chance, number};
use runward_tests::procs;
use runward_tests::skip::skip;
use runward_tests::{Leaf, Line, Record, Running, Sandbox, Teardown, Then};
use rustix::process::Signal;

use crate::expected::CGROUP;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Owner,
    Guardian,
    Both,
}

/// Whom to kill; both only where what they leave can be found again.
fn victims(test: &str) -> Vec<Victim> {
    let mut victims = vec![Victim::Owner, Victim::Guardian];
    match CGROUP.missing() {
        Some(reason) => skip(&format!("{test} both"), reason),
        None => victims.push(Victim::Both),
    }
    victims
}

/// How long a round of the work takes, and its teardown: the kill falls anywhere from start to end.
const WORK: Duration = Duration::from_millis(400);
const TEARDOWN: Duration = Duration::from_millis(1000);

struct Round {
    sandbox: Sandbox,
    log: PathBuf,
    teardown: Teardown,
    victim: Victim,
    delay: Duration,
}

/// What the run had reached when the kill came.
#[derive(Debug)]
struct Reached {
    work_started: bool,
    work_ended: bool,
}

impl Round {
    fn new(victim: Victim, delay: Duration) -> Self {
        let sandbox = Sandbox::new(60);
        let log = sandbox.path("work-log");
        let teardown = Teardown::new(&sandbox).work(TEARDOWN.as_millis() as u64);
        Self {
            sandbox,
            log,
            teardown,
            victim,
            delay,
        }
    }

    fn start(&self, line: &Line) -> Running<'_> {
        let plant = self
            .sandbox
            .plant()
            .line(line)
            .leaves(&Leaf::ALL)
            .copies(7)
            .then(Then::Work(WORK.as_millis() as u64));
        let mut words = plant.command();
        words.extend(["--log".into(), self.log.clone().into()]);
        self.sandbox
            .run()
            .app("contended")
            .teardown(self.teardown.command())
            .program(words)
            .spawn()
    }

    fn reached(&self) -> Reached {
        let work = fs::read_to_string(&self.log).unwrap_or_default();
        Reached {
            work_started: work.contains("main-start"),
            work_ended: work.contains("main-end"),
        }
    }

    fn kill(&self, running: &Running<'_>) -> bool {
        let guardian = running.find_guardian();
        if self.victim != Victim::Guardian {
            running.signal(Signal::KILL);
        }
        if self.victim != Victim::Owner {
            guardian.iter().for_each(|one| one.signal(Signal::KILL));
        }
        guardian.is_some()
    }

    /// The next run of the app writes who of the first is alive when it starts.
    fn census(&self) -> String {
        let out = self.sandbox.fresh("census");
        let program = fixture("census");
        // Underscores: the census must not carry the token that it looks for.
        let token = self.sandbox.token().replace('-', "_");
        let words = [
            "--of".as_ref(),
            token.as_ref(),
            "--log".as_ref(),
            self.teardown.log().as_os_str(),
        ];
        let words = [program.as_os_str()]
            .into_iter()
            .chain(words)
            .chain(["--out".as_ref(), out.as_os_str()]);
        self.sandbox
            .run()
            .app("contended")
            .option("--wait", "40s")
            .program(words)
            .finish()
            .assert_code(0);
        fs::read_to_string(out).expect("the census was written")
    }
}

#[track_caller]
fn play(victim: Victim, delay: Duration) {
    let round = Round::new(victim, delay);
    let mut line = round.sandbox.line();
    let running = round.start(&line);
    // The random instant: the run ends before it, or it comes.
    let ended_before = running.ends_within(round.delay);
    let (reached, torn) = (round.reached(), round.teardown.trace());
    let guarded = round.kill(&running);
    let result = running.result().to_owned();
    let census = round.census();
    let context = format!(
        "{victim:?} after {delay:?}, ended before: {ended_before}, guarded: {guarded}, {reached:?}, {torn:?}"
    );
    assert!(
        !census.contains("alive"),
        "{context}: the lock was free while the tree lived:\n{census}"
    );
    check_teardown(&round, &reached, &census, &context);
    let until = round.sandbox.within(Duration::from_secs(5));
    assert!(
        round.sandbox.everyone_ended_by(until) || finished(running),
        "{context}: {:#?}",
        round.sandbox.everyone()
    );
    round.sandbox.assert_no_survivors();
    if reached.work_started {
        line.wait_end();
        check_record(
            &Record::read(&result),
            victim,
            ended_before,
            &reached,
            &context,
        );
    }
}

fn finished(running: Running<'_>) -> bool {
    running.wait();
    true
}

#[track_caller]
fn check_teardown(round: &Round, reached: &Reached, census: &str, context: &str) {
    let (starts, ends) = round.teardown.counts();
    let trace = round.teardown.trace();
    assert_eq!(starts, ends, "{context}: a teardown was cut: {trace:?}");
    assert!(
        starts <= 1,
        "{context}: teardown ran {starts} times: {trace:?}"
    );
    if reached.work_started {
        assert_eq!(starts, 1, "{context}: no teardown");
        assert!(
            census.contains("end "),
            "{context}: the lock was free before the teardown's end: {census}"
        );
    }
}

#[track_caller]
fn check_record(
    record: &Record,
    victim: Victim,
    ended_before: bool,
    reached: &Reached,
    context: &str,
) {
    let kind = record.cause.kind.as_str();
    assert!(record.survivors.is_empty(), "{context}: {record:#?}");
    assert_eq!(record.teardowns.len(), 1, "{context}: {record:#?}");
    match victim {
        // The work was over: what ended the run is that.
        _ if ended_before => assert_eq!(kind, "exited", "{context}: {record:#?}"),
        Victim::Owner | Victim::Both if reached.work_ended => {
            assert!(
                matches!(kind, "exited" | "owner-killed"),
                "{context}: {record:#?}"
            );
        }
        // The work may end by itself between the look and the kill.
        Victim::Owner | Victim::Both => assert!(
            kind == "owner-killed" || kind == "exited",
            "{context}: {record:#?}"
        ),
        Victim::Guardian => assert!(!kind.is_empty(), "{context}: {record:#?}"),
    }
}

#[test]
fn at_random_instants() {
    let mut chance = Chance::new();
    let rounds: usize = number("RUNWARD_KILL_ROUNDS", 12);
    let victims = victims("at_random_instants");
    for round in 0..rounds {
        let victim = victims[round % victims.len()];
        let delay = chance.duration(WORK + TEARDOWN + Duration::from_millis(400));
        let outcome = std::panic::catch_unwind(|| play(victim, delay));
        assert!(
            outcome.is_ok(),
            "round {round} of {rounds}, RUNWARD_SEED={}",
            chance.seed()
        );
    }
}

#[test]
fn in_the_midst_of_the_work() {
    for victim in victims("in_the_midst_of_the_work") {
        let round = Round::new(victim, Duration::ZERO);
        let (mut line, mut gate) = (round.sandbox.line(), round.sandbox.gate());
        let plant = round
            .sandbox
            .plant()
            .line(&line)
            .gate(&gate)
            .leaves(&Leaf::ALL)
            .copies(7)
            .then(Then::Gate);
        let run = round
            .sandbox
            .run()
            .app("contended")
            .teardown(round.teardown.command());
        let running = run.program(plant.command()).spawn_ready(&mut line);
        round.kill(&running);
        if victim == Victim::Guardian {
            // The owner takes over, and the work goes on.
            gate.open();
        }
        let census = round.census();
        assert!(!census.contains("alive"), "{victim:?}: {census}");
        line.wait_end();
        round.teardown.assert_once();
        let record = Record::read(running.result());
        if victim != Victim::Guardian {
            assert_eq!(record.cause.kind, "owner-killed", "{record:#?}");
        }
    }
}

#[test]
fn in_the_midst_of_the_teardown() {
    for victim in [Victim::Owner, Victim::Guardian, Victim::Both] {
        let mut round = Round::new(victim, Duration::ZERO);
        let (mut line, mut gate) = (round.sandbox.line(), round.sandbox.gate());
        round.teardown = Teardown::new(&round.sandbox).line(&line).gate(&gate);
        let run = round
            .sandbox
            .run()
            .app("contended")
            .teardown(round.teardown.command());
        let running = run.shell("exit 0").spawn();
        running.wait_word(&mut line, "teardown-start");
        round.kill(&running);
        // Twice: should it be started again, that one must not wait.
        gate.open();
        gate.open();
        let census = round.census();
        assert!(census.contains("end "), "{victim:?}: {census}");
        let (starts, ends) = round.teardown.counts();
        assert!(
            ends == 1 && starts == 1,
            "{victim:?}: {:?}",
            round.teardown.trace()
        );
    }
}

#[test]
fn owner_killed_before_the_lock_is_taken() {
    let sandbox = Sandbox::new(30);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let holder = sandbox.plant().line(&line).gate(&gate).then(Then::Gate);
    let holder = sandbox
        .run()
        .app("a")
        .program(holder.command())
        .spawn_ready(&mut line);
    let (ran, teardown) = (sandbox.path("ran"), Teardown::new(&sandbox));
    let waiter = sandbox.run().app("a").teardown(teardown.command());
    let waiter = waiter.program(["touch".as_ref(), ran.as_os_str()]).spawn();
    waiter.wait_stderr("a");
    let guardian = waiter.find_guardian();
    waiter.signal(Signal::KILL);
    waiter.wait();
    if let Some(pidfd) = guardian.and_then(|one| one.pidfd()) {
        assert!(
            procs::wait_end(&pidfd, Instant::now() + Duration::from_secs(5)),
            "a guardian of nothing stays"
        );
    }
    gate.open();
    holder.wait().assert_code(0);
    assert!(!ran.exists(), "the dead run went on");
    assert_eq!(
        teardown.counts(),
        (0, 0),
        "nothing was done that needed a teardown"
    );
}
