//! A Docker engine of our own, manager of a swarm of one, in namespaces of its own: whatever it leaves ends with them.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::servers::installed;
use crate::skip::is_root;

/// The only image there is: a static busybox.
pub const IMAGE: &str = "tiny:1";

/// Runs outside: it outlives a killed test, and clears up behind the engine.
const OUTSIDE: &str = r#"
unshare --mount --net --pid --fork --mount-proc sh -c "$2" sh "$1"
find /sys/fs/cgroup -depth -type d -path "*/$(basename "$1")*" -exec rmdir {} + 2>/dev/null
rm -rf "$1"
"#;

/// Runs inside, as the first process there: with it all others die. The end of its input is the end of the test.
const INSIDE: &str = r#"
cd "$1" || exit 1
busybox ip link set lo up
mount -t tmpfs none /run
dockerd --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" --host "unix://$1/sock" --bridge none \
    --cgroup-parent "/$(basename "$1")" --shutdown-timeout 1 >"$1/log" 2>&1 </dev/null &
engine=$!
cat >/dev/null
kill -TERM "$engine"
wait "$engine"
"#;

/// The engine. It is stopped when this is dropped, and when this process dies.
pub struct Swarm {
    folder: PathBuf,
    keeper: Child,
    alive: Option<ChildStdin>,
}

impl Swarm {
    /// Why there can be no engine here.
    pub fn lacks() -> Option<String> {
        if !is_root() {
            return Some("needs root, to start a Docker engine".into());
        }
        let programs = [
            "dockerd",
            "docker",
            "containerd",
            "runc",
            "busybox",
            "unshare",
        ];
        let missing: Vec<_> = programs.into_iter().filter(|p| !installed(p)).collect();
        match missing.is_empty() {
            true => None,
            false => Some(format!(
                "needs {} (Debian: docker.io, busybox-static, util-linux)",
                missing.join(", ")
            )),
        }
    }

    /// Starts the engine, makes it a swarm and gives it the image.
    ///
    /// # Panics
    ///
    /// When the engine does not start within a minute.
    pub fn start() -> Self {
        // The paths of the engine's sockets are longer than this by 50, and may have 107 bytes.
        let folder = tempfile::Builder::new().prefix("rw-swarm-").tempdir();
        let folder = folder.expect("a temporary directory").keep();
        let mut command = Command::new("sh");
        command
            .args(["-c", OUTSIDE, "sh"])
            .arg(&folder)
            .arg(INSIDE)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("keeper")).expect("a log"))
            .process_group(0);
        let mut keeper = command.spawn().expect("sh starts");
        let alive = keeper.stdin.take();
        let swarm = Self {
            folder,
            keeper,
            alive,
        };
        swarm.wait_ready();
        swarm.docker(["swarm", "init", "--advertise-addr", "127.0.0.1"]);
        swarm.make_image();
        swarm
    }

    /// Where it listens.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("sock")
    }

    /// The command line of Docker, talking to this engine.
    pub fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command
            .env("DOCKER_HOST", format!("unix://{}", self.socket().display()))
            .env("HOME", &self.folder)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command of Docker's and returns what it wrote.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn docker<const N: usize>(&self, words: [&str; N]) -> String {
        let output = self.command().args(words).output().expect("docker starts");
        told(&words.join(" "), output)
    }

    /// Deploys a stack from the text of a compose file.
    ///
    /// # Panics
    ///
    /// When it fails.
    pub fn deploy(&self, stack: &str, compose: &str) {
        let file = self.folder.join(format!("{stack}.yml"));
        fs::write(&file, compose).expect("a compose file");
        let file = file.to_str().expect("a plain path");
        self.docker(["stack", "deploy", "--compose-file", file, stack]);
    }

    /// The last lines of the engine's log.
    pub fn log(&self) -> String {
        let mut log = String::new();
        let file = File::open(self.folder.join("log"));
        let _ = file.and_then(|mut file| file.read_to_string(&mut log));
        let from = log.len().saturating_sub(4000);
        log.get(from..).unwrap_or(&log).to_owned()
    }

    fn wait_ready(&self) {
        let until = Instant::now() + Duration::from_secs(60);
        while !self.answers() {
            assert!(Instant::now() < until, "no engine:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        let version = self.command().args(["info"]).output();
        self.socket().exists() && version.is_ok_and(|output| output.status.success())
    }

    fn make_image(&self) {
        let busybox = busybox().expect("installed, as we have looked");
        let root = self.folder.join("root/bin");
        fs::create_dir_all(&root).expect("a folder");
        fs::copy(busybox, root.join("busybox")).expect("a copy");
        let archive = self.folder.join("root.tar");
        let folder = self.folder.join("root");
        let mut tar = Command::new("tar");
        tar.arg("-C").arg(folder).arg("-cf").arg(&archive).arg(".");
        told("tar", tar.output().expect("tar starts"));
        self.docker(["import", archive.to_str().expect("a plain path"), IMAGE]);
    }
}

fn busybox() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::env::split_paths(&path).map(|folder| folder.join("busybox"));
    all.into_iter().find(|path| Path::exists(path))
}

fn told(what: &str, output: Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {error}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Drop for Swarm {
    fn drop(&mut self) {
        drop(self.alive.take());
        let _ = self.keeper.wait();
    }
}
