mod compose;
mod dialogue;
mod wire;

use std::sync::Arc;
use std::time::{Duration, Instant};

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use runward_canary::alert::{Alert, Delivery};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;

use crate::settings::Taken;
use crate::{Error, Sink, tls};

/// A mail server that is asked to pass alerts on.
pub(crate) struct Mail {
    from: Mailbox,
    to: Vec<Mailbox>,
    server: Server,
    login: Option<Credentials>,
    timeout: Duration,
}

/// Where it is, and how it is spoken to.
pub(crate) struct Server {
    host: String,
    port: u16,
    cover: Cover,
}

/// What covers the dialogue.
pub(crate) enum Cover {
    /// Nothing: it stays on this machine.
    Plain,
    /// TLS after a first greeting; without it, nothing is sent.
    StartTls(Arc<ClientConfig>, ServerName<'static>),
    /// TLS from the first byte.
    Tls(Arc<ClientConfig>, ServerName<'static>),
}

impl Mail {
    pub(crate) fn open(taken: &mut Taken<'_>) -> Result<Self, Error> {
        let from = taken.required("from")?;
        let from = mailbox(taken, "from", &from)?;
        let to = taken.list("to")?;
        let to: Result<Vec<_>, _> = to.iter().map(|text| mailbox(taken, "to", text)).collect();
        let server = server(taken)?;
        let login = login(taken)?;
        let timeout = taken.timeout()?;
        Ok(Self {
            from,
            to: to?,
            server,
            login,
            timeout,
        })
    }
}

fn mailbox(taken: &Taken<'_>, name: &str, text: &str) -> Result<Mailbox, Error> {
    text.parse()
        .map_err(|_| taken.wrong(name, "is no address such as ops@example.org"))
}

fn login(taken: &mut Taken<'_>) -> Result<Option<Credentials>, Error> {
    let name = taken.text("username")?;
    let password = taken.secret("password", "password_env")?;
    match (name, password) {
        (None, None) => Ok(None),
        (Some(name), Some(password)) => {
            Ok(Some(Credentials::new(name, password.reveal().to_owned())))
        }
        _ => Err(taken.wrong("username", "and password_env are set together, or neither")),
    }
}

fn server(taken: &mut Taken<'_>) -> Result<Server, Error> {
    const WANT: &str =
        "is smtps://HOST[:465], smtp://HOST[:587] with STARTTLS, or smtp://localhost[:25] without";
    let text = taken.required("server")?;
    let own = taken
        .path("ca")?
        .map(|path| tls::authorities(&path))
        .transpose()?;
    let (scheme, rest) = text
        .split_once("://")
        .ok_or_else(|| taken.wrong("server", WANT))?;
    let (host, port) =
        split(rest.trim_end_matches('/')).ok_or_else(|| taken.wrong("server", WANT))?;
    let is_local = matches!(host, "localhost" | "127.0.0.1" | "::1");
    let name = ServerName::try_from(host.to_owned()).map_err(|_| taken.wrong("server", WANT))?;
    let config = || tls::client(own.as_deref());
    let (usual, cover) = match scheme {
        "smtps" => (465, Cover::Tls(config()?, name)),
        // On this machine, whoever wants it names the authority.
        "smtp" if is_local && own.is_none() => (25, Cover::Plain),
        "smtp" => (587, Cover::StartTls(config()?, name)),
        _ => return Err(taken.wrong("server", WANT)),
    };
    Ok(Server {
        host: host.to_owned(),
        port: port.unwrap_or(usual),
        cover,
    })
}

/// Host and port; an IPv6 address is in brackets.
fn split(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => rest
            .split_once(']')
            .map(|(host, port)| (host, port.strip_prefix(':')))?,
        None => match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        },
    };
    let port = port.map(str::parse).transpose().ok()?;
    let is_host = !host.is_empty()
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-:".contains(&b));
    is_host.then_some((host, port))
}

impl Sink for Mail {
    fn deliver(&self, alert: &Alert, within: Duration) -> Delivery {
        let end = Instant::now() + self.timeout.min(within);
        let sent = compose::message(alert, &self.from, &self.to)
            .and_then(|message| dialogue::send(&self.server, self.login.as_ref(), &message, end));
        match sent {
            Ok(()) => Delivery::Delivered,
            Err(cause) => Delivery::Failed(cause),
        }
    }
}
