//! The nodes of a document in the order of its text: eight bytes for a leaf, sixteen for what has others in it.

use std::ops::Range;

/// What a node is, as far as it cannot be read off its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    /// `null`, `true` or `false`.
    Word,
    Integer,
    Float,
    String,
    /// A string with escapes in it.
    Escaped,
    Array,
    Object,
}

const CODES: [Code; 7] = [
    Code::Word,
    Code::Integer,
    Code::Float,
    Code::String,
    Code::Escaped,
    Code::Array,
    Code::Object,
];

/// A leaf, or the first half of a container. The other half has the byte after it as its `start`.
#[derive(Clone, Copy, Debug)]
struct Slot {
    start: u32,
    /// 29 bits and the code: of a leaf, its bytes less one; of a container, the number of the node behind all that is in it.
    rest: u32,
}

/// Nodes by their numbers.
#[derive(Debug)]
pub(super) struct Nodes(Vec<Slot>);

impl Nodes {
    /// With room for those of a text of so many bytes, if they are long.
    pub(super) fn of_bytes(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes / 16 + 1))
    }

    pub(super) fn leaf(&mut self, code: Code, span: Range<usize>) {
        let less = offset(span.len()).saturating_sub(1);
        self.push(offset(span.start), less << 3 | code as u32);
    }

    /// A container that begins here; its number.
    pub(super) fn open(&mut self, code: Code, start: usize) -> u32 {
        let number = self.end();
        self.push(offset(start), code as u32);
        self.push(offset(start), 0);
        number
    }

    /// All that was added since is in it.
    pub(super) fn close(&mut self, container: u32, end: usize) {
        let next = self.end();
        let at = container as usize;
        let code = self.0[at].rest & 7;
        self.0[at].rest = next << 3 | code;
        self.0[at + 1].start = offset(end);
    }

    fn push(&mut self, start: u32, rest: u32) {
        self.0.push(Slot { start, rest });
    }

    /// The number that the next node gets.
    pub(super) fn end(&self) -> u32 {
        offset(self.0.len())
    }

    pub(super) fn code(&self, node: u32) -> Code {
        CODES[(self.0[node as usize].rest & 7) as usize]
    }

    fn is_container(&self, node: u32) -> bool {
        matches!(self.code(node), Code::Array | Code::Object)
    }

    /// The node after this one and all that is in it.
    pub(super) fn next(&self, node: u32) -> u32 {
        match self.is_container(node) {
            true => self.0[node as usize].rest >> 3,
            false => node + 1,
        }
    }

    /// The first node in a container, if there is any in it.
    pub(super) fn first(container: u32) -> u32 {
        container + 2
    }

    /// The bytes that it takes up in the text.
    pub(super) fn span(&self, node: u32) -> Range<usize> {
        let Slot { start, rest } = self.0[node as usize];
        let end = match self.is_container(node) {
            true => self.0[node as usize + 1].start,
            false => start + (rest >> 3) + 1,
        };
        start as usize..end as usize
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a text longer than 512 MiB is refused before it is read"
)]
fn offset(at: usize) -> u32 {
    at as u32
}
