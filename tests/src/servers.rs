//! Real servers, started inside a run from a directory of the sandbox.

use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::{Sandbox, places};

/// A TCP port of the loopback interface that is free now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener
        .local_addr()
        .expect("a bound socket has an address")
        .port()
}

/// Whether a port can be bound.
pub fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Whether a program is on the path.
pub fn installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}

/// The folder of the newest PostgreSQL's programs.
pub fn postgres_programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> = versions
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    folders.retain(|folder| folder.join("initdb").exists());
    folders.sort();
    folders.pop()
}

/// Makes a PostgreSQL cluster at `data`, owned by nobody.
pub fn make_cluster(sandbox: &Sandbox, programs: &Path, data: &Path) {
    static TEMPLATE: OnceLock<tempfile::TempDir> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| initialise(programs));
    let copied = Command::new("cp")
        .arg("-a")
        .arg(template.path().join("data"))
        .arg(data)
        .current_dir(sandbox.root())
        .status();
    assert!(
        copied.expect("cp starts").success(),
        "the cluster can be copied"
    );
}

// Once for all rounds, as it takes longer than a whole round.
fn initialise(programs: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory");
    places::give_to_nobody(folder.path());
    let made = as_nobody()
        .arg(programs.join("initdb"))
        .args(["--no-sync", "--auth=trust", "--username=nobody", "--pgdata"])
        .arg(folder.path().join("data"))
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .status();
    assert!(made.expect("setpriv starts").success(), "initdb works");
    folder
}

/// `setpriv` to the user nobody.
pub fn as_nobody() -> Command {
    let mut command = Command::new("setpriv");
    command.args(AS_NOBODY.iter().skip(1));
    command
}

/// The words that start a command as the user nobody.
pub const AS_NOBODY: [&str; 4] = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
];

/// A script that starts Redis and PostgreSQL as daemons, says so, and waits.
pub fn script(programs: &Path, folder: &Path, ports: (u16, u16), ready: &Path) -> String {
    let folder = folder.display();
    let options = format!(
        "-p {} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=1MB -c dynamic_shared_memory_type=mmap",
        ports.1
    );
    format!(
        "cd {folder} || exit 1\n\
         redis-server --daemonize yes --bind 127.0.0.1 --port {} --dir {folder} --save '' --logfile {folder}/redis.log || exit 1\n\
         {}/pg_ctl start -w -s -D {folder}/data -l {folder}/postgres.log -o '{options}' || exit 1\n\
         echo ready > {}\n\
         while :; do sleep 1000; done\n",
        ports.0,
        programs.display(),
        ready.display(),
    )
}

/// Removes the shared memory that a killed PostgreSQL leaves in the kernel; its lock file names it.
pub fn remove_shared_memory(data: &Path) {
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else {
        return;
    };
    if let Some(id) = text
        .lines()
        .nth(6)
        .and_then(|line| line.split_whitespace().nth(1))
    {
        let _ = Command::new("ipcrm")
            .args(["-m", id])
            .stderr(Stdio::null())
            .status();
    }
}
