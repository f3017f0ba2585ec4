//! What is no spec says so, with the place, and with the name that was meant.

use runward_evidence::{ErrorKind, Spec};

use crate::harness::{ARTIFACTS, rule, spec};

#[track_caller]
fn refused(text: &str, part: &str) {
    let error = Spec::parse("s.toml", text).expect_err(text);
    let message = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Spec);
    assert!(message.starts_with("s.toml:"), "{message}");
    assert!(message.contains(part), "{message}");
}

#[test]
fn an_unknown_key_is_an_error_where_it_stands() {
    let text =
        "schema = 1\nid = \"x\"\n[[rule]]\nid = \"r\"\ncheck = \"eq\"\nat = \"a:\"\n  vaule = 1\n";
    refused(
        text,
        "s.toml:7:3: a rule with the check `eq` has no key `vaule`; did you mean `value`?",
    );
    refused(
        "schema = 1\nid = \"x\"\n[parms]\n",
        "did you mean `params`?",
    );
    refused(
        &spec("[[artifact]]\nid = 'a'\nfile = 'a'\nkind = 'jsn'\n"),
        "did you mean `json`?",
    );
    refused(&rule("check = 'eqq'"), "did you mean `eq`?");
    refused(&rule("check = 'includes'"), "; there are cmp, when, eq, ");
    refused(
        &rule("check = 'eq'\nat = 'a:/x'\nvalue = 1\n[[waiver]]\nrule = 'r'\nuntil = '2026-01-01'"),
        "a waiver has no key `until`; there are rule, owner, expires, why",
    );
    refused(
        &rule(
            "check = 'eq'\nat = 'a:/x'\nvalue = 1\n[[waiver]]\nrule = 'r'\nowner = ' '\nexpires = '2026-01-01'\nwhy = 'x'",
        ),
        "say who answers for it",
    );
    refused(
        &rule("check = 'eq'\nat = 'aa:/x'\nvalue = 1"),
        "there is no artifact `aa`; did you mean `a`?",
    );
    refused(
        &rule("check = 'eq'\nat = 'a:/x'\nvalue = 1\nafter = ['parse.aa']"),
        "did you mean `parse.a`?",
    );
    refused(
        &rule("check = 'eq'\nat = 'a:/{x}'\nvalue = 1"),
        "`{x}` is no parameter",
    );
    refused(
        &rule("check = 'eq'\nat = 'a:/x'\nvalue = 1\nfor = { x = 'sets' }"),
        "there is no set",
    );
    refused(
        &rule(
            "check = 'cmp'\nleft = { at = 'a:/x', typ = 'u64' }\nop = '>'\nright = { value = 1 }",
        ),
        "`type`",
    );
    refused("schema = 1\nid = 1", "a string should be here");
    refused("schema = 2\nid = 'x'", "schema 1");
    refused("schema = 1\nid = 'x'\nid = 'y'", "s.toml:3");
}

#[test]
fn nothing_may_be_green_by_leaving_something_out() {
    refused(
        &rule("check = 'each_matches'\nat = 'a:/*'\nregex = 'x'\nmin_matches = 0"),
        "allow_empty",
    );
    refused(
        &rule("check = 'each_matches'\nat = 'a:/*'\nregex = 'x'\nallow_empty = ' '"),
        "say why",
    );
    refused(
        &rule("check = 'eq'\nat = 'a:/x'\nvalue = 1\nallow_empty = 'w'"),
        "allow_empty",
    );
    refused(
        &rule("check = 'eq'\nat = 'a:/x'\nvalue = 1\non_absent = 'pass'"),
        "needs a `why`",
    );
    refused(
        &rule("check = 'eq'\nat = 'a:/x'\nvalue = 1\notherwise = 'proven'"),
        "`otherwise`",
    );
    refused(&rule("check = 'one_of'\nat = 'a:/x'\nvalues = []"), "none");
    refused(
        &rule("check = 'no_row'\nrows = 'a:/*'\nwhere = {}"),
        "condition",
    );
    refused(&rule("check = 'some_row'\nrows = 'a:/*'"), "which row");
    refused(&spec("[sets]\nx = []\n"), "nothing");
    refused(&spec("[files]\nunread = 'allow'\n"), "`why` is missing");
    refused(
        &spec(&format!(
            "{ARTIFACTS}[[waiver]]\nrule = 'parse.a'\nowner = 'x'\nexpires = 'never'\nwhy = 'w'\n"
        )),
        "no day",
    );
    refused(
        &spec(&format!(
            "{ARTIFACTS}[[waiver]]\nrule = 'parse.a'\nexpires = '2026-01-01'\nwhy = 'w'\n"
        )),
        "`owner` is missing",
    );
}

#[test]
fn types_meet_or_it_is_an_error() {
    let cmp = |left: &str, op: &str, right: &str| {
        rule(&format!(
            "check = 'cmp'\nleft = {{ {left} }}\nop = '{op}'\nright = {{ {right} }}"
        ))
    };
    refused(&cmp("at = 'a:/x'", ">", "at = 'b:/x'"), "needs a `type`");
    refused(
        &cmp(
            "at = 'a:/x', type = 'u64'",
            ">",
            "at = 'b:/x', type = 'time'",
        ),
        "nothing is converted",
    );
    refused(
        &cmp("at = 'a:/x', type = 'u64'", ">", "value = -1"),
        "not u64",
    );
    refused(
        &cmp("at = 'a:/x', type = 'u64'", ">", "value = 1.5"),
        "not u64",
    );
    refused(
        &cmp("at = 'a:/x', type = 'u64', mul = 0.5", ">", "value = 1"),
        "finite",
    );
    refused(
        &cmp("at = 'a:/x', type = 'string', add = 1", "==", "value = 'x'"),
        "does not go with",
    );
    refused(
        &cmp("at = 'a:/x', count = 'a:/*'", ">", "value = 1"),
        "exactly one of",
    );
    refused(&cmp("at = 't:/x'", "==", "value = 1"), "is text");
    refused(
        &cmp("text = 'a', find = '(x)'", "==", "value = 'x'"),
        "no text",
    );
    refused(
        &cmp("text = 't', find = 'x'", "==", "value = 'x'"),
        "one group",
    );
    refused(
        &cmp("at = 'a:/x', type = 'u64'", "=>", "value = 1"),
        "compares nothing",
    );
}

#[test]
fn names_are_unique_and_prerequisites_end() {
    refused(
        &spec(&format!("{ARTIFACTS}{ARTIFACTS}")),
        "two artifacts `a`",
    );
    let rule = |id: &str, after: &str| {
        format!("[[rule]]\nid = '{id}'\ncheck = 'eq'\nat = 'a:'\nvalue = 1\nafter = [{after}]\n")
    };
    refused(
        &spec(&format!("{ARTIFACTS}{}{}", rule("r", ""), rule("r", ""))),
        "two rules `r`",
    );
    refused(
        &spec(&format!(
            "{ARTIFACTS}{}{}",
            rule("r", "'q'"),
            rule("q", "'r'")
        )),
        "waits for itself",
    );
    for taken in ["unread", "bundle.sealed", "bundle.examined"] {
        refused(
            &spec(&format!("{ARTIFACTS}{}", rule(taken, ""))),
            "reported under",
        );
    }
    refused(
        &spec(&format!("{ARTIFACTS}{}", rule("a b", ""))),
        "an id is made of",
    );
    refused(&spec("[sets]\nx = ['1', '1']\n"), "twice");
    for file in ["/etc/hosts", "../x", "a/../b", "", "a//b", "./a"] {
        refused(
            &spec(&format!(
                "[[artifact]]\nid = 'a'\nfile = '{file}'\nkind = 'text'\n"
            )),
            "stay in the bundle",
        );
    }
}

#[test]
fn patterns_and_paths_are_checked_before_anything_is_read() {
    refused(
        &rule("check = 'matches'\ntext = 't'\nregex = '('"),
        "no pattern",
    );
    refused(
        &rule("check = 'matches'\ntext = 't'\nregex = '(?:a{1000}){1000}'"),
        "no pattern",
    );
    refused(&rule("check = 'eq'\nat = 'a'\nvalue = 1"), "no artifact");
    refused(
        &rule("check = 'eq'\nat = 'a:x'\nvalue = 1"),
        "begins with `/`",
    );
    refused(
        &rule("check = 'eq'\nat = 'a:/[id=x]'\nvalue = 1"),
        "a string needs its quotes",
    );
    refused(
        &rule("check = 'row'\nrows = 'a:/*'\nfields = { '/*' = 'u64' }"),
        "no wildcards",
    );
}

#[test]
fn parameters_stay_within_their_bounds() {
    let text = spec(
        "[params]\nn = { type = 'u64', default = 5, min = 1, max = 9 }\ns = { type = 'string', default = 'x' }\n",
    );
    let with = |name: &str, value: &str| Spec::with_params("s.toml", &text, &[(name, value)]);
    assert!(with("n", "9").is_ok());
    assert!(with("s", "\"\\").is_ok());
    for (name, value) in [
        ("n", "0"),
        ("n", "10"),
        ("n", "1.0"),
        ("n", "x"),
        ("n", "-1"),
        ("m", "1"),
    ] {
        let error = with(name, value).expect_err(value);
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
    refused(
        &spec("[params]\nn = { type = 'u64', default = 0, min = 1 }\n"),
        "out of bounds",
    );
    refused(
        &spec("[params]\nn = { type = 'string', default = 'x', min = 1 }\n"),
        "bounds go with numbers",
    );
}

/// A hundred kilobytes that would come to ten gigabytes.
#[test]
fn what_is_multiplied_stays_within_bounds() {
    let values: Vec<String> = (0..10_000).map(|x| format!("'{x}'")).collect();
    let text = format!(
        "[params]\np = {{ type = 'string', default = '{}' }}\n{ARTIFACTS}[[rule]]\nid = 'r{{x}}'\nfor = {{ x = [{}] }}\ncheck = 'eq'\nat = 'a:'\nvalue = '{}'\n",
        "A".repeat(100_000),
        values.join(","),
        "{p}".repeat(10)
    );
    refused(&spec(&text), "filled in, the spec has more than");
}

#[test]
fn a_parameter_is_written_literally_wherever_it_goes() {
    let text = spec(&format!(
        "[params]\nid = {{ type = 'string', default = 'x' }}\n{ARTIFACTS}\
         [[rule]]\nid = 'row'\ncheck = 'row'\nrows = \"a:/[id=\\\"{{id}}\\\"]\"\n\
         [[rule]]\nid = 'text'\ncheck = 'matches'\ntext = 't'\nregex = '^{{id}}$'\n"
    ));
    for odd in ["a\"b", "a.b", "{x}", "a/b~", "]", "a\\"] {
        let spec = Spec::with_params("s.toml", &text, &[("id", odd)]).unwrap();
        let row = serde_json::json!([{ "id": odd }]).to_string();
        let bundle = crate::harness::memory(&[("a.json", &row), ("b.json", "0"), ("t.txt", odd)]);
        let report = runward_evidence::verify(&spec, &bundle, &runward_evidence::Terms::new());
        assert_eq!(
            crate::harness::failures(&report),
            [""; 0],
            "{odd}: {}",
            report.render(Default::default())
        );
    }
}
