use std::fs;
use std::io;
use std::path::Path;

use rustix::io::Errno;

/// One process, as far as anybody may see it.
pub(super) struct Process {
    pub(super) pid: u32,
    pub(super) comm: String,
    pub(super) state: String,
    pub(super) parent: u32,
    /// In ticks after the boot.
    pub(super) start: u64,
    pub(super) cgroup: String,
    /// The run in whose cgroup it is; empty for none.
    pub(super) run: String,
}

impl Process {
    /// Reads it; none if it has gone.
    ///
    /// # Errors
    ///
    /// When it is there and may not be looked at: then nothing is known of anybody.
    pub(super) fn read(folder: &Path, pid: u32) -> io::Result<Option<Self>> {
        let Some(stat) = there(fs::read(folder.join("stat")))? else {
            return Ok(None);
        };
        let Some(mut process) = parse(&stat, pid) else {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a process has no stat that can be read",
            ));
        };
        let Some(groups) = there(fs::read(folder.join("cgroup")))? else {
            return Ok(None);
        };
        let groups = String::from_utf8_lossy(&groups);
        process.cgroup = path(&groups);
        process.run = run(&groups).unwrap_or_default().to_owned();
        Ok(Some(process))
    }
}

/// What is there; nothing if the process went before or while it was read.
fn there(read: io::Result<Vec<u8>>) -> io::Result<Option<Vec<u8>>> {
    match read {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => match error.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::NOENT | Errno::SRCH) => Ok(None),
            _ => Err(error),
        },
    }
}

/// The name is between the first parenthesis and the last one, and may have more of them: proc_pid_stat(5).
fn parse(stat: &[u8], pid: u32) -> Option<Process> {
    let text = String::from_utf8_lossy(stat);
    let (before, after) = text.rsplit_once(')')?;
    let (_, comm) = before.split_once('(')?;
    let mut fields = after.split_ascii_whitespace();
    Some(Process {
        pid,
        comm: comm.to_owned(),
        state: fields.next()?.to_owned(),
        parent: fields.next()?.parse().ok()?,
        start: fields.nth(17)?.parse().ok()?,
        cgroup: String::new(),
        run: String::new(),
    })
}

/// The path that tells most: one with a container in it, else that of version 2.
fn path(groups: &str) -> String {
    let paths = groups.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    let named = paths.clone().find(|path| container(path).is_some());
    let unified = groups.lines().find_map(|line| line.strip_prefix("0::"));
    named.or(unified).unwrap_or_default().to_owned()
}

/// The run whose cgroup of version 2 it is: `runward-KEY`, with a number where the name was taken, and for the room of a teardown. The outermost
/// one, which answers for what it has inside.
fn run(groups: &str) -> Option<&str> {
    let path = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    let name = path
        .split('/')
        .find_map(|part| part.strip_prefix("runward-"))?;
    let name = without_number(name, ".teardown-");
    Some(without_number(name, ".")).filter(|run| !run.is_empty())
}

fn without_number<'a>(name: &'a str, before: &str) -> &'a str {
    match name.rsplit_once(before) {
        Some((rest, number))
            if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
        {
            rest
        }
        _ => name,
    }
}

/// The id of the container whose cgroup it is: 64 hexadecimal digits, whatever stands around them. The innermost one.
pub(super) fn container(cgroup: &str) -> Option<&str> {
    let digits = |part: &&str| {
        part.len() == 64
            && part
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    cgroup.rsplit(['/', '-', '.', ':', '_']).find(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_is_one() {
        let stat = b"7 (a) Z (b c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 0 0";
        let process = parse(stat, 7).unwrap();
        assert_eq!(
            (process.comm.as_str(), process.state.as_str()),
            ("a) Z (b c", "S")
        );
        assert_eq!((process.parent, process.start), (1, 4242));
        assert!(parse(b"7 (a", 7).is_none());
    }

    #[test]
    fn runs_are_found_in_the_cgroups_that_they_made() {
        for (groups, expected) in [
            (
                "0::/runward-r-1.67bbac7f-14-63\n",
                Some("r-1.67bbac7f-14-63"),
            ),
            (
                "4:memory:/a\n0::/ci.slice/runward-r.67bbac7f-14-63.2/inner\n",
                Some("r.67bbac7f-14-63"),
            ),
            (
                "0::/runward-r.67bbac7f-14-63.2.teardown-11\n",
                Some("r.67bbac7f-14-63"),
            ),
            (
                "0::/runward-r.67bbac7f-14-63/runward-s.67bbac7f-15-64",
                Some("r.67bbac7f-14-63"),
            ),
            ("4:memory:/runward-r\n0::/\n", None),
            ("0::/runward-\n", None),
            ("0::/system.slice/my-runward-x.service\n", None),
        ] {
            assert_eq!(run(groups), expected, "{groups}");
        }
    }

    #[test]
    fn containers_are_found_in_the_paths_of_engines() {
        let id = "0123456789abcdef".repeat(4);
        for path in [
            format!("/docker/{id}"),
            format!("/system.slice/docker-{id}.scope"),
            format!("/kubepods/pod1/cri-containerd-{id}.scope/inner"),
        ] {
            assert_eq!(container(&path), Some(id.as_str()), "{path}");
        }
        assert_eq!(container("/user.slice/session-1.scope"), None);
        let groups = format!("4:memory:/docker/{id}\n0::/\n");
        assert_eq!(path(&groups), format!("/docker/{id}"));
    }
}
