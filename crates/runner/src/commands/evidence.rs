//! Verdicts on bundles: what the crate answers, on stdout and stderr.
use std::time::SystemTime;

use runward_evidence::Terms;
use runward_evidence::command::{self, Answer, Param};

use super::print;
use crate::cli::{ExplainArgs, ProveArgs, SpecArgs, VerifyArgs};
use crate::error::Result;
use crate::record::timestamp;
use crate::terminal;

/// Wrong usage, as `sysexits.h` has it.
pub(super) const USAGE: u8 = 64;

pub(crate) fn verify(args: &VerifyArgs) -> Result<u8> {
    let Some(terms) = terms() else {
        return Ok(USAGE);
    };
    say(&command::run_verify(
        &args.of.spec,
        &args.bundle,
        &params(&args.of),
        args.format.into(),
        &terms,
    ))
}

pub(crate) fn prove(args: &ProveArgs) -> Result<u8> {
    let Some(terms) = terms() else {
        return Ok(USAGE);
    };
    let params = params(&args.of);
    say(&command::run_prove(
        &args.of.spec,
        &args.bundle,
        &params,
        &terms,
    ))
}

pub(crate) fn explain(args: &ExplainArgs) -> Result<u8> {
    let params = params(&args.of);
    say(&command::run_explain(&args.of.spec, &args.rule, &params))
}

pub(crate) fn lint(args: &SpecArgs) -> Result<u8> {
    say(&command::run_lint(&args.spec, &params(args)))
}

/// A waiver ends on a day, so the crate has to be told which day it is.
pub(crate) fn terms() -> Option<Terms> {
    let today = timestamp(SystemTime::now());
    let day = today.split('T').next().unwrap_or_default();
    Terms::new()
        .today(day)
        .inspect_err(|e| terminal::say(e))
        .ok()
}

fn params(args: &SpecArgs) -> Vec<Param> {
    args.params.iter().map(|arg| arg.0.clone()).collect()
}

fn say(answer: &Answer) -> Result<u8> {
    answer.complaint().into_iter().for_each(terminal::say);
    print(answer.text().as_bytes())?;
    Ok(answer.code())
}
