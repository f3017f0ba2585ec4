//! What a rule file says, made into things that read, keep and tell.
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runward_canary::ledger::Retention;
use runward_canary::rules::SourceRule;
use runward_canary::{Collector, Options, Rules, Setting, Source};

use super::ledger::{Place, Remote};
use super::owner::Owner;
use super::wrong;
use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::places::{self, User};
use crate::settings::Places;
use crate::slug::slug_of_parts;

/// At most so many snapshots, however short the interval.
const SNAPSHOTS: u128 = 10_000;

/// Rules that were read, and where they stand.
pub(super) struct Setup {
    pub(super) rules: Rules,
    config: PathBuf,
    /// The ledger's directory where the rules name none.
    usual: Result<PathBuf>,
}

impl Setup {
    pub(super) fn load(config: &Path) -> Result<Self> {
        let rules = Rules::load(config).map_err(wrong)?;
        let config = std::path::absolute(config)
            .map_err(|e| Error::io("make absolute", config, &e, "give an absolute path"))?;
        let usual = usual_ledger(&config);
        let setup = Self {
            rules,
            config,
            usual,
        };
        setup.enter()?;
        Ok(setup)
    }

    /// The same, of rules by which something is judged: by others everything would always be well.
    pub(super) fn judging(config: &Path) -> Result<Self> {
        let setup = Self::load(config)?;
        match setup.idle() {
            Some(why) => Err(wrong(why)),
            None => Ok(setup),
        }
    }

    /// Why nothing is judged by these rules, if so.
    pub(super) fn idle(&self) -> Option<String> {
        if !self.rules.invariants().is_empty() {
            return None;
        }
        let off: Vec<&str> = self.rules.off().map(|(id, _)| id).collect();
        let off = match off.is_empty() {
            true => String::new(),
            false => format!(" ({} switched off)", off.join(", ")),
        };
        Some(format!(
            "{}: no invariant is judged{off}: write `[invariant.ID]`, take an `off` away, or `include` a set of those that `runward canary rules` lists",
            self.config.display()
        ))
    }

    /// Whose a ledger of these rules is.
    pub(super) fn owner(&self) -> Owner {
        Owner::new(&self.config, self.rules.title())
    }

    /// From here on, relative paths begin where the rules stand: those of sources and sinks, and those of the programs that they run.
    fn enter(&self) -> Result<()> {
        let folder = self.beside(Path::new(""));
        std::env::set_current_dir(&folder)
            .map_err(|e| Error::io("enter", &folder, &e, "the rules' own directory is needed"))
    }

    /// All sources, opened and prepared; nobody is contacted.
    pub(super) fn collector(&self) -> Result<Collector> {
        let mut collector = Collector::new();
        for source in self.rules.sources() {
            let opened = runward_sources::open(source.kind(), source.settings(), source.timeout());
            let opened =
                opened.map_err(|e| wrong(self.rules.placed(e.of_source(source.name()))))?;
            collector = self.asked(collector, source, opened);
        }
        collector.prepare().map_err(|e| wrong(self.rules.placed(e)))
    }

    /// The same, for a look at the rules alone: the variables that sources name and that are not set.
    pub(super) fn rehearse(&self) -> Result<Vec<String>> {
        let mut unset = Vec::new();
        let mut collector = Collector::new();
        for source in self.rules.sources() {
            let opened =
                runward_sources::rehearse(source.kind(), source.settings(), source.timeout());
            let (opened, variable) =
                opened.map_err(|e| wrong(self.rules.placed(e.of_source(source.name()))))?;
            unset.extend(variable);
            collector = self.asked(collector, source, opened);
        }
        let _ = collector
            .prepare()
            .map_err(|e| wrong(self.rules.placed(e)))?;
        Ok(unset)
    }

    /// With a source and all that it is asked for.
    fn asked(&self, all: Collector, source: &SourceRule, opened: Box<dyn Source>) -> Collector {
        let facets = self.rules.facets().iter();
        let asks = facets.filter(|facet| facet.source() == source.name());
        let asks = asks.map(|facet| facet.ask().clone()).collect();
        all.source(source.name(), opened, source.timeout(), asks)
    }

    /// Where the ledger is: as the rules say, beside them if that is relative; else in the home of this user.
    pub(super) fn ledger(&self) -> Result<Place> {
        let rule = self.rules.ledger();
        if let Some(remote) = Remote::of(rule, self.rules.title()) {
            let refused = |e| wrong(format!("{}: {e}", self.config.display()));
            remote.database().map_err(refused)?;
            return Ok(Place::Database(remote));
        }
        let folder = match rule.directory() {
            Some(directory) => self.beside(directory),
            None => self.usual()?,
        };
        Ok(Place::Directory(folder))
    }

    /// What it is called, also where its address is not known yet: then with the variable that should have it.
    pub(super) fn rehearsed_ledger(&self) -> Result<(String, Option<String>)> {
        let database = self.rules.ledger().database();
        match database.and_then(|settings| settings.get("url_env")) {
            Some(Setting::Text(name)) if std::env::var_os(name).is_none() => Ok((
                format!("the database that {name} names"),
                Some(name.clone()),
            )),
            _ => Ok((self.ledger()?.to_string(), None)),
        }
    }

    fn usual(&self) -> Result<PathBuf> {
        self.usual.as_ref().cloned().map_err(wrong)
    }

    /// What these rules keep on this host, also where their ledger is a database.
    pub(super) fn folder(&self) -> Result<PathBuf> {
        match self.ledger()? {
            Place::Directory(folder) => Ok(folder),
            Place::Database(_) => self.usual(),
        }
    }

    /// A path of the rules: relative ones begin where the rules stand.
    pub(super) fn beside(&self, path: &Path) -> PathBuf {
        self.config.parent().unwrap_or(Path::new("/")).join(path)
    }

    /// The invariants that the rules have switched off, and why.
    pub(super) fn off(&self) -> BTreeMap<String, String> {
        let off = self.rules.off();
        off.map(|(id, why)| (id.to_owned(), why.to_owned()))
            .collect()
    }

    /// Who judges: this host by these rules, or all that stand in for each other at one ledger.
    pub(super) fn instance(&self, given: Option<&str>, ledger: &Place) -> String {
        let host = rustix::system::uname();
        let usual = || match ledger {
            Place::Database(remote) => remote.instance().to_owned(),
            Place::Directory(_) => format!(
                "{}:{}",
                host.nodename().to_string_lossy(),
                self.config.display()
            ),
        };
        given.map_or_else(usual, str::to_owned)
    }

    pub(super) fn options(&self, instance: &str) -> Options {
        let policy = self.rules.policy();
        let mut options = Options::default();
        options.stale_after = policy.stale_after;
        options.interval = Some(policy.interval);
        // A cycle by hand, or of somebody else's timer, is due whenever it comes.
        options.watched = false;
        options.digest = Some(self.rules.digest().to_owned());
        options.instance = Some(instance.to_owned());
        options
    }

    pub(super) fn retention(&self) -> Retention {
        let said = self.rules.retention();
        let usual = Retention {
            episodes: said.findings,
            snapshots: 0,
            ..Retention::default()
        };
        let Some(age) = said.snapshots else {
            return usual;
        };
        let interval = self.rules.policy().interval.max(Duration::from_secs(1));
        let most = age.as_millis() / interval.as_millis() + 1;
        Retention {
            snapshots: usize::try_from(most.min(SNAPSHOTS)).unwrap_or(usize::MAX),
            snapshot_age: age,
            ..usual
        }
    }
}

/// In the home of this user, or in `RUNWARD_HOME`, with a name made of the path of the rules.
fn usual_ledger(given_path: &Path) -> Result<PathBuf> {
    let env = Environment::of_this_process();
    let user = User::of_this_process();
    let given = Places {
        home: env.os("RUNWARD_HOME").map(PathBuf::from),
        ..Places::default()
    };
    let home = places::decide(&given, &env, &user)?.home;
    // By whichever way it was named: one file of rules has one ledger.
    let config = given_path.canonicalize();
    let config =
        config.map_err(|e| Error::io("resolve", given_path, &e, "name a file of rules"))?;
    let config = config.to_string_lossy();
    Ok(home.join("canary").join(slug_of_parts(&[&*config])))
}
