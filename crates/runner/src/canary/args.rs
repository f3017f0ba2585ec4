//! The command line of `runward canary`.
use std::ffi::OsString;
use std::io;
use std::path::{self, PathBuf};

use clap::{Args, Subcommand};

use crate::duration::Span;

pub(crate) const ABOUT: &str = "\
Rules say what is read, what must hold, and who is told if it does not. Relative paths in them begin in their own directory, wherever the
command is called from.

Exit status of cycle and status, as monitoring systems expect it, and the first that fits of:
  2  critical  something critical is red, whatever else there is
  3  unknown   something could not be judged, or nothing was examined; the state could not be kept, or an output file while nothing is red; or the call is wrong
  1  warning   something is red that is not critical, or alerts do not arrive
  0  ok        everything was judged, something was examined, and all of it held

A first harness:
  runward canary check fleet.toml       what the rules say, and whether they can be used
  runward canary cycle fleet.toml       look once
  runward canary drill fleet.toml --all  that each kind can turn red, and green again
  runward canary watch fleet.toml       look for ever
  runward canary status fleet.toml      what somebody else calls, to know that all of this is alive
";

const SCHEMA: &str = "\
Exit status:
  0  it was written

Example:
  runward canary schema > canary.schema.json
      For an editor; `#:schema ./canary.schema.json` as the first line of a rule file.
";

const CHECK: &str = "\
Exit status:
  0  the rules can be used
  3  they cannot, or no invariant is judged by them; the message begins with file, line and column. Or the call is wrong
";

const CYCLE: &str = "\
A cycle reads what the rules ask for, judges it, tells whoever should know, and keeps what is red. What could not be read is never green.

A ledger belongs to one rule file, by its absolute path: another one is refused. A file that was moved takes its ledger along by `--adopt`, once.
By hand, no cycle is overdue; `[policy] interval` still says for how long `status` believes the last one, so under a timer of your own set it to that.

Exit status, the first that fits of:
  2  something critical is red, whatever else there is
  3  something could not be judged or kept, nothing was examined, an output file could not be written while nothing is red,
     another cycle is running, the rules cannot be used or judge nothing, or the call is wrong
  1  something is red that is not critical, or alerts do not arrive: given up, or failed in two cycles
  0  everything was judged, something was examined, and all of it held

Examples:
  runward canary cycle fleet.toml
      One cycle, and what came of it.
  runward canary cycle fleet.toml --only S-01 --no-alerts
      Judge one invariant; the state of the others, and whoever would be told, is left alone.
  runward canary cycle fleet.toml --json --snapshot now.json
      For programs; and keep what was read, for `runward canary replay`.
";

const WATCH: &str = "\
One watcher leads; others of the same ledger wait for its end. Each cycle reads the rules anew, and is ended if it takes longer than
`[policy] deadline` (if that is not there: the interval, and at least five minutes). After each that judged, the command of `[policy] ping`
is run: whoever expects it knows when all of this is dead. Programs that a cycle or the ping leaves behind are ended.

Signals:
  SIGTERM, SIGINT  end after the cycle that is running, or half a minute later
  SIGHUP           read the rules again, and begin a cycle now, or after the one that is running; rules that cannot be used are said;
                   interval, deadline and ping stay as they were, and nothing is judged or pinged until they are mended

Exit status:
  0  it was asked to end
  3  the rules cannot be used or judge nothing, or its self-test fails: a fault that is planted has to be red; or the call is wrong
";

const DRILL: &str = "\
A drill looks that its invariant is judged and green, runs `provoke`, expects red of exactly its kind and subject within `within_cycles` and of
nothing else, looks again that it lasts (in an outage nobody sees that), runs `revert` whatever came of it, and expects a witness that all is as
it was. It keeps its own state, and tells nobody. A WORD is the name of a drill, else the id of an invariant, INVARIANT/KIND or a kind: all
drills of it.

With --evidence the drills leave a sealed bundle, however they went; `runward spec canary-drill` is what it is judged by. DIR is not there
before, and whole afterwards.

Signals:
  SIGTERM, SIGINT, SIGHUP  the command that provokes is asked to end, and by a second signal killed; what is broken is reverted; no other
      drill is begun. The command that reverts goes on until it ends, or its `limit` does, whatever is signalled.
  After a SIGKILL the next `drill` does the revert that is owed before anything else, --mend that alone, and --list shows it.

Exit status:
  0    all passed, and the bundle is proven
  2    one did not, or with --all a kind has no drill; each is named
  3    the rules cannot be used, there is no such drill, another one is running, a revert is owed and fails, or the bundle shows nothing
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM; what was broken is reverted, and if that failed, it is said and owed

Examples:
  runward canary drill fleet.toml --list
  runward canary drill fleet.toml slot-without-row S-03 overdue
      One drill, all of an invariant, and all of a kind.
  runward canary drill fleet.toml --all --evidence out/drills
  runward spec canary-drill > drill.spec.toml && runward verify drill.spec.toml out/drills --param scope=all
";

const STATUS: &str = "\
What is red stays red until somebody has seen it well. A cycle that should have ended long ago (two intervals, and as long as the longest
took), or a state that cannot be read, is unknown, whatever was said last.

Exit status, the first that fits of:
  2  something critical is red, whatever else there is
  3  something could not be judged or nothing was examined, no cycle has ended for too long, or none ever did, an output file could not be
     written while nothing is red, or the call is wrong
  1  something is red that is not critical, or alerts do not arrive: given up, or failed in two cycles
  0  everything was judged, something was examined, and all of it held

Example:
  runward canary status fleet.toml || page-somebody
";

const REPLAY: &str = "\
Exit status:
  0  nothing was found; with --against, both say the same
  1  something was found; with --against, they differ
  2  something critical was found
  3  something could not be judged or nothing was examined, rules or snapshots cannot be used, or the call is wrong

Examples:
  runward canary replay fleet.toml
      What the ledger keeps, as `[retention] snapshots` says.
  runward canary replay old.toml --against new.toml snapshots/*.json
      What the new rules find and the old ones do not (+), and the other way round (-).
";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Read the rules and whatever they name; contact nobody
    #[command(after_help = CHECK)]
    Check(CheckArgs),
    /// Write the JSON Schema of rule files to stdout
    #[command(after_help = SCHEMA)]
    Schema,
    /// Write a rule set that comes with this program to stdout, or `language`; without a name, list them
    Rules {
        /// Its name
        name: Option<String>,
    },
    /// Look, judge and tell once
    #[command(after_help = CYCLE)]
    Cycle(CycleArgs),
    /// A cycle every interval, each in a process of its own
    #[command(after_help = WATCH)]
    Watch(WatchArgs),
    /// Break something on purpose; exactly that has to turn red, and green again when it is mended
    #[command(after_help = DRILL)]
    Drill(DrillArgs),
    /// Started by a drill: become one of its commands
    #[command(hide = true)]
    Launch(LaunchArgs),
    /// Where things stand, from the ledger alone; nobody is asked
    #[command(after_help = STATUS)]
    Status(StatusArgs),
    /// Today's rules on what was read before, and what another rule file would say of it
    #[command(after_help = REPLAY)]
    Replay(ReplayArgs),
}

#[derive(Args, Debug)]
pub(crate) struct WatchArgs {
    /// The file of rules
    pub(crate) config: PathBuf,

    /// Under which name it judges: the same after a restart [default: the host's name and the path of the rules; with a ledger in a database, their title]
    #[arg(long, value_name = "NAME")]
    pub(crate) instance: Option<String>,

    /// Started by the watcher itself: say what it has to know of the rules
    #[arg(long, hide = true)]
    pub(crate) terms: bool,
}

#[derive(Args, Debug)]
pub(crate) struct DrillArgs {
    /// The file of rules
    pub(crate) config: PathBuf,

    /// These drills, by name, invariant or kind
    #[arg(value_name = "WORD")]
    pub(crate) what: Vec<String>,

    /// All drills; each kind of each invariant has to have one
    #[arg(long, conflicts_with = "what")]
    pub(crate) all: bool,

    /// Show the drills, the kinds that have none, and the revert that is owed; run nothing
    #[arg(long, conflicts_with_all = ["evidence", "mend"])]
    pub(crate) list: bool,

    /// Run only the revert that a drill owes which was killed, if there is one
    #[arg(long, conflicts_with_all = ["what", "all", "evidence"])]
    pub(crate) mend: bool,

    /// Seal what was read, judged and run into a bundle there
    #[arg(long, value_name = "DIR", value_parser = from_here)]
    pub(crate) evidence: Option<PathBuf>,

    /// JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct LaunchArgs {
    /// End with this process
    #[arg(long, value_name = "PID")]
    pub(crate) with: Option<i32>,

    /// The program and its arguments
    #[arg(required = true, last = true)]
    pub(crate) argv: Vec<OsString>,
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// The file of rules
    pub(crate) config: PathBuf,

    /// JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// The file of rules
    pub(crate) config: PathBuf,

    /// What was read, oldest first: files of `cycle --snapshot` [default: those that the ledger keeps]
    #[arg(value_parser = from_here)]
    pub(crate) snapshots: Vec<PathBuf>,

    /// Show only what this rule file says otherwise
    #[arg(long, value_name = "OTHER", value_parser = from_here)]
    pub(crate) against: Option<PathBuf>,

    /// JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The file of rules
    pub(crate) config: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct CycleArgs {
    /// The file of rules
    pub(crate) config: PathBuf,

    /// Judge this invariant alone; repeatable
    #[arg(long, value_name = "ID")]
    pub(crate) only: Vec<String>,

    /// JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,

    /// Tell nobody; what is red is told by the next cycle that may
    #[arg(long)]
    pub(crate) no_alerts: bool,

    /// Write what was read to this file
    #[arg(long, value_name = "FILE", value_parser = from_here)]
    pub(crate) snapshot: Option<PathBuf>,

    /// How long to wait for another cycle to end [default: not at all]
    #[arg(long, value_name = "DUR")]
    pub(crate) wait: Option<Span>,

    /// Under which name it judges: the same after a restart [default: the host's name and the path of the rules; with a ledger in a database, their title]
    #[arg(long, value_name = "NAME")]
    pub(crate) instance: Option<String>,

    /// Take over the ledger of another rule file, such as of this one before it was moved
    #[arg(long)]
    pub(crate) adopt: bool,

    /// Started by `watch`: an error is told apart from a verdict, nothing is shown on stdout, and what comes late is overdue
    #[arg(long, hide = true)]
    pub(crate) watched: bool,
}

/// A path of the command line begins where the command was given, and stays there.
fn from_here(text: &str) -> io::Result<PathBuf> {
    path::absolute(text)
}
