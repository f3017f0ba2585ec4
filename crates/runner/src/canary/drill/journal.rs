//! What a drill that is killed leaves behind, written down before it can: the revert that is owed, and the draft of a bundle.
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runward_canary::rules::Drill;
use serde::{Deserialize, Serialize};

use super::super::{clock, wrong};
use super::command::{self, Ran, Signalled};
use super::signals::Signals;
use crate::error::{Error, Kind, Result};
use crate::terminal::{printable, say};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    schema: u32,
    owed: Option<Owed>,
    draft: Option<PathBuf>,
}

/// The revert of a drill that has begun to break something. As the rules had it then: they may be others by now.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Owed {
    pub(super) drill: String,
    pub(super) revert: Vec<String>,
    pub(super) since: String,
    folder: PathBuf,
    limit_secs: u64,
}

/// The file of a directory that is this user's alone; one drill at a time writes it.
pub(super) struct Journal {
    path: PathBuf,
    entry: Entry,
}

impl Journal {
    pub(super) fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("drill.json");
        let entry = match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|e| unreadable(&path, &e))?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Entry {
                schema: 1,
                owed: None,
                draft: None,
            },
            Err(e) => return Err(unreadable(&path, &e)),
        };
        Ok(Self { path, entry })
    }

    pub(super) fn owed(&self) -> Option<&Owed> {
        self.entry.owed.as_ref()
    }

    /// From here on the revert is owed.
    pub(super) fn arm(&mut self, drill: &Drill, folder: &Path) -> Result<()> {
        self.entry.owed = Some(Owed {
            drill: drill.name.clone(),
            revert: drill.revert.clone(),
            since: clock::now().to_string(),
            folder: folder.to_owned(),
            limit_secs: drill.limit.as_secs().max(1),
        });
        self.save()
    }

    /// What was owed is done.
    pub(super) fn disarm(&mut self) -> Result<()> {
        self.entry.owed = None;
        self.save()
    }

    /// A bundle grows there; or does no more.
    pub(super) fn draft(&mut self, draft: Option<&Path>) -> Result<()> {
        self.entry.draft = draft.map(Path::to_owned);
        self.save()
    }

    fn save(&self) -> Result<()> {
        if self.entry.owed.is_none() && self.entry.draft.is_none() {
            return match fs::remove_file(&self.path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(wrong(e)),
                _ => Ok(()),
            };
        }
        let text = serde_json::to_string(&self.entry).map_err(wrong)?;
        runward_canary::keep(&self.path, &text).map_err(wrong)
    }

    /// Does what one that was killed has left to do, before anything else is broken.
    pub(super) fn settle(&mut self, signals: &mut Signals) -> Result<()> {
        if let Some(draft) = self.entry.draft.take() {
            let _ = fs::remove_dir_all(&draft);
            self.save()?;
        }
        let Some(owed) = self.entry.owed.clone() else {
            return Ok(());
        };
        say(printable(&format!(
            "drill {}: it was ended between provoke and revert, at {}; reverting now: {}",
            owed.drill,
            owed.since,
            owed.revert.join(" ")
        )));
        let ran = owed.run(signals);
        if !ran.succeeded() {
            return Err(self.still_owed(&owed, &ran));
        }
        say(printable(&format!("drill {}: reverted", owed.drill)));
        self.disarm()
    }

    fn still_owed(&self, owed: &Owed, ran: &Ran) -> Error {
        let message = format!(
            "the revert of drill {} is still owed: {} ({}) {}; mend it by hand, then remove {}",
            owed.drill,
            owed.revert.join(" "),
            ran.ended,
            ran.said,
            self.path.display()
        );
        Error::new(Kind::System, message)
    }
}

impl Owed {
    fn run(&self, signals: &mut Signals) -> Ran {
        let patience = Duration::from_secs(self.limit_secs);
        command::run(
            &self.revert,
            &self.folder,
            patience,
            Signalled::GoesOn,
            signals,
        )
    }
}

fn unreadable(path: &Path, e: &dyn std::fmt::Display) -> Error {
    Error::place(format!(
        "cannot read {}: {e}; it says which revert a drill that was killed owes: mend that by hand, then remove it",
        path.display()
    ))
}
