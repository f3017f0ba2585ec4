use std::fmt;

use serde::Deserialize;

use crate::{Error, ErrorKind};

/// A version of the engine's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32, u32);

/// Tells tasks of the present generation from others, and knows jobs.
const OLDEST: Version = Version(1, 41);
/// What this crate was written against; a newer engine is asked in this one.
const NEWEST: Version = Version(1, 52);

#[derive(Deserialize)]
pub(super) struct Offer {
    #[serde(rename = "ApiVersion")]
    newest: String,
    #[serde(rename = "MinAPIVersion", default)]
    oldest: String,
}

impl Version {
    /// Before it was agreed on: paths without a version.
    pub(super) const UNKNOWN: Self = Self(0, 0);

    fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

/// The newest that both know; an engine that has forgotten ours is asked in its oldest.
pub(super) fn agree(offer: Offer) -> Result<Version, Error> {
    let newest = Version::parse(&offer.newest)
        .ok_or_else(|| Error::garbled("GET /version", format!("ApiVersion {:?}", offer.newest)))?;
    let oldest = Version::parse(&offer.oldest).unwrap_or(OLDEST);
    if newest < OLDEST {
        let message = format!(
            "use the engine: it speaks version {} of its interface, and {}.{} is needed; update it to 20.10 or newer",
            offer.newest, OLDEST.0, OLDEST.1
        );
        return Err(Error::new(ErrorKind::TooOld, message));
    }
    Ok(newest.min(NEWEST).max(oldest))
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UNKNOWN => Ok(()),
            Self(major, minor) => write!(f, "/v{major}.{minor}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agreed(newest: &str, oldest: &str) -> Result<Version, ErrorKind> {
        let offer = Offer {
            newest: newest.into(),
            oldest: oldest.into(),
        };
        agree(offer).map_err(|error| error.kind())
    }

    #[test]
    fn the_newest_that_both_know_is_spoken() {
        assert_eq!(agreed("1.41", "1.12"), Ok(Version(1, 41)));
        assert_eq!(agreed("1.60", "1.44"), Ok(Version(1, 52)));
        assert_eq!(agreed("1.99", "1.70"), Ok(Version(1, 70)));
    }

    #[test]
    fn an_engine_too_old_or_none_at_all_is_refused() {
        assert_eq!(agreed("1.40", "1.12"), Err(ErrorKind::TooOld));
        assert_eq!(agreed("x", ""), Err(ErrorKind::Garbled));
    }
}
