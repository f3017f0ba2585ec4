use std::path::PathBuf;

use url::Url;

use crate::net::Endpoint;

/// Where a database is, and as whom one logs in. It has no `Debug`, and no message has its password.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) endpoint: Endpoint,
    pub(super) user: String,
    pub(super) password: Option<String>,
    pub(super) database: String,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?host=/folder/of/the/socket`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let example = "postgres://user@127.0.0.1:5432/database, or postgres:///database?host=/run/postgresql&user=name";
        let url = Url::parse(text).map_err(|_| format!("its address is none; write {example}"))?;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return Err(format!(
                "its address is none of PostgreSQL; write {example}"
            ));
        }
        let mut address = Self {
            endpoint: Endpoint::Tcp(String::new(), url.port().unwrap_or(5432)),
            user: decoded(url.username()),
            password: url.password().map(decoded),
            database: decoded(url.path().trim_start_matches('/')),
        };
        let host = url.host_str().map(decoded).unwrap_or_default();
        let mut server = (host, url.port().unwrap_or(5432));
        for (name, value) in url.query_pairs() {
            address.said(&name, value.into_owned(), &mut server)?;
        }
        address.endpoint = match server {
            (host, _) if host.is_empty() => {
                return Err(format!("its address has no host; write {example}"));
            }
            (folder, port) if folder.starts_with('/') => {
                Endpoint::Unix(PathBuf::from(folder).join(format!(".s.PGSQL.{port}")))
            }
            // The brackets of an address of version 6 belong to the URL.
            (host, port) => Endpoint::Tcp(host.trim_matches(['[', ']']).to_owned(), port),
        };
        if address.user.is_empty() {
            return Err(format!("its address has no user; write {example}"));
        }
        if address.database.is_empty() {
            address.database.clone_from(&address.user);
        }
        Ok(address)
    }

    /// What stands behind the question mark.
    fn said(
        &mut self,
        name: &str,
        value: String,
        (host, port): &mut (String, u16),
    ) -> Result<(), String> {
        match name {
            "host" => *host = value,
            "port" => {
                let number = value.parse();
                *port = number.map_err(|_| "the port of its address is none".to_owned())?;
            }
            "user" => self.user = value,
            "password" => self.password = Some(value),
            "dbname" => self.database = value,
            "sslmode" if matches!(&*value, "disable" | "allow" | "prefer") => {}
            "sslmode" => {
                return Err(
                    "there is no TLS here; use a unix socket or the loopback, with sslmode=disable"
                        .into(),
                );
            }
            "application_name" | "connect_timeout" => {}
            other => {
                return Err(format!(
                    "`{other}` in its address is not known; there are host, port, user, password, dbname and sslmode"
                ));
            }
        }
        Ok(())
    }
}

fn decoded(text: &str) -> String {
    // The form of a query has the decoding that is needed; its plus is none of ours.
    let form = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    let mut pairs = url::form_urlencoded::parse(form.as_bytes());
    pairs
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_sockets_and_passwords_are_read() {
        let tcp = Address::parse("postgres://ann:p%40%2Bs+s@db:5433/app?sslmode=disable")
            .ok()
            .unwrap();
        assert_eq!(tcp.endpoint, Endpoint::Tcp("db".into(), 5433));
        assert_eq!(tcp.password.as_deref(), Some("p@+s+s"));
        assert_eq!((tcp.user.as_str(), tcp.database.as_str()), ("ann", "app"));
        let unix = Address::parse("postgres:///app?host=/run/pg&user=ann&port=7")
            .ok()
            .unwrap();
        assert_eq!(unix.endpoint, Endpoint::Unix("/run/pg/.s.PGSQL.7".into()));
    }

    #[test]
    fn what_cannot_be_is_refused_without_the_password() {
        for url in [
            "postgres://ann:hunter2@db/app?sslmode=require",
            "mysql://ann:hunter2@db/app",
            "postgres://:hunter2@db/app",
            "postgres:///app?user=ann&password=hunter2",
            "hunter2",
            "postgres://ann:hunter2@db/app?target=hunter",
        ] {
            let error = Address::parse(url).err().unwrap();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
