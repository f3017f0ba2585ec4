//! Our reader of JSON beside another one: both accept the same texts and read the same values, and every span leads back into the text.

#![no_main]

#[expect(
    dead_code,
    unused_imports,
    reason = "the module as the crate has it; not all of it is used here"
)]
#[path = "../../crates/evidence/src/json/mod.rs"]
mod json;
mod oracle;

use json::{Body, Doc, Fault, FaultKind, Kind, Number, Value, position, quote};
use libfuzzer_sys::fuzz_target;
use serde_json::Value as Other;

const DEPTH: usize = 64;

fuzz_target!(|text: &str| {
    document(text);
    lines(text);
    places(text);
    let quoted: String = serde_json::from_str(&quote(text)).expect("what is quoted is JSON");
    assert_eq!(quoted, text);
});

fn document(text: &str) {
    let other = oracle::read(text);
    match Doc::parse(text.to_owned(), DEPTH) {
        Ok(doc) => {
            let other = other.expect("what we accept, the other accepts");
            agree(doc.root(), &other);
            spans(doc.root(), 0..text.len());
            rewritten(&doc, &other);
        }
        Err(refused) => {
            let deep = refused.fault.kind == FaultKind::TooDeep;
            assert!(deep || other.is_err(), "{:?}", refused.fault);
            fault(text, &refused.fault);
        }
    }
}

/// Each line is a value, as a reader that knows nothing of the other lines has it.
fn lines(text: &str) {
    let read = || -> Result<Vec<Other>, String> {
        text.strip_suffix('\n')
            .unwrap_or(text)
            .split('\n')
            .map(oracle::read)
            .collect()
    };
    match Doc::parse_lines(text.to_owned(), DEPTH) {
        Ok(doc) if text.is_empty() => assert_eq!(doc.root().len(), 0),
        Ok(doc) => {
            let other = read().expect("each line is a value");
            agree(doc.root(), &Other::Array(other));
            spans(doc.root(), 0..text.len());
        }
        Err(refused) => fault(text, &refused.fault),
    }
}

/// Equal in type and value, and found by their names.
fn agree(ours: Value<'_>, other: &Other) {
    match other {
        Other::Null => assert_eq!(ours.kind(), Kind::Null),
        Other::Bool(true) => assert_eq!(ours.kind(), Kind::True),
        Other::Bool(false) => assert_eq!(ours.kind(), Kind::False),
        Other::String(text) => assert_eq!(ours.string().as_deref(), Some(&**text)),
        Other::Number(number) => numbers(ours, number),
        Other::Array(values) => {
            assert_eq!((ours.kind(), ours.len()), (Kind::Array, values.len()));
            ours.children()
                .zip(values)
                .for_each(|(ours, other)| agree(ours, other));
        }
        Other::Object(members) => {
            assert_eq!((ours.kind(), ours.len()), (Kind::Object, members.len()));
            for (key, value) in ours.members() {
                agree(value, &members[&*key]);
                assert_eq!(ours.get(&key).map(Value::span), Some(value.span()));
            }
        }
    }
}

fn numbers(ours: Value<'_>, other: &serde_json::Number) {
    let float = || other.as_f64().expect("a number of any kind is a float");
    match ours.number().expect("a number") {
        Number::Integer(n) => {
            let whole = other
                .as_u64()
                .map(i128::from)
                .or(other.as_i64().map(i128::from));
            assert_eq!(Some(n), whole);
        }
        Number::Float(x) => assert_eq!(x.to_bits(), float().to_bits()),
        Number::Huge(digits) => assert_eq!(digits.parse(), Ok(float())),
    }
}

/// Every value stands in the one around it, behind the one before it, and begins and ends as its kind does.
fn spans(value: Value<'_>, around: std::ops::Range<usize>) {
    let span = value.span();
    assert!(
        around.start <= span.start && span.end <= around.end,
        "{span:?} in {around:?}"
    );
    let mut from = span.start;
    for child in value.children() {
        let next = child.span();
        spans(child, from..span.end);
        from = next.end;
    }
}

/// A text that another writer makes of it has the same values, whatever the blanks and the order of members.
fn rewritten(doc: &Doc, other: &Other) {
    for text in [other.to_string(), format!("{other:#}")] {
        let huge = Doc::parse(text, DEPTH).expect("another writer's JSON");
        let path = doc.root().difference(huge.root(), &[]);
        // The other has no integers beyond 64 bits, and writes floats in their place.
        let excused = || oracle::has_float(other);
        assert!(path.is_none() || excused(), "{path:?}");
    }
    assert!(doc.root().same(doc.root()));
}

fn fault(text: &str, fault: &Fault) {
    assert!(fault.at <= text.len() && !fault.message.is_empty());
    place(&Body::new(text.to_owned()), text, fault.at);
}

fn places(text: &str) {
    let body = Body::new(text.to_owned());
    for (at, _) in text.char_indices().take(64) {
        place(&body, text, at);
    }
    place(&body, text, text.len());
}

/// Line and column by both ways of counting, and by counting characters.
fn place(body: &Body, text: &str, at: usize) {
    let found = body.position(at);
    assert_eq!(found, position(text, at));
    let (start, line) = body.line_around(at);
    assert!(start <= at && text[start..].starts_with(line) && !line.contains('\n'));
    if let Some(before) = text.get(..at) {
        let line = before.split('\n').count();
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        assert_eq!(found, (line, column));
    }
}
