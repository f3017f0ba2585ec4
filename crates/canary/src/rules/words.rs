//! What each key is, in a word: for those whose editor shows it beside what they write.

use serde_json::{Value, json};

/// Where it stands (`*` for anywhere), the key, and what it is.
#[rustfmt::skip]
const WORDS: &[(&str, &str, &str)] = &[
    ("*", "schema", "which version of the language this is"),
    ("*", "title", "what it is called where people see it"),
    ("*", "include", "sets that come with runward, by name, and files beside this one"),
    ("*", "source", "where readings come from, by name"),
    ("*", "facet", "what is read, by name"),
    ("*", "invariant", "what must hold, by id"),
    ("*", "drill", "how each kind of an invariant is turned red, and green again"),
    ("*", "policy", "when to look, and when to say something"),
    ("*", "retention", "how long what was seen is kept"),
    ("*", "alert", "where alerts go"),
    ("*", "ledger", "where is kept what one cycle leaves for the next"),
    ("*", "output", "files that are written after each cycle"),
    ("source", "kind", "what it is"),
    ("source", "timeout", "how long one look at it may take; 5s if nothing is said"),
    ("alert", "kind", "where it goes"),
    (
        "alert",
        "name",
        "by which what has not arrived is kept; the kind if nothing is said, with `-2` behind it for a second",
    ),
    ("alert", "minimum", "what is less bad than that does not go there"),
    ("facet", "source", "the name of the source that is asked"),
    ("facet", "query", "what it is asked, in its own language"),
    ("facet", "id", "the field with the id of a row, by name or place"),
    ("facet", "born", "the field that says since when a row is there, by name or place"),
    ("facet", "subject", "the field that says whose a row is, by name or place"),
    ("facet", "subjects", "a facet: it is asked once for each id of that"),
    ("facet", "each", "a facet: it is asked once for each row of that"),
    ("facet", "as", "what an answer is: rows, one instant, or one number"),
    ("facet", "period", "how often whoever writes it does so"),
    ("facet", "columns", "further columns, and what each holds"),
    ("facet", "fields", "the names of the fields of an answer, where they have places and no names"),
    ("*", "shape", "in which way it is judged"),
    ("*", "kinds", "own names for the kinds of its findings"),
    ("*", "missing", "\"skip\": a row whose needed cell is null is passed over, and not blind"),
    ("*", "because", "why it is right to pass over such rows"),
    ("*", "arm", "several shapes under one id"),
    ("*", "tier", "A: it holds at every instant. B: it may be broken for a while, and comes right by itself"),
    ("*", "severity", "how bad it is, for alerts and exit codes"),
    ("*", "message", "what is said of each subject; {subject} and what the shape says are filled in"),
    ("*", "runbook", "where to look first; shown as it stands"),
    ("*", "off", "why it is switched off; false switches on what an included set has off"),
    ("*", "confirm", "\"reread\": what is wrong is read again before it counts"),
    ("*", "sustained", "it has to be wrong for that long"),
    ("*", "max_skew", "how far its readings may lie apart; beyond that it is unjudged"),
    ("*", "among", "the facet in which others can still be seen, if a subject is gone"),
    ("*", "expect", "how much it has to examine; if it does not, somebody is told"),
    ("*", "examined_at_least", "so many elements"),
    ("*", "within_cycles", "in one of so many cycles"),
    ("*", "when", "it is judged only for a while after an event"),
    ("when", "after", "a facet with an id: each new id is an event"),
    ("*", "delay", "from the event until it is judged"),
    ("when", "within", "from the event until it is judged no more"),
    ("*", "where", "all of these conditions hold for the rows that it is about"),
    ("*", "exempt", "rows for which one of these conditions holds are left out"),
    ("*", "column", "the column that it asks"),
    ("*", "null", "whether nothing is stored there"),
    ("*", "set", "whether there is something that is not empty"),
    ("*", "equals", "it is this"),
    ("*", "not", "it is not this"),
    ("*", "in", "it is one of these"),
    ("*", "not_in", "it is none of these"),
    ("*", "prefix", "its text begins so"),
    ("*", "matches", "its text matches this regular expression"),
    ("*", "older_than", "its instant is longer ago than this"),
    ("*", "younger_than", "its instant is not as long ago as this"),
    ("*", "before", "its instant is before that of another column, or \"now\""),
    ("*", "after", "its instant is after that of another column, or \"now\""),
    ("*", "by", "by more than this"),
    ("*", "same", "it is the same as another column"),
    ("*", "differs", "it is not the same as another column"),
    ("*", "at", "the column with the instant by which older_than and younger_than count; now if nothing is said"),
    ("*", "json", "whether its text is JSON"),
    ("*", "secret", "it has a credential in it"),
    ("*", "of", "the facet whose rows are judged"),
    ("*", "stamp", "the column with the instant"),
    ("*", "limit", "how much there may be"),
    ("*", "plus", "what is added to the seconds of the column"),
    ("*", "ahead", "how far an instant may lie in the future"),
    ("*", "left", "one facet"),
    ("*", "right", "the facet that it is compared with"),
    ("*", "side", "which side is judged"),
    ("*", "exclude", "what is left out of either side"),
    ("exclude", "left", "rows of the left side for which one of these holds"),
    ("exclude", "right", "rows of the right side for which one of these holds"),
    ("*", "left_prefix", "ids of the left side that begin so"),
    ("*", "right_prefix", "ids of the right side that begin so"),
    ("*", "left_set", "rows of the left side in which this column is neither null nor empty; a lease, if it holds instants"),
    ("*", "right_set", "the same of the right side"),
    ("*", "grace", "how long it may be so before it counts"),
    ("*", "grace_left", "how long it may be only on the left"),
    ("*", "grace_right", "how long it may be only on the right"),
    ("*", "count", "a facet, whose rows are counted, or facet.column, whose numbers are added up"),
    ("*", "owner", "who answers for a row until when"),
    ("*", "until", "the column with the instant until which somebody else answers for it"),
    ("*", "within", "after how long the rest has to be there"),
    ("*", "then", "what has to be there: a column that is not null, or conditions"),
    ("*", "remaining", "the column with the seconds that are left"),
    ("decay_floor", "born", "when it began: a column, or facet.column by subject and id"),
    ("*", "read_at", "the column with the instant at which it was read"),
    ("*", "floor", "how much it had at the beginning, at least"),
    ("*", "tolerance", "how much less is still well"),
    ("*", "state", "the column with the state"),
    ("*", "final", "the states that are an end"),
    ("*", "live", "the states that are none"),
    ("*", "back", "facets in which nothing may be that has ended"),
    ("*", "generation", "the column that tells one life of an id from the next"),
    ("*", "memory", "for how long an end is remembered; 1h if nothing is said"),
    ("*", "changed", "whether an end may become no other end"),
    ("*", "bad", "what no row may be; each condition has a kind"),
    ("*", "refs", "the facets that refer"),
    ("refers", "column", "the column that refers; subject if nothing is said"),
    ("*", "table", "the column that names the table of a row"),
    ("*", "to", "the facets that are referred to"),
    ("*", "key", "their column that is meant; id if nothing is said"),
    ("*", "severities", "how bad it is, by table"),
    ("*", "otherwise", "how bad it is for other tables"),
    ("*", "absent", "\"zero\": what is not there is none"),
    ("*", "work", "what waits: a facet, or facet.column"),
    ("*", "capacity", "how much room there is"),
    ("*", "used", "what takes room: a facet, or facet.column"),
    ("capacity", "exclude", "rows that take no room"),
    ("capacity", "limit", "how much room there is: a number, or facet.column"),
    ("*", "ceiling", "how much room there is at most: a number, or facet.column"),
    ("*", "heartbeat", "who is at work writes this: a facet with a stamp, or facet.column"),
    ("waiting_implies", "grace", "how old a heartbeat may be; at least two of its periods"),
    ("*", "epoch", "a facet with id and born: a start excuses an older heartbeat"),
    ("*", "mode", "the subjects that it is about"),
    ("mode", "column", "the facet.column that tells the mode of a subject"),
    ("*", "report", "which of its kinds are reported"),
    ("*", "queued", "the facet of what waits, with born"),
    ("*", "busy", "the facet of what is at work"),
    ("*", "busy_until", "the column until when it is"),
    ("*", "pulls", "the facet.column that says whether workers fetch their work"),
    ("*", "size", "the facet.column with the number of workers"),
    ("*", "started", "the facet.column with the instant at which they were started"),
    ("*", "running", "the facet.column that says whether the container runs"),
    ("*", "ended", "the facet.column with the instant at which a run ended last: the graces begin there"),
    ("*", "polled", "the facet.column with the instant at which they asked last"),
    ("*", "claim_grace", "how long work may wait; 120s if nothing is said"),
    ("*", "silence_grace", "how long nobody may ask; 300s if nothing is said"),
    ("*", "min", "how long it has to be there"),
    ("*", "gap", "how long nobody may have looked; as long as min if nothing is said"),
    ("*", "roster", "the facet that names who is there"),
    ("*", "evidence", "facets of other sources that show who is there"),
    ("*", "hints", "facets of other sources in which a leak would show as well"),
    ("*", "confirm_after", "how long a suspicion has to last; 60s if nothing is said"),
    ("bad", "kind", "the name of this kind"),
    ("drill", "invariant", "the invariant that has to turn red"),
    ("drill", "kind", "in exactly this kind"),
    ("drill", "subject", "for exactly this subject"),
    ("drill", "provoke", "what breaks it: a program and its arguments"),
    ("drill", "revert", "what mends it: a program and its arguments"),
    ("drill", "within_cycles", "how many cycles it may take to turn red, and again to turn green; 3 if nothing is said"),
    ("drill", "limit", "how long each of the two commands may take; 60s if nothing is said"),
    ("drill", "gap", "how long to wait between two cycles; 1s if nothing is said"),
    ("policy", "interval", "from the beginning of one cycle to that of the next; 5m if nothing is said"),
    ("policy", "startup", "before the first cycle; 30s if nothing is said"),
    ("policy", "deadline", "a cycle that takes longer is ended; the interval, and at least 5m, if nothing is said"),
    ("policy", "remind_after", "what is red for that long is said again; never if nothing is said"),
    ("policy", "recover", "whether it is said that something is well again; true if nothing is said"),
    ("policy", "minimum", "what is less bad than that is said nowhere; minor if nothing is said"),
    ("policy", "stale_after", "so many cycles in which an invariant is not judged are said; 3 if nothing is said"),
    ("policy", "flap", "a key that opens more often than this within flap_window is told once as flapping; 0, for never, if nothing is said"),
    ("policy", "flap_window", "see flap; 1h if nothing is said"),
    ("policy", "ping", "a program and its arguments, run after each cycle that judged: who expects it knows when all of this is dead"),
    ("retention", "findings", "how long episodes that are over are kept; 30d if nothing is said"),
    ("retention", "snapshots", "how long what was read is kept; not at all if nothing is said"),
    ("ledger", "directory", "the directory; one of this user and these rules if nothing is said"),
    ("ledger", "url", "the address of a PostgreSQL database, if there is no password in it"),
    ("ledger", "url_env", "the variable of the environment that has the address"),
    ("ledger", "schema", "the schema in it; runward_canary if nothing is said"),
    ("ledger", "timeout", "how long one call of it may take; 10s if nothing is said"),
    ("output", "html", "the page for browsers"),
    ("output", "prometheus", "the text file for Prometheus' collector"),
    ("output", "json", "the file for programs"),
];

/// Writes to each property of a schema what it is. A property's scope is the name of the table that it is in, or of its shape.
pub(super) fn explain(schema: &mut Value, scope: &str) {
    let shape = schema
        .pointer("/properties/shape/const")
        .and_then(Value::as_str);
    let scope = shape.unwrap_or(scope).to_owned();
    let Some(schema) = schema.as_object_mut() else {
        return;
    };
    for (key, inner) in schema.iter_mut() {
        match inner {
            Value::Object(properties) if key == "properties" || key == "$defs" => {
                for (name, property) in properties {
                    explain(property, name);
                    let known = property.as_object_mut().zip(about(&scope, name));
                    if let Some((known, about)) = known {
                        known.entry("description").or_insert(json!(about));
                    }
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|one| explain(one, &scope)),
            // A condition of the schema itself has nothing to explain.
            Value::Object(_) if key != "if" => explain(inner, &scope),
            _ => {}
        }
    }
}

fn about(scope: &str, key: &str) -> Option<&'static str> {
    let found = |wanted: &str| {
        let mut all = WORDS.iter();
        all.find(|(scope, name, _)| *scope == wanted && *name == key)
    };
    found(scope)
        .or_else(|| found("*"))
        .map(|(.., about)| *about)
}
