mod slack;

use std::fmt;
use std::io::Read;
use std::time::Duration;

use runward_canary::alert::{Alert, Delivery};
use runward_canary::{Cause, CauseKind};
use ureq::http::{Response, Uri};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::secret::Secret;
use crate::settings::Taken;
use crate::{Error, Sink, tls};

/// An address that takes alerts by POST. The address is the secret: whoever has it may write there.
pub(crate) struct Webhook {
    url: Secret,
    form: Form,
    timeout: Duration,
    roots: RootCerts,
    is_local: bool,
}

/// What is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Blocks as Slack wants them, and those who speak its language.
    Slack,
    /// The alert as it is.
    Json,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhook")
            .field("url", &self.url)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    pub(crate) fn open(taken: &mut Taken<'_>) -> Result<Self, Error> {
        let url = taken.secret("url", "url_env")?;
        let url = url.ok_or_else(|| {
            taken.wrong(
                "url_env",
                "is missing: the variable with the address, which is a secret",
            )
        })?;
        let form = match taken.text("format")?.as_deref() {
            None | Some("slack") => Form::Slack,
            Some("json") => Form::Json,
            Some(_) => return Err(taken.wrong("format", "is \"slack\" or \"json\"")),
        };
        let timeout = taken.timeout()?;
        let roots = match taken.path("ca")? {
            None => RootCerts::WebPki,
            Some(path) => roots(&path)?,
        };
        let is_local = is_local(&url).map_err(|what| taken.wrong("url", what))?;
        Ok(Self {
            url,
            form,
            timeout,
            roots,
            is_local,
        })
    }

    fn body(&self, alert: &Alert) -> String {
        match self.form {
            Form::Slack => slack::message(alert),
            Form::Json => alert.to_json(),
        }
    }

    /// One connection for one alert, with one limit for all of it.
    fn agent(&self, within: Duration) -> Agent {
        let tls = TlsConfig::builder().root_certs(self.roots.clone()).build();
        let config = Agent::config_builder()
            .timeout_global(Some(self.timeout.min(within)))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .max_response_header_size(64 * 1024)
            .https_only(!self.is_local)
            .tls_config(tls)
            .user_agent(concat!("runward-sinks/", env!("CARGO_PKG_VERSION")));
        let config = match self.is_local {
            true => config.proxy(None),
            false => config,
        };
        config.build().new_agent()
    }
}

impl Sink for Webhook {
    fn deliver(&self, alert: &Alert, within: Duration) -> Delivery {
        let post = self.agent(within).post(self.url.reveal());
        let answer = post
            .header("content-type", "application/json; charset=utf-8")
            .send(self.body(alert));
        match answer {
            Ok(answer) => verdict(answer),
            Err(error) => Delivery::Failed(cause(&error)),
        }
    }
}

fn verdict(mut answer: Response<Body>) -> Delivery {
    let status = answer.status();
    let kind = match status.as_u16() {
        200..=299 => return Delivery::Delivered,
        300..=399 => {
            let why = format!(
                "it answered {}: redirects are not followed",
                status.as_u16()
            );
            return Delivery::Failed(Cause::new(CauseKind::Denied, why));
        }
        500.. => CauseKind::Crashed,
        _ => CauseKind::Denied,
    };
    let code = code(&mut answer).map_or(String::new(), |code| format!(" ({code})"));
    Delivery::Failed(Cause::new(
        kind,
        format!("it answered {}{code}", status.as_u16()),
    ))
}

/// What Slack says is wrong, such as `invalid_blocks`. Any other text is not shown: it may repeat the address.
fn code(answer: &mut Response<Body>) -> Option<String> {
    let mut text = String::new();
    answer
        .body_mut()
        .as_reader()
        .take(60)
        .read_to_string(&mut text)
        .ok()?;
    let is_code =
        (3..40).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    is_code.then_some(text)
}

/// Why nobody answered. The library's own words may have the address in them; ours do not.
fn cause(error: &ureq::Error) -> Cause {
    use CauseKind::{Denied, Garbled, Timeout, Unreachable};
    const NO_TLS: &str = "no TLS: its certificate is not accepted, or it speaks another language";
    let (kind, why) = match error {
        ureq::Error::Timeout(_) => (Timeout, "it did not answer in time"),
        ureq::Error::HostNotFound => (Unreachable, "its host has no address"),
        ureq::Error::ConnectionFailed => (Unreachable, "nobody listens there"),
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => (Denied, NO_TLS),
        ureq::Error::Io(error) if tls::is_to_blame(error) => (Denied, NO_TLS),
        ureq::Error::Io(error) => {
            let why = format!("the connection broke: {}", error.kind());
            return Cause::new(Unreachable, why);
        }
        _ => (Garbled, "its answer is none of HTTP"),
    };
    Cause::new(kind, why)
}

fn roots(path: &std::path::Path) -> Result<RootCerts, Error> {
    let found = tls::authorities(path)?;
    let found: Vec<_> = found
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    Ok(RootCerts::new_with_certs(&found))
}

/// Whether it stays on this machine; only then it may go without TLS.
fn is_local(url: &Secret) -> Result<bool, &'static str> {
    let bad = "is no address such as https://host/path";
    let uri: Uri = url.reveal().parse().map_err(|_| bad)?;
    let host = uri.host().ok_or(bad)?;
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match uri.scheme_str() {
        Some("https") => Ok(false),
        Some("http") if local => Ok(true),
        Some("http") => {
            Err("is http: the address is a secret, so it has to be https, except on this machine")
        }
        _ => Err(bad),
    }
}
