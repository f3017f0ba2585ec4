use std::fmt::Write;
use std::path::Path;

use runward_lifetime::{Containment, Host};
use runward_lock::LockDir;
use serde::Serialize;

use super::{looked_at, print, print_json};
use crate::cli::ReportArgs;
use crate::error::Result;
use crate::places::{judge_home, judge_missing};
use crate::terminal::printable;

/// What `doctor --json` shows. Fields may be added; none is removed or renamed within schema 1.
#[derive(Serialize)]
struct Report {
    schema: u32,
    kernel: String,
    automatic: Containment,
    containments: Vec<Rung>,
    places: Vec<Place>,
}

#[derive(Serialize)]
struct Rung {
    name: Containment,
    available: bool,
    guarantees: &'static str,
    refused: Option<String>,
}

#[derive(Serialize)]
struct Place {
    name: &'static str,
    path: String,
    usable: bool,
    problem: Option<String>,
}

pub(crate) fn main(args: &ReportArgs) -> Result<()> {
    let host = Host::probe();
    let directories = looked_at(args);
    let report = Report {
        schema: 1,
        kernel: kernel(),
        automatic: host.automatic(),
        containments: host
            .rungs()
            .iter()
            .map(|rung| of_rung(rung.containment(), rung.refused()))
            .collect(),
        places: match directories {
            Ok(found) => vec![
                place("lock directory", &found.locks, judge_locks(&found.locks)),
                place("home", &found.home, judge_home(&found.home)),
            ],
            Err(e) => vec![place("places", Path::new("-"), Some(e.to_string()))],
        },
    };
    if args.json {
        print_json(&report)
    } else {
        print(text(&report).as_bytes())
    }
}

fn kernel() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease")
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn of_rung(name: Containment, refused: Option<&str>) -> Rung {
    Rung {
        name,
        available: refused.is_none(),
        guarantees: guarantees(name),
        refused: refused.map(str::to_owned),
    }
}

fn guarantees(of: Containment) -> &'static str {
    match of {
        Containment::Cgroup => {
            "nobody escapes; one write kills all; a later run finds what a killed one left"
        }
        Containment::PidNamespace => "nobody escapes; the program sees other pids",
        Containment::Subreaper => {
            "nobody escapes; if runward and its guardian are both killed, the tree is not found again"
        }
        Containment::Group => "whoever calls setsid or setpgid escapes",
        _ => "not known to this version of runward",
    }
}

fn place(name: &'static str, path: &Path, problem: Option<String>) -> Place {
    Place {
        name,
        path: path.to_string_lossy().into_owned(),
        usable: problem.is_none(),
        problem,
    }
}

/// Opening a directory would make it, and looking makes nothing.
fn judge_locks(dir: &Path) -> Option<String> {
    match dir.symlink_metadata() {
        Ok(_) => LockDir::open(dir).err().map(|e| e.to_string()),
        Err(_) => judge_missing(dir, "--lock-dir"),
    }
}

fn text(report: &Report) -> String {
    let mut out = format!(
        "kernel {}\n\ncontainment, from strong to weak:\n",
        report.kernel
    );
    for rung in &report.containments {
        let mark = if rung.available { "yes" } else { "no " };
        let auto = if rung.name == report.automatic {
            " (auto)"
        } else {
            ""
        };
        let _ = writeln!(out, "  {mark} {}{auto}: {}", rung.name, rung.guarantees);
        if let Some(why) = &rung.refused {
            let _ = writeln!(out, "      {}", printable(why));
        }
    }
    out.push_str("\nplaces:\n");
    for place in &report.places {
        let mark = if place.usable { "yes" } else { "no " };
        let _ = writeln!(out, "  {mark} {}: {}", place.name, printable(&place.path));
        if let Some(problem) = &place.problem {
            let _ = writeln!(out, "      {}", printable(problem));
        }
    }
    out
}
