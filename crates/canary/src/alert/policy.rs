use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::flap::Flaps;
use super::{Alert, Outbox, words};
use crate::{
    Change, Key, Meta, Red, Report, Severity, Stamp, Standing, State, Transition, Verdict,
};

/// When somebody is told.
///
/// It goes by what is red and was not told, and not by edges alone: a state that lost its past tells too much, never too little.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Again after that long, while it is red; never if none.
    pub remind_after: Option<Duration>,
    /// Whether it is told that something is well again.
    pub recover: bool,
    /// What is less bad is not told.
    pub minimum: Severity,
    /// A key that opens more often than this within `flap_window` is told once as flapping, and again when it has stayed as it is for that long; 0 for never.
    pub flap: u64,
    /// See `flap`.
    pub flap_window: Duration,
    /// The title of the rule set, with which each alert begins.
    pub rules: String,
    /// Which harness it is, for a place that several write to. In ids of alerts it has at most 32 letters, digits, `.`, `_` and `-`; others become `-`.
    pub instance: String,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            remind_after: Some(Duration::from_secs(86_400)),
            recover: true,
            minimum: Severity::Minor,
            flap: 0,
            flap_window: Duration::from_secs(3_600),
            rules: String::new(),
            instance: String::new(),
        }
    }
}

/// What follows from one cycle: to be committed in one write, before anything is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct News {
    /// What was decided; all of it is in the outbox as well.
    pub alerts: Vec<Alert>,
    /// The state, in which the keys are marked of which somebody is told.
    pub state: State,
    /// The outbox, with the alerts armed.
    pub outbox: Outbox,
}

/// Of what somebody was told, by invariant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// When somebody was told last of what is red, in this episode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) red: Option<Stamp>,
    /// When somebody was told last that it is not judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) stale: Option<Stamp>,
    /// What opens again and again.
    #[serde(default, skip_serializing_if = "Flaps::is_empty")]
    pub(super) flaps: Flaps,
}

impl Policy {
    /// Decides who is told of what. Pure: the same for the same arguments.
    ///
    /// `sinks` are the names of those that are told; one entry of the outbox is armed for each. Without any nobody is told, and nobody counts as told.
    #[must_use]
    pub fn decide(&self, report: &Report, state: State, outbox: Outbox, sinks: &[&str]) -> News {
        let mut news = News {
            alerts: Vec::new(),
            state,
            outbox,
        };
        news.outbox.heed(sinks);
        if sinks.is_empty() {
            // Whoever is not told stays to be told, once somebody is there.
            let opens =
                |it: &&Transition| matches!(it.change, Change::Opened(_) | Change::Joined(_));
            news.outbox
                .skip(report.transitions.iter().filter(opens).count() as u64);
            return news;
        }
        for (id, verdict) in &report.verdicts {
            self.one(report, id, &verdict.meta, Some(verdict), &mut news);
        }
        for meta in self.unknown(report) {
            self.one(report, &meta.id, &meta, None, &mut news);
        }
        let News {
            state,
            outbox,
            alerts,
        } = &mut news;
        outbox.forget(|id| state.standing(id).is_some());
        outbox.arm(alerts, sinks);
        news
    }

    fn one(
        &self,
        report: &Report,
        id: &str,
        meta: &Meta,
        verdict: Option<&Verdict>,
        news: &mut News,
    ) {
        let changes = report.transitions.iter().filter(|it| it.invariant == id);
        let standing = news.state.standing(id);
        let red = self.red(standing);
        let mut case = Case {
            policy: self,
            meta,
            verdict,
            at: report.taken,
            total: red.len() as u64,
            red,
            flapping: Vec::new(),
            away: Vec::new(),
            changes: changes.map(|it| &it.change).collect(),
            told: news.outbox.told(id),
            alerts: Vec::new(),
        };
        case.gone();
        case.flaps();
        case.well();
        let new = case.news();
        let mentioned = if new.is_empty() { case.again() } else { new };
        case.blind(standing);
        let Case { told, alerts, .. } = case;
        for (kind, subject) in mentioned {
            news.state.alerted(id, &kind, &subject, report.taken);
        }
        news.outbox.tell(id, told);
        news.alerts.extend(alerts);
    }

    fn red<'a>(&self, standing: Option<&'a Standing>) -> Vec<(Key, &'a Red)> {
        let keys = standing.into_iter().flat_map(Standing::red);
        keys.filter(|(_, _, red)| red.severity >= self.minimum)
            .map(|(kind, subject, red)| (words::key(kind, subject, red), red))
            .collect()
    }

    /// What the rules do not know any more has no words of its own.
    fn unknown(&self, report: &Report) -> Vec<Meta> {
        let mut metas: Vec<Meta> = Vec::new();
        for it in &report.transitions {
            let id = &it.invariant;
            if report.verdicts.contains_key(id) || metas.iter().any(|meta| meta.id == *id) {
                continue;
            }
            metas.push(Meta {
                id: id.clone(),
                title: "not among the rules any more".to_owned(),
                tier: crate::Tier::A,
                severity: Severity::Major,
                message: "{subject}: {kind}".to_owned(),
                runbook: "Whoever took it out of the rules knows why; what was red was not seen to become green.".to_owned(),
            });
        }
        metas
    }
}
