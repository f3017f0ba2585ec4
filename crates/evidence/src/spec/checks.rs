//! From the table of a rule to its check.

use super::artifact::reason;
use super::check::{Absent, Bound, Check, Comparison, Condition, Series, Trend};
use super::context::Context;
use super::operand::{self, Op, Type};
use super::selector::Path;
use super::table::{Item, Result, Table};
use crate::nearest::choice;
use crate::outcome::FailureKind;

/// Keys that every rule may have.
pub(crate) const COMMON: [&str; 8] = [
    "id",
    "for",
    "check",
    "after",
    "why",
    "otherwise",
    "allow_empty",
    "min_matches",
];

type Read = for<'s> fn(&Table<'s>, &Context<'_, 's>) -> Result<Check>;

/// A check's name, its own keys, and whether it examines many things, so that `allow_empty` means something.
pub(crate) struct Form {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [&'static str],
    pub(crate) many: bool,
    read: Read,
}

const fn one(name: &'static str, keys: &'static [&'static str], read: Read) -> Form {
    Form {
        name,
        keys,
        many: false,
        read,
    }
}

const fn many(name: &'static str, keys: &'static [&'static str], read: Read) -> Form {
    Form {
        name,
        keys,
        many: true,
        read,
    }
}

pub(crate) const FORMS: [Form; 25] = [
    one("cmp", &["left", "op", "right"], |table, context| {
        Ok(Check::Cmp(comparison(table, context)?))
    }),
    one("when", &["if", "then"], when),
    one("eq", &["at", "value", "on_absent"], eq),
    one("one_of", &["at", "values", "on_absent"], one_of),
    one("absent", &["at"], |table, context| {
        let at = context.selector(table.need("at")?)?;
        Ok(Check::Absent { at })
    }),
    many("each_matches", &["at", "regex"], each_matches),
    many("each_typed", &["at", "type", "min_count"], each_typed),
    one("row", &["rows", "fields", "equals"], row),
    one("some_row", &["rows", "where", "newer", "older"], some_row),
    many("no_row", &["rows", "where"], no_row),
    many("row_sum", &["rows", "parts", "total"], row_sum),
    one("flat", &["series", "at", "type"], |table, context| {
        series(Trend::Flat, table, context)
    }),
    one("increasing", &["series", "at", "type"], |table, context| {
        series(Trend::Increasing, table, context)
    }),
    one("monotonic", &["series", "at", "type"], |table, context| {
        series(Trend::Monotonic, table, context)
    }),
    one(
        "interval",
        &["series", "at", "type", "min", "max"],
        interval,
    ),
    one(
        "run_length",
        &[
            "rows", "field", "op", "right", "type", "at_least", "at_most",
        ],
        run_length,
    ),
    one(
        "group",
        &["rows", "by", "sum", "op", "right", "type"],
        group,
    ),
    one("distinct", &["tuples"], distinct),
    one("same", &["left", "right", "ignore"], same),
    many("same_set", &["sets"], same_set),
    many(
        "project",
        &["rows", "having", "key", "val", "equals"],
        project,
    ),
    one("matches", &["text", "regex"], |table, context| {
        let (text, regex) = pattern(table, context)?;
        Ok(Check::Matches { text, regex })
    }),
    one("not_matches", &["text", "regex"], |table, context| {
        let (text, regex) = pattern(table, context)?;
        Ok(Check::NotMatches { text, regex })
    }),
    one("prefix", &["short", "long", "min_length"], prefix),
    one("sha256", &["of", "equals"], sha256),
];

/// Checks of the bundle's list of files.
pub(crate) const LISTING: [Form; 2] = [
    many("files", &["files", "max_matches", "equals"], files),
    one("veto", &["files"], |table, context| {
        let glob = context.text(table.need("files")?)?;
        Ok(Check::Veto { glob })
    }),
];

pub(crate) fn forms() -> impl Iterator<Item = &'static Form> + Clone {
    FORMS.iter().chain(&LISTING)
}

/// Reads the check of a rule, and refuses keys that it does not have.
pub(crate) fn read<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let item = table.need("check")?;
    let name = item.text()?;
    let Some(form) = forms().find(|form| form.name == name) else {
        let known = forms().map(|form| form.name);
        let choice = choice(name, known);
        return Err(item.error(format!("there is no check `{name}`{choice}")));
    };
    let keys = [&COMMON[..], form.keys].concat();
    table.only(&format!("a rule with the check `{name}`"), &keys)?;
    let bounded = ["allow_empty", "min_matches"];
    if let Some(key) = bounded.iter().find(|key| !form.many && table.has(key)) {
        let message = format!("`{key}` goes with checks of many values, and `{name}` is none");
        return Err(table.error(message));
    }
    (form.read)(table, context)
}

/// How many matches it takes to have examined anything.
fn least(table: &Table<'_>) -> Result<usize> {
    let given = ["min_matches", "min_count"].map(|key| table.get(key));
    match (given, table.get("allow_empty")) {
        ([None, None], None) => Ok(1),
        ([None, None], Some(why)) => reason(why).map(|_| 0),
        ([Some(count), None] | [None, Some(count)], None) => match count.count()? {
            0 => Err(count.error(
                "nothing examined proves nothing; if that is meant, `allow_empty` says why",
            )),
            least => Ok(least),
        },
        _ => Err(table.error("one of `min_matches` and `allow_empty`")),
    }
}

fn comparison<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Comparison> {
    let op = Op::parse(table.need("op")?)?;
    let (left, right) = operand::pair(table.need("left")?, op, table.need("right")?, context)?;
    Ok(Comparison { left, op, right })
}

fn when<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let part = |key| {
        let table = table.need(key)?.table()?;
        table.only("a comparison", &["left", "op", "right"])?;
        comparison(&table, context).map(Box::new)
    };
    Ok(Check::When {
        when: part("if")?,
        then: part("then")?,
    })
}

fn absent(table: &Table<'_>) -> Result<Absent> {
    let Some(item) = table.get("on_absent") else {
        return Ok(Absent::Fails);
    };
    match item.text()? {
        "fail" => Ok(Absent::Fails),
        "pass" if table.has("why") => Ok(Absent::Passes),
        "pass" => Err(item.error("`on_absent = \"pass\"` needs a `why`")),
        other => Err(item.error(format!("`{other}`: `on_absent` is `fail` or `pass`"))),
    }
}

fn eq<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    Ok(Check::OneOf {
        at: context.selector(table.need("at")?)?,
        values: vec![context.literal(table.need("value")?)?],
        absent: absent(table)?,
        kind: FailureKind::NotEqual,
    })
}

fn one_of<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let item = table.need("values")?;
    let values: Vec<_> = item
        .list()?
        .map(|item| context.literal(item))
        .collect::<Result<_>>()?;
    if values.is_empty() {
        return Err(item.error("no value is one of none"));
    }
    Ok(Check::OneOf {
        at: context.selector(table.need("at")?)?,
        values,
        absent: absent(table)?,
        kind: FailureKind::NotOneOf,
    })
}

fn each_matches<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    Ok(Check::EachMatches {
        at: context.selector(table.need("at")?)?,
        regex: context.regex(table.need("regex")?)?,
        least: least(table)?,
    })
}

fn each_typed<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    Ok(Check::EachTyped {
        at: context.selector(table.need("at")?)?,
        ty: Type::parse(table.need("type")?)?,
        least: least(table)?,
    })
}

fn row<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let mut fields = Vec::new();
    if let Some(item) = table.get("fields") {
        for (path, ty) in item.table()?.entries() {
            fields.push((field(ty, path, context)?, path.to_owned(), Type::parse(ty)?));
        }
    }
    let equals = table
        .get("equals")
        .map(|item| conditions(item, context))
        .transpose()?;
    Ok(Check::Row {
        rows: context.selector(table.need("rows")?)?,
        fields,
        equals: equals.unwrap_or_default(),
    })
}

/// A path from a row to one value.
fn field<'s>(item: Item<'s>, text: &str, context: &Context<'_, 's>) -> Result<Path> {
    let path = context.path_of(item, text)?;
    if path.has_branches() {
        return Err(item.error("a field is one value: no wildcards here"));
    }
    Ok(path)
}

fn key<'s>(table: &Table<'s>, name: &str, context: &Context<'_, 's>) -> Result<Path> {
    let item = table.need(name)?;
    field(item, item.text()?, context)
}

fn conditions<'s>(item: Item<'s>, context: &Context<'_, 's>) -> Result<Vec<Condition>> {
    let condition = |(path, value): (&str, Item<'s>)| {
        Ok(Condition {
            path: field(value, path, context)?,
            text: path.to_owned(),
            value: context.literal(value)?,
        })
    };
    let all: Vec<_> = item
        .table()?
        .entries()
        .map(condition)
        .collect::<Result<_>>()?;
    if all.is_empty() {
        return Err(item.error("a condition that every row meets is none"));
    }
    Ok(all)
}

fn some_row<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let mut window = Vec::new();
    for (key, op) in [("newer", Op::Greater), ("older", Op::Less)] {
        if let Some(item) = table.get(key) {
            window.push(bound(item, op, context)?);
        }
    }
    let given = table
        .get("where")
        .map(|item| conditions(item, context))
        .transpose()?;
    if given.is_none() && window.is_empty() {
        return Err(table.error("say which row: `where`, `newer` or `older`"));
    }
    Ok(Check::SomeRow {
        rows: context.selector(table.need("rows")?)?,
        conditions: given.unwrap_or_default(),
        window,
    })
}

fn bound<'s>(item: Item<'s>, op: Op, context: &Context<'_, 's>) -> Result<Bound> {
    let table = item.table()?;
    table.only("a bound in time", &["field", "than"])?;
    let than = table.need("than")?;
    let than = if than.is_text() {
        operand::Operand {
            from: operand::From::At(context.selector(than)?),
            ty: Type::Time,
            mul: None,
            add: None,
        }
    } else {
        operand::against(than, Type::Time, context)?
    };
    let field = key(&table, "field", context)?;
    Ok(Bound { field, op, than })
}

fn no_row<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    Ok(Check::NoRow {
        rows: context.selector(table.need("rows")?)?,
        conditions: conditions(table.need("where")?, context)?,
        least: least(table)?,
    })
}

fn row_sum<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    Ok(Check::RowSum {
        rows: context.selector(table.need("rows")?)?,
        parts: context.path(table.need("parts")?)?,
        total: key(table, "total", context)?,
        least: least(table)?,
    })
}

fn series<'s>(trend: Trend, table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let series = match (table.get("series"), table.get("at")) {
        (Some(item), None) => Series::Operands(operand::series(item, context)?),
        (None, Some(at)) => {
            Series::Values(context.selector(at)?, Type::parse(table.need("type")?)?)
        }
        _ => return Err(table.error("either `series`, or `at` with `type`")),
    };
    let ty = match &series {
        Series::Operands(operands) => operands.first().map_or(Type::Any, |first| first.ty),
        Series::Values(_, ty) => *ty,
    };
    if trend != Trend::Flat && matches!(ty, Type::Any | Type::Bool) {
        return Err(table.error("to order values, the series needs a `type`"));
    }
    Ok(Check::Series { trend, series })
}

fn interval<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let (min, max) = (table.need("min")?.float()?, table.need("max")?.float()?);
    if min > max {
        return Err(table.error("no interval is at least `min` and at most `max`"));
    }
    let check = series(Trend::Interval(min, max), table, context)?;
    let text = match &check {
        Check::Series {
            series: Series::Values(_, ty),
            ..
        } => *ty == Type::String,
        Check::Series {
            series: Series::Operands(all),
            ..
        } => all.iter().any(|o| o.ty == Type::String),
        _ => false,
    };
    match text {
        true => Err(table.error("texts have no interval; give a number or a time")),
        false => Ok(check),
    }
}

fn run_length<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let ty = Type::parse(table.need("type")?)?;
    let count = |key| table.get(key).map(Item::count).transpose();
    let (at_least, at_most) = (count("at_least")?, count("at_most")?);
    if at_least.is_none() && at_most.is_none() {
        return Err(table.error("`at_least` or `at_most` says how many in a row"));
    }
    Ok(Check::RunLength {
        rows: context.selector(table.need("rows")?)?,
        field: key(table, "field", context)?,
        op: Op::parse(table.need("op")?)?,
        right: operand::against(table.need("right")?, ty, context)?,
        at_least,
        at_most,
    })
}

fn group<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let ty = Type::parse(table.need("type")?)?;
    if !matches!(ty, Type::U64 | Type::I64) {
        return Err(table
            .need("type")?
            .error("a sum over a group is of integers"));
    }
    Ok(Check::Group {
        rows: context.selector(table.need("rows")?)?,
        by: key(table, "by", context)?,
        sum: key(table, "sum", context)?,
        op: Op::parse(table.need("op")?)?,
        right: operand::against(table.need("right")?, ty, context)?,
    })
}

fn distinct<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let item = table.need("tuples")?;
    let tuple = |item: Item<'s>| item.list()?.map(|item| context.selector(item)).collect();
    let tuples: Vec<Vec<_>> = item.list()?.map(tuple).collect::<Result<_>>()?;
    let width = tuples.first().map_or(0, Vec::len);
    let even = width > 0 && tuples.len() > 1 && tuples.iter().all(|tuple| tuple.len() == width);
    even.then_some(Check::Distinct { tuples })
        .ok_or_else(|| item.error("at least two tuples of one length"))
}

fn same<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let ignored = |item: Item<'s>| {
        let path = context.path(item)?.keys().filter(|keys| !keys.is_empty());
        path.ok_or_else(|| item.error("a path to ignore is made of keys alone"))
    };
    let ignore = match table.get("ignore") {
        None => Vec::new(),
        Some(item) => item.list()?.map(ignored).collect::<Result<_>>()?,
    };
    Ok(Check::Same {
        left: context.selector(table.need("left")?)?,
        right: context.selector(table.need("right")?)?,
        ignore,
    })
}

fn same_set<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let item = table.need("sets")?;
    let sets: Vec<_> = item
        .list()?
        .map(|item| context.selector(item))
        .collect::<Result<_>>()?;
    if sets.len() < 2 {
        return Err(item.error("at least two sets"));
    }
    let least = least(table)?;
    Ok(Check::SameSet { sets, least })
}

fn project<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    Ok(Check::Project {
        rows: context.selector(table.need("rows")?)?,
        having: key(
            table,
            if table.has("having") { "having" } else { "key" },
            context,
        )?,
        key: key(table, "key", context)?,
        val: key(table, "val", context)?,
        equals: context.selector(table.need("equals")?)?,
        least: least(table)?,
    })
}

fn pattern<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<(u32, regex::Regex)> {
    let text = context.text_artifact(table.need("text")?)?;
    Ok((text, context.regex(table.need("regex")?)?))
}

fn prefix<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    let least = table.get("min_length").map(Item::count).transpose()?;
    Ok(Check::Prefix {
        short: operand::single(table.need("short")?, Type::String, context)?,
        long: operand::single(table.need("long")?, Type::String, context)?,
        least: least.unwrap_or(1).max(1),
    })
}

fn sha256<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    Ok(Check::Sha256 {
        of: context.any_artifact(table.need("of")?)?,
        equals: operand::against(table.need("equals")?, Type::String, context)?,
    })
}

fn files<'s>(table: &Table<'s>, context: &Context<'_, 's>) -> Result<Check> {
    Ok(Check::Files {
        glob: context.text(table.need("files")?)?,
        least: least(table)?,
        most: table.get("max_matches").map(Item::count).transpose()?,
        equals: table
            .get("equals")
            .map(|item| context.selector(item))
            .transpose()?,
    })
}
