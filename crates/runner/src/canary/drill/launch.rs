//! Between a drill and its command: what the drill has for itself is not the command's.
use std::os::unix::process::CommandExt;
use std::process::Command;

use nix::sys::signal::SigSet;
use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

use super::super::args::LaunchArgs;
use super::super::wrong;
use crate::error::Result;
use crate::terminal::{printable, say};

/// As a shell says it.
const CANNOT: u8 = 126;

/// Becomes the program, with signals as they usually are. One that breaks something ends with the drill, however that ends.
pub(in super::super) fn main(args: &LaunchArgs) -> Result<u8> {
    if let Some(parent) = args.with {
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(wrong)?;
        // It may have died before that was set.
        if getppid().map(Pid::as_raw_pid) != Some(parent) {
            return Ok(CANNOT);
        }
    }
    SigSet::empty().thread_set_mask().map_err(wrong)?;
    let (program, arguments) = args.argv.split_at(1);
    let error = Command::new(&program[0]).args(arguments).exec();
    let program = program[0].to_string_lossy();
    say(printable(&format!("cannot run {program}: {error}")));
    Ok(CANNOT)
}
