//! After SIGKILL of owner and guardian at once: what their journal is good for.

use std::fs;

use runward_lifetime::{Cause, Containment, Finisher, Outcome};

use crate::harness::{ALL, Line, Scratch, Subject, available, clear_away, hang_guard};

/// Those whose tree is found again.
const FOUND: [Containment; 3] = [
    Containment::Cgroup,
    Containment::PidNamespace,
    Containment::Group,
];

/// A run whose owner and guardian were killed while its program waited at `go`.
struct Dead {
    scratch: Scratch,
    alive: Line,
}

impl Dead {
    fn leave(containment: Containment, teardowns: &[&str]) -> Self {
        let scratch = Scratch::new();
        scratch.gate("go");
        let (mut alive, mut events) = (scratch.line("alive"), scratch.line("events"));
        let mut subject = Subject::start();
        subject.program(
            &scratch.shell("echo ready >&9; read x <go; echo passed >&9"),
            containment,
        );
        subject.tell(&["events", &scratch.text("events")]);
        subject.tell(&["journal", &scratch.text("journal")]);
        subject.tell(&["note", "the note"]);
        for teardown in teardowns {
            subject.tell(&scratch.teardown(teardown));
        }
        assert_eq!(subject.ask(&["arm"]), "armed");
        assert_eq!(subject.ask(&["start"]), "started");
        assert_eq!(alive.hear(), "ready");
        // By then the journal says which process it is.
        assert!(events.hear().contains("started"));
        subject.kill_both();
        Self { scratch, alive }
    }

    fn recover(&self) -> Subject {
        let mut subject = Subject::start();
        subject.tell(&recover(&self.scratch));
        subject
    }

    fn edit(&self, edit: impl Fn(&str) -> String) {
        let before = self.scratch.read("journal");
        let after = edit(&before);
        assert_ne!(before, after);
        fs::write(self.scratch.path("journal"), after).unwrap();
    }
}

fn recover(scratch: &Scratch) -> [String; 3] {
    [
        "recover".to_owned(),
        scratch.text("journal"),
        scratch.text("record"),
    ]
}

fn is_recovered(outcome: &Outcome) {
    assert_eq!(outcome.cause(), &Cause::OwnerKilled);
    assert_eq!(outcome.finished_by(), Finisher::Recovery);
    assert!(outcome.survivors().is_empty());
}

#[test]
fn a_later_run_finishes_once() {
    let _hang = hang_guard();
    for containment in available("a_later_run_finishes_once", &FOUND) {
        let mut dead = Dead::leave(containment, &["echo torn >>log"]);
        // The first process of a namespace ends when nobody hears of its program's end.
        assert!(!dead.alive.has_ended(), "{containment}");
        let mut subject = dead.recover();
        is_recovered(&subject.outcome());
        assert!(dead.alive.has_ended(), "{containment}");
        assert_eq!(dead.scratch.read("log"), "torn\n");
        let record = "the note, exit 137, journal there\n";
        assert_eq!(dead.scratch.read("record"), record);
        assert!(!dead.scratch.path("journal").exists());
        assert_eq!(subject.ask(&recover(&dead.scratch)), "none");
        assert_eq!(dead.scratch.read("record"), record);
    }
}

#[test]
fn a_tree_that_cannot_be_found_is_torn_down_all_the_same() {
    let _hang = hang_guard();
    let dead = Dead::leave(Containment::Subreaper, &["echo torn >>log"]);
    is_recovered(&dead.recover().outcome());
    assert_eq!(dead.scratch.read("log"), "torn\n");
    open(&dead.scratch);
}

fn open(scratch: &Scratch) {
    fs::write(scratch.path("go"), "go\n").unwrap();
}

#[test]
fn a_finished_run_has_nothing_to_recover() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    let mut subject = Subject::start();
    subject.program(&["true"], Containment::Subreaper);
    subject.tell(&["journal", &scratch.text("journal")]);
    assert_eq!(subject.run().exit_code(), 0);
    assert_eq!(subject.ask(&recover(&scratch)), "none");
    assert_eq!(scratch.read("record"), "");
}

#[test]
fn a_journal_is_readable_by_its_user_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let _hang = hang_guard();
    let dead = Dead::leave(Containment::Subreaper, &[]);
    let mode = fs::metadata(dead.scratch.path("journal")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    open(&dead.scratch);
}

#[test]
fn somebody_who_recovers_is_waited_for() {
    let _hang = hang_guard();
    let teardown = "echo begun >down; read x <go2; echo torn >>log";
    for containment in available("somebody_who_recovers_is_waited_for", &FOUND) {
        let dead = Dead::leave(containment, &[teardown]);
        let mut down = dead.scratch.line("down");
        let go = dead.scratch.gate("go2");
        let mut first = dead.recover();
        assert_eq!(down.hear(), "begun");
        let mut second = dead.recover();
        go.open();
        is_recovered(&first.outcome());
        assert_eq!(second.hear(), "none");
        assert_eq!(dead.scratch.read("log"), "torn\n");
    }
}

#[test]
fn only_what_has_not_begun_is_begun_and_what_runs_is_waited_for() {
    let _hang = hang_guard();
    let test = "only_what_has_not_begun_is_begun_and_what_runs_is_waited_for";
    for containment in available(test, &[Containment::Cgroup]) {
        let scratch = Scratch::new();
        let (mut down, mut last) = (scratch.line("down"), scratch.line("last"));
        let go = scratch.gate("go");
        let mut subject = Subject::start();
        subject.program(&["sh", "-c", "exit 3"], containment);
        subject.tell(&["journal", &scratch.text("journal")]);
        subject.tell(&scratch.teardown("echo zero >>log"));
        subject.tell(
            &scratch.teardown("echo one >>log; echo begun >down; read x <go; echo end >>log"),
        );
        subject.tell(&scratch.teardown("echo two >>log; echo two >last"));
        subject.tell(&["run"]);
        assert_eq!(down.hear(), "begun");
        subject.kill_both();
        let mut later = Subject::start();
        later.tell(&recover(&scratch));
        assert!(last.is_silent(), "one runs");
        go.open();
        let outcome = later.outcome();
        assert_eq!(scratch.read("log"), "zero\none\nend\ntwo\n");
        let codes: Vec<_> = outcome.teardowns().iter().map(|t| t.code).collect();
        assert_eq!(codes, [Some(0), None, Some(0)]);
        assert_eq!((outcome.exit_code(), outcome.cause()), (3, &Cause::Exited));
    }
}

/// Before it can do anything, so that no kill comes too early for who goes on to wait for it.
#[test]
fn a_teardown_is_known_before_it_begins() {
    let _hang = hang_guard();
    for containment in available("a_teardown_is_known_before_it_begins", &ALL) {
        let scratch = Scratch::new();
        let (mut down, mut last) = (scratch.line("down"), scratch.line("last"));
        let go = scratch.gate("go");
        let mut subject = Subject::start();
        subject.program(&["true"], containment);
        subject.tell(&["journal", &scratch.text("journal")]);
        let first = "grep began journal >seen; echo $$ >down; read x <go; echo end >>log";
        let first = format!("cd {}; {first}", scratch.text(""));
        subject.tell(&["teardown", "sh", "-c", &first]);
        subject.tell(&scratch.teardown("echo two >>log; echo two >last"));
        subject.tell(&["run"]);
        let pid = down.hear();
        assert!(
            scratch
                .read("seen")
                .contains(&format!("\"pid\":{pid},\"start\""))
        );
        subject.kill_both();
        let mut later = Subject::start();
        later.tell(&recover(&scratch));
        assert!(last.is_silent(), "{containment}: the first still runs");
        go.open();
        assert_eq!(later.outcome().teardowns().len(), 2);
        assert_eq!(scratch.read("log"), "end\ntwo\n");
    }
}

#[test]
fn a_line_cut_short_is_none() {
    let _hang = hang_guard();
    let test = "a_line_cut_short_is_none";
    for containment in available(test, &ALL) {
        let dead = Dead::leave(containment, &["echo torn >>log"]);
        let cut = r#"{"teardown-ended":[0,{"command":["sh"],"code":0,"ms":1,"outp"#;
        dead.edit(|journal| format!("{journal}{cut}"));
        is_recovered(&dead.recover().outcome());
        assert_eq!(dead.scratch.read("log"), "torn\n", "{containment}");
        if containment == Containment::Subreaper {
            open(&dead.scratch);
        }
    }
}

/// The same line, whole, is believed.
#[test]
fn a_whole_line_is_one() {
    let _hang = hang_guard();
    let dead = Dead::leave(Containment::Group, &["echo torn >>log"]);
    let whole = r#"{"teardown-ended":[0,{"command":["sh"],"code":0,"ms":1,"output":"x"}]}"#;
    dead.edit(|journal| format!("{journal}{whole}\n"));
    let outcome = dead.recover().outcome();
    assert_eq!(outcome.teardowns()[0].output, "x");
    assert_eq!(dead.scratch.read("log"), "");
}

/// The program lives on: it is another's, by the same numbers.
fn is_spared(dead: &mut Dead) {
    let outcome = dead.recover().outcome();
    is_recovered(&outcome);
    assert!(!dead.alive.has_ended());
    open(&dead.scratch);
    assert_eq!(dead.alive.end(), "passed\n");
    clear_away(&outcome);
}

#[test]
fn numbers_of_another_boot_are_not_believed() {
    let _hang = hang_guard();
    for containment in available("numbers_of_another_boot_are_not_believed", &FOUND) {
        let mut dead = Dead::leave(containment, &[]);
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        dead.edit(|journal| journal.replace(boot.trim(), "another boot"));
        is_spared(&mut dead);
    }
}

#[test]
fn a_pid_with_another_start_time_is_another_process() {
    let _hang = hang_guard();
    let found = [Containment::PidNamespace, Containment::Group];
    for containment in available("a_pid_with_another_start_time_is_another_process", &found) {
        let mut dead = Dead::leave(containment, &[]);
        dead.edit(|journal| journal.replace(r#""start":"#, r#""start":1"#));
        is_spared(&mut dead);
    }
}

#[test]
fn a_journal_without_a_first_line_is_no_run() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    fs::write(scratch.path("journal"), "{\"run\":").unwrap();
    let mut subject = Subject::start();
    assert_eq!(subject.ask(&recover(&scratch)), "none");
    assert!(!scratch.path("journal").exists());
}

#[test]
fn a_journal_that_cannot_be_read_is_an_error() {
    let _hang = hang_guard();
    let scratch = Scratch::new();
    std::os::unix::fs::symlink(scratch.path("elsewhere"), scratch.path("journal")).unwrap();
    let mut subject = Subject::start();
    let answer = subject.ask(&recover(&scratch));
    assert!(answer.starts_with("failed Journal"), "{answer}");
}
