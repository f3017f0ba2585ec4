use std::{
    ffi::{CString, OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

/// A program to run: its words, and the environment that it gets.
///
/// It inherits the environment of this process but for what [`env`](Self::env) sets, the working
/// directory, and every descriptor that this process would pass on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    words: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
}

impl Program {
    /// A program looked up in `PATH`, unless its name has a slash.
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            words: vec![program.into()],
            env: Vec::new(),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.words.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.words.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets a variable, for the program and for the teardowns.
    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((key.into(), value.into()));
        self
    }

    /// The program and its arguments.
    pub fn words(&self) -> &[OsString] {
        &self.words
    }

    /// Refuses what no `execve(2)` can take, before anything is started.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let set = self.env.iter().flat_map(|(key, value)| [key, value]);
        set.chain(&self.words).try_for_each(|text| check(text))
    }

    /// The whole environment that the program will see.
    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let set = |key: &OsStr| self.env.iter().any(|(other, _)| other == key);
        let mut all: Vec<_> = std::env::vars_os().filter(|(key, _)| !set(key)).collect();
        all.extend(self.env.iter().cloned());
        all
    }
}

/// A program made ready, so that a forked child has nothing to allocate: words and environment
/// as `execve(2)` takes them, and every path that `PATH` yields.
pub(crate) struct Image {
    pub(crate) paths: Vec<CString>,
    pub(crate) argv: Vec<CString>,
    pub(crate) envp: Vec<CString>,
}

impl Image {
    pub(crate) fn new(words: &[OsString], env: &[(OsString, OsString)]) -> Result<Self, Error> {
        let program = words
            .first()
            .ok_or_else(|| Error::new(ErrorKind::System, "no program to run"))?;
        let path = env
            .iter()
            .find(|(key, _)| key == "PATH")
            .map(|(_, value)| value.as_os_str());
        Ok(Self {
            paths: candidates(program, path)
                .map(c_string)
                .collect::<Result<_, _>>()?,
            argv: words
                .iter()
                .map(|word| c_string(word.clone()))
                .collect::<Result<_, _>>()?,
            envp: env
                .iter()
                .map(|(key, value)| c_string(assignment(key, value)))
                .collect::<Result<_, _>>()?,
        })
    }
}

/// What `execvp(3)` tries where `PATH` is not set.
const DEFAULT_PATH: &str = "/usr/local/bin:/bin:/usr/bin";

fn candidates(program: &OsStr, path: Option<&OsStr>) -> impl Iterator<Item = OsString> {
    let path = path.unwrap_or(OsStr::new(DEFAULT_PATH)).to_owned();
    let plain = program.as_bytes().contains(&b'/') || program.is_empty();
    let dirs: Vec<_> = if plain {
        Vec::new()
    } else {
        std::env::split_paths(&path).collect()
    };
    let found: Vec<_> = dirs
        .into_iter()
        .map(|dir| dir.join(program).into_os_string())
        .collect();
    let own = plain.then(|| program.to_owned());
    found.into_iter().chain(own)
}

fn assignment(key: &OsStr, value: &OsStr) -> OsString {
    let mut line = key.to_owned();
    line.push("=");
    line.push(value);
    line
}

fn c_string(text: OsString) -> Result<CString, Error> {
    CString::new(text.into_vec()).map_err(|error| nul(&error.into_vec()))
}

/// Refuses a NUL byte.
pub(crate) fn check(text: &OsStr) -> Result<(), Error> {
    if text.as_bytes().contains(&0) {
        Err(nul(text.as_bytes()))
    } else {
        Ok(())
    }
}

fn nul(text: &[u8]) -> Error {
    let shown = String::from_utf8_lossy(text).replace('\0', "\\0");
    Error::new(
        ErrorKind::Nul,
        format!("{shown:?} holds a NUL byte, which no argument or variable can"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(program: &str, path: &str) -> Vec<OsString> {
        candidates(OsStr::new(program), Some(OsStr::new(path))).collect()
    }

    #[test]
    fn path_is_searched_in_order_and_only_for_plain_names() {
        assert_eq!(found("make", "/a:/b"), ["/a/make", "/b/make"]);
        assert_eq!(found("./make", "/a:/b"), ["./make"]);
        assert_eq!(found("", "/a"), [""]);
    }

    #[test]
    fn a_nul_is_refused_and_shown() {
        let error = Image::new(&["a\0b".into()], &[]).err().expect("refused");
        assert_eq!(error.kind(), ErrorKind::Nul);
        assert!(error.to_string().contains("a\\\\0b"), "{error}");
    }
}
