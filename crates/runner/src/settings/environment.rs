//! Options from `RUNWARD_*`, and what a run inside another run must not take from it.
use std::fmt::Display;
use std::str::FromStr;

use clap::ValueEnum;

use super::nearest::nearest;
use super::options::{Options, Places, option_names};
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::terminal;

const PREFIX: &str = "RUNWARD_";
/// Set for the program; not options.
const OUTPUTS: [&str; 3] = [
    "RUNWARD_INSIDE",
    "RUNWARD_STATE_DIR",
    "RUNWARD_EVIDENCE_DIR",
];

/// The run that this process is a part of, as `RUNWARD_INSIDE` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inside {
    pub(crate) run_id: String,
    app: String,
}

/// `RUNWARD_INSIDE` is the enclosing run's id and its first app, set together with the two variables that
/// are both: what the program is told, and options of the next run.
pub(crate) fn inside(env: &Environment) -> Option<Inside> {
    let marker = env.text("RUNWARD_INSIDE")?;
    let (run_id, app) = marker.split_once('/').unwrap_or((&marker, ""));
    Some(Inside {
        run_id: run_id.to_owned(),
        app: app.to_owned(),
    })
}

/// The layer of the environment. Of an enclosing run, its id and its app are not taken over: two runs with
/// one id are not told apart, and a run that waits for its own app waits for ever.
pub(crate) fn layer(env: &Environment) -> Result<Options> {
    let inside = inside(env);
    let inherited_app = inside
        .as_ref()
        .is_some_and(|outer| env.is("RUNWARD_APP", &outer.app));
    let inherited_id = inside
        .as_ref()
        .is_some_and(|outer| env.is("RUNWARD_RUN_ID", &outer.run_id));
    Ok(Options {
        app: parsed(env, "RUNWARD_APP")?
            .into_iter()
            .filter(|_| !inherited_app)
            .collect(),
        wait: parsed(env, "RUNWARD_WAIT")?,
        deadline: parsed(env, "RUNWARD_DEADLINE")?,
        grace: parsed(env, "RUNWARD_GRACE")?,
        teardown: parsed(env, "RUNWARD_TEARDOWN")?.into_iter().collect(),
        teardown_deadline: parsed(env, "RUNWARD_TEARDOWN_DEADLINE")?,
        leaks: chosen(env, "RUNWARD_LEAKS")?,
        containment: chosen(env, "RUNWARD_CONTAINMENT")?,
        require: chosen(env, "RUNWARD_REQUIRE")?,
        state: parsed(env, "RUNWARD_STATE")?,
        no_state: switched(env, "RUNWARD_NO_STATE")?,
        sweep: switched(env, "RUNWARD_SWEEP")?,
        evidence: env.os("RUNWARD_EVIDENCE").map(Into::into),
        spec: env.os("RUNWARD_SPEC").map(Into::into),
        param: parsed(env, "RUNWARD_PARAM")?.into_iter().collect(),
        result: env.os("RUNWARD_RESULT").map(Into::into),
        events: env.os("RUNWARD_EVENTS").map(Into::into),
        run_id: parsed(env, "RUNWARD_RUN_ID")?.filter(|_| !inherited_id),
        places: places(env),
    })
}

/// The places of the environment, for commands that need no more.
pub(crate) fn places(env: &Environment) -> Places {
    Places {
        lock_dir: env.os("RUNWARD_LOCK_DIR").map(Into::into),
        home: env.os("RUNWARD_HOME").map(Into::into),
    }
}

fn parsed<T: FromStr<Err: Display>>(env: &Environment, name: &str) -> Result<Option<T>> {
    match text(env, name)? {
        None => Ok(None),
        Some(value) => value.parse().map(Some).map_err(|e| wrong(name, value, &e)),
    }
}

fn switched(env: &Environment, name: &str) -> Result<bool> {
    match text(env, name)? {
        None | Some("0" | "false" | "no" | "off") => Ok(false),
        Some("1" | "true" | "yes" | "on") => Ok(true),
        Some(value) => Err(wrong(name, value, &"is neither 1 nor 0")),
    }
}

fn chosen<T: ValueEnum>(env: &Environment, name: &str) -> Result<Option<T>> {
    let Some(value) = text(env, name)? else {
        return Ok(None);
    };
    T::from_str(value, false).map(Some).map_err(|_| {
        let known = T::value_variants()
            .iter()
            .filter_map(ValueEnum::to_possible_value);
        let known: Vec<String> = known.map(|v| v.get_name().to_owned()).collect();
        wrong(name, value, &format!("is not one of {}", known.join(", ")))
    })
}

fn text<'a>(env: &'a Environment, name: &str) -> Result<Option<&'a str>> {
    env.os(name)
        .map(|value| {
            value.to_str().ok_or_else(|| {
                Error::config(format!("{name} is not UTF-8; set it anew or unset it"))
            })
        })
        .transpose()
}

fn wrong(name: &str, value: &str, reason: &dyn Display) -> Error {
    Error::config(format!("{name}={value:?}: {reason}"))
}

/// A misspelt variable would silently change nothing, so it is named.
pub(crate) fn warn_of_typos(env: &Environment) {
    if env.names_from(PREFIX).next().is_none() {
        return;
    }
    let known: Vec<String> = option_names()
        .iter()
        .map(|name| variable(name))
        .chain(["RUNWARD_CONFIG".into()])
        .collect();
    for name in env.names_from(PREFIX) {
        if known.iter().any(|k| k == name) || OUTPUTS.contains(&name) {
            continue;
        }
        if let Some(meant) = nearest(name, known.iter().map(String::as_str)) {
            terminal::say(format_args!(
                "{name} is set but means nothing here; did you mean {meant}?"
            ));
        }
    }
}

fn variable(option: &str) -> String {
    format!("{PREFIX}{}", option.replace('-', "_").to_uppercase())
}

/// Every variable that is an option of one run, to be taken out of its program's environment.
pub(crate) fn consumed() -> Vec<String> {
    let kept = ["lock-dir", "home"];
    option_names()
        .iter()
        .filter(|name| !kept.contains(&name.as_str()))
        .map(|name| variable(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duration::Span;
    use crate::error::Kind;

    #[test]
    fn every_option_has_its_variable() {
        let value = |name: &str| match name {
            "leaks" => "fail",
            "containment" => "group",
            "require" => "subreaper",
            "sweep" | "no-state" => "1",
            "param" => "name=value",
            "wait" | "deadline" | "grace" | "teardown-deadline" => "7s",
            _ => "x",
        };
        for option in option_names() {
            let name = variable(&option);
            let layer = layer(&[(name.as_str(), value(&option))].into()).unwrap();
            assert_ne!(layer, Options::default(), "{name} is not read");
        }
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        assert_eq!(
            layer(&[("RUNWARD_WAIT", ""), ("RUNWARD_APP", "")].into()).unwrap(),
            Options::default()
        );
    }

    #[test]
    fn a_wrong_value_names_its_variable() {
        for (name, value) in [
            ("RUNWARD_WAIT", "10 parsecs"),
            ("RUNWARD_LEAKS", "Warn"),
            ("RUNWARD_APP", "a/b"),
        ] {
            let error = layer(&[(name, value)].into()).unwrap_err();
            assert_eq!(error.kind(), Kind::Config);
            assert!(
                error
                    .to_string()
                    .starts_with(&format!("{name}={value:?}: ")),
                "{error}"
            );
        }
    }

    #[test]
    fn a_run_inside_a_run_is_another_run() {
        let env = [
            ("RUNWARD_INSIDE", "r-1/web"),
            ("RUNWARD_RUN_ID", "r-1"),
            ("RUNWARD_APP", "web"),
        ];
        assert_eq!(layer(&env.into()).unwrap(), Options::default());
    }

    #[test]
    fn what_is_set_anew_inside_a_run_counts() {
        let env = [
            ("RUNWARD_INSIDE", "r-1/web"),
            ("RUNWARD_RUN_ID", "mine"),
            ("RUNWARD_APP", "db"),
        ];
        let layer = layer(&env.into()).unwrap();
        assert_eq!(layer.app[0].as_str(), "db");
        assert_eq!(String::from(layer.run_id.unwrap()), "mine");
    }

    #[test]
    fn durations_are_read_as_on_the_command_line() {
        assert_eq!(
            layer(&[("RUNWARD_GRACE", "1m")].into()).unwrap().grace,
            Some(Span::from_secs(60))
        );
    }
}
