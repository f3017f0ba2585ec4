//! What the tests sweep: directories with three parts, each of which goes in a step of its own. Every step writes down whether it found
//! its part, and whether an earlier part was still there, which would be out of order.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use runward_janitor::{Fault, FaultKind, Found, Mark, Permit, Progress, Protect, Step, Sweep};
use runward_lock::Name;

pub(crate) const PARTS: [&str; 3] = ["services", "tasks", "networks"];

pub(crate) struct Things {
    root: PathBuf,
}

impl Things {
    pub(crate) fn of(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    fn all(&self) -> PathBuf {
        self.root.join("things")
    }

    /// Makes one, with the mark of ownership unless it is told otherwise.
    pub(crate) fn make(&self, name: &str) {
        let dir = self.all().join(name);
        fs::create_dir_all(&dir).unwrap();
        for part in PARTS.iter().chain([&"ours"]) {
            fs::write(dir.join(part), b"").unwrap();
        }
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.all().join(name).exists()
    }

    pub(crate) fn file(&self, name: &str, file: &str) -> PathBuf {
        self.all().join(name).join(file)
    }

    /// The lines of the steps that were taken: name, step, `did` or `already`, `late` if an earlier part was still there.
    pub(crate) fn steps_taken(&self) -> Vec<String> {
        let text = fs::read_to_string(self.root.join("steps")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn note(&self, line: &str) {
        let mut file = fs::File::options()
            .append(true)
            .create(true)
            .open(self.root.join("steps"))
            .unwrap();
        // In one write: two janitors note at the same time.
        file.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    fn told(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.root.join(file)).ok()
    }

    fn found(&self, id: &str) -> Found {
        let owner = Name::slug(id.split(',').next().unwrap());
        let mark = if self.file(id, "ours").exists() {
            Mark::Ours
        } else {
            Mark::Missing("no file `ours`".into())
        };
        let found = Found::new(owner, id, mark);
        if self.file(id, "protected").exists() {
            return found.protected(Protect::always("the test"));
        }
        found
    }
}

impl Sweep for Things {
    fn kind(&self) -> &str {
        "thing"
    }

    fn discover(&self) -> Result<Vec<Found>, Fault> {
        if let Some(words) = self.told("unreachable") {
            return Err(Fault::new(FaultKind::Unreachable, words));
        }
        let entries = fs::read_dir(self.all()).into_iter().flatten();
        let name = |entry: fs::DirEntry| entry.file_name().into_string().unwrap();
        Ok(entries.map(|e| self.found(&name(e.unwrap()))).collect())
    }

    fn steps(&self, _: &Found) -> Vec<Step> {
        PARTS.iter().map(|part| Step::new(*part)).collect()
    }

    /// It asks no permit: that of each step is the janitor's to ask.
    fn reap(&self, found: &Found, step: &Step, _: &Permit<'_>) -> Result<Progress, Fault> {
        let place = PARTS
            .iter()
            .position(|part| *part == step.as_str())
            .unwrap();
        let earlier = &PARTS[..place];
        let late = earlier
            .iter()
            .any(|part| self.file(found.id(), part).exists());
        let refuses = self.file(found.id(), &format!("refuse-{step}"));
        if let Ok(words) = fs::read_to_string(&refuses) {
            self.note(&format!("{} {step} refused", found.id()));
            return match words.strip_prefix("again ") {
                Some(why) => Ok(Progress::Again(why.to_owned())),
                None => Err(Fault::new(FaultKind::Refused, words)),
            };
        }
        let did = fs::remove_file(self.file(found.id(), step.as_str())).is_ok();
        if step.as_str() == "networks" {
            let _ = fs::remove_dir_all(self.all().join(found.id()));
        }
        let (did, late) = (
            if did { "did" } else { "already" },
            if late { " late" } else { "" },
        );
        self.note(&format!("{} {step} {did}{late}", found.id()));
        if let Some(after) = self.told("appears-after-networks") {
            if step.as_str() == "networks"
                && fs::remove_file(self.root.join("appears-after-networks")).is_ok()
            {
                self.make(after.trim());
            }
        }
        Ok(Progress::Done)
    }
}
