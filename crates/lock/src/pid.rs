//! The process id without a system call. It is kept on a page that the kernel empties in every fork, by whatever call the fork was made,
//! so a fork never takes itself for its parent.
//!
//! # Safety
//!
//! The page is mapped once, never unmapped, and only ever used as one atomic number. Where the kernel does not promise to empty it,
//! there is none, and each question is a system call.
#![expect(
    unsafe_code,
    reason = "no safe interface maps memory that a fork finds empty"
)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::libc;

/// This process.
pub(crate) fn own() -> u32 {
    static PAGE: OnceLock<Option<&'static AtomicU32>> = OnceLock::new();
    let Some(page) = PAGE.get_or_init(map) else {
        return std::process::id();
    };
    match page.load(Ordering::Relaxed) {
        0 => {
            let pid = std::process::id();
            page.store(pid, Ordering::Relaxed);
            pid
        }
        pid => pid,
    }
}

/// A page of zeros that is one again in each fork; none where that cannot be had.
fn map() -> Option<&'static AtomicU32> {
    let size = rustix::param::page_size();
    // SAFETY: a new private mapping at an address of the kernel's choice touches nothing that exists, see mmap(2); the advice is
    // for that mapping alone, and what is unmapped has not been given to anybody.
    unsafe {
        let page = libc::mmap(
            std::ptr::null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        if page == libc::MAP_FAILED {
            return None;
        }
        // An emulator that takes any advice takes this one too, and does not follow it.
        let believable = libc::madvise(page, size, -1) != 0;
        if !believable || libc::madvise(page, size, libc::MADV_WIPEONFORK) != 0 {
            libc::munmap(page, size);
            return None;
        }
        Some(&*page.cast::<AtomicU32>())
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn is_that_of_the_kernel_each_time() {
        for _ in 0..3 {
            assert_eq!(super::own(), std::process::id());
        }
    }
}
