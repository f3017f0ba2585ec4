//! What a process writes, collected while it runs.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// The output of a process: a thread reads it to its end.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    shared: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    ended: bool,
}

impl Stream {
    pub(crate) fn of(source: impl Read + Send + 'static) -> Self {
        let stream = Self::default();
        let feeder = stream.clone();
        thread::spawn(move || feeder.feed(source));
        stream
    }

    /// What came so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }

    /// Waits until what came satisfies `enough`; false when the end or `until` came first.
    pub fn wait_until(&self, enough: impl Fn(&str) -> bool, until: Instant) -> bool {
        let found = self.wait(
            |state| state.ended || enough(&String::from_utf8_lossy(&state.bytes)),
            until,
        );
        enough(&String::from_utf8_lossy(&found.bytes))
    }

    /// Waits for the end of file; false when `until` came first.
    pub fn wait_end(&self, until: Instant) -> bool {
        self.wait(|state| state.ended, until).ended
    }

    fn wait(&self, done: impl Fn(&State) -> bool, until: Instant) -> MutexGuard<'_, State> {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self
            .shared
            .1
            .wait_timeout_while(self.lock(), left, |state| !done(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn feed(&self, mut source: impl Read) {
        let mut chunk = vec![0; 65536];
        while let Ok(count @ 1..) = source.read(&mut chunk) {
            self.lock().bytes.extend_from_slice(&chunk[..count]);
            self.shared.1.notify_all();
        }
        self.lock().ended = true;
        self.shared.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
