use std::ops::ControlFlow;

use runward_lock::conformance::Memory;
use runward_lock::{Event, Hold, LockDir, Locks, Request, conformance};

use crate::harness::{Scratch, hang_guard, name};

#[test]
fn directory_of_locks_conforms() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let other = LockDir::open(scratch.path()).unwrap();
    conformance::check(&scratch.locks, &other, "conforming");
}

#[test]
fn locks_in_memory_conform_directly_and_behind_a_pointer() {
    let _hang = hang_guard();
    let memory = Memory::default();
    conformance::check(&memory, &memory.clone(), "memory");
    let boxed: Box<dyn Locks<Guard = <Memory as Locks>::Guard>> = Box::new(memory.clone());
    conformance::check(&boxed, &&memory, "boxed");
}

/// As one who owns several names does it, whatever keeps the locks.
fn own(locks: &impl Locks) -> Vec<String> {
    let mut said = Vec::new();
    let names = [name("web"), name("db")];
    let request = Request::new().run_id("second").trace("/second");
    let taken = locks.acquire_all(&names, &request, &mut |event| {
        if let Event::Acquired { name, .. } = event {
            said.push(format!("own {name}"));
        }
        ControlFlow::Continue(())
    });
    for mut guard in taken.unwrap() {
        if let Some(dead) = guard.predecessor().filter(|last| last.is_unfinished()) {
            said.push(format!("finish {} of {}", dead.trace(), dead.run_id()));
        }
        guard.settle("/second").unwrap();
        assert!(guard.still_current().unwrap());
        guard.close().unwrap();
    }
    said
}

#[test]
fn one_program_serves_both() {
    let scratch = Scratch::new();
    let expected = ["own db", "own web", "finish /first of first"];
    let first = Request::new().run_id("first").trace("/first");
    let quiet = &mut runward_lock::quiet;
    let memory = Memory::default();
    memory.acquire(&name("web"), &first, quiet).unwrap().leave();
    assert_eq!(own(&memory), expected);
    let dir = &scratch.locks;
    drop(dir.acquire(&name("web"), &first, quiet).unwrap().leave());
    assert_eq!(own(dir), expected);
}
