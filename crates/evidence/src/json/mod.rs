//! A reader of JSON that keeps where each value stands, and refuses what two readers could read differently.
//!
//! A document is its text and a flat list of nodes in the order of the text; a node knows where its subtree ends.

mod body;
mod keys;
mod number;
mod reader;
mod strings;
mod value;

pub(crate) use body::{Body, position};
pub(crate) use number::Number;
pub(crate) use reader::{Fault, FaultKind};
pub(crate) use strings::quote;
pub(crate) use value::{Value, escape};

/// What a node is. Integers and floats are told apart by how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    False,
    True,
    Integer,
    Float,
    String,
    Array,
    Object,
}

impl Kind {
    /// With its article, as a message has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::False | Self::True => "a boolean",
            Self::Integer => "an integer",
            Self::Float => "a number with a fraction or exponent",
            Self::String => "a string",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }
}

/// Twelve bytes, as a document has many.
#[derive(Clone, Copy, Debug)]
struct Node {
    start: u32,
    end: u32,
    /// The node after this one and all that is in it, the kind, and whether a string has escapes: 28, 3 and 1 bits.
    rest: u32,
}

impl Node {
    const KINDS: [Kind; 8] = [
        Kind::Null,
        Kind::False,
        Kind::True,
        Kind::Integer,
        Kind::Float,
        Kind::String,
        Kind::Array,
        Kind::Object,
    ];

    fn new(start: u32, end: u32, kind: Kind, escaped: bool) -> Self {
        let rest = (kind as u32) << 1 | u32::from(escaped);
        Self { start, end, rest }
    }

    fn kind(self) -> Kind {
        Self::KINDS[(self.rest >> 1 & 7) as usize]
    }

    fn escaped(self) -> bool {
        self.rest & 1 == 1
    }

    fn next(self) -> u32 {
        self.rest >> 4
    }

    fn set_next(&mut self, next: u32) {
        self.rest = self.rest & 15 | next << 4;
    }
}

/// A document that was read whole.
#[derive(Debug)]
pub(crate) struct Doc {
    body: Body,
    nodes: Vec<Node>,
}

/// A text that is not read, to show where.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) fault: Fault,
    pub(crate) body: Body,
}

impl Doc {
    /// Reads one value, and nothing after it but blanks.
    pub(crate) fn parse(text: String, max_depth: usize) -> Result<Self, Refused> {
        let read = reader::one(&text, max_depth);
        Self::new(text, read)
    }

    /// Reads a value from each line, as the elements of one array.
    pub(crate) fn parse_lines(text: String, max_depth: usize) -> Result<Self, Refused> {
        let read = reader::lines(&text, max_depth);
        Self::new(text, read)
    }

    fn new(text: String, read: Result<Vec<Node>, Fault>) -> Result<Self, Refused> {
        let body = Body::new(text);
        match read {
            Ok(nodes) => Ok(Self { body, nodes }),
            Err(fault) => Err(Refused { fault, body }),
        }
    }

    pub(crate) fn root(&self) -> Value<'_> {
        Value::new(self, 0)
    }

    pub(crate) fn body(&self) -> &Body {
        &self.body
    }

    pub(crate) fn into_body(self) -> Body {
        self.body
    }
}

#[cfg(test)]
mod tests;
