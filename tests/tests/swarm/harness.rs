//! One engine for the whole binary; for each test a zone, a canonical directory of abra, and runs as Drone starts them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::build::{Build, example};
use runward_tests::swarm::Swarm;
use runward_tests::sweep::{self, Swept};
use runward_tests::{Record, Running, Sandbox, binaries, engine, places, skip};

static SWARM: LazyLock<Swarm> = LazyLock::new(Swarm::start);
static ZONES: AtomicU32 = AtomicU32::new(0);

/// A sandbox with the engine, and names that no other test has: a sweep with other locks must not see them.
pub(crate) struct Bed {
    pub(crate) sandbox: Sandbox,
    pub(crate) zone: String,
    pub(crate) builds: AtomicU32,
}

/// None where there can be no engine: the test is skipped.
pub(crate) fn bed(test: &str, seconds: u64) -> Option<Bed> {
    if let Some(reason) = Swarm::lacks() {
        skip::skip(test, &reason);
        return None;
    }
    LazyLock::force(&SWARM);
    let bed = Bed {
        sandbox: Sandbox::new(seconds),
        zone: format!("z{}.example.org", ZONES.fetch_add(1, Ordering::Relaxed)),
        builds: AtomicU32::new(0),
    };
    bed.furnish();
    Some(bed)
}

impl Bed {
    fn furnish(&self) {
        for folder in [
            "bin",
            "abra/recipes",
            "abra/catalogue",
            "abra/servers/default",
        ] {
            fs::create_dir_all(self.sandbox.path(folder)).expect("a directory");
        }
        let bin = |name: &str| self.sandbox.path("bin").join(name);
        symlink(binaries::runward(), bin("runward")).expect("a link");
        symlink(example("stand-in/abra"), bin("abra")).expect("a link");
        let settings = self
            .sandbox
            .path("abra/servers/default/other.example.com.env");
        fs::write(settings, "TYPE=other\nDOMAIN=other.example.com\n")
            .expect("an app of somebody else");
        let config = fs::read_to_string(example("runward.toml")).expect("the example's file");
        let zone = self.zone.replace('.', r"\.");
        fs::write(self.config(), config.replace(r"ci\.example\.org", &zone)).expect("a file");
    }

    fn config(&self) -> PathBuf {
        self.sandbox.path("runward.toml")
    }

    pub(crate) fn swarm(&self) -> &'static Swarm {
        &SWARM
    }

    /// The engine's address, as Docker's own tools take it.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", SWARM.socket().display())
    }

    /// Puts a program before those that are installed.
    pub(crate) fn install(&self, name: &str, script: &str) {
        let path = self.sandbox.path("bin").join(name);
        fs::write(&path, script).expect("a program");
        places::set_mode(&path, 0o755);
    }

    fn path(&self) -> String {
        let path = std::env::var("PATH").unwrap_or_default();
        format!("{}:{path}", self.sandbox.path("bin").display())
    }

    /// Sets what every command of the flow finds in its environment.
    pub(crate) fn equip(&self, command: &mut Command) {
        command
            .env("PATH", self.path())
            .env("DOCKER_HOST", self.host())
            .env("ABRA_DIR", self.sandbox.path("abra"))
            .env("RUNWARD_LOCK_DIR", self.sandbox.path("locks"))
            .env("RUNWARD_HOME", self.sandbox.path("home"))
            .env("RUNWARD_CONFIG", self.config())
            .env("CI_ZONE", &self.zone)
            .stdin(Stdio::null());
    }

    #[track_caller]
    pub(crate) fn start(&self, build: Build) -> Running<'_> {
        Running::of(&self.sandbox, build.command)
    }

    /// Sweeps as a timer would.
    #[track_caller]
    pub(crate) fn sweep(&self, options: &[&str]) -> Swept {
        let mut command = self.sweeper();
        sweep::finish(command.args(options))
    }

    pub(crate) fn sweeper(&self) -> Command {
        let mut command = sweep::command(&self.sandbox);
        self.equip(&mut command);
        command
    }

    /// What the engine has of an app.
    #[track_caller]
    pub(crate) fn objects(&self, stack: &str) -> Vec<String> {
        engine::objects(&SWARM.socket(), stack)
    }

    /// All that is left anywhere of these stacks and of the runs of this sandbox.
    #[track_caller]
    pub(crate) fn left(&self, stacks: &[String]) -> Vec<String> {
        let objects = stacks.iter().flat_map(|stack| self.objects(stack));
        let mut left: Vec<String> = objects.collect();
        left.extend(self.files());
        left.extend(self.cgroups());
        left.extend(
            self.sandbox
                .everyone()
                .iter()
                .map(|one| format!("process {} {}", one.pid, one.command)),
        );
        left
    }

    /// Locks, journals and state directories, and settings that somebody wrote where they do not belong.
    fn files(&self) -> Vec<String> {
        let states = names(&self.sandbox.path("home/states"));
        let states = states.iter().map(|root| format!("home/states/{root}"));
        let fixed = [
            "home/runs",
            "locks/.runs",
            "locks",
            "abra/servers/default",
            "abra/recipes",
        ];
        let folders = states.chain(fixed.map(str::to_owned));
        let files = folders.flat_map(|folder| {
            let names = names(&self.sandbox.path(&folder)).into_iter();
            names.map(move |name| format!("{folder}/{name}"))
        });
        let kept = [".epoch", ".runs", "other.example.com.env"];
        files
            .filter(|file| !kept.iter().any(|kept| file.ends_with(&format!("/{kept}"))))
            .collect()
    }

    /// Cgroups have the name of their run, and that has the token of the sandbox.
    fn cgroups(&self) -> Vec<String> {
        let mut found = Vec::new();
        for mount in ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"] {
            collect(
                Path::new(mount),
                self.sandbox.token().trim_end_matches('-'),
                6,
                &mut found,
            );
        }
        found
    }

    /// Waits until nothing is left, of which somebody is taking care.
    #[track_caller]
    pub(crate) fn wait_for_nothing(&self, stacks: &[String]) {
        assert!(
            self.sandbox.everyone_ended_by(self.sandbox.until()),
            "{:#?}",
            self.sandbox.everyone()
        );
        let left = self.left(stacks);
        let left: Vec<_> = left
            .iter()
            .filter(|one| !one.starts_with("locks/"))
            .collect();
        assert!(left.is_empty(), "{left:#?}");
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn collect(folder: &Path, token: &str, depth: u32, into: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if entry.file_name().to_string_lossy().contains(token) {
                into.push(format!("cgroup {}", entry.path().display()));
            }
            if depth > 0 {
                collect(&entry.path(), token, depth - 1, into);
            }
        }
    }
}

/// The record of a build.
#[track_caller]
pub(crate) fn record(result: &Path) -> Record {
    Record::read(result)
}

/// Looks again and again until it holds; a test that waits for the impossible fails.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
