//! One leader: by a lock in the ledger's directory, or, among several hosts, in its database.
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use runward_lock::{Event, Guard, LockDir, Name, Request};
use runward_sources::ledger::{Database, Lease, Writer};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::super::ledger::{Place, Remote, writer};
use super::super::wrong;
use super::{Watch, Woken, after, read};
use crate::error::Result;
use crate::terminal::{printable, say};

/// For so long the server is asked at a time to wake us: it keeps rows that were deleted for as long as a statement waits.
const ROUND: Duration = Duration::from_secs(30);
/// An answer that takes so much longer does not come.
const LATE: Duration = Duration::from_secs(30);
/// When a database that was not there is looked for again: nobody could wake us.
const AGAIN: Duration = Duration::from_secs(5);

/// The lead, which ends with this process.
pub(super) enum Lead {
    Here(Guard),
    Shared(Box<Lease>),
}

impl Watch<'_> {
    /// Waits until no other watcher of this ledger is there. None if it was asked to end meanwhile.
    pub(super) fn lead(&mut self) -> Result<Option<Lead>> {
        match &self.terms.ledger {
            Place::Directory(folder) => {
                let locks = LockDir::open(folder).map_err(wrong)?;
                Ok(self.lead_here(&locks)?.map(Lead::Here))
            }
            Place::Database(remote) => {
                let lead = self.lead_there(remote);
                self.stood_by = true;
                lead
            }
        }
    }

    /// Waits in the kernel.
    fn lead_here(&mut self, locks: &LockDir) -> Result<Option<Guard>> {
        let name = Name::new("watch").map_err(wrong)?;
        let request = Request::new()
            .what("canary watch")
            .cancel_on(self.signals.as_fd());
        let mut stood_by = false;
        let taken = locks.acquire(&name, &request, &mut |event| {
            use std::ops::ControlFlow::{Break, Continue};
            match event {
                Event::Waiting { holder, .. } => {
                    stood_by = true;
                    let pid = holder
                        .processes()
                        .first()
                        .map_or(0, |process| process.pid());
                    say(format!(
                        "another watcher leads, pid {pid}; waiting for its end"
                    ));
                    Continue(())
                }
                Event::CancelReadable { .. } => match read(&self.signals) {
                    Some(Woken::Stop) => Break(()),
                    _ => Continue(()),
                },
                _ => Continue(()),
            }
        });
        self.stood_by |= stood_by;
        match taken {
            Ok(guard) => Ok(Some(guard)),
            Err(e) if e.is_cancelled() => Ok(None),
            Err(e) => Err(wrong(e)),
        }
    }

    /// Waits for the server's word, and for the server.
    fn lead_there(&self, remote: &Remote) -> Result<Option<Lead>> {
        let database = remote.database()?;
        let instance = self.args.instance.as_deref();
        let writer = writer(instance.unwrap_or(remote.instance()));
        let mut said = String::new();
        loop {
            match self.candidate(&database, &writer, &mut said) {
                Ok(lease) => return Ok(lease.map(|lease| Lead::Shared(Box::new(lease)))),
                Err(e) => say_anew(&mut said, &e.to_string()),
            }
            let until = after(Instant::now(), AGAIN);
            while Instant::now() < until {
                if self.wait(None, until)? == Woken::Stop {
                    return Ok(None);
                }
            }
        }
    }

    /// One connection, until it leads, ends, or is not needed any more.
    fn candidate(
        &self,
        database: &Database,
        writer: &Writer,
        said: &mut String,
    ) -> Result<Option<Lease>> {
        let mut lease = database.lease(writer).map_err(wrong)?;
        if lease.lead().map_err(wrong)? {
            return Ok(Some(lease));
        }
        let leader = lease.leader().map_err(wrong)?;
        let words = format!("another watcher leads, {leader}; waiting for its end");
        say_anew(said, &words);
        loop {
            lease.ask(ROUND).map_err(wrong)?;
            let until = after(Instant::now(), ROUND + LATE);
            while !is_readable(lease.as_fd()) {
                match self.wait(Some(lease.as_fd()), until)? {
                    Woken::Stop => return Ok(None),
                    Woken::Time => return Err(wrong("the database does not answer any more")),
                    _ => {}
                }
            }
            if lease.answer().map_err(wrong)? {
                return Ok(Some(lease));
            }
        }
    }
}

/// What was said last is not said again and again.
fn say_anew(said: &mut String, words: &str) {
    if said != words {
        say(printable(words));
        words.clone_into(said);
    }
}

impl Lead {
    /// What becomes readable when the lead may be lost.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Here(_) => None,
            Self::Shared(lease) => Some(lease.as_fd()),
        }
    }

    /// Whether there is news of it. A server also says what nobody asked for.
    pub(super) fn has_news(&self) -> bool {
        self.fd().is_some_and(is_readable)
    }

    /// Whether it is ours still: of a lock of the kernel's there is no doubt.
    pub(super) fn lasts(&mut self) -> bool {
        let Self::Shared(lease) = self else {
            return true;
        };
        let why = match lease.leads() {
            Ok(true) => return true,
            Ok(false) => "the server has let go of it".to_owned(),
            Err(e) => e.to_string(),
        };
        say(printable(&format!("the lead is lost: {why}")));
        false
    }

    pub(super) fn close(self) -> Result<()> {
        match self {
            Self::Here(guard) => guard.close().map(drop).map_err(wrong),
            Self::Shared(lease) => {
                // It ends with the connection in any case.
                let _ = lease.close();
                Ok(())
            }
        }
    }
}

fn is_readable(fd: BorrowedFd<'_>) -> bool {
    let mut fds = [PollFd::new(&fd, PollFlags::IN)];
    let now = Timespec::default();
    matches!(poll(&mut fds, Some(&now)), Ok(count) if count > 0)
}
