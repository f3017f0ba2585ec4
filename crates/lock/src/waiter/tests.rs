use std::fs::File;
use std::os::fd::AsFd as _;

use nix::libc;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::FlockOperation;

use super::*;

fn ended(waiter: &Waiter) {
    let mut fds = [PollFd::new(waiter, PollFlags::IN)];
    rustix::io::retry_on_intr(|| poll(&mut fds, None)).unwrap();
}

#[test]
fn failure_of_the_child_is_not_left_in_the_errno_of_the_host() {
    let file = tempfile::tempfile().unwrap();
    for _ in 0..100 {
        // SAFETY: errno is a variable of this thread.
        let errno = unsafe { &mut *libc::__errno_location() };
        *errno = libc::EXDEV;
        // Neither shared, nor exclusive, nor an unlock.
        let nonsense = Block::Flock(0);
        let waiter = Waiter::spawn(file.as_fd(), nonsense).unwrap();
        ended(&waiter);
        drop(waiter);
        assert_eq!(*errno, libc::EXDEV);
    }
}

#[test]
fn child_gets_the_lock_for_the_description_and_its_memory_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let open = || File::create(dir.path().join("lock")).unwrap();
    let mapped = || {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().count()
    };
    let before = mapped();
    for _ in 0..200 {
        let (holder, file) = (open(), open());
        rustix::fs::flock(&holder, FlockOperation::LockExclusive).unwrap();
        let waiter = Waiter::spawn(file.as_fd(), Block::Flock(libc::LOCK_EX)).unwrap();
        drop(holder);
        ended(&waiter);
        drop(waiter);
        let other = rustix::fs::flock(open(), FlockOperation::NonBlockingLockExclusive);
        assert_eq!(other, Err(Errno::WOULDBLOCK));
    }
    // Other tests map memory, too, but not 200 times.
    assert!(
        mapped() < before + 100,
        "{before} mappings became {}",
        mapped()
    );
}

#[test]
fn child_that_waits_ends_when_it_is_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let open = || File::create(dir.path().join("lock")).unwrap();
    let (holder, file) = (open(), open());
    rustix::fs::flock(&holder, FlockOperation::LockExclusive).unwrap();
    drop(Waiter::spawn(file.as_fd(), Block::Flock(libc::LOCK_EX)).unwrap());
    drop(holder);
    rustix::fs::flock(open(), FlockOperation::NonBlockingLockExclusive).unwrap();
}
