//! The line that a child appends to the journal just before its exec, so that whoever goes on knows
//! that it has begun, and, if asked for, which process it is.
//!
//! # Safety
//!
//! [`Mark::write`] runs between `clone3(2)` and `execve(2)`, see [`spawn`](crate::spawn): it makes system
//! calls on memory prepared before and on its own stack, and neither allocates nor panics.
#![expect(unsafe_code, reason = "system calls of a child before its exec")]

use std::os::fd::{AsRawFd, BorrowedFd};

use nix::libc;

/// A line, whole or with room in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark<'a> {
    pub(crate) file: BorrowedFd<'a>,
    pub(crate) line: &'a [u8],
    /// What follows on the identity of the child; none where the line goes without.
    pub(crate) rest: Option<&'a [u8]>,
}

impl Mark<'_> {
    /// In the child.
    pub(crate) fn write(&self) {
        let mut text = Text::new();
        text.add(self.line);
        if let Some(rest) = self.rest {
            text.add_identity();
            text.add(rest);
        }
        // SAFETY: write(2) on an open descriptor and a live buffer.
        unsafe {
            libc::write(
                self.file.as_raw_fd(),
                text.bytes.as_ptr().cast(),
                text.length,
            )
        };
    }
}

/// Text on the stack.
struct Text {
    bytes: [u8; 256],
    length: usize,
}

impl Text {
    fn new() -> Self {
        Self {
            bytes: [0; 256],
            length: 0,
        }
    }

    /// What there is no room for is left out: the line is then none.
    fn add(&mut self, more: &[u8]) {
        let end = self.length.saturating_add(more.len());
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(more);
            self.length = end;
        }
    }

    fn add_number(&mut self, number: u64) {
        if number >= 10 {
            self.add_number(number / 10);
        }
        self.add(&[b'0'.wrapping_add((number % 10) as u8)]);
    }

    /// As [`Identity`](crate::process::Identity) is written, or nobody.
    fn add_identity(&mut self) {
        // SAFETY: getpid(2) cannot fail.
        let pid = unsafe { libc::getpid() };
        let Some(start) = own_start() else {
            return self.add(b"null");
        };
        self.add(b"{\"pid\":");
        self.add_number(u64::from(pid.unsigned_abs()));
        self.add(b",\"start\":");
        self.add_number(start);
        self.add(b"}");
    }
}

/// Field 22 of `proc_pid_stat(5)`, without a copy of it on the heap.
fn own_start() -> Option<u64> {
    let mut buffer = [0; 1024];
    // SAFETY: open(2) on a string that ends in NUL, read(2) into a buffer of that size, close(2) of
    // what was opened; a failed open makes a read fail.
    let length = unsafe {
        let stat = libc::open(
            c"/proc/self/stat".as_ptr(),
            libc::O_RDONLY | libc::O_CLOEXEC,
        );
        let length = libc::read(stat, buffer.as_mut_ptr().cast(), buffer.len());
        libc::close(stat);
        length
    };
    start(buffer.get(..usize::try_from(length).ok()?)?)
}

fn start(stat: &[u8]) -> Option<u64> {
    let name = stat.iter().rposition(|&b| b == b')')?;
    let fields = stat.get(name.checked_add(2)?..)?;
    let digits = fields.split(|&b| b == b' ').nth(19)?;
    digits.iter().try_fold(0u64, |number, &digit| {
        let digit = u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?);
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Identity, Stat};

    #[test]
    fn the_identity_is_as_it_is_read_elsewhere() {
        let mut text = Text::new();
        text.add_identity();
        let pid = std::process::id() as i32;
        let own = Identity::of(pid).expect("own stat");
        let written = &text.bytes[..text.length];
        assert_eq!(
            serde_json::from_slice::<Identity>(written).expect("JSON"),
            own
        );
        assert_eq!(own_start(), Stat::of(pid).map(|stat| stat.start));
    }

    #[test]
    fn a_name_with_parentheses_and_numbers_of_all_sizes() {
        let stat = b"7 (a) b (c)) S 3 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 1";
        assert_eq!(start(stat), Some(4242));
        assert_eq!(start(b"7 (a) S 3"), None);
        for number in [0, 9, 10, 1_234_567_890, u64::MAX] {
            let mut text = Text::new();
            text.add_number(number);
            assert_eq!(&text.bytes[..text.length], number.to_string().as_bytes());
        }
    }

    #[test]
    fn what_is_too_long_is_left_out() {
        let mut text = Text::new();
        text.add(&[b'x'; 300]);
        assert_eq!(text.length, 0);
    }
}
