//! Stacks on Docker Swarm: a teardown that leaks nothing, and a wait that knows which generation runs.
//!
//! `docker stack rm` removes the networks of a stack while its containers still run. The engine then forgets to give back their
//! addresses on every *other* network they were on, such as the proxy's, and after some dozens of deploys nothing starts any more until
//! the manager is started anew. It leaves the volumes, and the secrets that were made before the stack. And whoever waits for a deploy
//! by counting replicas is told "2 of 2" about the version of yesterday, or hangs for ever on an update that has paused.
//!
//! ```no_run
//! use std::ops::ControlFlow;
//! use runward_swarm::{Engine, StackName, State, Teardown, Wait};
//!
//! let engine = Engine::of_environment()?;
//! let stack = StackName::new("shop_example_org")?;
//! let arrived = Wait::new(&engine, stack.clone()).run(&mut |_| ControlFlow::Continue(()))?;
//! assert_eq!(arrived.state(), State::Settled, "{:?}", arrived.services());
//!
//! let report = Teardown::new(&engine, stack).run(&mut |_| ControlFlow::Continue(()))?;
//! assert!(report.is_clean(), "{report}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! * **Order.** Services; then every task ended *and* its container gone; then configs, secrets, networks, volumes. Where tasks do not
//!   end, nothing after them is touched: addresses are lost by whoever goes on.
//! * **All six kinds, looked for twice.** The teardown is over when two looks one after the other show nothing. What comes meanwhile is
//!   found, and removed as well.
//! * **Nothing of anybody else.** An object belongs to a stack by its label. A config or secret without one, as those are that are
//!   made before the stack, belongs to the stack with the longest name that its own begins with, whole and with an underscore after
//!   it. A network that a stack merely joined is not part of it. Removals are by id wherever there is one.
//! * **Nothing is removed on a failed look.** If one kind cannot be listed, the first look fails, and with it the teardown. Later
//!   refusals are tried again for as long as [`Teardown::patience`] says, and reported in the engine's own words; the rest goes on.
//! * **Any step may be repeated**, also by another process after a kill: what is gone is done.
//! * **A wait that ends.** Only tasks of the present generation count, and only when they have run for as long as the engine itself
//!   monitors one. What is updating or rolling back is in flight. A paused update has failed, unless all replicas are well in spite of it. A
//!   service that ran once and ended well is done; one that is not started again has failed.
//! * **Every call ends** in 30 seconds, or in what [`Engine::within`] says, and no answer over 64 MiB is read.
//! * **One listing of each kind** for all stacks, when a janitor looks: [`Stacks`] is a [`runward_janitor::Sweep`].
//!
//! # Limits
//!
//! * Unix sockets only, that of a manager, engine 20.10 or newer. Seen to work with 20.10; newer ones are asked in version 1.52 of the
//!   interface at most.
//! * Containers and volumes are seen on the node of the engine alone. Volumes of tasks on other nodes are named in [`Report::notes`], for as long
//!   as the engine remembers the tasks; their containers count as gone when their tasks have ended.
//! * A volume or a network with the name of the stack and without its label is named there too, and left alone: it may be a backup.
//! * A secret without a label, of a stack of which nothing else is left, is found by whoever knows the name of the stack:
//!   [`Inventory::of`], [`runward_janitor::Sweep::remains`], or [`Stacks::others`] for all that have lock files. Where a name goes on after that of
//!   another stack (`foo` and `foo_bar`), the longer one has to be there or be named, or its secrets count as the shorter one's.
//! * Whoever deploys the same stack meanwhile is at war with the teardown. The lock against that is `runward-lock`'s.
//! * A container that the engine has forgotten is reported, and not removed.
//! * Before interface 1.52 the engine does not say which addresses it has given away: headroom is then counted from services and
//!   tasks, and does not see what is lost.
//! * A first deploy whose tasks fail again and again is in flight until the time is over: they may wait for a database.
//!
//! # What it does not do
//!
//! It deploys nothing, prints nothing, starts no thread and ends no process. Locks, directories and `.env` files of an app are for `runward-lock`
//! and `runward-janitor`; which names are swept is the janitor's policy.
//!
//! # Why it speaks HTTP itself
//!
//! The command line is not everywhere, costs a process for each call and says in prose what the interface says in codes. The clients of
//! the Docker API bring an async runtime. A general HTTP client speaks over a unix socket by an adapter as long as the protocol that is
//! needed here: one line out, bytes to the end of the connection in, since HTTP/1.0 has neither chunks nor reuse. What is left to parse, the
//! head, is `httparse`'s.

#![forbid(unsafe_code)]

mod bell;
mod containers;
mod convergence;
mod data;
mod engine;
mod error;
mod headroom;
mod inventory;
mod name;
mod sweep;
mod teardown;
mod world;

pub use containers::{Container, Inspected};
pub use convergence::{Convergence, Progress, State, Wait};
pub use engine::Engine;
pub use error::{Error, ErrorKind};
pub use inventory::{Inventory, Kind, Object};
pub use name::{Naming, StackName};
pub use sweep::Stacks;
pub use teardown::{Event, Pass, Report, Step, Teardown};
