use crate::{Meta, Severity, Tier};

/// The words for people of an invariant of the harness.
pub(super) fn meta(id: &str) -> Meta {
    let (severity, title, message, runbook) = words(id);
    Meta {
        id: id.to_owned(),
        title: title.to_owned(),
        tier: Tier::A,
        severity,
        message: message.to_owned(),
        runbook: runbook.to_owned(),
    }
}

/// How bad it is, its title, what is said, and what to do.
fn words(id: &str) -> (Severity, &'static str, &'static str, &'static str) {
    match id {
        "canary.blind" => (
            Severity::Critical,
            "What is watched can be seen",
            "{kind} {subject} could not be read or judged (cycles in a row: {cycles}), while others could.",
            "Its last state is old news. Look at the causes of what is unread: an address, a right, a schema that has changed.",
        ),
        "canary.clock" => (
            Severity::Major,
            "The clock runs as it should",
            "The wall clock of the watching host was changed ({kind}).",
            "Ages and graces of this cycle are off by the step. Look at the time synchronisation of the host.",
        ),
        "canary.fast" => (
            Severity::Major,
            "A cycle does work",
            "The {subject} were implausible ({kind}, cycles in a row: {cycles}): nothing was really looked at.",
            "Look whether the sources point at the system that is meant, and not at an empty or a cached one.",
        ),
        "canary.overdue" => (
            Severity::Major,
            "Cycles follow each other in time",
            "The last cycle ended {silence} ago, at most {limit} is allowed.",
            "Nobody watched meanwhile. Look why the watcher stood still, and at what happened in that time.",
        ),
        "canary.starved" => (
            Severity::Minor,
            "Each invariant has something to look at",
            "{subject} had too little to look at (cycles in a row: {cycles}): it is green by accident.",
            "Look whether there is traffic, and whether the query still finds it.",
        ),
        "canary.twin" => (
            Severity::Major,
            "One watcher at a time",
            "{subject} has written the state since our last cycle.",
            "Two watchers share one ledger and no lock: stop one, or give it a ledger of its own. If this one has come back after that one stood in for it, it is over with the next cycle.",
        ),
        _ => (
            Severity::Minor,
            "A change of the rules is told",
            "The rules were changed from {before} to {now}.",
            "Compare both rule sets over stored snapshots before you trust what has become green.",
        ),
    }
}
