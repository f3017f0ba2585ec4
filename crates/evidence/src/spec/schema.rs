//! The JSON Schema of the language, for editors. It is made of the same table of checks that reads them.

use super::artifact::ArtifactKind;
use super::checks::{COMMON, forms};
use super::operand::Type;

/// The JSON Schema (draft 2020-12) of the language, as `spec.schema.json` has it.
pub fn language_schema() -> String {
    let rules: Vec<String> = forms()
        .map(|form| rule(form.name, form.keys, form.many))
        .collect();
    let names: Vec<&str> = forms().map(|form| form.name).collect();
    HEAD.replace("@KINDS@", &list(&ArtifactKind::NAMES.map(|(name, _)| name)))
        .replace("@TYPES@", &list(&Type::NAMES.map(|(name, _)| name)))
        .replace("@CHECKS@", &list(&names))
        .replace("@RULES@", &rules.join(",\n"))
}

fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", quoted.join(", "))
}

/// If the check has that name, the rule has those keys and no others.
fn rule(name: &str, own: &[&str], many: bool) -> String {
    let bounded = |key: &&&str| many || !matches!(**key, "allow_empty" | "min_matches");
    let common = COMMON.iter().filter(bounded);
    let keys = common
        .chain(own)
        .map(|key| format!("\"{key}\": {}", value(name, key)));
    let keys: Vec<String> = keys.collect();
    format!(
        "        {{ \"if\": {{ \"properties\": {{ \"check\": {{ \"const\": \"{name}\" }} }} }},\n          \"then\": {{ \"properties\": {{ {} }}, \"additionalProperties\": false }} }}",
        keys.join(", ")
    )
}

fn value(check: &str, key: &str) -> &'static str {
    match (check, key) {
        (_, "for") => r##"{ "$ref": "#/$defs/for" }"##,
        (_, "after") => r##"{ "$ref": "#/$defs/strings" }"##,
        (_, "otherwise") => r#"{ "enum": ["refuted", "inconclusive", "vacuous"] }"#,
        (_, "min_matches" | "min_count") => r#"{ "type": "integer", "minimum": 1 }"#,
        (_, "max_matches" | "min_length" | "at_least" | "at_most") => {
            r#"{ "type": "integer", "minimum": 0 }"#
        }
        ("same", "left" | "right") => r#"{ "type": "string" }"#,
        (_, "left" | "right" | "short" | "long") | ("sha256", "equals") => {
            r##"{ "$ref": "#/$defs/operand" }"##
        }
        (_, "op") => r##"{ "$ref": "#/$defs/op" }"##,
        (_, "type") => r##"{ "$ref": "#/$defs/type" }"##,
        (_, "if" | "then") => r##"{ "$ref": "#/$defs/comparison" }"##,
        (_, "on_absent") => r#"{ "enum": ["fail", "pass"] }"#,
        (_, "value") => "true",
        (_, "values") => r#"{ "type": "array", "minItems": 1 }"#,
        (_, "fields") => {
            r##"{ "type": "object", "additionalProperties": { "$ref": "#/$defs/type" } }"##
        }
        (_, "where") => r#"{ "type": "object", "minProperties": 1 }"#,
        ("row", "equals") => r#"{ "type": "object" }"#,
        (_, "newer" | "older") => r##"{ "$ref": "#/$defs/bound" }"##,
        (_, "series") => {
            r##"{ "type": "array", "minItems": 2, "items": { "$ref": "#/$defs/operand" } }"##
        }
        (_, "min" | "max") => r#"{ "type": "number" }"#,
        (_, "tuples") => {
            r##"{ "type": "array", "minItems": 2, "items": { "$ref": "#/$defs/strings" } }"##
        }
        (_, "ignore" | "sets") => r##"{ "$ref": "#/$defs/strings" }"##,
        _ => r#"{ "type": "string" }"#,
    }
}

const HEAD: &str = r##"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "title": "A spec of runward-evidence, schema 1",
  "type": "object",
  "required": ["schema", "id"],
  "additionalProperties": false,
  "properties": {
    "schema": { "const": 1 },
    "id": { "type": "string" },
    "params": { "type": "object", "additionalProperties": { "$ref": "#/$defs/param" } },
    "sets": { "type": "object", "additionalProperties": { "$ref": "#/$defs/set" } },
    "files": {
      "type": "object", "required": ["why"], "additionalProperties": false,
      "properties": {
        "unread": { "enum": ["fail", "allow"] },
        "ignore": { "$ref": "#/$defs/strings" },
        "why": { "type": "string", "minLength": 1 }
      }
    },
    "artifact": { "type": "array", "items": { "$ref": "#/$defs/artifact" } },
    "rule": { "type": "array", "items": { "$ref": "#/$defs/rule" } },
    "waiver": { "type": "array", "items": { "$ref": "#/$defs/waiver" } }
  },
  "$defs": {
    "strings": { "type": "array", "items": { "type": "string" } },
    "set": { "type": "array", "minItems": 1, "uniqueItems": true, "items": { "type": "string" } },
    "for": { "type": "object", "additionalProperties": { "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/set" }] } },
    "type": { "enum": @TYPES@ },
    "op": { "enum": ["==", "!=", "<", "<=", ">", ">="] },
    "param": {
      "type": "object", "required": ["type", "default"], "additionalProperties": false,
      "properties": {
        "type": { "$ref": "#/$defs/type" }, "default": true,
        "min": { "type": "number" }, "max": { "type": "number" }, "why": { "type": "string" }
      }
    },
    "shape": { "enum": ["object", "array", "string", "number", "boolean", "null"] },
    "artifact": {
      "type": "object", "required": ["id", "file", "kind"], "additionalProperties": false,
      "properties": {
        "id": { "type": "string" }, "for": { "$ref": "#/$defs/for" }, "file": { "type": "string" },
        "kind": { "enum": @KINDS@ },
        "top": { "$ref": "#/$defs/shape" },
        "shape": { "type": "object", "additionalProperties": { "$ref": "#/$defs/shape" } },
        "schema": { "type": "object", "required": ["at", "value"], "additionalProperties": false,
          "properties": { "at": { "type": "string" }, "value": true } },
        "sha256": { "type": "string" }, "optional": { "type": "string", "minLength": 1 }, "why": { "type": "string" }
      }
    },
    "operand": {
      "type": "object", "additionalProperties": false,
      "oneOf": [
        { "required": ["at"] }, { "required": ["count"] }, { "required": ["sum"] }, { "required": ["min"] },
        { "required": ["max"] }, { "required": ["value"] }, { "required": ["param"] }, { "required": ["text", "find"] }
      ],
      "dependentRequired": { "section": ["key"], "key": ["section"] },
      "properties": {
        "at": { "type": "string" }, "count": { "type": "string" }, "sum": { "type": "string" },
        "min": { "type": "string" }, "max": { "type": "string" }, "value": true, "param": { "type": "string" },
        "text": { "type": "string" }, "section": { "type": "string" }, "key": { "type": "string" }, "find": { "type": "string" },
        "type": { "$ref": "#/$defs/type" },
        "mul": { "type": "number" }, "add": { "type": "number" }, "add_param": { "type": "string" }
      }
    },
    "comparison": {
      "type": "object", "required": ["left", "op", "right"], "additionalProperties": false,
      "properties": { "left": { "$ref": "#/$defs/operand" }, "op": { "$ref": "#/$defs/op" }, "right": { "$ref": "#/$defs/operand" } }
    },
    "bound": {
      "type": "object", "required": ["field", "than"], "additionalProperties": false,
      "properties": { "field": { "type": "string" }, "than": { "anyOf": [{ "type": "string" }, { "$ref": "#/$defs/operand" }] } }
    },
    "waiver": {
      "type": "object", "required": ["rule", "owner", "expires", "why"], "additionalProperties": false,
      "properties": {
        "rule": { "type": "string" }, "owner": { "type": "string", "minLength": 1 },
        "expires": { "type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$" }, "why": { "type": "string", "minLength": 1 }
      }
    },
    "rule": {
      "type": "object", "required": ["id", "check"],
      "properties": { "id": { "type": "string" }, "check": { "enum": @CHECKS@ } },
      "allOf": [
@RULES@
      ]
    }
  }
}
"##;
