//! The command line: one definition for parsing, help, completions and the man page.
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use runward_evidence::Format;

use crate::canary;
use crate::duration::Span;
use crate::exit;
use crate::settings::{CommandLine, Options, ParamArg, Places, Socket, SweepOptions};

const EXAMPLES: &str = "\
Examples:
  runward run --app web -- ./deploy.sh staging
      Wait until nobody else has `web`, then deploy; release it when the last process is gone.
  runward run --deadline 30m --teardown 'docker compose down' -- make integration
      Stop after half an hour at the latest, and clean up however it ended.
  runward run --app web --wait 0 -- ./deploy.sh || echo busy
      Do not wait: exit 120 if `web` is busy.
  runward run --evidence out/bundle --spec load.spec.toml -- ./load-test
      Seal what the program puts into $RUNWARD_EVIDENCE_DIR, judge it: 121 if it is refuted, 122 if it shows nothing.
  runward run --app web --app db --dry-run -- ./migrate.sh
      Show what would happen, touching nothing.
";

const SIGNALS: &str = "\
Signals:
  The first SIGTERM, SIGINT or SIGHUP, or the death of any ancestor up to the CI agent, cancels: the work gets
  SIGTERM, after --grace the whole tree is killed, teardowns run. A signal during teardown changes nothing; a
  third one kills what is left of the work at once. After a SIGKILL of runward itself all of this still happens.
";

const SWEEP: &str = "\
A lock that nobody holds is the only reason to reap; age only warns. Runs that were killed together with their guardian are
finished: their processes ended, their teardowns run, their cgroups and state directories removed. Of apps, only what --app
allows is reaped. The section [sweep] of runward.toml takes the same options.

Exit status:
  0    nothing is left that may be reaped
  1    something could not be reaped; the next sweep goes on with it
  2    not everything could be found, so nothing was reaped
  125  usage, configuration, permissions

Examples:
  runward sweep --dry-run
      Show every object, what would become of it, and why.
  runward sweep --app '[a-z0-9]{4}-[0-9a-f]{6}\\.ci\\.example\\.org' --stacks domain
      Reap the stacks of dead runs too. In a timer, put this into the section [sweep] of a file and name it with --config.
";

const VERIFY: &str = "\
Exit status:
  0   proven, or waived with an owner and a day
  1   refuted, also where --attested is not signed by the key or states anything else than what is found
  2   inconclusive: an artifact is missing or cannot be read
  3   vacuous: nothing was there that could have failed
  64  usage, or no such bundle, envelope or key
  65  the spec is none
";

const ATTEST: &str = "\
The envelope goes to stdout: DSSE around an in-toto Statement v1 with the test-result predicate. Its subjects are the files that the seal
lists and manifest.json itself; keep the envelope outside of the bundle, where it would be a file that came after the seal.

A key is made by --new-key, which shows the public key on stdout, or by OpenSSL:
  openssl genpkey -algorithm ed25519 -out ci.key; openssl pkey -in ci.key -pubout -out ci.pub
A signer finds the bytes to sign on its stdin, which is a file, and writes the signature alone to its stdout, within a minute; `verify`
reads those of ed25519.

Exit status:
  0   attested: proven, or waived with an owner and a day
  1, 2, 3  attested: refuted, inconclusive, vacuous; the envelope says FAILED
  64  usage, or no such key or bundle, or one without a seal; nothing was attested
  65  the spec is none; nothing was attested
  70  the signer did not sign; nothing was attested

Examples:
  runward attest release.spec.toml out/bundle --key ci.key > out/bundle.dsse.json
  runward verify release.spec.toml out/bundle --attested out/bundle.dsse.json --key ci.pub
  runward attest release.spec.toml out/bundle --signer 'openssl pkeyutl -sign -rawin -inkey ci.key -in /dev/stdin'
";

const SPEC: &str = "\
Examples:
  runward spec
      Show which specs there are.
  runward spec junit > tests.spec.toml
      Begin with one of them.
  runward spec runward-run > run.spec.toml && runward verify run.spec.toml out/bundle
      Ask a bundle of `runward run --evidence` whether the run kept its promises.
  runward spec schema > runward-spec.schema.json
      For an editor that completes and checks TOML.

Exit status: 0, or 64 for a name that is not known
";

const PROVE: &str = "\
Exit status:
  0   each rule can be tripped alone
  1   some cannot: shadowed, entangled, vacuous, or unable to fail; each is named
  64  usage, or a bundle that is not proven
  65  the spec is none
";

const SWARM: &str = "\
These look at one stack and take no lock; for what dead runs left there is `runward sweep`.

Exit status:
  0  arrived; removed
  1  a service has failed; something of the stack is left
  2  a service is still in flight when the time is over
  3  the engine cannot be asked, or has no such stack; nothing was removed
";

const LIMIT: &str = "\
Limit of the job:
  Where the CI tells it (GitLab by CI_JOB_TIMEOUT, Buildkite by BUILDKITE_TIMEOUT) and there is no --deadline, the
  deadline leaves time before it for --grace and for each --teardown; half of what is left is the work's in any case.
  A --deadline that leaves too little is warned of. GitLab says since when it counts; Buildkite does not, and the
  start of runward stands in for it. --dry-run shows all of this.
";

const ENVIRONMENT: &str = "\
Environment:
  Each option can be given as RUNWARD_NAME (RUNWARD_WAIT=10m, RUNWARD_LOCK_DIR=/run/locks), or in runward.toml
  (wait = \"10m\" in the section [run]). The command line overrides RUNWARD_*, which override the file.
  The program sees RUNWARD_RUN_ID, RUNWARD_APP (the first) and, with --state, RUNWARD_STATE_DIR and what the layout names,
  with --evidence RUNWARD_EVIDENCE_DIR; not the other options of its own run. Two sections stand in the file alone: [state] says what a state directory is made of
  (source, server, stage, share), [sweep] what may be swept, with the options of `runward sweep`.
";

/// A CI run owns what it uses, ends when it should, and cleans up after itself even when it is killed
#[derive(Debug, Parser)]
#[command(
    name = "runward",
    version,
    args_override_self = true,
    after_help = "Start with `runward run --help` and `runward doctor`."
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(crate) enum Command {
    /// Run a program under a lock, a deadline and teardowns, and leave nothing behind
    #[command(
        override_usage = "runward run [OPTIONS] [--] PROGRAM [ARG]...",
        after_help = "Examples, exit status, signals and environment: runward run --help",
        after_long_help = run_help()
    )]
    Run(Box<RunArgs>),
    /// The verdict on a bundle of artifacts
    #[command(after_help = VERIFY)]
    Verify(VerifyArgs),
    /// State the verdict on a sealed bundle in a signed envelope, for others
    #[command(after_help = ATTEST)]
    Attest(AttestArgs),
    /// For each rule of a spec, a change of a good bundle that trips exactly it
    #[command(after_help = PROVE)]
    Prove(ProveArgs),
    /// What a rule reads, why, and its bounds
    Explain(ExplainArgs),
    /// What is wrong with a spec whatever the bundle: rules that are impossible, double, or always true
    #[command(after_help = "Exit status: 0 nothing, 1 something, 64 usage, 65 no spec")]
    Lint(SpecArgs),
    /// Write a spec that comes with runward, the language they are written in, or its JSON Schema to stdout
    #[command(after_help = SPEC)]
    Spec {
        /// The name of a spec, `language`, or `schema`; a list of the specs if none is given
        name: Option<String>,
    },
    /// Show each lock: who holds it, since when, doing what, and who waits
    Locks(ReportArgs),
    /// Reap what dead runs left: their processes, their teardowns, their apps
    #[command(after_help = SWEEP)]
    Sweep(Box<SweepArgs>),
    /// Wait for a stack on Docker Swarm to arrive, or remove one without a leak
    #[command(after_help = SWARM)]
    Swarm {
        #[command(subcommand)]
        command: SwarmCommand,
    },
    /// Watch invariants over live systems, where what could not be judged is never green
    #[command(after_help = canary::args::ABOUT)]
    Canary {
        #[command(subcommand)]
        command: canary::args::Command,
    },
    /// Show what this host can and cannot guarantee, and what would change it
    Doctor(ReportArgs),
    /// Show the CI, run id, repository, pull request and build that are detected
    Whoami(WhoamiArgs),
    /// Write a completion script to stdout
    #[command(
        after_help = "For example: runward completions bash > /etc/bash_completion.d/runward"
    )]
    Completions {
        /// The shell that will read it
        shell: clap_complete::Shell,
    },
    /// Write a man page to stdout
    #[command(
        after_help = "For example: runward man > /usr/local/share/man/man1/runward.1, runward man swarm rm | man -l -"
    )]
    Man {
        /// Of this command; of the whole and of `run` if none is named
        command: Vec<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) options: Options,

    #[command(flatten)]
    pub(crate) file: FileArg,

    /// Print the plan as JSON on stdout and touch nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// The program and its arguments
    #[arg(value_name = "PROGRAM", required = true, trailing_var_arg = true)]
    pub(crate) program: Vec<OsString>,
}

// Commands that look and do not touch.
#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) places: Places,

    #[command(flatten)]
    pub(crate) file: FileArg,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SwarmCommand {
    /// Wait until every service has arrived, or one has failed
    Wait(WaitArgs),
    /// Remove a stack with its configs, secrets, networks and volumes, each after what uses it is really gone
    Rm(RmArgs),
}

#[derive(Args, Debug)]
pub(crate) struct StackArgs {
    /// The stack
    pub(crate) stack: String,

    /// The engine [default: $DOCKER_HOST, else unix:///var/run/docker.sock]
    #[arg(long, value_name = "SOCKET")]
    pub(crate) docker: Option<Socket>,

    /// JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct WaitArgs {
    #[command(flatten)]
    pub(crate) of: StackArgs,

    /// How long to wait [default: 5m]
    #[arg(long, value_name = "DUR")]
    pub(crate) timeout: Option<Span>,

    /// How long a task has to run before it counts [default: as long as its service is monitored after an update]
    #[arg(long, value_name = "DUR")]
    pub(crate) stable: Option<Span>,
}

#[derive(Args, Debug)]
pub(crate) struct RmArgs {
    #[command(flatten)]
    pub(crate) of: StackArgs,

    /// How long to try what the engine refuses [default: 30s]
    #[arg(long, value_name = "DUR")]
    pub(crate) patience: Option<Span>,

    #[command(flatten)]
    pub(crate) places: Places,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) of: SpecArgs,

    /// The directory with the artifacts
    pub(crate) bundle: PathBuf,

    /// How to say it
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: ReportFormat,

    /// Hold the bundle against this signed envelope, too
    #[arg(long, value_name = "ENVELOPE", requires = "key")]
    pub(crate) attested: Option<PathBuf>,

    /// The public key that has to have signed the envelope: ed25519, PEM
    #[arg(long, value_name = "PUBKEY", requires = "attested")]
    pub(crate) key: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct AttestArgs {
    /// The file of rules
    #[arg(required_unless_present = "new_key")]
    pub(crate) spec: Option<PathBuf>,

    /// The directory with the artifacts and their seal
    #[arg(required_unless_present = "new_key")]
    pub(crate) bundle: Option<PathBuf>,

    /// A parameter of the spec, within its bounds; repeatable
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<ParamArg>,

    /// The key that signs: ed25519, PKCS#8 in PEM
    #[arg(long, value_name = "FILE", required_unless_present_any = ["signer", "new_key"])]
    pub(crate) key: Option<PathBuf>,

    /// A command that signs, split as a shell splits words and run without one
    #[arg(long, value_name = "CMD", conflicts_with = "key")]
    pub(crate) signer: Option<CommandLine>,

    /// Make a key in this new file, and do nothing else
    #[arg(long, value_name = "FILE", exclusive = true)]
    pub(crate) new_key: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ProveArgs {
    #[command(flatten)]
    pub(crate) of: SpecArgs,

    /// A directory with artifacts of which all rules hold
    pub(crate) bundle: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) of: SpecArgs,

    /// The id of the rule
    pub(crate) rule: String,
}

#[derive(Args, Debug)]
pub(crate) struct SpecArgs {
    /// The file of rules
    pub(crate) spec: PathBuf,

    /// A parameter of the spec, within its bounds; repeatable
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<ParamArg>,
}

/// How a verdict is told.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people, with the line of the artifact and that of the rule
    Human,
    /// One object, the same bytes for the same input
    Json,
    /// XML for a CI; vacuous and inconclusive are errors
    Junit,
    /// For code scanning: only what is not proven
    Sarif,
    /// Test Anything Protocol
    Tap,
}

impl From<ReportFormat> for Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Human => Self::Human,
            ReportFormat::Json => Self::Json,
            ReportFormat::Junit => Self::Junit,
            ReportFormat::Sarif => Self::Sarif,
            ReportFormat::Tap => Self::Tap,
        }
    }
}

#[derive(Args, Debug)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    pub(crate) options: SweepOptions,

    /// Print the plan, and reap nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) report: ReportArgs,
}

#[derive(Args, Debug)]
pub(crate) struct WhoamiArgs {
    /// JSON on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct FileArg {
    /// Configuration file; RUNWARD_CONFIG names one too [default: ./runward.toml if there]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// The sections under the options of `run`, for help and man page alike.
pub(crate) fn run_sections() -> [(&'static str, &'static str); 5] {
    [
        ("EXAMPLES", body(EXAMPLES)),
        ("EXIT STATUS", exit::TABLE),
        ("SIGNALS", body(SIGNALS)),
        ("LIMIT OF THE JOB", body(LIMIT)),
        ("ENVIRONMENT", body(ENVIRONMENT)),
    ]
}

fn run_help() -> String {
    format!(
        "{EXAMPLES}\nExit status:\n{}\n{SIGNALS}\n{LIMIT}\n{ENVIRONMENT}",
        exit::TABLE
    )
}

fn body(section: &'static str) -> &'static str {
    section.split_once('\n').map_or(section, |(_, body)| body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        let mut command = Cli::command();
        command.build();
        command.debug_assert();
    }

    fn program(argv: &[&str]) -> Vec<OsString> {
        match Cli::try_parse_from(argv).unwrap().command {
            Command::Run(args) => args.program,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_program_keeps_all_its_arguments() {
        assert_eq!(
            program(&["runward", "run", "ls", "-l", "--app", "x"]),
            ["ls", "-l", "--app", "x"]
        );
        assert_eq!(
            program(&["runward", "run", "--", "ls", "--", "-l"]),
            ["ls", "--", "-l"]
        );
        assert_eq!(
            program(&["runward", "run", "ls", "--", "-l", "--"]),
            ["ls", "--", "-l", "--"]
        );
        assert_eq!(program(&["runward", "run", "--", "--help"]), ["--help"]);
        assert_eq!(
            program(&["runward", "run", "sh", "--help"]),
            ["sh", "--help"]
        );
    }
}
