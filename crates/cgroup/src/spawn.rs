//! Starting a program inside.
//!
//! # Safety
//!
//! `pre_exec` runs in a forked child of a process that may have threads; the closure makes one
//! `write(2)`, which is async-signal-safe (`signal-safety(7)`), and allocates nothing.
#![expect(unsafe_code, reason = "pre_exec is an unsafe function")]

use std::{
    os::unix::process::CommandExt,
    process::{Child, Command},
};

use rustix::fs::OFlags;

use crate::{Cgroup, Error};

impl Cgroup {
    /// Starts `command` inside this cgroup. The child moves itself before it executes the
    /// program, so nothing of the program ever runs outside, also when this process is killed in
    /// between.
    ///
    /// # Errors
    ///
    /// Where the program cannot be started, or the cgroup cannot be entered; nothing runs then.
    pub fn spawn(&self, command: &mut Command) -> Result<Child, Error> {
        let members = self.open_file(c"cgroup.procs", OFlags::WRONLY)?;
        // SAFETY: one write(2) on a descriptor that the closure owns.
        unsafe {
            command.pre_exec(move || Ok(rustix::io::write(&members, b"0").map(drop)?));
        }
        command
            .spawn()
            .map_err(|e| Error::new("start a program in the cgroup", self.path(), e))
    }
}
