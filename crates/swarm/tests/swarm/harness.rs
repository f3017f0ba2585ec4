//! One engine for all tests of the binary, stacks with names of their own, and a limit of time for each test.

use std::{
    io::Write as _,
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use runward_swarm::{Engine, Event, Inventory, Report, StackName, Teardown};
use runward_tests::{skip::skip, swarm::Swarm};

/// Longer than anything takes that does not hang.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A command for a compose file, and the signal that ends it: at once, whatever it does. One that is to be caught is lost on a
/// shell that has just begun, and then costs the ten seconds that the engine waits.
pub(crate) const OBEYS: &str = r#"["busybox","sleep","1000"], stop_signal: SIGKILL"#;

static SWARM: LazyLock<Swarm> = LazyLock::new(Swarm::start);
static STACKS: AtomicU32 = AtomicU32::new(0);

/// Ends the whole test binary if the test is not over in time.
pub(crate) struct HangGuard(
    #[expect(dead_code, reason = "its drop ends the watch")] mpsc::Sender<()>,
);

fn hang_guard(test: &'static str) -> HangGuard {
    let (alive, watch) = mpsc::channel();
    std::thread::spawn(move || {
        if watch.recv_timeout(4 * LONG) == Err(mpsc::RecvTimeoutError::Timeout) {
            let _ = writeln!(std::io::stderr(), "HANG {test}");
            std::process::abort();
        }
    });
    HangGuard(alive)
}

/// The engine, for one test.
pub(crate) struct Bed {
    pub(crate) swarm: &'static Swarm,
    _hang: HangGuard,
}

impl Bed {
    /// None where there can be no engine: the test is skipped.
    pub(crate) fn new(test: &'static str) -> Option<Self> {
        if let Some(reason) = Swarm::lacks() {
            skip(&format!("swarm {test}"), &reason);
            return None;
        }
        let _hang = hang_guard(test);
        Some(Self {
            swarm: &SWARM,
            _hang,
        })
    }

    pub(crate) fn engine(&self) -> Engine {
        Engine::at(self.swarm.socket()).unwrap()
    }

    /// The name of a stack that no other test has.
    pub(crate) fn stack(&self) -> StackName {
        let number = STACKS.fetch_add(1, Ordering::Relaxed);
        StackName::new(format!("t{number}_example_org")).unwrap()
    }

    pub(crate) fn deploy(&self, stack: &StackName, compose: &str) {
        self.swarm.deploy(stack.as_str(), compose);
    }

    /// Deploys, and waits until the containers run.
    pub(crate) fn run(&self, stack: &StackName, compose: &str) {
        self.deploy(stack, compose);
        let engine = self.engine();
        let wait = runward_swarm::Wait::new(&engine, stack.clone()).stable(Duration::ZERO);
        let arrived = wait
            .timeout(LONG)
            .run(&mut |_| ControlFlow::Continue(()))
            .unwrap();
        assert_eq!(
            arrived.state(),
            runward_swarm::State::Settled,
            "{arrived:?}"
        );
    }

    pub(crate) fn inventory(&self, stack: &StackName) -> Vec<String> {
        let inventory = Inventory::of(&self.engine(), stack, &[]).unwrap();
        inventory
            .objects()
            .iter()
            .map(|o| format!("{} {}", o.kind(), o.name()))
            .collect()
    }

    pub(crate) fn remove(&self, stack: &StackName) -> Report {
        self.remove_by(&self.engine(), stack)
    }

    pub(crate) fn remove_by(&self, engine: &Engine, stack: &StackName) -> Report {
        let teardown = Teardown::new(engine, stack.clone()).patience(Duration::from_secs(5));
        teardown.run(&mut go_on).unwrap()
    }

    pub(crate) fn secret(&self, name: &str) {
        let file = self.scratch(name);
        std::fs::write(&file, "hidden").unwrap();
        self.swarm
            .docker(["secret", "create", name, file.to_str().unwrap()]);
    }

    pub(crate) fn scratch(&self, name: &str) -> PathBuf {
        self.swarm.socket().with_file_name(name)
    }
}

pub(crate) fn go_on(_: &Event<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Looks again and again until it holds; a test that waits for the impossible fails.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A stack of one service and its network.
pub(crate) fn small(command: &str) -> String {
    format!(
        r#"
version: "3.8"
services: {{web: {{image: "tiny:1", command: {command}}}}}
"#
    )
}

/// A stack with all kinds of objects, the secret made before it as `abra` does.
pub(crate) fn everything(bed: &Bed, stack: &StackName) -> String {
    let secret = format!("{stack}_db_password_v1");
    bed.secret(&secret);
    let file = bed.scratch("conf");
    std::fs::write(&file, "shown").unwrap();
    format!(
        r#"
version: "3.8"
services:
  web: {{image: "tiny:1", command: {OBEYS}, volumes: ["data:/data"], networks: [inner], configs: [conf], secrets: [password]}}
  db: {{image: "tiny:1", command: {OBEYS}, networks: [inner]}}
networks: {{inner: {{}}}}
volumes: {{data: {{}}}}
configs: {{conf: {{file: {}}}}}
secrets: {{password: {{external: true, name: {secret}}}}}
"#,
        file.display()
    )
}
