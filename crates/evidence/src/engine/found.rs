use crate::json::Value;
use crate::outcome::FailureKind;

/// A piece of an artifact, by number; none for the file as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cite {
    pub(crate) artifact: u32,
    pub(crate) span: Option<(u32, u32)>,
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an artifact longer than 512 MiB is refused before it is read"
)]
impl Cite {
    pub(crate) fn whole(artifact: u32) -> Self {
        let span = None;
        Self { artifact, span }
    }

    pub(crate) fn bytes(artifact: u32, start: usize, end: usize) -> Self {
        let span = Some((start as u32, end as u32));
        Self { artifact, span }
    }

    pub(crate) fn value(artifact: u32, value: Value<'_>) -> Self {
        let span = value.span();
        Self::bytes(artifact, span.start, span.end)
    }
}

/// How many places a witness names.
pub(super) const WITNESSES: usize = 4;

/// A rule that holds, and where that is to be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) cites: Vec<Cite>,
    /// It holds because nothing is there, and the rule says why that is as good.
    pub(crate) by_absence: bool,
}

impl Held {
    pub(crate) fn at(cites: impl IntoIterator<Item = Cite>) -> Self {
        Self {
            cites: cites.into_iter().take(WITNESSES).collect(),
            by_absence: false,
        }
    }

    pub(crate) fn absent(cite: Cite) -> Self {
        Self {
            cites: vec![cite],
            by_absence: true,
        }
    }
}

/// A rule that does not hold, and what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) kind: FailureKind,
    pub(crate) message: String,
    pub(crate) cite: Option<Cite>,
    pub(crate) help: Option<String>,
}

impl Failed {
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            cite: None,
            help: None,
        }
    }

    pub(crate) fn at(mut self, cite: Cite) -> Self {
        self.cite = Some(cite);
        self
    }

    pub(crate) fn maybe_at(mut self, cite: Option<Cite>) -> Self {
        self.cite = cite;
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        let help: String = help.into();
        self.help = Some(help).filter(|help| !help.is_empty());
        self
    }
}

/// A value as a message shows it: short, and on one line.
pub(crate) fn show(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text.chars().take(LONGEST).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}
