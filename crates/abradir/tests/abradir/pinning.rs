//! The version that a tool writes into the settings of an app.

use std::fs;

use proptest::prelude::*;
use runward_abradir::{App, Drift, ErrorKind, Layout, Pin, Request, Share, StateDir};

use crate::canonical::{self, FOREIGN, OWN, SETTINGS, build, settings, tool};
use crate::harness::{Scratch, put, set_mode};

#[test]
fn a_tool_that_rewrites_the_type_is_detected_and_undone() {
    let scratch = Scratch::new();
    canonical::make(&scratch);
    let state = build(&scratch.root(), &scratch);
    let pin = state.pin().unwrap();
    assert_eq!(pin.path(), settings(state.path(), OWN));
    assert_eq!(pin.check().unwrap(), Drift::Unchanged);
    tool(&state, &["deploy", OWN, "1.2.3"]);
    let drift = Drift::Changed {
        from: Some("shop".into()),
        to: Some("shop:1.2.3".into()),
    };
    assert_eq!(pin.check().unwrap(), drift);
    assert_eq!(pin.restore().unwrap(), drift);
    assert_eq!(fs::read_to_string(pin.path()).unwrap(), SETTINGS);
    assert_eq!(pin.restore().unwrap(), Drift::Unchanged);
    fs::remove_file(pin.path()).unwrap();
    assert_eq!(pin.restore().unwrap(), Drift::Gone);
    assert!(
        !pin.path().exists(),
        "what the tool has removed is not made again"
    );
}

fn linked(scratch: &Scratch) -> StateDir {
    let source = canonical::make(scratch);
    put(&settings(&source, FOREIGN), "# mine\nTYPE=shop:1.0\nA=b\n");
    let layout = Layout::abra().with_share("servers", Share::Link).unwrap();
    let request = Request::new(&layout, "x")
        .source(&source)
        .app(App::existing("default", FOREIGN));
    scratch.root().build(&request).unwrap()
}

#[test]
fn closing_undoes_what_lies_outside() {
    let scratch = Scratch::new();
    let state = linked(&scratch);
    let outside = settings(&scratch.source(), FOREIGN);
    let before = fs::read_to_string(&outside).unwrap();
    tool(&state, &["deploy", FOREIGN, "9.9"]);
    assert_ne!(fs::read_to_string(&outside).unwrap(), before);
    state.close().unwrap();
    assert_eq!(fs::read_to_string(&outside).unwrap(), before);
}

#[test]
fn the_pin_of_a_killed_run_is_found_by_whoever_cleans_up() {
    let scratch = Scratch::new();
    let state = linked(&scratch);
    let outside = settings(&scratch.source(), FOREIGN);
    let before = fs::read_to_string(&outside).unwrap();
    tool(&state, &["deploy", FOREIGN, "9.9"]);
    let name = state.name().to_owned();
    // As if it had been killed.
    state.leave();
    let root = scratch.root();
    let pin = root.pin(&name).unwrap().unwrap();
    assert!(matches!(pin.restore().unwrap(), Drift::Changed { .. }));
    assert_eq!(fs::read_to_string(&outside).unwrap(), before);
    root.remove(&name).unwrap();
    assert_eq!(root.pin(&name).unwrap(), None);
}

#[test]
fn settings_that_the_tool_writes_later_have_no_pin_yet() {
    let scratch = Scratch::new();
    let source = canonical::make(&scratch);
    for share in [Share::Own, Share::Link] {
        let layout = Layout::abra().with_share("servers", share).unwrap();
        let request = Request::new(&layout, "x").source(&source);
        let request = request.app(App::later("default", OWN));
        let state = scratch.root().build(&request).unwrap();
        assert_eq!(state.pin(), None);
        let written = settings(state.path(), OWN);
        put(&written, SETTINGS);
        let pin = Pin::take(&written, "TYPE").unwrap();
        tool(&state, &["deploy", OWN, "2"]);
        pin.restore().unwrap();
        assert_eq!(fs::read_to_string(&written).unwrap(), SETTINGS);
    }
}

#[test]
fn settings_that_are_a_link_are_not_followed() {
    let scratch = Scratch::new();
    let (file, link) = (scratch.path("file"), scratch.path("link"));
    put(&file, "TYPE=a\n");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    assert_eq!(
        Pin::take(&link, "TYPE").unwrap_err().kind(),
        ErrorKind::Symlink
    );
    let pin = Pin::take(&file, "TYPE").unwrap();
    set_mode(&file, 0o640);
    put(&file, "TYPE=b\n");
    pin.restore().unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
}

fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "TYPE=[a-c]{0,2}",
        "export TYPE='[a-c]'",
        "#TYPE=x",
        "TYPES=y",
        "[a-z ]{0,4}"
    ];
    proptest::collection::vec(line, 0..6)
        .prop_map(|lines| lines.iter().map(|l| format!("{l}\n")).collect())
}

proptest! {
    /// Whatever was there and whatever is there now: the key's lines are as they were, and all others as they are.
    #[test]
    fn restoring_changes_the_key_and_nothing_else(before in lines(), after in lines()) {
        let is_type = |line: &&str| line.starts_with("TYPE=") || line.starts_with("export TYPE=");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("env");
        fs::write(&file, &before).unwrap();
        let pin = Pin::take(&file, "TYPE").unwrap();
        fs::write(&file, &after).unwrap();
        pin.restore().unwrap();
        let now = fs::read_to_string(&file).unwrap();
        prop_assert!(now.lines().filter(is_type).eq(before.lines().filter(is_type)));
        prop_assert!(now.lines().filter(|l| !is_type(l)).eq(after.lines().filter(|l| !is_type(l))));
        prop_assert_eq!(pin.check().unwrap(), Drift::Unchanged);
        prop_assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
