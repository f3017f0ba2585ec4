//! What a look at Redis costs beside the bare pipelined reads, and beside a call for each slot.
//!
//! ```text
//! redis-server --port 0 --unixsocket /tmp/cost.sock --save '' &
//! cargo run --release -p runward-sources --example cost -- unix:///tmp/cost.sock [agents] [slots]
//! ```
//!
//! Writes its own keys below `cost:` into an empty database.

#![expect(clippy::print_stdout, reason = "an example shows what it found")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::{Duration, Instant, SystemTime};

use runward_canary::{
    Ask, Column, Context, Cut, Kind, Reading, Setting, Source, Stamp, Table, Value,
};

type Done<T> = Result<T, Box<dyn Error>>;

fn main() -> Done<()> {
    let mut args = std::env::args().skip(1);
    let url = args
        .next()
        .ok_or("the address of an empty Redis is missing")?;
    let mut number = |default: usize| args.next().map_or(Ok(default), |arg| arg.parse());
    let (agents, slots) = (number(1000)?, number(10)?);
    let mut bare = redis::Client::open(url.as_str())?.get_connection()?;
    fill(&mut bare, agents, slots)?;
    let settings = BTreeMap::from([("url".to_owned(), Setting::Text(url))]);
    let mut source = runward_sources::open("redis", &settings, Duration::from_secs(600))?;
    let (mut looks, mut pipes, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..7 {
        looks.push(timed(|| look(&mut *source, agents, slots))?);
        pipes.push(timed(|| pipeline(&mut bare, agents, slots))?);
    }
    for _ in 0..3 {
        calls.push(timed(|| singly(&mut bare, agents, slots))?);
    }
    let (look, pipe, call) = (best(&looks), best(&pipes), best(&calls));
    println!(
        "{agents} agents of {slots} slots, best of each: look {look:?}, bare pipelines {pipe:?}, a call per slot {call:?}"
    );
    println!(
        "look / bare {:.2}, call per slot / look {:.1}",
        look.as_secs_f64() / pipe.as_secs_f64(),
        call.as_secs_f64() / look.as_secs_f64()
    );
    Ok(())
}

fn best(all: &[Duration]) -> Duration {
    all.iter().copied().min().unwrap_or_default()
}

fn timed(run: impl FnOnce() -> Done<usize>) -> Done<Duration> {
    let begun = Instant::now();
    let values = run()?;
    let took = begun.elapsed();
    (values > 0)
        .then_some(took)
        .ok_or_else(|| "nothing was read".into())
}

fn fill(connection: &mut redis::Connection, agents: usize, slots: usize) -> Done<()> {
    for agent in 0..agents {
        let mut pipe = redis::pipe();
        for slot in 0..slots {
            pipe.cmd("ZADD")
                .arg(format!("cost:slots:{agent}"))
                .arg(1_779_278_400 + slot)
                .arg(format!("e{slot}"))
                .ignore();
            pipe.cmd("HSET")
                .arg(format!("cost:slot:{agent}:e{slot}"))
                .arg("timeout")
                .arg(900)
                .ignore();
            pipe.cmd("EXPIRE")
                .arg(format!("cost:slot:{agent}:e{slot}"))
                .arg(1200)
                .ignore();
        }
        pipe.query::<()>(connection)?;
    }
    Ok(())
}

/// The slots of all agents, then what is left of each slot and its own timeout, as rows.
fn look(source: &mut dyn Source, agents: usize, slots: usize) -> Done<usize> {
    let now = || Stamp::of(SystemTime::now());
    let mut roster = Table::new([Column::new("id", Kind::Text)]);
    (0..agents).for_each(|agent| roster.push([Value::text(agent.to_string())]));
    let mut cut = Cut::from([("roster".to_owned(), Reading::ok(roster, now(), now()))]);
    for ask in asks() {
        let context = Context {
            cut: &cut,
            deadline: Instant::now() + Duration::from_secs(600),
            clock: &now,
        };
        let reading = source.read(&[&ask], &context).remove(0);
        cut.insert(ask.facet, reading);
    }
    let count = |facet: &str| {
        cut.get(facet)
            .and_then(|reading| reading.table().ok())
            .map_or(0, Table::len)
    };
    assert_eq!(
        (count("slots"), count("ttls")),
        (agents * slots, agents * slots)
    );
    Ok(count("ttls"))
}

fn asks() -> [Ask; 2] {
    let text = |text: &str| Setting::Text(text.to_owned());
    let ask = |facet: &str, columns: &[(&str, Kind)], settings: Vec<(&str, Setting)>| Ask {
        facet: facet.to_owned(),
        columns: columns
            .iter()
            .map(|(name, kind)| Column::new(*name, *kind))
            .collect(),
        settings: settings
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        only: None,
    };
    let (subject, id, born) = (
        ("subject", Kind::Text),
        ("id", Kind::Text),
        ("born", Kind::Time),
    );
    [
        ask(
            "slots",
            &[subject, id, born],
            vec![
                ("query", text("ZRANGE cost:slots:{subject} 0 -1 WITHSCORES")),
                ("subjects", text("roster")),
                ("id", Setting::Int(0)),
                ("born", Setting::Int(1)),
            ],
        ),
        ask(
            "ttls",
            &[
                subject,
                id,
                born,
                ("ttl", Kind::Int),
                ("timeout", Kind::Int),
                ("read_at", Kind::Time),
            ],
            vec![
                (
                    "query",
                    Setting::List(vec![
                        text("TTL cost:slot:{subject}:{id}"),
                        text("HGET cost:slot:{subject}:{id} timeout"),
                    ]),
                ),
                ("each", text("slots")),
                ("fields", Setting::List(vec![text("ttl"), text("timeout")])),
            ],
        ),
    ]
}

/// The same commands by the library's own pipelines, into its own values.
fn pipeline(connection: &mut redis::Connection, agents: usize, slots: usize) -> Done<usize> {
    let mut pipe = redis::pipe();
    for agent in 0..agents {
        pipe.cmd("ZRANGE")
            .arg(format!("cost:slots:{agent}"))
            .arg(0)
            .arg(-1)
            .arg("WITHSCORES");
    }
    let found: Vec<Vec<(String, f64)>> = pipe.query(connection)?;
    let mut pipe = redis::pipe();
    for (agent, members) in found.iter().enumerate() {
        for (id, _) in members {
            pipe.cmd("TTL").arg(format!("cost:slot:{agent}:{id}"));
            pipe.cmd("HGET")
                .arg(format!("cost:slot:{agent}:{id}"))
                .arg("timeout");
        }
    }
    let read: Vec<i64> = pipe.query(connection)?;
    assert_eq!(read.len(), 2 * agents * slots);
    Ok(read.len())
}

/// A call for each agent, and one for each slot.
fn singly(connection: &mut redis::Connection, agents: usize, slots: usize) -> Done<usize> {
    let mut read = 0;
    for agent in 0..agents {
        let members: Vec<String> = redis::cmd("ZRANGE")
            .arg(format!("cost:slots:{agent}"))
            .arg(0)
            .arg(-1)
            .query(connection)?;
        for id in members {
            let ttl: i64 = redis::cmd("TTL")
                .arg(format!("cost:slot:{agent}:{id}"))
                .query(connection)?;
            let _: Option<i64> = redis::cmd("HGET")
                .arg(format!("cost:slot:{agent}:{id}"))
                .arg("timeout")
                .query(connection)?;
            read += usize::from(ttl > 0);
        }
    }
    assert_eq!(read, agents * slots);
    Ok(read)
}
