//! A state directory for one run of a command-line tool: whole or absent, private, and seeing one app.
//!
//! A tool like `abra` keeps its state in one directory of its user: the settings of every app, a checkout of every recipe. Two runs of a
//! CI that share it check out each other's versions, read each other's settings, and one that goes wrong can name any app there is. A
//! directory of its own for each run solves that, and brings what is easily got wrong: half-made directories of killed runs, a deletion
//! that follows a link out, a CI that deletes it in the middle of the clean-up.
//!
//! ```
//! use runward_abradir::{App, Doomed, Layout, Request, Root};
//! # let scratch = tempfile::tempdir()?;
//! # let (place, canonical) = (scratch.path().join("state"), scratch.path().join("abra"));
//! # std::fs::create_dir_all(canonical.join("recipes/shop"))?;
//! let layout = Layout::abra();
//! let root = Root::open(&place, &Doomed::new().below("/drone", "the CI's workspace"))?;
//! let app = App::fresh("default", "shop-a1b2c3.ci.example.org", "TYPE=shop\n");
//! let request = Request::new(&layout, "build-17").source(&canonical).stage("recipes/shop").app(app);
//! let state = root.build(&request)?;
//! let mut command = std::process::Command::new("abra");
//! state.environment().apply(&mut command).args(["app", "ls"]);
//! // … and then
//! state.close()?;
//! assert!(root.list()?.is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Guarantees
//!
//! * **Whole or absent.** A state directory is built under another name and renamed when it is complete; it is renamed aside before
//!   anything in it is deleted. Whoever is killed in between leaves something that [`Root::leftovers`] lists and [`Root::remove`] deletes,
//!   and that is in no later run's way.
//! * **Private.** Only this user can enter it. Two runs never get the same one, whatever their ids: two by hand, two on one machine in two
//!   containers, two in one process.
//! * **One app.** With the shipped layout the run's `servers` has the settings of one app; the others are not there to be listed, changed
//!   or deleted. Recipes are the run's own, and the catalogue is as it was when the run began.
//! * **What the canonical directory has is not written to**, except through what a layout makes a [`Share::Link`].
//! * **A deletion that stays inside.** No symbolic link is followed, no mount is entered, and no depth or mode of what a run has made stops
//!   it. What does resist (mounts, immutable files) is left and named, each with its path, and the rest goes.
//! * **A place that stays.** Below a directory that others delete, behind a link, or where another user could swap it, none is made.
//! * **Names that fit**, before anything is made: [`Compose::check`] counts the letters of every service, secret and config; a
//!   [`Domain`] and its stack tell each other, as domains with underscores are refused.
//! * **A version that is not poisoned.** [`Pin`] finds what the tool has written into the app's settings, and undoes it; where the settings
//!   lie outside, closing the state directory does.
//!
//! # Limits
//!
//! * Processes of the same user can go where they like: this keeps tools apart, not attackers.
//! * A symbolic link in what is staged or copied is copied as it is, wherever it leads. Sockets, fifos and devices are left out, and
//!   [`StateDir::left_out`] says so. Extended attributes, owners, hard links and holes are not kept.
//! * A copy is not atomic for those who write to the canonical directory meanwhile: hold a lock that they respect.
//! * What lies deeper than 128 directories is not staged; no depth hinders a removal.
//! * Whether the owner of a state directory lives is not judged here: [`Entry::owner`] says who it was, a lock says the rest.
//! * Nothing is flushed to the disk: a state directory does not outlive a crash of the machine in any useful way.
//! * The shipped layout was written from the documentation of abra 0.13 and not against its source. [`StateDir::strangers`] shows what
//!   another version keeps besides.
//! * Letters are counted for the names that compose files show; a name that a tool makes up elsewhere is not seen.
//! * Linux 5.6 (`openat2`), and `/proc` to delete what has taken its own permissions away. Without the former nothing is deleted.
//!
//! # What it does not do
//!
//! It runs no command, fetches nothing, takes no lock, prints nothing and starts no thread. Owning the app's name is the work of
//! `runward-lock`, finding what dead runs left that of a janitor with [`Root::list`].

#![forbid(unsafe_code)]

mod build;
mod compose;
mod copy;
mod dirs;
mod domain;
mod entry;
mod environment;
mod error;
mod layout;
mod nearest;
mod obstacle;
mod owner;
mod pattern;
mod pin;
mod place;
mod plan;
mod relative;
mod remove;
mod request;
mod root;
mod state;
mod sync;
mod text;
mod variables;

pub use build::Prepared;
pub use compose::{Budget, Compose};
pub use domain::Domain;
pub use entry::{Entry, Stage};
pub use environment::Environment;
pub use error::{Error, ErrorKind};
pub use layout::{Layout, Share};
pub use obstacle::{Obstacle, ObstacleKind};
pub use owner::Owner;
pub use pattern::Pattern;
pub use pin::{Drift, Pin};
pub use place::Doomed;
pub use request::{App, Request};
pub use root::Root;
pub use state::StateDir;
pub use variables::Variables;
