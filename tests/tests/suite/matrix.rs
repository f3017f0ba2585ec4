//! The behaviour matrix: how a run ends, by what its program left behind.

use std::time::Duration;

use runward_tests::procs::{self, Proc};
use runward_tests::skip::skip;
use runward_tests::{Ended, Leaf, Line, Running, Sandbox, Teardown, Then};
use rustix::process::Signal;

use crate::expected::{CGROUP, CONTAINMENTS, Containment, GROUP, PIDNS, SUBREAPER};

/// Rows of the matrix in one containment.
struct Row<'a> {
    held_by: &'a Containment,
    sandbox: Sandbox,
}

impl<'a> Row<'a> {
    fn new(test: &str, held_by: &'a Containment) -> Option<Self> {
        if let Some(reason) = held_by.missing() {
            skip(&format!("{test} {}", held_by.name), reason);
            return None;
        }
        Some(Self {
            held_by,
            sandbox: Sandbox::new(30),
        })
    }

    fn run(&self) -> runward_tests::Run<'_> {
        self.sandbox.run().containment(self.held_by.name)
    }

    /// What is left once the tree is said to be empty is exactly what the containment cannot hold.
    #[track_caller]
    fn assert_left(&self, line: &mut Line, planted: &[Leaf]) {
        let expected: Vec<Leaf> = planted
            .iter()
            .copied()
            .filter(|leaf| self.held_by.escapes.contains(leaf))
            .collect();
        let alive: Vec<Proc> = self.sandbox.survivors();
        let mut left: Vec<Leaf> = alive
            .iter()
            .filter_map(|one| leaf_of(line, one.pid))
            .collect();
        left.sort();
        assert_eq!(
            left, expected,
            "left under {}: {alive:#?}",
            self.held_by.name
        );
        assert_eq!(
            alive.len(),
            expected.len(),
            "left under {}: {alive:#?}",
            self.held_by.name
        );
    }
}

/// Which leaf reported with this id.
fn leaf_of(line: &mut Line, pid: i32) -> Option<Leaf> {
    let own = format!(" {pid}");
    let found = line
        .text()
        .lines()
        .find(|text| text.starts_with("leaf ") && text.ends_with(&own))?;
    found.split(' ').nth(1)?.parse().ok()
}

/// Waits for the end of a guardian that outlives its owner.
#[track_caller]
fn wait_guardian(sandbox: &Sandbox, guardian: &Proc) {
    if let Some(pidfd) = guardian.pidfd() {
        assert!(
            procs::wait_end(&pidfd, sandbox.until()),
            "the guardian does not end"
        );
    }
}

fn owner_killed(held_by: &Containment) {
    let Some(row) = Row::new("owner_killed", held_by) else {
        return;
    };
    let mut line = row.sandbox.line();
    let teardown = Teardown::new(&row.sandbox);
    let plant = row.sandbox.plant().line(&line).leaves(&Leaf::MATRIX);
    let running = row
        .run()
        // Nobody is left to be polite to.
        .option("--grace", "1h")
        .teardown(teardown.command())
        .program(plant.command())
        .spawn_ready(&mut line);
    let guardian = running.guardian();
    running.signal(Signal::KILL);
    wait_guardian(&row.sandbox, &guardian);
    row.assert_left(&mut line, &Leaf::MATRIX);
    teardown.assert_once();
    let record = runward_tests::Record::read(running.result());
    assert_eq!(record.cause.kind, "owner-killed");
    assert_eq!(record.containment.as_deref(), Some(held_by.name));
}

fn terminated(held_by: &Containment) {
    let Some(row) = Row::new("terminated", held_by) else {
        return;
    };
    let mut line = row.sandbox.line();
    let plant = row.sandbox.plant().line(&line).leaves(&Leaf::MATRIX);
    let running = row
        .run()
        .option("--grace", "0.3s")
        .program(plant.command())
        .spawn_ready(&mut line);
    running.signal(Signal::TERM);
    let ended = running.wait();
    row.assert_left(&mut line, &Leaf::MATRIX);
    assert_cancelled(&ended, held_by, 143);
}

#[track_caller]
fn assert_cancelled(ended: &Ended, held_by: &Containment, code: i32) {
    ended.assert_code(code);
    let record = ended.record();
    assert_eq!(
        (record.cause.kind.as_str(), record.exit),
        ("cancelled", code)
    );
    assert_eq!(record.containment.as_deref(), Some(held_by.name));
    assert!(
        ended.last_line().starts_with("runward: "),
        "{}",
        ended.last_line()
    );
    assert!(
        ended.last_line().ends_with(&format!("({})", held_by.name)),
        "{}",
        ended.last_line()
    );
}

fn exited_with_leaves(held_by: &Containment) {
    let Some(row) = Row::new("exited_with_leaves", held_by) else {
        return;
    };
    let mut line = row.sandbox.line();
    let plant = row
        .sandbox
        .plant()
        .line(&line)
        .leaves(&Leaf::MATRIX)
        .then(Then::Exit(7));
    let ended = row.run().program(plant.command()).finish();
    row.assert_left(&mut line, &Leaf::MATRIX);
    ended.assert_code(7);
    let record = ended.record();
    assert_eq!(record.program.and_then(|program| program.code), Some(7));
    let held: Vec<Leaf> = Leaf::MATRIX
        .into_iter()
        .filter(|leaf| !held_by.escapes.contains(leaf))
        .collect();
    let mut reported: Vec<Leaf> = record
        .leaks
        .iter()
        .filter_map(|leak| leaf_of(&mut line, leak.pid))
        .collect();
    reported.sort();
    // Inside a namespace the leaves know other ids than those of the host.
    if held_by.name == "pidns" {
        assert_eq!(record.leaks.len(), held.len());
    } else {
        assert_eq!(reported, held, "{:#?}", record.leaks);
    }
}

fn output_held(held_by: &Containment) {
    let Some(row) = Row::new("output_held", held_by) else {
        return;
    };
    let mut line = row.sandbox.line();
    let plant = row
        .sandbox
        .plant()
        .line(&line)
        .leaves(&Leaf::MATRIX)
        .holding_output()
        .then(Then::Exit(7));
    let ended = row.run().program(plant.command()).finish();
    row.assert_left(&mut line, &Leaf::MATRIX);
    ended.assert_code(7);
    assert_eq!(
        ended.drained,
        held_by.escapes.is_empty(),
        "the end of the output"
    );
}

fn stopped_leaf(held_by: &Containment) {
    let Some(row) = Row::new("stopped_leaf", held_by) else {
        return;
    };
    let mut line = row.sandbox.line();
    let plant = row.sandbox.plant().line(&line).leaves(&[Leaf::Stopped]);
    let running = row
        .run()
        .option("--grace", "20s")
        .program(plant.command())
        .spawn_ready(&mut line);
    running.signal(Signal::TERM);
    assert!(
        running.ends_within(Duration::from_secs(10)),
        "SIGCONT after SIGTERM spares the grace"
    );
    let ended = running.wait();
    row.assert_left(&mut line, &[Leaf::Stopped]);
    assert_cancelled(&ended, held_by, 143);
}

/// As a debugger or an impatient colleague leaves it.
fn stopped_program(held_by: &Containment) {
    let Some(row) = Row::new("stopped_program", held_by) else {
        return;
    };
    let mut line = row.sandbox.line();
    let plant = row.sandbox.plant().line(&line).leaves(&[Leaf::Stopped]);
    let run = row.run().option("--grace", "20s").program(plant.command());
    let running = run.spawn_ready(&mut line);
    row.sandbox
        .survivors()
        .iter()
        .for_each(|one| one.signal(Signal::STOP));
    running.signal(Signal::TERM);
    assert!(
        running.ends_within(Duration::from_secs(10)),
        "SIGCONT after SIGTERM spares the grace"
    );
    let ended = running.wait();
    row.assert_left(&mut line, &[Leaf::Stopped]);
    assert_cancelled(&ended, held_by, 143);
}

fn cleaned_up(held_by: &Containment) {
    cleanup(held_by, "cleaned_up", |_| {});
}

fn signalled_twice(held_by: &Containment) {
    cleanup(held_by, "signalled_twice", |running| {
        running.signal(Signal::TERM)
    });
}

fn cleanup(held_by: &Containment, test: &str, meanwhile: impl Fn(&Running<'_>)) {
    let Some(row) = Row::new(test, held_by) else {
        return;
    };
    let (mut line, mut gate) = (row.sandbox.line(), row.sandbox.gate());
    let teardown = Teardown::new(&row.sandbox);
    let plant = row
        .sandbox
        .plant()
        .line(&line)
        .gate(&gate)
        .leaves(&[Leaf::Plain, Leaf::Session])
        .then(Then::Cleanup);
    let run = row
        .run()
        .option("--grace", "20s")
        .teardown(teardown.command());
    let running = run.program(plant.command()).spawn_ready(&mut line);
    running.signal(Signal::TERM);
    running.wait_word(&mut line, "cleanup-start");
    meanwhile(&running);
    gate.open();
    let ended = running.wait();
    assert!(
        line.text().contains("cleanup-end"),
        "the program's own cleanup came to its end"
    );
    row.assert_left(&mut line, &[Leaf::Plain, Leaf::Session]);
    assert_cancelled(&ended, held_by, 143);
    teardown.assert_once();
}

fn both_killed(held_by: &Containment) {
    let Some(row) = Row::new("both_killed", held_by) else {
        return;
    };
    let mut line = row.sandbox.line();
    let teardown = Teardown::new(&row.sandbox);
    let plant = row.sandbox.plant().line(&line).leaves(&Leaf::MATRIX);
    let run = row.run().app("a").teardown(teardown.command());
    let running = run.program(plant.command()).spawn_ready(&mut line);
    let guardian = running.guardian();
    // At the same instant, as far as the two can tell.
    guardian.signal(Signal::STOP);
    while Proc::find(guardian.pid).is_some_and(|one| one.state != 'T') {
        assert!(
            !running.ends_within(Duration::from_millis(1)),
            "the run ended"
        );
    }
    running.signal(Signal::KILL);
    guardian.signal(Signal::KILL);
    wait_guardian(&row.sandbox, &guardian);
    let result = running.result().to_owned();
    running.wait();
    row.sandbox
        .run()
        .app("a")
        .option("--wait", "20s")
        .shell("exit 0")
        .finish()
        .assert_code(0);
    teardown.assert_once();
    let record = runward_tests::Record::read(&result);
    assert_eq!(record.cause.kind, "owner-killed");
    let alive = row.sandbox.survivors();
    assert_eq!(alive.is_empty(), held_by.found_again, "{alive:#?}");
}

macro_rules! rows {
    ($($row:ident: $cgroup:ident $pidns:ident $subreaper:ident $group:ident;)*) => {$(
        #[test]
        fn $cgroup() { $row(&CGROUP); }
        #[test]
        fn $pidns() { $row(&PIDNS); }
        #[test]
        fn $subreaper() { $row(&SUBREAPER); }
        #[test]
        fn $group() { $row(&GROUP); }
    )*};
}

rows! {
    owner_killed: k_cgroup k_pidns k_subreaper k_group;
    both_killed: kk_cgroup kk_pidns kk_subreaper kk_group;
    terminated: t_cgroup t_pidns t_subreaper t_group;
    exited_with_leaves: e_cgroup e_pidns e_subreaper e_group;
    output_held: p_cgroup p_pidns p_subreaper p_group;
    stopped_leaf: z_cgroup z_pidns z_subreaper z_group;
    stopped_program: zz_cgroup zz_pidns zz_subreaper zz_group;
    cleaned_up: g_cgroup g_pidns g_subreaper g_group;
    signalled_twice: gg_cgroup gg_pidns gg_subreaper gg_group;
}

#[test]
fn require_refuses_what_is_weaker() {
    let sandbox = Sandbox::new(20);
    for pair in CONTAINMENTS.windows(2) {
        let (stronger, weaker) = (pair[0].name, pair[1].name);
        let ran = sandbox.fresh("ran");
        let touch = ["touch".as_ref(), ran.as_os_str()];
        sandbox
            .run()
            .containment(weaker)
            .option("--require", stronger)
            .program(touch)
            .finish()
            .assert_code(125);
        assert!(!ran.exists(), "{weaker} is no {stronger}");
    }
}
