//! Any text is a spec or an error that says where; what is a spec can be linted, explained and held against nothing.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::{Corpus, fuzz_target};
use runward_evidence::{Format, Memory, Spec, Terms, explain, lint, verify};

fuzz_target!(|text: &str| -> Corpus {
    match Spec::parse("s.toml", text) {
        Ok(spec) => {
            sound(&spec);
            let again = Spec::parse("s.toml", text).expect("the same text");
            assert_eq!(shown(&spec), shown(&again));
        }
        Err(error) => {
            assert!(error.is_spec());
            located(text, &error.to_string());
            let again = Spec::parse("s.toml", text).expect_err("the same text");
            assert_eq!(error.to_string(), again.to_string());
        }
    }
    Corpus::Keep
});

/// Ids are unique, each rule is explained, and every complaint points into the spec.
fn sound(spec: &Spec) {
    let ids: Vec<&str> = spec.rule_ids().collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    for id in ids.iter().take(100) {
        assert!(!explain(spec, id).expect("a rule of the spec").is_empty());
    }
    assert!(explain(spec, "\n").is_err());
    for lint in lint(spec) {
        assert!(lint.line() >= 1 && ids.contains(&lint.rule()));
    }
}

fn shown(spec: &Spec) -> [String; 2] {
    let report = verify(spec, &Memory::new(), &Terms::new());
    let lints: Vec<String> = lint(spec).iter().map(ToString::to_string).collect();
    [report.render(Format::Json), lints.join("\n")]
}

/// `s.toml:line:column: message`, with a line that there is.
fn located(text: &str, message: &str) {
    let mut parts = message.splitn(4, ':');
    assert_eq!(parts.next(), Some("s.toml"), "{message}");
    let mut number = || parts.next().and_then(|part| part.parse::<usize>().ok());
    let (line, column) = (number().expect("a line"), number().expect("a column"));
    let lines = text.split('\n').count();
    assert!((1..=lines).contains(&line) && column >= 1, "{message}");
    assert!(parts.next().is_some_and(|said| said.len() > 1), "{message}");
}
