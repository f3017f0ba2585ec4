//! Who a process is that is still there: for people, who must recognise it and see what it keeps.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    os::fd::AsFd,
    path::PathBuf,
    time::Duration,
};

use rustix::{
    fs::{FileType, fstat, stat},
    param::clock_ticks_per_second,
    time::{ClockId, clock_gettime},
};

use crate::{
    Output, Process,
    process::{Stat, proc_is_ours},
};

/// Lists for people are cut here.
const MOST_NAMED: usize = 100;
/// Long texts are cut.
const TEXT_BYTES: usize = 200;
/// Descriptors that are looked at, of one process.
const MOST_DESCRIPTORS: usize = 256;
/// Listening sockets that are looked through, of each address family.
const MOST_LISTENERS: usize = 4096;
const MOST_PORTS: usize = 16;

/// The run's outputs, where somebody waits for the end of them: pipes and sockets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outputs {
    stdout: Option<Node>,
    stderr: Option<Node>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Node {
    device: u64,
    number: u64,
}

impl Outputs {
    pub(crate) fn of_this_process() -> Self {
        Self {
            stdout: awaited(std::io::stdout()),
            stderr: awaited(std::io::stderr()),
        }
    }

    fn among(self, open: &[Open]) -> Vec<Output> {
        let held = |output: Option<Node>| open.iter().any(|one| Some(one.node) == output);
        let all = [(Output::Stdout, self.stdout), (Output::Stderr, self.stderr)];
        let held = all.into_iter().filter(|(_, node)| held(*node));
        held.map(|(output, _)| output).collect()
    }
}

fn awaited(output: impl AsFd) -> Option<Node> {
    let found = fstat(output).ok().map(|stat| Open::of(&stat))?;
    (found.pipe || found.socket).then_some(found.node)
}

/// The first of these processes, as far as `/proc` tells.
pub(crate) fn name_all(pids: &[i32], outputs: Outputs) -> Vec<Process> {
    let named = pids.iter().take(MOST_NAMED);
    named.map(|&pid| name(pid, outputs)).collect()
}

fn name(pid: i32, outputs: Outputs) -> Process {
    let mut process = Process {
        pid,
        command: "?".to_owned(),
        ppid: None,
        exe: None,
        age_ms: None,
        outputs: Vec::new(),
        ports: Vec::new(),
        stuck: None,
    };
    if !proc_is_ours() {
        return process;
    }
    if let Some(command) = command(pid) {
        process.command = command;
    }
    let stat = Stat::of(pid);
    process.ppid = stat.map(|stat| stat.parent);
    process.age_ms = stat.and_then(|stat| age_ms(stat.start));
    process.exe = fs::read_link(format!("/proc/{pid}/exe")).ok().map(shown);
    let open = descriptors(pid);
    process.outputs = outputs.among(&open);
    process.ports = ports(pid, &open);
    process
}

fn command(pid: i32) -> Option<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words: Vec<_> = line
        .split(|&b| b == 0)
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() {
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        return Some(format!("[{}]", name.trim_end()));
    }
    Some(cut(&words.join(&b' ')))
}

fn shown(path: PathBuf) -> String {
    cut(path.into_os_string().as_encoded_bytes())
}

fn cut(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(TEXT_BYTES)]);
    let plain = text.chars().map(|c| if c.is_control() { '?' } else { c });
    plain.collect()
}

/// Both count from the boot, suspension included.
fn age_ms(start: u64) -> Option<u64> {
    let now = Duration::try_from(clock_gettime(ClockId::Boottime)).ok()?;
    let started = start.checked_mul(1000)? / clock_ticks_per_second();
    Some(u64::try_from(now.as_millis()).ok()?.saturating_sub(started))
}

/// Something that a process has open.
#[derive(Clone, Copy)]
struct Open {
    node: Node,
    pipe: bool,
    socket: bool,
}

impl Open {
    fn of(stat: &rustix::fs::Stat) -> Self {
        let kind = FileType::from_raw_mode(stat.st_mode);
        Self {
            node: Node {
                device: stat.st_dev,
                number: stat.st_ino,
            },
            pipe: kind == FileType::Fifo,
            socket: kind == FileType::Socket,
        }
    }
}

/// None of a process that we may not look into, such as one of another user.
fn descriptors(pid: i32) -> Vec<Open> {
    let links = fs::read_dir(format!("/proc/{pid}/fd"))
        .into_iter()
        .flatten();
    let open = links.flatten().take(MOST_DESCRIPTORS);
    open.filter_map(|link| Some(Open::of(&stat(link.path()).ok()?)))
        .collect()
}

/// The TCP ports that it listens on, in its own network namespace.
fn ports(pid: i32, open: &[Open]) -> Vec<u16> {
    let sockets: Vec<u64> = open
        .iter()
        .filter(|one| one.socket)
        .map(|one| one.node.number)
        .collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    let families = ["tcp", "tcp6"].into_iter().flat_map(|f| listeners(pid, f));
    let mut ports: Vec<u16> = families
        .filter(|(_, socket)| sockets.contains(socket))
        .map(|(port, _)| port)
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports.truncate(MOST_PORTS);
    ports
}

/// Port and inode of each socket that listens; the kernel lists them before all connections.
fn listeners(pid: i32, family: &str) -> Vec<(u16, u64)> {
    let Ok(table) = File::open(format!("/proc/{pid}/net/{family}")) else {
        return Vec::new();
    };
    let lines = BufReader::new(table).lines().map_while(Result::ok);
    let rows = lines.skip(1).take(MOST_LISTENERS);
    rows.map_while(|row| listener(&row)).collect()
}

/// See `proc_pid_net(5)`: the local address is the second field, the state the fourth, the inode the tenth.
fn listener(row: &str) -> Option<(u16, u64)> {
    const LISTENS: &str = "0A";
    let fields: Vec<&str> = row.split_ascii_whitespace().collect();
    let (_, port) = fields.get(1)?.rsplit_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let inode = fields.get(9)?.parse().ok()?;
    (*fields.get(3)? == LISTENS).then_some((port, inode))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv6Addr, TcpListener};

    #[test]
    fn a_row_that_listens_ends_with_the_listeners() {
        let row = "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100 0 0 10 0";
        assert_eq!(listener(row), Some((8080, 4711)));
        assert_eq!(listener(&row.replace(" 0A ", " 01 ")), None);
        assert_eq!(listener("sl local_address"), None);
    }

    #[test]
    fn this_process_listens_and_is_of_some_age() {
        let before = name(std::process::id() as i32, Outputs::default());
        let four = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let six = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok();
        let own = name(std::process::id() as i32, Outputs::default());
        for listener in six.iter().chain([&four]) {
            let port = listener.local_addr().expect("its address").port();
            assert!(own.ports.contains(&port) && !before.ports.contains(&port));
        }
        assert_eq!(own.ppid, Some(std::os::unix::process::parent_id() as i32));
        let exe = std::env::current_exe().expect("its path");
        assert_eq!(own.exe, Some(shown(exe)));
        assert!(before.age_ms <= own.age_ms && own.age_ms < Some(3_600_000));
    }

    #[test]
    fn what_cannot_be_known_is_not_told() {
        let nobody = name(i32::MAX, Outputs::of_this_process());
        assert_eq!((nobody.command.as_str(), nobody.ppid), ("?", None));
        assert_eq!((nobody.age_ms, nobody.exe), (None, None));
        assert!(nobody.outputs.is_empty() && nobody.ports.is_empty());
    }
}
