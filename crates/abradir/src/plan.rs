//! A request checked against its layout and the canonical directory, before anything is made.

use std::collections::BTreeSet;
use std::mem;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::Shown;
use crate::relative::Relative;
use crate::request::{App, Settings};
use crate::{Error, ErrorKind, Layout, Request, Share, dirs, place};

/// What to make, in this order.
pub(crate) struct Plan<'a> {
    pub(crate) source: Source,
    pub(crate) paths: Vec<(&'a Relative, Share)>,
    pub(crate) staged: Vec<Relative>,
    pub(crate) files: Vec<(Relative, &'a [u8])>,
    /// The file with the settings of the app, and whether it lies in the canonical directory.
    pub(crate) app: Option<(Relative, Share)>,
}

/// The canonical directory, if there is one.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    fd: Option<OwnedFd>,
}

impl Source {
    fn open(path: Option<&Path>, root: &Path) -> Result<Self, Error> {
        let Some(path) = path else {
            let path = PathBuf::new();
            return Ok(Self { path, fd: None });
        };
        let real = place::resolved(path);
        if place::resolved(root).starts_with(&real) {
            let message = format!(
                "state directories in {} would lie in the canonical directory {}; name another place",
                Shown(root),
                Shown(path)
            );
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = match rustix::fs::open(&real, flags, Mode::empty()) {
            Ok(fd) => Some(fd),
            Err(Errno::NOENT) => None,
            Err(e) => return Err(Error::io("cannot open the canonical directory", path, e)),
        };
        Ok(Self { path: real, fd })
    }

    /// Opens what a path of it leads to: links in it are its owner's affair.
    pub(crate) fn get(&self, path: &Relative) -> Result<Option<OwnedFd>, Error> {
        let Some(fd) = &self.fd else { return Ok(None) };
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match rustix::fs::openat(fd, path.as_path(), flags, Mode::empty()) {
            Ok(found) => Ok(Some(found)),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => Err(Error::io("cannot open", &self.shown(path), e)),
        }
    }

    pub(crate) fn has(&self, path: &Relative) -> Result<bool, Error> {
        let Some(fd) = &self.fd else { return Ok(false) };
        dirs::exists(fd, path.as_path())
            .map_err(|e| Error::io("cannot look at", &self.shown(path), e))
    }

    pub(crate) fn shown(&self, path: &Relative) -> PathBuf {
        self.path.join(path.as_path())
    }

    fn need(&self, path: &Relative) -> Result<(), Error> {
        match self.has(path)? {
            true => Ok(()),
            false => Err(self.missing(path)),
        }
    }

    pub(crate) fn missing(&self, path: &Relative) -> Error {
        let message = format!(
            "there is no {} in the canonical directory {}; fetch it there first",
            Shown(path.as_path()),
            Shown(&self.path)
        );
        Error::new(ErrorKind::Missing, message)
    }
}

impl<'a> Plan<'a> {
    pub(crate) fn new(request: &'a Request<'_>, root: &Path) -> Result<Self, Error> {
        let layout = request.layout;
        let mut plan = Self {
            source: Source::open(request.source.as_deref(), root)?,
            paths: layout
                .paths
                .iter()
                .map(|(path, share)| (path, *share))
                .collect(),
            staged: Vec::new(),
            files: Vec::new(),
            app: None,
        };
        for text in &request.staged {
            let path = owned(layout, text)?;
            plan.source.need(&path)?;
            plan.staged.push(path);
        }
        for (text, contents) in &request.files {
            plan.files.push((owned(layout, text)?, contents));
        }
        if let Some(app) = &request.app {
            plan.add_app(layout, app)?;
        }
        plan.stage_each_once();
        Ok(plan)
    }

    /// What lies in something that is staged comes with it.
    fn stage_each_once(&mut self) {
        let all = mem::take(&mut self.staged)
            .into_iter()
            .collect::<BTreeSet<_>>();
        let covered = |path: &&Relative| path.and_above().skip(1).any(|above| all.contains(above));
        self.staged = all.iter().filter(|path| !covered(path)).cloned().collect();
    }

    fn add_app(&mut self, layout: &Layout, app: &'a App) -> Result<(), Error> {
        let path = app_file(layout, app)?;
        let share = layout.share_of(&path).unwrap_or(Share::Absent);
        match (&app.settings, share) {
            (Settings::Existing, Share::Own) => {
                self.source.need(&path)?;
                self.staged.push(path.clone());
            }
            (Settings::Existing, _) => self.source.need(&path)?,
            (Settings::Fresh(settings), Share::Own) => {
                self.must_be_free(&path)?;
                self.files.push((path.clone(), settings));
            }
            (Settings::Later, _) => self.must_be_free(&path)?,
            (Settings::Fresh(_), _) => return Err(not_own(layout, &path)),
        }
        self.app = Some((path, share));
        Ok(())
    }

    fn must_be_free(&self, path: &Relative) -> Result<(), Error> {
        if !self.source.has(path)? {
            return Ok(());
        }
        let message = format!(
            "the canonical directory has {} already, so that app is somebody else's; choose another name, or say that it exists",
            Shown(&self.source.shown(path))
        );
        Err(Error::new(ErrorKind::Taken, message))
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}

fn relative(text: &str) -> Result<Relative, Error> {
    Relative::parse(text).map_err(|why| invalid(format!("path {text:?} {why}")))
}

/// A path into which the run may have things put.
fn owned(layout: &Layout, text: &str) -> Result<Relative, Error> {
    let path = relative(text)?;
    match layout.share_of(&path) {
        Some(Share::Own) => Ok(path),
        _ => Err(not_own(layout, &path)),
    }
}

fn not_own(layout: &Layout, path: &Relative) -> Error {
    let own = layout.paths().filter(|(_, share)| *share == Share::Own);
    let own: Vec<String> = own.map(|(path, _)| path.display().to_string()).collect();
    invalid(format!(
        "nothing is put at {}, which the layout of {} does not make the run's own; its own are {}",
        Shown(path.as_path()),
        layout.tool,
        own.join(", ")
    ))
}

fn app_file(layout: &Layout, app: &App) -> Result<Relative, Error> {
    let Some(file) = &layout.app else {
        return Err(invalid(format!(
            "the layout of {} knows of no apps; it has no section [app]",
            layout.tool
        )));
    };
    for (what, text) in [("server", &app.server), ("domain", &app.domain)] {
        Relative::name(text).map_err(|why| invalid(format!("{what} {text:?} {why}")))?;
    }
    relative(
        &file
            .template
            .replace("{server}", &app.server)
            .replace("{domain}", &app.domain),
    )
}
