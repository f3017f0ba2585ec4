use runward_lock::{LockDir, conformance};

use crate::harness::{Scratch, hang_guard};

#[test]
fn directory_of_locks_conforms() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let other = LockDir::open(scratch.path()).unwrap();
    conformance::check(&scratch.locks, &other, "conforming");
}
