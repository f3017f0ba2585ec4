//! SIGKILL at each named step; whoever comes next always gets in.

use crate::harness::{Scratch, Seen, hang_guard};

const ACQUIRE: [&str; 7] = [
    "acquire.opened",
    "acquire.flocked",
    "acquire.ranged",
    "acquire.verified",
    "epoch.locked",
    "acquire.fenced",
    "acquire.recorded",
];
const RELEASE: [(&str, &str); 3] = [
    ("remove app", "remove.verified"),
    ("remove app", "remove.unlinked"),
    ("close app", "release.marked"),
];

fn next_gets_in(scratch: &Scratch, point: &str, last: u64) {
    let mut next = scratch.peer();
    let fence = next.take("app");
    assert!(fence > last, "{point}: fence {fence} after {last}");
    assert_eq!(next.ask("current app"), "true", "{point}");
    assert_eq!(next.ask("remove app"), "done", "{point}");
}

#[test]
fn killed_at_each_step_of_acquire() {
    let _hang = hang_guard();
    for point in ACQUIRE {
        let scratch = Scratch::new();
        let mut victim = scratch.stopping_peer(point);
        victim.tell("acquire app forever");
        assert_eq!(victim.watch(), Seen::Stopped, "{point}");
        let mut waiter = scratch.peer();
        if point != "acquire.opened" {
            waiter.tell("acquire app forever loud");
            assert!(waiter.hear().starts_with("waiting"), "{point}");
        }
        victim.kill();
        let last = if point == "acquire.opened" {
            0
        } else {
            waiter.hear()[5..].parse().unwrap()
        };
        drop(waiter);
        next_gets_in(&scratch, point, last);
    }
}

#[test]
fn killed_at_each_step_of_remove_and_release() {
    let _hang = hang_guard();
    for (command, point) in RELEASE {
        let scratch = Scratch::new();
        let mut victim = scratch.stopping_peer(point);
        let fence = victim.take("app");
        victim.tell(command);
        assert_eq!(victim.watch(), Seen::Stopped, "{point}");
        if point != "remove.unlinked" {
            assert_eq!(
                scratch.peer().ask("acquire app never"),
                "failed Busy",
                "{point}: still held"
            );
        }
        victim.kill();
        next_gets_in(&scratch, point, fence);
    }
}

#[test]
fn killed_while_waiting_and_in_the_queue() {
    let _hang = hang_guard();
    for (point, options) in [
        ("acquire.waiting", ""),
        ("order.queued", " ordered"),
        ("acquire.waiting", " ordered"),
    ] {
        let scratch = Scratch::new();
        let mut holder = scratch.peer();
        let fence = holder.take("app");
        let mut victim = scratch.stopping_peer(point);
        victim.tell(&format!("acquire app forever{options}"));
        assert_eq!(victim.watch(), Seen::Stopped, "{point}");
        victim.kill();
        assert_eq!(holder.ask("close app"), "done");
        let mut next = scratch.peer();
        let held = next.ask(&format!("acquire app forever{options}"));
        assert_eq!(held, format!("held {}", fence + 1), "{point}{options}");
    }
}
