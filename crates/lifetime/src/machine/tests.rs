//! The machine against a model of the written rules, in every order of inputs.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const GRACE: Duration = Duration::from_secs(4);
const DEADLINE: Duration = Duration::from_secs(9);
const STEP: Duration = Duration::from_millis(1);
const NANO: Duration = Duration::from_nanos(1);

/// The rules, as facts and the instants at which they became true, by a clock that stands still
/// while the owner is stopped.
#[derive(Clone, Debug)]
struct Model {
    leaks: Leaks,
    deadline: Option<Duration>,
    clock: Duration,
    paused: bool,
    signals: u32,
    cause: Option<&'static str>,
    cancelled: Option<Duration>,
    tree_asked: bool,
    ended_by_itself: Option<Duration>,
    evicted: Option<Duration>,
    killed: Option<Duration>,
    main_ended: bool,
    empty: bool,
    over: bool,
}

impl Model {
    fn new(deadline: Option<Duration>, leaks: Leaks) -> Self {
        Self {
            leaks,
            deadline,
            clock: Duration::ZERO,
            paused: false,
            signals: 0,
            cause: None,
            cancelled: None,
            tree_asked: false,
            ended_by_itself: None,
            evicted: None,
            killed: None,
            main_ended: false,
            empty: false,
            over: false,
        }
    }

    fn passes(&mut self, time: Duration) {
        if !self.paused {
            self.clock += time;
        }
    }

    /// The work runs, and nobody has asked it to end.
    fn is_free(&self) -> bool {
        self.cause.is_none()
    }

    fn happens(&mut self, input: &Input) -> Vec<Action> {
        let actions = match input {
            Input::Signal { .. } => self.signal(),
            Input::Ancestor { .. } => self.cancel("ancestor"),
            Input::OwnerGone => {
                self.cause.get_or_insert("owner");
                self.paused = false;
                self.kill()
            }
            Input::MainEnded(_) => self.main_ends("exited"),
            Input::MainLost => self.main_ends("failed"),
            Input::Empty => {
                self.empty = true;
                Vec::new()
            }
            Input::Deaths => {
                if self.killed.is_some() && !self.over && !self.paused {
                    self.killed = Some(self.clock);
                }
                Vec::new()
            }
            Input::Tick if self.due() == Some(Duration::ZERO) => self.is_due(),
            Input::Tick => Vec::new(),
            Input::Pause => {
                self.paused = true;
                Vec::new()
            }
            Input::Resume => {
                self.paused = false;
                Vec::new()
            }
        };
        self.over |= self.main_ended && self.empty;
        actions
    }

    fn signal(&mut self) -> Vec<Action> {
        self.signals += 1;
        if self.signals < 3 {
            self.cancel("signal")
        } else {
            self.kill()
        }
    }

    fn cancel(&mut self, cause: &'static str) -> Vec<Action> {
        if !self.is_free() {
            return Vec::new();
        }
        self.cause = Some(cause);
        self.cancelled = Some(self.clock);
        vec![Action::AskMain]
    }

    fn main_ends(&mut self, cause: &'static str) -> Vec<Action> {
        if std::mem::replace(&mut self.main_ended, true) {
            return Vec::new();
        }
        if self.is_free() {
            self.cause = Some(cause);
            self.ended_by_itself = Some(self.clock);
            return Vec::new();
        }
        if self.killed.is_none() && !self.empty {
            self.ask_tree()
        } else {
            Vec::new()
        }
    }

    fn ask_tree(&mut self) -> Vec<Action> {
        if std::mem::replace(&mut self.tree_asked, true) {
            Vec::new()
        } else {
            vec![Action::AskTree]
        }
    }

    fn kill(&mut self) -> Vec<Action> {
        if self.over || self.killed.is_some() {
            return Vec::new();
        }
        self.killed = Some(self.clock);
        self.paused = false;
        if self.ended_by_itself.is_some() && self.evicted.is_none() {
            vec![Action::NameLeaks, Action::Kill]
        } else {
            vec![Action::Kill]
        }
    }

    /// How long until time alone changes something.
    fn due(&self) -> Option<Duration> {
        if self.paused || self.over {
            return None;
        }
        let half = self.cancelled.filter(|_| !self.tree_asked);
        let at = if let Some(killed) = self.killed {
            Some(killed + Duration::from_secs(10))
        } else if let Some(evicted) = self.evicted {
            Some(evicted + Duration::from_millis(200))
        } else if let Some(ended) = self.ended_by_itself {
            Some(ended + Duration::from_millis(100))
        } else if let Some(asked) = half {
            Some(asked + GRACE / 2)
        } else if let Some(asked) = self.cancelled {
            Some(asked + GRACE)
        } else {
            self.deadline
        };
        at.map(|at| at.saturating_sub(self.clock))
    }

    fn is_due(&mut self) -> Vec<Action> {
        if self.killed.is_some() {
            self.over = true;
            Vec::new()
        } else if self.evicted.is_some() {
            self.kill()
        } else if self.ended_by_itself.is_some() && self.leaks == Leaks::Allow {
            self.over = true;
            vec![Action::NameLeaks]
        } else if self.ended_by_itself.is_some() {
            self.evicted = Some(self.clock);
            vec![Action::NameLeaks, Action::AskTree]
        } else if self.cancelled.is_some() && self.tree_asked {
            self.kill()
        } else if self.cancelled.is_some() {
            self.ask_tree()
        } else {
            self.cancel("deadline")
        }
    }

    fn phase(&self) -> Phase {
        if self.over {
            Phase::Over
        } else if self.killed.is_some() {
            Phase::Killing
        } else if self.cancelled.is_some() {
            Phase::Cancelling
        } else if self.evicted.is_some() {
            Phase::Evicting
        } else if self.ended_by_itself.is_some() {
            Phase::Draining
        } else {
            Phase::Running
        }
    }
}

fn name(cause: &Cause) -> &'static str {
    match cause {
        Cause::Exited => "exited",
        Cause::Signaled { .. } => "signaled",
        Cause::Cancelled { .. } => "signal",
        Cause::Deadline => "deadline",
        Cause::Ancestor { .. } => "ancestor",
        Cause::OwnerKilled => "owner",
        Cause::Failed { .. } => "failed",
    }
}

fn signal() -> Input {
    Input::Signal {
        signal: 15,
        sender: Some(7),
    }
}

fn ended(code: i32) -> Input {
    Input::MainEnded(Status::Code(code))
}

/// Machine and model side by side.
#[derive(Clone)]
struct Pair {
    machine: Machine,
    model: Model,
    now: Instant,
}

impl Pair {
    fn new(deadline: Option<Duration>, leaks: Leaks, now: Instant) -> Self {
        let machine = Machine::new(deadline.map(|after| now + after), GRACE, leaks);
        let model = Model::new(deadline, leaks);
        Self {
            machine,
            model,
            now,
        }
    }

    /// A tick comes when it is due, everything else a step later.
    fn next(&mut self, input: &Input) -> Result<(), String> {
        let due = self.machine.timer().filter(|_| *input == Input::Tick);
        let at = due.unwrap_or(self.now + STEP);
        if due.is_some_and(|at| at > self.now) {
            self.not_before(at - NANO)?;
        }
        self.model.passes(at.saturating_duration_since(self.now));
        self.now = at.max(self.now);
        let (done, expected) = (
            self.machine.handle(self.now, input.clone()),
            self.model.happens(input),
        );
        same("actions", &done, &expected)?;
        self.compare()
    }

    /// A moment before it is due, a tick changes nothing.
    fn not_before(&self, at: Instant) -> Result<(), String> {
        let mut early = self.machine.clone();
        let actions = early.handle(at, Input::Tick);
        same("actions before the time", &actions, &Vec::new())?;
        same(
            "phase before the time",
            &early.phase(),
            &self.machine.phase(),
        )
    }

    fn compare(&self) -> Result<(), String> {
        let due = self.model.due().map(|after| self.now + after);
        same("phase", &self.machine.phase(), &self.model.phase())?;
        same("cause", &self.machine.cause().map(name), &self.model.cause)?;
        same("timer", &self.machine.timer(), &due)?;
        same("empty", &self.machine.empty(), &self.model.empty)?;
        same(
            "main gone",
            &self.machine.main_gone(),
            &self.model.main_ended,
        )
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Result<(), String> {
    if is == should {
        Ok(())
    } else {
        Err(format!("{what}: {is:?}, should be {should:?}"))
    }
}

fn alphabet() -> [Input; 8] {
    [
        signal(),
        Input::Ancestor { pid: 9 },
        Input::OwnerGone,
        ended(3),
        Input::Empty,
        Input::Tick,
        Input::Pause,
        Input::Resume,
    ]
}

/// Every continuation of `pair`; answers how many sequences were compared.
fn explore(pair: &Pair, path: &mut Vec<Input>, left: usize) -> u64 {
    if left == 0 {
        return 1;
    }
    let mut count = 0;
    for input in alphabet() {
        let mut next = pair.clone();
        path.push(input.clone());
        if let Err(difference) = next.next(&input) {
            panic!("after {path:?}: {difference}");
        }
        count += explore(&next, path, left - 1);
        path.pop();
    }
    count
}

#[test]
fn every_sequence_follows_the_rules() {
    const LENGTH: usize = 6;
    let now = Instant::now();
    for deadline in [None, Some(DEADLINE)] {
        for leaks in [Leaks::Warn, Leaks::Allow] {
            let pair = Pair::new(deadline, leaks, now);
            let count = explore(&pair, &mut Vec::new(), LENGTH);
            assert_eq!(count, 8_u64.pow(LENGTH as u32));
        }
    }
}

fn machine(leaks: Leaks) -> (Machine, Instant) {
    let now = Instant::now();
    (Machine::new(Some(now + DEADLINE), GRACE, leaks), now)
}

#[test]
fn the_grace_ends_when_it_is_over_and_not_a_nanosecond_before() {
    let (mut machine, start) = machine(Leaks::Warn);
    assert_eq!(machine.handle(start, signal()), [Action::AskMain]);
    let half = start + GRACE / 2;
    assert_eq!(machine.handle(half - NANO, Input::Tick), []);
    assert_eq!(machine.handle(half, Input::Tick), [Action::AskTree]);
    let end = start + GRACE;
    assert_eq!(machine.handle(end - NANO, Input::Tick), []);
    assert_eq!(machine.handle(end, Input::Tick), [Action::Kill]);
    let gone = end + KILL_PATIENCE;
    machine.handle(gone - NANO, Input::Tick);
    assert_eq!(machine.phase(), Phase::Killing);
    machine.handle(gone, Input::Tick);
    assert_eq!(machine.phase(), Phase::Over);
    assert!(!machine.empty(), "what is left counts as survivors");
}

#[test]
fn the_deadline_is_a_cancel_at_its_instant() {
    let (mut machine, start) = machine(Leaks::Warn);
    assert_eq!(machine.handle(start + DEADLINE - NANO, Input::Tick), []);
    let due = machine.handle(start + DEADLINE, Input::Tick);
    assert_eq!(due, [Action::AskMain]);
    assert_eq!(machine.cause(), Some(&Cause::Deadline));
    assert_eq!(machine.timer(), Some(start + DEADLINE + GRACE / 2));
}

#[test]
fn leaks_have_a_window_and_then_a_grace() {
    let (mut machine, start) = machine(Leaks::Fail);
    assert_eq!(machine.handle(start, ended(0)), []);
    let window = start + LEAK_WINDOW;
    assert_eq!(machine.handle(window - NANO, Input::Tick), []);
    assert_eq!(
        machine.handle(window, Input::Tick),
        [Action::NameLeaks, Action::AskTree]
    );
    let grace = window + LEAK_GRACE;
    assert_eq!(machine.handle(grace - NANO, Input::Tick), []);
    assert_eq!(machine.handle(grace, Input::Tick), [Action::Kill]);
    assert_eq!(machine.cause(), Some(&Cause::Exited));
}

#[test]
fn leaks_that_end_within_the_window_are_not_named() {
    let (mut machine, start) = machine(Leaks::Fail);
    machine.handle(start, ended(0));
    assert_eq!(machine.handle(start + LEAK_WINDOW - NANO, Input::Empty), []);
    assert_eq!(machine.phase(), Phase::Over);
}

#[test]
fn a_late_tick_kills_without_asking_first() {
    let (mut machine, start) = machine(Leaks::Warn);
    machine.handle(start, signal());
    assert_eq!(
        machine.handle(start + 2 * GRACE, Input::Tick),
        [Action::Kill]
    );
}

#[test]
fn no_grace_is_none() {
    let start = Instant::now();
    let mut machine = Machine::new(None, Duration::ZERO, Leaks::Warn);
    machine.handle(start, signal());
    assert_eq!(machine.timer(), Some(start));
    assert_eq!(machine.handle(start, Input::Tick), [Action::Kill]);
}

#[test]
fn the_third_signal_kills_and_the_fourth_does_not_kill_again() {
    let (mut machine, start) = machine(Leaks::Warn);
    assert_eq!(machine.handle(start, signal()), [Action::AskMain]);
    assert_eq!(machine.handle(start, signal()), []);
    assert_eq!(machine.handle(start, signal()), [Action::Kill]);
    assert_eq!(machine.handle(start, signal()), []);
}

#[test]
fn a_program_that_was_lost_has_no_status() {
    let (mut machine, start) = machine(Leaks::Warn);
    machine.handle(start, Input::MainLost);
    assert!(matches!(
        machine.cause(),
        Some(Cause::Failed { code: 125, .. })
    ));
    machine.handle(start, ended(0));
    assert_eq!(machine.main(), None, "a late word is a guess");
}

#[test]
fn time_at_the_terminal_does_not_count() {
    const HOUR: Duration = Duration::from_secs(3600);
    let (mut machine, start) = machine(Leaks::Warn);
    machine.handle(start, Input::Pause);
    assert_eq!(machine.timer(), None);
    assert_eq!(machine.handle(start + HOUR, Input::Tick), []);
    machine.handle(start + HOUR, Input::Resume);
    assert_eq!(machine.timer(), Some(start + HOUR + DEADLINE));
}

#[test]
fn a_window_that_opens_in_a_pause_is_not_longer_for_it() {
    const HOUR: Duration = Duration::from_secs(3600);
    let (mut machine, start) = machine(Leaks::Warn);
    machine.handle(start, Input::Pause);
    machine.handle(start + HOUR, ended(0));
    machine.handle(start + HOUR + STEP, Input::Resume);
    assert_eq!(machine.timer(), Some(start + HOUR + STEP + LEAK_WINDOW));
}

#[test]
fn an_owner_killed_while_stopped_does_not_stop_the_clock_for_ever() {
    let (mut machine, start) = machine(Leaks::Warn);
    machine.handle(start, Input::Pause);
    let killed = start + GRACE;
    assert_eq!(machine.handle(killed, Input::OwnerGone), [Action::Kill]);
    assert_eq!(machine.timer(), Some(killed + KILL_PATIENCE));
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        2 => Just(signal()),
        1 => (1..99).prop_map(|pid| Input::Ancestor { pid }),
        1 => Just(Input::OwnerGone),
        2 => (0..256).prop_map(ended),
        1 => (1..32).prop_map(|signal| Input::MainEnded(Status::Signal(signal))),
        1 => Just(Input::MainLost),
        1 => Just(Input::Empty),
        6 => Just(Input::Tick),
        1 => Just(Input::Pause),
        2 => Just(Input::Resume),
    ]
}

fn any_story() -> impl Strategy<Value = Vec<(Duration, Input)>> {
    let wait = prop_oneof![
        Just(Duration::ZERO),
        (0..12_000_u64).prop_map(Duration::from_millis)
    ];
    prop::collection::vec((wait, any_input()), 0..40)
}

fn any_leaks() -> impl Strategy<Value = Leaks> {
    prop_oneof![Just(Leaks::Warn), Just(Leaks::Fail), Just(Leaks::Allow)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens(story in any_story(), leaks in any_leaks(), deadline in any::<bool>()) {
        let start = Instant::now();
        let deadline = deadline.then_some(start + DEADLINE);
        let mut machine = Machine::new(deadline, GRACE, leaks);
        let (mut now, mut kills, mut killed) = (start, 0, None);
        let (mut cause, mut main, mut owner_gone) = (None, None, false);
        for (wait, input) in story {
            now += wait;
            let was = machine.phase();
            owner_gone |= input == Input::OwnerGone && was != Phase::Over;
            let actions = machine.handle(now, input.clone());
            kills += actions.iter().filter(|action| **action == Action::Kill).count();
            if actions.contains(&Action::Kill) {
                killed = Some(now);
            }
            prop_assert!(kills <= 1);
            prop_assert_eq!(kills == 1, killed.is_some());
            prop_assert!(!owner_gone || kills == 1);
            prop_assert!(was != Phase::Over || actions.is_empty(), "{:?} when over", actions);
            prop_assert!(was != Phase::Over || machine.phase() == Phase::Over);
            prop_assert!(machine.phase() == Phase::Running || machine.cause().is_some());
            prop_assert!(cause.is_none() || cause == machine.cause().cloned(), "the first counts");
            prop_assert!(main.is_none() || main == machine.main());
            (cause, main) = (machine.cause().cloned(), machine.main());
            if was != Phase::Over && machine.phase() == Phase::Over {
                let proven = machine.empty() && machine.main_gone();
                let waited = killed.is_some_and(|at| now >= at + KILL_PATIENCE);
                let allowed = was == Phase::Draining && leaks == Leaks::Allow;
                prop_assert!(proven || waited || allowed, "over too early: {:?}", input);
            }
        }
    }

    /// Time alone ends a run that somebody has asked to end.
    #[test]
    fn an_end_comes(story in any_story(), leaks in any_leaks()) {
        let mut now = Instant::now();
        let mut machine = Machine::new(None, GRACE, leaks);
        for (wait, input) in story {
            now += wait;
            machine.handle(now, input);
        }
        machine.handle(now, Input::Resume);
        machine.handle(now, signal());
        for _ in 0..4 {
            let Some(at) = machine.timer() else { break };
            now = now.max(at);
            machine.handle(now, Input::Tick);
        }
        prop_assert_eq!(machine.phase(), Phase::Over);
        prop_assert_eq!(machine.timer(), None);
    }
}
