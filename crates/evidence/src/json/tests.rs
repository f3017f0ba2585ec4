use proptest::prelude::*;

use super::*;

fn parse(text: &str) -> Result<Doc, Fault> {
    Doc::parse(text.to_owned(), 128).map_err(|refused| refused.fault)
}

fn fault(text: &str) -> (FaultKind, usize) {
    let fault = parse(text).expect_err(text);
    (fault.kind, fault.at)
}

#[test]
fn values_know_where_they_stand() {
    let doc = parse(r#" {"a": [1, "x"], "b": {"c": -2.5}} "#).expect("it is JSON");
    let root = doc.root();
    let a = root.get("a").expect("it has an a");
    assert_eq!(a.text(), r#"[1, "x"]"#);
    assert_eq!(a.child("1").map(Value::text), Some(r#""x""#));
    let c = root.get("b").and_then(|b| b.child("c"));
    assert_eq!(c.map(Value::text), Some("-2.5"));
    assert_eq!(root.len(), 2);
    assert_eq!(a.children().count(), 2);
}

#[test]
fn what_readers_could_differ_in_is_refused_where_it_stands() {
    assert_eq!(fault("\u{feff}{}"), (FaultKind::Syntax, 0));
    assert_eq!(
        fault(r#"{"a":1,"b":2,"a":3}"#),
        (FaultKind::DuplicateKey, 13)
    );
    assert_eq!(fault(r#"{"a":1,"\u0061":3}"#), (FaultKind::DuplicateKey, 7));
    for text in [
        "NaN", "Infinity", "-", "01", "1.", ".5", "1e", "+1", "", "nul",
    ] {
        assert_eq!(fault(text).0, FaultKind::Syntax, "{text}");
    }
    for text in [
        "1e400",
        "-1e400",
        "[1,]",
        "{,}",
        "{\"a\":1,}",
        "[1 2]",
        "1 2",
    ] {
        assert_eq!(fault(text).0, FaultKind::Syntax, "{text}");
    }
    for text in [
        r#""\ud800""#,
        r#""\udc00""#,
        r#""\ud800\u0041""#,
        "\"\u{1}\"",
        r#""\x""#,
    ] {
        assert_eq!(fault(text).0, FaultKind::Syntax, "{text}");
    }
    assert_eq!(fault(&"9".repeat(5000)).0, FaultKind::Syntax);
}

#[test]
fn depth_has_a_limit_and_the_limit_is_exact() {
    let nested = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
    assert!(parse(&nested(128)).is_ok());
    assert_eq!(fault(&nested(129)), (FaultKind::TooDeep, 128));
    assert_eq!(fault(&"[".repeat(1_000_000)).0, FaultKind::TooDeep);
}

#[test]
fn numbers_keep_their_type_and_every_digit() {
    let same = |a: &str, b: &str| {
        let (a, b) = (parse(a).expect("JSON"), parse(b).expect("JSON"));
        a.root().same(b.root())
    };
    assert!(same("9007199254740993", "9007199254740993"));
    assert!(!same("9007199254740993", "9007199254740992"));
    assert!(!same("18446744073709551616", "18446744073709551617"));
    assert!(!same("5", "5.0"));
    assert!(same("1e2", "100.0"));
    assert!(same("-0", "0.0"));
}

#[test]
fn escapes_are_replaced() {
    let doc = parse(r#""a\n\u00e9\ud83d\ude00\/""#).expect("it is JSON");
    assert_eq!(doc.root().string().as_deref(), Some("a\né😀/"));
    assert_eq!(quote("a\"\n\u{1}"), r#""a\"\n\u0001""#);
}

#[test]
fn the_first_difference_is_a_path() {
    let left = parse(r#"{"a":{"b":[1,{"c":1}]},"d":1}"#).expect("JSON");
    let right = parse(r#"{"d":1,"a":{"b":[1,{"c":2}]}}"#).expect("JSON");
    let found = left.root().difference(right.root(), &[]);
    assert_eq!(found.as_deref(), Some("/a/b/1/c"));
    let path = ["a", "b", "1", "c"].map(str::to_owned).to_vec();
    assert_eq!(left.root().difference(right.root(), &[path]), None);
}

#[test]
fn lines_are_elements() {
    let doc = Doc::parse_lines("{\"a\":1}\n[2]\r\n3".to_owned(), 8).expect("JSON lines");
    assert_eq!(doc.root().len(), 3);
    assert!(Doc::parse_lines("1\n\n2\n".to_owned(), 8).is_err());
    assert!(Doc::parse_lines("1 2\n".to_owned(), 8).is_err());
}

#[test]
fn a_value_of_several_lines_is_no_line() {
    for text in ["{\"a\":\n1}\n", "1\n[\n]\n", "{}\n{\n\"a\":1}"] {
        let refused = Doc::parse_lines(text.to_owned(), 8).expect_err(text);
        assert_eq!(refused.fault.kind, FaultKind::Syntax, "{text}");
    }
    let refused = Doc::parse_lines("1\n[\n]\n".to_owned(), 8).expect_err("two lines");
    assert_eq!(refused.fault.at, 3);
}

#[test]
fn positions_count_characters_from_one() {
    let body = Body::new("aé\nb\n".to_owned());
    assert_eq!(body.position(0), (1, 1));
    assert_eq!(body.position(3), (1, 3));
    assert_eq!(body.position(4), (2, 1));
    assert_eq!(body.line_around(4), (4, "b"));
    assert_eq!(position("aé\nb\n", 4), (2, 1));
}

fn tree() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value as Json;
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<i32>().prop_map(|n| Json::from(f64::from(n) / 4.0)),
        any::<String>().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            prop::collection::btree_map(any::<String>(), inner, 0..40)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever another writer writes is read, and is what it wrote.
    #[test]
    fn reads_what_others_write(json in tree()) {
        let pretty = parse(&format!("{json:#}")).expect("serde_json writes JSON");
        let plain = parse(&json.to_string()).expect("serde_json writes JSON");
        prop_assert!(pretty.root().same(plain.root()));
        let again: serde_json::Value = serde_json::from_str(pretty.root().text()).expect("a whole document");
        prop_assert_eq!(again, json);
    }

    /// What we accept, another reader accepts; bytes near JSON find the corners.
    #[test]
    fn accepts_nothing_that_others_refuse(text in r#"[\[\]{}:,"\\ue0-9. tfn\-+]{0,24}"#) {
        let ours = parse(&text);
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        match ours {
            Ok(_) => prop_assert!(theirs.is_ok(), "{:?}", theirs),
            Err(fault) => {
                let ours_alone = fault.kind != FaultKind::Syntax;
                prop_assert!(theirs.is_err() || ours_alone, "{:?}", fault);
            }
        }
    }
}
