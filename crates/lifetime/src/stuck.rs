//! What keeps a process that was killed from dying.

use std::fs;

use crate::{
    Process, freezer,
    process::{Stat, proc_is_ours},
};

/// Says so with each of these, where it can be seen.
pub(crate) fn explain(mut survivors: Vec<Process>) -> Vec<Process> {
    if proc_is_ours() {
        for survivor in &mut survivors {
            survivor.stuck = reason(survivor.pid);
        }
    }
    survivors
}

fn reason(pid: i32) -> Option<String> {
    let frozen = || freezer::holding(pid).map(|freezer| freezer.to_string());
    let waiting = || in_the_kernel(Stat::of(pid)?.state, &read(pid, "wchan"));
    frozen().or_else(waiting).or_else(|| traced(pid))
}

/// Uninterruptible sleep; where it sleeps is shown to root alone.
fn in_the_kernel(state: u8, place: &str) -> Option<String> {
    let place = match place.trim() {
        "" | "0" => String::new(),
        place => format!(" in {place}"),
    };
    (state == b'D').then(|| format!("waits{place} in the kernel, which it leaves before it dies"))
}

/// A tracer can hold a process at its very exit.
fn traced(pid: i32) -> Option<String> {
    let status = read(pid, "status");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("TracerPid:"))?;
    let tracer = Some(line.trim()).filter(|tracer| *tracer != "0")?;
    Some(format!("traced by {tracer}"))
}

fn read(pid: i32, file: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uninterruptible_sleep_is_waiting_in_the_kernel() {
        assert_eq!(in_the_kernel(b'S', "do_wait"), None);
        let told = |place| in_the_kernel(b'D', place).expect("a reason");
        assert!(told("nfs_wait\n").contains("in nfs_wait in the kernel"));
        assert!(told("0").starts_with("waits in the kernel"));
    }

    #[test]
    fn nobody_holds_this_process() {
        assert_eq!(reason(std::process::id() as i32), None);
    }
}
