//! Each format, read by somebody else's reader where there is one.

use runward_evidence::{Format, Report, Terms, verify};
use serde_json::Value;

use crate::harness::{ARTIFACTS, memory, spec};

/// A report with each outcome in it, and with names and texts that formats stumble over.
fn every_outcome() -> Report {
    let rule = |id: &str, at: &str, more: &str| {
        format!(
            "[[rule]]\nid = '{id}'\ncheck = 'eq'\nat = 'a:/{at}'\nvalue = 1\nwhy = '<&\"> # why'\n{more}\n"
        )
    };
    let text = [
        ARTIFACTS.to_owned(),
        rule("a->b.proven", "one", ""),
        rule("refuted", "two", ""),
        rule("vacuous", "two", "otherwise = 'vacuous'"),
        rule("inconclusive", "two", "otherwise = 'inconclusive'"),
        rule("waived", "two", ""),
        rule("blocked", "one", "after = ['refuted']"),
        "[[waiver]]\nrule = 'waived'\nowner = 'ann'\nexpires = '2026-12-31'\nwhy = 'known'\n"
            .to_owned(),
    ];
    let spec = runward_evidence::Spec::parse("s.toml", &spec(&text.concat())).unwrap();
    let a = "{\"one\": 1, \"two\": \"<b>&\u{202e}\u{9b}31m\"}";
    let mut bundle = memory(&[("a.json", a), ("b.json", "0"), ("t.txt", "x")]);
    bundle.insert("odd #\n<name>.txt", "");
    verify(&spec, &bundle, &Terms::new().today("2026-06-01").unwrap())
}

#[test]
fn json_has_every_rule_and_its_counts_add_up() {
    let json: Value = serde_json::from_str(&every_outcome().render(Format::Json)).unwrap();
    assert_eq!(
        (&json["schema"], &json["verdict"]),
        (&1.into(), &"refuted".into())
    );
    let counts = json["counts"].as_object().unwrap();
    let total: u64 = counts.values().map(|count| count.as_u64().unwrap()).sum();
    let rules = json["rules"].as_array().unwrap();
    assert_eq!(total, rules.len() as u64);
    assert_eq!(counts["refuted"], 2);
    assert_eq!(counts["blocked"], 1);
    let named = |id: &str| rules.iter().find(|rule| rule["id"] == id).unwrap();
    assert_eq!(named("refuted")["failure"]["kind"], "not_equal");
    assert_eq!(
        (&named("refuted")["artifact"], &named("refuted")["line"]),
        (&"a.json".into(), &1.into())
    );
    assert_eq!(named("blocked")["blocked_by"], "refuted");
    assert_eq!(named("a->b.proven")["artifact"], "a.json");
}

#[test]
fn junit_is_xml_and_tells_failures_from_errors() {
    let text = every_outcome().render(Format::Junit);
    let xml = roxmltree::Document::parse(&text).unwrap();
    let suite = xml
        .descendants()
        .find(|node| node.has_tag_name("testsuite"))
        .unwrap();
    let count = |name: &str| {
        xml.descendants()
            .filter(|node| node.has_tag_name(name))
            .count()
            .to_string()
    };
    assert_eq!(suite.attribute("tests"), Some(count("testcase").as_str()));
    assert_eq!(suite.attribute("failures"), Some(count("failure").as_str()));
    assert_eq!(suite.attribute("errors"), Some(count("error").as_str()));
    assert_eq!(suite.attribute("skipped"), Some(count("skipped").as_str()));
    assert_eq!(
        [count("failure"), count("error"), count("skipped")],
        ["2", "2", "2"]
    );
    let case = |name: &str| {
        xml.descendants()
            .find(|node| node.attribute("name") == Some(name))
            .unwrap()
    };
    let child = |name| {
        case(name)
            .first_element_child()
            .map(|node| node.tag_name().name().to_owned())
    };
    assert_eq!(child("vacuous").as_deref(), Some("error"));
    assert_eq!(child("a->b.proven"), None);
}

#[test]
fn sarif_has_only_what_is_not_proven() {
    let json: Value = serde_json::from_str(&every_outcome().render(Format::Sarif)).unwrap();
    assert_eq!(json["version"], "2.1.0");
    let run = &json["runs"][0];
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 6);
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(
            run["tool"]["driver"]["rules"][index]["id"],
            result["ruleId"]
        );
        assert!(result["message"]["text"].is_string());
        // As the standard has it: what is no `fail` has the level `none`.
        let level = if result["kind"] == "fail" {
            "error"
        } else {
            "none"
        };
        assert_eq!(result["level"], level);
    }
    let uri = |result: &Value| {
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone()
    };
    assert!(
        results
            .iter()
            .any(|result| uri(result) == "odd%20%23%0A%3Cname%3E.txt")
    );
    let waived = results
        .iter()
        .find(|result| result["ruleId"] == "waived")
        .unwrap();
    assert_eq!(waived["suppressions"][0]["status"], "accepted");
}

/// Types made from the standard's own schema read it, and what they write again is all that was there: no member is unknown to them.
#[test]
fn sarif_is_what_its_schema_describes() {
    let json: Value = serde_json::from_str(&every_outcome().render(Format::Sarif)).unwrap();
    let sarif: serde_sarif::sarif::Sarif = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(sarif).unwrap(), json);
    let unknown = |path: &str| {
        let mut json = json.clone();
        json.pointer_mut(path).unwrap()["levels"] = "error".into();
        let read = serde_json::from_value::<serde_sarif::sarif::Sarif>(json.clone());
        read.map_or(true, |sarif| serde_json::to_value(sarif).unwrap() != json)
    };
    for path in ["", "/runs/0", "/runs/0/results/0", "/runs/0/tool/driver"] {
        assert!(unknown(path), "{path}");
    }
    let wrong = json
        .to_string()
        .replace("\"kind\":\"open\"", "\"kind\":\"opened\"");
    assert!(serde_json::from_str::<serde_sarif::sarif::Sarif>(&wrong).is_err());
}

#[test]
fn tap_counts_its_lines() {
    let text = every_outcome().render(Format::Tap);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "TAP version 14");
    let tests: Vec<&&str> = lines
        .iter()
        .filter(|line| line.starts_with("ok ") || line.starts_with("not ok "))
        .collect();
    assert_eq!(lines[1], format!("1..{}", tests.len()));
    for (number, line) in (1..).zip(&tests) {
        assert!(line.contains(&format!("ok {number} - ")), "{line}");
    }
    assert_eq!(
        tests.iter().filter(|line| line.starts_with("not")).count(),
        5
    );
    assert_eq!(
        lines.iter().filter(|line| **line == "  ---").count(),
        lines.iter().filter(|line| **line == "  ...").count()
    );
    // People read it too.
    assert!(!text.contains(['\u{202e}', '\u{9b}', '\u{1b}']), "{text}");
}

#[test]
fn people_see_both_lines_and_no_terminal_is_taken_over() {
    let text = every_outcome().render(Format::Human);
    for part in [
        "error[refuted]: refuted: a:/two is",
        "--> a.json:1:19",
        "1 | {\"one\": 1, \"two\":",
        "::: s.toml:",
        "id = 'refuted'",
        "= why: <&\"> # why",
        "warning[waived]: waived",
        "waived by ann, until 2026-12-31: known",
        "note: refuted blocks 1 rule",
        "test: refuted (7 proven, 1 waived, 1 vacuous, 1 inconclusive, 2 refuted, 1 blocked)",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains(['\u{202e}', '\u{9b}', '\u{1b}']), "{text}");
}
