use std::env;

use runward_canary::Error;
#[cfg(test)]
use runward_canary::{Setting, Settings};

use crate::options::Options;

/// An address that may have a password in it: from `url`, or from the environment variable that `url_env` names.
/// It is never part of a message.
pub(crate) fn url(options: &Options<'_>, example: &str) -> Result<String, Error> {
    match (options.text("url")?, options.text("url_env")?) {
        (Some(url), None) => Ok(url.to_owned()),
        (None, Some(name)) => env::var(name).map_err(|_| {
            options.refuse_at("url_env", format!(
                "the environment has no {name}, which `url_env` names; set it to an address such as {example}"
            ))
        }),
        (None, None) => Err(options.refuse(format!(
            "`url` is missing; write url = \"{example}\", or url_env with the name of a variable that has it"
        ))),
        (Some(_), Some(_)) => Err(options.refuse_at("url_env", "`url` and `url_env` exclude each other; keep one")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let settings =
            Settings::from([("url_env".into(), Setting::Text("RUNWARD_NOT_SET".into()))]);
        let options = Options::new("redis", &settings, &[&["url", "url_env"]]).unwrap();
        let error = url(&options, "redis://localhost").unwrap_err().to_string();
        assert!(error.contains("RUNWARD_NOT_SET"), "{error}");
    }
}
