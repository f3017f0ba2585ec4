//! The fixtures and the harness, on plain commands: what finds no survivor must have been able to.

use std::process::Command;
use std::time::Duration;

use runward_tests::binaries::fixture;
use runward_tests::bomb::Bomb;
use runward_tests::skip::is_root;
use runward_tests::{Leaf, Plant, Running, Sandbox, Teardown, Then, need};
use rustix::process::Signal;

fn start<'a>(sandbox: &'a Sandbox, plant: Plant) -> Running<'a> {
    let line = plant.command();
    let mut command = Command::new(&line[0]);
    command.args(&line[1..]);
    Running::of(sandbox, command)
}

#[test]
fn without_runward_every_leaf_survives_a_kill() {
    let sandbox = Sandbox::new(20);
    let mut line = sandbox.line();
    let running = start(&sandbox, sandbox.plant().line(&line).leaves(&Leaf::ALL));
    running.wait_word(&mut line, "ready");
    assert_eq!(line.text().matches("leaf ").count(), Leaf::ALL.len());
    running.signal(Signal::KILL);
    assert_eq!(running.wait().signal, Some(9));
    assert!(
        !line.ended_by(sandbox.within(Duration::from_millis(50))),
        "the leaves hold the line"
    );
    assert!(
        sandbox.survivors().len() >= Leaf::ALL.len() - 1,
        "{:#?}",
        sandbox.survivors()
    );
}

#[test]
fn without_runward_held_output_does_not_end() {
    let sandbox = Sandbox::new(20);
    let line = sandbox.line();
    let plant = sandbox
        .plant()
        .line(&line)
        .leaves(&[Leaf::Session])
        .holding_output()
        .then(Then::Exit(7));
    let ended = start(&sandbox, plant).wait();
    ended.assert_code(7);
    assert!(!ended.drained, "the leaf holds the pipe");
}

#[test]
fn leaves_are_what_they_are_named_for() {
    let sandbox = Sandbox::new(20);
    let mut line = sandbox.line();
    let running = start(
        &sandbox,
        sandbox
            .plant()
            .line(&line)
            .leaves(&[Leaf::Group, Leaf::StubbornSession, Leaf::Stopped]),
    );
    running.wait_word(&mut line, "ready");
    let (own, all) = (running.pid(), sandbox.survivors());
    let main = all
        .iter()
        .find(|one| one.pid == own)
        .expect("the program waits");
    let others: Vec<_> = all.iter().filter(|one| one.pid != own).collect();
    assert_eq!(others.len(), 3, "{others:#?}");
    assert_eq!(others.iter().filter(|one| one.state == 'T').count(), 1);
    assert_eq!(
        others
            .iter()
            .filter(|one| one.sid != main.sid && one.ppid != own)
            .count(),
        1
    );
    assert_eq!(
        others
            .iter()
            .filter(|one| one.sid == main.sid && one.pgid == one.pid)
            .count(),
        1
    );
}

#[test]
fn a_cleanup_waits_for_its_gate() {
    let sandbox = Sandbox::new(20);
    let (mut line, mut gate) = (sandbox.line(), sandbox.gate());
    let running = start(
        &sandbox,
        sandbox.plant().line(&line).gate(&gate).then(Then::Cleanup),
    );
    running.wait_word(&mut line, "ready");
    running.signal(Signal::TERM);
    running.wait_word(&mut line, "cleanup-start");
    assert!(!line.text().contains("cleanup-end"));
    gate.open();
    running.wait().assert_code(5);
    line.wait_end();
    assert!(line.text().contains("cleanup-end"));
}

#[test]
fn a_teardown_logs_start_and_end() {
    let sandbox = Sandbox::new(20);
    let teardown = Teardown::new(&sandbox).exit(3);
    let words = teardown.command();
    let mut words = words.split(' ');
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words);
    Running::of(&sandbox, command).wait().assert_code(3);
    teardown.assert_once();
}

#[test]
fn the_bomb_explodes_up_to_its_limit() {
    need!(
        "the_bomb_explodes_up_to_its_limit",
        is_root(),
        "needs root, to become a user of its own"
    );
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let bomb = Bomb::new();
    let words = bomb.command(&sandbox, &line);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    let running = Running::of(&sandbox, command);
    running.wait_word(&mut line, "full");
    drop(bomb);
    line.wait_end();
}

#[test]
fn daemons_are_as_many_as_asked_for() {
    let sandbox = Sandbox::new(30);
    let mut line = sandbox.line();
    let mut command = Command::new(fixture("daemons"));
    command
        .args(["--token", sandbox.token(), "--count", "100", "--line"])
        .arg(line.path());
    let running = Running::of(&sandbox, command);
    running.wait_word(&mut line, "ready");
    running.wait().assert_code(0);
    assert_eq!(sandbox.survivors().len(), 100);
}
