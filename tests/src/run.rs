//! Builds a `runward run`.

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Ended, Line, Running, Sandbox, binaries, running};

/// A `runward run` that is not yet started.
#[derive(Debug)]
pub struct Run<'a> {
    sandbox: &'a Sandbox,
    via: Vec<OsString>,
    options: Vec<OsString>,
    program: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    result: PathBuf,
    folder: Option<PathBuf>,
    stdin: Stdio,
    output: Option<(Stdio, Stdio)>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        let result = sandbox.fresh("result");
        let run = Self {
            sandbox,
            via: Vec::new(),
            options: Vec::new(),
            program: Vec::new(),
            environment: Vec::new(),
            result: result.clone(),
            folder: None,
            stdin: Stdio::null(),
            output: None,
        };
        run.option("--lock-dir", sandbox.path("locks"))
            .option("--home", sandbox.path("home"))
            .option("--result", result)
    }

    /// Adds an option with its value; one that every run has gets another value.
    pub fn option(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        if name == "--result" {
            self.result = value.as_ref().into();
        }
        let own = ["--lock-dir", "--home", "--result"].contains(&name);
        match self.options.iter().position(|word| own && word == name) {
            Some(at) => self.options[at + 1] = value.as_ref().to_owned(),
            None => self = self.flag(name).flag(value),
        }
        self
    }

    /// Adds one argument before the program.
    pub fn flag(mut self, flag: impl AsRef<OsStr>) -> Self {
        self.options.push(flag.as_ref().to_owned());
        self
    }

    /// The app that the run owns.
    pub fn app(self, name: &str) -> Self {
        self.option("--app", name)
    }

    /// How the tree is held.
    pub fn containment(self, name: &str) -> Self {
        self.option("--containment", name)
    }

    /// Adds a teardown.
    pub fn teardown(self, command: impl AsRef<OsStr>) -> Self {
        self.option("--teardown", command)
    }

    /// Starts runward through this command, which gets it as its last arguments.
    pub fn via<S: AsRef<OsStr>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.via
            .extend(command.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment
            .push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// The working directory.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The standard input, which is `/dev/null` otherwise.
    pub fn stdin(mut self, stdin: Stdio) -> Self {
        self.stdin = stdin;
        self
    }

    /// The outputs, which are collected otherwise.
    pub fn output(mut self, stdout: Stdio, stderr: Stdio) -> Self {
        self.output = Some((stdout, stderr));
        self
    }

    /// The program and its arguments.
    pub fn program<S: AsRef<OsStr>>(mut self, program: impl IntoIterator<Item = S>) -> Self {
        self.program = program
            .into_iter()
            .map(|word| word.as_ref().to_owned())
            .collect();
        self
    }

    /// A program that is a line of shell.
    pub fn shell(self, script: &str) -> Self {
        self.program(["/bin/sh", "-c", script])
    }

    /// Where the record is going to be.
    pub fn result(&self) -> PathBuf {
        self.result.clone()
    }

    /// The whole command line.
    pub fn command_line(&self) -> Vec<OsString> {
        let mut line = self.via.clone();
        line.push(binaries::runward().into());
        line.push("run".into());
        line.extend(self.options.iter().cloned());
        line.push("--".into());
        line.extend(self.program.iter().cloned());
        line
    }

    /// The same as a line of shell.
    pub fn shell_line(&self) -> String {
        let quoted =
            |word: &OsString| format!("'{}'", word.to_string_lossy().replace('\'', "'\\''"));
        self.command_line()
            .iter()
            .map(quoted)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Starts it, as the leader of a process group as a shell with job control would.
    #[track_caller]
    pub fn spawn(self) -> Running<'a> {
        let line = self.command_line();
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).stdin(self.stdin).process_group(0);
        command.current_dir(self.folder.as_deref().unwrap_or(self.sandbox.root()));
        running::forget_ci(&mut command);
        command.envs(self.environment);
        let (stdout, stderr) = self
            .output
            .unwrap_or_else(|| (Stdio::piped(), Stdio::piped()));
        command.stdout(stdout).stderr(stderr);
        Running::start(self.sandbox, command, self.result)
    }

    /// Starts it and waits until the tree reports `ready`.
    #[track_caller]
    pub fn spawn_ready(self, line: &mut Line) -> Running<'a> {
        let running = self.spawn();
        running.wait_word(line, "ready");
        running
    }

    /// Starts it and waits for its end.
    #[track_caller]
    pub fn finish(self) -> Ended {
        self.spawn().wait()
    }
}
