use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// `<boot>-<pid>-<start time>`: no other process of this host ever has the same.
pub(crate) fn process_id() -> String {
    let pid = std::process::id();
    format!(
        "{}-{pid}-{}",
        boot(),
        start_of("self").unwrap_or_else(nanoseconds)
    )
}

/// Whether what a run is called ends with the [`process_id`] of a process that lives. It may be another's in another pid namespace, but
/// for chance; so a yes can spare something, and a no is no evidence.
pub(crate) fn is_of_a_living_process(key: &str) -> bool {
    let mut parts = key.rsplitn(3, '-');
    let (Some(start), Some(pid), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let is_number = pid.bytes().all(|b| b.is_ascii_digit());
    let lives = || start_of(pid).is_some_and(|at| at.to_string() == start);
    is_number && rest.ends_with(&boot()) && lives()
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
/// Of one that is dead and not reaped there is none.
fn start_of(process: &str) -> Option<u64> {
    let stat = read_small(&format!("/proc/{process}/stat"))?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let lives = !matches!(fields.next()?, "Z" | "X");
    fields.nth(18)?.parse().ok().filter(|_| lives)
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
    fn what_a_process_is_called_tells_whether_it_lives() {
        let own = process_id();
        for key in [own.clone(), format!("local-{own}"), format!("b.1.{own}")] {
            assert!(is_of_a_living_process(&key), "{key}");
        }
        let other = own.replace(&boot(), "00000000");
        for key in [
            format!("{own}0"),
            own[..own.len() - 1].into(),
            other,
            "a".into(),
            "-self-1".into(),
        ] {
            assert!(!is_of_a_living_process(&key), "{key}");
        }
    }

    #[test]
    fn a_process_keeps_its_id() {
        assert_eq!(process_id(), process_id());
        assert_eq!(process_id().split('-').count(), 3);
        assert!(crate::slug::is_safe_name(&process_id()));
    }
}
