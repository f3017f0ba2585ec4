//! From the tables of a spec to all its artifacts and rules: `for` multiplies them.

use std::collections::HashMap;

use super::Unread;
use super::artifact::{Artifact, named, reason};
use super::check::Check;
use super::context::{Context, Patterns};
use super::fill::{Fill, is_name};
use super::params::Params;
use super::rule::{Named, Rule};
use super::selector::Names;
use super::table::{Item, Page, Result, Table};
use super::waiver::Waiver;
use crate::nearest::hint;

/// How many artifacts and rules a spec may have.
const MAX_ENTRIES: usize = 1_000_000;

const KEYS: [&str; 8] = [
    "schema", "id", "params", "sets", "files", "artifact", "rule", "waiver",
];

pub(super) struct Expansion {
    pub(super) id: String,
    pub(super) params: Params,
    pub(super) artifacts: Vec<Artifact>,
    pub(super) rules: Vec<Rule>,
    pub(super) numbers: HashMap<String, u32>,
    pub(super) waivers: HashMap<u32, Waiver>,
    pub(super) unread: Unread,
}

type Sets<'s> = HashMap<&'s str, Vec<&'s str>>;

impl Expansion {
    pub(super) fn read(page: Page<'_>, chosen: &[(String, String)]) -> Result<Self> {
        let document = page.parse()?;
        let root = Table::root(page, &document);
        root.only("a spec", &KEYS)?;
        let schema = root.need("schema")?;
        if schema.integer()? != 1 {
            return Err(schema.error("this reads schema 1 of the language"));
        }
        let declared = root.get("params").map(Item::table).transpose()?;
        let params = Params::read(declared.clone(), chosen)?;
        let mut fill = Fill::default();
        let names = declared.iter().flat_map(Table::entries);
        params.fill(names.map(|(name, _)| name), &mut fill);
        let sets = sets(&root)?;
        let (artifacts, ids) = artifacts(&root, &fill, &sets)?;
        let (rules, numbers) = rules(&root, &fill, &sets, &params, &artifacts, &ids)?;
        Ok(Self {
            id: fill.text(root.need("id")?)?,
            waivers: waivers(&root, &numbers)?,
            unread: unread(&root)?,
            params,
            artifacts,
            rules,
            numbers,
        })
    }
}

fn sets<'s>(root: &Table<'s>) -> Result<Sets<'s>> {
    let mut sets = Sets::new();
    let table = root.get("sets").map(Item::table).transpose()?;
    for (name, item) in table.iter().flat_map(Table::entries) {
        sets.insert(name, members(item)?);
    }
    Ok(sets)
}

fn members<'s>(item: Item<'s>) -> Result<Vec<&'s str>> {
    let members: Vec<_> = item.list()?.map(Item::text).collect::<Result<_>>()?;
    let mut sorted = members.clone();
    sorted.sort_unstable();
    if sorted.is_empty() {
        return Err(item.error("a set of nothing makes rules that are never judged"));
    }
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(item.error(format!("`{}` is in the set twice", pair[0]))),
        None => Ok(members),
    }
}

/// Calls `each` for every combination of the variables of `for`, the last one fastest.
fn multiply<'s>(
    table: &Table<'s>,
    fill: &Fill<'s>,
    sets: &Sets<'s>,
    each: &mut dyn FnMut(&Fill<'s>) -> Result,
) -> Result {
    let Some(item) = table.get("for") else {
        return each(fill);
    };
    let variables: Vec<_> = item.table()?.entries().collect();
    let mut lists = Vec::new();
    for (name, item) in &variables {
        if !is_name(name) || fill.has(name) {
            return Err(item.error(format!("`{name}` is no free name for a variable")));
        }
        lists.push(values(*item, sets)?);
    }
    let total = lists.iter().map(Vec::len).fold(1, usize::saturating_mul);
    if total > MAX_ENTRIES {
        return Err(item.error(format!(
            "this makes {total} entries; {MAX_ENTRIES} are allowed"
        )));
    }
    for number in 0..total {
        let mut fill = fill.clone();
        let mut rest = number;
        for ((name, _), list) in variables.iter().zip(&lists).rev() {
            fill.set(name, list[rest % list.len()]);
            rest /= list.len();
        }
        each(&fill)?;
    }
    Ok(())
}

fn values<'s>(item: Item<'s>, sets: &Sets<'s>) -> Result<Vec<&'s str>> {
    if !item.is_text() {
        return members(item);
    }
    let name = item.text()?;
    sets.get(name).cloned().ok_or_else(|| {
        let mut known: Vec<&str> = sets.keys().copied().collect();
        known.sort_unstable();
        item.error(format!("there is no set `{name}`{}", hint(name, known)))
    })
}

type Numbers = HashMap<String, u32>;

/// The number of a new entry; an error if its id is taken.
fn number(numbers: &mut Numbers, id: &str, what: &str, table: &Table<'_>) -> Result<u32> {
    let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
    if numbers.len() >= MAX_ENTRIES {
        return Err(table.error(format!("more than {MAX_ENTRIES} of them")));
    }
    match numbers.insert(id.to_owned(), next) {
        None => Ok(next),
        Some(_) => Err(table.error(format!("there are two {what} `{id}`"))),
    }
}

fn artifacts<'s>(
    root: &Table<'s>,
    fill: &Fill<'s>,
    sets: &Sets<'s>,
) -> Result<(Vec<Artifact>, Numbers)> {
    let mut artifacts = Vec::new();
    let mut ids = Numbers::new();
    for table in root.tables("artifact")? {
        multiply(&table, fill, sets, &mut |fill| {
            let artifact = Artifact::read(&table, fill)?;
            number(&mut ids, &artifact.id, "artifacts", &table)?;
            artifacts.push(artifact);
            Ok(())
        })?;
    }
    Ok((artifacts, ids))
}

fn rules<'s>(
    root: &Table<'s>,
    fill: &Fill<'s>,
    sets: &Sets<'s>,
    params: &Params,
    artifacts: &[Artifact],
    ids: &Numbers,
) -> Result<(Vec<Rule>, Numbers)> {
    let mut numbers = Numbers::new();
    let mut rules = implied(artifacts, &mut numbers, root)?;
    let patterns = Patterns::default();
    let names = Names {
        what: "artifact",
        ids,
    };
    let mut after = Vec::new();
    for table in root.tables("rule")? {
        multiply(&table, fill, sets, &mut |fill| {
            let context = Context {
                fill,
                params,
                artifacts,
                names: &names,
                patterns: &patterns,
            };
            let Named { rule, after: named } = Rule::read(&table, &context)?;
            number(&mut numbers, &rule.id, "rules", &table)?;
            rules.push(rule);
            after.push(named);
            Ok(())
        })?;
    }
    let own = rules.len() - after.len();
    for (rule, named) in rules[own..].iter_mut().zip(after) {
        rule.after = prerequisites(&rule.check, named, artifacts.len(), &numbers)?;
    }
    Ok((rules, numbers))
}

/// Each artifact has to be there, and to be what it should be.
fn implied(artifacts: &[Artifact], numbers: &mut Numbers, root: &Table<'_>) -> Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for (at, artifact) in (0..).zip(artifacts) {
        let check = Check::Present(at);
        rules.push(Rule::implied("present", &artifact.id, artifact.at, check));
    }
    for (at, artifact) in (0..).zip(artifacts) {
        let mut rule = Rule::implied("parse", &artifact.id, artifact.at, Check::Parse(at));
        rule.after.push(at);
        rules.push(rule);
    }
    for rule in &rules {
        number(numbers, &rule.id, "rules", root)?;
    }
    Ok(rules)
}

/// What the rule names, and that the artifacts it reads could be read.
fn prerequisites(
    check: &Check,
    named: Vec<(Item<'_>, String)>,
    artifacts: usize,
    numbers: &Numbers,
) -> Result<Vec<u32>> {
    let names = Names {
        what: "rule",
        ids: numbers,
    };
    let parsed = u32::try_from(artifacts).unwrap_or(u32::MAX);
    let mut after: Vec<u32> = check.artifacts().iter().map(|at| at + parsed).collect();
    for (item, name) in named {
        let number = names.find(item, &name)?;
        if !after.contains(&number) {
            after.push(number);
        }
    }
    Ok(after)
}

fn waivers(root: &Table<'_>, numbers: &Numbers) -> Result<HashMap<u32, Waiver>> {
    let names = Names {
        what: "rule",
        ids: numbers,
    };
    let mut waivers = HashMap::new();
    for table in root.tables("waiver")? {
        let (item, waiver) = Waiver::read(&table)?;
        let rule = names.find(item, item.text()?)?;
        if waivers.insert(rule, waiver).is_some() {
            return Err(item.error("this rule has two waivers"));
        }
    }
    Ok(waivers)
}

fn unread(root: &Table<'_>) -> Result<Unread> {
    let Some(item) = root.get("files") else {
        return Ok(Unread::Fails(Vec::new()));
    };
    let table = item.table()?;
    table.only("`files`", &["unread", "ignore", "why"])?;
    reason(table.need("why")?)?;
    let fails = match table.get("unread") {
        None => true,
        Some(item) => named(
            item,
            "way with unread files",
            &[("fail", true), ("allow", false)],
        )?,
    };
    let ignore = match table.get("ignore") {
        None => Vec::new(),
        Some(item) => item
            .list()?
            .map(|item| item.text().map(str::to_owned))
            .collect::<Result<_>>()?,
    };
    Ok(if fails {
        Unread::Fails(ignore)
    } else {
        Unread::Allowed
    })
}
