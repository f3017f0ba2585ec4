use super::{Compose, Naming};
use crate::variables::expand;
use crate::{Domain, Error, ErrorKind, Variables};

/// Of a service: it is a part of host names. See the checks of Swarm's control API.
const SERVICE: usize = 63;
/// Of a secret or a config.
const OBJECT: usize = 64;

/// The names that will be made for an app, all short enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget(BudgetParts);

type BudgetParts = Vec<(String, usize)>;

impl Budget {
    /// The names: services first, then secrets and configs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// How many letters longer the longest could be; nothing if there are no names.
    pub fn spare(&self) -> Option<usize> {
        self.0.iter().map(|(name, most)| most - name.len()).min()
    }
}

pub(super) fn check(
    compose: &Compose,
    domain: &Domain,
    variables: &Variables,
) -> Result<Budget, Error> {
    let names = names(compose, domain, variables)?;
    let too_long: Vec<String> = names
        .iter()
        .filter(|(name, most)| name.len() > *most)
        .map(|(name, most)| format!("{name} has {} of at most {most}", name.len()))
        .collect();
    if too_long.is_empty() {
        return Ok(Budget(names));
    }
    let message = format!(
        "the domain {domain} makes names that are too long: {}; choose a shorter domain",
        too_long.join(", ")
    );
    Err(Error::new(ErrorKind::TooLong, message))
}

fn names(compose: &Compose, domain: &Domain, variables: &Variables) -> Result<BudgetParts, Error> {
    let stack = domain.stack();
    let mut names: BudgetParts = compose
        .services
        .iter()
        .map(|service| (format!("{stack}_{service}"), SERVICE))
        .collect();
    for (key, naming) in compose.secrets.iter().chain(&compose.configs) {
        let name = match naming {
            Naming::OfStack => format!("{stack}_{key}"),
            Naming::Key => key.clone(),
            Naming::Text(text) => filled(text, key, domain, variables)?,
        };
        names.push((name, OBJECT));
    }
    Ok(names)
}

fn filled(text: &str, key: &str, domain: &Domain, variables: &Variables) -> Result<String, Error> {
    let value = |name: &str| match name {
        "STACK_NAME" => Some(domain.stack()),
        "DOMAIN" => Some(domain.to_string()),
        _ => variables.get(name).map(str::to_owned),
    };
    expand(text, &value).map_err(|why| {
        let message = format!(
            "the name {text:?} of {key} cannot be told, as {why}; set it in the app's .env or in the recipe's abra.sh"
        );
        Error::new(ErrorKind::InvalidCompose, message)
    })
}
