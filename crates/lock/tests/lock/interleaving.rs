//! Two real contenders, driven step by step by stopping them: every order of their steps.

use crate::harness::{Peer, Scratch, Seen, hang_guard, knob};

const POINTS: &str = "acquire.opened,acquire.flocked,acquire.verified,remove.unlinked";
/// To each of the points, to the stop inside, and to the end.
const MOVES: u32 = 6;

fn schedules() -> Vec<u32> {
    (0..1u32 << (2 * MOVES))
        .filter(|bits| bits.count_ones() == MOVES)
        .collect()
}

fn run(schedule: u32) {
    let scratch = Scratch::new();
    let mut peers = [scratch.stopping_peer(POINTS), scratch.stopping_peer(POINTS)];
    let mut started = [false; 2];
    let mut ended = [false; 2];
    for step in 0..2 * MOVES {
        let who = (schedule >> step & 1) as usize;
        advance(&mut peers[who], &mut started[who], &mut ended[who]);
    }
    for who in [0, 1] {
        while !ended[who] {
            advance(&mut peers[who], &mut started[who], &mut ended[who]);
        }
    }
    let answers = peers.each_mut().map(Peer::hear);
    assert!(
        answers.iter().all(|a| a == "alone" || a == "busy"),
        "{schedule:012b}: {answers:?}"
    );
    assert!(
        answers.iter().any(|a| a == "alone"),
        "{schedule:012b}: {answers:?}"
    );
    assert!(!scratch.file("app").exists(), "{schedule:012b}");
}

fn advance(peer: &mut Peer, started: &mut bool, ended: &mut bool) {
    if *ended {
        return;
    }
    if *started {
        peer.resume();
    } else {
        peer.tell("attempt app\nexit");
        *started = true;
    }
    *ended = peer.watch() == Seen::Ended;
}

#[test]
fn no_interleaving_of_two_contenders_makes_two_holders() {
    let _hang = hang_guard();
    let all = schedules();
    assert_eq!(all.len(), 924);
    let wanted = knob("RUNWARD_LOCK_INTERLEAVINGS", 924).clamp(1, all.len());
    all.iter().step_by(all.len() / wanted).for_each(|s| run(*s));
}
