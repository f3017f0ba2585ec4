//! Each check and each kind of failure: a bundle on which it holds, and one on which it alone fails.

use runward_evidence::{FailureKind, Outcome, Verdict};

use crate::harness::{failures, judge, rule};

/// Judges `a`, `b` and `t` with one rule that must hold on the first and fail like that on the second.
#[track_caller]
fn holds_and_fails(keys: &str, good: [&str; 3], bad: [&str; 3], kind: FailureKind) {
    let spec = rule(keys);
    let files = |[a, b, t]: [&str; 3]| judge(&spec, &[("a.json", a), ("b.json", b), ("t.txt", t)]);
    let report = files(good);
    assert_eq!(
        report.verdict(),
        Verdict::Proven,
        "{}",
        report.render(Default::default())
    );
    let report = files(bad);
    assert_eq!(
        failures(&report),
        ["r"],
        "{}",
        report.render(Default::default())
    );
    let found = report.judgement("r").unwrap().failure().unwrap();
    assert_eq!(found.kind(), kind, "{}", found.message());
}

/// The same, with nothing but `a`.
#[track_caller]
fn on_a(keys: &str, good: &str, bad: &str, kind: FailureKind) {
    holds_and_fails(keys, [good, "0", "x"], [bad, "0", "x"], kind);
}

/// The same, with nothing but `t`.
#[track_caller]
fn on_t(keys: &str, good: &str, bad: &str, kind: FailureKind) {
    holds_and_fails(keys, ["0", "0", good], ["0", "0", bad], kind);
}

#[test]
fn comparisons_are_exact_and_convert_nothing() {
    let least =
        "check = 'cmp'\nleft = { at = 'a:/n', type = 'u64' }\nop = '>='\nright = { value = 2 }";
    on_a(least, r#"{"n":2}"#, r#"{"n":1}"#, FailureKind::Compare);
    for wrong in [
        "\"2\"",
        "2.0",
        "true",
        "null",
        "-2",
        "18446744073709551616",
        "[2]",
    ] {
        on_a(
            least,
            r#"{"n":2}"#,
            &format!("{{\"n\":{wrong}}}"),
            FailureKind::WrongType,
        );
    }
    on_a(
        least,
        r#"{"n":18446744073709551615}"#,
        "{}",
        FailureKind::MissingValue,
    );
    let beyond = "check = 'cmp'\nleft = { at = 'a:/n', type = 'u64' }\nop = '>'\nright = { at = 'a:/m', type = 'u64', mul = 2, add = 1 }";
    on_a(
        beyond,
        r#"{"n":9007199254740994,"m":4503599627370496}"#,
        r#"{"n":9007199254740993,"m":4503599627370496}"#,
        FailureKind::Compare,
    );
}

#[test]
fn operands_count_add_up_and_find_extremes() {
    let operand = |operand: &str, bound: u32| {
        format!("check = 'cmp'\nleft = {{ {operand} }}\nop = '=='\nright = {{ value = {bound} }}")
    };
    on_a(
        &operand("count = 'a:/*'", 2),
        "[7,8]",
        "[7]",
        FailureKind::Compare,
    );
    on_a(
        &operand("count = 'a:/x/*'", 0),
        r#"{"x":[]}"#,
        "{}",
        FailureKind::MissingValue,
    );
    on_a(
        &operand("sum = 'a:/*', type = 'u64'", 15),
        "[7,8]",
        "[7,7]",
        FailureKind::Compare,
    );
    on_a(
        &operand("sum = 'a:/*', type = 'u64'", 0),
        "[0]",
        "[]",
        FailureKind::NothingExamined,
    );
    on_a(
        &operand("min = 'a:/*', type = 'u64'", 7),
        "[8,7]",
        "[8]",
        FailureKind::Compare,
    );
    on_a(
        &operand("max = 'a:/*', type = 'u64'", 8),
        "[8,7]",
        "[9,8]",
        FailureKind::Compare,
    );
    on_t(
        &operand("text = 't', find = '^n: (\\d+)$', type = 'u64'", 5),
        "m: 6\r\nn: 5\r\n",
        "n: 5\nn: 5\n",
        FailureKind::Ambiguous,
    );
    on_t(
        &operand("text = 't', find = '^n: (.+)$', type = 'u64'", 5),
        "n: 5",
        "n: 5x",
        FailureKind::WrongType,
    );
    on_t(
        &operand(
            "text = 't', section = '^= (.+)$', key = 'two', find = '^n: (\\d+)$', type = 'u64'",
            5,
        ),
        "= one\nn: 4\n= two\nn: 5\n",
        "= one\nn: 5\n",
        FailureKind::NoMatch,
    );
}

#[test]
fn values_are_one_thing_or_one_of_several() {
    on_a(
        "check = 'eq'\nat = 'a:/ok'\nvalue = true",
        r#"{"ok":true}"#,
        r#"{"ok":"true"}"#,
        FailureKind::NotEqual,
    );
    on_a(
        "check = 'eq'\nat = 'a:/*'\nvalue = 1",
        "[1]",
        "[1,1]",
        FailureKind::Ambiguous,
    );
    let mode =
        "check = 'one_of'\nat = 'a:/mode'\nvalues = ['x', 'y']\non_absent = 'pass'\nwhy = 'w'";
    on_a(mode, "{}", r#"{"mode":"z"}"#, FailureKind::NotOneOf);
    on_a(
        &mode.replace("a:/mode", "a:/s/mode"),
        r#"{"s":{}}"#,
        "{}",
        FailureKind::MissingValue,
    );
    on_a(
        "check = 'absent'\nat = 'a:/error'",
        "{}",
        r#"{"error":null}"#,
        FailureKind::Unexpected,
    );
    on_a(
        "check = 'absent'\nat = 'a:/s/error'",
        r#"{"s":{}}"#,
        "{}",
        FailureKind::MissingValue,
    );
}

#[test]
fn every_one_of_many_and_never_none() {
    let matches = "check = 'each_matches'\nat = 'a:/*'\nregex = '^x'";
    on_a(
        matches,
        r#"["x","xy"]"#,
        r#"["x","yx"]"#,
        FailureKind::NoMatch,
    );
    on_a(matches, r#"["x"]"#, "[1]", FailureKind::WrongType);
    on_a(matches, r#"["x"]"#, "[]", FailureKind::NothingExamined);
    let typed = "check = 'each_typed'\nat = 'a:/*'\ntype = 'time'\nmin_count = 2";
    let two = r#"["2026-01-01T00:00:00Z","2026-01-01T00:00:00Z"]"#;
    on_a(
        typed,
        two,
        r#"["2026-01-01T00:00:00Z","2026-01-01T00:00:00"]"#,
        FailureKind::WrongType,
    );
    on_a(
        typed,
        two,
        r#"["2026-01-01T00:00:00Z"]"#,
        FailureKind::NothingExamined,
    );
    let empty = "check = 'each_typed'\nat = 'a:/*'\ntype = 'u64'\nallow_empty = 'it may be idle'";
    on_a(empty, "[]", "[-1]", FailureKind::WrongType);
}

#[test]
fn rows_are_there_once_or_never() {
    let row = "check = 'row'\nrows = 'a:/[id=\"x\"]'\nfields = { \"/n\" = 'u64' }\nequals = { \"/ok\" = true }";
    let good = r#"[{"id":"x","n":1,"ok":true},{"id":"y"}]"#;
    on_a(
        row,
        good,
        r#"[{"id":"X","n":1,"ok":true}]"#,
        FailureKind::NoSuchRow,
    );
    on_a(
        row,
        good,
        r#"[{"id":"x","n":1,"ok":true},{"id":"x"}]"#,
        FailureKind::Ambiguous,
    );
    on_a(
        row,
        good,
        r#"[{"id":"x","n":"1","ok":true}]"#,
        FailureKind::WrongType,
    );
    on_a(
        row,
        good,
        r#"[{"id":"x","ok":true}]"#,
        FailureKind::MissingValue,
    );
    on_a(
        row,
        good,
        r#"[{"id":"x","n":1,"ok":false}]"#,
        FailureKind::NotEqual,
    );
    let none = "check = 'no_row'\nrows = 'a:/*'\nwhere = { \"/dead\" = true }";
    on_a(
        none,
        r#"[{"dead":false}]"#,
        r#"[{"dead":false},{"dead":true}]"#,
        FailureKind::UnwantedRow,
    );
    on_a(
        none,
        r#"[{"dead":false}]"#,
        "[{}]",
        FailureKind::MissingValue,
    );
    on_a(
        none,
        r#"[{"dead":false}]"#,
        "[]",
        FailureKind::NothingExamined,
    );
    let sum = "check = 'row_sum'\nrows = 'a:/*'\nparts = '/h/*'\ntotal = '/n'";
    on_a(
        sum,
        r#"[{"h":[1,2],"n":3}]"#,
        r#"[{"h":[1,2],"n":4}]"#,
        FailureKind::SumMismatch,
    );
    on_a(
        sum,
        r#"[{"h":[1,2],"n":3}]"#,
        r#"[{"h":[4,-1],"n":3}]"#,
        FailureKind::WrongType,
    );
    on_a(
        sum,
        r#"[{"h":[1,2],"n":3}]"#,
        r#"[{"n":0}]"#,
        FailureKind::MissingValue,
    );
}

#[test]
fn what_was_not_attempted_is_vacuous() {
    let some = "check = 'some_row'\nrows = 'a:/*'\nwhere = { \"/e\" = 'open' }\nnewer = { field = '/t', than = 'b:/t' }";
    let b = r#"{"t":"2026-01-01T00:00:00Z"}"#;
    let good = r#"[{"e":"open","t":"2026-01-01T00:00:00.1Z"}]"#;
    for bad in [
        r#"[{"e":"open","t":"2026-01-01T00:00:00Z"}]"#,
        r#"[{"e":"close","t":"2026-01-01T00:00:00.1Z"}]"#,
        r#"[{"e":"open","t":"soon"}]"#,
        "[]",
    ] {
        holds_and_fails(
            some,
            [good, b, "x"],
            [bad, b, "x"],
            FailureKind::NotAttempted,
        );
    }
    let report = judge(
        &rule(some),
        &[("a.json", "[]"), ("b.json", b), ("t.txt", "x")],
    );
    assert_eq!(report.verdict(), Verdict::Vacuous);
    let stern = rule(&format!("{some}\notherwise = 'refuted'"));
    let report = judge(&stern, &[("a.json", "[]"), ("b.json", b), ("t.txt", "x")]);
    assert_eq!(report.verdict(), Verdict::Refuted);
}

#[test]
fn series_have_a_trend() {
    let series = |check: &str| format!("check = '{check}'\nat = 'a:/*'\ntype = 'u64'");
    on_a(&series("flat"), "[2,2]", "[2,3]", FailureKind::NotFlat);
    on_a(
        &series("increasing"),
        "[2,3]",
        "[2,2]",
        FailureKind::NotIncreasing,
    );
    on_a(
        &series("monotonic"),
        "[2,2,3]",
        "[2,1]",
        FailureKind::NotMonotonic,
    );
    on_a(
        &series("flat"),
        "[2,2]",
        "[2]",
        FailureKind::NothingExamined,
    );
    let interval = "check = 'interval'\nat = 'a:/*'\ntype = 'time'\nmin = 1\nmax = 2.5";
    let times = |second: &str| format!("[\"2026-01-01T00:00:00Z\",\"2026-01-01T00:00:{second}Z\"]");
    on_a(
        interval,
        &times("02.5"),
        &times("02.500000001"),
        FailureKind::BadInterval,
    );
    on_a(
        interval,
        &times("01"),
        &times("00"),
        FailureKind::BadInterval,
    );
    let named = "check = 'increasing'\nseries = [{ at = 'a:/x', type = 'u64' }, { at = 'a:/y', type = 'u64' }]";
    on_a(
        named,
        r#"{"x":1,"y":2}"#,
        r#"{"x":2,"y":2}"#,
        FailureKind::NotIncreasing,
    );
}

#[test]
fn rows_in_a_row_and_rows_of_a_group() {
    let run = "check = 'run_length'\nrows = 'a:/*'\nfield = '/r'\ntype = 'u64'\nop = '<'\nright = { value = 5 }\nat_most = 2";
    on_a(
        run,
        r#"[{"r":1},{"r":1},{"r":9},{"r":1}]"#,
        r#"[{"r":1},{"r":1},{"r":1}]"#,
        FailureKind::RunLength,
    );
    on_a(
        &run.replace("at_most", "at_least"),
        r#"[{"r":1},{"r":1}]"#,
        r#"[{"r":1},{"r":9},{"r":1}]"#,
        FailureKind::RunLength,
    );
    let group = "check = 'group'\nrows = 'a:/*'\nby = '/id'\nsum = '/n'\ntype = 'u64'\nop = '>='\nright = { value = 3 }";
    on_a(
        group,
        r#"[{"id":1,"n":1},{"id":2,"n":3},{"id":1,"n":2}]"#,
        r#"[{"id":1,"n":1},{"id":2,"n":5},{"id":1,"n":1}]"#,
        FailureKind::Compare,
    );
}

#[test]
fn an_implication_that_never_applies_is_vacuous() {
    let when = "check = 'when'\nif = { left = { at = 'a:/p', type = 'u64' }, op = '>', right = { value = 10 } }\nthen = { left = { at = 'a:/n', type = 'u64' }, op = '>', right = { value = 0 } }";
    on_a(
        when,
        r#"{"p":11,"n":1}"#,
        r#"{"p":11,"n":0}"#,
        FailureKind::Compare,
    );
    on_a(
        when,
        r#"{"p":11,"n":1}"#,
        r#"{"p":10,"n":0}"#,
        FailureKind::NeverApplies,
    );
}

#[test]
fn documents_agree_or_differ() {
    let same = "check = 'same'\nleft = 'a:'\nright = 'b:'\nignore = ['/x']";
    holds_and_fails(
        same,
        [
            r#"{"x":1,"y":[1,{"z":2}]}"#,
            r#"{"y":[1,{"z":2}],"x":2}"#,
            "x",
        ],
        [r#"{"y":[1,{"z":2}]}"#, r#"{"y":[1,{"z":3}]}"#, "x"],
        FailureKind::Differs,
    );
    for other in [r#"{"y":1,"w":1}"#, "{}", r#"{"y":1.0}"#, r#"{"y":"1"}"#] {
        holds_and_fails(
            same,
            [r#"{"y":1}"#; 2].chain("x"),
            [r#"{"y":1}"#, other, "x"],
            FailureKind::Differs,
        );
    }
    let set = "check = 'same_set'\nsets = ['a:/*', 'b:/*']";
    holds_and_fails(
        set,
        ["[1,2,2]", "[2,1]", "x"],
        ["[1]", "[1,2]", "x"],
        FailureKind::SetDiffers,
    );
    holds_and_fails(
        set,
        ["[1]", "[1]", "x"],
        ["[]", "[]", "x"],
        FailureKind::NothingExamined,
    );
    let distinct = "check = 'distinct'\ntuples = [['a:/p', 'a:/q'], ['b:/p', 'b:/q']]";
    let p = r#"{"p":1,"q":2}"#;
    holds_and_fails(
        distinct,
        [p, r#"{"p":1,"q":3}"#, "x"],
        [p, p, "x"],
        FailureKind::NotDistinct,
    );
    let project =
        "check = 'project'\nrows = 'a:/*'\nhaving = '/x'\nkey = '/i'\nval = '/x/n'\nequals = 'b:'";
    let rows = r#"[{"i":4,"x":{"n":"p"}},{"i":5}]"#;
    for bad in [r#"{"4":"q"}"#, "{}", r#"{"4":"p","5":"p"}"#] {
        holds_and_fails(
            project,
            [rows, r#"{"4":"p"}"#, "x"],
            [rows, bad, "x"],
            FailureKind::Differs,
        );
    }
}

trait Chain {
    fn chain(self, last: &'static str) -> [&'static str; 3];
}

impl Chain for [&'static str; 2] {
    fn chain(self, last: &'static str) -> [&'static str; 3] {
        [self[0], self[1], last]
    }
}

#[test]
fn texts_have_what_they_should_and_nothing_else() {
    on_t(
        "check = 'matches'\ntext = 't'\nregex = '(?m)^done$'",
        "a\r\ndone\r\n",
        "undone",
        FailureKind::NoMatch,
    );
    on_t(
        "check = 'not_matches'\ntext = 't'\nregex = '(?i)\\bfail'",
        "fine, infail",
        "a\nFailed",
        FailureKind::UnwantedMatch,
    );
    on_t(
        "check = 'not_matches'\ntext = 't'\nregex = 'x'",
        "y",
        " \n",
        FailureKind::NothingExamined,
    );
    let prefix = "check = 'prefix'\nshort = { text = 't', find = '^s: (\\S+)$' }\nlong = { text = 't', find = '^l: (\\S+)$' }\nmin_length = 3";
    on_t(
        prefix,
        "s: abc\nl: abcd",
        "s: abd\nl: abcd",
        FailureKind::NotPrefix,
    );
    on_t(
        prefix,
        "s: abc\nl: abcd",
        "s: ab\nl: abcd",
        FailureKind::NotPrefix,
    );
}

/// They would be two identities by how one of them is written.
#[test]
fn values_of_two_kinds_do_not_differ() {
    for keys in [
        "check = 'distinct'\ntuples = [['a:/x'], ['a:/y']]",
        "check = 'cmp'\nleft = { at = 'a:/x' }\nop = '!='\nright = { at = 'a:/y' }",
    ] {
        for other in ["\"1\"", "1.0", "null", "true", "[1]"] {
            let bad = format!("{{\"x\":1,\"y\":{other}}}");
            on_a(keys, r#"{"x":1,"y":2.5}"#, &bad, FailureKind::WrongType);
        }
    }
}

/// A document may be written on one line, a comment with other numbers before the ones that count.
#[test]
fn a_second_match_is_ambiguous_also_within_a_line() {
    on_t(
        "check = 'cmp'\nleft = { text = 't', find = 'failures=(\\d+)', type = 'u64' }\nop = '=='\nright = { value = 0 }",
        "<failures=0>",
        "<!--failures=0--><failures=7>",
        FailureKind::Ambiguous,
    );
}

#[test]
fn digests_are_recomputed() {
    // That of the three bytes `abc`, as FIPS 180-4 gives it.
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let keys = "check = 'sha256'\nof = 't'\nequals = { at = 'a:/sha256', type = 'string' }";
    let manifest = format!("{{\"sha256\":\"{abc}\"}}");
    holds_and_fails(
        keys,
        [&manifest, "0", "abc"],
        [&manifest, "0", "abd"],
        FailureKind::WrongDigest,
    );
}

#[test]
fn every_failure_shows_where() {
    let keys = "check = 'eq'\nat = 'a:/deep/ok'\nvalue = true";
    let report = judge(
        &rule(keys),
        &[
            ("a.json", "{\n \"deep\": {\"ok\": false}\n}"),
            ("b.json", "0"),
            ("t.txt", "x"),
        ],
    );
    let judged = report.judgement("r").unwrap();
    let place = judged.place().unwrap();
    assert_eq!(
        (place.path(), place.line(), place.column()),
        ("a.json", Some(2), Some(17))
    );
    assert_eq!(place.bytes(), Some(18..23));
    assert_eq!(judged.outcome(), Outcome::Judged(Verdict::Refuted));
}

#[test]
fn the_nearest_candidate_is_named() {
    let help = |keys: &str, a: &str| {
        let report = judge(
            &rule(keys),
            &[("a.json", a), ("b.json", "0"), ("t.txt", "x")],
        );
        let failure = report.judgement("r").unwrap().failure().unwrap().clone();
        failure.help().unwrap_or_default().to_owned()
    };
    let typo = help(
        "check = 'eq'\nat = 'a:/forwarding_armd'\nvalue = true",
        r#"{"forwarding_armed":true}"#,
    );
    assert_eq!(typo, "there is `forwarding_armed`");
    let row = help(
        "check = 'row'\nrows = 'a:/[id=\"trust\"]'",
        r#"[{"id":"trusd"},{"id":"wan"}]"#,
    );
    assert_eq!(row, "the nearest row has \"trusd\"");
}
