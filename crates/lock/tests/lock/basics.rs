use runward_lock::{ErrorKind, LockDir, Name, Request, State, Wait, quiet};

#[test]
fn take_look_release() {
    let scratch = tempfile::tempdir().unwrap();
    let dir = LockDir::open(scratch.path().join("locks")).unwrap();
    let name = Name::new("app").unwrap();
    assert!(matches!(dir.peek(&name).unwrap(), State::Absent));
    let request = Request::new()
        .run_id("r1")
        .what("testing")
        .trace("/x/y")
        .wait(Wait::Never);
    let guard = dir.acquire(&name, &request, &mut quiet).unwrap();
    assert!(guard.still_current().unwrap());
    let again = dir.acquire(&name, &request, &mut quiet).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::AlreadyHeld);
    let State::Held(holder) = dir.peek(&name).unwrap() else {
        panic!("held")
    };
    assert_eq!(holder.record().unwrap().run_id(), "r1");
    let fence = guard.fence();
    guard.close().unwrap();
    let second = dir.acquire(&name, &request, &mut quiet).unwrap();
    assert!(second.fence() > fence);
    assert!(second.predecessor().unwrap().released());
    second.remove().unwrap();
    let third = dir.acquire(&name, &request, &mut quiet).unwrap();
    assert!(third.fence().get() > fence.get() + 1);
    assert!(third.predecessor().is_none());
}
