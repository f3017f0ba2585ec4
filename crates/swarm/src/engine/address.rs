use std::{
    env,
    path::{Path, PathBuf},
};

use crate::{Error, ErrorKind};

const DEFAULT: &str = "/var/run/docker.sock";

/// The socket that the environment names.
pub(super) fn of_environment() -> Result<PathBuf, Error> {
    match env::var_os("DOCKER_HOST") {
        None => Ok(DEFAULT.into()),
        Some(host) if host.is_empty() => Ok(DEFAULT.into()),
        Some(host) => parse(&host.to_string_lossy()),
    }
}

fn parse(host: &str) -> Result<PathBuf, Error> {
    match host.strip_prefix("unix://") {
        Some(path) if Path::new(path).is_absolute() => Ok(path.into()),
        _ => Err(refused(host)),
    }
}

fn refused(host: &str) -> Error {
    let remedy = "only `unix:///path` is spoken here; for an engine elsewhere forward its socket \
                  (ssh -nNT -L /path/docker.sock:/var/run/docker.sock HOST) and set DOCKER_HOST=unix:///path/docker.sock";
    Error::new(
        ErrorKind::Address,
        format!("reach the engine at DOCKER_HOST={host}: {remedy}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_taken() {
        assert_eq!(
            parse("unix:///run/user/1/docker.sock").unwrap(),
            Path::new("/run/user/1/docker.sock")
        );
    }

    #[test]
    fn anything_else_is_refused_with_a_remedy() {
        for host in [
            "tcp://10.0.0.1:2376",
            "ssh://host",
            "unix://",
            "unix://here",
            "/x",
        ] {
            let error = parse(host).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Address, "{host}");
            assert!(error.to_string().contains("DOCKER_HOST=unix://"), "{error}");
        }
    }
}
