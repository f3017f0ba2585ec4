use std::borrow::Cow;

use runward_canary::{Cause, CauseKind};

use crate::bound::Binding;
use crate::facet::Scope;
use crate::template::Template;

/// An address with names in it: what is filled into its host is a host, and what is filled in behind it ends nothing.
pub(super) struct Target {
    host: Template,
    path: Template,
}

/// An address that is asked.
pub(super) struct Filled {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
}

impl Target {
    pub(super) fn new(url: &str, scope: &Scope) -> Result<Self, String> {
        let rest = url
            .strip_prefix("http://")
            .ok_or_else(|| format!("`{url}` has to begin with http://; there is no TLS here"))?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if host.is_empty()
            || host.contains('@')
            || url.chars().any(|c| c.is_ascii_control() || c == ' ')
        {
            return Err(format!(
                "`{url}` is no address; write http://{{address}}:8000/path"
            ));
        }
        Ok(Self {
            host: Template::new(host, scope)?,
            path: Template::new(if path.is_empty() { "/" } else { path }, scope)?,
        })
    }

    pub(super) fn fill(&self, binding: &Binding<'_>) -> Result<Filled, Cause> {
        let authority = self.host.fill(binding, host)?;
        let path = self.path.fill(binding, escaped)?;
        let wrong = || {
            Cause::new(
                CauseKind::Malformed,
                format!("{authority} is no host with a port"),
            )
        };
        // An address of version 6 has colons of its own.
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
            _ => (authority.as_str(), 80),
        };
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        match host.is_empty() {
            true => Err(wrong()),
            false => Ok(Filled { host, port, path }),
        }
    }
}

fn host(text: &str) -> Result<Cow<'_, str>, Cause> {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    match !text.is_empty() && text.len() <= 255 && text.chars().all(plain) {
        true => Ok(Cow::Borrowed(text)),
        false => Err(Cause::new(CauseKind::Malformed, "its address is no host")),
    }
}

fn escaped(text: &str) -> Result<Cow<'_, str>, Cause> {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => {
                escaped.push(byte.into())
            }
            // Dots too: two of them would lead out of a folder.
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    Ok(escaped.into())
}
