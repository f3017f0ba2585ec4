//! A terminal of its own for a command.

use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::stream::Stream;

/// The master side of a pseudo terminal.
#[derive(Debug)]
pub struct Pty {
    master: File,
    slave: OwnedFd,
    screen: Stream,
}

impl Pty {
    /// A fresh terminal.
    pub fn open() -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)
            .expect("a pseudo terminal");
        grantpt(&master)
            .and_then(|()| unlockpt(&master))
            .expect("an own pseudo terminal");
        let name = ptsname(&master, Vec::new()).expect("a name");
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(name, flags, Mode::empty()).expect("the slave side");
        let master = File::from(master);
        let screen = Stream::of(master.try_clone().expect("a descriptor"));
        Self {
            master,
            slave,
            screen,
        }
    }

    /// A command that has this as its controlling terminal, by way of `setsid --ctty`.
    pub fn command(&self, line: &[std::ffi::OsString]) -> Command {
        let mut command = Command::new("setsid");
        let side = || Stdio::from(self.slave.try_clone().expect("a descriptor"));
        command
            .args(["--ctty", "--wait"])
            .args(line)
            .stdin(side())
            .stdout(side())
            .stderr(side());
        command
    }

    /// Types on the keyboard.
    pub fn type_in(&self, text: &str) {
        (&self.master)
            .write_all(text.as_bytes())
            .expect("a terminal takes input");
    }

    /// What is on the screen.
    pub fn screen(&self) -> &Stream {
        &self.screen
    }
}
