use super::*;
use crate::duration::Span;
use crate::settings::Leaks;
use proptest::prelude::*;

fn parsed(text: &str) -> Options {
    parse(text, Path::new("runward.toml")).unwrap().into_layer()
}

fn refused(text: &str) -> String {
    parse(text, Path::new("runward.toml"))
        .unwrap_err()
        .to_string()
}

#[test]
fn every_option_can_stand_in_the_file() {
    let text = r#"
        lock-dir = "/locks"
        home = "/home"
        [run]
        app = ["web", "db"]
        wait = "10m"
        deadline = 90
        grace = 0.5
        teardown = "rm -rf /tmp/x"
        teardown-deadline = "5s"
        leaks = "fail"
        containment = "auto"
        require = "subreaper"
        result = "r.json"
        events = "e.jsonl"
        run-id = "r-1"
        state = "abra"
        no-state = false
        sweep = true
        evidence = "bundle"
        spec = "spec.toml"
        param = ["least=2", "most=9"]
        "#;
    for option in option_names() {
        assert!(text.contains(&format!("\n        {option} = ")), "{option}");
    }
    let layer = parsed(text);
    assert_eq!(layer.app.len(), 2);
    assert_eq!(layer.deadline, Some(Span::from_secs(90)));
    assert_eq!(layer.grace.unwrap().as_millis(), 500);
    assert_eq!(layer.teardown.len(), 1);
    assert_eq!(layer.param.len(), 2);
    assert_eq!(layer.leaks, Some(Leaks::Fail));
    assert_eq!(layer.places.lock_dir.as_deref(), Some(Path::new("/locks")));
    let Options {
        wait,
        teardown_deadline,
        containment,
        require,
        result,
        events,
        run_id,
        places,
        ..
    } = layer;
    assert!(wait.and(teardown_deadline).is_some() && containment.is_some() && require.is_some());
    assert!(result.and(events).is_some() && run_id.is_some() && places.home.is_some());
}

#[test]
fn an_empty_file_says_nothing() {
    assert_eq!(parsed(""), Options::default());
    assert_eq!(parsed("[run]\n"), Options::default());
}

#[test]
fn a_wrong_value_is_named_with_its_place_and_remedy() {
    let said = refused("[run]\nwait = \"10 parsecs\"\n");
    assert!(
        said.starts_with("runward.toml:2:8: \"10 parsecs\": "),
        "{said}"
    );
    assert!(said.contains("units are ms, s, m, h, d"), "{said}");
}

#[test]
fn a_misspelt_key_finds_its_name() {
    let said = refused("[run]\n\ndeadlin = 5\n");
    assert_eq!(
        said,
        "runward.toml:3:1: \"deadlin\" is not known here; did you mean \"deadline\"?"
    );
    let said = refused("lock_dir = \"/x\"\n");
    assert_eq!(
        said,
        "runward.toml:1:1: \"lock_dir\" is not known here; did you mean \"lock-dir\"?"
    );
    let said = refused("[ruin]\n");
    assert!(said.contains("did you mean \"run\"?"), "{said}");
}

#[test]
fn a_key_in_the_wrong_section_is_sent_to_the_right_one() {
    assert_eq!(
        refused("wait = 5\n"),
        "runward.toml:1:1: \"wait\" belongs in the section [run]"
    );
    assert_eq!(
        refused("[run]\nhome = \"/h\"\n"),
        "runward.toml:2:1: \"home\" belongs above the sections"
    );
}

#[test]
fn hostile_values_are_refused_where_they_stand() {
    for app in ["\"a\\u0000b\"", "\"../x\"", "\"a\\nb\"", "\"..\"", "\"\""] {
        let said = refused(&format!("[run]\napp = {app}\n"));
        assert!(said.starts_with("runward.toml:2:7: "), "{said}");
    }
    let said = refused("[run]\napp = [\"ok\", \"a/b\"]\n");
    assert!(said.contains("allowed are letters"), "{said}");
}

#[test]
fn a_wrong_type_is_named() {
    assert!(refused("[run]\nwait = true\n").starts_with("runward.toml:2:8: true: "));
    assert!(refused("[run]\napp = 5\n").contains("a string or a list of strings"));
    assert!(refused("[run]\nleaks = \"wran\"\n").contains("warn"));
    assert!(refused("[run\n").starts_with("runward.toml:1:"));
}

#[test]
fn a_missing_file_matters_only_when_it_was_named() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("none.toml");
    assert!(
        load(Some(&missing))
            .unwrap_err()
            .to_string()
            .contains("--config")
    );
    assert!(
        load(Some(dir.path()))
            .unwrap_err()
            .to_string()
            .contains("not a regular file")
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC*") {
        let _ = parse(&text, Path::new("f"));
    }

    #[test]
    fn near_files_do_not_panic(text in "(\\[run\\]\n)?(app|wait|leaks|hüme|run) ?= ?(\"[a-zé]{0,3}\"?|[0-9]{1,20}|\\[\"a\",)\n?") {
        let _ = parse(&text, Path::new("f"));
    }
}

#[test]
fn what_is_a_section_and_an_option_is_told_apart() {
    let place = refused("[sweep]\nsweep = true\n");
    assert!(
        place.ends_with("\"sweep\" belongs in the section [run]"),
        "{place}"
    );
    let place = refused("state = \"abra\"\n");
    assert!(
        place.contains("\"state\" is a section here, written [state]"),
        "{place}"
    );
    assert!(refused("[sweep]\nstages = \"no\"\n").contains("did you mean \"stacks\"?"));
    assert!(refused("[state]\nsuorce = \"x\"\n").contains("did you mean \"source\"?"));
}
