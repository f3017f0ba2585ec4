//! The steps of a build. Up to the last one, the rename, nobody sees anything of it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;
use rustix::io::Errno;

use crate::copy::Copier;
use crate::entry::{self, BUILDING};
use crate::plan::Plan;
use crate::relative::Relative;
use crate::root::{OWNER, PIN, Root, TREE, remove_entry};
use crate::state::Parts;
use crate::{Environment, Error, ErrorKind, Owner, Pin, Request, Share, StateDir, dirs, pin, sync};

/// A state directory that is decided, and of which nothing has been made: where it will be can be told to what is started with it
/// later.
#[must_use = "nothing is built yet"]
pub struct Prepared<'a> {
    root: &'a Root,
    plan: Plan<'a>,
    request: &'a Request<'a>,
    name: String,
    environment: Environment,
}

impl<'a> Prepared<'a> {
    pub(crate) fn new(root: &'a Root, request: &'a Request<'a>) -> Result<Self, Error> {
        let plan = Plan::new(request, root.path())?;
        let name = entry::fresh(&request.run_id)?;
        let tree = root.path().join(&name).join(TREE);
        Ok(Self {
            environment: Environment::new(request.layout, &tree, &request.flags)?,
            root,
            plan,
            request,
            name,
        })
    }

    /// The name that it will have among the others in [`Root::list`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory that the tool will see.
    pub fn path(&self) -> PathBuf {
        self.root.path().join(&self.name).join(TREE)
    }

    /// What every command of the run is to be started with.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Builds it: under a name that nobody looks at, then renamed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::StorageFull`](crate::ErrorKind::StorageFull) and others; what had been made is removed.
    pub fn build(self) -> Result<StateDir, Error> {
        let (tree, building) = (self.path(), format!("{BUILDING}{}", self.name));
        let builder = Builder {
            root: self.root,
            plan: self.plan,
            request: self.request,
            path: self.root.path().join(&building),
        };
        let (left_out, pin) = builder.whole(&building, &self.name).inspect_err(|_| {
            // What cannot be removed either stays a leftover.
            let _ = remove_entry(&self.root.0, &building);
        })?;
        Ok(StateDir::new(Parts {
            root: self.root.0.clone(),
            tree,
            name: self.name,
            environment: self.environment,
            left_out,
            pin,
            layout: self.request.layout.clone(),
        }))
    }
}

struct Builder<'a> {
    root: &'a Root,
    plan: Plan<'a>,
    request: &'a Request<'a>,
    /// Where it is built.
    path: PathBuf,
}

impl Builder<'_> {
    fn whole(&self, building: &str, name: &str) -> Result<(Vec<PathBuf>, Option<Pin>), Error> {
        let root = &self.root.0.fd;
        let top = dirs::make(root, building.as_ref(), dirs::PRIVATE_DIR)
            .map_err(|e| self.failed("", e))?;
        sync::point("made");
        let owner = Owner::this(&self.request.run_id).to_text();
        dirs::write(&top, OWNER.as_ref(), owner.as_bytes()).map_err(|e| self.failed(OWNER, e))?;
        sync::point("owned");
        let tree =
            dirs::make(&top, TREE.as_ref(), dirs::PRIVATE_DIR).map_err(|e| self.failed(TREE, e))?;
        let left_out = self.fill(&tree)?;
        let pin = self.pin(&top, name)?;
        sync::point("filled");
        rustix::fs::renameat(root, building, root, name)
            .map_err(|e| Error::io("cannot rename into place", &self.path, e))?;
        sync::point("whole");
        Ok((left_out, pin))
    }

    fn failed(&self, below: &str, errno: Errno) -> Error {
        Error::io("cannot make", &self.path.join(below), errno)
    }

    fn failed_in_tree(&self, path: &Relative, errno: Errno) -> Error {
        Error::io(
            "cannot make",
            &self.path.join(TREE).join(path.as_path()),
            errno,
        )
    }

    fn fill(&self, tree: &OwnedFd) -> Result<Vec<PathBuf>, Error> {
        let mut copier = Copier::new();
        for (path, share) in &self.plan.paths {
            sync::point("path");
            match share {
                Share::Own => drop(self.ensure(tree, path)?),
                Share::Link => self.link(tree, path, &mut copier)?,
                Share::Copy => self.copy(tree, path, &mut copier)?,
                Share::Absent => {}
            }
        }
        if let Some((path, Share::Own)) = &self.plan.app {
            // A tool that writes it later expects its server to be there.
            drop(self.above(tree, path)?);
        }
        for path in &self.plan.staged {
            self.stage(tree, path, &mut copier)?;
        }
        for (path, contents) in &self.plan.files {
            sync::point("file");
            let (above, name) = self.above(tree, path)?;
            dirs::write(above, name, contents).map_err(|e| self.failed_in_tree(path, e))?;
        }
        Ok(copier.left_out)
    }

    fn ensure(&self, tree: &OwnedFd, path: &Relative) -> Result<OwnedFd, Error> {
        dirs::ensure(tree, path.names()).map_err(|e| self.failed_in_tree(path, e))
    }

    /// The directory in which a path is made, and its name there.
    fn above<'p>(&self, tree: &OwnedFd, path: &'p Relative) -> Result<(OwnedFd, &'p Path), Error> {
        let mut names: Vec<&Path> = path.names().collect();
        let name = names.pop().unwrap_or(path.as_path());
        let above = dirs::ensure(tree, names.into_iter());
        Ok((above.map_err(|e| self.failed_in_tree(path, e))?, name))
    }

    fn link(&self, tree: &OwnedFd, path: &Relative, copier: &mut Copier) -> Result<(), Error> {
        let target = self.plan.source.shown(path);
        if !self.plan.source.has(path)? {
            copier.left_out.push(target);
            return Ok(());
        }
        let (above, name) = self.above(tree, path)?;
        rustix::fs::symlinkat(&target, above, name).map_err(|e| self.failed_in_tree(path, e))
    }

    fn copy(&self, tree: &OwnedFd, path: &Relative, copier: &mut Copier) -> Result<(), Error> {
        let shown = self.plan.source.shown(path);
        let Some(found) = self.plan.source.get(path)? else {
            copier.left_out.push(shown);
            return Ok(());
        };
        let (above, name) = self.above(tree, path)?;
        copier.copy(found, &shown, above, name)
    }

    fn stage(&self, tree: &OwnedFd, path: &Relative, copier: &mut Copier) -> Result<(), Error> {
        let Some(found) = self.plan.source.get(path)? else {
            return Err(self.plan.source.missing(path));
        };
        let (above, name) = self.above(tree, path)?;
        // It may be a path that is made already, such as that of all recipes.
        match rustix::fs::unlinkat(&above, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(e) => return Err(self.failed_in_tree(path, e)),
        }
        copier.copy(found, &self.plan.source.shown(path), above, name)
    }

    /// The pin of the app's settings, written down where they lie outside.
    fn pin(&self, top: impl AsFd, name: &str) -> Result<Option<Pin>, Error> {
        let key = self
            .request
            .layout
            .app
            .as_ref()
            .and_then(|app| app.pin.as_deref());
        let (Some(key), Some((path, share))) = (key, &self.plan.app) else {
            return Ok(None);
        };
        if *share != Share::Link {
            let built = self.path.join(TREE).join(path.as_path());
            let whole = self.root.path().join(name).join(TREE);
            let pin = taken(built, key)?;
            return Ok(pin.map(|pin| pin.moved_to(whole.join(path.as_path()))));
        }
        let pin = taken(self.plan.source.shown(path), key)?;
        if let Some(pin) = &pin {
            dirs::write(top, PIN.as_ref(), pin::to_text(pin).as_bytes())
                .map_err(|e| self.failed(PIN, e))?;
        }
        Ok(pin)
    }
}

/// None where the tool writes the settings later.
fn taken(path: PathBuf, key: &str) -> Result<Option<Pin>, Error> {
    match Pin::take(path, key) {
        Err(e) if e.kind() == ErrorKind::Missing => Ok(None),
        taken => taken.map(Some),
    }
}
