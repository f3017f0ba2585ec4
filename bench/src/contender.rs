//! Wrappers around a program: how each is called so that it does the same work as the others, as far as it can.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::rivals::Program;
use crate::setting::Setting;

/// How a wrapper is called.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    program: &'static str,
    args: &'static [&'static str],
}

/// A wrapper that is here.
pub(crate) struct Contender {
    pub(crate) program: Program,
    args: &'static [&'static str],
}

const fn shape(name: &'static str, program: &'static str, args: &'static [&'static str]) -> Shape {
    Shape {
        name,
        program,
        args,
    }
}

pub(crate) const RUNWARD: Shape = shape("runward run", "runward", &["run", "--"]);
const SUBREAPER: Shape = shape(
    "runward run, subreaper",
    "runward",
    &["run", "--containment", "subreaper", "--"],
);
pub(crate) const TINI: Shape = shape("tini -s", "tini", &["-s", "--"]);
pub(crate) const TIMEOUT: Shape = shape("timeout -k", "timeout", &["-k", "5", "60"]);
pub(crate) const UNSHARE: Shape = shape(
    "unshare -pf --kill-child",
    "unshare",
    &["-p", "-f", "--kill-child", "--"],
);
pub(crate) const BWRAP: Shape = shape(
    "bwrap --unshare-pid",
    "bwrap",
    &[
        "--dev-bind",
        "/",
        "/",
        "--unshare-pid",
        "--die-with-parent",
        "--",
    ],
);
pub(crate) const PROCESS_WRAPPER: Shape = shape(
    "bazel process-wrapper",
    "process-wrapper",
    &["--graceful_sigterm", "--timeout=0", "--kill_delay=5", "--"],
);
pub(crate) const LINUX_SANDBOX: Shape =
    shape("bazel linux-sandbox", "linux-sandbox", &["-t", "5", "--"]);
pub(crate) const PROCESSKIT: Shape = shape(
    "processkit-cli run",
    "processkit-cli",
    &["run", "--jsonl", "/dev/null", "--"],
);

pub(crate) const WRAPPERS: &[Shape] = &[
    RUNWARD,
    SUBREAPER,
    shape("catatonit", "catatonit", &["-g", "--"]),
    shape("dumb-init", "dumb-init", &["--"]),
    TINI,
    shape(
        "setpriv --pdeathsig",
        "setpriv",
        &["--pdeathsig", "KILL", "--"],
    ),
    TIMEOUT,
    UNSHARE,
    BWRAP,
    PROCESS_WRAPPER,
    LINUX_SANDBOX,
    PROCESSKIT,
];

impl Shape {
    /// The wrapper, or why it cannot be run here.
    pub(crate) fn find(&self, setting: &Setting) -> Result<Contender, String> {
        let program = setting.program(self.program)?;
        Ok(Contender {
            program,
            args: self.args,
        })
    }
}

impl Contender {
    /// The wrapper around a program, without a terminal.
    pub(crate) fn around<S: AsRef<OsStr>>(&self, payload: impl IntoIterator<Item = S>) -> Command {
        let mut command = quiet(&self.program);
        command.args(self.args).args(payload);
        command
    }
}

/// A program with its variables, its standard streams on `/dev/null`.
pub(crate) fn quiet(program: &Program) -> Command {
    let mut command = Command::new(&program.path);
    command
        .envs(&program.env)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
