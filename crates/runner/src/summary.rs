//! The last line on stderr.
use std::time::Duration;

use crate::duration::human;
use crate::terminal;

/// What the last line of a run says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) cause: String,
    pub(crate) exit: u8,
    pub(crate) teardown: Duration,
    pub(crate) survivors: usize,
    pub(crate) containment: String,
}

impl Summary {
    /// Of a run whose program never started.
    pub(crate) fn of_nothing(cause: impl Into<String>, exit: u8) -> Self {
        let containment = "none".to_owned();
        Self {
            cause: cause.into(),
            exit,
            teardown: Duration::ZERO,
            survivors: 0,
            containment,
        }
    }

    pub(crate) fn print(&self) {
        terminal::say(self.line());
    }

    fn line(&self) -> String {
        let Self {
            cause,
            exit,
            teardown,
            survivors,
            containment,
        } = self;
        let teardown = human(*teardown);
        format!("{cause}, exit {exit}, teardown {teardown}, {survivors} survivors ({containment})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_contract() {
        let cancelled = Summary {
            cause: "cancelled by SIGTERM".into(),
            exit: 143,
            teardown: Duration::from_millis(1_234),
            survivors: 0,
            containment: "cgroup".into(),
        };
        let line = cancelled.line();
        assert_eq!(
            line,
            "cancelled by SIGTERM, exit 143, teardown 1.2s, 0 survivors (cgroup)"
        );
        let busy = Summary::of_nothing("busy", 120).line();
        assert_eq!(busy, "busy, exit 120, teardown 0s, 0 survivors (none)");
    }
}
