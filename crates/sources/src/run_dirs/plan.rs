use runward_canary::{Ask, Error};
use rustix::fd::{AsFd as _, BorrowedFd, OwnedFd};

use super::says::Says;
use crate::facet::{Facet, Shape};
use crate::local::once;
use crate::options::Options;

const SETTINGS: &[&str] = &["has", "held", "says", "suffix"];
const FIXED: &[&str] = &["name", "modified", "held", "boot"];

/// What a facet asks of the directory.
pub(super) struct Plan {
    pub(super) facet: Facet,
    /// Files that end so, instead of directories.
    pub(super) suffix: Option<String>,
    /// Only those that somebody has, or nobody.
    held: Option<bool>,
    pub(super) has: Vec<String>,
    pub(super) says: Vec<Says>,
}

/// The columns of `has` and `says` are fields of their own.
pub(super) fn plan(ask: &Ask) -> Result<Plan, Error> {
    let shape = Shape {
        settings: SETTINGS,
        id: Some("name"),
        born: Some("modified"),
        ..Shape::default()
    };
    let (mut facet, options) = Facet::of(ask, &shape)?;
    let (has, says) = (options.map("has")?, options.map("says")?);
    let own = has.iter().chain(&says).map(|(column, _)| *column);
    facet.fields = FIXED
        .iter()
        .copied()
        .chain(own)
        .map(str::to_owned)
        .collect();
    facet.check_names(&options)?;
    once(&facet, &options)?;
    let plan = Plan {
        suffix: options.text("suffix")?.map(str::to_owned),
        held: options
            .get("held")
            .map(|_| options.bool("held"))
            .transpose()?,
        has: has.iter().map(|(_, path)| (*path).to_owned()).collect(),
        says: says.iter().map(|(_, where_)| Says::parse(where_)).collect(),
        facet,
    };
    plan.check(&options)?;
    Ok(plan)
}

impl Plan {
    fn check(&self, options: &Options<'_>) -> Result<(), Error> {
        let files = self.suffix.is_some();
        if self
            .suffix
            .as_ref()
            .is_some_and(|suffix| suffix.is_empty() || suffix.contains('/'))
        {
            return Err(options.refuse_at(
                "suffix",
                "`suffix` is how the names of files end, such as \".journal\"",
            ));
        }
        if files && !self.has.is_empty() {
            return Err(options.refuse_at(
                "has",
                "`has` looks inside of directories, and files have no inside",
            ));
        }
        if !files && self.asks_who() {
            return Err(options.refuse_at(
                "held",
                "`held` is about files that are locked; say by `suffix` which",
            ));
        }
        let inside = self.says.iter().map(|said| &said.file).filter(|_| !files);
        if let Some(path) = self.has.iter().chain(inside).find(|path| !is_inside(path)) {
            return Err(options.refuse(format!(
                "`has` and `says` look inside of each directory; `{path}` leads out of it"
            )));
        }
        match self.says.iter().find(|said| said.key.is_empty() || files != said.file.is_empty()) {
            None => Ok(()),
            Some(said) => Err(options.refuse(format!(
                "`says` names what is read as \"FILE#KEY\", and of a file itself as \"#KEY\"; this is `{}#{}`",
                said.file, said.key
            ))),
        }
    }

    /// Whether it matters who has a file.
    pub(super) fn asks_who(&self) -> bool {
        self.held.is_some() || self.facet.wants("held")
    }

    pub(super) fn takes(&self, held: Option<bool>) -> bool {
        self.held.is_none_or(|wanted| held == Some(wanted))
    }

    /// The name without the suffix; none for one without it.
    pub(super) fn stem<'n>(&self, name: &'n [u8]) -> Option<&'n [u8]> {
        match &self.suffix {
            None => Some(name),
            Some(suffix) => name
                .strip_suffix(suffix.as_bytes())
                .filter(|stem| !stem.is_empty()),
        }
    }

    /// Below what the files lie that say something.
    pub(super) fn base<'f>(&self, folder: &'f OwnedFd, inner: &'f OwnedFd) -> BorrowedFd<'f> {
        match self.suffix {
            Some(_) => folder.as_fd(),
            None => inner.as_fd(),
        }
    }
}

fn is_inside(path: &str) -> bool {
    !path.is_empty() && !path.starts_with('/') && !path.split('/').any(|part| part == "..")
}
