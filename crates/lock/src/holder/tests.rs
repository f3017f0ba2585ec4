use std::fs::{self, File};

use rustix::fs::FlockOperation;

use crate::identity::Identity;
use crate::{Fence, HolderKind, LockDir, Name, Record, Request, State, Wait, quiet};

fn leave(locks: &LockDir, identity: &Identity) {
    let request = Request::new().run_id("dead").trace("/journal");
    let own = Record::template(identity);
    let record = Record::new(&own, Fence::new(7), &request, None);
    fs::write(locks.path().join("app"), record.bytes()).unwrap();
}

/// The kinds that a look, a closer one and a refusal tell while we hold the file as flock(1) does.
fn kinds(locks: &LockDir) -> [HolderKind; 3] {
    let name = Name::new("app").unwrap();
    let file = File::open(locks.path().join("app")).unwrap();
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
    let request = Request::new().wait(Wait::Never);
    let refused = locks.acquire(&name, &request, &mut quiet).unwrap_err();
    let kind = |state: State| match state {
        State::Held(holder) => holder.kind(),
        other => panic!("{other:?}"),
    };
    let seen = kind(locks.peek(&name).unwrap());
    let inspected = kind(locks.inspect(&name).unwrap());
    [seen, inspected, refused.holder().unwrap().kind()]
}

#[test]
fn record_of_another_boot_names_nobody_but_what_is_to_be_finished() {
    let root = tempfile::tempdir().unwrap();
    let locks = LockDir::open(root.path().join("locks")).unwrap();
    let own = Identity::own();
    let boot = "00000000-0000-0000-0000-000000000000".to_owned();
    leave(
        &locks,
        &Identity {
            boot,
            ..own.clone()
        },
    );
    assert_eq!(kinds(&locks), [HolderKind::Unrecorded; 3]);
    let name = Name::new("app").unwrap();
    let guard = locks.acquire(&name, &Request::new(), &mut quiet).unwrap();
    let dead = guard.predecessor().unwrap();
    assert!(dead.is_unfinished() && !dead.owner_alive());
    drop(guard);
    // Of this boot, the dead owner may have left the lock to others.
    let start = own.start + 1;
    leave(&locks, &Identity { start, ..own });
    assert_eq!(kinds(&locks), [HolderKind::Kept; 3]);
}
