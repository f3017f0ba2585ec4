use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::{Fence, Holder, Name};

/// What happens during an acquire.
///
/// To write it down, match: the fields are plain values, and the holder's record has the fence that tells one holder from the next.
/// [`crate::Released`], which a close returns, is the last line.
///
/// ```
/// use std::ops::ControlFlow;
/// use runward_lock::{Event, LockDir, Name, Request};
/// # let scratch = tempfile::tempdir()?;
/// # let path = scratch.path().join("locks");
///
/// let (mut lines, mut last) = (Vec::new(), None);
/// let request = Request::new().tick(std::time::Duration::from_secs(1));
/// let guard = LockDir::open(&path)?.acquire(&Name::new("app")?, &request, &mut |event| {
///     lines.extend(match event {
///         Event::Waiting { name, holder, elapsed, .. } => {
///             let now = Some(holder.record().map(|record| record.fence()));
///             let step = if last.is_none() { "waiting" } else { "holder-changed" };
///             let pid = holder.processes().first().map_or(0, |process| process.pid());
///             let ms = elapsed.as_millis();
///             let is_news = std::mem::replace(&mut last, now) != now;
///             is_news.then(|| format!(r#"{{"event":"{step}","lock":"{name}","pid":{pid},"ms":{ms}}}"#))
///         }
///         Event::Acquired { name, fence, waited } => {
///             let ms = waited.as_millis();
///             Some(format!(r#"{{"event":"acquired","lock":"{name}","fence":{fence},"ms":{ms}}}"#))
///         }
///         _ => None,
///     });
///     ControlFlow::Continue(())
/// })?;
/// let released = guard.close()?;
/// let (name, fence, ms) = (released.name(), released.fence(), released.held().as_millis());
/// lines.push(format!(r#"{{"event":"released","lock":"{name}","fence":{fence},"ms":{ms}}}"#));
/// # assert_eq!(lines.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The lock is busy: once at the start of the wait, and again at each tick. `Break` ends the wait.
    Waiting {
        /// The lock.
        name: &'a Name,
        /// Who has it now.
        holder: &'a Holder,
        /// How long this acquire has waited.
        elapsed: Duration,
        /// How many wait for it, this one included.
        waiters: usize,
    },
    /// The cancel descriptor is readable. `Break` ends the wait; to go on, make it unreadable first, or it wakes the wait again.
    CancelReadable {
        /// The lock.
        name: &'a Name,
        /// How long this acquire has waited.
        elapsed: Duration,
    },
    /// The lock is ours. The answer is ignored.
    Acquired {
        /// The lock.
        name: &'a Name,
        /// Its fence.
        fence: Fence,
        /// How long it waited; nothing if the lock was free.
        waited: Duration,
    },
}

/// An observer that listens to nothing and always goes on.
pub fn quiet(_: &Event<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

impl fmt::Display for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting {
                name,
                holder,
                elapsed,
                waiters,
            } => {
                let others = waiters.saturating_sub(1);
                write!(
                    f,
                    "waiting for {name} for {} s, with {others} others, held by {holder}",
                    elapsed.as_secs()
                )
            }
            Self::CancelReadable { name, elapsed } => write!(
                f,
                "asked to stop waiting for {name} after {} s",
                elapsed.as_secs()
            ),
            Self::Acquired {
                name,
                fence,
                waited,
            } => {
                write!(
                    f,
                    "acquired {name} with fence {fence} after {} ms",
                    waited.as_millis()
                )
            }
        }
    }
}
