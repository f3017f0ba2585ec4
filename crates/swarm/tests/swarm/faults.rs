//! An engine that is gone, slow, failing or refusing.

use std::{
    collections::VecDeque,
    os::unix::net::UnixListener,
    time::{Duration, Instant},
};

use runward_swarm::{Engine, Error, ErrorKind, Inventory, StackName, Teardown};

use crate::{
    harness::{Bed, OBEYS, everything, go_on, small},
    proxy::{Fate, Proxy},
};

const LISTINGS: [&str; 8] = [
    "GET /info",
    "GET /volumes",
    "GET /services",
    "GET /tasks",
    "GET /containers/json",
    "GET /configs",
    "GET /secrets",
    "GET /networks",
];

fn teardown_by(engine: &Engine, stack: &StackName) -> Result<runward_swarm::Report, Error> {
    let teardown = Teardown::new(engine, stack.clone());
    teardown.patience(Duration::from_secs(2)).run(&mut go_on)
}

#[test]
fn what_cannot_be_listed_is_not_reaped() {
    let Some(bed) = Bed::new("what_cannot_be_listed_is_not_reaped") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let before = bed.inventory(&stack);
    let fates = [
        (
            Fate::Answer(500, "raft is on fire"),
            ErrorKind::Failed,
            "raft is on fire",
        ),
        (
            Fate::Answer(404, "no such page"),
            ErrorKind::Missing,
            "no such page",
        ),
        (Fate::Answer(409, "not now"), ErrorKind::InUse, "not now"),
        (
            Fate::Answer(503, "This node is not a swarm manager."),
            ErrorKind::NotAManager,
            "ask a manager",
        ),
        (Fate::Drop, ErrorKind::Garbled, "it ends before it began"),
        (Fate::Cut, ErrorKind::Garbled, "none of a Docker engine"),
        (Fate::Hang, ErrorKind::Slow, "did not answer in time"),
    ];
    for listing in LISTINGS {
        for (fate, kind, words) in fates.clone() {
            let proxy = Proxy::new(&bed.swarm.socket(), move |call| match call == listing {
                true => fate.clone(),
                false => Fate::Pass,
            });
            let engine = Engine::within(proxy.socket(), Duration::from_millis(500)).unwrap();
            let error = teardown_by(&engine, &stack).unwrap_err();
            assert_eq!(error.kind(), kind, "{listing}: {error}");
            let text = error.to_string();
            assert!(text.contains(words) && text.contains(listing), "{text}");
            assert_eq!(proxy.removals(), [""; 0], "{listing}");
        }
    }
    assert_eq!(bed.inventory(&stack), before);
    assert!(bed.remove(&stack).is_clean());
}

const REMOVALS: [&str; 5] = ["services", "configs", "secrets", "networks", "volumes"];

#[test]
fn what_fails_is_tried_again() {
    let Some(bed) = Bed::new("what_fails_is_tried_again") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let fates = [
        Fate::Answer(500, "oops"),
        Fate::Answer(409, "is in use"),
        Fate::Answer(403, "network x has active endpoints"),
        Fate::Drop,
    ];
    let mut tries = REMOVALS.map(|_| fates.iter().cloned().collect::<VecDeque<_>>());
    let proxy = Proxy::new(&bed.swarm.socket(), move |call| {
        let removal = |kind: &&str| call.starts_with(&format!("DELETE /{kind}"));
        let kind = REMOVALS.iter().position(removal);
        let fate = kind.and_then(|kind| tries[kind].pop_front());
        fate.unwrap_or(Fate::Pass)
    });
    let report = teardown_by(&Engine::at(proxy.socket()).unwrap(), &stack).unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(bed.inventory(&stack), [""; 0]);
}

#[test]
fn what_fails_for_good_is_reported_and_the_rest_goes() {
    let Some(bed) = Bed::new("what_fails_for_good_is_reported_and_the_rest_goes") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let proxy = Proxy::new(&bed.swarm.socket(), move |call| {
        match call.starts_with("DELETE /configs") || call.starts_with("DELETE /networks") {
            true => Fate::Answer(500, "the disk is full"),
            false => Fate::Pass,
        }
    });
    let report = teardown_by(&Engine::at(proxy.socket()).unwrap(), &stack).unwrap();
    assert_eq!(report.left().len(), 2, "{report}");
    assert!(
        report
            .left()
            .iter()
            .all(|left| left.contains("the disk is full"))
    );
    let rest = bed.inventory(&stack);
    assert_eq!(
        rest,
        [
            format!("config {stack}_conf"),
            format!("network {stack}_inner")
        ]
    );
    assert!(bed.remove(&stack).is_clean());
}

/// A removal that the engine forgets at once is no removal: the second look tells.
#[test]
fn gone_is_believed_only_when_it_is_seen() {
    let Some(bed) = Bed::new("gone_is_believed_only_when_it_is_seen") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &small(OBEYS));
    let proxy = Proxy::new(&bed.swarm.socket(), |call| {
        match call.starts_with("DELETE /networks") {
            true => Fate::Answer(404, "not found"),
            false => Fate::Pass,
        }
    });
    let report = teardown_by(&Engine::at(proxy.socket()).unwrap(), &stack).unwrap();
    assert_eq!(
        report.left(),
        [format!("network {stack}_default is there again")]
    );
    assert!(bed.remove(&stack).is_clean());
}

#[test]
fn services_that_stay_hold_up_all_else() {
    let Some(bed) = Bed::new("services_that_stay_hold_up_all_else") else {
        return;
    };
    let stack = bed.stack();
    bed.run(&stack, &everything(&bed, &stack));
    let before = bed.inventory(&stack);
    let proxy = Proxy::new(&bed.swarm.socket(), |call| {
        match call.starts_with("DELETE /services") {
            true => Fate::Answer(500, "no leader"),
            false => Fate::Pass,
        }
    });
    let report = teardown_by(&Engine::at(proxy.socket()).unwrap(), &stack).unwrap();
    assert!(report.left()[0].contains("no leader"), "{report}");
    assert!(
        proxy
            .removals()
            .iter()
            .all(|call| call.starts_with("DELETE /services"))
    );
    assert_eq!(bed.inventory(&stack), before);
    assert!(bed.remove(&stack).is_clean());
}

#[test]
fn nobody_at_the_socket_is_said_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let absent = Engine::at(folder.path().join("absent")).unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::Unreachable);
    assert!(absent.to_string().contains("DOCKER_HOST"), "{absent}");

    let left = folder.path().join("left");
    drop(UnixListener::bind(&left).unwrap());
    let left = Engine::at(left).unwrap_err();
    assert_eq!(left.kind(), ErrorKind::Unreachable);
    assert!(left.is_unreachable());
}

#[test]
fn an_engine_that_says_nothing_is_not_waited_for_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("sock");
    let _listener = UnixListener::bind(&socket).unwrap();
    let began = Instant::now();
    let error = Engine::within(&socket, Duration::from_millis(200)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Slow);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn an_engine_without_a_swarm_is_told_from_an_empty_one() {
    let Some(bed) = Bed::new("an_engine_without_a_swarm_is_told_from_an_empty_one") else {
        return;
    };
    let proxy = Proxy::new(&bed.swarm.socket(), |call| match call {
        "GET /services" => Fate::Answer(503, "This node is not a swarm manager."),
        _ => Fate::Pass,
    });
    let engine = Engine::at(proxy.socket()).unwrap();
    let error = Inventory::of(&engine, &bed.stack(), &[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAManager);
}
