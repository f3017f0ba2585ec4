use super::SET;
use crate::Rules;

/// The set with one text in the place of another is refused, at that line, with those words.
fn refused(from: &str, to: &str, line: usize, words: &str) {
    assert!(SET.contains(from), "{from} is not in the set");
    let text = SET.replacen(from, to, 1);
    let error = Rules::parse("set.toml", &text)
        .expect_err("a refusal")
        .to_string();
    assert!(
        error.starts_with(&format!("set.toml:{line}:")),
        "{error}, and not at line {line}"
    );
    assert!(error.contains(words), "{error}, and not {words}");
}

/// The invariant with another shape is refused.
fn shape(rule: &str, words: &str) {
    let from = "shape = \"at_most\"\ncount = \"slots\"\nlimit = \"roster.cap\"";
    let error = Rules::parse("set.toml", &SET.replace(from, rule))
        .expect_err("a refusal")
        .to_string();
    assert!(error.starts_with("set.toml:"), "{error}");
    assert!(error.contains(words), "{error}, and not {words}");
}

#[test]
fn unknown_keys_are_refused_everywhere_with_the_nearest() {
    refused(
        "title = \"a",
        "titel = \"a",
        1,
        "has no key `titel`; did you mean `title`?",
    );
    refused(
        "tier = \"A\"",
        "tire = \"A\"",
        25,
        "has no key `tire`; did you mean `tier`?",
    );
    refused(
        "count = \"slots\"",
        "cuont = \"slots\"",
        30,
        "has no key `cuont`; did you mean `count`?",
    );
    refused(
        "interval",
        "intervall",
        39,
        "policy has no key `intervall`; did you mean `interval`?",
    );
    refused("provoke", "provoce", 36, "did you mean `provoke`?");
    refused("subjects =", "subjcts =", 16, "did you mean `subjects`?");
}

#[test]
fn words_for_people_are_required() {
    for word in [
        "title = \"No overbooking\"",
        "tier = \"A\"",
        "severity = \"critical\"",
        "message = \"{subject} has {count} of {limit}\"",
    ] {
        let name = word.split(' ').next().expect("a name");
        refused(word, "", 23, &format!("`{name}` is missing"));
    }
    refused(
        "runbook = \"Look for an acquire that counts and adds in two steps.\"",
        "",
        23,
        "`runbook` is missing",
    );
    refused("\"No overbooking\"", "\"  \"", 24, "`title` says nothing");
}

#[test]
fn names_that_lead_nowhere_are_refused_with_the_nearest() {
    refused(
        "count = \"slots\"",
        "count = \"slot\"",
        30,
        "there is no facet `slot`; did you mean `slots`?",
    );
    refused(
        "source = \"db\"",
        "source = \"dp\"",
        10,
        "there is no source `dp`; did you mean `db`?",
    );
    refused(
        "roster.cap",
        "roster.cup",
        31,
        "has no column `cup`, and `columns` asks for none; did you mean `cap`?",
    );
    refused(
        "at_most",
        "at_least",
        29,
        "there is no shape `at_least`; did you mean `at_most`?",
    );
    refused(
        "subjects = \"roster\"",
        "subjects = \"rooster\"",
        16,
        "there is no facet `rooster`; did you mean `roster`?",
    );
    refused(
        "invariant = \"S-02\"",
        "invariant = \"S-03\"",
        33,
        "there is no invariant `S-03`; did you mean `S-02`?",
    );
    refused(
        "kind = \"above\"",
        "kind = \"over\"",
        34,
        "`S-02` has no kind `over`, but above",
    );
}

#[test]
fn values_that_mean_nothing_are_refused() {
    refused("\"2s\"", "\"soon\"", 8, "this is no length of time");
    refused("tier = \"A\"", "tier = \"C\"", 25, "it is one of A, B");
    refused(
        "\"critical\"",
        "\"crtical\"",
        26,
        "did you mean `critical`?",
    );
    refused(
        "cap = \"int\"",
        "cap = \"number\"",
        12,
        "it is one of text, int, time, bool, any",
    );
    refused(
        "cap = \"int\"",
        "id = \"int\"",
        12,
        "has a column `id` by itself",
    );
    refused("\"5m\"", "\"10ms\"", 39, "at least a second");
    refused("title = \"a", "schema = 2\ntitle = \"a", 1, "not schema 1");
    refused(
        "[policy]",
        "[policy]\nstale_after = 0",
        39,
        "at least one cycle",
    );
}

#[test]
fn two_invariants_of_one_id_are_refused() {
    let twice = format!("{SET}\n[invariant.S-02]\ntitle = 'x'\n");
    let error = Rules::parse("set.toml", &twice)
        .expect_err("a refusal")
        .to_string();
    assert!(
        error.starts_with("set.toml:41:") && error.contains("duplicate key"),
        "{error}"
    );
    let alike = format!("{SET}\n[invariant.s-02]\ntitle = 'x'\n");
    let error = Rules::parse("set.toml", &alike)
        .expect_err("a refusal")
        .to_string();
    assert!(error.contains("one id to people"), "{error}");
    refused(
        "[invariant.S-02]",
        "[invariant.\"canary.blind\"]",
        23,
        "the canary judges itself",
    );
}

#[test]
fn text_never_becomes_part_of_a_query() {
    refused(
        "FROM agents",
        "FROM agents WHERE x = '{subject}'",
        11,
        "never as text in braces",
    );
    refused(
        "FROM agents",
        "FROM agents WHERE x = :subject",
        11,
        "stands for nobody",
    );
    refused("\nsubjects = \"roster\"", "", 15, "stands for nobody");
    let shell = "kind = \"command\"\nargv = [\"sh\", \"-c\"]";
    let text = SET.replacen("kind = \"redis\"", shell, 1);
    let error = Rules::parse("set.toml", &text)
        .expect_err("a refusal")
        .to_string();
    assert!(error.contains("part of a shell's program"), "{error}");
    refused("redis://127", "redis://me:secret@127", 7, "`url_env`");
    let error = Rules::parse(
        "set.toml",
        &SET.replacen("redis://127", "redis://me:secret@127", 1),
    );
    assert!(!error.expect_err("a refusal").to_string().contains("secret"));
}

#[test]
fn facets_that_need_themselves_are_refused() {
    refused(
        "query = \"SELECT name, cap FROM agents\"",
        "subjects = \"slots\"",
        9,
        "before itself",
    );
    refused("born = 1", "each = \"roster\"", 13, "exclude each other");
    refused(
        "subjects = \"roster\"",
        "subjects = \"drain\"",
        16,
        "has no rows with an `id`",
    );
}

#[test]
fn a_grace_shorter_than_two_periods_is_refused() {
    let rule = |grace: &str| {
        format!("shape = 'waiting_implies'\nwork = 'slots'\nheartbeat = 'drain'\ngrace = '{grace}'")
    };
    shape(
        &rule("119s"),
        "a grace of 1m 59s is shorter than two periods of the heartbeat `drain`, 1m each",
    );
    let from = "shape = \"at_most\"\ncount = \"slots\"\nlimit = \"roster.cap\"";
    let text = SET
        .replace(from, &rule("120s"))
        .replace("{subject} has {count} of {limit}", "{subject}: {work}")
        .replace("\"above\"", "\"stalled\"");
    assert!(Rules::parse("set.toml", &text).is_ok());
    let silent = text.replace("period = \"60s\"\n", "");
    let error = Rules::parse("set.toml", &silent)
        .expect_err("a refusal")
        .to_string();
    assert!(error.contains("does not say its `period`"), "{error}");
}

#[test]
fn evidence_from_the_one_under_suspicion_is_refused() {
    let rule =
        |evidence: &str| format!("shape = 'sees'\nroster = 'roster'\nevidence = ['{evidence}']");
    shape(&rule("roster"), "it depends on the source `db`");
    shape(&rule("slots"), "it depends on the source `db`");
    shape("shape = 'sees'\nroster = 'roster'", "`evidence` is missing");
    let from = "shape = \"at_most\"\ncount = \"slots\"\nlimit = \"roster.cap\"";
    let set = SET.replace("{subject} has {count} of {limit}", "{evidence}");
    let other = set
        .replace(from, &rule("drain"))
        .replace("\"above\"", "\"roster_read_failed\"");
    assert!(
        Rules::parse("set.toml", &other).is_ok(),
        "a twin of another source"
    );
    let twin = "[source.other]\nkind = \"sqlite\"\npath = \"/data/app.db\"\n[facet.beat]\nsource = \"other\"\n[policy]";
    let disguised = SET.replace(from, &rule("beat")).replace("[policy]", twin);
    let error = Rules::parse("set.toml", &disguised)
        .expect_err("a refusal")
        .to_string();
    assert!(
        error.contains("it depends on the source `other`"),
        "the same database by another name: {error}"
    );
}

#[test]
fn a_reference_that_no_second_look_would_find_again_is_refused() {
    let confirmed = "\nconfirm = 'reread'\nkinds = { dangling = 'above' }";
    let refers = |refs: &str, column: &str, to: &str| {
        let key = if to == "roster" { "id" } else { "subject" };
        format!(
            "shape = 'refers'\nrefs = '{refs}'\ncolumn = '{column}'\nto = '{to}'\nkey = '{key}'"
        )
    };
    let set = SET.replace("{count} of {limit}", "{count}");
    for (refs, column, to, words) in [
        (
            "slots",
            "id",
            "roster",
            "of facet `slots` only whose `subject`",
        ),
        (
            "roster",
            "id",
            "slots",
            "of facet `slots` only whose `subject`",
        ),
        ("slots", "subject", "roster", ""),
    ] {
        let rule = refers(refs, column, to);
        let arm = format!("[[invariant.S-02.arm]]\n{rule}\nkinds = {{ dangling = 'above' }}");
        let from = "shape = \"at_most\"\ncount = \"slots\"\nlimit = \"roster.cap\"";
        let plain = set.replace(from, &format!("{rule}{confirmed}"));
        let armed = set.replace(from, &format!("confirm = 'reread'\n{arm}"));
        for text in [plain, armed] {
            let said = Rules::parse("set.toml", &text).map_err(|error| error.to_string());
            let said = said.err().unwrap_or_default();
            assert!(
                said.contains(words) && said.is_empty() == words.is_empty(),
                "{said}"
            );
        }
        let once = format!("{rule}\nkinds = {{ dangling = 'above' }}");
        assert!(Rules::parse("set.toml", &set.replace(from, &once)).is_ok());
    }
}

#[test]
fn shapes_refuse_what_they_cannot_judge_by() {
    shape(
        "shape = 'dwell'\nof = 'slots'\nmin = '10m'",
        "`generation` is missing",
    );
    shape(
        "shape = 'row'\nof = 'slots'\nbad = [{ kind = 'k', column = 'id' }]",
        "asks nothing",
    );
    shape(
        "shape = 'row'\nof = 'slots'\nbad = [{ column = 'id', null = true }]",
        "`kind` is missing",
    );
    shape(
        "shape = 'row'\nof = 'slots'\nbad = [{ kind = 'k', column = 'id', matches = '(' }]",
        "this is no pattern",
    );
    shape(
        "shape = 'row'\nof = 'slots'\nbad = [{ kind = 'k', column = 'id', older_than = '5s' }]",
        "is text, and time is needed",
    );
    shape(
        "shape = 'row'\nof = 'slots'\nbad = [{ kind = 'k', column = 'id', at = 'born', null = true }]",
        "`at` says when",
    );
    shape(
        "shape = 'age_below'\nof = 'slots'\nlimit = '5m'\nmissing = 'skip'",
        "say with `because`",
    );
    shape(
        "shape = 'age_below'\nof = 'slots'\nlimit = '5m'\nbecause = 'x'",
        "and nothing is",
    );
    shape(
        "shape = 'age_below'\nof = 'slots'\nlimit = '5m'\nowner = { until = 'born' }",
        "no owner is trusted for ever",
    );
    shape(
        "shape = 'age_below'\nof = 'roster'\nlimit = '5m'",
        "has no column `born`",
    );
    shape(
        "shape = 'age_below'\nof = 'slots'\nlimit = { column = 'roster.id' }",
        "is text, and int is needed",
    );
    shape(
        "shape = 'same_ids'\nleft = 'slots'\nright = 'roster'",
        "both or neither a `subject`",
    );
    shape("shape = 'absorbing'\nof = 'slots'", "say with `back`");
    shape(
        "shape = 'absorbing'\nof = 'slots'\nback = ['slots']\nfinal = ['x']",
        "both or neither",
    );
    shape(
        "shape = 'same_ids'\nleft = 'slots'\nright = 'ttls'\nmissing = 'skip'\nbecause = 'x'",
        "skips nothing",
    );
    shape("arm = []", "there are no arms");
    let arm = "{ shape = 'at_most', count = 'slots', limit = 1 }";
    shape(
        &format!("arm = [{arm}, {arm}]"),
        "two arms have a kind `above`",
    );
    let dwell = "{ shape = 'dwell', of = 'slots', generation = 'born', min = '1m', kinds = { persists = 'K' } }";
    let two = format!("arm = [{}, {}]", dwell, dwell.replace("'K'", "'L'"));
    shape(&two, "only one arm may remember");
    shape(
        "shape = 'at_most'\ncount = 'slots'\nlimit = 1\nkinds = { abov = 'x' }",
        "did you mean `above`?",
    );
    shape(
        "shape = 'at_most'\ncount = 'slots'\nlimit = 1\nexpect = { examined_at_least = 0, within_cycles = 3 }",
        "is at least 1",
    );
    shape(
        "shape = 'at_most'\ncount = 'slots'\nlimit = 1\nwhen = { after = 'drain' }",
        "has no `id`",
    );
    shape(
        "shape = 'at_most'\ncount = 'slots'\nlimit = 1\nwhen = { after = 'roster', delay = '5m', within = '5m' }",
        "not shorter than `within`",
    );
    shape(
        "shape = 'at_most'\ncount = 'slots'\nlimit = 1\namong = 'rostr'",
        "did you mean `roster`?",
    );
}

#[test]
fn what_can_never_hold_is_refused() {
    let row = |condition: &str| {
        format!("shape = 'row'\nof = 'roster'\nbad = [{{ kind = 'k', {condition} }}]")
    };
    for list in ["in", "not_in", "equals", "not"] {
        shape(
            &row(&format!("column = 'id', {list} = []")),
            "this list is empty",
        );
    }
    for test in [
        "secret = true",
        "matches = 'x'",
        "prefix = 'x'",
        "json = false",
    ] {
        shape(
            &row(&format!("column = 'cap', {test}")),
            "is int, and text is needed",
        );
    }
    shape(
        &row("column = 'cap', equals = 'x'"),
        "no value of this column can be that",
    );
    shape(
        &row("column = 'cap', not_in = [1, 'x']"),
        "no value of this column can be that",
    );
    shape(
        &row("column = 'cap', same = 'cap'"),
        "always the same as itself",
    );
    shape(
        &row("column = 'cap', null = true, set = true"),
        "never holds",
    );
    shape(&row("column = 'cap', null = true, null = false"), "");
    shape(
        "shape = 'same_ids'\nleft = 'slots'\nright = 'slots'",
        "read the same",
    );
    shape(
        "shape = 'agree'\nleft = 'roster.cap'\nright = 'roster.cap'",
        "compare two readings",
    );
    shape(
        "shape = 'refers'\nrefs = 'roster'\nto = 'roster'",
        "always refers to itself",
    );
    shape(
        "shape = 'refers'\nrefs = 'roster'\ncolumn = 'cap'\nto = 'slots'",
        "is int, and text is needed",
    );
    shape(
        "shape = 'absorbing'\nof = 'slots'\nstate = 'id'\nfinal = ['x']\nlive = ['x']\nchanged = true",
        "both an end and alive",
    );
    shape(
        "shape = 'waiting_implies'\nwork = 'slots'\nheartbeat = 'drain'\ngrace = '10m'\nmode = { column = 'roster.cap', equals = 'yes' }",
        "no value of this column can be that",
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_place() {
    refused("[policy]", "[policy", 38, "");
    let error = Rules::parse("set.toml", "x = 1.5\nsource = 3")
        .expect_err("a refusal")
        .to_string();
    assert!(error.starts_with("set.toml:1:1:"), "{error}");
}
