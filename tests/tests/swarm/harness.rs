//! One engine for the whole binary; for each test a zone, a canonical directory of abra, and runs as Drone starts them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use runward_tests::swarm::{IMAGE, Swarm};
use runward_tests::sweep::{self, Swept};
use runward_tests::{Record, Running, Sandbox, binaries, engine, places, skip};

static SWARM: LazyLock<Swarm> = LazyLock::new(Swarm::start);
static ZONES: AtomicU32 = AtomicU32::new(0);

/// A sandbox with the engine, and names that no other test has: a sweep with other locks must not see them.
pub(crate) struct Bed {
    pub(crate) sandbox: Sandbox,
    pub(crate) zone: String,
    builds: AtomicU32,
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

/// A file of `examples/abra-ci`.
pub(crate) fn example(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/abra-ci");
    let folder = folder.canonicalize().expect("the example is there");
    folder.join(name)
}

/// A build of a pull request, not yet started.
pub(crate) struct Build {
    pub(crate) command: Command,
    pub(crate) result: PathBuf,
    pub(crate) workspace: PathBuf,
    pub(crate) app: String,
}

impl Build {
    /// The stack of its app.
    pub(crate) fn stack(&self) -> String {
        self.app.replace('.', "_")
    }

    /// As a step is started by Drone's exec runner.
    pub(crate) fn under_a_shell(self) -> Self {
        let words = self.command.get_args().map(|word| word.to_string_lossy());
        let program = self.command.get_program().to_string_lossy();
        let line: Vec<_> = [program].into_iter().chain(words).collect();
        let script = format!("{}\necho the next command\n", line.join(" "));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-ec", &script])
            .current_dir(&self.workspace)
            .stdin(Stdio::null());
        let variables = self.command.get_envs();
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        Self { command, ..self }
    }
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

    /// A build of the example's recipe, with this as the recipe's own test.
    pub(crate) fn build(&self, recipe: &str, pull_request: u32, test: &str) -> Build {
        let number = self.builds.fetch_add(1, Ordering::Relaxed);
        let workspace = self.sandbox.path(&format!("workspace-{number}"));
        checkout(&workspace, test);
        let repo = format!("{}/{recipe}", self.sandbox.token());
        let result = self.sandbox.path(&format!("result-{number}"));
        let mut command = Command::new(example("ci-run"));
        self.equip(&mut command);
        command
            .env("DRONE", "true")
            .env("DRONE_REPO", &repo)
            .env("DRONE_REPO_NAME", recipe)
            .env("DRONE_PULL_REQUEST", pull_request.to_string())
            .env("DRONE_BUILD_NUMBER", number.to_string())
            .env("DRONE_STEP_NUMBER", "1")
            .env("DRONE_WORKSPACE", &workspace)
            .env("RUNWARD_RESULT", &result)
            .current_dir(&workspace);
        let app = self.app(&repo, recipe, pull_request);
        Build {
            command,
            result,
            workspace,
            app,
        }
    }

    /// As the page of the example says that it is derived.
    fn app(&self, repo: &str, recipe: &str, pull_request: u32) -> String {
        let mut sum = Command::new("sh");
        sum.args(["-c", "printf %s \"$0\" | sha256sum"]);
        let output = sum
            .arg(format!("{repo}/{pull_request}"))
            .output()
            .expect("a digest");
        let digits = String::from_utf8_lossy(&output.stdout)[..6].to_owned();
        format!("{}-{digits}.{}", &recipe[..recipe.len().min(4)], self.zone)
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

fn checkout(workspace: &Path, test: &str) {
    let copied = Command::new("cp")
        .arg("-R")
        .arg(example("recipe"))
        .arg(workspace)
        .status();
    assert!(
        copied.is_ok_and(|status| status.success()),
        "a copy of the recipe"
    );
    let compose = workspace.join("compose.yml");
    let text = fs::read_to_string(&compose).expect("a recipe");
    let text = text.replace("busybox:1.36", IMAGE).replace(
        "      labels:\n",
        "      labels:\n        - \"run=${RUNWARD_RUN_ID}\"\n",
    );
    fs::write(&compose, text).expect("a recipe");
    fs::write(workspace.join("ci/test"), test).expect("a test");
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
