//! A process that only waits needs next to no memory.
//!
//! # Safety
//!
//! Read-only segments of the program are backed by its file: the kernel reads a page again when
//! it is next used, so that to drop it loses nothing.
#![expect(unsafe_code, reason = "program headers and madvise")]

use std::{ffi::c_void, ptr};

use nix::libc;

/// Gives back the pages of this program's code and constants, most of which were for its start.
pub(crate) fn drop_code() {
    // SAFETY: dl_iterate_phdr(3) calls `drop_segments` with valid headers, while it runs.
    unsafe { libc::dl_iterate_phdr(Some(drop_segments), ptr::null_mut()) };
}

/// The first object is the program itself; a positive answer ends the iteration.
unsafe extern "C" fn drop_segments(
    info: *mut libc::dl_phdr_info,
    _size: libc::size_t,
    _data: *mut c_void,
) -> i32 {
    // SAFETY: the C library fills the structure and keeps the headers for the life of the program.
    let (base, headers) = unsafe {
        let info = &*info;
        (
            info.dlpi_addr,
            std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)),
        )
    };
    let backed = |h: &&libc::Elf64_Phdr| h.p_type == libc::PT_LOAD && h.p_flags & libc::PF_W == 0;
    for header in headers.iter().filter(backed) {
        let start = (base + header.p_vaddr) & !(PAGE - 1);
        let end = base + header.p_vaddr + header.p_memsz;
        // SAFETY: madvise(2) on whole pages of a read-only file mapping of this program.
        unsafe {
            libc::madvise(
                start as *mut c_void,
                (end - start) as usize,
                libc::MADV_DONTNEED,
            )
        };
    }
    1
}

/// A smaller page than the machine's is refused by the kernel, which then drops nothing.
const PAGE: u64 = 4096;
