//! System calls without the C library, for a process that shares our memory: the library would leave the reason of a failure in
//! `errno`, which is a variable of the thread that waits for us.
//!
//! # Safety
//!
//! The instructions are those of syscall(2); what they clobber is said.
#![expect(
    unsafe_code,
    reason = "no interface makes a system call and nothing else"
)]

use nix::libc::c_long;

/// Whether a process with our memory can be had here: [`call`] touches nothing but what it is given.
pub(crate) const LEAVES_NO_TRACE: bool = cfg!(any(
    all(target_arch = "x86_64", target_pointer_width = "64"),
    target_arch = "aarch64"
));

/// What the kernel answers; an error as the negative of its number.
///
/// # Safety
///
/// As for the system call.
#[cfg(all(target_arch = "x86_64", target_pointer_width = "64"))]
pub(crate) unsafe fn call(number: c_long, [a, b, c, d]: [usize; 4]) -> isize {
    let result;
    // SAFETY: the caller's; rcx and r11 are lost, see syscall(2). The fifth argument of prctl(2) must be 0.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") 0,
            lateout("rcx") _, lateout("r11") _, options(nostack)
        );
    }
    result
}

/// What the kernel answers; an error as the negative of its number.
///
/// # Safety
///
/// As for the system call.
#[cfg(target_arch = "aarch64")]
pub(crate) unsafe fn call(number: c_long, [a, b, c, d]: [usize; 4]) -> isize {
    let result;
    // SAFETY: the caller's. The fifth argument of prctl(2) must be 0.
    unsafe {
        std::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a as isize => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") 0,
            options(nostack)
        );
    }
    result
}

/// The same by way of the C library, which writes to `errno`.
///
/// # Safety
///
/// As for the system call.
#[cfg(not(any(
    all(target_arch = "x86_64", target_pointer_width = "64"),
    target_arch = "aarch64"
)))]
pub(crate) unsafe fn call(number: c_long, [a, b, c, d]: [usize; 4]) -> isize {
    // SAFETY: the caller's.
    unsafe { nix::libc::syscall(number, a, b, c, d, 0) as isize }
}

#[cfg(test)]
mod tests {
    use nix::libc;

    #[test]
    fn answers_and_errors_are_those_of_the_kernel() {
        // SAFETY: neither call touches memory.
        let (pid, bad) = unsafe {
            (
                super::call(libc::SYS_getpid, [0; 4]),
                super::call(libc::SYS_close, [usize::MAX; 4]),
            )
        };
        assert_eq!(pid, std::process::id() as isize);
        let refused = if super::LEAVES_NO_TRACE {
            -libc::EBADF
        } else {
            -1
        };
        assert_eq!(bad, refused as isize);
    }
}
