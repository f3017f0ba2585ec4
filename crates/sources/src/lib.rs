//! Readings for `runward-canary`: Redis, SQL, processes, containers, locks, directories, HTTP and commands.
//!
//! A harness that watches invariants is as good as what it reads. Most of what goes wrong in one goes wrong there: an outage that reads as an empty
//! table, and so as good news; a file that nobody writes any more; a server that hangs, and the whole cycle with it; a name that a tenant chose and that
//! becomes a command. Each source here answers with rows, or says why there are none; it ends in time, and changes nothing.
//!
//! ```rust
//! use std::time::{Duration, Instant, SystemTime};
//! use runward_canary::{Ask, Column, Context, Cut, Kind, Setting, Settings, Stamp};
//!
//! let mut processes = runward_sources::open("procfs", &Settings::new(), Duration::from_secs(2))?;
//! let ask = Ask {
//!     facet: "zombies".into(),
//!     columns: vec![Column::new("id", Kind::Int), Column::new("comm", Kind::Text)],
//!     settings: Settings::from([("state".into(), Setting::Text("Z".into()))]),
//!     only: None,
//! };
//! processes.prepare(std::slice::from_ref(&ask))?;
//! let clock = || Stamp::of(SystemTime::now());
//! let context = Context { cut: &Cut::new(), deadline: Instant::now() + Duration::from_secs(5), clock: &clock };
//! let zombies = processes.read(&[&ask], &context).remove(0);
//! println!("{:?}", zombies.table());
//! # Ok::<(), runward_canary::Error>(())
//! ```
//!
//! # Kinds
//!
//! | kind | source | facet | fields |
//! |---|---|---|---|
//! | `redis` | `url` or `url_env`, `info` (true) | `query` (one command, or several that make one row), or `scan` (a pattern with one `*`) | by place, or named by `fields`; of a scan `key` and `name` |
//! | `sqlite` | `path` | `query` with `:name` parameters | as the query names them |
//! | `postgres` | `url` or `url_env` | `query`, the same text as for SQLite | as the query names them |
//! | `procfs` | `root` (`/proc`) | `comm`, `state`: one or several; `in_run` | `pid` `start` `generation` `boot` `comm` `state` `ppid` `container` `cgroup` `run` |
//! | | | `what = "boot"`: one row | `boot` `start` |
//! | `docker` | `socket` (`/var/run/docker.sock`) | `query` (a label), `all`, `labels` and `env` (column = name) | `id` `name` `state` `created` `started`, and those |
//! | `flock-dir` | `path`, `absent` | `state`: one or several | `name` `held` `in_place` `pid` `start` `generation` `run` `since` `waiters` `state` `stack` |
//! | `run-dirs` | `path`, `absent` | `has` (column = path inside), `says` (column = `FILE#KEY`) | `name` `modified` `boot`, and those |
//! | | | `suffix`: files that end so; `says` (column = `#KEY`), `held` | `name` `modified` `held` `boot`, and those |
//! | `files` | | `paths` | `path` `modified` `exists` `size` |
//! | `http` | `concurrency` (32) | `query` (`http://{address}:8000/path/{subject}`), `pointer` into the answer | names of objects, or by place with `fields` |
//! | `command` | `argv` | `args`, appended; `{subject}` as an argument by itself | names of objects, or by place with `fields` |
//!
//! All facets may have `subjects` (asked once for each `id` of that facet), `each` (once for each row of it), `id`, `born`, `subject` (the field, by name or
//! place), `as` (`rows`, `stamp`, `count`) and `fields`. With `each`, `id` and `born` are the row's unless they are said, `read_at` is when that very value was
//! asked for, and any column of the row can be filled in; `id = "subject"` where an answer has no other. `procfs` takes `each` for a facet of containers, whose `id` it matches.
//! What is `subjects` or `each` has been read before in the same look.
//!
//! `says` reads one value: by a JSON pointer (`/run/id`) out of the first line of a file, or by a name out of a line `name = value`; null where there is none. `held` is
//! whether anybody has the file locked, and as a setting leaves out the others; `boot` of `run-dirs` is the kernel's of now. `run` of `procfs` is the run in whose cgroup,
//! `runward-…`, a process is; `in_run` leaves out those in none, and takes `each` for a facet of runs. `state` of a lock is `held`, `released`, `left` by a holder that was killed (then `run`
//! and `since` are that one's), or `unused`; `stack` is its name as that of a stack of Swarm. `absent = "empty"`: a directory that is not there yet has nothing in it; without it, that is a failed reading.
//!
//! # Guarantees
//!
//! * **Rows, or a reason.** A server that is gone, slow, refusing or strange, a file that is missing, an answer that lacks a column, a process table that hides
//!   part of itself: a failed reading with its cause, never an empty one. Where one subject of many cannot be read it is a gap, and none of its rows are there.
//! * **An end.** Each look ends by its timeout or the cycle's deadline, also when the server is stopped, accepts and says nothing, or sends a byte a second. Answers have
//!   limits of size.
//! * **No name ends anything.** Commands are taken apart before names are filled in, values are bound, arguments are whole, addresses are escaped. What is filled into
//!   a host has to be one. No shell is started.
//! * **Nothing is changed.** Redis is sent commands of a list, all of which only read. SQLite is opened to be read; a missing file is not made. PostgreSQL reads in a
//!   transaction that cannot write. Locks are looked at, never taken.
//! * **One look is one look.** All facets of a database come from one transaction. All of Redis goes through one pipeline, in chunks; each chunk has the instant at which it began
//!   by the clock of the server, and the watermark says how far that is from ours. At most two chunks are under way.
//! * **Marks of the source's own.** Run id, replication offset and time; snapshot and cluster; inode, schema and data version; boot id.
//! * **An address with a password is in no message**, and has no `Debug`.
//! * **A process is its pid, start and boot**: `generation` is the same here and in the record of a lock.
//! * **No thread, no runtime**, and no process that outlives a look, but one that a command has put into a session of its own (`setsid`).
//!
//! # A ledger for several hosts
//!
//! [`ledger`] keeps what `runward-canary` keeps between cycles in a schema of a PostgreSQL database, for hosts that stand in for each other. It is here because
//! its connection is that of the source: the same address, limits of time and silence about passwords.
//!
//! * **The old or the new.** A commit is one transaction on top of the commit that was read. Whoever loses is told who won, and when. Where the server or the
//!   connection is gone, nothing was committed as far as anybody tells of it.
//! * **One writes, one leads**, by advisory locks of their sessions: the server frees them when the connection ends, however it ends, and wakes whoever waits.
//! * **Never a silent beginning.** A state that is damaged, a row that is gone, tables of a newer version or of other rules: an error that says what to do.
//! * **Bounded**: episodes by age, snapshots by number and age, each call by its time.
//!
//! # Limits
//!
//! * No TLS: unix sockets, the loopback and private networks.
//! * A ledger's lock is of a session: behind a pooler that changes sessions between transactions nobody leads for long, though still only one commits. A host that
//!   dies without a word is let go of by the server after a minute. Commits are as durable as the server is set to make them.
//! * A name of a host is looked up by the C library, which has limits of its own: those of `resolv.conf`. Write addresses where that matters.
//! * Redis: no cluster and no Lua. A scan is not of one instant, and a replica that has lost its master is a failed reading: a user that may
//!   not ask for `INFO` reads nothing, or with `info = false` without knowing.
//! * SQLite: a database in WAL mode has its `-shm` and `-wal` files made if they are missing, by whoever reads it. A file system that hangs cannot be timed out.
//! * SQL: `:name` outside of quotes is a parameter, so that `E'…'` and `$$…$$` are refused. A function that writes is the author's to avoid, where the server does not refuse it.
//! * A boot id is that of the kernel: two containers of one host share it. A zombie outside cgroup v2 has left its cgroups; it is then counted to the container of its parent.
//! * `hidepid` is seen by the mount's options and by process 1; a member of its `gid=` is refused as well unless it is root.
//! * A lock on a removed file is found if it is a `flock` whose process may be looked into. Locks are read from the kernel's list, see `runward-lock`.
//! * A command that leaves a process with its standard output open is waited for until the time is over.
//!
//! # What it does not do
//!
//! It judges nothing, remembers nothing between looks but an open file, and retries nothing: that is `runward-canary`'s.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(
        feature = "command",
        feature = "docker",
        feature = "flock-dir",
        feature = "http",
        feature = "postgres",
        feature = "procfs",
        feature = "redis"
    )),
    allow(
        dead_code,
        unused_imports,
        clippy::allow_attributes,
        reason = "what only the kinds need that were left out"
    )
)]

mod bound;
mod cell;
#[cfg(any(feature = "flock-dir", feature = "procfs", feature = "run-dirs"))]
mod clock;
#[cfg(feature = "command")]
mod command;
#[cfg(feature = "docker")]
mod docker;
mod facet;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "flock-dir")]
mod flock_dir;
#[cfg(feature = "http")]
mod http;
#[cfg(any(feature = "command", feature = "http"))]
mod json;
mod kinds;
mod local;
mod look;
#[cfg(any(feature = "http", feature = "postgres", feature = "redis"))]
mod net;
mod open;
mod options;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "procfs")]
mod procfs;
#[cfg(feature = "redis")]
mod redis;
mod rows;
#[cfg(feature = "run-dirs")]
mod run_dirs;
#[cfg(any(feature = "postgres", feature = "redis"))]
mod secret;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod sql;
#[cfg(feature = "sqlite")]
mod sqlite;
mod template;

pub use open::{described, kinds, open, rehearse};
#[cfg(feature = "postgres")]
pub use postgres::ledger;
