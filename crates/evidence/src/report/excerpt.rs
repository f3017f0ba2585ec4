//! The line around a place, cut to what fits.

use crate::json::Body;
use crate::outcome::Excerpt;

/// Characters before the mark, and behind its beginning.
const BEFORE: usize = 40;
const BEHIND: usize = 60;

pub(super) fn excerpt(body: &Body, start: usize, end: usize) -> Excerpt {
    let (line_start, line) = body.line_around(start.min(body.text().len()));
    let at = start.saturating_sub(line_start).min(line.len());
    let (head, tail) = line.split_at_checked(at).unwrap_or((line, ""));
    let skipped = head.chars().count().saturating_sub(BEFORE);
    let before: String = head.chars().skip(skipped).collect();
    let behind: String = tail.chars().take(BEHIND).collect();
    let length = end.saturating_sub(start).min(behind.len());
    let marked = behind
        .get(..length)
        .unwrap_or(&behind)
        .chars()
        .count()
        .max(1);
    let (left, right) = (skipped > 0, behind.len() < tail.len());
    let mark = |cut: bool| if cut { "…" } else { "" };
    Excerpt {
        before: before.chars().count() + usize::from(left),
        text: format!("{}{before}{behind}{}", mark(left), mark(right)),
        marked,
    }
}
