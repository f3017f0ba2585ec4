use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::fields;
use super::is_name;
use super::node::{Entry, Node, Result};
use super::placeholders;
use super::source::SourceRule;
use super::spots::Spots;
use crate::nearest::{hint, slip};
use crate::{Ask, Column, Kind, Setting};

/// Something that is read, as the rule set says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FacetRule {
    ask: Ask,
    source: String,
    period: Option<Duration>,
    round: usize,
    spots: Spots,
}

impl FacetRule {
    /// What its source is asked for.
    pub fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The name of the source that is asked.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// How often its writer writes it.
    pub fn period(&self) -> Option<Duration> {
        self.period
    }

    /// Whether its answer is a number, and no rows.
    pub(crate) fn is_count(&self) -> bool {
        matches!(self.ask.settings.get("as"), Some(Setting::Text(form)) if form == "count")
    }

    /// Whether both ask the same of the same source, whatever they are called.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let (one, other) = ((&self.ask, &self.source), (&other.ask, &other.source));
        (&one.0.settings, &one.0.columns, one.1) == (&other.0.settings, &other.0.columns, other.1)
    }

    /// What is of the same round does not need each other: it may be asked for together.
    pub fn round(&self) -> usize {
        self.round
    }

    pub(super) fn spots(&self) -> &Spots {
        &self.spots
    }

    /// The facet that has to be read before, whose rows say what to ask for.
    pub fn over(&self) -> Option<&str> {
        self.ask.after().first().copied()
    }

    /// What a column of its answer holds; none if it has no such column.
    pub(crate) fn kind(&self, column: &str) -> Option<Kind> {
        let columns = self.ask.columns.iter();
        let mut found = columns.filter(|one| one.name() == column);
        found.next().map(Column::kind)
    }

    /// Whether its answer has such a column.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.ask.columns.iter().any(|one| one.name() == column)
    }
}

/// The keys that mean the same for every source. `source`, `columns` and `period` stay here, the others go to the source as well.
const COMMON: &[&str] = &[
    "source", "columns", "period", "query", "id", "born", "subject", "subjects", "each", "as",
];

const OURS: &[&str] = &["source", "columns", "period"];
const KINDS: &[&str] = &["text", "int", "time", "bool", "any"];

/// The facets, and where they and the sources stand in the file.
pub(crate) struct Facets {
    facets: Vec<FacetRule>,
    sources: Vec<SourceRule>,
    /// From one cycle to the next.
    interval: Duration,
    /// The names that were asked for since somebody took them.
    asked: RefCell<BTreeSet<String>>,
}

impl Facets {
    /// What has been asked for since the last time, with all that it stands on.
    pub(super) fn take_asked(&self) -> BTreeSet<String> {
        let mut all = self.asked.take();
        let mut next: Vec<String> = all.iter().cloned().collect();
        while let Some(name) = next.pop() {
            let over = self.find(&name).and_then(FacetRule::over);
            next.extend(
                over.filter(|over| all.insert((*over).to_owned()))
                    .map(str::to_owned),
            );
        }
        all
    }

    /// Without those, in an order in which each finds what it needs read before.
    pub(super) fn in_order(self, idle: &BTreeSet<String>) -> Vec<FacetRule> {
        let mut facets = self.facets;
        facets.retain(|facet| !idle.contains(&facet.ask.facet));
        facets.sort_by_key(|facet| facet.round);
        facets
    }

    /// How often a cycle begins: what has to be seen twice is seen so far apart.
    pub(crate) fn interval(&self) -> Duration {
        self.interval
    }

    pub(crate) fn get(&self, name: &str) -> Option<&FacetRule> {
        let found = self.find(name);
        if found.is_some() {
            self.asked.borrow_mut().insert(name.to_owned());
        }
        found
    }

    fn find(&self, name: &str) -> Option<&FacetRule> {
        self.facets.iter().find(|facet| facet.ask.facet == name)
    }

    /// The facet that is named here.
    pub(crate) fn need(&self, node: &Node) -> Result<&FacetRule> {
        self.named(node, node.text()?)
    }

    pub(crate) fn named(&self, node: &Node, name: &str) -> Result<&FacetRule> {
        let names = || self.facets.iter().map(|facet| &*facet.ask.facet);
        let unknown = || node.error(format!("there is no facet `{name}`{}", hint(name, names())));
        self.get(name).ok_or_else(unknown)
    }

    /// All sources that have a part in a facet: its own, and those of the facets whose rows say what to ask for.
    pub(crate) fn sources_of(&self, facet: &FacetRule) -> Vec<&SourceRule> {
        let mut sources = Vec::new();
        let mut next = Some(facet);
        while let Some(facet) = next {
            sources.extend(
                self.sources
                    .iter()
                    .find(|source| source.name() == facet.source),
            );
            next = facet.over().and_then(|name| self.find(name));
        }
        sources
    }
}

pub(super) fn read(
    node: Option<&Node>,
    sources: &[SourceRule],
    interval: Duration,
) -> Result<Facets> {
    let entries = node.map(Node::entries).transpose()?.unwrap_or_default();
    let facets: Vec<_> = entries
        .iter()
        .map(|entry| facet(entry, sources))
        .collect::<Result<_>>()?;
    let mut all = Facets {
        facets,
        sources: sources.to_vec(),
        interval,
        asked: RefCell::default(),
    };
    rounds(&mut all, entries)?;
    for (entry, facet) in entries.iter().zip(&all.facets) {
        let over = facet.over().and_then(|over| all.find(over));
        let source = sources.iter().find(|one| one.name() == facet.source);
        placeholders::check(entry, source.is_some_and(is_sql), over)?;
    }
    Ok(all)
}

fn facet(entry: &Entry, sources: &[SourceRule]) -> Result<FacetRule> {
    if !is_name(&entry.key) {
        let message = format!(
            "`{}`: a name is made of letters, digits and `. - _`",
            entry.key
        );
        return Err(entry.place.error(message));
    }
    for key in entry.node.entries()? {
        // What else there is belongs to the source, but a slip is a slip.
        if let Some(meant) = slip(&key.key, COMMON) {
            let message = format!("a facet has no key `{}`; did you mean `{meant}`?", key.key);
            return Err(key.place.error(message));
        }
    }
    let source = source(entry, sources)?;
    query(entry, source)?;
    let period = entry.node.get("period").map(fields::duration);
    Ok(FacetRule {
        ask: Ask {
            facet: entry.key.clone(),
            columns: columns(entry)?,
            settings: entry.node.settings(OURS)?,
            only: None,
        },
        source: source.name().to_owned(),
        period: period.transpose()?,
        round: 0,
        spots: Spots::of(&entry.node),
    })
}

fn source<'s>(entry: &Entry, sources: &'s [SourceRule]) -> Result<&'s SourceRule> {
    let missing = || entry.node.error("`source` is missing: whom to ask");
    let node = entry.node.get("source").ok_or_else(missing)?;
    let name = node.text()?;
    let found = sources.iter().find(|source| source.name() == name);
    found.ok_or_else(|| {
        let hint = hint(name, sources.iter().map(SourceRule::name));
        node.error(format!("there is no source `{name}`{hint}"))
    })
}

/// The columns of the answer: whose it is, what it is, since when, when it was read, and what else is asked for.
fn columns(entry: &Entry) -> Result<Vec<Column>> {
    let node = &entry.node;
    let has = |key| node.get(key).is_some();
    let whose = [has("subject"), has("subjects"), has("each")];
    if whose.iter().filter(|yes| **yes).count() > 1 {
        return Err(node.error("`subject`, `subjects` and `each` exclude each other"));
    }
    let mut columns = Vec::new();
    if whose.contains(&true) {
        columns.push(Column::new("subject", Kind::Text));
    }
    columns.extend(answer(node)?);
    if has("each") {
        columns.push(Column::new("read_at", Kind::Time));
    }
    for extra in node
        .get("columns")
        .map(Node::entries)
        .transpose()?
        .unwrap_or_default()
    {
        let kinds = [Kind::Text, Kind::Int, Kind::Time, Kind::Bool, Kind::Any];
        let kind = kinds[fields::one_of(&extra.node, KINDS)?];
        if columns.iter().any(|column| column.name() == extra.key) {
            let message = format!("the answer has a column `{}` by itself", extra.key);
            return Err(extra.place.error(message));
        }
        columns.push(Column::new(&*extra.key, kind));
    }
    Ok(columns)
}

/// What the answer has by itself.
fn answer(node: &Node) -> Result<Vec<Column>> {
    let form = node
        .get("as")
        .map(|form| fields::one_of(form, &["rows", "stamp", "count"]));
    let id = Column::new("id", Kind::Text);
    Ok(match form.transpose()?.unwrap_or(0) {
        1 => vec![Column::new("stamp", Kind::Time)],
        2 => vec![Column::new("count", Kind::Int)],
        _ if node.get("born").is_some() => vec![id, Column::new("born", Kind::Time)],
        _ => vec![id],
    })
}

fn is_sql(source: &SourceRule) -> bool {
    matches!(source.kind(), "sqlite" | "postgres")
}

/// A query that text of tenants could become part of is refused.
fn query(entry: &Entry, source: &SourceRule) -> Result {
    let sql = is_sql(source);
    if let Some(query) = entry.node.get("query") {
        for part in query.several() {
            let text = part.text()?;
            if sql && text.contains(['{', '}']) {
                let message = "values go into SQL as parameters, such as `:subject`, and never as text in braces";
                return Err(part.error(message));
            }
        }
    }
    shell(entry, source)
}

/// A shell makes a program out of what it is given.
fn shell(entry: &Entry, source: &SourceRule) -> Result {
    let mut argv: Vec<&str> = Vec::new();
    if let Some(Setting::List(words)) = source.settings().get("argv") {
        argv.extend(words.iter().filter_map(|word| match word {
            Setting::Text(word) => Some(&**word),
            _ => None,
        }));
    }
    let own = entry.node.get("args").or_else(|| entry.node.get("query"));
    for word in own.map(Node::several).unwrap_or_default() {
        argv.push(word.text()?);
    }
    let is_shell = |word: &&str| {
        matches!(
            word.rsplit('/').next(),
            Some("sh" | "bash" | "dash" | "zsh" | "ash")
        )
    };
    let shell = argv.iter().take(4).any(is_shell) && argv.contains(&"-c");
    if source.kind() == "command" && shell && argv.iter().any(|word| word.contains('{')) {
        let message = "a value would become part of a shell's program: name the program itself";
        return Err(own.unwrap_or(&entry.node).error(message));
    }
    Ok(())
}

/// Gives each facet its round; what needs itself is refused.
fn rounds(all: &mut Facets, entries: &[Entry]) -> Result {
    let mut round: BTreeMap<String, usize> = BTreeMap::new();
    for entry in entries {
        let mut path = BTreeSet::new();
        depth(all, entry, entries, &mut path, &mut round)?;
    }
    for facet in &mut all.facets {
        facet.round = round[&facet.ask.facet];
    }
    Ok(())
}

fn depth(
    all: &Facets,
    entry: &Entry,
    entries: &[Entry],
    path: &mut BTreeSet<String>,
    rounds: &mut BTreeMap<String, usize>,
) -> Result<usize> {
    if let Some(round) = rounds.get(&entry.key) {
        return Ok(*round);
    }
    if !path.insert(entry.key.clone()) {
        let message = format!("facet `{}` would have to be read before itself", entry.key);
        return Err(entry.place.error(message));
    }
    let over = entry
        .node
        .get("each")
        .or_else(|| entry.node.get("subjects"));
    let round = match over {
        None => 0,
        Some(node) => {
            let needed = &all.need(node)?.ask;
            if !needed.columns.iter().any(|column| column.name() == "id") {
                return Err(node.error(format!("`{}` has no rows with an `id`", needed.facet)));
            }
            let next = entries.iter().find(|one| one.key == needed.facet);
            let next = next.ok_or_else(|| node.error("there is no such facet"))?;
            depth(all, next, entries, path, rounds)? + 1
        }
    };
    rounds.insert(entry.key.clone(), round);
    Ok(round)
}
