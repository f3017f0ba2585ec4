//! The same values without anybody who looks at them: read in bulk, and read as one would at first.

use std::collections::HashSet;
use std::hint::black_box;

use rusqlite::types::Value;

use super::fleet::{Fleet, agent};
use crate::Result;

const BULK: [&str; 6] = [
    "SELECT name AS id, cap, timeout_s, pull FROM agents",
    "SELECT agent, id, started_at, lease_until, session, done_at, meta FROM runs WHERE status = 'running'",
    "SELECT agent, id, queued_at FROM runs WHERE status = 'queued'",
    "SELECT agent, id, status, started_at, done_at FROM runs WHERE status IN ('success', 'failed')",
    "SELECT agent, id, config FROM schedules",
    "SELECT agent AS id, count(*) AS running FROM runs WHERE status = 'running' GROUP BY agent",
];

const OF_ONE: &str = "SELECT agent, id, status, queued_at, started_at, lease_until, session, done_at, meta FROM runs WHERE agent = ?";

/// Connections that stay open.
pub(super) struct Bare {
    redis: redis::Connection,
    sqlite: rusqlite::Connection,
}

type Scored = Vec<(String, String)>;

impl Bare {
    pub(super) fn new(redis: redis::Connection, fleet: &Fleet) -> Result<Self> {
        let sqlite = rusqlite::Connection::open(&fleet.file)?;
        Ok(Self { redis, sqlite })
    }

    /// A pipeline for the slots, one for what is left of each, a scan; a query for each table.
    pub(super) fn pipelined(&mut self, fleet: &Fleet) -> Result {
        for query in BULK {
            values(&mut self.sqlite.prepare(query)?, &[])?;
        }
        let mut pipe = redis::pipe();
        for number in 0..fleet.agents {
            pipe.add_command(slots(number));
        }
        pipe.cmd("GET").arg("canary:drain_tick_at");
        let found: Vec<redis::Value> = pipe.query(&mut self.redis)?;
        self.scan(fleet)?;
        let mut pipe = redis::pipe();
        for (number, found) in found.into_iter().take(fleet.agents).enumerate() {
            for (run, _) in redis::from_redis_value::<Scored>(found)? {
                let key = format!("agent:slot:{}:{run}", agent(number));
                pipe.cmd("TTL").arg(&key);
                pipe.cmd("HGET").arg(&key).arg("timeout_s");
            }
        }
        let left: Vec<i64> = pipe.query(&mut self.redis)?;
        read(black_box(left).len(), 2 * fleet.agents * fleet.slots)
    }

    fn scan(&mut self, fleet: &Fleet) -> Result {
        let (mut cursor, mut found) = (0_u64, HashSet::new());
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg("agent:slots:*");
            let page: (u64, Vec<String>) = scan.arg("COUNT").arg(1000).query(&mut self.redis)?;
            found.extend(page.1);
            cursor = page.0;
            if cursor == 0 {
                return read(found.len(), fleet.agents);
            }
        }
    }

    /// One query for each agent, and a TTL call for each slot; and one for its limit of time, if all is read that ours reads.
    pub(super) fn singly(&mut self, fleet: &Fleet, whole: bool) -> Result {
        let mut left = 0;
        let mut runs = self.sqlite.prepare(OF_ONE)?;
        for number in 0..fleet.agents {
            values(&mut runs, &[&agent(number)])?;
            let found: Scored = slots(number).query(&mut self.redis)?;
            for (run, _) in found {
                let key = format!("agent:slot:{}:{run}", agent(number));
                let ttl: i64 = redis::cmd("TTL").arg(&key).query(&mut self.redis)?;
                left += usize::from(black_box(ttl) > 0);
                if whole {
                    let mut limit = redis::cmd("HGET");
                    let limit: i64 = limit.arg(&key).arg("timeout_s").query(&mut self.redis)?;
                    black_box(limit);
                }
            }
        }
        read(left, fleet.agents * fleet.slots)
    }
}

/// All that a query gives.
fn values(statement: &mut rusqlite::Statement<'_>, bound: &[&dyn rusqlite::ToSql]) -> Result {
    let width = statement.column_count();
    let mut rows = statement.query(bound)?;
    let mut all: Vec<Value> = Vec::new();
    while let Some(row) = rows.next()? {
        for column in 0..width {
            all.push(row.get(column)?);
        }
    }
    black_box(all);
    Ok(())
}

fn slots(number: usize) -> redis::Cmd {
    let mut command = redis::cmd("ZRANGE");
    let key = format!("agent:slots:{}", agent(number));
    command.arg(key).arg(0).arg(-1).arg("WITHSCORES");
    command
}

fn read(found: usize, wanted: usize) -> Result {
    (found == wanted)
        .then_some(())
        .ok_or_else(|| format!("{found} values, and not {wanted}").into())
}
