//! `cargo xtask bench`: runward beside its rivals.

use crate::Result;

pub(crate) fn main(_args: lexopt::Parser) -> Result {
    Err("not here yet".into())
}
