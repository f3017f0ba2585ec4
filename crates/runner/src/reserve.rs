//! The time that the CI leaves to the job: a run keeps back what it takes to end in good order.
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::duration::Span;
use crate::identity::OuterLimit;
use crate::settings::Settings;

/// How much longer the CI lets the job go on, and how much of that the end of the run may take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Reserve {
    variable: &'static str,
    #[serde(rename = "left_ms", serialize_with = "Span::serialize_millis")]
    left: Span,
    #[serde(rename = "reserve_ms", serialize_with = "Span::serialize_millis")]
    reserve: Span,
    /// Whether the deadline is the end of what is left.
    sets_deadline: bool,
}

impl Reserve {
    /// None where the CI tells no limit, or one that has passed and so is not this job's.
    pub(crate) fn new(
        settings: &Settings,
        limit: Option<&OuterLimit>,
        now: SystemTime,
    ) -> Option<Self> {
        let limit = limit?;
        let left = Span::from_millis(limit.left(now));
        (!left.is_zero()).then(|| Self {
            variable: limit.variable,
            left,
            reserve: ending(settings),
            sets_deadline: settings.deadline.is_none(),
        })
    }

    /// What is left, less what the end takes; half of it stays for the work in any case.
    pub(crate) fn deadline(&self) -> Option<Span> {
        let half = self.left.get() / 2;
        let kept = self.reserve.get().min(half);
        self.sets_deadline
            .then(|| Span::from_millis(self.left.get() - kept))
    }

    /// Said when the deadline comes that nobody has asked for.
    pub(crate) fn told(&self) -> Option<String> {
        let Self { variable, left, .. } = self;
        self.deadline().map(|deadline| {
            let kept = Span::from_millis(left.get() - deadline.get());
            format!("{variable} leaves {kept} to clean up")
        })
    }

    /// What is wrong with the deadline that was asked for, or with an end that takes too long.
    pub(crate) fn warning(&self, deadline: Option<Span>) -> Option<String> {
        let (left, end) = (seconds(self.left), self.reserve);
        let room = self.left.get().saturating_sub(end.get());
        let asked = deadline.filter(|_| !self.sets_deadline)?;
        let remedy = if room.is_zero() {
            "shorten --grace and --teardown-deadline".to_owned()
        } else {
            format!(
                "give a --deadline of at most {}",
                seconds(Span::from_millis(room))
            )
        };
        (asked.get() > room).then(|| {
            format!(
                "the CI ends the job in {left} ({}), before a deadline of {asked} and {end} for grace and teardowns: \
                 teardowns may be cut short; {remedy}, or raise the limit of the job",
                self.variable
            )
        })
    }
}

/// The longest that the end of a run takes: the grace of the work, then each teardown with its deadline and grace.
fn ending(settings: &Settings) -> Span {
    let grace = settings.grace.get();
    let each = grace.saturating_add(settings.teardown_deadline.get());
    let count = u32::try_from(settings.teardowns.len()).unwrap_or(u32::MAX);
    Span::from_millis(grace.saturating_add(each.saturating_mul(count)))
}

/// For people.
fn seconds(span: Span) -> Span {
    let secs = span.get().as_secs();
    if secs == 0 {
        span
    } else {
        Span::from_secs(secs)
    }
}

impl OuterLimit {
    /// How long it is until the CI ends the job. A job that is said to start later starts now, and so does one of
    /// which nothing is said.
    fn left(&self, now: SystemTime) -> Duration {
        let gone = self
            .started
            .and_then(|started| now.duration_since(started).ok());
        self.span.get().saturating_sub(gone.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Options, resolve};

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn settings(deadline: Option<u64>, teardowns: usize) -> Settings {
        let given = Options {
            deadline: deadline.map(Span::from_secs),
            teardown: vec!["true".parse().unwrap(); teardowns],
            ..Options::default()
        };
        resolve(given, Options::default(), Options::default()).unwrap()
    }

    fn reserve(deadline: Option<u64>, teardowns: usize, limit: u64, gone: u64) -> Option<Reserve> {
        let limit = OuterLimit {
            variable: "LIMIT",
            span: Span::from_secs(limit),
            started: Some(NOW),
        };
        let now = NOW + Duration::from_secs(gone);
        Reserve::new(&settings(deadline, teardowns), Some(&limit), now)
    }

    #[test]
    fn the_deadline_leaves_time_for_grace_and_teardowns() {
        let secs = |teardowns, limit, gone| {
            reserve(None, teardowns, limit, gone)
                .and_then(|r| r.deadline())
                .map(|d| d.get().as_secs())
        };
        assert_eq!(secs(0, 3600, 0), Some(3590));
        assert_eq!(secs(2, 3600, 600), Some(3600 - 600 - 10 - 2 * 70));
        assert_eq!(secs(1, 100, 0), Some(50), "half is the work's");
        assert_eq!(secs(1, 100, 100), None, "that is another job's");
        assert_eq!(secs(1, 100, 1000), None);
    }

    #[test]
    fn a_job_that_starts_later_starts_now() {
        let started = Some(NOW + Duration::from_secs(3600));
        for started in [started, None] {
            let limit = OuterLimit {
                variable: "LIMIT",
                span: Span::from_secs(60),
                started,
            };
            assert_eq!(limit.left(NOW), Duration::from_secs(60));
        }
    }

    #[test]
    fn without_a_limit_there_is_nothing_to_keep_back() {
        assert_eq!(Reserve::new(&settings(None, 3), None, NOW), None);
    }

    #[test]
    fn a_deadline_that_ends_after_the_job_is_warned_of() {
        let warning = |deadline, teardowns, limit| {
            let reserve = reserve(Some(deadline), teardowns, limit, 0).unwrap();
            assert_eq!(reserve.deadline(), None, "the one that was asked for");
            reserve.warning(Some(Span::from_secs(deadline)))
        };
        assert_eq!(warning(3520, 1, 3600), None);
        let late = warning(3521, 1, 3600).unwrap();
        for part in ["1h", "LIMIT", "58m 41s", "1m 20s", "at most 58m 40s"] {
            assert!(late.contains(part), "{part}: {late}");
        }
        let never = warning(1, 1, 60).unwrap();
        assert!(never.contains("shorten --grace"), "{never}");
    }

    #[test]
    fn a_derived_deadline_is_no_reason_to_warn() {
        let reserve = reserve(None, 1, 60, 0).unwrap();
        assert_eq!(reserve.warning(reserve.deadline()), None);
        assert_eq!(
            reserve.told().as_deref(),
            Some("LIMIT leaves 30s to clean up")
        );
    }
}
