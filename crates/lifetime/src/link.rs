//! The socket between the owner and its guardian. Each message is whole; the end of file means
//! that the other is dead.

use std::{
    io::{IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    io::Errno,
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
    },
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Event, Outcome, guards::Occurrence};

/// From the owner.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// Start the program. With the journal's descriptor, and those to keep until the end.
    Start,
    /// Something came from outside.
    Occurred(Occurrence),
    /// The answer to [`Report::Anything`]: nothing more.
    Nothing,
}

/// From the guardian.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    Event(Event),
    /// The program has ended: has anything come from outside that was not told yet?
    Anything,
    Done(Box<Outcome>),
}

/// One message, or that there will be no more.
#[derive(Debug)]
pub(crate) enum Received<T> {
    Message(T, Vec<OwnedFd>),
    Nothing,
    End,
}

#[derive(Debug)]
pub(crate) struct Link(OwnedFd);

/// The kernel passes at most 253 descriptors at once (`SCM_MAX_FD`).
pub(crate) const MOST_DESCRIPTORS: usize = 250;
/// No message is longer: lists in reports are cut.
const MESSAGE_BYTES: usize = 192 * 1024;
/// Processes that a report names which was too long.
const STILL_NAMED: usize = 10;

impl Link {
    pub(crate) fn pair() -> rustix::io::Result<(Self, Self)> {
        let (one, other) = socketpair(
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::CLOEXEC,
            None,
        )?;
        Ok((Self(one), Self(other)))
    }

    /// Never waits: a peer that is stopped must not stop us.
    pub(crate) fn send(
        &self,
        message: &impl Serialize,
        fds: &[BorrowedFd<'_>],
    ) -> rustix::io::Result<()> {
        let bytes = serde_json::to_vec(message).map_err(|_| Errno::INVAL)?;
        if bytes.len() > MESSAGE_BYTES {
            return Err(Errno::MSGSIZE);
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(fds)) {
            return Err(Errno::MFILE);
        }
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        rustix::io::retry_on_intr(|| {
            sendmsg(&self.0, &[IoSlice::new(&bytes)], &mut ancillary, flags)
        })
        .map(drop)
    }

    /// The last message: waits until the peer has room for it, as long as that lives. One that is
    /// too long goes without its lists.
    pub(crate) fn send_last(&self, report: &Report) {
        loop {
            match self.send(report, &[]) {
                Err(Errno::AGAIN) => {
                    let mut fds = [rustix::event::PollFd::new(
                        &self.0,
                        rustix::event::PollFlags::OUT,
                    )];
                    let _ = rustix::event::poll(&mut fds, None);
                }
                Err(Errno::MSGSIZE) => return self.send_trimmed(report),
                _ => return,
            }
        }
    }

    fn send_trimmed(&self, report: &Report) {
        if let Report::Done(outcome) = report {
            let mut outcome = outcome.clone();
            outcome
                .teardowns
                .iter_mut()
                .for_each(|teardown| teardown.output.clear());
            outcome.leaks.truncate(STILL_NAMED);
            outcome.survivors.truncate(STILL_NAMED);
            let _ = self.send(&Report::Done(outcome), &[]);
        }
    }

    /// Takes the next message, without waiting for one.
    pub(crate) fn receive<T: DeserializeOwned>(&self) -> Received<T> {
        let peek = RecvFlags::PEEK | RecvFlags::TRUNC | RecvFlags::DONTWAIT;
        let size = rustix::net::recv(&self.0, &mut [0u8; 0], peek);
        let mut bytes = vec![0; size.map_or(0, |(_, length)| length).clamp(1, MESSAGE_BYTES)];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let mut slices = [IoSliceMut::new(&mut bytes)];
        let length = match recvmsg(&self.0, &mut slices, &mut ancillary, flags) {
            Ok(received) if received.bytes > 0 => received.bytes,
            Err(Errno::AGAIN | Errno::INTR) => return Received::Nothing,
            _ => return Received::End,
        };
        let fds = ancillary.drain().filter_map(rights).flatten().collect();
        match serde_json::from_slice(&bytes[..length]) {
            Ok(message) => Received::Message(message, fds),
            Err(_) => Received::Nothing,
        }
    }
}

fn rights(message: RecvAncillaryMessage<'_>) -> Option<impl Iterator<Item = OwnedFd>> {
    match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds),
        _ => None,
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cause, Containment, Finisher, TeardownReport};
    use std::time::{Duration, SystemTime};

    fn outcome(teardowns: usize) -> Outcome {
        let report = TeardownReport {
            command: vec!["rm".to_owned()],
            code: Some(0),
            ms: 1,
            output: "x".repeat(16 * 1024),
        };
        Outcome {
            run_id: "r".to_owned(),
            cause: Cause::Exited,
            program: None,
            started: SystemTime::UNIX_EPOCH,
            ended: SystemTime::UNIX_EPOCH,
            containment: Containment::Group,
            leaks: Vec::new(),
            survivors: Vec::new(),
            teardowns: vec![report; teardowns],
            teardown_took: Duration::ZERO,
            finished_by: Finisher::Guardian,
        }
    }

    /// Around what the receiver has room for, and what the kernel takes.
    #[test]
    fn an_outcome_of_any_length_arrives() {
        for teardowns in 10..16 {
            let (near, far) = Link::pair().expect("a socket pair");
            far.send_last(&Report::Done(Box::new(outcome(teardowns))));
            let Received::Message(Report::Done(told), _) = near.receive() else {
                panic!("{teardowns} teardowns: nothing came");
            };
            assert_eq!(told.teardowns.len(), teardowns);
        }
    }
}
