use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::engine::words;
use crate::{
    Ask, Cause, CauseKind, Column, Context, Cut, Error, ErrorKind, Reading, Snapshot, Source, Stamp,
};

/// What has to be read again: the subjects in question of each facet.
type Suspects = BTreeMap<String, BTreeSet<String>>;

/// Reads all facets of all sources, in stages: what is asked for each row of another facet comes after it.
///
/// One source at a time, each once in a stage. A source that fails or goes down takes nothing with it but its own facets, and those
/// that are asked for by their rows.
#[must_use = "it reads nothing before `collect`"]
#[derive(Default)]
pub struct Collector {
    sources: Vec<Named>,
    stages: usize,
}

struct Named {
    name: String,
    source: Box<dyn Source>,
    timeout: Duration,
    asks: Vec<Staged>,
}

struct Staged {
    ask: Ask,
    stage: usize,
}

/// One look, under way.
struct Looking<'a> {
    clock: &'a dyn Fn() -> Stamp,
    /// What was read in this look.
    cut: Cut,
    suspects: Option<&'a Suspects>,
}

impl Collector {
    /// No sources yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source, what it will be asked for, and how long one answer of it may take.
    pub fn source(
        mut self,
        name: impl Into<String>,
        source: Box<dyn Source>,
        timeout: Duration,
        asks: Vec<Ask>,
    ) -> Self {
        let asks = asks.into_iter().map(|ask| Staged { ask, stage: 0 });
        self.sources.push(Named {
            name: name.into(),
            source,
            timeout,
            asks: asks.collect(),
        });
        self
    }

    /// Puts the facets in order, and lets each source look at what it will be asked for. Nothing is contacted.
    ///
    /// # Errors
    ///
    /// When a source refuses, a facet is there twice or stands on one that is not there, or facets stand on each other in a circle.
    pub fn prepare(mut self) -> Result<Self, Error> {
        let stages = stages(&self.asks()?)?;
        self.stages = stages.values().max().map_or(0, |last| last + 1);
        for named in &mut self.sources {
            for staged in &mut named.asks {
                staged.stage = stages.get(&staged.ask.facet).copied().unwrap_or(0);
            }
            let asks: Vec<Ask> = named.asks.iter().map(|staged| staged.ask.clone()).collect();
            let prepared = named.source.prepare(&asks);
            prepared.map_err(|error| error.of_source(&named.name))?;
        }
        Ok(self)
    }

    /// All facets, and what each stands on.
    fn asks(&self) -> Result<BTreeMap<String, Vec<String>>, Error> {
        let mut asks = BTreeMap::new();
        for staged in self.sources.iter().flat_map(|named| &named.asks) {
            let after = staged.ask.after().into_iter().map(str::to_owned);
            let facet = &staged.ask.facet;
            if asks.insert(facet.clone(), after.collect()).is_some() {
                let message = format!("read facet `{facet}`: it is asked for twice");
                return Err(Error::new(ErrorKind::Rules, message));
            }
        }
        Ok(asks)
    }

    /// Looks at everything once.
    pub fn collect(&mut self, clock: &dyn Fn() -> Stamp) -> Snapshot {
        let taken = clock();
        let mut looking = Looking {
            clock,
            cut: Cut::new(),
            suspects: None,
        };
        self.look(&mut looking);
        let origin = |named: &Named| {
            let name = named.name.clone();
            let facets = named.asks.iter().map(|staged| staged.ask.facet.clone());
            facets
                .map(|facet| (facet, name.clone()))
                .collect::<Vec<_>>()
        };
        let remote = self.sources.iter().filter(|named| named.source.remote());
        Snapshot::new(taken, looking.cut)
            .with_ended(clock())
            .with_origins(self.sources.iter().flat_map(origin).collect())
            .with_remote(remote.map(|named| named.name.clone()).collect())
    }

    /// Looks again at what is suspected, and at what that stands on, and adds it to the snapshot. Nothing is read if nothing is suspected.
    #[must_use]
    pub fn again(
        &mut self,
        snapshot: Snapshot,
        suspects: &Suspects,
        clock: &dyn Fn() -> Stamp,
    ) -> Snapshot {
        let suspects = self.closed(suspects);
        if suspects.is_empty() {
            return snapshot;
        }
        let mut looking = Looking {
            clock,
            cut: Cut::new(),
            suspects: Some(&suspects),
        };
        self.look(&mut looking);
        snapshot.with_second(looking.cut).with_ended(clock())
    }

    /// The suspects, also of the facets that theirs stand on: a row that is gone must not be asked for again.
    fn closed(&self, suspects: &Suspects) -> Suspects {
        let mut closed = suspects.clone();
        let mut asks: Vec<&Staged> = self.sources.iter().flat_map(|named| &named.asks).collect();
        asks.sort_by_key(|staged| std::cmp::Reverse(staged.stage));
        for staged in asks {
            let Some(subjects) = closed.get(&staged.ask.facet).cloned() else {
                continue;
            };
            for facet in staged.ask.after() {
                let below = closed.entry(facet.to_owned()).or_default();
                below.extend(subjects.iter().cloned());
            }
        }
        closed
    }

    fn look(&mut self, looking: &mut Looking<'_>) {
        for stage in 0..self.stages {
            for named in &mut self.sources {
                named.look(stage, looking);
            }
        }
    }
}

impl Named {
    /// Reads what this source has in this stage.
    fn look(&mut self, stage: usize, looking: &mut Looking<'_>) {
        let mine = self.asks.iter().filter(|staged| staged.stage == stage);
        let asks = mine.filter_map(|staged| looking.limited(&staged.ask));
        let (asks, barred): (Vec<Ask>, Vec<Ask>) = asks.partition(|ask| looking.bar(ask).is_none());
        for ask in &barred {
            looking.skip(ask);
        }
        if asks.is_empty() {
            return;
        }
        let begun = (looking.clock)();
        let readings = self.read(&asks, looking);
        let ended = (looking.clock)();
        let failed = |cause| Reading::failed(cause, begun, ended);
        let readings = readings.unwrap_or_else(|cause| vec![failed(cause); asks.len()]);
        for (ask, reading) in asks.iter().zip(readings) {
            let wrong = unsound(ask, &reading, begun, ended);
            looking.keep(&ask.facet, wrong.map_or(reading, failed));
        }
    }

    /// One reading for each ask, or why there is none at all.
    fn read(&mut self, asks: &[Ask], looking: &Looking<'_>) -> Result<Vec<Reading>, Cause> {
        let asked: Vec<&Ask> = asks.iter().collect();
        let context = Context {
            cut: &looking.cut,
            deadline: deadline(self.timeout),
            clock: looking.clock,
        };
        let source = &mut self.source;
        // What a source breaks of itself by going down is its own to mend; its next readings are judged like any others.
        let read = catch_unwind(AssertUnwindSafe(|| source.read(&asked, &context)));
        let readings = read.map_err(|panic| {
            let words = format!("source {} went down: {}", self.name, words(&*panic));
            Cause::new(CauseKind::Crashed, words)
        })?;
        if readings.len() == asks.len() {
            return Ok(readings);
        }
        let (given, wanted) = (readings.len(), asks.len());
        let words = format!(
            "source {} gave {given} readings for {wanted} facets",
            self.name
        );
        Err(Cause::new(CauseKind::Garbled, words))
    }
}

impl Looking<'_> {
    /// What a source is asked for in this look; nothing if nothing of it is in question.
    fn limited(&self, ask: &Ask) -> Option<Ask> {
        let mut ask = ask.clone();
        if let Some(suspects) = self.suspects {
            ask.only = Some(suspects.get(&ask.facet)?.clone());
        }
        Some(ask)
    }

    /// Why it makes no sense to ask, if so.
    fn bar(&self, ask: &Ask) -> Option<String> {
        let facets = ask.after().into_iter();
        let failed = |facet: &str| match self.cut.get(facet)?.table() {
            Ok(_) => None,
            Err(cause) => Some(format!("it stands on {facet}, which was not read: {cause}")),
        };
        facets.filter_map(failed).next()
    }

    fn skip(&mut self, ask: &Ask) {
        let why = self.bar(ask).unwrap_or_default();
        let reading = Reading::not_run(why, (self.clock)());
        self.keep(&ask.facet, reading);
    }

    fn keep(&mut self, facet: &str, reading: Reading) {
        self.cut.insert(facet.to_owned(), reading);
    }
}

/// Why the reading cannot be what was asked for, if so: it is of another time, or has not those columns.
fn unsound(ask: &Ask, reading: &Reading, begun: Stamp, ended: Stamp) -> Option<Cause> {
    if reading.begun < begun || ended < reading.ended || reading.ended < reading.begun {
        let words = format!(
            "it says that it was read from {} to {}, and was asked from {begun} to {ended}",
            reading.begun, reading.ended
        );
        return Some(Cause::new(CauseKind::Stale, words));
    }
    let table = reading.table().ok()?;
    let mut names = ask.columns.iter().map(Column::name);
    let lacking = names.find(|name| table.index(name).is_none())?;
    let words = format!("the answer has no column {lacking}");
    Some(Cause::new(CauseKind::Garbled, words))
}

fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now)
}

/// In which stage each facet can be read.
fn stages(asks: &BTreeMap<String, Vec<String>>) -> Result<BTreeMap<String, usize>, Error> {
    let refuse = |message| Err(Error::new(ErrorKind::Rules, message));
    let mut stages: BTreeMap<String, usize> = BTreeMap::new();
    for (facet, after) in asks {
        if let Some(unknown) = after.iter().find(|below| !asks.contains_key(*below)) {
            return refuse(format!(
                "read facet `{facet}`: it stands on `{unknown}`, which nobody reads"
            ));
        }
    }
    while stages.len() < asks.len() {
        let known = stages.len();
        for (facet, after) in asks {
            let below: Option<Vec<usize>> = after
                .iter()
                .map(|below| stages.get(below).copied())
                .collect();
            if let Some(below) = below {
                let stage = below.into_iter().max().map_or(0, |last| last + 1);
                stages.entry(facet.clone()).or_insert(stage);
            }
        }
        if stages.len() == known {
            let stuck: Vec<&str> = asks
                .keys()
                .filter(|facet| !stages.contains_key(*facet))
                .map(String::as_str)
                .collect();
            return refuse(format!(
                "read the facets {}: they stand on each other",
                stuck.join(", ")
            ));
        }
    }
    Ok(stages)
}
