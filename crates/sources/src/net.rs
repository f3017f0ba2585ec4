//! A connection of which every step ends at a time.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt,
};

use crate::look::left;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Tcp(String, u16),
    Unix(PathBuf),
}

/// A connection with a limit of time for all that is said over it.
pub(crate) struct Line {
    stream: Stream,
    until: Instant,
    /// How many more bytes may come.
    room: usize,
}

enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Endpoint {
    /// Whether it is on another machine, as far as its address tells.
    pub(crate) fn is_far(&self) -> bool {
        match self {
            Self::Unix(_) => false,
            Self::Tcp(host, _) => match host.parse::<IpAddr>() {
                Ok(address) => !address.is_loopback(),
                Err(_) => host != "localhost",
            },
        }
    }

    /// Connects.
    ///
    /// # Errors
    ///
    /// When nobody listens, or does not answer in time.
    pub(crate) fn connect(&self, until: Instant, room: usize) -> io::Result<Line> {
        let stream = match self {
            Self::Tcp(host, port) => Stream::Tcp(dial_tcp((host, *port), until)?),
            Self::Unix(path) => Stream::Unix(dial_unix(path, until)?),
        };
        Ok(Line {
            stream,
            until,
            room,
        })
    }
}

impl Line {
    /// From here on, everything has to be over then, and that much may come.
    #[cfg(feature = "postgres")]
    pub(crate) fn renew(&mut self, until: Instant, room: usize) {
        (self.until, self.room) = (until, room);
    }

    /// Lets the kernel find out that the other machine is gone, though nobody says anything.
    #[cfg(feature = "postgres")]
    pub(crate) fn keep_alive(&self) -> io::Result<()> {
        if let Stream::Tcp(stream) = &self.stream {
            sockopt::set_socket_keepalive(stream, true)?;
            sockopt::set_tcp_keepidle(stream, Duration::from_secs(30))?;
            sockopt::set_tcp_keepintvl(stream, Duration::from_secs(10))?;
            sockopt::set_tcp_keepcnt(stream, 3)?;
        }
        Ok(())
    }
}

impl AsFd for Line {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.stream {
            Stream::Tcp(stream) => stream.as_fd(),
            Stream::Unix(stream) => stream.as_fd(),
        }
    }
}

fn dial_tcp((host, port): (&str, u16), until: Instant) -> io::Result<TcpStream> {
    let mut failed = io::Error::other("the name has no address");
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs()?.collect();
    for address in addresses {
        match TcpStream::connect_timeout(&address, left(until)?) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn dial_unix(path: &std::path::Path, until: Instant) -> io::Result<UnixStream> {
    let fd: OwnedFd = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        SocketFlags::CLOEXEC,
        None,
    )?;
    // A full backlog makes connect wait, for as long as a send would: unix(7), socket(7).
    sockopt::set_socket_timeout(&fd, sockopt::Timeout::Send, Some(left(until)?))?;
    connect(&fd, &SocketAddrUnix::new(path)?)?;
    Ok(fd.into())
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.room == 0 {
            let why = "the answer is larger than anything that was meant";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        let left = Some(left(self.until)?);
        let most = into.len().min(self.room);
        let into = into.get_mut(..most).unwrap_or_default();
        let read = match &mut self.stream {
            Stream::Tcp(stream) => {
                stream.set_read_timeout(left)?;
                stream.read(into)
            }
            Stream::Unix(stream) => {
                stream.set_read_timeout(left)?;
                stream.read(into)
            }
        }?;
        self.room -= read;
        Ok(read)
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = Some(left(self.until)?);
        match &mut self.stream {
            Stream::Tcp(stream) => {
                stream.set_write_timeout(left)?;
                stream.write(bytes)
            }
            Stream::Unix(stream) => {
                stream.set_write_timeout(left)?;
                stream.write(bytes)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_this_machine_is_not_far() {
        let tcp = |host: &str| Endpoint::Tcp(host.into(), 5432);
        for near in ["127.0.0.1", "127.3.2.1", "::1", "localhost"] {
            assert!(!tcp(near).is_far(), "{near}");
        }
        assert!(tcp("10.0.0.7").is_far() && tcp("db").is_far());
        assert!(!Endpoint::Unix("/run/x".into()).is_far());
    }
}
