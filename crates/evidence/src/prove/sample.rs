//! A text that matches a pattern.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Repetitions are made at most so often.
const MOST: u32 = 64;

/// Some text that should match; the pattern itself decides whether it does.
pub(super) fn matching(pattern: &str) -> Option<String> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut text = String::new();
    write(&hir, &mut text);
    Some(text)
}

fn write(hir: &Hir, text: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(class) => text.extend(member(class)),
        HirKind::Repetition(repetition) => {
            let wanted = repetition.min.clamp(1, MOST);
            let times = repetition.max.map_or(wanted, |max| wanted.min(max));
            for _ in 0..times {
                write(&repetition.sub, text);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, text),
        HirKind::Concat(all) => all.iter().for_each(|hir| write(hir, text)),
        HirKind::Alternation(all) => {
            if let Some(first) = all.first() {
                write(first, text);
            }
        }
    }
}

/// A plain character of the class, if there is one.
fn member(class: &Class) -> Option<char> {
    const PLAIN: [char; 8] = ['x', '1', ' ', 'a', 'A', '-', '"', '.'];
    match class {
        Class::Unicode(class) => {
            let has = |c: &char| {
                class
                    .iter()
                    .any(|range| range.start() <= *c && *c <= range.end())
            };
            let first = class.iter().next().map(|range| range.start());
            PLAIN.into_iter().find(has).or(first)
        }
        Class::Bytes(class) => class.iter().next().map(|range| char::from(range.start())),
    }
}

#[cfg(test)]
mod tests {
    use super::matching;

    #[test]
    fn what_is_made_matches() {
        for pattern in [
            r"(?i)\bcommit\s+complete\b|x",
            r"^a[^b]{3}(c|d)*e?$",
            r"\bschedulers?\b",
            r"(?m)^\d{2}:\d{2}$",
        ] {
            let text = matching(pattern).expect("a pattern");
            let regex = regex::Regex::new(pattern).expect("a pattern");
            assert!(regex.is_match(&text), "{pattern}: {text}");
        }
    }
}
