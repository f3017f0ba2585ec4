use std::path::PathBuf;

use crate::Layout;

/// What a state directory is to be built of.
#[derive(Clone, Debug)]
#[must_use = "nothing is built yet"]
pub struct Request<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) run_id: String,
    pub(crate) source: Option<PathBuf>,
    pub(crate) staged: Vec<String>,
    pub(crate) files: Vec<(String, Vec<u8>)>,
    pub(crate) app: Option<App>,
    pub(crate) flags: Vec<String>,
}

impl<'a> Request<'a> {
    /// A state directory for a run. Two of one run id are two directories.
    pub fn new(layout: &'a Layout, run_id: impl Into<String>) -> Self {
        Self {
            layout,
            run_id: run_id.into(),
            source: None,
            staged: Vec::new(),
            files: Vec::new(),
            app: None,
            flags: Vec::new(),
        }
    }

    /// The canonical directory, of which links and copies are made. It may be missing: then there is nothing to share.
    pub fn source(mut self, directory: impl Into<PathBuf>) -> Self {
        self.source = Some(directory.into());
        self
    }

    /// Copies a path of the canonical directory into one that is [`Share::Own`](crate::Share::Own): `recipes/immich`, where fetching is
    /// off. It has to be there.
    pub fn stage(mut self, path: impl Into<String>) -> Self {
        self.staged.push(path.into());
        self
    }

    /// Writes a file into a path that is [`Share::Own`](crate::Share::Own).
    pub fn file(mut self, path: impl Into<String>, contents: impl Into<Vec<u8>>) -> Self {
        self.files.push((path.into(), contents.into()));
        self
    }

    /// The app that the run is about: the one that it sees.
    pub fn app(mut self, app: App) -> Self {
        self.app = Some(app);
        self
    }

    /// Has the words of a flag of the layout in [`Environment::arguments`](crate::Environment::arguments).
    pub fn flag(mut self, name: impl Into<String>) -> Self {
        self.flags.push(name.into());
        self
    }
}

/// The app that a run is about, as its tool knows it.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) server: String,
    pub(crate) domain: String,
    pub(crate) settings: Settings,
}

#[derive(Clone, Debug)]
pub(crate) enum Settings {
    Fresh(Vec<u8>),
    Existing,
    Later,
}

impl App {
    /// One that this run makes, with these settings. Refused if the canonical directory has one of that name.
    pub fn fresh(
        server: impl Into<String>,
        domain: impl Into<String>,
        settings: impl Into<Vec<u8>>,
    ) -> Self {
        Self::with(server, domain, Settings::Fresh(settings.into()))
    }

    /// One whose settings the tool will write (`abra app new`). Refused if the canonical directory has one of that name.
    pub fn later(server: impl Into<String>, domain: impl Into<String>) -> Self {
        Self::with(server, domain, Settings::Later)
    }

    /// One that the canonical directory has: its settings are copied, or reached through a link.
    pub fn existing(server: impl Into<String>, domain: impl Into<String>) -> Self {
        Self::with(server, domain, Settings::Existing)
    }

    fn with(server: impl Into<String>, domain: impl Into<String>, settings: Settings) -> Self {
        Self {
            server: server.into(),
            domain: domain.into(),
            settings,
        }
    }
}
