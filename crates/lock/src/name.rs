use std::fmt;
use std::sync::Arc;

use crate::digest::sha256;
use crate::{Error, ErrorKind};

/// The longest name, in bytes: room is left for the companion files of a name below the 255 of a file name.
const LONGEST: usize = 200;
/// What a slug keeps of the text it stands for.
const KEPT: usize = 64;
/// Parts a slug from its hash. No plain name has it, so no plain name can be some text's slug.
const MARK: char = '~';

/// The name of a lock: ASCII letters, digits and `. _ - @ +`, at most 200 bytes, beginning with a letter, a digit or `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Takes a name as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidName`], with the reason, for whatever is not such a name. [`Name::slug`] takes any text.
    pub fn new(text: impl AsRef<str>) -> Result<Self, Error> {
        let text = text.as_ref();
        match refusal(text) {
            None => Ok(Self(text.into())),
            Some(reason) => Err(Error::new(
                ErrorKind::InvalidName,
                format!(
                    "lock name {:?} {reason}; give a plain name, or make a slug of it",
                    clip(text)
                ),
            )),
        }
    }

    /// Makes a name of any text: a valid name stays as it is; anything else keeps what is harmless of its first 64
    /// characters and gets 64 bits of a SHA-256, so that different texts get different names in practice.
    pub fn slug(text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        Self::new(text).unwrap_or_else(|_| Self(slugged(text).into()))
    }

    /// The name of a file found in the directory, unless it is none of ours.
    pub(crate) fn of_file(file: &str) -> Option<Self> {
        let plain = file
            .split_once(MARK)
            .map_or(Some(file), |(kept, hash)| is_hash(hash).then_some(kept))?;
        refusal(plain).is_none().then(|| Self(file.into()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn refusal(text: &str) -> Option<&'static str> {
    match text.as_bytes() {
        [] => Some("is empty"),
        long if long.len() > LONGEST => Some("is longer than 200 bytes"),
        all if all.iter().all(|b| *b == b'.') => Some("has only dots"),
        [b'.', ..] => Some("begins with a dot"),
        bytes if bytes.contains(&b'/') => Some("has a slash"),
        bytes if bytes.contains(&0) => Some("has a NUL byte"),
        bytes if bytes.iter().any(u8::is_ascii_control) => Some("has a control character"),
        bytes if !bytes.is_ascii() => Some("has a character that is not ASCII"),
        [first, ..] if !first.is_ascii_alphanumeric() && *first != b'_' => {
            Some("does not begin with a letter, a digit or `_`")
        }
        bytes if !bytes.iter().all(|b| is_plain(*b)) => {
            Some("has a character other than letters, digits and `. _ - @ +`")
        }
        _ => None,
    }
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-@+".contains(&byte)
}

fn is_hash(text: &str) -> bool {
    text.len() == 16 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn slugged(text: &str) -> String {
    let harmless = |c: char| {
        if c.is_ascii() && is_plain(c as u8) {
            c
        } else {
            '-'
        }
    };
    let kept: String = text.chars().map(harmless).take(KEPT).collect();
    let kept = kept.trim_start_matches(['.', '-', '@', '+']);
    let kept = if kept.is_empty() { "_" } else { kept };
    let hash = sha256(text.as_bytes());
    format!("{kept}{MARK}{:08x}{:08x}", hash[0], hash[1])
}

fn clip(text: &str) -> String {
    text.chars().take(40).collect()
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
