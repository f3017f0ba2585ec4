use serde::{Deserialize, Serialize};

/// How bad it is when an invariant is violated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A drift that heals by itself.
    Minor,
    /// A state that users see and that is wrong.
    Major,
    /// Corruption, loss, or something stuck.
    Critical,
}

/// When an invariant has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tier {
    /// At every instant that can be observed.
    A,
    /// Again within a time that it names.
    B,
}

/// What people need to know of an invariant; none of it can be left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    /// Its id, such as `S-01`.
    pub id: String,
    /// What must hold, in a few words.
    pub title: String,
    /// When it has to hold.
    pub tier: Tier,
    /// How bad it is if not; a finding may be less.
    pub severity: Severity,
    /// One sentence for an alert, with `{subject}`, `{kind}` and names of facts in braces.
    pub message: String,
    /// Where to look first.
    pub runbook: String,
}

impl Severity {
    /// As it is written in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minor => "minor",
            Self::Major => "major",
            Self::Critical => "critical",
        }
    }
}
