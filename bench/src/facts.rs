//! What machine this is: figures of two machines are not comparable, ratios nearly are.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use serde_json::{Value, json};

use crate::cgroup;
use crate::rivals::Rivals;

/// Facts by name, in the order in which they are printed.
pub(crate) fn gather(rivals: &Rivals) -> Vec<(&'static str, Value)> {
    let cpus = std::thread::available_parallelism().map_or(0, usize::from);
    vec![
        ("kernel", text("/proc/sys/kernel/osrelease")),
        ("cpus", json!(cpus)),
        ("cpu", json!(field("/proc/cpuinfo", "model name"))),
        ("memory", json!(field("/proc/meminfo", "MemTotal"))),
        ("uid", json!(rustix::process::getuid().as_raw())),
        (
            "autogroup",
            text("/proc/sys/kernel/sched_autogroup_enabled"),
        ),
        ("pid_max", text("/proc/sys/kernel/pid_max")),
        ("cgroup2", json!(cgroup::own().ok())),
        ("getppid_ns", json!(lowest_mean(rustix::process::getppid))),
        ("clock_read_ns", json!(lowest_mean(Instant::now))),
        ("load_before", text("/proc/loadavg")),
        ("rivals", json!(rivals.versions())),
    ]
}

pub(crate) fn markdown(facts: &[(&'static str, Value)]) -> String {
    let lines = facts
        .iter()
        .map(|(name, value)| format!("- {name}: {}\n", shown(value)));
    lines.collect()
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn text(path: &str) -> Value {
    let text = fs::read_to_string(path);
    json!(text.ok().map(|text| text.trim().to_owned()))
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// What one call costs, in ns: the lowest mean of several batches.
fn lowest_mean<T>(mut call: impl FnMut() -> T) -> f64 {
    const CALLS: u32 = 10_000;
    let batch = |_| {
        let began = Instant::now();
        for _ in 0..CALLS {
            black_box(call());
        }
        began.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    };
    let lowest = (0..20).map(batch).fold(f64::INFINITY, f64::min);
    (lowest * 10.0).round() / 10.0
}
