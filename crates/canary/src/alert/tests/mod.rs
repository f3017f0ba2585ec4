//! The policy and the outbox against a model: a world in which keys become red and green, sinks fail, and the process dies between any two steps.

mod episodes;
mod flap;
mod outbox;
mod whose;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::ledger::Saved;
use crate::{
    Cause, CauseKind, Change, Facts, Key, Meta, Outcome, Red, Report, Severity, Stamp, State, Tier,
    Transition, Verdict, Witness,
};

const ID: &str = "S-01";
const SEVERITIES: [Severity; 3] = [Severity::Minor, Severity::Major, Severity::Critical];

fn at(cycle: usize) -> Stamp {
    Stamp::from_micros(300_000_000 * (cycle as i64 + 1))
}

fn meta() -> Meta {
    Meta {
        id: ID.into(),
        title: "a title".into(),
        tier: Tier::A,
        severity: Severity::Major,
        message: "{subject} is {kind}: {n}".into(),
        runbook: "look".into(),
    }
}

fn key(subject: &str, severity: Severity) -> Key {
    Key {
        kind: "wrong".into(),
        subject: subject.into(),
        severity,
        facts: Facts::new(),
        since: None,
    }
}

/// What the world is like in one cycle: how bad each subject is; nothing at all if nobody could look.
type World = Option<[Option<usize>; 3]>;

/// What an engine says of it: enough of one for the policy.
fn judge(state: &State, world: &World, now: Stamp) -> (Report, State) {
    let mut state = state.clone();
    let standing = state.invariants.entry(ID.into()).or_default();
    let mut changes = Vec::new();
    let outcome = match world {
        None => {
            standing.unjudged += 1;
            let cause = Cause::new(CauseKind::Timeout, "no answer");
            if standing.unjudged == 3 {
                changes.push(Change::Stale {
                    unjudged_cycles: 3,
                    cause: cause.clone(),
                });
            }
            Outcome::Unjudged { cause }
        }
        Some(subjects) => {
            standing.unjudged = 0;
            let red = standing.red.entry("wrong".into()).or_default();
            let was_red = !red.is_empty();
            let mut opened = was_red;
            for (number, severity) in subjects.iter().enumerate() {
                let subject = format!("agent-{number}");
                let severity = severity.map(|index| SEVERITIES[index]);
                changes.extend(turn(red, &subject, severity, now, &mut opened));
            }
            let over = red.is_empty();
            let last = changes.iter_mut().rev().find_map(|change| match change {
                Change::Closed { over, .. } => Some(over),
                _ => None,
            });
            if let Some(last) = last {
                *last = over;
            }
            if over {
                standing.red.clear();
            }
            Outcome::Held { examined: 3 }
        }
    };
    (report(outcome, changes, now), state)
}

fn turn(
    red: &mut BTreeMap<String, Red>,
    subject: &str,
    severity: Option<Severity>,
    now: Stamp,
    opened: &mut bool,
) -> Option<Change> {
    match (red.get_mut(subject), severity) {
        (None, None) => None,
        (None, Some(severity)) => {
            red.insert(subject.into(), fresh(severity, now));
            let key = key(subject, severity);
            let first = !std::mem::replace(opened, true);
            Some(if first {
                Change::Opened(key)
            } else {
                Change::Joined(key)
            })
        }
        (Some(was), Some(severity)) if severity > was.severity => {
            let from = std::mem::replace(&mut was.severity, severity);
            Some(Change::Worsened {
                key: key(subject, severity),
                from,
            })
        }
        (Some(_), Some(_)) => None,
        (Some(was), None) => {
            let change = Change::Closed {
                key: key(subject, was.severity),
                held_for_secs: (now.since(was.since) / 1_000_000).unsigned_abs(),
                witness: Witness::Held(Facts::new()),
                over: false,
            };
            red.remove(subject);
            Some(change)
        }
    }
}

fn fresh(severity: Severity, now: Stamp) -> Red {
    Red {
        since: now,
        seen: now,
        cycles: 1,
        severity,
        elements: BTreeSet::new(),
        facts: Facts::new(),
        alerted: None,
    }
}

fn report(outcome: Outcome, changes: Vec<Change>, now: Stamp) -> Report {
    let verdict = Verdict {
        meta: meta(),
        outcome,
        blind: BTreeMap::new(),
        arms: BTreeMap::new(),
        pending: Vec::new(),
        red: 0,
    };
    let transition = |change| Transition {
        invariant: ID.into(),
        at: now,
        change,
    };
    Report {
        schema: crate::schema::Schema,
        taken: now,
        sequence: 1,
        instance: None,
        digest: None,
        verdicts: BTreeMap::from([(ID.into(), verdict)]),
        transitions: changes.into_iter().map(transition).collect(),
        unread: Vec::new(),
        coverage: BTreeMap::new(),
    }
}

/// Where the process dies in a cycle.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Death {
    No,
    BeforeCommit,
    BeforeSend,
    AfterSend,
}

/// What a sink does with one alert.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Takes,
    Refuses,
    /// It takes it, and its word is lost.
    TakesInSilence,
}

#[derive(Clone, Debug)]
struct Cycle {
    world: World,
    death: Death,
    way: Way,
}

impl Cycle {
    fn blind(&mut self) {
        self.world = None;
    }
}

fn cycles() -> impl Strategy<Value = Vec<Cycle>> {
    let subject = prop_oneof![2 => Just(None), 1 => (0..3_usize).prop_map(Some)];
    let world = prop_oneof![
        4 => [subject.clone(), subject.clone(), subject].prop_map(Some),
        1 => Just(None),
    ];
    let death = prop_oneof![
        5 => Just(Death::No),
        1 => Just(Death::BeforeCommit),
        1 => Just(Death::BeforeSend),
        1 => Just(Death::AfterSend),
    ];
    let way =
        prop_oneof![3 => Just(Way::Takes), 1 => Just(Way::Refuses), 1 => Just(Way::TakesInSilence)];
    let cycle = (world, death, way).prop_map(|(world, death, way)| Cycle { world, death, way });
    prop::collection::vec(cycle, 1..40)
}

/// What happened: what was committed, and what came through.
#[derive(Default)]
struct History {
    transitions: Vec<Transition>,
    alerts: Vec<Alert>,
    received: BTreeMap<String, u32>,
    /// How often each could have come twice.
    excused: BTreeMap<String, u32>,
    last: Saved,
}

fn live(policy: &Policy, cycles: &[Cycle]) -> History {
    let mut history = History::default();
    let mut disk = Saved::encode(0, &State::default(), &Outbox::default());
    for (number, cycle) in cycles.iter().enumerate() {
        let now = at(number);
        let saved = Saved::decode(&disk).expect("what was written is read");
        let (report, state) = judge(&saved.state, &cycle.world, now);
        let News {
            alerts,
            state,
            mut outbox,
        } = policy.decide(&report, state, saved.outbox, &["sink"]);
        assert!(
            outbox.begin(now, &Limits::default()).is_empty(),
            "nothing is given up so soon"
        );
        if cycle.death == Death::BeforeCommit {
            continue;
        }
        disk = Saved::encode(1, &state, &outbox);
        history.transitions.extend(report.transitions);
        history.alerts.extend(alerts);
        if cycle.death == Death::BeforeSend {
            continue;
        }
        let _ = outbox.send(now, &mut |_, alert| receive(&mut history, alert, cycle));
        if cycle.death != Death::AfterSend {
            disk = Saved::encode(2, &state, &outbox);
        }
    }
    history.last = Saved::decode(&disk).expect("what was written is read");
    history
}

fn receive(history: &mut History, alert: &Alert, cycle: &Cycle) -> Delivery {
    let cause = Cause::new(CauseKind::Denied, "no");
    if cycle.way == Way::Refuses {
        return Delivery::Failed(cause);
    }
    *history.received.entry(alert.id.clone()).or_default() += 1;
    let excused = cycle.way == Way::TakesInSilence || cycle.death == Death::AfterSend;
    *history.excused.entry(alert.id.clone()).or_default() += u32::from(excused);
    match cycle.way {
        Way::TakesInSilence => Delivery::Failed(cause),
        _ => Delivery::Delivered,
    }
}

/// The world stays as it was, and everything works: what is still to come arrives.
fn settled(mut cycles: Vec<Cycle>) -> Vec<Cycle> {
    let world = cycles.iter().rev().find_map(|cycle| cycle.world);
    let calm = Cycle {
        world,
        death: Death::No,
        way: Way::Takes,
    };
    cycles.extend(std::iter::repeat_n(calm, 12));
    cycles
}

fn policies() -> impl Strategy<Value = Policy> {
    let remind = prop_oneof![Just(None), Just(Some(Duration::from_secs(1_500)))];
    (remind, any::<bool>(), 0..3_usize).prop_map(|(remind_after, recover, minimum)| Policy {
        remind_after,
        recover,
        minimum: SEVERITIES[minimum],
        instance: "host".into(),
        ..Policy::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_is_lost_and_nothing_doubled_but_what_has_an_excuse(policy in policies(), cycles in cycles()) {
        let history = live(&policy, &settled(cycles));
        for alert in &history.alerts {
            let times = history.received.get(&alert.id).copied().unwrap_or(0);
            let excused = history.excused.get(&alert.id).copied().unwrap_or(0);
            prop_assert!(times >= 1, "{} was lost", alert.id);
            prop_assert!(times <= 1 + excused, "{} came {times} times", alert.id);
        }
        let ids: BTreeSet<_> = history.alerts.iter().map(|alert| &alert.id).collect();
        prop_assert_eq!(ids.len(), history.alerts.len(), "an id was used twice");
        prop_assert!(history.received.keys().all(|id| ids.contains(id)));
        prop_assert!(history.last.outbox.entries().is_empty());
        prop_assert_eq!(history.last.outbox.counters().detected, history.alerts.len() as u64);
    }

    #[test]
    fn green_never_becomes_red_in_silence(policy in policies(), cycles in cycles()) {
        let history = live(&policy, &cycles);
        for transition in &history.transitions {
            let (Change::Opened(key) | Change::Joined(key) | Change::Worsened { key, .. }) = &transition.change else {
                continue;
            };
            let told = |alert: &&Alert| {
                alert.at == transition.at
                    && matches!(alert.reason, Reason::Opened | Reason::Joined | Reason::Worsened)
                    && alert.lines.iter().any(|line| line.subject == key.subject)
            };
            let is_told = history.alerts.iter().any(|alert| told(&alert));
            prop_assert_eq!(is_told, key.severity >= policy.minimum, "{:?}", transition);
        }
    }

    #[test]
    fn an_episode_is_opened_once(policy in policies(), cycles in cycles()) {
        let history = live(&policy, &cycles);
        let opened = |alert: &&Alert| alert.reason == Reason::Opened;
        let opened: Vec<_> = history.alerts.iter().filter(opened).map(|alert| alert.at).collect();
        for pair in opened.windows(2) {
            // Until nothing bad enough to tell is left, it is one episode.
            let well = well_between(&history, &policy, pair[0], pair[1]);
            prop_assert!(well, "opened at {} and {}", pair[0], pair[1]);
        }
    }

    #[test]
    fn recovery_is_told_where_something_showed_it_and_only_there(policy in policies(), cycles in cycles()) {
        let history = live(&policy, &cycles);
        let closed = |transition: &&Transition| match &transition.change {
            Change::Closed { key, .. } => key.severity >= policy.minimum,
            _ => false,
        };
        let closed: BTreeSet<_> = history.transitions.iter().filter(closed).map(|it| it.at).collect();
        let recovered = |alert: &&Alert| alert.reason == Reason::Recovered;
        let recovered: BTreeSet<_> = history.alerts.iter().filter(recovered).map(|it| it.at).collect();
        prop_assert_eq!(recovered, if policy.recover { closed } else { BTreeSet::new() });
    }

    #[test]
    fn any_bytes_in_the_outbox_are_read_as_far_as_they_can_be(text in r#"[\[\]{}",:0-9a-z_ ]{0,60}"#) {
        let _ = serde_json::from_str::<Outbox>(&text);
    }
}

fn well_between(history: &History, policy: &Policy, from: Stamp, to: Stamp) -> bool {
    let mut red = BTreeSet::new();
    let mut well = false;
    for it in history.transitions.iter().filter(|it| it.at <= to) {
        match &it.change {
            Change::Opened(key) | Change::Joined(key) | Change::Worsened { key, .. }
                if key.severity >= policy.minimum =>
            {
                red.insert(key.subject.clone());
            }
            Change::Closed { key, .. } => {
                red.remove(&key.subject);
            }
            _ => {}
        }
        well |= it.at > from && red.is_empty();
    }
    well
}

fn red(subjects: [Option<usize>; 3]) -> Cycle {
    Cycle {
        world: Some(subjects),
        death: Death::No,
        way: Way::Takes,
    }
}

fn reasons(history: &History) -> Vec<Reason> {
    history.alerts.iter().map(|alert| alert.reason).collect()
}

/// An outbox with one alert that is due.
fn armed() -> Outbox {
    let (report, state) = judge(&State::default(), &Some([Some(2), None, None]), at(0));
    Policy::default()
        .decide(&report, state, Outbox::default(), &["sink"])
        .outbox
}

fn refuse(_: &str, _: &Alert) -> Delivery {
    Delivery::Failed(Cause::new(CauseKind::Denied, "no"))
}

#[test]
fn text_of_tenants_is_bounded_and_plain() {
    let nasty = format!("<!channel>\n\u{202e}\u{7}{}", "x".repeat(1_000_000));
    let key = key(&nasty, Severity::Major);
    let said = case::Said {
        key: &key,
        held_for_secs: 0,
        witness: None,
        flaps: String::new(),
    };
    let line = words::line(&meta(), Reason::Opened, &said);
    assert!(line.text.chars().count() <= 700 && line.subject.chars().count() <= 200);
    let plain = |text: &str| !text.chars().any(|c| c.is_control() || c == '\u{202e}');
    assert!(plain(&line.text) && plain(&line.subject));
}
