//! How much evidence an invariant takes, and its words for people.

use std::time::Duration;

use super::Facets;
use super::fields::{self, Fields, Form, Key, SEVERITIES, key};
use super::node::{Node, Result};
use crate::{Expect, Meta, Terms, Tier, When};

pub(crate) const META: &[Key] = &[
    key("title", Form::Text),
    key("tier", Form::OneOf(TIERS)),
    key("severity", Form::OneOf(SEVERITIES)),
    key("message", Form::Text),
    key("runbook", Form::Text),
    key("off", Form::Off),
];

pub(crate) const TERMS: &[Key] = &[
    key("confirm", Form::OneOf(&["reread"])),
    key("sustained", Form::Duration),
    key("max_skew", Form::Duration),
    key("among", Form::Text),
    key("expect", Form::Table(EXPECT)),
    key("when", Form::Table(WHEN)),
];

const TIERS: &[&str] = &["A", "B"];

const EXPECT: &[Key] = &[
    key("examined_at_least", Form::Int),
    key("within_cycles", Form::Int),
];

const WHEN: &[Key] = &[
    key("after", Form::Text),
    key("delay", Form::Duration),
    key("within", Form::Duration),
];

pub(super) fn meta(id: &str, fields: Fields<'_>) -> Result<Meta> {
    let tier = fields::one_of(fields.need("tier")?, TIERS)?;
    Ok(Meta {
        id: id.to_owned(),
        title: fields.words("title")?,
        tier: [Tier::A, Tier::B][tier],
        severity: fields::severity(fields.need("severity")?)?,
        message: fields.words("message")?,
        runbook: fields.words("runbook")?,
    })
}

pub(super) fn terms(fields: Fields<'_>, facets: &Facets) -> Result<Terms> {
    let among = fields.get("among").map(|node| facets.need(node));
    let among = among.transpose()?.map(|facet| facet.ask().facet.clone());
    Ok(Terms {
        reread: fields.one_of("confirm", &["reread"])?.is_some(),
        sustained: fields.duration("sustained")?,
        max_skew: fields.duration("max_skew")?,
        among,
        expect: fields.get("expect").map(expect).transpose()?,
        when: fields
            .get("when")
            .map(|node| when(node, facets))
            .transpose()?,
    })
}

fn expect(node: &Node) -> Result<Expect> {
    let fields = Fields::new(node, "`expect`", &[EXPECT])?;
    let positive = |key| {
        let node = fields.need(key)?;
        match fields::count(node)? {
            0 => Err(node.error(format!("`{key}` is at least 1"))),
            count => Ok(count),
        }
    };
    Ok(Expect {
        examined_at_least: positive("examined_at_least")?,
        within_cycles: positive("within_cycles")?,
    })
}

fn when(node: &Node, facets: &Facets) -> Result<When> {
    let fields = Fields::new(node, "`when`", &[WHEN])?;
    let after = fields.need("after")?;
    let facet = facets.need(after)?.ask();
    if !facet.columns.iter().any(|column| column.name() == "id") {
        return Err(after.error(format!(
            "`{}` has no `id` that tells one event from the next",
            facet.facet
        )));
    }
    let delay = fields.duration("delay")?.unwrap_or(Duration::ZERO);
    let within = fields
        .duration("within")?
        .unwrap_or(Duration::from_secs(300));
    if delay >= within {
        return Err(node.error("`delay` is not shorter than `within`, so there is no time to look"));
    }
    Ok(When {
        facet: facet.facet.clone(),
        delay,
        within,
    })
}
