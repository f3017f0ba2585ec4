//! Journal and audit: they survive the janitor, and nothing is done that cannot be recorded.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use runward_janitor::{ErrorKind, Outcome};
use rustix::mount::{MountFlags, UnmountFlags};

use crate::harness::{Seen, World, policy, row, skip, word};

#[test]
fn audit_tells_what_was_done_in_which_order_under_which_fence() {
    let world = World::new();
    world.orphan("shop-1");
    let (plan, _) = world.janitor(&["shop-.*"]).actor("nightly").run().unwrap();
    let audit = world.audit();
    let lines: Vec<serde_json::Value> = audit
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let events: Vec<_> = lines
        .iter()
        .map(|line| line["event"].as_str().unwrap())
        .collect();
    let steps = |count| vec!["step"; count];
    let expected = [
        vec!["pass", "taken"],
        steps(3),
        vec!["reaped"],
        steps(2),
        vec!["reaped", "emptied", "end"],
    ];
    assert_eq!(events, expected.concat(), "{audit}");
    assert!(lines[0]["text"].as_str().unwrap().contains(&plan.digest()));
    for line in &lines {
        assert_eq!(
            (&line["actor"], &line["pass"]),
            (&"nightly".into(), &lines[0]["pass"])
        );
        let fenced = line["name"].is_string();
        assert_eq!(line["fence"].is_u64(), fenced, "{line}");
    }
}

/// What a reader of the audit alone makes of it: the last thing said of each object.
fn replay(audit: &str) -> BTreeMap<String, String> {
    let mut state = BTreeMap::new();
    for line in audit.lines() {
        let Ok(line) = serde_json::from_str::<serde_json::Value>(line) else {
            continue;
        };
        if let Some(id) = line["id"].as_str() {
            let key = format!("{} {id}", line["kind"].as_str().unwrap());
            state.insert(key, line["event"].as_str().unwrap().to_owned());
        }
    }
    state
}

#[test]
fn audit_of_a_killed_and_a_second_sweep_replays_to_the_present() {
    let world = World::new();
    world.orphan("shop-1");
    let mut victim = world.stopping_peer("step.taken");
    victim.tell("sweep shop-.*");
    assert_eq!(victim.watch(), Seen::Stopped);
    victim.kill();
    assert_eq!(replay(&world.audit())["thing shop-1"], "step");
    assert!(world.run(&["shop-.*"]).1.is_clean());
    let state = replay(&world.audit());
    assert_eq!(state["thing shop-1"], "reaped");
    assert_eq!(state["state shop-1"], "reaped");
}

#[test]
fn failure_waits_longer_each_time_and_success_forgets_it() {
    let world = World::new();
    world.orphan("shop-1");
    world.orphan("shop-2");
    let refusal = world.things.file("shop-1", "refuse-tasks");
    fs::write(&refusal, "in use by somebody").unwrap();
    let hour = Duration::from_secs(3600);
    let patient = || policy(&["shop-.*"]).backoff(hour, 4 * hour);
    assert!(!world.with(patient()).run().unwrap().1.is_clean());
    let (plan, report) = world.with(patient()).run().unwrap();
    assert_eq!(word(&plan, "thing", "shop-1"), "waiting");
    let why = row(&plan, "thing", "shop-1").reason().to_string();
    assert!(
        why.contains("tried 1 time") && why.contains("in use by somebody"),
        "{why}"
    );
    assert!(!report.is_clean() && report.items().is_empty(), "{report}");
    let journal = fs::read_to_string(world.path("home/journal/shop-1")).unwrap();
    assert!(journal.contains("in use by somebody"), "{journal}");
    // The same file, judged by who waits no longer than a second.
    let hasty = || policy(&["shop-.*"]).backoff(Duration::ZERO, Duration::ZERO);
    let (_, report) = world.with(hasty()).run().unwrap();
    assert!(!report.is_clean() && !report.items().is_empty(), "{report}");
    fs::remove_file(&refusal).unwrap();
    assert!(world.with(hasty()).run().unwrap().1.is_clean());
    assert!(!world.path("home/journal/shop-1").exists());
    assert_eq!(world.has("shop-1"), [false; 3]);
}

#[test]
fn name_at_which_janitors_are_killed_again_and_again_comes_last_and_waits() {
    let world = World::new();
    world.orphan("shop-1");
    for _ in 0..2 {
        let mut victim = world.stopping_peer("quiesced");
        victim.tell("sweep shop-1");
        assert_eq!(victim.watch(), Seen::Stopped);
        victim.kill();
        world.things.make("shop-2");
        let (plan, _) = (world.janitor(&["shop-.*"]).plan().unwrap(), ());
        let first = plan.rows()[0].name().as_str();
        assert_eq!(first, "shop-2", "{plan}");
    }
    let (plan, report) = world.run(&["shop-.*"]);
    assert_eq!(word(&plan, "thing", "shop-1"), "waiting", "{plan}");
    assert!(!world.things.exists("shop-2"), "{report}");
}

#[test]
fn home_that_others_can_write_to_is_refused() {
    let world = World::new();
    world.orphan("shop-1");
    fs::create_dir(world.path("home")).unwrap();
    fs::set_permissions(world.path("home"), fs::Permissions::from_mode(0o777)).unwrap();
    let error = world.janitor(&["shop-.*"]).run().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Home, "{error}");
    assert!(error.to_string().contains("chmod"), "{error}");
    assert_eq!(world.has("shop-1"), [true; 3]);
}

/// A small filesystem over the janitor's home, as long as the value lives.
struct Small(std::path::PathBuf);

impl Small {
    fn over(path: std::path::PathBuf) -> Option<Self> {
        fs::create_dir(&path).unwrap();
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        rustix::mount::mount("tmpfs", &path, "tmpfs", flags, c"size=16k,mode=700").ok()?;
        Some(Self(path))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, UnmountFlags::DETACH);
    }
}

#[test]
fn nothing_is_reaped_on_a_full_disk_and_all_of_it_later() {
    let world = World::new();
    let Some(_small) = Small::over(world.path("home")) else {
        return skip("records full disk", "needs the right to mount a tmpfs");
    };
    for number in 0..60 {
        world.orphan(&format!("shop-{number:02}"));
    }
    let janitor = || world.with(policy(&["shop-.*"]).cap(1000));
    let (_, report) = janitor().run().unwrap();
    assert!(
        !report.is_clean(),
        "the disk holds less than this sweep writes"
    );
    let trouble = report.trouble().join(" ");
    assert!(trouble.contains("free some space"), "{trouble}");
    // What is gone is in the audit, and what could not be recorded is still there.
    let left = report
        .items()
        .iter()
        .filter(|item| matches!(item.outcome(), Outcome::Left(_)));
    assert!(
        left.clone().count() > 0 && left.clone().count() < report.items().len(),
        "{report}"
    );
    let audit = world.audit();
    let whole = audit.lines().filter(|line| line.ends_with('}'));
    for line in whole.clone() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    assert!(audit.lines().count() - whole.count() <= 2, "{audit}");
    for step in world.things.steps_taken() {
        let (id, word) = step.split_once(' ').unwrap();
        let word = word.split(' ').next().unwrap();
        let line = audit.lines().find(|line| {
            line.contains(&format!("\"id\":\"{id}\""))
                && line.contains(&format!("\"step\":\"{word}\""))
        });
        assert!(line.is_some(), "{step} is not in the audit");
        assert!(!step.ends_with("late"), "{step}");
    }
    let full = janitor().run();
    assert!(
        !full.is_ok_and(|(_, report)| report.is_clean()),
        "it is still full"
    );
    fs::remove_file(world.path("home/audit.jsonl")).unwrap();
    let mut clean = false;
    for _ in 0..30 {
        let (_, report) = janitor().run().unwrap();
        clean = report.is_clean();
        if clean {
            break;
        }
        fs::remove_file(world.path("home/audit.jsonl")).unwrap();
    }
    assert!(clean);
    assert!((0..60).all(|number| world.has(&format!("shop-{number:02}")) == [false; 3]));
}

#[test]
fn line_that_a_full_disk_cut_short_does_not_spoil_the_next() {
    let world = World::new();
    world.orphan("shop-1");
    fs::create_dir(world.path("home")).unwrap();
    fs::set_permissions(world.path("home"), fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(world.path("home/audit.jsonl"), b"{\"event\":\"st").unwrap();
    assert!(world.run(&["shop-.*"]).1.is_clean());
    let audit = world.audit();
    assert!(audit.starts_with("{\"event\":\"st\n{\"at\""), "{audit}");
}

#[test]
fn what_a_journal_says_beyond_all_measure_ends_no_sweep() {
    let most = u32::MAX;
    for entry in [
        format!(r#"{{"attempts":{most},"interrupted":{most},"last":"","not_before":0}}"#),
        format!(
            r#"{{"attempts":1,"interrupted":0,"last":"","not_before":{}}}"#,
            u64::MAX
        ),
        r#"{"attempts":-1}"#.to_owned(),
    ] {
        let world = World::new();
        pass(&world, "shop-.*");
        world.orphan("shop-1");
        fs::write(world.path("home/journal/shop-1"), entry).unwrap();
        pass(&world, "shop-.*");
        assert_eq!(world.has("shop-1"), [false; 3]);
    }
}

/// An audit that is as large as it may grow.
fn fill_audit(world: &World) -> String {
    let lines = "{}\n".repeat((4 << 20) / 3 + 1);
    fs::write(world.path("home/audit.jsonl"), &lines).unwrap();
    lines
}

fn older(world: &World) -> String {
    fs::read_to_string(world.path("home/audit.1.jsonl")).unwrap_or_default()
}

#[track_caller]
fn pass(world: &World, pattern: &str) {
    let (_, report) = world.run(&[pattern]);
    assert!(report.trouble().is_empty(), "{report}");
}

#[test]
fn a_large_audit_makes_room_and_is_kept_once() {
    let world = World::new();
    pass(&world, "shop-.*");
    assert_eq!(older(&world), "", "a small one goes on");
    let first = fill_audit(&world);
    pass(&world, "shop-.*");
    assert_eq!(older(&world), first);
    assert!(world.audit().starts_with("{\"at\"") && world.audit().len() < 1024);
    let second = fill_audit(&world).replace("{}", "[]");
    fs::write(world.path("home/audit.jsonl"), &second).unwrap();
    pass(&world, "shop-.*");
    assert_eq!(older(&world), second);
}

#[test]
fn an_audit_that_somebody_writes_stays_where_it_is() {
    let world = World::new();
    world.orphan("shop-1");
    let mut peer = world.stopping_peer("step.recorded");
    peer.tell("sweep shop-.*\nexit");
    assert_eq!(peer.watch(), Seen::Stopped);
    let lines = fill_audit(&world);
    pass(&world, "other-.*");
    assert_eq!(older(&world), "");
    assert!(
        world.audit().len() > lines.len(),
        "it is written to all the same"
    );
    peer.kill();
    let all = world.audit();
    pass(&world, "shop-.*");
    assert_eq!(older(&world), all, "with what the other wrote");
}

#[test]
fn a_janitor_that_is_killed_as_the_audit_makes_room_loses_nothing() {
    for point in ["audit.full", "audit.renamed"] {
        let world = World::new();
        pass(&world, "shop-.*");
        let lines = fill_audit(&world);
        let mut peer = world.stopping_peer(point);
        peer.tell("sweep shop-.*\nexit");
        assert_eq!(peer.watch(), Seen::Stopped, "{point}");
        peer.kill();
        pass(&world, "shop-.*");
        assert_eq!(older(&world), lines, "{point}");
        assert!(world.audit().starts_with("{\"at\""), "{point}");
    }
}
