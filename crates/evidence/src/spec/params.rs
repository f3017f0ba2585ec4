//! Parameters: typed, with a default and bounds.

use std::cmp::Ordering;
use std::fmt;

use super::fill::{Fill, is_name};
use super::operand::Type;
use super::selector::Literal;
use super::table::{Item, Result, Table};
use crate::error::Error;
use crate::json::{Number, Value, quote};
use crate::nearest::hint;

/// A value that whoever runs the spec may choose within bounds.
#[derive(Clone, Debug)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) ty: Type,
    /// As JSON.
    pub(crate) value: String,
    min: Option<String>,
    max: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Params(pub(crate) Vec<Param>);

impl Params {
    pub(crate) fn read(table: Option<Table<'_>>, chosen: &[(String, String)]) -> Result<Self> {
        let mut params = Vec::new();
        for (name, item) in table.iter().flat_map(Table::entries) {
            params.push(Param::read(name, item)?);
        }
        let mut params = Self(params);
        for (at, (name, value)) in chosen.iter().enumerate() {
            if chosen[..at].iter().any(|(earlier, _)| earlier == name) {
                let message = format!("parameter `{name}` is given twice; which one counts?");
                return Err(Error::usage(message));
            }
            params.choose(name, value)?;
        }
        Ok(params)
    }

    fn choose(&mut self, name: &str, value: &str) -> Result {
        let known: Vec<String> = self.0.iter().map(|param| param.name.clone()).collect();
        let Some(param) = self.0.iter_mut().find(|param| param.name == name) else {
            let hint = hint(name, known.iter().map(String::as_str));
            return Err(Error::usage(format!(
                "there is no parameter `{name}`{hint}"
            )));
        };
        let json = match param.ty {
            Type::String | Type::Time => quote(value),
            _ => value.to_owned(),
        };
        param
            .check(&json)
            .map_err(|error| Error::usage(format!("parameter `{name}`: {error}")))?;
        param.value = json;
        Ok(())
    }

    pub(crate) fn fill<'s>(&self, names: impl Iterator<Item = &'s str>, fill: &mut Fill<'s>) {
        for (name, param) in names.zip(&self.0) {
            let literal = Literal::parse(param.value.clone());
            let text = literal.map(|literal| match literal.value().string() {
                Some(text) => text.into_owned(),
                None => literal.text().to_owned(),
            });
            fill.set(name, text.unwrap_or_default());
        }
    }

    pub(crate) fn literal(&self, item: Item<'_>, name: &str) -> Result<(Literal, Type)> {
        let Some(param) = self.0.iter().find(|param| param.name == name) else {
            let hint = hint(name, self.0.iter().map(|param| &*param.name));
            return Err(item.error(format!("there is no parameter `{name}`{hint}")));
        };
        let literal = Literal::parse(param.value.clone()).map_err(|e| item.error(e))?;
        Ok((literal, param.ty))
    }
}

impl Param {
    fn read(name: &str, item: Item<'_>) -> Result<Self> {
        if !is_name(name) {
            return Err(item.error(format!(
                "`{name}`: a parameter's name is like `min_packets`"
            )));
        }
        let table = item.table()?;
        table.only("a parameter", &["type", "default", "min", "max", "why"])?;
        let ty = Type::parse(table.need("type")?)?;
        let json = |item: Item<'_>| item.json(&|_, text| Ok(text.to_owned()));
        let bound = |key| {
            let item: Option<Item<'_>> = table.get(key);
            let read = |item: Item<'_>| {
                let text = json(item)?;
                ordered(&text, ty).map_err(|error| item.error(error))?;
                Ok(text)
            };
            item.map(read).transpose()
        };
        let param = Self {
            name: name.to_owned(),
            ty,
            value: json(table.need("default")?)?,
            min: bound("min")?,
            max: bound("max")?,
        };
        param
            .check(&param.value)
            .map_err(|error| table.error(error))?;
        Ok(param)
    }

    /// The bounds, as people write them.
    fn bounds(&self) -> String {
        let bound = |word: &str, bound: &Option<String>| {
            bound
                .as_ref()
                .map_or_else(String::new, |bound| format!(", {word} {bound}"))
        };
        format!(
            "{}{}",
            bound("at least", &self.min),
            bound("at most", &self.max)
        )
    }

    fn check(&self, json: &str) -> std::result::Result<(), String> {
        let literal = Literal::parse(json.to_owned())
            .map_err(|error| format!("`{json}` is no {}: {error}", self.ty.name()))?;
        crate::engine::typed(literal.value(), self.ty)
            .map_err(|found| format!("{json} is {found}, not {}", self.ty.name()))?;
        let order = |bound: &String| {
            Ok::<_, String>(ordered(json, self.ty)?.order(ordered(bound, self.ty)?))
        };
        let least: Option<Ordering> = self.min.as_ref().map(order).transpose()?;
        let most: Option<Ordering> = self.max.as_ref().map(order).transpose()?;
        if least.is_none_or(Ordering::is_ge) && most.is_none_or(Ordering::is_le) {
            return Ok(());
        }
        Err(format!(
            "{json} is out of bounds{}",
            self.bounds().replacen(',', ":", 1)
        ))
    }
}

#[derive(Clone, Copy)]
enum Size {
    Integer(i128),
    Float(f64),
}

impl Size {
    fn order(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Integer(a), Self::Integer(b)) => a.cmp(&b),
            (a, b) => a.float().total_cmp(&b.float()),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a bound is mixed with floats only where it is one"
    )]
    fn float(self) -> f64 {
        match self {
            Self::Integer(n) => n as f64,
            Self::Float(x) => x,
        }
    }
}

impl fmt::Display for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, value, ty) = (&self.name, &self.value, self.ty.name());
        write!(f, "{name} = {value} ({ty}{})", self.bounds())
    }
}

/// A number for bounds.
fn ordered(json: &str, ty: Type) -> std::result::Result<Size, String> {
    let literal = Literal::parse(json.to_owned())?;
    match Value::number(literal.value()) {
        Some(Number::Integer(n)) => Ok(Size::Integer(n)),
        Some(Number::Float(x)) => Ok(Size::Float(x)),
        _ => Err(format!("bounds go with numbers, and this is {}", ty.name())),
    }
}
