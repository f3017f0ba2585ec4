//! A named pipe over which the processes under test report, and whose end proves their death.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, poll};

use crate::procs;

/// The reading end of a named pipe that every planted process keeps open for writing.
#[derive(Debug)]
pub struct Line {
    path: PathBuf,
    pipe: File,
    fd: OwnedFd,
    until: Instant,
    text: String,
    read: usize,
}

impl Line {
    pub(crate) fn make(path: PathBuf, until: Instant) -> Self {
        make_fifo(&path);
        let pipe = File::options()
            .read(true)
            .custom_flags(nix::libc::O_NONBLOCK)
            .open(&path)
            .expect("a fresh named pipe opens");
        let fd = OwnedFd::from(pipe.try_clone().expect("a descriptor duplicates"));
        Self {
            path,
            pipe,
            fd,
            until,
            text: String::new(),
            read: 0,
        }
    }

    /// The path for the writers.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All that was written so far.
    pub fn text(&mut self) -> &str {
        self.drain();
        &self.text
    }

    /// The next line; fails the test at its limit, or when all writers are gone.
    #[track_caller]
    pub fn next_line(&mut self) -> String {
        loop {
            if let Some(line) = self.take_line() {
                return line;
            }
            assert!(
                procs::wait_readable(&self.fd, self.until),
                "no line came in time; so far: {:?}",
                self.text
            );
            let before = self.text.len();
            self.drain();
            assert!(
                self.text.len() > before || !self.hung_up(),
                "all writers are gone; they wrote {:?}",
                self.text
            );
        }
    }

    /// Passes over lines up to the one that starts with `word`, and returns it.
    #[track_caller]
    pub fn wait_for(&mut self, word: &str) -> String {
        loop {
            let line = self.next_line();
            if line.starts_with(word) {
                return line;
            }
        }
    }

    /// Waits for the line that starts with `word`, as long as the process of `pidfd` lives; false when it
    /// ended, or `until` came, without one.
    pub fn comes_by(&mut self, word: &str, pidfd: &OwnedFd, until: Instant) -> bool {
        loop {
            self.drain();
            while let Some(line) = self.take_line() {
                if line.starts_with(word) {
                    return true;
                }
            }
            if procs::wait_either(&self.fd, pidfd, until) != Some(procs::Either::First)
                || self.hung_up()
            {
                self.drain();
                return self.text[self.read..]
                    .lines()
                    .any(|line| line.starts_with(word));
            }
        }
    }

    /// Waits until no process has the pipe open for writing any more; false when `until` came first.
    pub fn ended_by(&mut self, until: Instant) -> bool {
        loop {
            self.drain();
            if self.hung_up() {
                return true;
            }
            if !procs::wait_readable(&self.fd, until) {
                return false;
            }
        }
    }

    /// Waits until no process has the pipe open for writing any more; fails the test at its limit.
    #[track_caller]
    pub fn wait_end(&mut self) {
        let until = self.until;
        assert!(
            self.ended_by(until),
            "the pipe is still held; written so far: {:?}",
            self.text
        );
    }

    fn take_line(&mut self) -> Option<String> {
        let rest = &self.text[self.read..];
        let end = rest.find('\n')?;
        let line = rest[..end].to_owned();
        self.read += end + 1;
        Some(line)
    }

    fn drain(&mut self) {
        let mut chunk = [0; 4096];
        while let Ok(count @ 1..) = self.pipe.read(&mut chunk) {
            self.text
                .push_str(&String::from_utf8_lossy(&chunk[..count]));
        }
    }

    // A read of nothing is no proof: before the first writer there is none either. The hang-up flag
    // is set only when there was one.
    fn hung_up(&self) -> bool {
        let mut fds = [PollFd::new(&self.fd, PollFlags::IN)];
        let now = rustix::event::Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        poll(&mut fds, Some(&now)).is_ok() && fds[0].revents().contains(PollFlags::HUP)
    }
}

pub(crate) fn make_fifo(path: &Path) {
    nix::unistd::mkfifo(path, nix::sys::stat::Mode::from_bits_truncate(0o666))
        .expect("a named pipe can be made");
    // The umask must not keep an ordinary user's processes from reporting.
    crate::places::set_mode(path, 0o666);
}
