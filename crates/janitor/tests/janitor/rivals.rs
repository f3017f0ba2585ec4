//! Two at one name: a second janitor, and a new run of the app that is being reaped.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use crate::harness::{Seen, World};

#[test]
fn two_janitors_one_reap() {
    let world = World::new();
    world.orphan("shop-1");
    world.orphan("shop-2");
    // The first one stands still in the middle of shop-1.
    let mut first = world.stopping_peer("step.taken");
    first.tell("sweep shop-1");
    assert_eq!(first.watch(), Seen::Stopped);
    let mut second = world.peer();
    let answer = second.ask("sweep shop-.*");
    assert!(answer.starts_with("clean"), "{answer}");
    assert!(world.things.exists("shop-1"), "{answer}");
    assert_eq!(world.has("shop-2"), [false; 3], "{answer}");
    loop {
        first.resume();
        if world.things.exists("shop-1") || world.path("state/shop-1").exists() {
            assert_eq!(first.watch(), Seen::Stopped);
            continue;
        }
        break;
    }
    while first.hear_or_resume() {}
    let steps = world.things.steps_taken();
    let of = |app: &str| steps.iter().filter(|line| line.starts_with(app)).count();
    assert_eq!((of("shop-1"), of("shop-2")), (3, 3), "{steps:?}");
    assert_eq!(world.has("shop-1"), [false; 3]);
}

#[test]
fn two_janitors_at_full_speed_reap_each_name_once() {
    let world = World::new();
    for number in 0..15 {
        world.orphan(&format!("shop-{number}"));
    }
    let (mut one, mut two) = (world.peer(), world.peer());
    one.tell("sweep shop-.*");
    two.tell("sweep shop-.*");
    let answers = (one.hear(), two.hear());
    assert!(
        answers.0.starts_with("clean") && answers.1.starts_with("clean"),
        "{answers:?}"
    );
    let steps = world.things.steps_taken();
    let did = steps.iter().filter(|line| line.contains(" did")).count();
    assert_eq!(did, 3 * 15, "{steps:?}");
    assert!((0..15).all(|number| world.has(&format!("shop-{number}"))[..2] == [false; 2]));
}

#[test]
fn new_run_waits_for_the_reap_sees_it_and_gets_a_fresh_lock() {
    let world = World::new();
    world.orphan("shop-1");
    let old = fs::metadata(world.path("locks/shop-1")).unwrap();
    // Keeps the number of the inode in use, so that a fresh one has another.
    let _pin = fs::File::open(world.path("locks/shop-1")).unwrap();
    let mut sweeper = world.stopping_peer("step.recorded");
    sweeper.tell("sweep shop-.*");
    assert_eq!(sweeper.watch(), Seen::Stopped);
    let mut run = world.peer();
    run.tell("wait shop-1");
    assert_eq!(
        run.hear(),
        "waiting reaping: step 1 of 3 of its thing, services"
    );
    sweeper.resume();
    assert_eq!(sweeper.watch(), Seen::Stopped);
    assert_eq!(
        run.hear(),
        "waiting reaping: step 2 of 3 of its thing, tasks"
    );
    while sweeper.hear_or_resume() {}
    let mut answer = run.hear();
    while answer.starts_with("waiting") {
        answer = run.hear();
    }
    let words: Vec<&str> = answer.split(' ').collect();
    assert_eq!(words[0], "held");
    assert_ne!(words[2].parse::<u64>().unwrap(), old.ino(), "a fresh file");
    assert!(
        !world.things.exists("shop-1"),
        "nothing is left when the new run begins"
    );
    assert_eq!(
        fs::metadata(world.path("locks/shop-1"))
            .unwrap()
            .ino()
            .to_string(),
        words[2]
    );
}
