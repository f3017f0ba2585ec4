//! Runs as the first process of a container, and below the small one that `docker run --init` puts there.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use runward_tests::binaries::runward;
use runward_tests::procs::{self, Proc};
use runward_tests::servers::installed;
use runward_tests::skip::is_root;
use runward_tests::{Sandbox, need};

use crate::starts::{Start, soon};

/// An engine of the sandbox's own, without a network, with an image that is empty.
struct Engine<'a> {
    sandbox: &'a Sandbox,
    daemon: Child,
}

const IMAGE: &str = "empty:1";

impl<'a> Engine<'a> {
    fn start(sandbox: &'a Sandbox) -> Self {
        let path = |name| sandbox.path(name).display().to_string();
        let mut daemon = Command::new("dockerd");
        daemon.args(["--bridge", "none", "--iptables=false", "--ip-masq=false"]);
        daemon.args(["--storage-driver", "vfs", "--host", &host(sandbox)]);
        for (option, name) in [
            ("--data-root", "data"),
            ("--exec-root", "exec"),
            ("--pidfile", "pid"),
        ] {
            daemon.args([option, &path(name)]);
        }
        let log = fs::File::create(sandbox.path("log")).expect("a log");
        daemon
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let daemon = daemon.spawn().expect("dockerd starts");
        let engine = Self { sandbox, daemon };
        engine.await_ready();
        engine.import();
        engine
    }

    fn docker(&self, words: &[&str]) -> Command {
        let mut command = Command::new("docker");
        command.args(["--host", &host(self.sandbox)]).args(words);
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn succeeds(&self, words: &[&str]) -> bool {
        let status = self.docker(words).status();
        status.expect("docker starts").success()
    }

    /// It tells nobody but a service manager when it is ready, so this asks again and again.
    fn await_ready(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.succeeds(&["info"]) {
            let log = || fs::read_to_string(self.sandbox.path("log")).unwrap_or_default();
            assert!(Instant::now() < until, "dockerd is not ready: {}", log());
            thread::yield_now();
        }
    }

    fn import(&self) {
        let (folder, tar) = (self.sandbox.path("image"), self.sandbox.path("image.tar"));
        fs::create_dir_all(folder.join("tmp")).expect("a folder");
        let made = Command::new("tar")
            .arg("-C")
            .args([&folder, &PathBuf::from("-cf"), &tar, &PathBuf::from("tmp")])
            .status();
        assert!(made.expect("tar starts").success());
        assert!(self.succeeds(&["import", &tar.display().to_string(), IMAGE]));
    }

    /// What the run needs is at the same places inside.
    fn via(&self, start: &Start, name: &str, options: &[&str]) -> Vec<String> {
        let own = start.sandbox.root().display().to_string();
        let programs = runward().parent().expect("a folder").display().to_string();
        let (own, programs) = (format!("{own}:{own}"), format!("{programs}:{programs}:ro"));
        let host = host(self.sandbox);
        let fixed = ["docker", "--host", &host, "run", "--rm", "--name", name];
        let mounts = ["--network", "none", "-v", &own, "-v", &programs];
        [&fixed[..], options, &mounts, &[IMAGE]]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect()
    }
}

fn host(sandbox: &Sandbox) -> String {
    format!("unix://{}", sandbox.path("socket").display())
}

impl Drop for Engine<'_> {
    /// It ends its containers and the daemon below it, and unmounts what it has mounted.
    fn drop(&mut self) {
        if let Some(daemon) = Proc::find(self.daemon.id() as i32) {
            daemon.signal(rustix::process::Signal::TERM);
        }
        let ended = Proc::find(self.daemon.id() as i32)
            .and_then(|daemon| daemon.pidfd())
            .is_none_or(|pidfd| procs::wait_end(&pidfd, soon()));
        if !ended {
            let _ = self.daemon.kill();
        }
        let _ = self.daemon.wait();
    }
}

fn may_contain() -> bool {
    is_root() && installed("dockerd") && installed("docker")
}

#[test]
fn docker_stops_a_run_with_and_without_an_init() {
    let test = "docker_stops_a_run_with_and_without_an_init";
    need!(test, may_contain(), "needs root, docker and dockerd");
    let host = Sandbox::new(120);
    let engine = Engine::start(&host);
    for (name, options) in [("bare", &[][..]), ("init", &["--init"])] {
        let mut start = Start::new();
        let via = engine.via(&start, name, options);
        let via: Vec<&str> = via.iter().map(String::as_str).collect();
        let running = start.through(&via);
        assert!(engine.succeeds(&["stop", "-t", "20", name]));
        let ended = running.wait();
        ended.assert_code(143);
        let record = ended.record();
        assert_eq!(record.cause.kind, "cancelled", "{name}");
        assert!(record.survivors.is_empty());
        start.line.wait_end();
        start.sandbox.assert_no_survivors();
        start.teardown.assert_once();
    }
}

#[test]
fn docker_passes_the_code_on_and_leaves_no_leak() {
    let test = "docker_passes_the_code_on_and_leaves_no_leak";
    need!(test, may_contain(), "needs root, docker and dockerd");
    let host = Sandbox::new(120);
    let engine = Engine::start(&host);
    for (name, options) in [("bare", &[][..]), ("init", &["--init"])] {
        let mut start = Start::new();
        let via = engine.via(&start, name, options);
        let plant = start.sandbox.plant().line(&start.line);
        let plant = plant
            .leaves(&runward_tests::Leaf::MATRIX)
            .then(runward_tests::Then::Exit(7));
        let run = start.sandbox.run().via(&via);
        let ended = run
            .teardown(start.teardown.command())
            .program(plant.command())
            .finish();
        ended.assert_code(7);
        start.line.wait_end();
        assert!(!ended.record().leaks.is_empty(), "{name}");
        start.teardown.assert_once();
    }
}
