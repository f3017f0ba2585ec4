use std::ffi::OsStr;
use std::path::PathBuf;

use rustix::rand::GetRandomFlags;

use crate::{Error, ErrorKind, Owner};

/// Before the name of what is being built.
pub(crate) const BUILDING: &str = ".new-";
/// Before the name of what is being removed.
pub(crate) const REMOVING: &str = ".trash-";

const LONGEST_SLUG: usize = 80;

/// A state directory, or what is left of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(crate) name: String,
    pub(crate) stage: Stage,
    /// The file that says who built it.
    pub(crate) owner: PathBuf,
}

/// How far a state directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Its build has not ended, or was interrupted.
    Building,
    /// In use, or left by a run that was killed.
    Whole,
    /// Its removal has not ended, was interrupted, or met an obstacle.
    Removing,
}

impl Entry {
    /// Its name, for [`crate::Root::remove`].
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How far it is.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// What its name keeps of the id of its run: [`Entry::label_of`] that id.
    pub fn label(&self) -> &str {
        let bare = read(self.name.as_ref()).map_or("", |(_, bare)| bare);
        bare.rsplit_once('.').map_or("", |(slug, _)| slug)
    }

    /// What names keep of a run's id; others may have the same.
    pub fn label_of(run_id: &str) -> String {
        slug(run_id)
    }

    /// Who built it, read now; none if the build was interrupted before that was written, or the removal after it was deleted.
    pub fn owner(&self) -> Option<Owner> {
        Owner::read(&self.owner)
    }
}

/// A name that no other state directory has: the run's id, this process, and chance.
pub(crate) fn fresh(run_id: &str) -> Result<String, Error> {
    if run_id.is_empty() || run_id.len() > 255 || run_id.chars().any(char::is_control) {
        let message = format!(
            "run id {run_id:?} is empty, longer than 255 bytes, or has a control character in it"
        );
        return Err(Error::new(ErrorKind::InvalidName, message));
    }
    let slug = slug(run_id);
    Ok(format!("{slug}.{}-{}", std::process::id(), chance()?))
}

fn slug(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    let slug: String = text.chars().take(LONGEST_SLUG).map(plain).collect();
    slug
}

fn chance() -> Result<String, Error> {
    let mut bytes = [0_u8; 4];
    rustix::rand::getrandom(&mut bytes[..], GetRandomFlags::empty())
        .map_err(|e| Error::io("cannot read", "random numbers".as_ref(), e))?;
    Ok(format!("{:08x}", u32::from_ne_bytes(bytes)))
}

/// The stage and the bare name, if it is one that [`fresh`] makes.
pub(crate) fn read(name: &OsStr) -> Option<(Stage, &str)> {
    let name = name.to_str()?;
    let (stage, bare) = if let Some(bare) = name.strip_prefix(BUILDING) {
        (Stage::Building, bare)
    } else if let Some(bare) = name.strip_prefix(REMOVING) {
        (Stage::Removing, bare)
    } else {
        (Stage::Whole, name)
    };
    is_ours(bare).then_some((stage, bare))
}

fn is_ours(bare: &str) -> bool {
    let parts = bare
        .rsplit_once('-')
        .and_then(|(rest, chance)| Some((rest.rsplit_once('.')?, chance)));
    let Some(((slug, pid), chance)) = parts else {
        return false;
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    !slug.is_empty()
        && slug.chars().all(plain)
        && !pid.is_empty()
        && pid.chars().all(|c| c.is_ascii_digit())
        && chance.len() == 8
        && chance.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::{BUILDING, Stage, fresh, read};

    #[test]
    fn what_is_made_is_known_again_and_nothing_else_is() {
        for id in ["build-7", "../..", "a.b/c", "é", "-"] {
            let name = fresh(id).unwrap();
            assert_eq!(read(name.as_ref()), Some((Stage::Whole, name.as_str())));
            let building = format!("{BUILDING}{name}");
            assert_eq!(
                read(building.as_ref()),
                Some((Stage::Building, name.as_str()))
            );
        }
        for foreign in [
            "home",
            ".new-",
            ".trash-x",
            "a.1-1234567",
            "..1-12345678",
            "a.x-12345678",
            "a/b.1-12345678",
        ] {
            assert_eq!(read(foreign.as_ref()), None, "{foreign}");
        }
    }

    #[test]
    fn hostile_ids_make_no_names() {
        for id in ["", "a\nb", "\0", &"x".repeat(256)] {
            assert!(fresh(id).is_err(), "{id:?}");
        }
    }
}
