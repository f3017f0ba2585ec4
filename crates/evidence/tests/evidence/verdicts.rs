//! Artifacts that cannot be judged, prerequisites, waivers, and how verdicts merge.

use runward_evidence::{FailureKind, Outcome, Spec, Terms, Verdict, verify};

use crate::harness::{failures, judge, memory, spec};

const ONE: &str = "[[artifact]]\nid = 'a'\nfile = 'a'\n";

/// One artifact, of which only `parse.a` or `present.a` may fail, like that.
#[track_caller]
fn unusable(artifact: &str, content: Option<&[u8]>, rule: &str, kind: FailureKind) {
    let text = spec(&format!("{ONE}{artifact}"));
    let spec = Spec::parse("test.toml", &text).unwrap();
    let mut bundle = memory(&[]);
    if let Some(content) = content {
        bundle.insert("a", content);
    }
    let report = verify(&spec, &bundle, &Terms::new().max_file(1000));
    assert_eq!(failures(&report), [rule]);
    let judged = report.judgement(rule).unwrap();
    assert_eq!(judged.failure().unwrap().kind(), kind);
    let wanted = match kind {
        FailureKind::WrongDigest => Verdict::Refuted,
        _ => Verdict::Inconclusive,
    };
    assert_eq!(report.verdict(), wanted);
}

#[test]
fn what_cannot_be_read_is_inconclusive() {
    let json = "kind = 'json'\n";
    unusable(json, None, "present.a", FailureKind::MissingArtifact);
    unusable(json, Some(b""), "parse.a", FailureKind::Empty);
    unusable(json, Some(&[b' '; 1001]), "parse.a", FailureKind::TooLarge);
    unusable(json, Some(b"\"\xff\""), "parse.a", FailureKind::NotUtf8);
    unusable(json, Some(b"{\0\"\0"), "parse.a", FailureKind::BadJson);
    unusable(json, Some(b"[NaN]"), "parse.a", FailureKind::BadJson);
    unusable(
        json,
        Some("\u{feff}1".as_bytes()),
        "parse.a",
        FailureKind::BadJson,
    );
    unusable(
        json,
        Some(br#"{"a":1,"a":2}"#),
        "parse.a",
        FailureKind::DuplicateKey,
    );
    unusable(json, Some(&[b'['; 200]), "parse.a", FailureKind::TooDeep);
    unusable(
        "kind = 'jsonl'\n",
        Some(b"1\n\n2\n"),
        "parse.a",
        FailureKind::BadJson,
    );
    for status in ["", "-1", "256", "0x0", "1 2", "01"] {
        let kind = if status.is_empty() {
            FailureKind::Empty
        } else {
            FailureKind::BadStatus
        };
        unusable("kind = 'rc'\n", Some(status.as_bytes()), "parse.a", kind);
    }
    unusable(
        "kind = 'json'\ntop = 'array'\n",
        Some(b"{}"),
        "parse.a",
        FailureKind::WrongShape,
    );
    unusable(
        "kind = 'json'\nshape = { '/s' = 'object' }\n",
        Some(b"{}"),
        "parse.a",
        FailureKind::WrongShape,
    );
    unusable(
        "kind = 'json'\nschema = { at = '/v', value = 2 }\n",
        Some(b"{\"v\":1}"),
        "parse.a",
        FailureKind::WrongSchema,
    );
    let digest = format!("kind = 'text'\nsha256 = '{}'\n", "0".repeat(64));
    unusable(&digest, Some(b"x"), "parse.a", FailureKind::WrongDigest);
}

#[test]
fn bad_json_is_shown_with_line_and_column() {
    let report = judge(
        &spec(&format!("{ONE}kind = 'json'\n")),
        &[("a", "{\n  \"x\": 1,\n  \"x\": 2\n}")],
    );
    let place = report.judgement("parse.a").unwrap().place().unwrap();
    assert_eq!((place.line(), place.column()), (Some(3), Some(3)));
}

#[test]
fn exit_statuses_and_lines_are_values() {
    let keys = "kind = 'rc'\n[[artifact]]\nid = 'l'\nfile = 'l'\nkind = 'jsonl'\n[[rule]]\nid = 'r'\ncheck = 'eq'\nat = 'a:'\nvalue = 0\n[[rule]]\nid = 'n'\ncheck = 'cmp'\nleft = { count = 'l:/*' }\nop = '=='\nright = { value = 2 }\n";
    let text = spec(&format!("{ONE}{keys}"));
    assert_eq!(
        judge(&text, &[("a", "0\n"), ("l", "{}\n{}\n")]).verdict(),
        Verdict::Proven
    );
    assert_eq!(
        failures(&judge(&text, &[("a", "1"), ("l", "{}\n")])),
        ["r", "n"]
    );
}

const CHAIN: &str = "kind = 'json'
[[rule]]
id = 'late'
check = 'eq'
after = ['mid']
at = 'a:/z'
value = 1
[[rule]]
id = 'mid'
check = 'eq'
after = ['first']
at = 'a:/y'
value = 1
[[rule]]
id = 'first'
check = 'eq'
at = 'a:/x'
value = 1
";

#[test]
fn what_builds_on_a_failure_is_blocked_by_its_root() {
    let text = spec(&format!("{ONE}{CHAIN}"));
    let report = judge(&text, &[("a", r#"{"x":0,"y":0,"z":0}"#)]);
    assert_eq!(failures(&report), ["first"]);
    for id in ["late", "mid"] {
        let judged = report.judgement(id).unwrap();
        assert_eq!(
            (judged.outcome(), judged.blocked_by()),
            (Outcome::Blocked, Some("first"))
        );
    }
    let report = judge(&text, &[]);
    assert_eq!(failures(&report), ["present.a"]);
    assert_eq!(report.count(Outcome::Blocked), 4);
}

#[test]
fn an_empty_collection_is_blocked_by_the_rule_that_counts_it() {
    let keys = "kind = 'json'
[[rule]]
id = 'none-dead'
check = 'no_row'
rows = 'a:/w/*'
where = { '/dead' = true }
[[rule]]
id = 'some'
check = 'cmp'
left = { count = 'a:/w/*' }
op = '>='
right = { value = 1 }
[[rule]]
id = 'behind'
after = ['none-dead']
check = 'eq'
at = 'a:/w'
value = []
";
    let report = judge(&spec(&format!("{ONE}{keys}")), &[("a", r#"{"w":[]}"#)]);
    assert_eq!(failures(&report), ["some"]);
    for id in ["none-dead", "behind"] {
        assert_eq!(report.judgement(id).unwrap().blocked_by(), Some("some"));
    }
}

#[test]
fn the_worst_of_all_rules_is_the_verdict() {
    let keys = "kind = 'json'
[[rule]]
id = 'refuted'
check = 'eq'
at = 'a:/r'
value = 1
[[rule]]
id = 'inconclusive'
check = 'eq'
at = 'a:/i'
value = 1
otherwise = 'inconclusive'
[[rule]]
id = 'vacuous'
check = 'eq'
at = 'a:/v'
value = 1
otherwise = 'vacuous'
";
    let text = spec(&format!("{ONE}{keys}"));
    let verdict = |r, i, v| {
        let json = format!("{{\"r\":{r},\"i\":{i},\"v\":{v}}}");
        judge(&text, &[("a", &json)]).verdict()
    };
    assert_eq!(verdict(1, 1, 1), Verdict::Proven);
    assert_eq!(verdict(1, 1, 0), Verdict::Vacuous);
    assert_eq!(verdict(1, 0, 0), Verdict::Inconclusive);
    assert_eq!(verdict(0, 0, 0), Verdict::Refuted);
    assert_eq!(verdict(0, 1, 0), Verdict::Refuted);
}

#[test]
fn a_spec_of_nothing_is_vacuous() {
    assert_eq!(judge(&spec(""), &[]).verdict(), Verdict::Vacuous);
}

#[test]
fn a_waiver_holds_through_its_last_day_and_no_longer() {
    let text = spec(&format!(
        "{ONE}kind = 'json'\n[[rule]]\nid = 'r'\ncheck = 'eq'\nat = 'a:'\nvalue = 1\n[[waiver]]\nrule = 'r'\nowner = 'ann'\nexpires = '2026-03-31'\nwhy = 'bug 7'\n"
    ));
    let spec = Spec::parse("test.toml", &text).unwrap();
    let bundle = memory(&[("a", "2")]);
    let on = |day: &str| verify(&spec, &bundle, &Terms::new().today(day).unwrap()).verdict();
    assert_eq!(on("2026-03-31"), Verdict::Waived);
    assert_eq!(on("2026-04-01"), Verdict::Refuted);
    assert_eq!(
        verify(&spec, &bundle, &Terms::new()).verdict(),
        Verdict::Refuted
    );
    assert_eq!(
        verify(&spec, &memory(&[("a", "1")]), &Terms::new()).verdict(),
        Verdict::Proven
    );
    assert!(Terms::new().today("2026-02-30").is_err());
}

#[test]
fn a_waiver_excuses_one_rule_and_silences_none() {
    let text = spec(&format!(
        "{ONE}{CHAIN}[[waiver]]\nrule = 'first'\nowner = 'ann'\nexpires = '2026-03-31'\nwhy = 'bug 7'\n"
    ));
    let spec = Spec::parse("test.toml", &text).unwrap();
    let terms = Terms::new().today("2026-03-01").unwrap();
    let judge = |json: &str| verify(&spec, &memory(&[("a", json)]), &terms);
    assert_eq!(judge(r#"{"x":0,"y":1,"z":1}"#).verdict(), Verdict::Waived);
    let behind = judge(r#"{"x":0,"y":0,"z":1}"#);
    assert_eq!(failures(&behind), ["mid"]);
    assert_eq!(behind.verdict(), Verdict::Refuted);
}

#[test]
fn an_optional_artifact_may_be_absent_and_what_reads_it_says_nothing() {
    let text = spec(&format!(
        "{ONE}kind = 'json'\noptional = 'only on ARM'\n[[artifact]]\nid = 'b'\nfile = 'b'\nkind = 'text'\n[[rule]]\nid = 'r'\ncheck = 'eq'\nat = 'a:'\nvalue = 1\n"
    ));
    let report = judge(&text, &[("b", "x")]);
    assert_eq!(report.verdict(), Verdict::Proven);
    assert!(report.judgement("present.a").unwrap().is_by_absence());
    assert_eq!(report.judgement("r").unwrap().outcome(), Outcome::Blocked);
    let there = judge(&text, &[("b", "x"), ("a", "2")]);
    assert_eq!(failures(&there), ["r"]);
    assert!(!there.judgement("present.a").unwrap().is_by_absence());
}

/// Each holds by absence, is blocked or is excused, so that none is a failure; and together they say nothing.
#[test]
fn a_bundle_of_which_nothing_was_examined_is_vacuous() {
    let rule = "[[rule]]\nid = 'r'\ncheck = 'eq'\nat = 'a:'\nvalue = 1\n";
    let optional = format!("{ONE}kind = 'json'\noptional = 'only on ARM'\n{rule}");
    let report = judge(&spec(&optional), &[]);
    assert_eq!(failures(&report), ["bundle.examined"]);
    assert_eq!(report.verdict(), Verdict::Vacuous);
    let judged = report.judgement("bundle.examined").unwrap();
    assert_eq!(
        judged.failure().unwrap().kind(),
        FailureKind::NothingExamined
    );
    assert_eq!(
        judge(&spec(&optional), &[("a", "1")]).verdict(),
        Verdict::Proven
    );

    let waiver =
        "[[waiver]]\nrule = 'present.a'\nowner = 'ann'\nexpires = '2026-03-31'\nwhy = 'bug 7'\n";
    let waived = spec(&format!("{ONE}kind = 'json'\n{rule}{waiver}"));
    let waived = Spec::parse("test.toml", &waived).unwrap();
    let terms = Terms::new().today("2026-03-01").unwrap();
    let verdict = |files: &[(&str, &str)]| verify(&waived, &memory(files), &terms).verdict();
    assert_eq!(verdict(&[]), Verdict::Vacuous);
    assert_eq!(verdict(&[("a", "1")]), Verdict::Proven);
    assert_eq!(verdict(&[("a", "2")]), Verdict::Refuted);
}

#[test]
fn a_file_that_nothing_reads_is_a_failure_unless_the_spec_says_why_not() {
    let base = format!("{ONE}kind = 'text'\n");
    let files = [("a", "x"), ("notes.md", "y")];
    let report = judge(&spec(&base), &files);
    assert_eq!(failures(&report), ["unread"]);
    let judged = report.judgement("unread").unwrap();
    let failure = judged.failure().unwrap();
    assert_eq!(failure.kind(), FailureKind::UnreadFile);
    assert!(!failure.message().contains("more"), "{failure:?}");
    assert!(failure.help().is_some_and(|help| help.contains("ignore")));
    assert_eq!(judged.place().unwrap().path(), "notes.md");
    let three = judge(&spec(&base), &[("a", "x"), ("n", ""), ("o", ""), ("p", "")]);
    let failure = three.judgement("unread").unwrap().failure().unwrap();
    assert!(failure.message().contains("and 2 more"), "{failure:?}");
    for files_table in ["ignore = ['*.md']", "unread = 'allow'"] {
        let text = spec(&format!("[files]\nwhy = 'w'\n{files_table}\n{base}"));
        assert_eq!(judge(&text, &files).verdict(), Verdict::Proven);
    }
}

#[test]
fn lists_of_files_are_checked_and_a_marker_vetoes() {
    let base = format!("{ONE}kind = 'json'\n");
    let cells = spec(&format!(
        "{base}[[rule]]\nid = 'cells'\ncheck = 'files'\nfiles = 'cells/*.json'\nequals = 'a:/*'\nmax_matches = 2\n"
    ));
    let run = |text: &str, files: &[(&str, &str)]| {
        let report = judge(text, files);
        let failed = report
            .judgements()
            .iter()
            .find_map(|judged| judged.failure());
        failed.map(|failure| failure.kind())
    };
    let list = ("a", r#"["cells/1.json"]"#);
    assert_eq!(run(&cells, &[list, ("cells/1.json", "")]), None);
    assert_eq!(run(&cells, &[list]), Some(FailureKind::NothingExamined));
    assert_eq!(
        run(&cells, &[list, ("cells/2.json", "")]),
        Some(FailureKind::WrongFiles)
    );
    let three = [
        list,
        ("cells/1.json", ""),
        ("cells/2.json", ""),
        ("cells/3.json", ""),
    ];
    assert_eq!(run(&cells, &three), Some(FailureKind::WrongFiles));
    let veto = spec(&format!(
        "{base}[[rule]]\nid = 'valid'\ncheck = 'veto'\nfiles = 'INVALID-*'\n"
    ));
    assert_eq!(run(&veto, &[("a", "1")]), None);
    assert_eq!(
        run(&veto, &[("a", "1"), ("INVALID-swap", "")]),
        Some(FailureKind::Vetoed)
    );
}
