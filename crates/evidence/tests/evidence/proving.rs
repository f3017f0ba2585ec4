//! Which rules can fail, and which are no use.

use runward_evidence::{LintKind, ProofResult, Spec, Terms, lint, prove};

use crate::harness::{ARTIFACTS, Reference, memory, spec};

fn results(rules: &str, a: &str) -> Vec<(String, ProofResult)> {
    let spec = Spec::parse("s.toml", &spec(&format!("{ARTIFACTS}{rules}"))).unwrap();
    let bundle = memory(&[("a.json", a), ("b.json", a), ("t.txt", "one\ntwo\n")]);
    let proofs = prove(&spec, &bundle, &Terms::new()).unwrap();
    let own = proofs
        .all()
        .iter()
        .filter(|proof| !proof.rule().contains('.'));
    own.map(|proof| (proof.rule().to_owned(), proof.result()))
        .collect()
}

#[test]
fn every_rule_of_the_reference_is_tripped_alone() {
    let Some(reference) = Reference::find("every_rule_of_the_reference_is_tripped_alone") else {
        return;
    };
    let proofs = prove(&reference.spec, &reference.bundle, &Terms::new()).unwrap();
    let not_exact: Vec<_> = proofs
        .all()
        .iter()
        .filter(|proof| proof.result() != ProofResult::Exact)
        .collect();
    assert!(not_exact.is_empty(), "{not_exact:#?}");
    assert_eq!(proofs.all().len(), 202);
    assert!(proofs.is_complete());
}

const FLOOR: &str = "[[rule]]\nid = 'floor'\ncheck = 'cmp'\nleft = { at = 'a:/n', type = 'u64' }\nop = '>='\nright = { value = 5 }\n";

#[test]
fn a_rule_that_another_one_pins_is_entangled() {
    let pinned = "[[rule]]\nid = 'pinned'\ncheck = 'eq'\nat = 'a:/n'\nvalue = 7\n";
    let found = results(&format!("{FLOOR}{pinned}"), r#"{"n":7}"#);
    assert_eq!(found[0], ("floor".to_owned(), ProofResult::Entangled));
    assert_eq!(found[1], ("pinned".to_owned(), ProofResult::Exact));
}

#[test]
fn a_rule_behind_one_that_pins_it_is_shadowed() {
    let pinned = "[[rule]]\nid = 'pinned'\ncheck = 'eq'\nat = 'a:/n'\nvalue = 7\n";
    let found = results(
        &format!("{pinned}{FLOOR}after = ['pinned']\n"),
        r#"{"n":7}"#,
    );
    assert_eq!(found[1], ("floor".to_owned(), ProofResult::Shadowed));
}

#[test]
fn a_rule_that_holds_of_everything_cannot_fail() {
    let idle = "[[rule]]\nid = 'idle'\ncheck = 'cmp'\nleft = { count = 'a:/x/*' }\nop = '>='\nright = { value = 0 }\n";
    let found = results(idle, r#"{"x":[1]}"#);
    assert_eq!(found[0], ("idle".to_owned(), ProofResult::CannotFail));
}

#[test]
fn a_bundle_that_is_not_proven_proves_nothing() {
    let spec = Spec::parse("s.toml", &spec(&format!("{ARTIFACTS}{FLOOR}"))).unwrap();
    let error = prove(&spec, &memory(&[("a.json", "{}")]), &Terms::new()).unwrap_err();
    assert!(error.to_string().contains("first by present.b"), "{error}");
}

/// One rule of each check that the reference does not use, each tripped alone.
#[test]
fn each_check_has_a_change_that_trips_it() {
    let rules = "
[[rule]]
id = 'monotonic'
check = 'monotonic'
at = 'a:/m/*'
type = 'u64'
[[rule]]
id = 'interval'
check = 'interval'
at = 'a:/i/*'
type = 'time'
min = 1
max = 5
[[rule]]
id = 'run'
check = 'run_length'
rows = 'a:/r/*'
field = '/v'
type = 'u64'
op = '<'
right = { value = 5 }
at_most = 1
[[rule]]
id = 'group'
check = 'group'
rows = 'a:/g/*'
by = '/id'
sum = '/n'
type = 'u64'
op = '=='
right = { value = 3 }
[[rule]]
id = 'when'
check = 'when'
if = { left = { at = 'a:/p', type = 'u64' }, op = '>', right = { value = 10 } }
then = { left = { at = 'a:/q', type = 'finite' }, op = '>', right = { value = 0.5 } }
[[rule]]
id = 'sha'
check = 'sha256'
of = 't'
equals = { at = 'a:/sha', type = 'string' }
[[rule]]
id = 'veto'
check = 'veto'
files = 'INVALID-*'
[[rule]]
id = 'copy'
check = 'same'
left = 'a:'
right = 'b:'
";
    let a = r#"{"m":[1,1,2],"i":["2026-01-01T00:00:00Z","2026-01-01T00:00:03Z"],"r":[{"v":1},{"v":9},{"v":9}],"g":[{"id":1,"n":3},{"id":2,"n":1},{"id":2,"n":2}],"p":11,"q":0.75,"sha":"SHA"}"#;
    let a = a.replace("SHA", SHA_ONE_TWO);
    for (rule, result) in results(rules, &a) {
        assert_eq!(result, ProofResult::Exact, "{rule}");
    }
}

/// Of the text of that bundle, as sha256sum(1) gives it.
const SHA_ONE_TWO: &str = "c3f9c8c283a2b1f2f1896f27a01cbe3cddc0c9d93f752e4639035a0f5b36f6e8";

#[test]
fn lint_names_what_no_bundle_changes() {
    let cmp = |id: &str, left: &str, op: &str, right: &str| {
        format!(
            "[[rule]]\nid = '{id}'\ncheck = 'cmp'\nleft = {{ {left} }}\nop = '{op}'\nright = {{ {right} }}\n"
        )
    };
    let n = "at = 'a:/n', type = 'u64'";
    let text = [
        ARTIFACTS.to_owned(),
        cmp("always", n, ">=", "value = 0"),
        cmp("never", n, "<", "value = 0"),
        cmp("behind", n, ">", "value = 1") + "after = ['never']\n",
        cmp("fine", n, ">", "value = 2"),
        cmp("again", n, ">", "value = 2"),
        "[[rule]]\nid = 't'\ncheck = 'matches'\ntext = 't'\nregex = 'x'\n".to_owned(),
    ];
    let spec = Spec::parse("s.toml", &spec(&text.concat())).unwrap();
    let found: Vec<_> = lint(&spec)
        .iter()
        .map(|lint| (lint.rule().to_owned(), lint.kind()))
        .collect();
    let wanted = [
        ("always", LintKind::AlwaysTrue),
        ("never", LintKind::Impossible),
        ("behind", LintKind::Unreachable),
        ("again", LintKind::Duplicate),
        ("present.b", LintKind::Artifact),
    ];
    let wanted: Vec<_> = wanted.map(|(rule, kind)| (rule.to_owned(), kind)).into();
    assert_eq!(found, wanted);
}

#[test]
fn the_reference_has_nothing_to_lint() {
    let Some(reference) = Reference::find("the_reference_has_nothing_to_lint") else {
        return;
    };
    assert_eq!(lint(&reference.spec), []);
}

/// Each of those rules of the bundle is tripped alone.
#[track_caller]
fn exact(rules: &str, files: &[(&str, &str)]) {
    let head = "[files]\nunread = 'allow'\nwhy = 'not what is tested'\n";
    let spec = Spec::parse("s.toml", &spec(&format!("{head}{ARTIFACTS}{rules}"))).unwrap();
    let mut bundle = memory(&[("a.json", "0"), ("b.json", "0"), ("t.txt", "x")]);
    for (path, text) in files {
        bundle.insert(*path, *text);
    }
    let proofs = prove(&spec, &bundle, &Terms::new()).unwrap();
    assert!(proofs.is_complete(), "{proofs}");
}

fn listing(keys: &str) -> String {
    format!("[[rule]]\nid = 'r'\ncheck = 'files'\n{keys}\n")
}

#[test]
fn a_list_of_files_can_be_broken_however_it_is_bounded() {
    let three = [("x1", ""), ("x2", ""), ("x3", "")];
    exact(&listing("files = 'x1'"), &three);
    exact(&listing("files = 'x?'\nmin_matches = 3"), &three);
    exact(&listing("files = 'x*'\nmax_matches = 9"), &three);
    exact(
        &listing("files = 'c/**/*.json'\nmax_matches = 2"),
        &[("c/d/1.json", "")],
    );
}

#[test]
fn a_list_of_files_and_the_files_can_be_broken_apart() {
    let list = [("a.json", r#"["x1","x2"]"#), ("x1", ""), ("x2", "")];
    exact(&listing("files = 'x*'\nequals = 'a:/*'"), &list);
    // A name without wildcards, and its one file is an artifact.
    exact(
        &listing("files = 'b.json'\nequals = 'a:/*'\nallow_empty = 'none is as good'"),
        &[("a.json", r#"["b.json"]"#)],
    );
    // Artifacts alone: one that goes takes its line of the list with it.
    let both = r#"["a.json","b.json"]"#;
    exact(
        &listing("files = '*.json'\nequals = 'a:/*'"),
        &[("a.json", both)],
    );
}

/// What a rule asks for that an artifact is already, fails with it; the artifact fails alone once another file has such a name.
#[test]
fn a_file_that_must_be_there_can_be_replaced_by_another_of_its_kind() {
    let found = results(&listing("files = '*.txt'"), "0");
    assert_eq!(found, [("r".to_owned(), ProofResult::Entangled)]);
    let text = spec(&format!("{ARTIFACTS}{}", listing("files = '*.txt'")));
    let spec = Spec::parse("s.toml", &text).unwrap();
    let bundle = memory(&[("a.json", "0"), ("b.json", "0"), ("t.txt", "x")]);
    let proofs = prove(&spec, &bundle, &Terms::new()).unwrap();
    let present = proofs
        .all()
        .iter()
        .find(|proof| proof.rule() == "present.t");
    let present = present.unwrap();
    assert_eq!(present.result(), ProofResult::Exact);
    assert_eq!(present.edits(), ["remove t.txt", "add x.txt"]);
}

fn run(keys: &str) -> String {
    format!("[[rule]]\nid = 'r'\ncheck = 'run_length'\nrows = 'a:/*'\nfield = '/n'\n{keys}\n")
}

#[test]
fn a_run_can_be_too_long_and_too_short() {
    let rows = [("a.json", r#"[{"n":1,"k":1},{"n":9,"k":2},{"n":2,"k":3}]"#)];
    exact(
        &run("type = 'u64'\nop = '<'\nright = { value = 5 }\nat_most = 1"),
        &rows,
    );
    exact(
        &run("type = 'u64'\nop = '<'\nright = { value = 5 }\nat_least = 1"),
        &rows,
    );
    // More in a row than there are rows.
    exact(
        &run("type = 'u64'\nop = '<'\nright = { value = 5 }\nat_most = 7"),
        &rows,
    );
    exact(
        &run("type = 'u64'\nop = '!='\nright = { value = 0 }\nat_most = 3"),
        &rows,
    );
    let scaled = "type = 'u64'\nop = '<'\nright = { at = 'b:', type = 'u64', mul = 3, add = 2 }\nat_most = 1";
    exact(&run(scaled), &[rows[0], ("b.json", "1")]);
    let times = r#"[{"n":"2026-01-01T00:00:00Z"},{"n":"2026-01-01T00:00:09Z"}]"#;
    let late = "type = 'time'\nop = '>'\nright = { value = '2026-01-01T00:00:05Z' }\nat_least = 1\nat_most = 1";
    exact(&run(late), &[("a.json", times)]);
}

/// A neighbour of the field holds the rows apart, so only one of them may move.
#[test]
fn a_run_is_broken_by_one_row_where_all_would_break_another_rule() {
    let rows = [("a.json", r#"[{"n":1},{"n":2},{"n":9}]"#)];
    let rising = "[[rule]]\nid = 'rising'\ncheck = 'increasing'\nat = 'a:/*/n'\ntype = 'u64'\n";
    let short = run("type = 'u64'\nop = '<'\nright = { value = 5 }\nat_most = 2");
    exact(&(short + rising), &rows);
}

fn interval(values: &str, keys: &str) -> (String, String) {
    let rule = format!("[[rule]]\nid = 'r'\ncheck = 'interval'\n{keys}\n");
    (rule, values.to_owned())
}

#[test]
fn an_interval_has_two_ends_and_both_sides() {
    let listed = "at = 'a:/*'";
    for (rule, values) in [
        interval(
            "[10,20,30]",
            &format!("{listed}\ntype = 'u64'\nmin = 5\nmax = 15"),
        ),
        interval(
            "[0,0]",
            &format!("{listed}\ntype = 'i64'\nmin = -5\nmax = 5"),
        ),
        interval(
            "[5,5]",
            &format!("{listed}\ntype = 'i64'\nmin = -1e300\nmax = 3"),
        ),
        interval(
            "[5,5]",
            &format!("{listed}\ntype = 'i64'\nmin = -3\nmax = 1e300"),
        ),
        interval(
            "[1.5,1.75]",
            &format!("{listed}\ntype = 'finite'\nmin = -2.5\nmax = 2.5"),
        ),
        interval(
            r#"["2026-01-01T00:00:00Z","2026-01-01T00:00:00Z"]"#,
            &format!("{listed}\ntype = 'time'\nmin = -3600\nmax = 3600"),
        ),
        interval(
            "[7,8]",
            "series = [{ at = 'a:/0', type = 'i64' }, { at = 'a:/1', type = 'i64', mul = 2, add = 1 }]\nmin = -20\nmax = 20",
        ),
        interval(
            "[1.5,2.0]",
            "series = [{ at = 'a:/0', type = 'finite' }, { at = 'a:/1', type = 'finite', mul = 2.0 }]\nmin = -20\nmax = 20",
        ),
    ] {
        exact(&rule, &[("a.json", &values)]);
    }
}
