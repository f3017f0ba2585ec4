//! Looking at a document.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use super::strings::unescape;
use super::{Code, Doc, Kind, Nodes, Number};

/// Objects above this size get an index before two of them are compared member by member.
const INDEXED: usize = 16;

/// A value in its document.
#[derive(Clone, Copy)]
pub(crate) struct Value<'d> {
    pub(super) doc: &'d Doc,
    pub(super) at: u32,
}

impl<'d> Value<'d> {
    pub(super) fn new(doc: &'d Doc, at: u32) -> Self {
        Self { doc, at }
    }

    fn code(self) -> Code {
        self.doc.nodes.code(self.at)
    }

    pub(crate) fn kind(self) -> Kind {
        match self.code() {
            Code::Word => match self.text() {
                "null" => Kind::Null,
                "true" => Kind::True,
                _ => Kind::False,
            },
            Code::Integer => Kind::Integer,
            Code::Float => Kind::Float,
            Code::String | Code::Escaped => Kind::String,
            Code::Array => Kind::Array,
            Code::Object => Kind::Object,
        }
    }

    /// The bytes it takes up in the text.
    pub(crate) fn span(self) -> Range<usize> {
        self.doc.nodes.span(self.at)
    }

    /// As it was written.
    pub(crate) fn text(self) -> &'d str {
        self.doc.body.text().get(self.span()).unwrap_or_default()
    }

    pub(crate) fn is_container(self) -> bool {
        matches!(self.code(), Code::Array | Code::Object)
    }

    pub(crate) fn string(self) -> Option<Cow<'d, str>> {
        let text = self.text();
        let inside = || text.get(1..text.len() - 1).unwrap_or_default();
        match self.code() {
            Code::String => Some(Cow::Borrowed(inside())),
            Code::Escaped => Some(Cow::Owned(unescape(inside()))),
            _ => None,
        }
    }

    pub(crate) fn number(self) -> Option<Number<'d>> {
        match self.code() {
            Code::Integer => Some(Number::integer(self.text())),
            Code::Float => Some(Number::float(self.text())),
            _ => None,
        }
    }

    /// Elements of an array, values of an object.
    pub(crate) fn children(self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        let object = self.code() == Code::Object;
        let step = if object { 2 } else { 1 };
        self.inside().skip(step - 1).step_by(step)
    }

    /// Keys and values of an object; of anything else, nothing.
    pub(crate) fn members(self) -> impl Iterator<Item = (Cow<'d, str>, Value<'d>)> + use<'d> {
        let mut inside = self.inside();
        let object = self.code() == Code::Object;
        std::iter::from_fn(move || {
            let key = inside.next().filter(|_| object)?;
            Some((key.string()?, inside.next()?))
        })
    }

    /// All nodes one level below.
    fn inside(self) -> impl Iterator<Item = Value<'d>> + use<'d> {
        let doc = self.doc;
        let end = doc.nodes.next(self.at);
        let mut next = Nodes::first(self.at);
        std::iter::from_fn(move || {
            let value = Value::new(doc, next);
            (next < end).then(|| {
                next = doc.nodes.next(next);
                value
            })
        })
    }

    pub(crate) fn len(self) -> usize {
        self.children().count()
    }

    /// The member of that name.
    pub(crate) fn get(self, key: &str) -> Option<Value<'d>> {
        let mut members = self.members();
        members
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// The member of that name, or the element of that number, as a pointer has it.
    pub(crate) fn child(self, token: &str) -> Option<Value<'d>> {
        match self.kind() {
            Kind::Object => self.get(token),
            Kind::Array => self.children().nth(index(token)?),
            _ => None,
        }
    }

    /// Equal in type and value; the order of members does not count.
    pub(crate) fn same(self, other: Value<'_>) -> bool {
        self.difference(other, &[]).is_none()
    }

    /// Where two values first differ, as a pointer into the left one. Paths to `ignore` are lists of keys.
    pub(crate) fn difference(self, other: Value<'_>, ignore: &[Vec<String>]) -> Option<String> {
        let ignore: Vec<&[String]> = ignore.iter().map(Vec::as_slice).collect();
        differ(self, other, &ignore)
    }
}

/// An array's index in its one spelling.
fn index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with(['0', '+', '-']);
    token.parse().ok().filter(|_| plain)
}

fn differ(left: Value<'_>, right: Value<'_>, ignore: &[&[String]]) -> Option<String> {
    match (left.kind(), right.kind()) {
        (Kind::Object, Kind::Object) => objects_differ(left, right, ignore),
        (Kind::Array, Kind::Array) => arrays_differ(left, right, ignore),
        (Kind::String, Kind::String) => unequal(left.string() == right.string()),
        (Kind::Integer | Kind::Float, Kind::Integer | Kind::Float) => {
            let pair = left.number().zip(right.number());
            unequal(pair.is_some_and(|(a, b)| a.same(b)))
        }
        (a, b) => unequal(a == b),
    }
}

fn unequal(equal: bool) -> Option<String> {
    (!equal).then(String::new)
}

fn arrays_differ(left: Value<'_>, right: Value<'_>, ignore: &[&[String]]) -> Option<String> {
    let mut others = right.children();
    for (at, value) in left.children().enumerate() {
        let at = at.to_string();
        let Some(inner) = below(ignore, &at) else {
            others.next();
            continue;
        };
        match others.next() {
            None => return Some(format!("/{at}")),
            Some(other) => {
                if let Some(path) = differ(value, other, &inner) {
                    return Some(format!("/{at}{path}"));
                }
            }
        }
    }
    others.next().map(|_| format!("/{}", left.len()))
}

fn objects_differ<'d>(left: Value<'d>, right: Value<'d>, ignore: &[&[String]]) -> Option<String> {
    let lookup = Lookup::new(right);
    let mut shared = 0;
    for (place, (key, value)) in left.members().enumerate() {
        let Some(inner) = below(ignore, &key) else {
            continue;
        };
        let Some(other) = lookup.find(place, &key) else {
            return Some(format!("/{}", escape(&key)));
        };
        shared += 1;
        if let Some(path) = differ(value, other, &inner) {
            return Some(format!("/{}{path}", escape(&key)));
        }
    }
    let counted = right
        .members()
        .filter(|(key, _)| below(ignore, key).is_some());
    if counted.count() == shared {
        return None;
    }
    let extra = right
        .members()
        .find(|(key, _)| below(ignore, key).is_some() && left.get(key).is_none());
    extra.map(|(key, _)| format!("/{}", escape(&key)))
}

/// Finds members of an object: at the same place first, since copies mostly keep their order.
struct Lookup<'d> {
    members: Vec<(Cow<'d, str>, Value<'d>)>,
    index: OnceCell<HashMap<Cow<'d, str>, usize>>,
}

impl<'d> Lookup<'d> {
    fn new(object: Value<'d>) -> Self {
        let members = object.members().collect();
        let index = OnceCell::new();
        Self { members, index }
    }

    fn find(&self, place: usize, key: &str) -> Option<Value<'d>> {
        let here = self.members.get(place).filter(|(name, _)| name == key);
        let found = here.or_else(|| self.elsewhere(key));
        found.map(|(_, value)| *value)
    }

    fn elsewhere(&self, key: &str) -> Option<&(Cow<'d, str>, Value<'d>)> {
        if self.members.len() <= INDEXED {
            return self.members.iter().find(|(name, _)| name == key);
        }
        let place = self.index().get(key)?;
        self.members.get(*place)
    }

    fn index(&self) -> &HashMap<Cow<'d, str>, usize> {
        self.index.get_or_init(|| {
            let places = self.members.iter().enumerate();
            places.map(|(at, (key, _))| (key.clone(), at)).collect()
        })
    }
}

/// What is still to be ignored below a key; none if the key itself is.
fn below<'i>(ignore: &[&'i [String]], key: &str) -> Option<Vec<&'i [String]>> {
    let mut inner = Vec::new();
    for path in ignore {
        match path.split_first() {
            Some((first, [])) if first == key => return None,
            Some((first, rest)) if first == key => inner.push(rest),
            _ => {}
        }
    }
    Some(inner)
}

/// A key as a token of a pointer.
pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
