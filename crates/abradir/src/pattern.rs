use crate::nearest::suggestion;
use crate::{Domain, Error, ErrorKind};

/// How the apps of runs are named: text with fields, such as `{recipe:4}-{hex:6}.{zone}`.
///
/// `{name}` is the value of that field, `{name:4}` its first four letters. `{hex:6}` is six hexadecimal digits of a digest of the key
/// and of all fields: the same run gets the same name again, and another one another.
///
/// ```
/// use runward_abradir::Pattern;
/// let fields = [("recipe", "custom-html"), ("zone", "ci.example.org")];
/// let domain = Pattern::short().name(&fields, "repository, pull request 7")?;
/// assert_eq!(domain.as_str(), "cust-c46e9d.ci.example.org");
/// assert_eq!(domain.stack(), "cust-c46e9d_ci_example_org");
/// # Ok::<(), runward_abradir::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(String, Option<usize>),
    Hex(usize),
}

const MOST_HEX: usize = 16;

impl Pattern {
    /// `{recipe:4}-{hex:6}.{zone}`, which leaves most of the 63 letters to the services.
    pub fn short() -> Self {
        Self(vec![
            Part::Field("recipe".into(), Some(4)),
            Part::Text("-".into()),
            Part::Hex(6),
            Part::Text(".".into()),
            Part::Field("zone".into(), None),
        ])
    }

    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidName`] if a brace is not closed, or a number is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |why: &str| {
            let message =
                format!("pattern {text:?} {why}; write it like {{recipe:4}}-{{hex:6}}.{{zone}}");
            Error::new(ErrorKind::InvalidName, message)
        };
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((plain, after)) = rest.split_once('{') {
            let (field, after) = after
                .split_once('}')
                .ok_or_else(|| refused("has a brace without end"))?;
            parts.push(Part::Text(plain.to_owned()));
            parts.push(part(field).map_err(refused)?);
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self(parts))
    }

    /// The name of the app of a run. Letters of a field that a domain cannot have become hyphens; those of `zone` have to be right.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidName`] if a field is missing, or what comes out is no domain.
    pub fn name(&self, fields: &[(&str, &str)], key: &str) -> Result<Domain, Error> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Hex(count) => text.push_str(&digest(fields, key)[..*count]),
                Part::Field(name, most) => text.push_str(&field(name, *most, fields)?),
            }
        }
        Domain::parse(&text)
    }
}

fn part(field: &str) -> Result<Part, &'static str> {
    let (name, count) = match field.split_once(':') {
        Some((name, count)) => (name, Some(count)),
        None => (field, None),
    };
    let count = count.map(|count| count.parse().ok().filter(|count| *count > 0));
    match (name, count) {
        (_, Some(None)) => Err("has a length that is no number above zero"),
        ("", _) => Err("has a field without a name"),
        ("hex", None) => Ok(Part::Hex(6)),
        ("hex", Some(Some(count))) if count > MOST_HEX => Err("has more than 16 digits of hex"),
        ("hex", Some(Some(count))) => Ok(Part::Hex(count)),
        (name, count) => Ok(Part::Field(name.to_owned(), count.flatten())),
    }
}

fn field(name: &str, most: Option<usize>, fields: &[(&str, &str)]) -> Result<String, Error> {
    let Some((_, value)) = fields.iter().find(|(known, _)| *known == name) else {
        let known: Vec<&str> = fields.iter().map(|(known, _)| *known).collect();
        let message = format!(
            "no value for the field {{{name}}}; {}",
            suggestion(name, &known)
        );
        return Err(Error::new(ErrorKind::InvalidName, message));
    };
    if name == "zone" {
        return Ok((*value).to_owned());
    }
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let most = most.unwrap_or(usize::MAX);
    Ok(value
        .trim_start_matches(|c: char| !c.is_ascii_alphanumeric())
        .chars()
        .take(most)
        .map(plain)
        .collect())
}

/// FNV-1a of 64 bits, mixed once more. It keeps names apart and no secrets: a few digits of it could be met on purpose, whatever it was.
fn digest(fields: &[(&str, &str)], key: &str) -> String {
    let texts = fields.iter().flat_map(|(name, value)| [*name, *value]);
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for text in texts.chain([key]) {
        // No byte of a text is 0xff, so it ends one.
        for byte in text.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    format!("{:016x}", hash ^ (hash >> 33))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::Pattern;
    use crate::Domain;

    const FIELDS: [(&str, &str); 2] = [("recipe", "custom_html"), ("zone", "ci.example.org")];

    #[test]
    fn the_short_pattern_is_the_one_that_is_written() {
        let written = Pattern::parse("{recipe:4}-{hex:6}.{zone}").unwrap();
        let name = Pattern::short().name(&FIELDS, "repo#7").unwrap();
        assert_eq!(written.name(&FIELDS, "repo#7").unwrap(), name);
        assert_eq!(name.as_str(), "cust-749bf3.ci.example.org");
    }

    #[test]
    fn another_key_or_field_is_another_name() {
        let pattern = Pattern::short();
        let names = (0..500).map(|n| pattern.name(&FIELDS, &n.to_string()).unwrap());
        assert_eq!(names.collect::<HashSet<Domain>>().len(), 500);
        let other = [("recipe", "custom_php"), FIELDS[1]];
        assert_ne!(
            pattern.name(&FIELDS, "7").unwrap(),
            pattern.name(&other, "7").unwrap()
        );
    }

    #[test]
    fn what_is_hostile_in_a_field_does_not_get_through() {
        let pattern = Pattern::parse("{branch:8}-x.{zone}").unwrap();
        let name = |branch| {
            pattern
                .name(&[("branch", branch), FIELDS[1]], "")
                .map(|d| d.to_string())
        };
        assert_eq!(name("Feat/../é").unwrap(), "feat-----x.ci.example.org");
        assert_eq!(name("../a_b").unwrap(), "a-b-x.ci.example.org");
        assert!(name("///").is_err());
        assert!(
            pattern
                .name(&[("branch", "a"), ("zone", "a_b")], "")
                .is_err()
        );
    }

    #[test]
    fn what_is_wrong_with_a_pattern_is_said() {
        for text in ["{recipe", "{recipe:x}", "{recipe:0}", "{}", "{hex:17}"] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        let error = Pattern::parse("{reciep}")
            .unwrap()
            .name(&FIELDS, "")
            .unwrap_err();
        assert!(
            error.to_string().contains("did you mean \"recipe\"?"),
            "{error}"
        );
    }
}
