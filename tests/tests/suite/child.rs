//! The program sees what it would have seen without runward.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use runward_tests::binaries::{self, fixture};
use runward_tests::pty::Pty;
use runward_tests::seen::Seen;
use runward_tests::servers::installed;
use runward_tests::{Ended, Leaf, Running, Sandbox, Teardown, need};

/// What the program sees with and without runward, started in the same way by a line of shell.
struct Pair {
    with: Seen,
    without: Seen,
}

impl Pair {
    /// `start` is a line of shell that ends in the program: `"$@"` and its redirections.
    fn look(start: &str, containment: &str) -> Self {
        let sandbox = Sandbox::new(30);
        let (with, without) = (sandbox.path("with"), sandbox.path("without"));
        let run = sandbox
            .run()
            .app("a")
            .containment(containment)
            .program(seen(&with));
        launch(&sandbox, start, run.command_line());
        launch(&sandbox, start, seen(&without));
        Self {
            with: Seen::read(&with),
            without: Seen::read(&without),
        }
    }
}

fn seen(out: &std::path::Path) -> Vec<OsString> {
    vec![fixture("seen").into(), "--out".into(), out.into()]
}

fn launch(sandbox: &Sandbox, start: &str, line: Vec<OsString>) -> Ended {
    let mut command = Command::new("sh");
    command
        .args(["-c", start, "sh"])
        .args(line)
        .current_dir(sandbox.root());
    let ended = Running::of(sandbox, command).wait();
    ended.assert_code(0);
    ended
}

fn added(pair: &Pair) -> BTreeSet<&String> {
    let before: BTreeSet<&String> = pair.without.environment.iter().collect();
    pair.with
        .environment
        .iter()
        .filter(|name| !before.contains(name))
        .collect()
}

#[test]
fn everything_is_the_same() {
    for containment in ["auto", "subreaper", "group"] {
        let pair = Pair::look("exec \"$@\"", containment);
        assert_eq!(
            pair.with.signals, pair.without.signals,
            "signals under {containment}"
        );
        let numbers = |seen: &Seen| seen.descriptors.keys().copied().collect::<Vec<i32>>();
        assert_eq!(
            numbers(&pair.with),
            numbers(&pair.without),
            "{:#?}",
            pair.with.descriptors
        );
        assert_eq!(pair.with.limits, pair.without.limits);
        assert_eq!(pair.with.folder, pair.without.folder);
        assert_eq!(pair.with.misc, pair.without.misc, "under {containment}");
        let added = added(&pair);
        assert!(
            added.iter().all(|name| name.starts_with("RUNWARD_")),
            "{added:?}"
        );
        assert!(
            added.iter().any(|name| *name == "RUNWARD_RUN_ID"),
            "{added:?}"
        );
        assert!(added.iter().any(|name| *name == "RUNWARD_APP"), "{added:?}");
    }
}

/// The mask and the dispositions, as a program sees them whose runtime changes none.
#[track_caller]
fn assert_same_signals(start: &str) {
    let sandbox = Sandbox::new(30);
    let look = ["grep", "^Sig[BIC]", "/proc/self/status"].map(OsString::from);
    let without = launch(&sandbox, start, look.to_vec()).stdout;
    assert_eq!(without.lines().count(), 3, "{without}");
    for containment in ["auto", "subreaper", "pidns", "group"] {
        let run = sandbox
            .run()
            .app("a")
            .containment(containment)
            .program(&look);
        let with = launch(&sandbox, start, run.command_line()).stdout;
        assert_eq!(with, without, "{start} under {containment}");
    }
}

#[test]
fn ordinary_signals_are_ordinary() {
    assert_same_signals("exec \"$@\"");
}

#[test]
fn ignored_signals_stay_ignored() {
    for names in [
        "HUP INT TERM PIPE CHLD USR1",
        "PIPE",
        "CHLD",
        "TTOU TTIN TSTP",
        "INT QUIT",
    ] {
        assert_same_signals(&format!("trap '' {names}; exec \"$@\""));
    }
}

#[test]
fn nohup_stays_nohup() {
    assert_same_signals("exec nohup \"$@\"");
}

#[test]
fn a_blocked_signal_stays_blocked() {
    need!(
        "a_blocked_signal_stays_blocked",
        env_blocks(),
        "needs an `env` with --block-signal"
    );
    for name in ["USR1", "TERM", "CHLD", "HUP"] {
        assert_same_signals(&format!("exec env --block-signal={name} \"$@\""));
    }
}

fn env_blocks() -> bool {
    Command::new("env")
        .args(["--block-signal=USR1", "true"])
        .status()
        .is_ok_and(|status| status.success())
}

#[test]
fn extra_descriptors_pass_through() {
    let pair = Pair::look("exec \"$@\" 5</dev/null 9>/dev/null", "auto");
    let numbers = |seen: &Seen| seen.descriptors.keys().copied().collect::<Vec<i32>>();
    assert_eq!(
        numbers(&pair.with),
        numbers(&pair.without),
        "{:#?}",
        pair.with.descriptors
    );
}

/// A shell looks, as the runtime of a Rust program opens what is closed before it can be seen.
#[test]
fn closed_descriptors_stay_closed() {
    let sandbox = Sandbox::new(30);
    for (how, open) in [
        ("<&-", "1 2"),
        (">&-", "0 2"),
        ("2>&-", "0 1"),
        ("<&- >&- 2>&-", ""),
    ] {
        let out = sandbox.fresh("open");
        let look = "for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && seen=\"$seen $fd\"; done; echo $seen > $0";
        let look = ["sh", "-c", look]
            .map(OsString::from)
            .into_iter()
            .chain([out.clone().into()]);
        let run = sandbox.run().app("a").program(look);
        launch(&sandbox, &format!("exec \"$@\" {how}"), run.command_line());
        let seen = std::fs::read_to_string(&out).expect("the shell looked");
        assert_eq!(seen.trim(), open, "{how}");
    }
}

#[test]
fn niceness_limits_and_umask_pass_through() {
    let pair = Pair::look(
        "umask 027; ulimit -n 64 -c 0; exec nice -n 5 \"$@\"",
        "auto",
    );
    assert_eq!(
        (&pair.with.limits, &pair.with.misc),
        (&pair.without.limits, &pair.without.misc)
    );
    let pair = Pair::look("echo 500 > /proc/self/oom_score_adj; exec \"$@\"", "auto");
    assert_eq!(pair.with.misc, pair.without.misc);
}

/// A poor man's timeout: the alarm clock survives exec, and goes off in runward.
#[test]
fn an_inherited_alarm_ends_the_whole_run() {
    need!(
        "an_inherited_alarm_ends_the_whole_run",
        installed("perl"),
        "needs perl, for alarm(2) before exec"
    );
    let sandbox = Sandbox::new(30);
    let (mut line, teardown) = (sandbox.line(), Teardown::new(&sandbox));
    let plant = sandbox.plant().line(&line).leaves(&Leaf::MATRIX);
    let run = sandbox
        .run()
        .via(["perl", "-e", "alarm 1; exec @ARGV"])
        .option("--grace", "0.3s");
    let running = run
        .teardown(teardown.command())
        .program(plant.command())
        .spawn_ready(&mut line);
    running.wait();
    assert!(
        sandbox.everyone_ended_by(sandbox.until()),
        "{:#?}",
        sandbox.everyone()
    );
    line.wait_end();
    teardown.assert_once();
}

struct Terminal {
    sandbox: Sandbox,
    pty: Pty,
    out: PathBuf,
}

impl Terminal {
    fn new() -> Self {
        let sandbox = Sandbox::new(30);
        let out = sandbox.path("seen");
        Self {
            sandbox,
            pty: Pty::open(),
            out,
        }
    }

    fn start(&self, containment: &str) -> Running<'_> {
        let mut words = seen(&self.out);
        words.push("--ask".into());
        let run = self.sandbox.run().containment(containment).program(words);
        Running::bare(&self.sandbox, self.pty.command(&run.command_line()))
    }

    #[track_caller]
    fn wait_screen(&self, text: &str) {
        let found = self
            .pty
            .screen()
            .wait_until(|screen| screen.contains(text), self.sandbox.until());
        assert!(
            found,
            "no {text:?} on the screen: {}",
            self.pty.screen().text()
        );
    }
}

#[test]
fn the_program_owns_the_terminal() {
    for containment in ["auto", "subreaper"] {
        let terminal = Terminal::new();
        let running = terminal.start(containment);
        terminal.wait_screen("asked");
        terminal.pty.type_in("hello\n");
        terminal.wait_screen("got hello");
        running.wait().assert_code(0);
        terminal.wait_screen("exited, exit 0");
        assert_eq!(Seen::read(&terminal.out).foreground, Some(true));
    }
}

#[test]
fn control_c_cancels() {
    for _ in 0..5 {
        let terminal = Terminal::new();
        let running = terminal.start("auto");
        terminal.wait_screen("asked");
        terminal.pty.type_in("\u{3}");
        running.wait().assert_code(130);
        terminal.wait_screen("exit 130");
        terminal.sandbox.assert_no_survivors();
    }
}

#[test]
fn stdin_belongs_to_the_program() {
    let sandbox = Sandbox::new(30);
    let input = sandbox.path("input");
    std::fs::write(&input, "one\ntwo\n").expect("a file");
    let file = std::fs::File::open(&input).expect("a file");
    let ended = sandbox
        .run()
        .app("a")
        .stdin(file.into())
        .program(["cat"])
        .finish();
    ended.assert_code(0);
    assert_eq!(ended.stdout, "one\ntwo\n");
    assert!(binaries::runward().exists());
}
