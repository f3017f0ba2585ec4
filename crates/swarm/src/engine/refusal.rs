use std::fmt;

use serde::Deserialize;

use super::http::Answer;
use crate::ErrorKind;

/// What the engine answered instead of doing it.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: u16,
    words: String,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

impl Refusal {
    pub(super) fn read(answer: &Answer) -> Self {
        let words = match serde_json::from_slice(&answer.body) {
            Ok(Message { message }) => message,
            Err(_) => first_line(&answer.body),
        };
        Self {
            status: answer.status,
            words,
        }
    }

    /// In use is 403, 409 or, for what the swarm knows, 400: only the words tell.
    pub(crate) fn kind(&self) -> ErrorKind {
        let in_use = self.words.contains("in use") || self.words.contains("active endpoints");
        match self.status {
            404 => ErrorKind::Missing,
            400..500 if in_use => ErrorKind::InUse,
            409 => ErrorKind::InUse,
            401 | 403 => ErrorKind::Denied,
            503 if self.words.contains("swarm manager") => ErrorKind::NotAManager,
            500.. => ErrorKind::Failed,
            _ => ErrorKind::Refused,
        }
    }
}

fn first_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.lines()
        .next()
        .unwrap_or("")
        .chars()
        .take(300)
        .collect()
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.words.trim() {
            "" => write!(f, "{}", self.status),
            words => write!(f, "{}: {words}", self.status),
        }
    }
}
