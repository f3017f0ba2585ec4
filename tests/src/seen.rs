//! What a program sees of its own process.

use std::collections::BTreeMap;
use std::fs;
use std::os::fd::{AsFd, BorrowedFd};

use serde::{Deserialize, Serialize};

/// What differs between processes and is inherited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The lines on signals of `/proc/self/status`.
    pub signals: BTreeMap<String, String>,
    /// Open descriptors and where they lead.
    pub descriptors: BTreeMap<i32, String>,
    /// Soft and hard limits, as `/proc/self/limits` shows them.
    pub limits: String,
    /// The names of the environment's variables.
    pub environment: Vec<String>,
    /// The working directory.
    pub folder: String,
    /// Bits of the umask, niceness and out-of-memory adjustment.
    pub misc: BTreeMap<String, String>,
    /// Whether stdin is a terminal and this process's group is in its foreground.
    pub foreground: Option<bool>,
    /// Time left on the alarm clock, in whole seconds.
    pub alarm: Option<String>,
}

impl Seen {
    /// Looks at the calling process. Its first act, as what it opens itself would count.
    pub fn look() -> Self {
        let descriptors = descriptors();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            status
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .map(|rest| rest.trim().to_owned())
        };
        let pick = |names: &[&str]| {
            names
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), field(&format!("{name}:"))?)))
                .collect::<BTreeMap<_, _>>()
        };
        let mut misc = pick(&["Umask", "NoNewPrivs", "Seccomp", "CapEff", "Cpus_allowed"]);
        misc.insert("oom_score_adj".to_owned(), read("oom_score_adj"));
        misc.insert(
            "nice".to_owned(),
            read("stat")
                .split_whitespace()
                .nth(18)
                .unwrap_or_default()
                .to_owned(),
        );
        Self {
            signals: pick(&["SigBlk", "SigIgn", "SigCgt"]),
            descriptors,
            limits: read("limits"),
            environment: variables(),
            folder: std::env::current_dir()
                .map(|path| path.to_string_lossy().into_owned())
                .unwrap_or_default(),
            misc,
            foreground: foreground(),
            alarm: None,
        }
    }

    /// Reads what `fixture-seen` wrote.
    #[track_caller]
    pub fn read(path: &std::path::Path) -> Self {
        let text = fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("nothing seen at {}: {error}", path.display()));
        serde_json::from_str(&text).expect("what the fixture wrote")
    }
}

fn read(name: &str) -> String {
    fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default()
}

fn variables() -> Vec<String> {
    let mut names: Vec<String> = std::env::vars_os()
        .map(|(name, _)| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn descriptors() -> BTreeMap<i32, String> {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else {
        return BTreeMap::new();
    };
    let listed: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    let open = listed.iter().filter_map(|path| {
        let number = path.file_name()?.to_str()?.parse().ok()?;
        // The one of the listing itself is gone by now.
        Some((
            number,
            fs::read_link(path).ok()?.to_string_lossy().into_owned(),
        ))
    });
    open.collect()
}

fn foreground() -> Option<bool> {
    let stdin = std::io::stdin();
    let stdin: BorrowedFd<'_> = stdin.as_fd();
    let group = rustix::termios::tcgetpgrp(stdin).ok()?;
    Some(group == rustix::process::getpgrp())
}
