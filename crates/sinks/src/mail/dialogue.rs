//! What is said to a mail server, in the library's words, on our own wire: its own has a limit for each read, and none for all.

use std::fmt::Display;
use std::io::{self, Read, Write};
use std::time::Instant;

use lettre::Message;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::commands::{Auth, Data, Ehlo, Mail, Quit, Rcpt, Starttls};
use lettre::transport::smtp::extension::{ClientId, ServerInfo};
use lettre::transport::smtp::response::Response;
use runward_canary::{Cause, CauseKind, bounded};

use super::wire::{Timed, Wire};
use super::{Cover, Server};
use crate::tls;

/// The longest answer, and the most challenges of a login.
const ANSWER: usize = 16 * 1024;
const CHALLENGES: usize = 3;
const LOGIN: &str = "the login";

/// Sends a mail. All recipients have it, or it has failed: one that is refused is not left out in silence.
pub(super) fn send(
    server: &Server,
    login: Option<&Credentials>,
    message: &Message,
    end: Instant,
) -> Result<(), Cause> {
    let timed = Timed::connect(&server.host, server.port, end)
        .map_err(|error| broken("connect", &error))?;
    let (mut dialogue, info) = open(timed, &server.cover)?;
    if let Some(login) = login {
        dialogue.login(login, &info)?;
    }
    let envelope = message.envelope();
    dialogue.ask(
        Mail::new(envelope.from().cloned(), Vec::new()),
        "the sender",
    )?;
    for to in envelope.to() {
        dialogue.ask(Rcpt::new(to.clone(), Vec::new()), "a recipient")?;
    }
    dialogue.ask(Data, "the mail")?;
    dialogue.write(&dotted(&message.formatted()))?;
    dialogue.hear("the mail")?;
    // It is theirs now; how they say goodbye does not matter.
    let _ = dialogue.write(Quit.to_string().as_bytes());
    Ok(())
}

fn open(timed: Timed, cover: &Cover) -> Result<(Dialogue, ServerInfo), Cause> {
    let plain = Wire::Plain(timed);
    match cover {
        Cover::Plain => Dialogue::greeted(plain),
        Cover::Tls(config, name) => {
            let wire = plain
                .cover(config, name)
                .map_err(|error| broken("use TLS", &error))?;
            Dialogue::greeted(wire)
        }
        Cover::StartTls(config, name) => {
            let (mut dialogue, _) = Dialogue::greeted(plain)?;
            dialogue.ask(Starttls, "STARTTLS")?;
            // What came before the cover is nobody's word.
            if !dialogue.heard.is_empty() {
                return Err(Cause::new(
                    CauseKind::Garbled,
                    "it spoke out of turn before TLS began",
                ));
            }
            let wire = dialogue.wire.cover(config, name);
            let mut dialogue = Dialogue::new(wire.map_err(|error| broken("use TLS", &error))?);
            let info = dialogue.hello()?;
            Ok((dialogue, info))
        }
    }
}

struct Dialogue {
    wire: Wire,
    /// What has been read and not yet looked at.
    heard: Vec<u8>,
}

impl Dialogue {
    fn new(wire: Wire) -> Self {
        let heard = Vec::new();
        Self { wire, heard }
    }

    fn greeted(wire: Wire) -> Result<(Self, ServerInfo), Cause> {
        let mut dialogue = Self::new(wire);
        dialogue.hear("us")?;
        let info = dialogue.hello()?;
        Ok((dialogue, info))
    }

    fn hello(&mut self) -> Result<ServerInfo, Cause> {
        let answer = self.ask(Ehlo::new(ClientId::default()), "EHLO")?;
        ServerInfo::from_response(&answer)
            .map_err(|_| Cause::new(CauseKind::Garbled, "its greeting is none of ESMTP"))
    }

    fn login(&mut self, login: &Credentials, info: &ServerInfo) -> Result<(), Cause> {
        let refused = |_| Cause::new(CauseKind::Garbled, "its challenge is none of the login's");
        let mechanism = info.get_auth_mechanism(DEFAULT_MECHANISMS).ok_or_else(|| {
            Cause::new(
                CauseKind::Denied,
                "it offers no login that we know (PLAIN or LOGIN)",
            )
        })?;
        let first = Auth::new(mechanism, login.clone(), None).map_err(refused)?;
        let mut answer = self.ask(first, LOGIN)?;
        for _ in 0..CHALLENGES {
            if !answer.has_code(334) {
                return Ok(());
            }
            let next =
                Auth::new_from_response(mechanism, login.clone(), &answer).map_err(refused)?;
            answer = self.ask(next, LOGIN)?;
        }
        Err(Cause::new(
            CauseKind::Garbled,
            "it does not stop to ask for the login",
        ))
    }

    fn ask(&mut self, command: impl Display, what: &str) -> Result<Response, Cause> {
        self.write(command.to_string().as_bytes())?;
        self.hear(what)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        let written = self.wire.write_all(bytes).and_then(|()| self.wire.flush());
        written.map_err(|error| broken("write", &error))
    }

    /// The next answer; an error if it is a refusal. What it says is shown, as it says why; but it may repeat a login.
    fn hear(&mut self, what: &str) -> Result<Response, Cause> {
        let text = self.answer().map_err(|error| broken("read", &error))?;
        let answer: Response = text
            .parse()
            .map_err(|_| Cause::new(CauseKind::Garbled, "its answer is none of SMTP"))?;
        if answer.is_positive() {
            return Ok(answer);
        }
        let said = match what {
            LOGIN => String::new(),
            _ => format!(" {}", bounded(answer.first_line().unwrap_or_default(), 120)),
        };
        let why = format!("it refused {what}: {}{said}", answer.code());
        Err(Cause::new(CauseKind::Denied, why))
    }

    fn answer(&mut self) -> io::Result<String> {
        loop {
            if let Some(length) = whole(&self.heard) {
                let rest = self.heard.split_off(length);
                let answer = std::mem::replace(&mut self.heard, rest);
                return Ok(String::from_utf8_lossy(&answer).into_owned());
            }
            if self.heard.len() > ANSWER {
                return Err(io::ErrorKind::InvalidData.into());
            }
            let mut more = [0; 1_024];
            match self.wire.read(&mut more)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.heard.extend(&more[..count]),
            }
        }
    }
}

/// How long the first answer is, once it is there: its last line has a space behind the code.
fn whole(heard: &[u8]) -> Option<usize> {
    let mut end = 0;
    for line in heard.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        let is_last = line.get(3).is_none_or(|byte| *byte != b'-');
        if line.ends_with(b"\n") && is_last {
            return Some(end);
        }
    }
    None
}

/// The text with each dot at the beginning of a line doubled, and the dot that ends it.
fn dotted(text: &[u8]) -> Vec<u8> {
    let mut dotted = Vec::with_capacity(text.len() + 16);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            dotted.push(b'.');
        }
        dotted.extend(line);
    }
    if !dotted.ends_with(b"\r\n") {
        dotted.extend(b"\r\n");
    }
    dotted.extend(b".\r\n");
    dotted
}

fn broken(verb: &str, error: &io::Error) -> Cause {
    let kind = match error.kind() {
        _ if tls::is_to_blame(error) => CauseKind::Denied,
        io::ErrorKind::TimedOut => CauseKind::Timeout,
        io::ErrorKind::InvalidData => CauseKind::Garbled,
        _ => CauseKind::Unreachable,
    };
    Cause::new(kind, format!("{verb}: {error}"))
}
