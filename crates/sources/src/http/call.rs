//! Many calls at once: each a socket that never blocks, all in one poll.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::time::Instant;

use runward_canary::Cause;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use super::answer;
use super::target::Filled;
use crate::look::{fault, left};

/// The largest answer that anybody meant.
const MOST: usize = 4 << 20;

/// Calls that are under way, each with what it is for.
pub(super) struct Calls<T> {
    open: Vec<(T, Call)>,
    at_once: usize,
    until: Instant,
    known: BTreeMap<(String, u16), Option<SocketAddr>>,
}

type Taker<'a, T> = &'a mut dyn FnMut(T, Result<Vec<u8>, Cause>);

struct Call {
    stream: TcpStream,
    out: Vec<u8>,
    sent: usize,
    read: Vec<u8>,
}

impl<T> Calls<T> {
    pub(super) fn new(at_once: usize, until: Instant) -> Self {
        Self {
            open: Vec::new(),
            at_once,
            until,
            known: BTreeMap::new(),
        }
    }

    /// Asks one more, after one of the others has ended if there are too many.
    pub(super) fn ask(&mut self, whom: T, target: Filled, take: Taker<'_, T>) {
        while self.open.len() >= self.at_once {
            self.step(take);
        }
        match self.start(&target) {
            Ok(call) => self.open.push((whom, call)),
            Err(error) => take(
                whom,
                Err(fault(format!("{}:{}", target.host, target.port), &error)),
            ),
        }
    }

    /// Waits for all that are under way; whether any of them was on another machine.
    pub(super) fn finish(mut self, take: Taker<'_, T>) -> bool {
        while !self.open.is_empty() {
            self.step(take);
        }
        let mut asked = self.known.values().flatten();
        asked.any(|address| !address.ip().is_loopback())
    }

    fn start(&mut self, target: &Filled) -> io::Result<Call> {
        left(self.until)?;
        let known = self.known.entry((target.host.clone(), target.port));
        let look_up = || {
            (target.host.as_str(), target.port)
                .to_socket_addrs()
                .ok()?
                .next()
        };
        let address = known.or_insert_with(look_up);
        let address = address.ok_or_else(|| io::Error::other("the name has no address"))?;
        Call::start(address, target)
    }

    /// Waits until something happens with one of them; when the time is over, that is what happens with all.
    fn step(&mut self, take: Taker<'_, T>) {
        if let Err(error) = self.wait() {
            for (whom, _) in self.open.drain(..) {
                take(whom, Err(fault("", &error)));
            }
            return;
        }
        let mut index = 0;
        while let Some((_, call)) = self.open.get_mut(index) {
            match call.go() {
                Ok(false) => index += 1,
                ended => {
                    let (whom, call) = self.open.swap_remove(index);
                    let answer = ended.map_err(|error| fault("", &error));
                    take(whom, answer.and_then(|_| answer::body(call.read)));
                }
            }
        }
    }

    fn wait(&self) -> io::Result<()> {
        let wait = Timespec::try_from(left(self.until)?).map_err(io::Error::other)?;
        let mut fds: Vec<_> = self.open.iter().map(|(_, call)| call.waits()).collect();
        match poll(&mut fds, Some(&wait)) {
            Ok(0) => Err(io::ErrorKind::TimedOut.into()),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

fn request(target: &Filled) -> String {
    let (host, port, path) = (&target.host, target.port, &target.path);
    // An address of version 6 has colons of its own.
    let host = match host.contains(':') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    };
    format!(
        "GET {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: runward-canary\r\nAccept: application/json\r\n\r\n"
    )
}

impl Call {
    fn start(address: SocketAddr, target: &Filled) -> io::Result<Self> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        match connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self {
            stream: socket.into(),
            out: request(target).into_bytes(),
            sent: 0,
            read: Vec::new(),
        })
    }

    fn waits(&self) -> PollFd<'_> {
        let events = match self.sent < self.out.len() {
            true => PollFlags::OUT,
            false => PollFlags::IN,
        };
        PollFd::new(&self.stream, events)
    }

    /// Goes as far as it can without waiting; whether the answer has ended.
    fn go(&mut self) -> io::Result<bool> {
        match self.write().and_then(|()| self.take()) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            // A socket that is still being connected.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
            ended => ended.map(|()| true),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        while let Some(rest) = self.out.get(self.sent..).filter(|rest| !rest.is_empty()) {
            self.sent += self.stream.write(rest)?;
        }
        Ok(())
    }

    fn take(&mut self) -> io::Result<()> {
        let mut part = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut part)? {
                0 => return Ok(()),
                read => self
                    .read
                    .extend_from_slice(part.get(..read).unwrap_or_default()),
            }
            if self.read.len() > MOST {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "its answer is larger than 4 MiB",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_version_6_stands_in_brackets() {
        for (host, said) in [("::1", "Host: [::1]:80\r\n"), ("db", "Host: db:80\r\n")] {
            let target = Filled {
                host: host.into(),
                port: 80,
                path: "/".into(),
            };
            assert!(request(&target).contains(said), "{host}");
        }
    }

    #[test]
    fn who_is_asked_over_the_network_is_far_and_who_is_here_is_not() {
        for (host, far) in [("127.0.0.1", false), ("::1", false), ("10.0.0.7", true)] {
            let mut calls: Calls<()> = Calls::new(1, Instant::now());
            let address = SocketAddr::new(host.parse().unwrap(), 80);
            calls.known.insert((host.into(), 80), Some(address));
            calls.known.insert(("nowhere".into(), 80), None);
            assert_eq!(calls.finish(&mut |(), _| {}), far, "{host}");
        }
    }
}
