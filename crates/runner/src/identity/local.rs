use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// `<boot>-<pid>-<start time>`: no other process of this host ever has the same.
pub(crate) fn process_id() -> String {
    let pid = std::process::id();
    format!(
        "{}-{pid}-{}",
        boot(),
        start_time().unwrap_or_else(nanoseconds)
    )
}

fn boot() -> String {
    let id = read_small("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let short: String = id.chars().filter(char::is_ascii_hexdigit).take(8).collect();
    format!("{short:0>8}")
}

/// A file of `/proc` that fits a page, in one call.
fn read_small(path: &str) -> Option<String> {
    let file = fs::File::open(path).ok()?;
    let mut buffer = [0; 4096];
    let length = rustix::io::read(&file, &mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// Field 22 of proc_pid_stat(5); the command in field 2 may hold spaces and parentheses.
fn start_time() -> Option<u64> {
    let stat = read_small("/proc/self/stat")?;
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(19)?
        .parse()
        .ok()
}

/// Without `/proc`, the moment stands in for the start time.
fn nanoseconds() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_keeps_its_id() {
        assert_eq!(process_id(), process_id());
        assert_eq!(process_id().split('-').count(), 3);
        assert!(crate::slug::is_safe_name(&process_id()));
    }
}
