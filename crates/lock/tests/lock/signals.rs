//! A wait in a process whose host handles signals.
//!
//! # Safety
//!
//! The handler adds to an atomic number, which is all that a handler may do; a signal is sent to a thread that has not been joined.
#![expect(unsafe_code, reason = "a handler is what is tested")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use nix::libc;
use runward_lock::{Event, Request};

use crate::harness::{Scratch, hang_guard, knob, name};

static HEARD: AtomicUsize = AtomicUsize::new(0);

extern "C" fn hear(_: libc::c_int) {
    HEARD.fetch_add(1, Ordering::SeqCst);
}

fn listen(signal: libc::c_int) {
    // SAFETY: all zero is a valid sigaction, with no flag set; the handler is as signal-safety(7) wants it.
    let set = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = hear as *const () as usize;
        libc::sigaction(signal, &raw const action, std::ptr::null_mut())
    };
    assert_eq!(set, 0);
}

/// Each signal is handled before the next is sent: all of them are heard.
fn storm(thread: libc::pthread_t, count: usize) {
    for sent in 1..=count {
        // SAFETY: the thread waits for a lock that the caller keeps from it.
        assert_eq!(unsafe { libc::pthread_kill(thread, libc::SIGUSR1) }, 0);
        let limit = Instant::now() + Duration::from_secs(10);
        while HEARD.load(Ordering::SeqCst) < sent {
            // What the kernel cannot put on the stack is lost.
            assert!(Instant::now() < limit, "signal {sent} was not handled");
            std::thread::yield_now();
        }
    }
}

/// With a stack that has no room for a frame of each signal.
#[test]
fn handled_signals_cost_a_wait_no_memory() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    listen(libc::SIGUSR1);
    let mut holder = scratch.peer();
    holder.take("app");
    let (waiting, begun) = mpsc::channel();
    let locks = scratch.locks.clone();
    let waiter = std::thread::Builder::new().stack_size(256 * 1024);
    let waiter = waiter.spawn(move || {
        let guard = locks.acquire(&name("app"), &Request::new(), &mut |event| {
            if let Event::Waiting { .. } = event {
                // SAFETY: it names the calling thread.
                let _ = waiting.send(unsafe { libc::pthread_self() });
            }
            std::ops::ControlFlow::Continue(())
        });
        guard.unwrap().still_current().unwrap()
    });
    let thread = begun.recv().unwrap();
    storm(thread, knob("RUNWARD_LOCK_SIGNALS", 10_000));
    assert_eq!(holder.ask("close app"), "done");
    assert!(waiter.unwrap().join().unwrap());
}
