//! One page. What a tenant wrote reaches it as text only; the policy in its head forbids everything else.

use std::fmt::Write;

use super::notes::notes;
use super::overall::{Overall, overall};
use super::standing::{Level, Row, Stand, rows};
use super::{Status, age, time};
use crate::alert::said;
use crate::fact::bounded;
use crate::plural::plural;
use crate::{Red, Stamp};

const STYLE: &str = include_str!("page.css");
/// Of how many subjects of one invariant something is said.
const SUBJECTS: usize = 20;

pub(super) fn render(status: &Status<'_>) -> String {
    let rows = rows(status);
    let overall = overall(status, &rows);
    let loud: Vec<_> = rows.iter().filter(|row| row.is_loud()).collect();
    let mut out = String::new();
    head(&mut out, status, &overall);
    level(&mut out, status, &overall, &rows);
    red(&mut out, status, &loud);
    blind(&mut out, &loud);
    others(&mut out, &loud);
    worth_a_word(&mut out, &notes(status, &rows));
    harness(&mut out, status, rows.len() - loud.len());
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn head(out: &mut String, status: &Status<'_>, overall: &Overall) {
    let title = text(status.title, 160);
    let level = overall.level.name().to_uppercase();
    let _ = write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{level}: {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
}

fn level(out: &mut String, status: &Status<'_>, overall: &Overall, rows: &[Row<'_>]) {
    let name = overall.level.name();
    let said = match overall.level {
        Level::Ok => "OK",
        Level::Warning => "Warning",
        Level::Unknown => "Unknown",
        Level::Critical => "Critical",
    };
    let summary = escaped(&overall.summary(status, rows));
    let _ = writeln!(
        out,
        "<p class=\"level {name}\" role=\"status\">{said}: {summary}</p>"
    );
    let taken = instant(status.report.taken);
    let _ = write!(out, "<p class=\"dim\">Judged at {taken}.");
    match status.stale_after {
        Some(end) => {
            let end = instant(end);
            let _ = writeln!(
                out,
                " If it is later than {end}, nobody is looking: this page is old, whatever it says.</p>"
            );
        }
        None => out.push_str(" This page does not renew itself.</p>\n"),
    }
    for reason in &overall.reasons {
        let long = escaped(&reason.long);
        let _ = writeln!(out, "<p class=\"unknown\"><strong>{long}</strong></p>");
    }
}

fn red(out: &mut String, status: &Status<'_>, rows: &[&Row<'_>]) {
    let red: Vec<_> = rows.iter().filter(|row| row.stand == Stand::Red).collect();
    if red.is_empty() {
        return;
    }
    out.push_str("<h2>Violated</h2>\n");
    for row in red {
        let (severity, id, title) = (
            row.severity().name(),
            text(&row.meta.id, 80),
            text(&row.meta.title, 160),
        );
        let _ = writeln!(
            out,
            "<article class=\"{severity}\">\n<h3>{id} {title}</h3>\n<p><strong class=\"{severity}\">{severity}</strong>, {} red</p>\n<ul>",
            row.red.len()
        );
        for (kind, subject, red) in row.red.iter().take(SUBJECTS) {
            subject_line(out, status, row, (kind, subject), red);
        }
        out.push_str("</ul>\n");
        if row.red.len() > SUBJECTS {
            let _ = writeln!(out, "<p>and {} more</p>", row.red.len() - SUBJECTS);
        }
        if let Some(cause) = row.cause() {
            let _ = writeln!(
                out,
                "<p>Not judged as a whole: {}</p>",
                text(&cause.to_string(), 400)
            );
        }
        let _ = writeln!(
            out,
            "<p class=\"dim\">Look first: {}</p>\n</article>",
            text(&row.meta.runbook, 1_000)
        );
    }
}

fn subject_line(
    out: &mut String,
    status: &Status<'_>,
    row: &Row<'_>,
    (kind, subject): (&str, &str),
    red: &Red,
) {
    let words = escaped(&said(row.meta, kind, subject, red));
    let (held, since) = (age(status.report.taken, red.since), instant(red.since));
    let (subject, kind) = (text(subject, 160), text(kind, 80));
    let _ = writeln!(
        out,
        "<li><code>{subject}</code> ({kind}): {words} <span class=\"dim\">Red for {held}, since {since}.</span></li>"
    );
}

fn blind(out: &mut String, rows: &[&Row<'_>]) {
    let is = |row: &&&Row<'_>| matches!(row.stand, Stand::Unjudged | Stand::Errored);
    let blind: Vec<_> = rows.iter().filter(is).collect();
    if blind.is_empty() {
        return;
    }
    out.push_str("<h2>Not judged</h2>\n");
    for row in blind {
        let (id, title) = (text(&row.meta.id, 80), text(&row.meta.title, 160));
        let why = row
            .cause()
            .map_or(String::new(), |cause| text(&cause.to_string(), 400));
        let cycles = plural(row.unjudged_cycles, "cycle");
        let _ = writeln!(
            out,
            "<article class=\"unknown\">\n<h3>{id} {title}</h3>\n<p>{}, for {cycles} now: {why}</p>\n</article>",
            words(row.stand)
        );
    }
}

fn others(out: &mut String, rows: &[&Row<'_>]) {
    let is = |row: &&&Row<'_>| matches!(row.stand, Stand::Held | Stand::Vacuous | Stand::NotDue);
    let others: Vec<_> = rows.iter().filter(is).collect();
    if others.is_empty() {
        return;
    }
    out.push_str("<h2>Held, or nothing to look at</h2>\n<table>\n<caption>Vacuous means that there was nothing to look at.</caption>\n<thead><tr><th scope=\"col\">Invariant</th><th scope=\"col\">State</th><th scope=\"col\">Examined</th></tr></thead>\n<tbody>\n");
    for row in others {
        let (id, title) = (text(&row.meta.id, 80), text(&row.meta.title, 160));
        let class = if row.stand == Stand::Held {
            "ok"
        } else {
            "dim"
        };
        let examined = row
            .examined
            .map_or("–".to_owned(), |count| count.to_string());
        let before = if row.earlier {
            ", in a cycle before"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{id} {title}</th><td class=\"{class}\" data-l=\"State\">{}{before}</td><td class=\"n\" data-l=\"Examined\">{examined}</td></tr>",
            words(row.stand)
        );
    }
    out.push_str("</tbody>\n</table>\n");
}

fn worth_a_word(out: &mut String, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    out.push_str("<h2>Worth a word</h2>\n<ul>\n");
    for note in notes {
        let _ = writeln!(out, "<li>{}</li>", escaped(note));
    }
    out.push_str("</ul>\n");
}

fn harness(out: &mut String, status: &Status<'_>, fine: usize) {
    out.push_str("<h2>The harness itself</h2>\n<ul>\n");
    if fine > 0 {
        let fine = plural(fine as u64, "check");
        let _ = writeln!(out, "<li>{fine} of its own: nothing wrong.</li>");
    }
    for (source, answered) in status.sources {
        let said = match answered {
            Some(true) => "answered",
            Some(false) => "<strong class=\"unknown\">did not answer</strong>",
            None => "<strong class=\"unknown\">was not asked</strong>",
        };
        let _ = writeln!(
            out,
            "<li>Source <code>{}</code> {said}.</li>",
            text(source, 80)
        );
    }
    let (counters, waiting) = (status.outbox.counters(), status.outbox.entries().len());
    let _ = writeln!(
        out,
        "<li>Alerts: {} decided; deliveries: {} made, {waiting} waiting, {} failed, {} given up.</li>\n</ul>",
        counters.detected,
        counters.delivered,
        plural(counters.failed, "attempt"),
        counters.dropped
    );
}

fn instant(stamp: Stamp) -> String {
    format!("<time datetime=\"{stamp}\">{}</time>", time(stamp))
}

fn words(stand: Stand) -> &'static str {
    match stand {
        Stand::Red => "violated",
        Stand::Errored => "went down while judging",
        Stand::Unjudged => "not judged",
        Stand::Vacuous => "vacuous",
        Stand::Held => "held",
        Stand::NotDue => "not due",
    }
}

/// Text of others: bounded, without marks that hide or turn text, and escaped.
fn text(text: &str, most: usize) -> String {
    escaped(&bounded(text, most))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
