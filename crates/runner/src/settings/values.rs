//! The values of options: each is checked where it is read, so that the error can say where it stood.
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::ValueEnum;
use runward_lock::Name;
use serde::{Deserialize, Serialize};

use crate::slug::is_safe_name;

/// What an app may be called: whatever a lock may be called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct AppName(Name);

/// A run's id as the user gives it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct RunId(String);

/// A command in one string, split as a shell splits words; nothing else of a shell happens.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "Vec<String>")]
pub(crate) struct CommandLine(Vec<String>);

/// A parameter of a spec, and the value for it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct ParamArg(pub(crate) (String, String));

/// Why a value was refused; whoever reports it names the value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ValueError {
    #[error("{0}; allowed are letters, digits and . _ - @ +")]
    App(String),
    #[error("is empty; give a name of letters, digits, '.', '_', '-'")]
    Empty,
    #[error("is {0} bytes long; at most 96 are allowed")]
    TooLong(usize),
    #[error("starts with '{0}'; a name starts with a letter, a digit or '_'")]
    Start(char),
    #[error("holds {0:?}; allowed are letters, digits, '.', '_', '-'")]
    Character(char),
    #[error("is empty; give abra, or the path of a file that describes a tool's state")]
    NoLayout,
    #[error(
        "is no unix socket; give unix:///path, and for an engine elsewhere forward its socket with ssh -L"
    )]
    Socket,
    #[error("is no command; give a program and its arguments")]
    NoCommand,
    #[error("has a quote that is not closed; close it, or escape it with \\")]
    Quote,
    #[error("is no NAME=VALUE")]
    NoPair,
    #[error("holds a NUL byte, which no command can be given")]
    Nul,
}

fn check_name(text: &str) -> Result<(), ValueError> {
    if is_safe_name(text) {
        return Ok(());
    }
    let wrong = |c: &char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-');
    Err(match (text.chars().find(wrong), text.chars().next()) {
        (_, None) => ValueError::Empty,
        (Some(c), _) => ValueError::Character(c),
        (None, Some(c @ ('.' | '-'))) => ValueError::Start(c),
        _ => ValueError::TooLong(text.len()),
    })
}

impl FromStr for RunId {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_name(text).map(|()| Self(text.to_owned()))
    }
}

impl FromStr for AppName {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        Name::new(text)
            .map(Self)
            .map_err(|e| ValueError::App(e.to_string()))
    }
}

impl AppName {
    pub(crate) fn name(&self) -> &Name {
        &self.0
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl From<AppName> for String {
    fn from(app: AppName) -> Self {
        app.as_str().to_owned()
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.0
    }
}

macro_rules! from_string {
    ($($type:ident),*) => {$(
        impl TryFrom<String> for $type {
            type Error = ValueError;

            fn try_from(text: String) -> Result<Self, ValueError> {
                text.parse()
            }
        }
    )*};
}

from_string!(AppName, RunId, CommandLine, StateLayout, Socket, ParamArg);

impl FromStr for ParamArg {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
        let (name, value) = pair.ok_or(ValueError::NoPair)?;
        Ok(Self((name.to_owned(), value.to_owned())))
    }
}

impl FromStr for CommandLine {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text.contains('\0') {
            return Err(ValueError::Nul);
        }
        match shell_words::split(text) {
            Ok(words) if words.first().is_some_and(|program| !program.is_empty()) => {
                Ok(Self(words))
            }
            Ok(_) => Err(ValueError::NoCommand),
            Err(_) => Err(ValueError::Quote),
        }
    }
}

impl From<CommandLine> for Vec<String> {
    fn from(command: CommandLine) -> Self {
        command.0
    }
}

/// The description of a tool's state: the one that is shipped, or a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum StateLayout {
    Abra,
    File(PathBuf),
}

impl FromStr for StateLayout {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "" => Err(ValueError::NoLayout),
            "abra" => Ok(Self::Abra),
            file => Ok(Self::File(file.into())),
        }
    }
}

impl From<StateLayout> for String {
    fn from(layout: StateLayout) -> Self {
        match layout {
            StateLayout::Abra => "abra".to_owned(),
            StateLayout::File(path) => path.to_string_lossy().into_owned(),
        }
    }
}

/// The socket of an engine, as a path or as `unix://` and a path.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Socket(PathBuf);

impl Socket {
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl FromStr for Socket {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let path = Path::new(text.strip_prefix("unix://").unwrap_or(text));
        if path.is_absolute() {
            Ok(Self(path.to_owned()))
        } else {
            Err(ValueError::Socket)
        }
    }
}

/// What processes left by the program mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Leaks {
    /// End them and say so
    Warn,
    /// End them and exit with 123 in place of a 0
    Fail,
    /// Leave them alone
    Allow,
}

/// How a tree is to be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Containment {
    /// A cgroup where this host lets us make one, else a subreaper
    Auto,
    /// A cgroup of its own
    Cgroup,
    /// A pid namespace: the program sees other pids
    Pidns,
    /// A subreaper that adopts what is orphaned
    Subreaper,
    /// A process group, which a process may leave
    Group,
}

/// How strongly a tree is held, from weak to strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Strength {
    /// A process group
    Group,
    /// A subreaper
    Subreaper,
    /// A pid namespace
    Pidns,
    /// A cgroup
    Cgroup,
}

impl Containment {
    /// `None` where the host decides.
    pub(crate) fn strength(self) -> Option<Strength> {
        match self {
            Self::Auto => None,
            Self::Cgroup => Some(Strength::Cgroup),
            Self::Pidns => Some(Strength::Pidns),
            Self::Subreaper => Some(Strength::Subreaper),
            Self::Group => Some(Strength::Group),
        }
    }
}

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Group => "group",
            Self::Subreaper => "subreaper",
            Self::Pidns => "pidns",
            Self::Cgroup => "cgroup",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hostile_names_are_refused_with_what_is_allowed() {
        let long = "a".repeat(300);
        for text in ["", "a/b", "..", "....", "-rf", "a\nb", "a\0b", &long] {
            let app = text.parse::<AppName>().unwrap_err();
            assert!(
                matches!(&app, ValueError::App(_))
                    && app.to_string().contains("allowed are letters"),
                "{app}"
            );
            assert!(text.parse::<RunId>().is_err(), "{text:?}");
        }
        assert_eq!("a/b".parse::<RunId>(), Err(ValueError::Character('/')));
        assert!("My_app-1.2".parse::<AppName>().is_ok() && "My_app-1.2".parse::<RunId>().is_ok());
    }

    #[test]
    fn a_teardown_is_words_and_nothing_of_a_shell() {
        let words = |text: &str| text.parse::<CommandLine>().map(Vec::from);
        assert_eq!(
            words("rm -rf '/tmp/a b' $HOME;ls").unwrap(),
            ["rm", "-rf", "/tmp/a b", "$HOME;ls"]
        );
        assert_eq!(words("  "), Err(ValueError::NoCommand));
        assert_eq!(words("'' x"), Err(ValueError::NoCommand));
        assert_eq!(words("echo 'open"), Err(ValueError::Quote));
        assert_eq!(words("a\0b"), Err(ValueError::Nul));
    }

    #[test]
    fn a_parameter_has_a_name_and_whatever_value() {
        let pair = |text: &str| text.parse::<ParamArg>().map(|param| param.0);
        assert_eq!(pair("a=b=c").unwrap(), ("a".into(), "b=c".into()));
        assert_eq!(pair("a=").unwrap(), ("a".into(), String::new()));
        for text in ["", "a", "=b"] {
            assert_eq!(pair(text), Err(ValueError::NoPair));
        }
    }

    #[test]
    fn strength_is_ordered_from_weak_to_strong() {
        assert!(Strength::Group < Strength::Subreaper);
        assert!(Strength::Subreaper < Strength::Pidns);
        assert!(Strength::Pidns < Strength::Cgroup);
    }

    proptest! {
        #[test]
        fn an_accepted_name_is_one_safe_component(text in any::<String>()) {
            if let Ok(name) = text.parse::<AppName>() {
                prop_assert!(!name.as_str().contains(['/', '\0', '\n']));
                prop_assert!(name.as_str().len() <= 200 && !name.as_str().starts_with('.'));
            }
        }
    }
}
