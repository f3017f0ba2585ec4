//! Rules, and what all of them have.

use std::sync::Arc;

use super::check::Check;
use super::checks;
use super::context::Context;
use super::table::{Result, Table};
use crate::outcome::Verdict;
use crate::report::{EXAMINED, SEALED, UNREAD};

/// Ids of what is judged besides rules.
const RESERVED: [(&str, &str); 3] = [
    (UNREAD, "files that nothing reads are"),
    (SEALED, "the seal of a bundle is"),
    (EXAMINED, "a bundle of which nothing was examined is"),
];

#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: String,
    /// Where it stands in the spec; for what an artifact implies, where that stands.
    pub(crate) at: usize,
    /// The rules that it says nothing without.
    pub(crate) after: Vec<u32>,
    pub(crate) check: Check,
    pub(crate) why: Option<Arc<str>>,
    /// The verdict when it does not hold, where it is not that of the failure.
    pub(crate) otherwise: Option<Verdict>,
}

/// A rule whose prerequisites are still names.
pub(crate) struct Named<'s> {
    pub(crate) rule: Rule,
    pub(crate) after: Vec<(super::table::Item<'s>, String)>,
}

impl Rule {
    /// What an artifact implies by being there.
    pub(crate) fn implied(name: &str, artifact: &str, at: usize, check: Check) -> Self {
        Self {
            id: format!("{name}.{artifact}"),
            at,
            after: Vec::new(),
            check,
            why: None,
            otherwise: None,
        }
    }

    pub(crate) fn read<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Named<'s>> {
        let check = checks::read(table, context)?;
        let id = table.need("id")?;
        let text = context.text(id)?;
        if let Some((_, what)) = RESERVED.iter().find(|(taken, _)| *taken == text) {
            return Err(id.error(format!("this id is what {what} reported under")));
        }
        if !is_id(&text) {
            let message = format!("`{text}`: an id is made of letters, digits and `. - _`");
            return Err(id.error(message));
        }
        let mut after = Vec::new();
        if let Some(item) = table.get("after") {
            for item in item.list()? {
                after.push((item, context.text(item)?));
            }
        }
        let why = table.get("why").map(super::artifact::reason).transpose()?;
        let rule = Self {
            id: text,
            at: id.at(),
            after: Vec::new(),
            check,
            why: why.map(Arc::from),
            otherwise: otherwise(table)?,
        };
        Ok(Named { rule, after })
    }
}

/// Fit for a report line, a file name and a command line.
fn is_id(id: &str) -> bool {
    let fits =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '>' | '+' | ':');
    !id.is_empty() && id.len() <= 200 && id.chars().all(fits)
}

fn otherwise(table: &Table<'_>) -> Result<Option<Verdict>> {
    let Some(item) = table.get("otherwise") else {
        return Ok(None);
    };
    let verdict = Verdict::named(item.text()?).filter(|verdict| *verdict >= Verdict::Vacuous);
    let wrong = || item.error("`otherwise` is `refuted`, `inconclusive` or `vacuous`");
    verdict.map(Some).ok_or_else(wrong)
}
