//! The command line of `fixture-plant`, which plants processes of all kinds.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;

use crate::{Gate, Line, Sandbox, binaries};

/// How a planted process tries to outlive its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Leaf {
    /// `p`: it does nothing; it is in the group of the program.
    Plain,
    /// `g`: it leads a process group of its own.
    Group,
    /// `s`: forked twice, in a session of its own.
    Session,
    /// `t`: it ignores SIGTERM.
    Stubborn,
    /// `st`: both of these.
    StubbornSession,
    /// `z`: it is stopped.
    Stopped,
    /// `f`: it forks and exits, over and over, in a session of its own: no id is valid for long.
    Forking,
}

impl Leaf {
    /// The five kinds of the behaviour matrix.
    pub const MATRIX: [Self; 5] = [
        Self::Plain,
        Self::Group,
        Self::Session,
        Self::Stubborn,
        Self::StubbornSession,
    ];
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Plain,
        Self::Group,
        Self::Session,
        Self::Stubborn,
        Self::StubbornSession,
        Self::Stopped,
        Self::Forking,
    ];

    /// The short name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "p",
            Self::Group => "g",
            Self::Session => "s",
            Self::Stubborn => "t",
            Self::StubbornSession => "st",
            Self::Stopped => "z",
            Self::Forking => "f",
        }
    }
}

impl fmt::Display for Leaf {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl FromStr for Leaf {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|leaf| leaf.name() == name)
            .ok_or_else(|| format!("no kind of leaf: {name:?}"))
    }
}

/// What the program does once everything is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Wait to be killed.
    Wait,
    /// Exit with this code.
    Exit(i32),
    /// End itself by this signal.
    Raise(i32),
    /// Exit with 0 when the gate opens.
    Gate,
    /// On SIGTERM report `cleanup-start`, wait for the gate, report `cleanup-end`, exit with 5.
    Cleanup,
    /// Exit with 0 after so many milliseconds of work.
    Work(u64),
}

impl fmt::Display for Then {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait => out.write_str("wait"),
            Self::Exit(code) => write!(out, "exit:{code}"),
            Self::Raise(signal) => write!(out, "raise:{signal}"),
            Self::Gate => out.write_str("gate"),
            Self::Cleanup => out.write_str("cleanup"),
            Self::Work(milliseconds) => write!(out, "work:{milliseconds}"),
        }
    }
}

impl FromStr for Then {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, number) = text.split_once(':').unwrap_or((text, "0"));
        let number: u64 = number
            .parse()
            .map_err(|_| format!("no number: {number:?}"))?;
        match word {
            "wait" => Ok(Self::Wait),
            "exit" => Ok(Self::Exit(number as i32)),
            "raise" => Ok(Self::Raise(number as i32)),
            "gate" => Ok(Self::Gate),
            "cleanup" => Ok(Self::Cleanup),
            "work" => Ok(Self::Work(number)),
            _ => Err(format!("no such end: {text:?}")),
        }
    }
}

/// Builds the command line of the planter.
#[derive(Clone, Debug)]
pub struct Plant {
    arguments: Vec<OsString>,
}

impl Plant {
    pub(crate) fn new(sandbox: &Sandbox) -> Self {
        let plant = Self {
            arguments: vec![binaries::fixture("plant").into()],
        };
        plant.with("--token", sandbox.token())
    }

    /// Reports over this line, which the whole planted tree then holds.
    pub fn line(self, line: &Line) -> Self {
        self.with("--line", line.path())
    }

    /// The gate that [`Then::Gate`] and [`Then::Cleanup`] wait at.
    pub fn gate(self, gate: &Gate) -> Self {
        self.with("--gate", gate.path())
    }

    /// Plants one process of each of these kinds.
    pub fn leaves(self, leaves: &[Leaf]) -> Self {
        let names: Vec<&str> = leaves.iter().map(|leaf| leaf.name()).collect();
        self.with("--leaves", names.join(","))
    }

    /// Plants so many of each.
    pub fn copies(self, copies: usize) -> Self {
        self.with("--copies", copies.to_string())
    }

    /// Lets the leaves keep stdout and stderr, which they close otherwise.
    pub fn holding_output(mut self) -> Self {
        self.arguments.push("--hold-output".into());
        self
    }

    /// What the program does then; waits to be killed unless told.
    pub fn then(self, then: Then) -> Self {
        self.with("--then", then.to_string())
    }

    /// The arguments, the program first.
    pub fn command(self) -> Vec<OsString> {
        self.arguments
    }

    fn with(mut self, option: &str, value: impl Into<OsString>) -> Self {
        self.arguments.push(option.into());
        self.arguments.push(value.into());
        self
    }
}
