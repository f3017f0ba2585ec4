//! Verdicts on bundles: what the crate answers, on stdout and stderr.
use std::time::SystemTime;

use runward_evidence::Terms;
use runward_evidence::command::{self, Answer, Param, SignWith};

use super::print;
use crate::cli::{AttestArgs, ExplainArgs, ProveArgs, SpecArgs, VerifyArgs};
use crate::error::Result;
use crate::record::timestamp;
use crate::settings::ParamArg;
use crate::terminal;

/// Wrong usage, as `sysexits.h` has it.
pub(super) const USAGE: u8 = 64;

pub(crate) fn verify(args: &VerifyArgs) -> Result<u8> {
    let Some(terms) = terms() else {
        return Ok(USAGE);
    };
    let (spec, bundle, params) = (&args.of.spec, &args.bundle, params(&args.of.params));
    let format = args.format.into();
    say(&match (&args.attested, &args.key) {
        (Some(envelope), Some(key)) => {
            let signed = (envelope.as_path(), key.as_path());
            command::run_verify_attested(spec, bundle, &params, signed, format, &terms)
        }
        _ => command::run_verify(spec, bundle, &params, format, &terms),
    })
}

pub(crate) fn attest(args: &AttestArgs) -> Result<u8> {
    if let Some(file) = &args.new_key {
        return say(&command::run_new_key(file));
    }
    // The command line has asked for all of them.
    let (Some(spec), Some(bundle), Some(terms)) = (&args.spec, &args.bundle, terms()) else {
        return Ok(USAGE);
    };
    let words: Vec<String> = args.signer.clone().map(Into::into).unwrap_or_default();
    let with = args
        .key
        .as_deref()
        .map_or(SignWith::Command(&words), SignWith::Key);
    let params = params(&args.params);
    say(&command::run_attest(spec, bundle, &params, with, &terms))
}

pub(crate) fn spec(name: Option<&str>) -> Result<u8> {
    let text = match name {
        None => list(),
        Some("schema") => runward_evidence::language_schema(),
        Some("language") => runward_evidence::language_reference().to_owned(),
        Some(name) => {
            let Some((_, text)) = runward_evidence::shipped().find(|(known, _)| *known == name)
            else {
                terminal::say(format!(
                    "there is no spec `{name}`; `runward spec` lists them"
                ));
                return Ok(USAGE);
            };
            text.to_owned()
        }
    };
    print(text.as_bytes())?;
    Ok(0)
}

/// A line for each: its name, and the sentence that it begins with.
fn list() -> String {
    let about = |text: &'static str| {
        text.lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches("# ")
    };
    let line = |(name, text)| format!("{name:<18}{}\n", about(text));
    runward_evidence::shipped().map(line).collect()
}

pub(crate) fn prove(args: &ProveArgs) -> Result<u8> {
    let Some(terms) = terms() else {
        return Ok(USAGE);
    };
    let params = params(&args.of.params);
    say(&command::run_prove(
        &args.of.spec,
        &args.bundle,
        &params,
        &terms,
    ))
}

pub(crate) fn explain(args: &ExplainArgs) -> Result<u8> {
    let params = params(&args.of.params);
    say(&command::run_explain(&args.of.spec, &args.rule, &params))
}

pub(crate) fn lint(args: &SpecArgs) -> Result<u8> {
    say(&command::run_lint(&args.spec, &params(&args.params)))
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

fn params(given: &[ParamArg]) -> Vec<Param> {
    given.iter().map(|arg| arg.0.clone()).collect()
}

fn say(answer: &Answer) -> Result<u8> {
    answer.complaint().into_iter().for_each(terminal::say);
    print(answer.text().as_bytes())?;
    Ok(answer.code())
}
