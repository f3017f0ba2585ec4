use std::time::Duration;

use super::SET;
use crate::Rules;

/// A directory with the set and a file that includes it.
fn load(over: &str) -> Result<Rules, String> {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("base.toml"), SET).expect("a file");
    let path = directory.path().join("over.toml");
    std::fs::write(&path, format!("include = [\"base.toml\"]\n{over}")).expect("a file");
    Rules::load(&path).map_err(|error| error.to_string())
}

#[test]
fn what_stands_here_overrides_single_fields() {
    let rules = load("[invariant.S-02]\nlimit = 7\nseverity = 'minor'\n[policy]\nstartup = '1s'\n[source.redis]\ntimeout = '9s'").expect("rules");
    assert_eq!(
        rules.invariants()[0].meta().severity,
        crate::Severity::Minor
    );
    assert_eq!(rules.invariants()[0].meta().title, "No overbooking");
    assert_eq!(rules.policy().startup, Duration::from_secs(1));
    assert_eq!(rules.policy().interval, Duration::from_secs(300));
    assert_eq!(rules.sources()[1].timeout(), Duration::from_secs(9));
    assert!(rules.sources()[1].settings().contains_key("url"));
}

#[test]
fn a_source_of_another_kind_keeps_nothing_of_the_old() {
    let rules = load("[source.db]\nkind = 'postgres'\nurl_env = 'DB'").expect("rules");
    assert_eq!(rules.sources()[0].kind(), "postgres");
    assert!(!rules.sources()[0].settings().contains_key("path"));
}

#[test]
fn a_mistake_is_told_where_it_was_made() {
    let error = load("[invariant.S-02]\nlimit = 'roster.cup'").expect_err("a refusal");
    assert!(
        error.contains("over.toml:3:") && error.contains("did you mean `cap`?"),
        "{error}"
    );
    let error = load("[facet.roster]\ncolumns = {}").expect_err("a refusal");
    assert!(
        error.contains("base.toml:31:"),
        "what no longer fits is in the other file: {error}"
    );
}

#[test]
fn sets_that_include_themselves_or_nothing_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.toml");
    std::fs::write(&path, "include = ['a.toml']").expect("a file");
    let error = Rules::load(&path).expect_err("a refusal").to_string();
    assert!(error.contains("includes itself"), "{error}");
    std::fs::write(&path, "include = ['b.toml']").expect("a file");
    let error = Rules::load(&path).expect_err("a refusal").to_string();
    assert!(
        error.contains("a.toml:1:12:") && error.contains("no set that comes with runward"),
        "{error}"
    );
    let error = Rules::parse("a.toml", "include = ['b.toml']")
        .expect_err("a refusal")
        .to_string();
    assert!(error.contains("files are not included here"), "{error}");
}

#[test]
fn two_included_sets_do_not_override_each_other() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join("a.toml"), SET).expect("a file");
    std::fs::write(directory.path().join("b.toml"), SET).expect("a file");
    let path = directory.path().join("c.toml");
    std::fs::write(&path, "include = ['a.toml', 'b.toml']").expect("a file");
    let error = Rules::load(&path).expect_err("a refusal").to_string();
    assert!(
        error.contains("two included sets have a facet `roster`"),
        "{error}"
    );
}

#[test]
fn what_only_an_invariant_would_look_at_that_is_off_is_not_read() {
    let names = |over: &str| {
        let rules = load(over).expect("rules");
        let names = rules.facets().iter().map(|one| one.ask().facet.clone());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(""), "roster drain slots");
    assert_eq!(
        names("[invariant.S-02]\noff = 'no slots'"),
        "drain",
        "nobody has ever asked for the drain: it stays"
    );
}

#[test]
fn what_an_included_set_has_off_can_be_switched_on() {
    let folder = tempfile::tempdir().expect("a directory");
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    let set = SET;
    file(
        "base.toml",
        &set.replace("tier = \"A\"", "tier = \"A\"\noff = \"none\""),
    );
    file(
        "on.toml",
        "include = ['base.toml']\n[invariant.S-02]\noff = false",
    );
    file(
        "still.toml",
        "include = ['base.toml']\n[invariant.S-02]\ntier = 'B'",
    );
    let load = |name: &str| Rules::load(folder.path().join(name)).expect("rules");
    let (on, still) = (load("on.toml"), load("still.toml"));
    assert_eq!(
        (on.off().count(), on.invariants().len(), on.drills().len()),
        (0, 1, 1)
    );
    assert_eq!((still.off().count(), still.invariants().len()), (1, 0));
}
