//! From bytes to nodes.

use super::{Code, Nodes, keys, strings};

/// Why a text is not read, and at which byte.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) at: usize,
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    Syntax,
    DuplicateKey,
    TooDeep,
}

type Read<T = ()> = Result<T, Fault>;

pub(super) fn one(text: &str, max_depth: usize) -> Read<Nodes> {
    let mut reader = Reader::new(text, max_depth);
    reader.refuse_mark()?;
    reader.blanks();
    reader.value()?;
    reader.blanks();
    match reader.peek() {
        None => Ok(reader.nodes),
        Some(_) => Err(reader.fault("the document ends before this")),
    }
}

pub(super) fn lines(text: &str, max_depth: usize) -> Read<Nodes> {
    let mut reader = Reader::new(text, max_depth);
    reader.refuse_mark()?;
    let root = reader.nodes.open(Code::Array, 0);
    while reader.peek().is_some() {
        let start = reader.at;
        reader.value()?;
        reader.one_line(start)?;
        reader.line_end()?;
    }
    reader.nodes.close(root, reader.at);
    Ok(reader.nodes)
}

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    nodes: Nodes,
    depth: usize,
    max_depth: usize,
    scratch: Vec<u64>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, max_depth: usize) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            nodes: Nodes::of_bytes(text.len()),
            depth: 0,
            max_depth,
            scratch: Vec::new(),
        }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn fault(&self, message: &str) -> Fault {
        Fault {
            kind: FaultKind::Syntax,
            at: self.at,
            message: message.to_owned(),
        }
    }

    fn refuse_mark(&self) -> Read {
        if self.text.starts_with('\u{feff}') {
            return Err(self.fault("a byte order mark has no place in JSON"));
        }
        Ok(())
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// A value of several lines is one to us, and several broken ones to who reads line by line.
    fn one_line(&self, start: usize) -> Read {
        let value = &self.bytes[start..self.at];
        match value.iter().position(|byte| *byte == b'\n') {
            None => Ok(()),
            Some(at) => Err(self.fault_at(start + at, "the line ends inside a value")),
        }
    }

    /// The end of one line of JSON lines; an empty line is an error of the value that should be there.
    fn line_end(&mut self) -> Read {
        while let Some(b' ' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
        match self.peek() {
            None => Ok(()),
            Some(b'\n') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.fault("one value on a line, and this is a second one")),
        }
    }

    fn value(&mut self) -> Read {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true"),
            Some(b'f') => self.word("false"),
            Some(b'n') => self.word("null"),
            Some(_) => Err(self.fault("no JSON value begins like this")),
            None => Err(self.fault("the text ends where a value should be")),
        }
    }

    fn word(&mut self, word: &str) -> Read {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.fault("no JSON value begins like this"));
        }
        self.leaf(Code::Word, self.at + word.len());
        Ok(())
    }

    fn leaf(&mut self, code: Code, end: usize) {
        self.nodes.leaf(code, self.at..end);
        self.at = end;
    }

    fn deeper(&mut self) -> Read {
        self.depth += 1;
        if self.depth <= self.max_depth {
            return Ok(());
        }
        let message = format!("more than {} levels of nesting", self.max_depth);
        Err(Fault {
            kind: FaultKind::TooDeep,
            at: self.at,
            message,
        })
    }

    fn array(&mut self) -> Read {
        self.deeper()?;
        let opened = self.nodes.open(Code::Array, self.at);
        self.at += 1;
        self.blanks();
        if self.peek() != Some(b']') {
            self.elements()?;
        }
        self.at += 1;
        self.depth -= 1;
        self.nodes.close(opened, self.at);
        Ok(())
    }

    fn elements(&mut self) -> Read {
        loop {
            self.value()?;
            if self.ends(b']', "a comma or `]` should be here")? {
                return Ok(());
            }
        }
    }

    fn object(&mut self) -> Read {
        self.deeper()?;
        let opened = self.nodes.open(Code::Object, self.at);
        self.at += 1;
        self.blanks();
        if self.peek() != Some(b'}') {
            self.members()?;
        }
        self.at += 1;
        self.depth -= 1;
        self.nodes.close(opened, self.at);
        match keys::duplicate(self.text, &self.nodes, opened, &mut self.scratch) {
            None => Ok(()),
            Some(key) => Err(self.duplicate(key)),
        }
    }

    fn members(&mut self) -> Read {
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.fault("a key in double quotes should be here"));
            }
            self.string()?;
            self.blanks();
            if self.peek() != Some(b':') {
                return Err(self.fault("a colon should be here"));
            }
            self.at += 1;
            self.blanks();
            self.value()?;
            if self.ends(b'}', "a comma or `}` should be here")? {
                return Ok(());
            }
        }
    }

    /// Whether a container ends here; otherwise goes on behind the comma.
    fn ends(&mut self, closing: u8, wanted: &str) -> Read<bool> {
        self.blanks();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.blanks();
                Ok(false)
            }
            Some(found) if found == closing => Ok(true),
            _ => Err(self.fault(wanted)),
        }
    }

    fn duplicate(&self, key: u32) -> Fault {
        let span = self.nodes.span(key);
        let start = span.start;
        let key = self.text.get(span).unwrap_or_default();
        Fault {
            kind: FaultKind::DuplicateKey,
            at: start,
            message: format!("the key {key} is there twice; readers differ in which one counts"),
        }
    }

    fn string(&mut self) -> Read {
        let mut at = self.at + 1;
        let mut code = Code::String;
        loop {
            match self.bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    code = Code::Escaped;
                    at += self.escape(at)?;
                }
                Some(0..=0x1F) => return Err(self.fault_at(at, "a raw control character")),
                Some(_) => at += 1,
                None => return Err(self.fault_at(at, "the text ends inside a string")),
            }
        }
        self.leaf(code, at + 1);
        Ok(())
    }

    fn escape(&self, at: usize) -> Read<usize> {
        let wrong = || self.fault_at(at, "no escape, or half of a surrogate pair");
        strings::escape_length(&self.bytes[at..]).ok_or_else(wrong)
    }

    fn fault_at(&self, at: usize, message: &str) -> Fault {
        let message = message.to_owned();
        Fault {
            kind: FaultKind::Syntax,
            at,
            message,
        }
    }

    fn number(&mut self) -> Read {
        let start = self.at;
        let negative = usize::from(self.peek() == Some(b'-'));
        let mut at = self.digits(start + negative)?;
        if at > start + negative + 1 && self.bytes[start + negative] == b'0' {
            return Err(self.fault("a number with a leading zero"));
        }
        let whole = at;
        if self.bytes.get(at) == Some(&b'.') {
            at = self.digits(at + 1)?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(at) {
            let sign = matches!(self.bytes.get(at + 1), Some(b'+' | b'-'));
            at = self.digits(at + 1 + usize::from(sign))?;
        }
        let text = &self.text[start..at];
        let code = match text {
            "-0" => Code::Float,
            _ if at == whole => Code::Integer,
            _ => Code::Float,
        };
        if !in_range(text) {
            return Err(self.fault("a number beyond every float"));
        }
        self.leaf(code, at);
        Ok(())
    }

    fn digits(&self, from: usize) -> Read<usize> {
        let rest = self.bytes.get(from..).unwrap_or_default();
        match rest.iter().take_while(|b| b.is_ascii_digit()).count() {
            0 => Err(self.fault_at(from, "a digit should be here")),
            count => Ok(from + count),
        }
    }
}

fn in_range(number: &str) -> bool {
    let short = number.len() <= 300 && !number.contains(['e', 'E']);
    short || number.parse::<f64>().is_ok_and(f64::is_finite)
}
