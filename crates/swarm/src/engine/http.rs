//! One call, one connection, in HTTP/1.0: there an answer ends with its connection, so there are no chunks to decode
//! and no connection that may have gone stale. An answer cut short is no JSON, and so is noticed.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with, sockopt,
};

/// Far above what an engine sends in front of an answer.
const HEAD: usize = 64 * 1024;
/// A listing larger than this is none that we could work with.
const BODY: u64 = 64 * 1024 * 1024;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// Why nothing came back.
#[derive(Debug)]
pub(super) enum Failure {
    Io(io::Error),
    Garbled(&'static str),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Asks and reads the whole answer; all of it until a time.
pub(super) fn call(
    socket: &Path,
    method: &str,
    target: &str,
    until: Instant,
) -> Result<Answer, Failure> {
    let mut answering = open(socket, method, target, until)?;
    let mut body = std::mem::take(&mut answering.early);
    answering
        .timed(until)
        .take(BODY + 1)
        .read_to_end(&mut body)?;
    if body.len() as u64 > BODY {
        return Err(Failure::Garbled("it is longer than 64 MiB"));
    }
    let status = answering.status;
    let cut = answering.length.is_some_and(|length| length != body.len());
    match cut {
        true => Err(Failure::Garbled("it ends early")),
        false => Ok(Answer { status, body }),
    }
}

/// An answer of which the head has been read.
#[derive(Debug)]
pub(super) struct Answering {
    stream: UnixStream,
    pub(super) status: u16,
    length: Option<usize>,
    /// The part of the body that came with the head.
    pub(super) early: Vec<u8>,
}

impl Answering {
    pub(super) fn timed(&self, until: Instant) -> Timed<'_> {
        Timed {
            stream: &self.stream,
            until,
        }
    }
}

/// Asks, and reads as far as the head.
pub(super) fn open(
    socket: &Path,
    method: &str,
    target: &str,
    until: Instant,
) -> Result<Answering, Failure> {
    let stream = dial(socket, until)?;
    let mut timed = Timed {
        stream: &stream,
        until,
    };
    write!(
        timed,
        "{method} {target} HTTP/1.0\r\nHost: docker\r\nUser-Agent: runward-swarm\r\n\r\n"
    )?;
    let mut read = Vec::with_capacity(4096);
    let head = loop {
        if let Some(head) = parse(&read)? {
            break head;
        }
        more(&mut timed, &mut read)?;
    };
    let early = read.split_off(head.end);
    Ok(Answering {
        stream,
        status: head.status,
        length: head.length,
        early,
    })
}

fn dial(path: &Path, until: Instant) -> io::Result<UnixStream> {
    let fd = socket_with(
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

fn more(timed: &mut Timed<'_>, read: &mut Vec<u8>) -> Result<(), Failure> {
    if read.len() > HEAD {
        return Err(Failure::Garbled("its head has no end"));
    }
    let mut part = [0; 4096];
    match timed.read(&mut part)? {
        0 => Err(Failure::Garbled("it ends before it began")),
        length => {
            read.extend_from_slice(&part[..length]);
            Ok(())
        }
    }
}

struct Head {
    status: u16,
    length: Option<usize>,
    end: usize,
}

fn parse(read: &[u8]) -> Result<Option<Head>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let end = match response.parse(read) {
        Ok(httparse::Status::Complete(end)) => end,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(Failure::Garbled("it is no HTTP")),
    };
    let value = |name: &str| {
        let mut all = response.headers.iter();
        all.find(|header| header.name.eq_ignore_ascii_case(name))
            .and_then(|header| std::str::from_utf8(header.value).ok())
    };
    if value("transfer-encoding").is_some_and(|coding| !coding.eq_ignore_ascii_case("identity")) {
        return Err(Failure::Garbled("it is chunked, though HTTP/1.0 was asked"));
    }
    Ok(Some(Head {
        status: response.code.unwrap_or(0),
        length: value("content-length").and_then(|length| length.trim().parse().ok()),
        end,
    }))
}

/// A stream whose every read and write ends at a time.
pub(super) struct Timed<'a> {
    stream: &'a UnixStream,
    until: Instant,
}

impl Read for Timed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(left(self.until)?))?;
        let mut stream = self.stream;
        stream.read(into)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(left(self.until)?))?;
        let mut stream = self.stream;
        stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn left(until: Instant) -> io::Result<Duration> {
    match until.saturating_duration_since(Instant::now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        // The kernel counts in microseconds, and takes nothing for ever.
        left => Ok(left.max(Duration::from_millis(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<Head>, Failure> {
        parse(text.as_bytes())
    }

    #[test]
    fn a_head_has_a_status_a_length_and_an_end() {
        let text = "HTTP/1.0 204 No Content\r\nContent-Length: 12\r\n\r\nrest";
        let head = head(text).unwrap().unwrap();
        assert_eq!((head.status, head.length), (204, Some(12)));
        assert_eq!(&text[head.end..], "rest");
    }

    #[test]
    fn half_a_head_is_waited_for() {
        assert!(head("HTTP/1.0 200 OK\r\nContent-Le").unwrap().is_none());
    }

    #[test]
    fn what_is_no_answer_is_garbled() {
        assert!(matches!(
            head("SSH-2.0-x\r\n\r\n"),
            Err(Failure::Garbled(_))
        ));
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(matches!(head(chunked), Err(Failure::Garbled(_))));
    }
}
