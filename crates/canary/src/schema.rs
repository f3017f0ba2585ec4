use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The number that stands first in each file of ours. There is one yet; a file with another is refused, not guessed at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Schema;

const SCHEMA: u64 = 1;

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(SCHEMA)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            SCHEMA => Ok(Self),
            other => Err(D::Error::custom(format_args!(
                "schema {other} is not known here, only {SCHEMA}"
            ))),
        }
    }
}
