//! A reader of JSON that keeps where each value stands, and refuses what two readers could read differently.
//!
//! A document is its text and a flat list of nodes in the order of the text; a node knows where its subtree ends.

mod body;
mod keys;
mod nodes;
mod number;
mod reader;
mod strings;
mod value;
mod values;

pub(crate) use body::{Body, position};
pub(crate) use number::Number;
pub(crate) use reader::{Fault, FaultKind};
pub(crate) use strings::quote;
pub(crate) use value::{Value, escape};
pub(crate) use values::Values;

use nodes::{Code, Nodes};

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

/// A document that was read whole.
#[derive(Debug)]
pub(crate) struct Doc {
    body: Body,
    nodes: Nodes,
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

    fn new(text: String, read: Result<Nodes, Fault>) -> Result<Self, Refused> {
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
