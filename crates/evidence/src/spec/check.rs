//! What a rule checks.

use regex::Regex;

use super::operand::{Op, Operand, Type};
use super::selector::{Literal, Path, Selector};
use crate::outcome::FailureKind;

/// What happens when there is nothing where a value should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Absent {
    Fails,
    /// The rule says why that is as good.
    Passes,
}

/// One check, with everything that it needs.
#[derive(Debug)]
pub(crate) enum Check {
    Present(u32),
    Parse(u32),
    Cmp(Comparison),
    When {
        when: Box<Comparison>,
        then: Box<Comparison>,
    },
    OneOf {
        at: Selector,
        values: Vec<Literal>,
        absent: Absent,
        /// What it is called when it fails: a set of one is an equality.
        kind: FailureKind,
    },
    Absent {
        at: Selector,
    },
    EachMatches {
        at: Selector,
        regex: Regex,
        least: usize,
    },
    EachTyped {
        at: Selector,
        ty: Type,
        least: usize,
    },
    Row {
        rows: Selector,
        fields: Vec<(Path, String, Type)>,
        equals: Vec<Condition>,
    },
    SomeRow {
        rows: Selector,
        conditions: Vec<Condition>,
        window: Vec<Bound>,
    },
    NoRow {
        rows: Selector,
        conditions: Vec<Condition>,
        least: usize,
    },
    RowSum {
        rows: Selector,
        parts: Path,
        total: Path,
        least: usize,
    },
    Series {
        trend: Trend,
        series: Series,
    },
    RunLength {
        rows: Selector,
        field: Path,
        op: Op,
        right: Operand,
        at_least: Option<usize>,
        at_most: Option<usize>,
    },
    Group {
        rows: Selector,
        by: Path,
        sum: Path,
        op: Op,
        right: Operand,
    },
    Distinct {
        tuples: Vec<Vec<Selector>>,
    },
    Same {
        left: Selector,
        right: Selector,
        ignore: Vec<Vec<String>>,
    },
    SameSet {
        sets: Vec<Selector>,
        least: usize,
    },
    Project {
        rows: Selector,
        having: Path,
        key: Path,
        val: Path,
        equals: Selector,
        least: usize,
    },
    Matches {
        text: u32,
        regex: Regex,
    },
    NotMatches {
        text: u32,
        regex: Regex,
    },
    Prefix {
        short: Operand,
        long: Operand,
        least: usize,
    },
    Sha256 {
        of: u32,
        equals: Operand,
    },
    Files {
        glob: String,
        least: usize,
        most: Option<usize>,
        equals: Option<Selector>,
    },
    Veto {
        glob: String,
    },
}

#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) left: Operand,
    pub(crate) op: Op,
    pub(crate) right: Operand,
}

/// A field of a row and the value that it must have.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) path: Path,
    pub(crate) text: String,
    pub(crate) value: Literal,
}

/// A time in a row, on one side of another time.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) field: Path,
    pub(crate) op: Op,
    pub(crate) than: Operand,
}

/// How a series goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Trend {
    Flat,
    Increasing,
    Monotonic,
    /// Neighbours differ by at least and at most so much; seconds, if they are times.
    Interval(f64, f64),
}

#[derive(Debug)]
pub(crate) enum Series {
    Operands(Vec<Operand>),
    /// All values that a selector finds, in their order.
    Values(Selector, Type),
}

impl Check {
    /// As the spec names it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Present(_) => "present",
            Self::Parse(_) => "parse",
            Self::Cmp(_) => "cmp",
            Self::When { .. } => "when",
            Self::OneOf {
                kind: FailureKind::NotEqual,
                ..
            } => "eq",
            Self::OneOf { .. } => "one_of",
            Self::Absent { .. } => "absent",
            Self::EachMatches { .. } => "each_matches",
            Self::EachTyped { .. } => "each_typed",
            Self::Row { .. } => "row",
            Self::SomeRow { .. } => "some_row",
            Self::NoRow { .. } => "no_row",
            Self::RowSum { .. } => "row_sum",
            Self::Series { trend, .. } => trend.name(),
            Self::RunLength { .. } => "run_length",
            Self::Group { .. } => "group",
            Self::Distinct { .. } => "distinct",
            Self::Same { .. } => "same",
            Self::SameSet { .. } => "same_set",
            Self::Project { .. } => "project",
            Self::Matches { .. } => "matches",
            Self::NotMatches { .. } => "not_matches",
            Self::Prefix { .. } => "prefix",
            Self::Sha256 { .. } => "sha256",
            Self::Files { .. } => "files",
            Self::Veto { .. } => "veto",
        }
    }

    /// The selectors it reads with.
    pub(crate) fn selectors(&self) -> Vec<&Selector> {
        match self {
            Self::OneOf { at, .. }
            | Self::Absent { at }
            | Self::EachMatches { at, .. }
            | Self::EachTyped { at, .. } => vec![at],
            Self::Row { rows, .. }
            | Self::SomeRow { rows, .. }
            | Self::NoRow { rows, .. }
            | Self::RowSum { rows, .. }
            | Self::RunLength { rows, .. }
            | Self::Group { rows, .. } => vec![rows],
            Self::Series {
                series: Series::Values(at, _),
                ..
            } => vec![at],
            Self::Same { left, right, .. } => vec![left, right],
            Self::SameSet { sets, .. } => sets.iter().collect(),
            Self::Distinct { tuples } => tuples.iter().flatten().collect(),
            Self::Project { rows, equals, .. } => vec![rows, equals],
            Self::Files { equals, .. } => equals.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// The operands it compares.
    pub(crate) fn operands(&self) -> Vec<&Operand> {
        match self {
            Self::Cmp(comparison) => comparison.sides(),
            Self::When { when, then } => [when.sides(), then.sides()].concat(),
            Self::SomeRow { window, .. } => window.iter().map(|bound| &bound.than).collect(),
            Self::Series {
                series: Series::Operands(operands),
                ..
            } => operands.iter().collect(),
            Self::RunLength { right, .. } | Self::Group { right, .. } => vec![right],
            Self::Prefix { short, long, .. } => vec![short, long],
            Self::Sha256 { equals, .. } => vec![equals],
            _ => Vec::new(),
        }
    }

    /// The artifacts it reads, each once, in their order.
    pub(crate) fn artifacts(&self) -> Vec<u32> {
        let own = match self {
            Self::Present(artifact) | Self::Parse(artifact) => Some(*artifact),
            Self::Matches { text, .. } | Self::NotMatches { text, .. } => Some(*text),
            Self::Sha256 { of, .. } => Some(*of),
            _ => None,
        };
        let selected = self.selectors().into_iter().map(|at| at.artifact);
        let compared = self.operands().into_iter().filter_map(Operand::artifact);
        let mut all: Vec<u32> = selected.chain(compared).chain(own).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The collection whose size it is about: what finds it empty is blocked when this does not hold.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &Selector> {
        let count = |operand: &&Operand| matches!(operand.from, super::operand::From::Count(_));
        let operands = self.operands().into_iter().filter(count);
        operands.filter_map(Operand::selector)
    }
}

impl Comparison {
    pub(crate) fn sides(&self) -> Vec<&Operand> {
        vec![&self.left, &self.right]
    }
}

impl Trend {
    fn name(self) -> &'static str {
        match self {
            Self::Flat => "flat",
            Self::Increasing => "increasing",
            Self::Monotonic => "monotonic",
            Self::Interval(..) => "interval",
        }
    }
}
