//! The schema says what the parser says: each key of it is known to the parser, and each set that loads fits it.

use serde_json::{Map, Value, json};

use super::SET;
use crate::Rules;

fn schema() -> Value {
    serde_json::from_str(&Rules::schema()).expect("the schema is JSON")
}

/// As much of JSON Schema as the schema uses.
fn fits(schema: &Value, value: &Value, root: &Value) -> bool {
    let all = |key: &str, test: &dyn Fn(&Value) -> bool| schema.get(key).is_none_or(test);
    all("$ref", &|name| {
        let name = name.as_str().unwrap_or_default().trim_start_matches('#');
        fits(root.pointer(name).expect("a definition"), value, root)
    }) && all("type", &|kind| is(kind, value))
        && all("const", &|wanted| value == wanted)
        && all("enum", &|words| {
            words.as_array().is_some_and(|words| words.contains(value))
        })
        && all("anyOf", &|any| {
            any.as_array()
                .is_some_and(|any| any.iter().any(|one| fits(one, value, root)))
        })
        && all("allOf", &|every| {
            every
                .as_array()
                .is_some_and(|every| every.iter().all(|one| fits(one, value, root)))
        })
        && all("required", &|keys| {
            keys.as_array().is_some_and(|keys| {
                keys.iter()
                    .all(|key| value.get(key.as_str().unwrap_or_default()).is_some())
            })
        })
        && all("items", &|items| {
            value
                .as_array()
                .is_none_or(|list| list.iter().all(|one| fits(items, one, root)))
        })
        && all("then", &|then| {
            !fits(&schema["if"], value, root) || fits(then, value, root)
        })
        && members(schema, value, root)
}

fn members(schema: &Value, value: &Value, root: &Value) -> bool {
    let none = Map::new();
    let known = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    let others = schema.get("additionalProperties");
    value.as_object().is_none_or(|members| {
        members
            .iter()
            .all(|(key, value)| match (known.get(key), others) {
                (Some(schema), _) => fits(schema, value, root),
                (None, Some(Value::Bool(open))) => *open,
                (None, Some(schema)) => fits(schema, value, root),
                (None, None) => true,
            })
    })
}

fn is(kind: &Value, value: &Value) -> bool {
    if let Some(kinds) = kind.as_array() {
        return kinds.iter().any(|kind| is(kind, value));
    }
    match kind.as_str().unwrap_or_default() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64(),
        "boolean" => value.is_boolean(),
        other => panic!("no type {other}"),
    }
}

fn toml(text: &str) -> Value {
    toml::from_str(text).expect("TOML")
}

fn valid(text: &str) -> bool {
    fits(&schema(), &toml(text), &schema())
}

#[test]
fn sets_that_load_fit_the_schema() {
    assert!(valid(SET));
    for (name, text) in Rules::shipped() {
        let error = Rules::parse(name, text)
            .err()
            .map(|error| error.to_string());
        assert_eq!(error, None);
        assert!(valid(text), "{name}");
    }
}

#[test]
fn unknown_keys_are_refused_by_both() {
    for (from, to) in [
        ("title = \"a", "titel = \"a"),
        ("tier = \"A\"", "tire = \"A\""),
        ("count = \"slots\"", "cuont = \"slots\""),
        ("interval", "intervall"),
        ("provoke", "provoce"),
        (
            "limit = \"roster.cap\"",
            "limit = \"roster.cap\"\nexempt = { columm = \"id\", null = true }",
        ),
        (
            "limit = \"roster.cap\"",
            "limit = \"roster.cap\"\nexpect = { examined = 1 }",
        ),
    ] {
        let text = SET.replacen(from, to, 1);
        assert!(Rules::parse("set.toml", &text).is_err(), "{to}");
        assert!(!valid(&text), "{to}");
    }
}

/// For each shape, each key of the schema is known to the parser: what it refuses is never the key itself.
#[test]
fn every_key_of_the_schema_is_known_to_the_parser() {
    let schema = schema();
    let invariant = &schema["properties"]["invariant"]["additionalProperties"];
    let shapes = invariant["properties"]["shape"]["enum"]
        .as_array()
        .expect("shapes");
    assert_eq!(shapes.len(), 14);
    for branch in invariant["allOf"].as_array().expect("branches") {
        let Some(shape) = branch["then"]["properties"]["shape"]["const"].as_str() else {
            continue;
        };
        for key in branch["then"]["properties"]
            .as_object()
            .expect("keys")
            .keys()
        {
            let text = format!("[invariant.X]\nshape = '{shape}'\n\"{key}\" = 'value'");
            let text = text.replace("\"shape\" = 'value'", "");
            let error = Rules::parse("set.toml", &text)
                .expect_err("it lacks the rest")
                .to_string();
            assert!(!error.contains("has no key"), "{shape}.{key}: {error}");
        }
        let unknown = json!({ "invariant": { "X": { "shape": shape, "no_such_key": 1 } } });
        assert!(!fits(&schema, &unknown, &schema), "{shape}");
        let text = format!("[invariant.X]\nshape = '{shape}'\nno_such_key = 1");
        let error = Rules::parse("set.toml", &text)
            .expect_err("a refusal")
            .to_string();
        assert!(error.contains("has no key `no_such_key`"), "{error}");
    }
}

/// Whoever writes rules in an editor is shown what each key is.
#[test]
fn every_property_is_described() {
    fn walk(schema: &Value, path: &str, bare: &mut Vec<String>) {
        for (key, inner) in schema.as_object().into_iter().flatten() {
            match (key.as_str(), inner) {
                ("if", _) => {}
                ("properties", Value::Object(all)) => {
                    for (name, property) in all {
                        if property.get("description").is_none() {
                            bare.push(format!("{path}.{name}"));
                        }
                        walk(property, &format!("{path}.{name}"), bare);
                    }
                }
                (_, Value::Array(all)) => all.iter().for_each(|one| walk(one, path, bare)),
                (_, Value::Object(_)) => walk(inner, path, bare),
                _ => {}
            }
        }
    }
    let mut bare = Vec::new();
    walk(&schema(), "", &mut bare);
    assert_eq!(bare, Vec::<String>::new());
}

#[test]
fn kinds_that_are_known_have_their_settings_and_no_others() {
    use crate::rules::{Described, KindOf, Takes};
    const QUEUE: KindOf = KindOf {
        name: "queue",
        settings: &[Described::new("depth", Takes::Int, "how deep it is")],
        facet: &[Described::new("tag", Takes::Text, "what is looked for")],
    };
    let schema = Rules::schema_of(&[QUEUE], &[], &[QUEUE]);
    let schema: Value = serde_json::from_str(&schema).expect("the schema is JSON");
    let valid = |text: &str| fits(&schema, &toml(text), &schema);
    assert!(valid(
        "[source.q]\nkind = 'queue'\ndepth = 3\n[facet.f]\nsource = 'q'\ntag = 'x'"
    ));
    assert!(valid(
        "[[alert]]\nkind = 'queue'\nminimum = 'minor'\ndepth = 1"
    ));
    for wrong in [
        "[source.q]\nkind = 'queue'\ndeep = 3",
        "[source.q]\nkind = 'queue'\ndepth = '3'",
        "[source.q]\nkind = 'queu'",
        "[facet.f]\nsource = 'q'\ntags = 'x'",
        "[[alert]]\nkind = 'queue'\nurl = 'x'",
    ] {
        assert!(!valid(wrong), "{wrong}");
    }
    let about = "/properties/source/additionalProperties/allOf/0/then/properties/depth/description";
    assert_eq!(schema.pointer(about), Some(&json!("how deep it is")));
}
