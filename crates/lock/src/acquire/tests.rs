//! Lock directories in which somebody has written what no holder writes.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;

use crate::identity::Identity;
use crate::record::Record;
use crate::{Error, ErrorKind, Fence, LockDir, Name, Order, Request, Wait, quiet};

struct Scratch {
    _root: tempfile::TempDir,
    locks: LockDir,
}

impl Scratch {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let locks = LockDir::open(root.path().join("locks")).unwrap();
        Self { _root: root, locks }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.locks.path().join(name)
    }

    fn take(&self) -> Result<u64, Error> {
        let request = Request::new().wait(Wait::Never).order(Order::Arrival);
        let guard = (self.locks).acquire(&Name::new("app").unwrap(), &request, &mut quiet)?;
        Ok(guard.fence().get())
    }

    fn leave_record(&self, fence: u64) {
        let own = Record::template(&Identity::own());
        let record = Record::new(&own, Fence::new(fence), &Request::new(), None);
        fs::write(self.file("app"), record.bytes()).unwrap();
    }
}

fn is_given(fence: u64) -> bool {
    Fence::new(fence).can_be_given()
}

#[test]
fn fence_that_no_holder_was_given_is_none() {
    let scratch = Scratch::new();
    for fence in [u64::MAX, u64::MAX - 1, 1 << 53] {
        scratch.leave_record(fence);
        assert!(is_given(scratch.take().unwrap()), "{fence}");
    }
}

#[test]
fn fence_grows_also_over_one_that_is_ahead_of_the_clock() {
    let scratch = Scratch::new();
    for fence in [5_000_000_000_999_999, 5_000_000_000_000_007] {
        scratch.leave_record(fence);
        assert!(scratch.take().unwrap() > fence);
    }
}

#[test]
fn last_fence_of_all_has_no_next() {
    let scratch = Scratch::new();
    let last = (1u64 << 53) / 1_000_000 * 1_000_000 - 1;
    scratch.leave_record(last);
    assert_eq!(scratch.take().unwrap_err().kind(), ErrorKind::Corrupt);
}

#[test]
fn epoch_at_its_end_is_refused_and_not_passed() {
    let scratch = Scratch::new();
    for epoch in [u64::MAX, u64::MAX - 1, u64::MAX / 1_000_000, 9_007_199_253] {
        fs::write(scratch.file(".epoch"), format!("{epoch:<20}\n")).unwrap();
        let error = scratch.take().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{epoch}");
        assert!(error.to_string().contains(".epoch"), "{error}");
    }
}

#[test]
fn ticket_at_its_end_is_refused() {
    let scratch = Scratch::new();
    for last in [u64::MAX, i64::MAX as u64, i64::MAX as u64 - 1] {
        fs::write(scratch.file(".queue.app"), format!("{last:<20}\n")).unwrap();
        assert_eq!(
            scratch.take().unwrap_err().kind(),
            ErrorKind::Corrupt,
            "{last}"
        );
    }
    fs::write(scratch.file(".queue.app"), format!("{}\n", i64::MAX - 2)).unwrap();
    scratch.take().unwrap();
}

fn numbers_or_noise() -> impl Strategy<Value = Vec<u8>> {
    let noise = proptest::collection::vec(any::<u8>(), 0..40);
    let number = any::<u64>().prop_map(|n| format!("{n:<20}\n").into_bytes());
    let edge = (0u64..3).prop_map(|n| format!("{:<20}\n", u64::MAX - n).into_bytes());
    prop_oneof![noise, number, edge]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_files_hold_the_fence_grows_or_is_refused(
        record in proptest::collection::vec(any::<u8>(), 0..1000),
        fence in proptest::option::of(any::<u64>()),
        epoch in numbers_or_noise(),
        queue in numbers_or_noise(),
    ) {
        let scratch = Scratch::new();
        fs::write(scratch.file("app"), &record).unwrap();
        fence.into_iter().for_each(|fence| scratch.leave_record(fence));
        fs::write(scratch.file(".epoch"), &epoch).unwrap();
        fs::write(scratch.file(".queue.app"), &queue).unwrap();
        let mut last = fence.filter(|f| is_given(*f)).unwrap_or(0);
        for _ in 0..3 {
            match scratch.take() {
                Ok(next) => prop_assert!(is_given(next) && next > last),
                Err(e) => { prop_assert_eq!(e.kind(), ErrorKind::Corrupt); break }
            }
            last = scratch.locks.record(&Name::new("app").unwrap()).unwrap().unwrap().fence().get();
        }
    }
}
