//! Does nothing. Without Rust's own start, so that it costs what a C program costs.

#![no_main]
#![expect(unsafe_code, reason = "the C library looks for an unmangled `main`")]

// SAFETY: the only `main` of this program, with the signature that C gives it (arguments left out).
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    0
}
