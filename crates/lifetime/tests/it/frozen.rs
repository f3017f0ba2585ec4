//! Processes that a freezer holds, of cgroup version 1 or 2.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use runward_cgroup::Hierarchy;
use runward_lifetime::{Cause, Containment, Status};
use rustix::process::Signal;

use crate::harness::{Scratch, Subject, hang_guard, send, skip};

/// A cgroup of this test's own that can freeze.
#[derive(Debug)]
struct Freezer {
    path: PathBuf,
    state: &'static str,
    values: [&'static str; 2],
}

impl Freezer {
    fn make(parent: &Path, name: &str, state: &'static str, values: [&'static str; 2]) -> Self {
        let path = parent.join(format!("runward-test-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self {
            path,
            state,
            values,
        }
    }

    /// None, and skipped by name, where the host has no such hierarchy to write to.
    fn one(test: &str) -> Option<Self> {
        let parent = Path::new("/sys/fs/cgroup/freezer");
        let may = rustix::process::geteuid().is_root() && parent.join("cgroup.procs").exists();
        if !may {
            skip(test, "needs root and a cgroup version 1 freezer");
        }
        may.then(|| Self::make(parent, test, "freezer.state", ["THAWED", "FROZEN"]))
    }

    fn two(test: &str) -> Option<Self> {
        let hierarchy = Hierarchy::find();
        let own = hierarchy.ok().filter(|found| found.support().usable());
        if own.is_none() {
            skip(test, "needs a cgroup version 2 to write to");
        }
        own.map(|found| Self::make(found.own(), test, "cgroup.freeze", ["0", "1"]))
    }

    fn members(&self) -> String {
        self.path.join("cgroup.procs").display().to_string()
    }

    fn set(&self, value: usize) {
        fs::write(self.path.join(self.state), self.values[value]).unwrap();
    }

    fn freeze(&self) {
        self.set(1);
        // The kernel tells of version 2 by an event, and of version 1 not at all.
        let until = Instant::now() + Duration::from_secs(20);
        while Instant::now() < until && !self.is_frozen() {
            std::thread::yield_now();
        }
        assert!(self.is_frozen());
    }

    fn is_frozen(&self) -> bool {
        let read = |file| fs::read_to_string(self.path.join(file)).unwrap_or_default();
        read("freezer.state").trim() == "FROZEN" || read("cgroup.events").contains("frozen 1")
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        let _ = fs::write(self.path.join(self.state), self.values[0]);
        let until = Instant::now() + Duration::from_secs(20);
        while fs::remove_dir(&self.path).is_err() && Instant::now() < until {
            std::thread::yield_now();
        }
    }
}

/// The program enters the cgroup itself, and waits there for a signal.
fn script(freezer: &Freezer) -> String {
    format!(
        "trap 'echo asked >&9; kill $!; exit 4' TERM; echo $$ >{}; sleep 600 & echo ready >&9; wait",
        freezer.members()
    )
}

#[test]
fn who_is_frozen_alone_is_thawed_and_asked() {
    let _hang = hang_guard();
    let test = "who_is_frozen_alone_is_thawed_and_asked";
    for freezer in [Freezer::one(test), Freezer::two(test)] {
        let Some(freezer) = freezer else { continue };
        let scratch = Scratch::new();
        let mut alive = scratch.line("alive");
        let mut subject = Subject::start();
        subject.program(&scratch.shell(&script(&freezer)), Containment::Subreaper);
        subject.tell(&["run"]);
        assert_eq!(alive.hear(), "ready");
        freezer.freeze();
        send(subject.owner(), Signal::TERM);
        let outcome = subject.outcome();
        assert_eq!(outcome.exit_code(), 143);
        assert_eq!(outcome.program(), Some(Status::Code(4)), "{freezer:?}");
        assert_eq!(alive.end(), "asked\n");
    }
}

#[test]
fn who_is_frozen_alone_is_killed() {
    let _hang = hang_guard();
    let test = "who_is_frozen_alone_is_killed";
    for containment in [Containment::Subreaper, Containment::Cgroup] {
        let Some(freezer) = Freezer::one(test) else {
            return;
        };
        let scratch = Scratch::new();
        let (mut alive, mut kept) = (scratch.line("alive"), scratch.line("kept"));
        let mut subject = Subject::start();
        subject.program(&scratch.shell(&script(&freezer)), containment);
        assert_eq!(subject.ask(&["arm"]), "armed");
        subject.tell(&["keep", &scratch.text("kept")]);
        assert_eq!(subject.ask(&["start"]), "started");
        assert_eq!(alive.hear(), "ready");
        freezer.freeze();
        subject.kill_owner();
        // The guardian ends when they have, or when it has waited for long enough.
        kept.end();
        assert!(alive.has_ended(), "{containment}");
    }
}

/// It is not ours to let others run on whom somebody has stopped.
#[test]
fn who_is_frozen_with_a_stranger_is_named_with_the_cgroup() {
    let _hang = hang_guard();
    let test = "who_is_frozen_with_a_stranger_is_named_with_the_cgroup";
    let Some(freezer) = Freezer::one(test) else {
        return;
    };
    let mut stranger = Stranger(Command::new("sleep").arg("600").spawn().unwrap());
    fs::write(freezer.members(), stranger.0.id().to_string()).unwrap();
    let scratch = Scratch::new();
    let mut alive = scratch.line("alive");
    let mut subject = Subject::start();
    subject.program(&scratch.shell(&script(&freezer)), Containment::Subreaper);
    subject.tell(&["grace", "100"]);
    subject.tell(&["run"]);
    assert_eq!(alive.hear(), "ready");
    freezer.freeze();
    send(subject.owner(), Signal::TERM);
    let outcome = subject.outcome();
    assert!(freezer.is_frozen());
    assert!(matches!(outcome.cause(), Cause::Cancelled { .. }));
    assert_eq!(outcome.survivors().len(), 2, "{:?}", outcome.survivors());
    for survivor in outcome.survivors() {
        let stuck = survivor.stuck.as_deref().unwrap();
        assert!(stuck.contains(freezer.path.to_str().unwrap()), "{stuck}");
        assert!(stuck.contains("THAWED"), "{stuck}");
    }
    freezer.set(0);
    alive.end();
    assert!(stranger.0.try_wait().unwrap().is_none());
}

struct Stranger(Child);

impl Drop for Stranger {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
