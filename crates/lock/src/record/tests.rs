use proptest::prelude::*;

use super::*;

fn identity() -> Identity {
    Identity {
        pid: u32::MAX,
        start: u64::MAX,
        boot: "f".repeat(36),
        pidns: u64::MAX,
    }
}

fn record() -> Record {
    Record::new(
        &Record::template(&identity()),
        Fence::new(7),
        &Request::new().run_id("r").what("w").trace("/t"),
        None,
    )
}

#[test]
fn layout_fills_whole_lines() {
    let record = record();
    let text = std::str::from_utf8(record.bytes()).unwrap();
    assert!(text.starts_with("runward-lock 1\nreleased n\nfence    7 ") && text.ends_with(" \n"));
    let labels: Vec<&str> = text
        .lines()
        .filter_map(|l| l.split(' ').next())
        .filter(|l| !l.is_empty())
        .collect();
    let expected = [
        "runward-lock",
        "released",
        "fence",
        "pid",
        "start",
        "boot",
        "pidns",
        "since",
        "run",
        "what",
        "trace",
        "sum",
    ];
    assert_eq!(labels, expected);
}

#[test]
fn release_flips_one_byte_outside_the_sum() {
    let mut bytes = record().bytes().to_vec();
    bytes[CLEAN_AT as usize] = CLEAN_BYTE[0];
    let released = Record::decode(bytes).unwrap();
    assert!(released.released());
    assert!(!record().released());
}

#[test]
fn owner_of_another_boot_start_or_namespace_is_dead() {
    let own = Identity::own();
    let of = |identity: &Identity| {
        Record::new(
            &Record::template(identity),
            Fence::new(1),
            &Request::new(),
            None,
        )
    };
    assert!(of(&own).owner_alive());
    assert!(
        !of(&Identity {
            boot: "another".to_owned(),
            ..own.clone()
        })
        .owner_alive()
    );
    assert!(
        !of(&Identity {
            start: own.start + 1,
            ..own.clone()
        })
        .owner_alive()
    );
    assert!(
        !of(&Identity {
            pidns: own.pidns + 1,
            ..own.clone()
        })
        .owner_alive()
    );
    assert!(!of(&Identity { pid: 0, ..own }).owner_alive());
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        run in "[^\\p{Cc}]{0,20}[^\\p{Cc} ]",
        what in "[a-zäß ]{0,40}[a-z]",
        trace in "/[ -~]{0,300}x",
        fence in 0..1u64 << 52,
    ) {
        let request = Request::new().run_id(run.clone()).what(what.clone()).trace(trace.clone());
        prop_assert!(request.check().is_ok());
        let read = Record::decode(Record::new(&Record::template(&identity()), Fence::new(fence), &request, None).bytes().to_vec()).unwrap();
        prop_assert_eq!((read.run_id(), read.what(), read.trace()), (run.as_str(), what.as_str(), trace.as_str()));
        prop_assert_eq!((read.fence().get(), read.pid()), (fence, u32::MAX));
    }

    #[test]
    fn torn_record_is_none(at in 0usize..SIZE, bit in 0u8..8) {
        let mut bytes = record().bytes().to_vec();
        bytes[at] ^= 1 << bit;
        prop_assume!(at != CLEAN.at);
        prop_assert!(Record::decode(bytes).is_none());
    }

    #[test]
    fn any_bytes_are_taken_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1100)) {
        prop_assert!(Record::decode(bytes).is_none());
    }
}
