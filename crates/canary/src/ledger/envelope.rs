use serde::{Deserialize, Serialize};

use crate::alert::Outbox;
use crate::schema::Schema;
use crate::{Error, ErrorKind, State};

/// State and outbox as they are written: together, under one number, with a digest by which a torn or damaged text is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Saved {
    /// The number of the commit; the first is 1.
    pub commit: u64,
    /// What is red and remembered.
    pub state: State,
    /// What is to be sent.
    pub outbox: Outbox,
}

/// The first line of the text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    schema: Schema,
    pub(super) commit: u64,
    pub(super) digest: String,
}

#[derive(Serialize)]
struct Written<'a> {
    state: &'a State,
    outbox: &'a Outbox,
}

#[derive(Deserialize)]
struct Read {
    state: State,
    outbox: Outbox,
}

impl Saved {
    /// As text, in two lines.
    pub fn encode(commit: u64, state: &State, outbox: &Outbox) -> String {
        // Maps with text for keys, numbers and text: there is nothing in it that could fail.
        let body = serde_json::to_string(&Written { state, outbox }).unwrap_or_default();
        let head = Head {
            schema: Schema,
            commit,
            digest: digest(body.as_bytes()),
        };
        let head = serde_json::to_string(&head).unwrap_or_default();
        format!("{head}\n{body}\n")
    }

    /// Reads what [`Saved::encode`] wrote. An entry of the outbox that cannot be read is counted there and left out.
    ///
    /// # Errors
    ///
    /// When it is anything else, a part of it, or changed.
    pub fn decode(text: &str) -> Result<Self, Error> {
        let cut = || bad("it is cut");
        let (head, body) = text.split_once('\n').ok_or_else(cut)?;
        let head = Head::parse(head)?;
        let body = body.strip_suffix('\n').ok_or_else(cut)?;
        if digest(body.as_bytes()) != head.digest {
            return Err(bad("it is not what was written: its digest is another"));
        }
        let read: Read = serde_json::from_str(body).map_err(|error| bad(&error.to_string()))?;
        Ok(Self {
            commit: head.commit,
            state: read.state,
            outbox: read.outbox,
        })
    }
}

impl Head {
    fn parse(line: &str) -> Result<Self, Error> {
        serde_json::from_str(line).map_err(|error| bad(&error.to_string()))
    }

    /// The head of a text, of which the rest does not matter.
    pub(super) fn of(text: &str) -> Result<Self, Error> {
        Self::parse(text.lines().next().unwrap_or_default())
    }
}

fn bad(why: &str) -> Error {
    Error::new(ErrorKind::State, format!("read the state: {why}"))
}

/// FNV-1a with 64 bits: against accidents, not against people.
fn digest(bytes: &[u8]) -> String {
    let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = bytes.iter().fold(0xcbf2_9ce4_8422_2325, mix);
    format!("{hash:016x}")
}
