//! The kernel's list of locks, `/proc/locks`, see proc_locks(5). It names whoever took a lock, which may be dead by now,
//! and leaves out those of other pid namespaces; so it narrows a search and decides nothing alone.

use std::fs;

use crate::Mode;

/// The device and inode by which the kernel lists a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) major: u32,
    pub(crate) minor: u32,
    pub(crate) ino: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) waits: bool,
    pub(crate) flock: bool,
    pub(crate) shared: bool,
    pub(crate) key: Key,
}

pub(crate) fn read() -> Vec<Row> {
    let text = fs::read_to_string("/proc/locks").unwrap_or_default();
    text.lines().filter_map(parse).collect()
}

/// One line, such as `2: -> FLOCK  ADVISORY  WRITE 812 00:1a:55 0 EOF`.
pub(crate) fn parse(line: &str) -> Option<Row> {
    let mut words = line.split_ascii_whitespace().skip(1).peekable();
    let waits = words.next_if_eq(&"->").is_some();
    let class = words.next()?;
    let shared = words.nth(1)? == "READ";
    let key = parse_key(words.nth(1)?)?;
    let ours = matches!(class, "FLOCK" | "OFDLCK" | "POSIX");
    ours.then_some(Row {
        waits,
        flock: class == "FLOCK",
        shared,
        key,
    })
}

fn parse_key(text: &str) -> Option<Key> {
    let mut parts = text.split(':');
    let major = u32::from_str_radix(parts.next()?, 16).ok()?;
    let minor = u32::from_str_radix(parts.next()?, 16).ok()?;
    Some(Key {
        major,
        minor,
        ino: parts.next()?.parse().ok()?,
    })
}

/// What the text of a `fdinfo` file says its description holds of the lock.
pub(crate) fn fdinfo_holds(text: &str, key: Key) -> Option<Mode> {
    let row = |line: &str| parse(line.strip_prefix("lock:")?.trim_start());
    let held = text
        .lines()
        .filter_map(row)
        .find(|row| !row.waits && row.key == key)?;
    Some(if held.shared {
        Mode::Shared
    } else {
        Mode::Exclusive
    })
}

pub(crate) fn waiters(rows: &[Row], key: Key) -> usize {
    rows.iter()
        .filter(|row| row.waits && row.flock && row.key == key)
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key {
        major: 0,
        minor: 0x1a,
        ino: 55,
    };

    #[test]
    fn rows() {
        let row = |waits, flock| {
            Some(Row {
                waits,
                flock,
                shared: false,
                key: KEY,
            })
        };
        assert_eq!(
            parse("2: FLOCK  ADVISORY  WRITE 812 00:1a:55 0 EOF"),
            row(false, true)
        );
        assert_eq!(
            parse("2: -> FLOCK  ADVISORY  WRITE 813 00:1a:55 0 EOF"),
            row(true, true)
        );
        assert_eq!(
            parse("3: OFDLCK ADVISORY  WRITE -1 00:1a:55 0 EOF"),
            row(false, false)
        );
        assert_eq!(parse("4: LEASE  ACTIVE    READ  9 00:1a:55 0 EOF"), None);
        assert_eq!(parse("5: FLOCK  ADVISORY"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn fdinfo() {
        let text = "pos:\t0\nflags:\t02100002\nmnt_id:\t30\nlock:\t1: FLOCK  ADVISORY  WRITE 812 00:1a:55 0 EOF\n";
        assert_eq!(fdinfo_holds(text, KEY), Some(Mode::Exclusive));
        assert_eq!(
            fdinfo_holds(&text.replace("WRITE", "READ"), KEY),
            Some(Mode::Shared)
        );
        assert_eq!(fdinfo_holds(text, Key { ino: 56, ..KEY }), None);
        assert_eq!(fdinfo_holds("pos:\t0\n", KEY), None);
    }
}
