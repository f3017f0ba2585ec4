//! Writing to stdout and stderr without ever failing the run: a reader that left, or a full disk, is no reason to skip a teardown.
use std::fmt::Display;
use std::io::{self, Write};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long somebody may take to read prose; what is left then is dropped.
const PATIENCE: Timespec = Timespec {
    tv_sec: 2,
    tv_nsec: 0,
};

/// What a pipe takes without waiting, once it is ready for anything (`PIPE_BUF`, pipe(7)).
const AT_ONCE: usize = 4096;

/// Prose for people: one line on stderr, dropped when nobody can read it.
pub(crate) fn say(line: impl Display) {
    raw(&format!("runward: {line}\n"));
}

/// Text on stderr as it is. A pipe that is full and that nobody reads holds nothing up for long.
pub(crate) fn raw(text: &str) {
    let mut err = io::stderr().lock();
    for part in text.as_bytes().chunks(AT_ONCE) {
        let ready = poll(&mut [PollFd::new(&err, PollFlags::OUT)], Some(&PATIENCE));
        if ready == Ok(0) || err.write_all(part).is_err() {
            return;
        }
    }
}

/// Data on stdout. A reader that has seen enough is no failure; a full disk is.
pub(crate) fn data(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Text from outside, fit for a terminal: control characters are escaped.
pub(crate) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_bidi(c) {
            out.extend(c.escape_default())
        } else {
            out.push(c)
        }
    }
    out
}

/// Marks that reorder what a reader sees.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_name_cannot_drive_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\nc"), "a\\u{1b}[2Jb\\nc");
        assert_eq!(printable("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(printable("grün/dev"), "grün/dev");
    }
}
