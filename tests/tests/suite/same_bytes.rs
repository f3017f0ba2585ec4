//! `runward verify` says the same, byte for byte, wherever it is and in whatever order a directory was filled.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use runward_tests::chance::Chance;
use runward_tests::places::Tmpfs;
use runward_tests::skip::skip;
use runward_tests::{Sandbox, binaries};

const SPEC: &str = r#"
schema = 1
id = "same"
[[artifact]]
id = "list"
file = "list.json"
kind = "json"
[[rule]]
id = "cells"
check = "files"
files = "cells/*"
equals = "list:/*"
[[rule]]
id = "late"
check = "each_typed"
at = "list:/*"
type = "time"
[[waiver]]
rule = "late"
owner = "ann"
expires = "9999-12-30"
why = "names are no times"
"#;

const FORMATS: [&str; 5] = ["human", "json", "junit", "sarif", "tap"];
const ZONES: [&str; 4] = ["UTC", "Asia/Kathmandu", "XXX+23:59", ":/nowhere"];
const LOCALES: [&str; 4] = ["C", "C.UTF-8", "tr_TR.UTF-8", "ar_EG.ISO-8859-6"];

/// Files of a bundle: some are listed, some are not, some are read by nothing.
fn names() -> Vec<String> {
    let cells = (0..30).map(|n| format!("cells/{n}"));
    let unread = ["Z", "a", "I", "i", "\u{131}", "\u{e9}", "\u{5d0}"].map(str::to_owned);
    cells.chain(unread).collect()
}

fn fill(dir: &Path, names: &[String]) {
    fs::create_dir_all(dir.join("cells")).expect("a directory");
    fs::write(dir.join("list.json"), r#"["cells/1","cells/2"]"#).expect("a file");
    for name in names {
        fs::write(dir.join(name), "").expect("a file");
    }
}

/// What it says, with its exit code.
fn says(spec: &Path, dir: &Path, format: &str, zone: &str, locale: &str) -> (Option<i32>, Vec<u8>) {
    let mut command = Command::new(binaries::runward());
    command
        .arg("verify")
        .arg(spec)
        .arg(dir)
        .args(["--format", format]);
    command
        .env("TZ", zone)
        .env("LC_ALL", locale)
        .env("LANG", locale);
    let output = command.stdin(Stdio::null()).output().expect("verify runs");
    (output.status.code(), output.stdout)
}

#[test]
fn time_zones_and_locales_change_nothing() {
    let sandbox = Sandbox::new(120);
    let (spec, dir) = (sandbox.path("same.spec.toml"), sandbox.path("bundle"));
    fs::write(&spec, SPEC).expect("a spec");
    fill(&dir, &names());
    for format in FORMATS {
        let first = says(&spec, &dir, format, ZONES[0], LOCALES[0]);
        assert_eq!(first.0, Some(1), "{format}");
        assert!(!first.1.is_empty());
        for (zone, locale) in ZONES
            .into_iter()
            .flat_map(|zone| LOCALES.map(|one| (zone, one)))
        {
            let other = says(&spec, &dir, format, zone, locale);
            assert_eq!(other, first, "{format} in {zone} and {locale}");
        }
    }
}

/// A file system in memory lists files in the order in which they came.
#[test]
fn the_order_in_which_files_came_changes_nothing() {
    let sandbox = Sandbox::new(120);
    let spec = sandbox.path("same.spec.toml");
    fs::write(&spec, SPEC).expect("a spec");
    let Some(memory) = Tmpfs::mount(&sandbox.path("memory"), 4096) else {
        return skip(
            "the_order_in_which_files_came_changes_nothing",
            "mounting a tmpfs",
        );
    };
    let mut chance = Chance::new();
    let (mut listings, mut reports) = (Vec::new(), Vec::new());
    for round in 0..100 {
        let dir = memory.path().join("bundle");
        let mut names = names();
        shuffle(&mut names, &mut chance);
        fill(&dir, &names);
        listings.push(listed(&dir));
        reports.push(says(&spec, &dir, FORMATS[round % 5], "UTC", "C"));
        fs::remove_dir_all(&dir).expect("an own directory");
    }
    listings.sort_unstable();
    listings.dedup();
    assert!(listings.len() > 90, "{} orders", listings.len());
    for (round, report) in reports.iter().enumerate() {
        assert_eq!(report, &reports[round % 5], "seed {}", chance.seed());
    }
}

fn shuffle(names: &mut [String], chance: &mut Chance) {
    for last in (1..names.len()).rev() {
        let end = u64::try_from(last).expect("a small number") + 1;
        let other = usize::try_from(chance.below(end)).expect("a small number");
        names.swap(last, other);
    }
}

fn listed(dir: &Path) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(dir).expect("a directory").flatten();
    let cells = fs::read_dir(dir.join("cells"))
        .expect("a directory")
        .flatten();
    entries
        .chain(cells)
        .map(|entry| entry.file_name())
        .collect()
}
