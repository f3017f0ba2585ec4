mod includes;
mod ledger;
mod messages;
mod output;
mod reading;
mod refusals;
mod schema;

/// Two sources, three facets, one invariant: what tests change in one place.
pub(super) const SET: &str = r#"title = "a fleet"
[source.db]
kind = "sqlite"
path = "/data/app.db"
[source.redis]
kind = "redis"
url = "redis://127.0.0.1:6379/0"
timeout = "2s"
[facet.roster]
source = "db"
query = "SELECT name, cap FROM agents"
columns = { cap = "int" }
[facet.slots]
source = "redis"
query = "ZRANGE agent:slots:{subject} 0 -1 WITHSCORES"
subjects = "roster"
born = 1
[facet.drain]
source = "redis"
query = "GET canary:drain_tick_at"
as = "stamp"
period = "60s"
[invariant.S-02]
title = "No overbooking"
tier = "A"
severity = "critical"
message = "{subject} has {count} of {limit}"
runbook = "Look for an acquire that counts and adds in two steps."
shape = "at_most"
count = "slots"
limit = "roster.cap"
[drill.overbook]
invariant = "S-02"
kind = "above"
subject = "a"
provoke = ["true"]
revert = ["true"]
[policy]
interval = "5m"
"#;
