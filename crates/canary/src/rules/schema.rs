//! The JSON Schema, made of the same lists of keys that the tables are read by.

use serde_json::{Map, Value, json};

use super::fields::{Form, Key};
use super::terms::{META, TERMS};
use super::{drill, ledger, output, policy};
use crate::shape;

pub(super) fn schema() -> String {
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A rule set of runward-canary, schema 1",
        "type": "object",
        "additionalProperties": false,
        "$defs": { "condition": object(shape::CONDITION, &["column"]) },
        "properties": {
            "schema": { "const": 1 },
            "title": { "type": "string" },
            "include": form(&Form::Texts),
            "source": named(&source()),
            "facet": named(&facet()),
            "invariant": named(&invariant()),
            "drill": named(&object(drill::KEYS, &["invariant", "kind", "subject", "provoke", "revert"])),
            "policy": object(policy::POLICY, &[]),
            "retention": object(policy::RETENTION, &[]),
            "alert": { "type": "array", "items": alert() },
            "ledger": object(ledger::LEDGER, &[]),
            "output": object(output::OUTPUT, &[]),
        },
    });
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn named(items: &Value) -> Value {
    json!({ "type": "object", "additionalProperties": items })
}

// What a source, a facet or an alert has beside these belongs to its kind, and so does refusing it.
fn source() -> Value {
    let properties = json!({ "kind": { "type": "string" }, "timeout": form(&Form::Duration) });
    json!({ "type": "object", "properties": properties })
}

fn alert() -> Value {
    let properties = json!({
        "kind": { "type": "string" },
        "name": { "type": "string" },
        "minimum": form(&Form::OneOf(super::fields::SEVERITIES)),
    });
    json!({ "type": "object", "required": ["kind"], "properties": properties })
}

fn facet() -> Value {
    let properties = json!({
        "source": { "type": "string" },
        "query": { "type": ["string", "array"] },
        "id": form(&Form::Scalar),
        "born": form(&Form::Scalar),
        "subject": form(&Form::Scalar),
        "subjects": { "type": "string" },
        "each": { "type": "string" },
        "as": { "enum": ["rows", "stamp", "count"] },
        "period": form(&Form::Duration),
        "columns": named(&json!({ "enum": ["text", "int", "time", "bool", "any"] })),
    });
    json!({ "type": "object", "properties": properties })
}

/// The keys that all have, and for each shape its own and no others. Nothing is required here: what overrides an included set has single fields.
fn invariant() -> Value {
    let forms = shape::SHAPES.iter().map(|one| {
        let known = [&[shape::COMMON][..], one.keys, &[META, TERMS]]
            .concat()
            .concat_keys();
        let mut then = object_of(&known);
        then["properties"]["shape"] = json!({ "const": one.name });
        json!({
            "if": { "properties": { "shape": { "const": one.name } }, "required": ["shape"] },
            "then": then,
        })
    });
    let arms = [shape::ARMS, META, TERMS].concat_keys();
    let with_arms = json!({
        "if": { "required": ["arm"] },
        "then": object_of(&arms),
    });
    let all: Vec<Value> = forms.chain([with_arms]).collect();
    let names: Vec<_> = shape::SHAPES.iter().map(|one| one.name).collect();
    json!({ "type": "object", "properties": { "shape": { "enum": names } }, "allOf": all })
}

fn arm() -> Value {
    let names: Vec<_> = shape::SHAPES.iter().map(|one| one.name).collect();
    json!({
        "type": "object",
        "required": ["shape"],
        "properties": { "shape": { "enum": names } },
    })
}

fn bad() -> Value {
    let keys = [shape::CONDITION, shape::BAD].concat_keys();
    let mut bad = object_of(&keys);
    bad["required"] = json!(["kind", "column"]);
    bad
}

trait Concat {
    fn concat_keys(&self) -> Vec<&'static Key>;
}

impl Concat for [&'static [Key]] {
    fn concat_keys(&self) -> Vec<&'static Key> {
        self.iter().flat_map(|keys| keys.iter()).collect()
    }
}

fn object(keys: &'static [Key], required: &[&str]) -> Value {
    let mut object = object_of(&keys.iter().collect::<Vec<_>>());
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn object_of(keys: &[&'static Key]) -> Value {
    let pair = |key: &&'static Key| (key.name.to_owned(), form(&key.form));
    let properties: Map<String, Value> = keys.iter().map(pair).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

fn form(form: &Form) -> Value {
    match form {
        Form::Text => json!({ "type": "string" }),
        Form::Int => json!({ "type": "integer" }),
        Form::Bool => json!({ "type": "boolean" }),
        Form::Duration => json!({ "type": "string", "pattern": "^ *[0-9]" }),
        Form::Texts => json!({ "type": ["string", "array"], "items": { "type": "string" } }),
        Form::OneOf(words) => json!({ "enum": words }),
        Form::Conditions => json!({ "anyOf": [
            { "$ref": "#/$defs/condition" },
            { "type": "array", "items": { "$ref": "#/$defs/condition" } },
        ] }),
        Form::Then => json!({ "anyOf": [
            { "type": "string" },
            { "$ref": "#/$defs/condition" },
            { "type": "array", "items": { "$ref": "#/$defs/condition" } },
        ] }),
        Form::Bad => json!({ "type": "array", "minItems": 1, "items": bad() }),
        Form::Limit => json!({ "anyOf": [
            { "type": ["string", "integer"] },
            object(shape::LIMIT, &["column"]),
        ] }),
        Form::Table(keys) => object(keys, &[]),
        Form::Scalar => json!({ "type": ["string", "integer", "boolean"] }),
        Form::Names => named(&json!({ "type": "string" })),
        Form::Words(words) => named(&json!({ "enum": words })),
        Form::Off => json!({ "anyOf": [{ "type": "string" }, { "const": false }] }),
        Form::Arms => json!({ "type": "array", "minItems": 1, "items": arm() }),
    }
}
