//! Writing to stdout and stderr without ever failing the run: a reader that left, or a full disk, is no reason to skip a teardown.
use std::fmt::Display;
use std::io::{self, Write};

/// Prose for people: one line on stderr, dropped when nobody can read it.
pub(crate) fn say(line: impl Display) {
    raw(&format!("runward: {line}\n"));
}

/// Text on stderr as it is.
pub(crate) fn raw(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
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
