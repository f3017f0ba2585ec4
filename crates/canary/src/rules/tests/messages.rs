//! What a mistake is told with: file, line and column, the table, the key, the value as it was written, and the remedy. Each message is compared as a whole.

use super::SET;
use crate::Rules;

const SHAPE: &str = "shape = \"at_most\"\ncount = \"slots\"\nlimit = \"roster.cap\"";
const MESSAGE: &str = "{subject} has {count} of {limit}";

/// The message for the set with one text in the place of another.
fn told(from: &str, to: &str) -> String {
    assert!(SET.contains(from), "{from} is not in the set");
    let text = SET.replacen(from, to, 1);
    let error = Rules::parse("set.toml", &text).expect_err(to);
    error.to_string()
}

#[track_caller]
fn all(rows: &[(&str, &str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .map(|(from, to, message)| (to, told(from, to), message))
        .filter(|(_, told, message)| told != *message)
        .map(|(to, told, message)| format!("{to}\n  is told as {told}\n  and not as {message}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn values_of_another_type_are_told_with_what_to_write() {
    all(&[
        (
            "tier = \"A\"",
            "tier = 1",
            "set.toml:25:8: [invariant.S-02] tier = 1: this is a whole number, and one of \"A\", \"B\" is needed",
        ),
        (
            "interval = \"5m\"",
            "interval = 10",
            "set.toml:39:12: [policy] interval = 10: a length of time has a unit: write \"10s\", \"10m\" or \"10h\"",
        ),
        (
            "interval = \"5m\"",
            "interval = \"10\"",
            "set.toml:39:12: [policy] interval = \"10\": a length of time has a unit: write \"10s\", \"10m\" or \"10h\"",
        ),
        (
            "timeout = \"2s\"",
            "timeout = \"soon\"",
            "set.toml:8:11: [source.redis] timeout = \"soon\": this is no length of time, such as \"90s\" or \"1h 30m\"",
        ),
        (
            "limit = \"roster.cap\"",
            "limit = 2.5",
            "set.toml:31:9: [invariant.S-02] limit = 2.5: this is a fraction or a date, and a whole number, or \"facet.column\" in quotes, is needed",
        ),
        (
            "limit = \"roster.cap\"",
            "limit = \"5\"",
            "set.toml:31:9: [invariant.S-02] limit = \"5\": this is text, and a whole number is needed: write 5 without quotes",
        ),
        (
            "limit = \"roster.cap\"",
            "limit = -1",
            "set.toml:31:9: [invariant.S-02] limit = -1: nothing has fewer than none: a limit is 0 or more",
        ),
        (
            "limit = \"roster.cap\"",
            "limit = 1\nexpect = 1",
            "set.toml:32:10: [invariant.S-02] expect = 1: this is a whole number, and a table, such as { examined_at_least = 3, within_cycles = 3 }, is needed",
        ),
        (
            "limit = \"roster.cap\"",
            "limit = 1\nwhere = \"id = 5\"",
            "set.toml:32:9: [invariant.S-02] where = \"id = 5\": this is text, and a table, such as { column = \"…\", null = true }, is needed",
        ),
        (
            "limit = \"roster.cap\"",
            "limit = 1\nsustained = 60",
            "set.toml:32:13: [invariant.S-02] sustained = 60: a length of time has a unit: write \"60s\", \"60m\" or \"60h\"",
        ),
        (
            "title = \"No overbooking\"",
            "title = 7",
            "set.toml:24:9: [invariant.S-02] title = 7: this is a whole number, and text in quotes is needed",
        ),
        (
            "provoke = [\"true\"]",
            "provoke = \"redis-cli set x\"",
            "set.toml:36:11: [drill.overbook] provoke = \"redis-cli set x\": there is no shell that takes this apart: write provoke = [\"redis-cli\", \"set\", \"x\"]",
        ),
        (
            "interval = \"5m\"",
            "ping = \"curl https://x\"",
            "set.toml:39:8: [policy] ping: there is no shell that takes this apart: write ping = [\"curl\", \"https://x\"]",
        ),
        (
            "interval = \"5m\"",
            "recover = \"no\"",
            "set.toml:39:11: [policy] recover = \"no\": this is text, and `true` or `false` is needed",
        ),
        (
            "interval = \"5m\"",
            "stale_after = -1",
            "set.toml:39:15: [policy] stale_after = -1: a count is not below 0",
        ),
    ]);
}

#[test]
fn missing_and_unknown_keys_are_told_with_their_table() {
    all(&[
        (
            "message = \"{subject} has {count} of {limit}\"\n",
            "",
            "set.toml:23:1: [invariant.S-02]: `message` is missing",
        ),
        (
            "shape = \"at_most\"\n",
            "",
            "set.toml:23:1: [invariant.S-02]: `shape` is missing: one of same_ids, at_most, exactly, age_below, within_then, decay_floor, absorbing, row, refers, agree, waiting_implies, pool, dwell, sees",
        ),
        (
            "[invariant.S-02]",
            "[invariant.S.2]",
            "set.toml:23:14: [invariant.S]: this is a table in the invariant `S`: an id with a dot needs quotes, as in [invariant.\"S.2\"]",
        ),
        (
            "[invariant.S-02]",
            "[invariant.canary.blind]",
            "set.toml:23:19: [invariant.canary]: `canary.blind`: ids that begin with `canary.` are those by which the canary judges itself; choose another",
        ),
        (
            "[invariant.S-02]",
            "[invariant.\"canary.blind\"]",
            "set.toml:23:12: [invariant]: `canary.blind`: ids that begin with `canary.` are those by which the canary judges itself; choose another",
        ),
        (
            "limit = \"roster.cap\"",
            "maximum = 3",
            "set.toml:31:1: [invariant.S-02]: an invariant of shape `at_most` has no key `maximum`; known: count, limit, where, exempt, shape, kinds, missing, because, title, tier, severity, message, runbook, off, confirm, sustained, max_skew, among, expect, when",
        ),
        (
            "limit = \"roster.cap\"",
            "limit = 3\nlimit = 4",
            "set.toml:32:1: duplicate key `limit`; it is in line 31 as well",
        ),
        (
            "[policy]",
            "[invariant.S-02]\ntitle = \"again\"\n[policy]",
            "set.toml:38:12: duplicate key `S-02`; it is in line 23 as well",
        ),
        (
            "[policy]",
            "[output]\nprom = \"x.prom\"\n[policy]",
            "set.toml:39:1: [output]: output has no key `prom`; known: html, prometheus, json",
        ),
        (
            "title = \"a",
            "titel = \"a",
            "set.toml:1:1: a rule set has no key `titel`; did you mean `title`?",
        ),
        (
            "kind = \"sqlite\"\n",
            "",
            "set.toml:2:1: [source.db]: `kind` is missing: what it is, such as \"redis\"",
        ),
        (
            "source = \"db\"\n",
            "",
            "set.toml:9:1: [facet.roster]: `source` is missing: whom to ask",
        ),
        (
            "[policy]",
            "[[alert]]\nminimum = \"minor\"\n[policy]",
            "set.toml:38:1: [[alert]]: `kind` is missing: where it goes, such as \"stderr\"",
        ),
        (
            "[policy]",
            "[policy",
            "set.toml:38:8: unclosed table, expected `]`: [policy",
        ),
        (
            "[policy]",
            "[policy]\nstartup = 1h",
            "set.toml:39:11: string values must be quoted, expected literal string: startup = 1h",
        ),
    ]);
}

#[test]
fn names_that_lead_nowhere_are_told_with_those_that_are_known() {
    all(&[
        (
            "count = \"slots\"",
            "count = \"slot\"",
            "set.toml:30:9: [invariant.S-02] count = \"slot\": there is no facet `slot`; did you mean `slots`?",
        ),
        (
            "count = \"slots\"",
            "count = \"everything\"",
            "set.toml:30:9: [invariant.S-02] count = \"everything\": there is no facet `everything`; known: roster, slots, drain",
        ),
        (
            "roster.cap",
            "roster.cup",
            "set.toml:31:9: [invariant.S-02] limit = \"roster.cup\": facet `roster` has no column `cup`, and `columns` asks for none; did you mean `cap`?",
        ),
        (
            "at_most",
            "no_more_than_that",
            "set.toml:29:9: [invariant.S-02] shape = \"no_more_than_that\": there is no shape `no_more_than_that`; known: same_ids, at_most, exactly, age_below, within_then, decay_floor, absorbing, row, refers, agree, waiting_implies, pool, dwell, sees",
        ),
        (
            "severity = \"critical\"",
            "severity = \"crtical\"",
            "set.toml:26:12: [invariant.S-02] severity = \"crtical\": it is one of minor, major, critical; did you mean `critical`?",
        ),
        (
            "subject = \"a\"",
            "subject = 3",
            "set.toml:35:11: [drill.overbook] subject = 3: this is a whole number, and text in quotes is needed",
        ),
        (
            "kind = \"above\"",
            "kind = \"below\"",
            "set.toml:34:8: [drill.overbook] kind = \"below\": `S-02` has no kind `below`, but above",
        ),
    ]);
}

#[test]
fn sets_that_come_with_it_are_named() {
    let names: Vec<&str> = Rules::shipped().map(|(name, _)| name).collect();
    let known = names.join(", ");
    assert_eq!(
        told("title = \"a", "include = [\"nosuch\"]\ntitle = \"a"),
        format!(
            "set.toml:1:12: include[0] = \"nosuch\": no file (files are not included here), and no set that comes with runward; known: {known}"
        )
    );
}

#[test]
fn rules_that_mean_nothing_are_told_with_the_remedy() {
    let shape = |rule: &str| SET.replace(SHAPE, rule).replace(MESSAGE, "m");
    let told = |rule: &str| {
        let error = Rules::parse("set.toml", &shape(rule)).expect_err(rule);
        error.to_string()
    };
    let rows = [
        (
            "shape = 'same_ids'\nleft = 'slots'\nright = 'slots'",
            "set.toml:31:9: [invariant.S-02] right = 'slots': `left` and `right` read the same, which is always the same as itself: compare two readings",
        ),
        (
            "shape = 'agree'\nleft = 'roster.cap'\nright = 'roster.cap'",
            "set.toml:31:9: [invariant.S-02] right = 'roster.cap': `left` and `right` are the same, which always agrees with itself: compare two readings",
        ),
        (
            "shape = 'at_most'\ncount = 'roster.cap'\nlimit = 'roster.cap'",
            "set.toml:31:9: [invariant.S-02] limit = 'roster.cap': `count` and `limit` are the same number: compare two",
        ),
    ];
    for (rule, message) in rows {
        assert_eq!(told(rule), message, "{rule}");
    }
    let count = SET.replacen("as = \"stamp\"", "as = \"count\"", 1);
    let count = count.replacen("count = \"slots\"", "count = \"drain\"", 1);
    let error = Rules::parse("set.toml", &count).expect_err("a refusal");
    assert_eq!(
        error.to_string(),
        "set.toml:30:9: [invariant.S-02] count = \"drain\": facet `drain` has one row with a number in it, and rows would be counted: write \"drain.count\""
    );
}

#[test]
fn blanks_that_nothing_fills_are_told() {
    all(&[
        (
            "{count}",
            "{cuont}",
            "set.toml:27:11: [invariant.S-02] message = \"{subject} has {cuont} of {limit}\": nothing fills `{cuont}`; did you mean `count`?",
        ),
        (
            "{count}",
            "{count",
            "set.toml:27:11: [invariant.S-02] message = \"{subject} has {count of {limit}\": a brace is not closed: write {subject}",
        ),
        (
            "{count}",
            "{held_for}",
            "set.toml:27:11: [invariant.S-02] message = \"{subject} has {held_for} of {limit}\": nothing fills `{held_for}`; known: subject, kind, severity, untold, count, limit, by, ids",
        ),
        (
            "counts and adds",
            "counts {subject} and adds",
            "set.toml:28:11: [invariant.S-02] runbook = \"Look for an acquire that counts {subject} and adds in two s…: a runbook is shown as it stands, and nothing fills `{subject}`: say it in `message`",
        ),
        (
            "slots:{subject}",
            "slots:{subjct}",
            "set.toml:15:9: [facet.slots] query = \"ZRANGE agent:slots:{subjct} 0 -1 WITHSCORES\": nothing fills `{subjct}`: it is no column of facet `roster`; did you mean `subject`?",
        ),
        (
            "slots:{subject}",
            "slots:{born}",
            "set.toml:15:9: [facet.slots] query = \"ZRANGE agent:slots:{born} 0 -1 WITHSCORES\": nothing fills `{born}`: it is no column of facet `roster`; known: subject, id, cap",
        ),
    ]);
}

#[test]
fn a_secret_is_in_no_message() {
    for (from, to) in [
        ("redis://127", "redis://me:hunter2@127"),
        ("url = \"redis://127", "ulr = \"redis://me:hunter2@127"),
        (
            "[source.redis]\n",
            "[source.redis]\npassword = [\"hunter2\"]\nurl = \"redis://me:hunter2@x\"\n",
        ),
        (
            "[source.redis]\n",
            "[source]\nredis = { url = \"redis://me:hunter2@x\" }\n[source.other]\n",
        ),
    ] {
        let text = SET.replacen(from, to, 1);
        if let Err(error) = Rules::parse("set.toml", &text) {
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
