use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// `<boot>-<pid>-<start time>`: no other process of this host ever has the same.
pub(crate) fn process_id() -> String {
    let pid = std::process::id();
    format!(
        "{}-{pid}-{}",
        boot(),
        start_time("self").unwrap_or_else(nanoseconds)
    )
}

/// Whether the process is over whose [`process_id`] this is, or this ends with; no where that cannot be told.
pub(crate) fn is_over(id: &str) -> bool {
    let mut parts = id.rsplitn(3, '-');
    let (Some(start), Some(pid), Some(before)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let (Ok(start), Ok(_)) = (start.parse::<u64>(), pid.parse::<u32>()) else {
        return false;
    };
    // One of another boot is over, and what it left in memory, too: such an id is somebody else's.
    before.ends_with(&boot()) && start_time("self").is_some() && start_time(pid) != Some(start)
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
fn start_time(pid: &str) -> Option<u64> {
    let stat = read_small(&format!("/proc/{pid}/stat"))?;
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
    fn a_process_is_not_over_while_it_lives() {
        let own = format!("run-7.{}", process_id());
        assert!(!is_over(&own));
        assert!(is_over(&format!("{own}1")));
        for odd in ["", "a-b-c", "run-1234", "1-2", "00000000-1-2"] {
            assert!(!is_over(odd), "{odd}");
        }
    }

    #[test]
    fn a_process_keeps_its_id() {
        assert_eq!(process_id(), process_id());
        assert_eq!(process_id().split('-').count(), 3);
        assert!(crate::slug::is_safe_name(&process_id()));
    }
}
