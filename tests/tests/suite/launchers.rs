//! Runs that something stands above which is no shell of the same user: sudo, a development
//! environment, a remote login.
//!
//! Not run: `systemd-run` and units, as the host of the tests has another first process.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use runward_tests::binaries::fixture;
use runward_tests::procs::{self, Proc};
use runward_tests::servers::{free_port, installed};
use runward_tests::skip::is_root;
use runward_tests::{Record, Sandbox, need, places};
use rustix::process::Signal;

use crate::starts::{Start, assert_ends_with_ancestor, soon, wait_gone};

const SUDO: [&str; 3] = ["sudo", "-n", "--"];

fn may_sudo() -> bool {
    is_root() && installed("sudo")
}

/// It clears what would have told the program of its parent's death.
#[test]
fn sudo_killed() {
    need!("sudo_killed", may_sudo(), "needs root and sudo");
    assert_ends_with_ancestor(&SUDO);
}

#[test]
fn sudo_hands_on_a_cancel_and_the_code() {
    let test = "sudo_hands_on_a_cancel_and_the_code";
    need!(test, may_sudo(), "needs root and sudo");
    let mut start = Start::new();
    let running = start.through(&SUDO);
    assert_ne!(running.owner().pid, running.pid(), "sudo stays above");
    running.signal(Signal::TERM);
    let ended = running.wait();
    ended.assert_code(143);
    assert_eq!(ended.record().cause.kind, "cancelled");
    start.sandbox.assert_no_survivors();
    start.teardown.assert_once();
}

/// As `nix develop --command`: a launcher, then a shell with a file of its own.
#[test]
fn a_development_environment_killed() {
    let test = "a_development_environment_killed";
    need!(test, installed("bash"), "needs bash");
    let sandbox = Sandbox::new(30);
    let (launch, rc) = (fixture("launch").display().to_string(), sandbox.path("rc"));
    fs::write(&rc, "export IN_SHELL=1\n\"$@\"\n").expect("a file of the shell");
    let rc = rc.display().to_string();
    assert_ends_with_ancestor(&[&launch, "--", "bash", "--norc", &rc]);
}

/// A server of the sandbox's own, for the user who runs the tests, with a key that is made for it.
struct Sshd<'a> {
    sandbox: &'a Sandbox,
    server: Child,
    port: u16,
}

impl<'a> Sshd<'a> {
    fn start(sandbox: &'a Sandbox) -> Self {
        for name in ["host", "user"] {
            let key = ["-q", "-t", "ed25519", "-N", "", "-f"];
            let mut keygen = Command::new("ssh-keygen");
            let made = keygen.args(key).arg(sandbox.path(name)).status();
            assert!(made.expect("ssh-keygen starts").success());
        }
        // Where Debian's service makes it, too: the server will not start without.
        fs::create_dir_all("/run/sshd").expect("the server's empty directory");
        places::set_mode(Path::new("/run/sshd"), 0o755);
        let port = free_port();
        let config = sandbox.path("sshd_config");
        fs::write(&config, Self::config(sandbox, port)).expect("a configuration");
        // Its absolute path is what it executes again for each connection.
        let mut server = Command::new("/usr/sbin/sshd");
        server.args(["-D", "-e", "-f"]).arg(&config);
        server.stdin(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().expect("sshd starts");
        let sshd = Self {
            sandbox,
            server,
            port,
        };
        sshd.await_listening();
        sshd
    }

    fn config(sandbox: &Sandbox, port: u16) -> String {
        let path = |name| sandbox.path(name).display().to_string();
        format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             PermitRootLogin yes\nPasswordAuthentication no\nUsePAM no\nStrictModes no\n",
            path("host"),
            path("user.pub")
        )
    }

    /// A server tells nobody when it listens, so this asks again and again.
    fn await_listening(&self) {
        let until = soon();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < until, "sshd does not listen");
            std::thread::yield_now();
        }
    }

    /// The remote shell splits what it is given, so each word is quoted.
    fn via(&self) -> Vec<String> {
        let client = format!(
            "ssh -F /dev/null -T -p {} -i '{}' -o IdentitiesOnly=yes -o LogLevel=ERROR \
             -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null 127.0.0.1",
            self.port,
            self.sandbox.path("user").display()
        );
        let quote = r#"line=; for word; do line="$line '$(printf %s "$word" | sed "s/'/'\\\\''/g")'"; done"#;
        let script = format!("{quote}; exec {client} \"$line\"");
        ["sh", "-c", &script, "sh"].map(str::to_owned).to_vec()
    }
}

impl Drop for Sshd<'_> {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn may_ssh() -> bool {
    is_root() && Path::new("/usr/sbin/sshd").exists() && installed("ssh")
}

/// It is below the server, not below the client.
fn runward_of(token: &str, guardian: bool) -> Proc {
    let is = |one: &Proc| one.is_runward() && one.comm.starts_with("runward-guard") == guardian;
    let found = procs::of_token(token).into_iter().find(is);
    found.expect("runward is running on the other side")
}

/// Without a terminal nobody gets a hang-up: the program of a client that is killed would run on.
#[test]
fn ssh_without_a_terminal_killed() {
    let test = "ssh_without_a_terminal_killed";
    need!(test, may_ssh(), "needs root, ssh and /usr/sbin/sshd");
    let host = Sandbox::new(30);
    let sshd = Sshd::start(&host);
    let mut start = Start::new();
    let token = start.sandbox.token().to_owned();
    let via = sshd.via();
    let via: Vec<&str> = via.iter().map(String::as_str).collect();
    let result = {
        let running = start.through(&via);
        let (owner, guardian) = (runward_of(&token, false), runward_of(&token, true));
        running.signal(Signal::KILL);
        wait_gone(soon(), &owner);
        wait_gone(soon(), &guardian);
        running.result().to_owned()
    };
    start.line.wait_end();
    start.teardown.assert_once();
    let record = Record::read(&result);
    assert_eq!((record.cause.kind.as_str(), record.exit), ("ancestor", 143));
}

#[test]
fn ssh_without_a_terminal_hands_on_the_code() {
    let test = "ssh_without_a_terminal_hands_on_the_code";
    need!(test, may_ssh(), "needs root, ssh and /usr/sbin/sshd");
    let sandbox = Sandbox::new(30);
    let sshd = Sshd::start(&sandbox);
    let ended = sandbox.run().via(sshd.via()).shell("echo 'a  b'; exit 7");
    let ended = ended.finish();
    ended.assert_code(7);
    assert_eq!(ended.stdout, "a  b\n");
    assert!(ended.last_line().contains("exited, exit 7"), "{ended:#?}");
}
