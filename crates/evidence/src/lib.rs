//! draft
pub mod command;
mod describe;
mod engine;
mod error;
mod explain;
mod json;
mod lint;
mod nearest;
mod outcome;
mod prove;
mod report;
mod source;
mod spec;
mod terms;
mod time;

pub use engine::verify;
pub use error::{Error, ErrorKind};
pub use explain::explain;
pub use lint::{Lint, LintKind, lint};
pub use outcome::{Failure, FailureKind, Outcome, Place, Verdict};
pub use prove::{Proof, ProofResult, Proofs, prove};
pub use report::{Format, Judgement, Report};
pub use source::{Dir, Memory, ReadError, Source};
pub use spec::Spec;
pub use terms::Terms;
