//! The line that says whom a run waits for.
use std::io::IsTerminal;
use std::time::{Duration, SystemTime};

use runward_lock::{Holder, HolderKind, Name};

use crate::duration::Span;
use crate::record::timestamp;
use crate::terminal::{self, printable};

/// How often a person wants to see that something still happens.
const TERMINAL_PACE: Duration = Duration::from_secs(1);
/// How often a log does.
const LOG_PACE: Duration = Duration::from_secs(30);

/// One line that is rewritten on a terminal; elsewhere a line now and then.
pub(super) struct WaitLine {
    terminal: bool,
    shown: bool,
}

impl WaitLine {
    pub(super) fn new() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            shown: false,
        }
    }

    pub(super) fn pace(&self) -> Duration {
        if self.terminal {
            TERMINAL_PACE
        } else {
            LOG_PACE
        }
    }

    pub(super) fn show(&mut self, name: &Name, holder: &Holder, elapsed: Duration, waiters: usize) {
        let line = format!("runward: {}", text(name, holder, elapsed, waiters));
        if self.terminal {
            let columns = rustix::termios::tcgetwinsize(std::io::stderr())
                .map_or(80, |size| size.ws_col.max(20));
            terminal::raw(&format!(
                "\r\x1b[K{}",
                clip(&line, usize::from(columns) - 1)
            ));
            self.shown = true;
        } else {
            terminal::raw(&format!("{line}\n"));
        }
    }

    /// The terminal as it was before.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            terminal::raw("\r\x1b[K");
        }
    }
}

fn text(name: &Name, holder: &Holder, elapsed: Duration, waiters: usize) -> String {
    let elapsed = Span::from_secs(elapsed.as_secs());
    let others = match waiters.saturating_sub(1) {
        0 => String::new(),
        1 => ", 1 other waits".to_owned(),
        more => format!(", {more} others wait"),
    };
    format!("waiting {elapsed} for {name}, {}{others}", describe(holder))
}

/// Run, what it does, since when, pid and command: what tells most comes first, as a terminal may be narrow.
fn describe(holder: &Holder) -> String {
    let how = match holder.kind() {
        HolderKind::Owner => "held",
        HolderKind::Kept => "kept by an orphan",
        HolderKind::Hidden => "held by a process that cannot be seen from here",
        _ => "held without a record",
    };
    let mut parts = vec![how.to_owned()];
    if let Some(record) = holder.record().filter(|record| !record.released()) {
        parts.extend(said("run", record.run_id()));
        parts.extend(said("doing", record.what()));
        parts.push(format!("since {}", since(record.since())));
    }
    parts.extend(holder.processes().iter().take(3).map(process));
    parts.join(", ")
}

fn said(what: &str, text: &str) -> Option<String> {
    (!text.is_empty()).then(|| format!("{what} {}", printable(text)))
}

fn process(process: &runward_lock::Process) -> String {
    format!(
        "pid {} ({})",
        process.pid(),
        clip(&printable(process.command()), 60)
    )
}

/// To the second.
fn since(moment: SystemTime) -> String {
    timestamp(moment).replace(".000Z", "Z")
}

/// At most `columns` characters.
fn clip(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    text.chars()
        .take(columns.saturating_sub(3))
        .chain("...".chars())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_clipped_to_the_terminal() {
        assert_eq!(clip("abcdef", 6), "abcdef");
        assert_eq!(clip("abcdefg", 6), "abc...");
    }

    #[test]
    fn the_line_says_for_what_how_long_and_with_whom() {
        let holder = Holder::remote("node 7");
        let line = text(
            &Name::new("web").unwrap(),
            &holder,
            Duration::from_secs(75),
            3,
        );
        assert!(
            line.starts_with("waiting 1m 15s for web, held") && line.ends_with("2 others wait"),
            "{line}"
        );
    }
}
