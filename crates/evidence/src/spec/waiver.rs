//! Waivers: a failure that somebody answers for, until a day.

use super::artifact::{reason, said};
use super::table::{Result, Table};
use crate::terms::is_day;

#[derive(Debug)]
pub(crate) struct Waiver {
    pub(crate) owner: String,
    pub(crate) expires: String,
    pub(crate) why: String,
}

impl Waiver {
    pub(crate) fn read<'s>(table: &Table<'s>) -> Result<(super::table::Item<'s>, Self)> {
        table.only("a waiver", &["rule", "owner", "expires", "why"])?;
        let expires = table.need("expires")?;
        let day = expires.text()?;
        if !is_day(day) {
            let message = format!("`{day}` is no day; write it as \"2026-12-31\"");
            return Err(expires.error(message));
        }
        let waiver = Self {
            owner: said(table.need("owner")?, "say who answers for it")?,
            expires: day.to_owned(),
            why: reason(table.need("why")?)?,
        };
        Ok((table.need("rule")?, waiver))
    }

    /// Whether it applies on that day. Days in this form order like their texts.
    pub(crate) fn applies(&self, today: Option<&str>) -> bool {
        today.is_some_and(|today| today <= self.expires.as_str())
    }

    /// In words; `when` says whether it applies.
    pub(crate) fn says(&self, when: &str) -> String {
        let Self {
            owner,
            expires,
            why,
        } = self;
        format!("waived by {owner}, {when} {expires}: {why}")
    }
}
