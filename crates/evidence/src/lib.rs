//! draft
mod engine;
mod error;
mod json;
mod nearest;
mod outcome;
mod report;
mod source;
mod spec;
mod terms;
mod time;

pub use engine::verify;
pub use error::{Error, ErrorKind};
pub use outcome::{Failure, FailureKind, Outcome, Place, Verdict};
pub use report::{Format, Judgement, Report};
pub use source::{Dir, Memory, ReadError, Source};
pub use spec::Spec;
pub use terms::Terms;
