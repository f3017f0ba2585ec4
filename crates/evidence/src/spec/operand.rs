//! One side of a comparison, with its type.

use std::fmt;

use regex::Regex;

use super::context::Context;
use super::selector::{Literal, Selector};
use super::table::{Item, Result, Table};

/// What a value must be to be compared. Nothing is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    U64,
    I64,
    Finite,
    String,
    Bool,
    Time,
    /// Any value; only equality.
    Any,
}

impl Type {
    pub(crate) const NAMES: [(&'static str, Self); 6] = [
        ("u64", Self::U64),
        ("i64", Self::I64),
        ("finite", Self::Finite),
        ("string", Self::String),
        ("bool", Self::Bool),
        ("time", Self::Time),
    ];

    pub(crate) fn parse(item: Item<'_>) -> Result<Self> {
        let name = item.text()?;
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        found.map(|(_, ty)| *ty).ok_or_else(|| {
            let known = Self::NAMES.map(|(known, _)| known);
            let hint = crate::nearest::hint(name, known);
            item.error(format!("`{name}` is no type: {}{hint}", known.join(", ")))
        })
    }

    pub(crate) fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, ty)| *ty == self);
        found.map_or("any", |(name, _)| name)
    }

    pub(crate) fn is_integer(self) -> bool {
        matches!(self, Self::U64 | Self::I64)
    }

    fn has_order(self) -> bool {
        !matches!(self, Self::Any | Self::Bool)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Op {
    const NAMES: [(&'static str, Self); 6] = [
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<", Self::Less),
        ("<=", Self::AtMost),
        (">", Self::Greater),
        (">=", Self::AtLeast),
    ];

    pub(crate) fn parse(item: Item<'_>) -> Result<Self> {
        let name = item.text()?;
        let found = Self::NAMES.iter().find(|(known, _)| *known == name);
        let known = || Self::NAMES.map(|(known, _)| known).join(" ");
        found
            .map(|(_, op)| *op)
            .ok_or_else(|| item.error(format!("`{name}` compares nothing; there are {}", known())))
    }

    pub(crate) fn name(self) -> &'static str {
        let found = Self::NAMES.iter().find(|(_, op)| *op == self);
        found.map_or("?", |(name, _)| name)
    }

    pub(crate) fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// Where an operand's value comes from.
#[derive(Debug)]
pub(crate) enum From {
    At(Selector),
    Count(Selector),
    Sum(Selector),
    Min(Selector),
    Max(Selector),
    Literal(Box<Literal>),
    Text(Box<Find>),
}

/// A capture in a text, looked for line by line.
#[derive(Debug)]
pub(crate) struct Find {
    pub(crate) artifact: u32,
    id: String,
    /// A pattern that begins a block and captures its key, and the key of the block that is meant.
    pub(crate) section: Option<(Regex, String)>,
    pub(crate) find: Regex,
}

/// A number to multiply with or to add.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Factor {
    Integer(i64),
    Float(f64),
}

#[derive(Debug)]
pub(crate) struct Operand {
    pub(crate) from: From,
    pub(crate) ty: Type,
    pub(crate) mul: Option<Factor>,
    pub(crate) add: Option<Factor>,
}

impl Operand {
    pub(crate) fn artifact(&self) -> Option<u32> {
        match &self.from {
            From::At(at) | From::Count(at) | From::Sum(at) | From::Min(at) | From::Max(at) => {
                Some(at.artifact)
            }
            From::Text(find) => Some(find.artifact),
            From::Literal(_) => None,
        }
    }

    pub(crate) fn selector(&self) -> Option<&Selector> {
        match &self.from {
            From::At(at) | From::Count(at) | From::Sum(at) | From::Min(at) | From::Max(at) => {
                Some(at)
            }
            From::Text(_) | From::Literal(_) => None,
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.from {
            From::At(at) => write!(f, "{at}")?,
            From::Count(at) => write!(f, "count of {at}")?,
            From::Sum(at) => write!(f, "sum of {at}")?,
            From::Min(at) => write!(f, "least of {at}")?,
            From::Max(at) => write!(f, "greatest of {at}")?,
            From::Literal(value) => f.write_str(value.text())?,
            From::Text(find) => write!(f, "{find}")?,
        }
        if let Some(mul) = self.mul {
            write!(f, " * {mul}")?;
        }
        self.add.map_or(Ok(()), |add| write!(f, " + {add}"))
    }
}

impl fmt::Display for Find {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "what `{}` captures in {}", self.find, self.id)?;
        let key = self.section.as_ref().map(|(_, key)| key);
        key.map_or(Ok(()), |key| write!(f, ", section {key}"))
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(n) => write!(f, "{n}"),
            Self::Float(x) => write!(f, "{x}"),
        }
    }
}

const SOURCES: [&str; 8] = ["at", "count", "sum", "min", "max", "value", "param", "text"];
const KEYS: [&str; 15] = [
    "at",
    "count",
    "sum",
    "min",
    "max",
    "value",
    "param",
    "text",
    "section",
    "key",
    "find",
    "type",
    "mul",
    "add",
    "add_param",
];

/// An operand whose type may still come from the other side.
pub(crate) struct Draft<'s> {
    table: Table<'s>,
    from: From,
    ty: Option<Type>,
}

impl<'s> Draft<'s> {
    pub(crate) fn read(item: Item<'s>, context: &Context<'_, 's>) -> Result<Self> {
        let table = item.table()?;
        table.only("an operand", &KEYS)?;
        let given: Vec<_> = SOURCES.iter().filter(|key| table.has(key)).collect();
        let [source] = given[..] else {
            let all = SOURCES.join("`, `");
            return Err(item.error(format!("an operand has exactly one of `{all}`")));
        };
        let (from, implied) = source_of(&table, source, context)?;
        let declared = table.get("type").map(Type::parse).transpose()?;
        let ty = match (declared, implied) {
            (Some(a), Some(b)) if a != b && *source == "count" => {
                return Err(item.error("a count is a `u64`"));
            }
            (declared, implied) => declared.or(implied),
        };
        Ok(Self { table, from, ty })
    }

    /// Literals take the type of the other side.
    fn firm(&self) -> Option<Type> {
        self.ty.filter(|_| !matches!(self.from, From::Literal(_)))
    }

    pub(crate) fn finish(self, ty: Type, context: &Context<'_, 's>) -> Result<Operand> {
        let Self { table, from, .. } = self;
        if let From::Literal(literal) = &from {
            crate::engine::typed(literal.value(), ty).map_err(|found| {
                table.error(format!("{} is {found}, not {}", literal.text(), ty.name()))
            })?;
        }
        let mul = factor(&table, "mul", ty)?;
        let add = match (table.get("add"), table.get("add_param")) {
            (Some(_), Some(item)) => return Err(item.error("`add` or `add_param`, not both")),
            (None, Some(item)) => Some(context.number(item, ty)?),
            (_, None) => factor(&table, "add", ty)?,
        };
        Ok(Operand { from, ty, mul, add })
    }
}

fn source_of<'s>(
    table: &Table<'s>,
    source: &str,
    context: &Context<'_, 's>,
) -> Result<(From, Option<Type>)> {
    let item = table.need(source)?;
    let textual = ["section", "key", "find"].iter().find(|key| table.has(key));
    if let Some(key) = textual.filter(|_| source != "text") {
        return Err(item.error(format!("`{key}` belongs to `text`")));
    }
    Ok(match source {
        "at" => (From::At(context.selector(item)?), None),
        "count" => (From::Count(context.selector(item)?), Some(Type::U64)),
        "sum" => (From::Sum(context.selector(item)?), None),
        "min" => (From::Min(context.selector(item)?), None),
        "max" => (From::Max(context.selector(item)?), None),
        "param" => {
            let (literal, ty) = context.param(item)?;
            (From::Literal(Box::new(literal)), Some(ty))
        }
        "value" => {
            let literal = Box::new(context.literal(item)?);
            (From::Literal(literal), literal_type(item))
        }
        _ => (From::Text(Box::new(find(table, item, context)?)), None),
    })
}

fn literal_type(item: Item<'_>) -> Option<Type> {
    match item.integer() {
        Ok(0..) => Some(Type::U64),
        Ok(_) => Some(Type::I64),
        Err(_) if item.is_float() => Some(Type::Finite),
        Err(_) if item.is_text() => Some(Type::String),
        Err(_) => item.boolean().is_ok().then_some(Type::Bool),
    }
}

fn find<'s>(table: &Table<'s>, text: Item<'s>, context: &Context<'_, 's>) -> Result<Find> {
    let artifact = context.text_artifact(text)?;
    let find = context.regex(table.need("find")?)?;
    one_capture(table.need("find")?, &find)?;
    let section = match (table.get("section"), table.get("key")) {
        (None, None) => None,
        (Some(section), Some(key)) => {
            let regex = context.regex(section)?;
            one_capture(section, &regex)?;
            Some((regex, context.text(key)?))
        }
        _ => return Err(table.error("`section` and `key` go together")),
    };
    Ok(Find {
        artifact,
        id: context.text(text)?,
        section,
        find,
    })
}

fn one_capture(item: Item<'_>, regex: &Regex) -> Result {
    match regex.captures_len() {
        2 => Ok(()),
        _ => Err(item.error(
            "the pattern needs exactly one group in parentheses: what is captured is the value",
        )),
    }
}

fn factor(table: &Table<'_>, key: &str, ty: Type) -> Result<Option<Factor>> {
    let Some(item) = table.get(key) else {
        return Ok(None);
    };
    match ty {
        Type::Finite => Ok(Some(Factor::Float(item.float()?))),
        Type::Time if key == "add" => Ok(Some(Factor::Integer(small(item)?))),
        Type::U64 | Type::I64 if item.is_integer() => Ok(Some(Factor::Integer(small(item)?))),
        Type::U64 | Type::I64 => Err(item.error("a whole number, or `type = \"finite\"`")),
        _ => Err(item.error(format!("`{key}` does not go with {}", ty.name()))),
    }
}

/// Small enough that no product of it with 64 bits overflows.
fn small(item: Item<'_>) -> Result<i64> {
    let number = i64::try_from(item.integer()?);
    number.map_err(|_| item.error("a number of 64 bits should be here"))
}

/// Two operands of one type, fit for the operator.
pub(crate) fn pair<'s>(
    left: Item<'s>,
    op: Op,
    right: Item<'s>,
    context: &Context<'_, 's>,
) -> Result<(Operand, Operand)> {
    let drafts = [Draft::read(left, context)?, Draft::read(right, context)?];
    let ty = common(&drafts, left, Type::Any)?;
    let ordered = !matches!(op, Op::Equal | Op::NotEqual);
    if ordered && !ty.has_order() {
        return Err(left.error("to order values, one side needs a `type`"));
    }
    let [left, right] = drafts;
    Ok((left.finish(ty, context)?, right.finish(ty, context)?))
}

/// Operands of one type.
pub(crate) fn series<'s>(item: Item<'s>, context: &Context<'_, 's>) -> Result<Vec<Operand>> {
    let drafts: Vec<_> = item
        .list()?
        .map(|item| Draft::read(item, context))
        .collect::<Result<_>>()?;
    if drafts.len() < 2 {
        return Err(item.error("a series has at least two operands"));
    }
    let ty = common(&drafts, item, Type::Any)?;
    let finish = |draft: Draft<'s>| draft.finish(ty, context);
    drafts.into_iter().map(finish).collect()
}

/// One operand alone; a text unless it says otherwise.
pub(crate) fn single<'s>(
    item: Item<'s>,
    default: Type,
    context: &Context<'_, 's>,
) -> Result<Operand> {
    let draft = Draft::read(item, context)?;
    let ty = draft.ty.unwrap_or(default);
    draft.finish(ty, context)
}

/// Another operand for a left side whose type is known.
pub(crate) fn against<'s>(item: Item<'s>, ty: Type, context: &Context<'_, 's>) -> Result<Operand> {
    let draft = Draft::read(item, context)?;
    match draft.firm() {
        Some(other) if other != ty => Err(item.error(format!(
            "this is {}, and is compared with {}",
            other.name(),
            ty.name()
        ))),
        _ => draft.finish(ty, context),
    }
}

fn common(drafts: &[Draft<'_>], item: Item<'_>, default: Type) -> Result<Type> {
    let mut firm = drafts.iter().filter_map(Draft::firm);
    let first = firm.next();
    if let Some((a, b)) = first.and_then(|a| firm.find(|b| *b != a).map(|b| (a, b))) {
        let message = format!(
            "{} is compared with {}; nothing is converted",
            a.name(),
            b.name()
        );
        return Err(item.error(message));
    }
    let loose = || drafts.iter().find_map(|draft| draft.ty);
    let textual = || {
        drafts
            .iter()
            .any(|draft| matches!(draft.from, From::Text(_)))
    };
    let text = || textual().then_some(Type::String);
    Ok(first.or_else(loose).or_else(text).unwrap_or(default))
}
