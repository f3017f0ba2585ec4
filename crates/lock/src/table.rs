//! The kernel's list of locks, `/proc/locks`, see proc_locks(5). It names whoever took a lock, which may be dead by now,
//! and leaves out those of other pid namespaces; so it narrows a search and decides nothing alone.

use std::fs::File;
use std::io::Read as _;

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

/// How often a list of several pages is read. On a host that does nothing but lock, a row is passed over in one reading of five.
const READINGS: usize = 8;

/// The list as it was read once.
pub(crate) struct Reading {
    rows: Vec<Row>,
    whole: bool,
}

impl Reading {
    pub(crate) fn take() -> Self {
        let (mut text, mut pages) = (Vec::new(), 0);
        if let Ok(mut file) = File::open("/proc/locks") {
            let mut page = vec![0; 64 * 1024];
            while let Ok(length @ 1..) = file.read(&mut page) {
                text.extend_from_slice(&page[..length]);
                pages += 1;
            }
        }
        let text = String::from_utf8_lossy(&text);
        Self {
            rows: text.lines().filter_map(parse).collect(),
            whole: pages < 2,
        }
    }

    /// Enough of them for a lock that is held throughout. The kernel gives a page at a time and counts rows to find the next one, so
    /// that one is passed over when another before it goes. What fits a page is whole.
    pub(crate) fn several() -> impl Iterator<Item = Self> {
        let next = |last: &Self| (!last.whole).then(Self::take);
        std::iter::successors(Some(Self::take()), next).take(READINGS)
    }

    pub(crate) fn held(&self) -> impl Iterator<Item = Key> {
        self.rows.iter().filter(|row| !row.waits).map(|row| row.key)
    }

    pub(crate) fn waiters(&self, key: Key) -> usize {
        let waits = |row: &&Row| row.waits && row.flock && row.key == key;
        self.rows.iter().filter(waits).count()
    }
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
