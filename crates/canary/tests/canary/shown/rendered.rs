//! Text for people and for programs.

use runward_canary::render::Level;
use serde_json::Value;

use super::fixture::{Cycle, HOSTILE};

#[test]
fn what_is_red_unjudged_and_vacuous_is_named_with_its_reason() {
    let cycle = Cycle::new(&["agent-1", "agent-2"]);
    let text = cycle.status().human();
    for said in [
        "canary fleet: UNKNOWN: S-01 red (2 subjects), 1 went down while judging (R-01), 1 not judged (B-02), 1 held, 1 vacuous, 1 not-due; taken",
        "agent-1 (left_only, major, red for 2h 5m): agent-1 has 3 of agent-1",
        "not judged, for 4 cycles now: unreachable: redis: connection refused",
        "G-03 is vacuous: it had nothing to look at, for 9 cycles now",
        "the source redis did not answer",
        "look first: A slot without a row leaks",
    ] {
        assert!(text.contains(said), "{said:?} is not in\n{text}");
    }
}

#[test]
fn the_level_is_the_worst_and_blindness_is_never_ok() {
    assert_eq!(Cycle::well().status().level(), Level::Ok);
    assert_eq!(Cycle::new(&["a"]).status().level(), Level::Unknown);
    let forgotten = Cycle::well().with_warning("the state was forgotten");
    assert_eq!(forgotten.status().level(), Level::Unknown);
    assert!(
        forgotten
            .status()
            .human()
            .contains("warning: the state was forgotten")
    );
    let codes = [Level::Ok, Level::Warning, Level::Critical, Level::Unknown].map(Level::code);
    assert_eq!(codes, [0, 1, 2, 3]);
}

#[test]
fn a_harness_that_watches_nothing_is_not_ok_and_what_is_off_is_named() {
    let cycle = Cycle::idle();
    let status = cycle.status();
    assert_eq!(status.level(), Level::Unknown);
    let text = status.human();
    assert!(text.contains("warning: nothing is watched"), "{text}");
    assert!(text.contains("note: L-03 is off: <b>because</b>"), "{text}");
    let page = status.html();
    assert!(page.contains("nothing is watched"), "{page}");
    assert!(page.contains("&lt;b&gt;because&lt;/b&gt;"), "{page}");
    let json: Value = serde_json::from_str(&status.json()).expect("JSON");
    assert_eq!(json["off"]["L-03"], "<b>because</b>");
    assert_eq!(json["level"], "unknown");
}

#[test]
fn a_terminal_gets_no_control_characters_from_a_tenant() {
    let long = "x".repeat(1_000_000);
    let mut subjects = HOSTILE.to_vec();
    subjects.push(&long);
    let text = Cycle::new(&subjects).status().human();
    let plain = |c: char| {
        c == '\n'
            || !(c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
    };
    assert!(text.chars().all(plain));
    assert!(text.len() < 20_000, "{} bytes", text.len());
    assert!(text.lines().all(|line| line.chars().count() < 1_200));
}

#[test]
fn json_has_each_finding_and_each_reason() {
    let cycle = Cycle::new(&HOSTILE);
    let text = cycle.status().json();
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(
        (&value["schema"], &value["level"]),
        (&1.into(), &"unknown".into())
    );
    let invariants = value["invariants"].as_array().expect("invariants");
    let ids: Vec<_> = invariants
        .iter()
        .filter_map(|it| it["id"].as_str())
        .collect();
    assert_eq!(ids, ["B-02", "G-01", "G-03", "L-03", "R-01", "S-01"]);
    let states: Vec<_> = invariants
        .iter()
        .filter_map(|it| it["state"].as_str())
        .collect();
    assert_eq!(
        states,
        ["unjudged", "not-due", "vacuous", "held", "errored", "red"]
    );
    let findings = invariants[5]["findings"].as_array().expect("findings");
    let mut subjects: Vec<_> = findings
        .iter()
        .filter_map(|it| it["subject"].as_str())
        .collect();
    let mut expected = HOSTILE.to_vec();
    subjects.sort_unstable();
    expected.sort_unstable();
    assert_eq!(subjects, expected, "a key is never cut or changed");
    assert_eq!(text, cycle.status().json());
}
