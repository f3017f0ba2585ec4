//! Signals to members of a cgroup, each held by a pidfd.
//!
//! # Safety
//!
//! The one `unsafe` item tells rustix the shape of the `PIDFD_GET_INFO` ioctl: number, direction
//! and size are those of `linux/pidfd.h`, and the structure is plain integers.
#![expect(unsafe_code, reason = "an ioctl that rustix does not know")]

use std::{ffi::c_void, fs, os::fd::OwnedFd};

use rustix::{
    io,
    ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};

/// Sends `signals` to the process `pid` if it is, at this moment, a member of the cgroup `id`.
///
/// 1. The pidfd pins a process. 2. Its membership is read through the pidfd, so it is that
///    process which is a member, whoever had the pid when the list was read.
pub(crate) fn signal(pid: Pid, id: u64, signals: &[Signal]) -> bool {
    let Ok(pidfd) = pidfd_open(pid, PidfdFlags::empty()) else {
        return false;
    };
    is_member(&pidfd, pid, id)
        && signals
            .iter()
            .all(|&signal| pidfd_send_signal(&pidfd, signal).is_ok())
}

fn is_member(pidfd: &OwnedFd, pid: Pid, id: u64) -> bool {
    match cgroup_id(pidfd) {
        Ok(found) => found == id,
        Err(io::Errno::SRCH) => false,
        Err(_) => listed_cgroup(pid) == Some(id),
    }
}

/// Before Linux 6.13: the path in `/proc`, which is of the pinned process as long as that lives.
fn listed_cgroup(pid: Pid) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{}/cgroup", pid.as_raw_pid())).ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mount = crate::Hierarchy::find().ok()?;
    let dir = mount.mount().join(path.trim_start_matches('/'));
    Some(rustix::fs::stat(&dir).ok()?.st_ino)
}

fn cgroup_id(pidfd: &OwnedFd) -> io::Result<u64> {
    // SAFETY: `GetInfo` describes PIDFD_GET_INFO as linux/pidfd.h does.
    let info = unsafe {
        ioctl(
            pidfd,
            GetInfo(Info {
                mask: WANT_CGROUP,
                ..Info::default()
            }),
        )
    }?;
    if info.mask & WANT_CGROUP == 0 {
        Err(io::Errno::NOTSUP)
    } else {
        Ok(info.cgroup)
    }
}

const WANT_CGROUP: u64 = 1 << 2;

/// `struct pidfd_info` of Linux 6.13, its first and smallest version: 64 bytes.
#[repr(C)]
#[derive(Default)]
struct Info {
    mask: u64,
    cgroup: u64,
    rest: [u32; 12],
}

struct GetInfo(Info);

// SAFETY: the kernel reads and writes exactly the 64 bytes whose size is part of the opcode.
unsafe impl Ioctl for GetInfo {
    type Output = Info;
    const IS_MUTATING: bool = true;

    fn opcode(&self) -> Opcode {
        opcode::read_write::<Info>(0xFF, 11)
    }

    fn as_ptr(&mut self) -> *mut c_void {
        (&raw mut self.0).cast()
    }

    unsafe fn output_from_ptr(_: IoctlOutput, info: *mut c_void) -> io::Result<Info> {
        // SAFETY: the pointer is the one that `as_ptr` gave, now filled by the kernel.
        Ok(unsafe { std::ptr::read(info.cast()) })
    }
}
