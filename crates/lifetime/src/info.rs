//! What the kernel says of a process that is pinned by a pidfd, in one call and without `/proc`.
//!
//! # Safety
//!
//! The one `unsafe` item tells rustix the shape of the `PIDFD_GET_INFO` ioctl: number, direction
//! and size are those of `linux/pidfd.h`, and the structure is plain integers.
#![expect(unsafe_code, reason = "an ioctl that rustix does not know")]

use std::{ffi::c_void, os::fd::AsFd};

use rustix::{
    io,
    ioctl::{Ioctl, IoctlOutput, Opcode, ioctl, opcode},
};

/// The pid of the parent; none before Linux 6.13, and for who is dead.
pub(crate) fn parent(pidfd: impl AsFd) -> Option<i32> {
    // SAFETY: `GetInfo` describes PIDFD_GET_INFO as linux/pidfd.h does.
    let info = unsafe {
        ioctl(
            pidfd,
            GetInfo(Info {
                mask: PIDS,
                ..Info::default()
            }),
        )
    }
    .ok()?;
    i32::try_from(info.ppid)
        .ok()
        .filter(|_| info.mask & PIDS != 0)
}

const PIDS: u64 = 1 << 0;

/// `struct pidfd_info` of Linux 6.13, its first and smallest version: 64 bytes.
#[repr(C)]
#[derive(Default)]
struct Info {
    mask: u64,
    cgroup: u64,
    pid: u32,
    tgid: u32,
    ppid: u32,
    rest: [u32; 9],
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
