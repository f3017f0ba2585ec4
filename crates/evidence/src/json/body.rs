use std::sync::OnceLock;

/// A text whose lines can be found.
#[derive(Debug)]
pub(crate) struct Body {
    text: String,
    /// Where each line begins; made when somebody first asks.
    lines: OnceLock<Vec<u32>>,
}

impl Body {
    pub(crate) fn new(text: String) -> Self {
        let lines = OnceLock::new();
        Self { text, lines }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub(crate) fn position(&self, at: usize) -> (usize, usize) {
        let lines = self.lines.get_or_init(|| starts(&self.text));
        let line = lines.partition_point(|start| *start as usize <= at);
        let start = lines[line - 1] as usize;
        (line, column(&self.text, start, at))
    }

    /// The text of the line around a byte, and where in the text it begins.
    pub(crate) fn line_around(&self, at: usize) -> (usize, &str) {
        let (line, _) = self.position(at);
        let lines = self.lines.get_or_init(|| starts(&self.text));
        let start = lines[line - 1] as usize;
        let end = lines.get(line).map_or(self.text.len(), |end| *end as usize);
        let text = self.text.get(start..end).unwrap_or_default();
        (start, text.trim_end_matches(['\n', '\r']))
    }
}

/// Line and column of a byte in a text that is looked at once.
pub(crate) fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..at.min(text.len())];
    let start = before
        .iter()
        .rposition(|b| *b == b'\n')
        .map_or(0, |n| n + 1);
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    (line, column(text, start, at))
}

fn column(text: &str, start: usize, at: usize) -> usize {
    let before = &text.as_bytes()[start..at.clamp(start, text.len())];
    // Bytes that go on a character begin with the bits 10.
    before.iter().filter(|b| **b & 0xC0 != 0x80).count() + 1
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a text longer than 512 MiB is refused before it is read"
)]
fn starts(text: &str) -> Vec<u32> {
    let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
    let after = breaks.map(|(at, _)| at as u32 + 1);
    std::iter::once(0).chain(after).collect()
}
