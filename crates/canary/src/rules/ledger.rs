use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fields::{Fields, Form, Key, key};
use super::node::{Node, Result};
use super::source::refuse_password;
use crate::Settings;

/// Where is kept what one cycle leaves for the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerRule {
    directory: Option<PathBuf>,
    database: Settings,
    timeout: Duration,
}

pub(crate) const LEDGER: &[Key] = &[
    key("directory", Form::Text),
    key("url", Form::Text),
    key("url_env", Form::Text),
    key("schema", Form::Text),
    key("timeout", Form::Duration),
];

/// Of a database alone.
const DATABASE: &[&str] = &["url", "url_env", "schema", "timeout"];
const TIMEOUT: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);
/// What PostgreSQL keeps of a name.
const NAME: usize = 63;

impl LedgerRule {
    /// The directory, if one is named. Relative ones begin where the rules stand.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }

    /// `url` or `url_env`, and `schema`, of the database that it is in; none if it is in a directory.
    pub fn database(&self) -> Option<&Settings> {
        (!self.database.is_empty()).then_some(&self.database)
    }

    /// How long one call of the database may take; ten seconds if nothing is said.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }
}

pub(super) fn read(node: Option<&Node>) -> Result<LedgerRule> {
    let Some(node) = node else {
        return Ok(LedgerRule {
            directory: None,
            database: Settings::new(),
            timeout: TIMEOUT,
        });
    };
    let fields = Fields::new(node, "ledger", &[LEDGER])?;
    let directory = match fields.text("directory")? {
        Some("") => return Err(fields.need("directory")?.error("a path is not empty")),
        path => path.map(PathBuf::from),
    };
    one_place(fields)?;
    let mut database = Settings::new();
    for name in ["url", "url_env", "schema"] {
        if let Some(node) = fields.get(name) {
            node.text()?;
            database.insert(name.to_owned(), node.setting()?);
        }
    }
    if let (Some(url), Some(place)) = (fields.text("url")?, fields.get("url")) {
        refuse_password(url, &place.place)?;
    }
    schema(fields)?;
    Ok(LedgerRule {
        directory,
        database,
        timeout: timeout(fields)?,
    })
}

/// A directory or a database, and what is said of one is not said of the other.
fn one_place(fields: Fields<'_>) -> Result {
    let of = |name: &&&str| fields.get(name).is_some();
    if fields.get("directory").is_some()
        && let Some(name) = DATABASE.iter().find(of)
    {
        let message = format!(
            "a ledger is in a directory or in a database: keep `directory`, or `{name}` and what belongs to it"
        );
        return Err(fields.need(name)?.error(message));
    }
    match (fields.get("url"), fields.get("url_env")) {
        (Some(_), Some(env)) => Err(env.error("`url` and `url_env` exclude each other; keep one")),
        (None, None) => DATABASE.iter().find(of).map_or(Ok(()), |name| {
            let message = format!(
                "`{name}` belongs to a ledger in a database, which needs `url` or `url_env`"
            );
            Err(fields.need(name)?.error(message))
        }),
        _ => Ok(()),
    }
}

/// A name that is the same with and without quotes, and none of PostgreSQL's own.
fn schema(fields: Fields<'_>) -> Result {
    let Some(name) = fields.text("schema")? else {
        return Ok(());
    };
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let begins = |c: char| c.is_ascii_lowercase() || c == '_';
    let is_ours = name.starts_with(begins) && name.chars().all(fits) && name.len() <= NAME;
    if is_ours && !name.starts_with("pg_") && !matches!(name, "public" | "information_schema") {
        return Ok(());
    }
    let message = format!(
        "`{name}` is no schema for a ledger alone: write lower-case letters, digits and `_`, at most {NAME}, not `public` and not `pg_…`"
    );
    Err(fields.need("schema")?.error(message))
}

fn timeout(fields: Fields<'_>) -> Result<Duration> {
    let timeout = fields.duration("timeout")?.unwrap_or(TIMEOUT);
    if timeout.is_zero() || timeout > LONGEST {
        let message = "a call takes more than nothing, and ten minutes at most";
        return Err(fields.need("timeout")?.error(message));
    }
    Ok(timeout)
}
