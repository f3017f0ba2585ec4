//! The file form of a layout.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::{AppFile, Layout, Share, position};
use crate::error::Shown;
use crate::nearest::suggestion;
use crate::relative::Relative;
use crate::{Error, ErrorKind};

const FORMAT: u32 = 1;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    format: Spanned<u32>,
    tool: Spanned<String>,
    tool_version: Option<String>,
    source: Option<Spanned<String>>,
    variables: BTreeMap<Spanned<String>, Spanned<String>>,
    paths: BTreeMap<Spanned<String>, Share>,
    app: Option<App>,
    #[serde(default)]
    flags: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct App {
    file: Spanned<String>,
    pin: Option<Spanned<String>>,
}

/// What is wrong, and where.
type Problem = (Range<usize>, String);

pub(super) fn parse(text: &str, origin: &Path) -> Result<Layout, Error> {
    let file: Result<File, _> = toml::from_str(text).map_err(|e| explain(&e));
    file.and_then(layout).map_err(|(span, problem)| {
        let (line, column) = position::of(text, &span);
        let message = format!("{}:{line}:{column}: {problem}", Shown(origin));
        Error::new(ErrorKind::InvalidLayout, message)
    })
}

/// Serde lists the typed name and then the known ones, each between backquotes.
fn explain(error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let message = error.message();
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let problem = match quoted.split_first() {
        Some((typed, known)) if message.starts_with("unknown ") && !known.is_empty() => {
            format!("{typed:?} is not known here; {}", suggestion(typed, known))
        }
        _ => message.trim_end().replace('\n', ", "),
    };
    (span, problem)
}

fn layout(file: File) -> Result<Layout, Problem> {
    let format = *file.format.get_ref();
    if format != FORMAT {
        let problem = format!("format {format} is not known; this version reads format {FORMAT}");
        return Err((file.format.span(), problem));
    }
    check_source(file.source.as_ref())?;
    let paths = paths(file.paths)?;
    let variables = variables(file.variables, &paths)?;
    let app = file.app.map(|given| app(given, &paths)).transpose()?;
    Ok(Layout {
        tool: plain(file.tool)?,
        tool_version: file.tool_version,
        source: file.source.map(Spanned::into_inner),
        variables,
        paths,
        app,
        flags: file.flags,
    })
}

fn plain(text: Spanned<String>) -> Result<String, Problem> {
    let bad = text.get_ref().is_empty() || text.get_ref().chars().any(char::is_control);
    if bad {
        return Err((
            text.span(),
            "the text is empty or has a control character in it".into(),
        ));
    }
    Ok(text.into_inner())
}

fn check_source(source: Option<&Spanned<String>>) -> Result<(), Problem> {
    match source {
        Some(text) if !text.get_ref().starts_with(['/']) && !text.get_ref().starts_with("~/") => {
            let problem = format!(
                "source {:?} is neither absolute nor below `~/`",
                text.get_ref()
            );
            Err((text.span(), problem))
        }
        _ => Ok(()),
    }
}

fn paths(given: BTreeMap<Spanned<String>, Share>) -> Result<BTreeMap<Relative, Share>, Problem> {
    let mut paths: BTreeMap<Relative, Share> = BTreeMap::new();
    // Sorted, so what lies above has been seen before.
    for (text, share) in given {
        let path = relative(&text, "path")?;
        let not_own = |above: &&Path| paths.get(*above).is_some_and(|share| *share != Share::Own);
        let clash = path.and_above().skip(1).find(not_own);
        if let Some(above) = clash {
            let problem = format!(
                "path {:?} lies below {:?}, which is not \"own\"; describe one of them",
                text.get_ref(),
                above.display().to_string()
            );
            return Err((text.span(), problem));
        }
        paths.insert(path, share);
    }
    Ok(paths)
}

fn relative(text: &Spanned<String>, what: &str) -> Result<Relative, Problem> {
    Relative::parse(text.get_ref())
        .map_err(|why| (text.span(), format!("{what} {:?} {why}", text.get_ref())))
}

fn variables(
    given: BTreeMap<Spanned<String>, Spanned<String>>,
    paths: &BTreeMap<Relative, Share>,
) -> Result<BTreeMap<String, Option<Relative>>, Problem> {
    given
        .into_iter()
        .map(|(name, value)| {
            let value = variable(&name, &value, paths)?;
            Ok((name.into_inner(), value))
        })
        .collect()
}

/// A variable leads to the directory, or to something described in it.
fn variable(
    name: &Spanned<String>,
    value: &Spanned<String>,
    paths: &BTreeMap<Relative, Share>,
) -> Result<Option<Relative>, Problem> {
    if !is_variable(name.get_ref()) {
        let problem = format!("{:?} cannot be the name of a variable", name.get_ref());
        return Err((name.span(), problem));
    }
    if value.get_ref() == "." {
        return Ok(None);
    }
    let path = relative(value, "path")?;
    if is_described(&path, paths) {
        return Ok(Some(path));
    }
    let known: Vec<&str> = paths.keys().filter_map(|p| p.as_path().to_str()).collect();
    let hint = suggestion(value.get_ref(), &known);
    let problem = format!("{:?} is not in [paths]; {hint}", value.get_ref());
    Err((value.span(), problem))
}

fn is_described(path: &Relative, paths: &BTreeMap<Relative, Share>) -> bool {
    path.and_above().any(|above| paths.contains_key(above))
}

fn is_variable(name: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_';
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

fn app(given: App, paths: &BTreeMap<Relative, Share>) -> Result<AppFile, Problem> {
    let template = given.file.get_ref();
    let filled = template.replace("{server}", "s").replace("{domain}", "d");
    if !template.contains("{domain}") || filled.contains(['{', '}']) {
        let problem = "the file of an app is named by {domain}, and may be by {server}";
        return Err((given.file.span(), problem.into()));
    }
    let problem = match Relative::parse(&filled) {
        Err(why) => Some(why),
        Ok(path) if !is_described(&path, paths) => Some("is not in [paths], nor below what is"),
        Ok(_) => None,
    };
    if let Some(why) = problem {
        return Err((given.file.span(), format!("path {template:?} {why}")));
    }
    if let Some(pin) = given.pin.as_ref().filter(|pin| !is_variable(pin.get_ref())) {
        let problem = format!("{:?} cannot be the name of a variable", pin.get_ref());
        return Err((pin.span(), problem));
    }
    Ok(AppFile {
        template: given.file.into_inner(),
        pin: given.pin.map(Spanned::into_inner),
    })
}
