use std::collections::BTreeMap;
use std::io::ErrorKind as IoKind;
use std::path::Path;

use crate::error::Shown;
use crate::relative::Relative;
use crate::text::{self, Links};
use crate::{Domain, Error, ErrorKind, Variables};

mod budget;
mod yaml;

pub use budget::Budget;
use yaml::Node;

/// What a recipe's compose files name: services, secrets and configs.
///
/// ```
/// # use std::path::Path;
/// use runward_abradir::{Compose, Domain, Variables};
/// let text = "
///     services: {app: {}}
///     secrets:
///       key: {external: true, name: '${STACK_NAME}_key_${SECRET_KEY_VERSION}'}";
/// let compose = Compose::parse(text, Path::new("compose.yml"))?;
/// let variables = Variables::new().and("SECRET_KEY_VERSION=v1");
/// let budget = compose.check(&Domain::parse("shop.example.org")?, &variables)?;
/// assert!(budget.names().eq(["shop_example_org_app", "shop_example_org_key_v1"]));
/// let long = format!("{}.example.org", "x".repeat(50));
/// assert!(compose.check(&Domain::parse(&long)?, &variables).is_err());
/// # Ok::<(), runward_abradir::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compose {
    services: Vec<String>,
    /// Each under its key; a later file may name it anew.
    secrets: BTreeMap<String, Naming>,
    configs: BTreeMap<String, Naming>,
}

/// How a secret or a config gets its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Naming {
    /// The stack's name, an underscore, and its key.
    OfStack,
    /// Its key: it is there before the stack.
    Key,
    /// This text, with variables in it.
    Text(String),
}

impl Compose {
    /// Reads a compose file out of a text that came from `origin`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidCompose`], with the line and the column where it is not YAML.
    pub fn parse(text: &str, origin: &Path) -> Result<Self, Error> {
        let invalid = |why: String| {
            let message = format!("compose file {}{why}", Shown(origin));
            Error::new(ErrorKind::InvalidCompose, message)
        };
        let top = yaml::parse(text).map_err(invalid)?;
        let services = top.get("services").map(|s| s.entries()).unwrap_or_default();
        let section = |name| section(&top, name).map_err(|why| invalid(format!(": {why}")));
        Ok(Self {
            services: services.into_iter().map(|(name, _)| name).collect(),
            secrets: section("secrets")?,
            configs: section("configs")?,
        })
    }

    /// Reads the compose files of a recipe: those that `COMPOSE_FILE` lists, or `compose.yml`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidCompose`] if one is not valid, [`ErrorKind::Missing`] if one is missing.
    pub fn of_recipe(recipe: &Path, variables: &Variables) -> Result<Self, Error> {
        let list = variables
            .get("COMPOSE_FILE")
            .filter(|list| !list.is_empty());
        let mut all = Self::default();
        for name in list.unwrap_or("compose.yml").split(':') {
            let file = Relative::parse(name).map_err(|why| {
                let message = format!("COMPOSE_FILE names {name:?}, which {why}");
                Error::new(ErrorKind::InvalidCompose, message)
            })?;
            let path = recipe.join(file.as_path());
            let text = text::read(&path, Links::Follow)
                .map_err(|e| Error::io("cannot read the compose file", &path, e))?;
            all = all.and(Self::parse(&text, &path)?);
        }
        Ok(all)
    }

    /// What both name; the other one counts more.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.services.extend(other.services);
        self.services.sort();
        self.services.dedup();
        self.secrets.extend(other.secrets);
        self.configs.extend(other.configs);
        self
    }

    /// Whether the names of all that will be made for an app are short enough: 63 letters for a service, 64 for a secret or a config.
    /// To be asked before anything is made. The variables are those of the app's `.env`, and those that the recipe's `abra.sh` exports.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLong`] with each name that is not; [`ErrorKind::InvalidCompose`] if one cannot be told.
    pub fn check(&self, domain: &Domain, variables: &Variables) -> Result<Budget, Error> {
        budget::check(self, domain, variables)
    }
}

/// What a recipe exports to its compose files, in its `abra.sh`; nothing if it has none.
pub(crate) fn exports(recipe: &Path) -> Result<String, Error> {
    let path = recipe.join("abra.sh");
    match text::read(&path, Links::Follow) {
        Err(e) if e.kind() == IoKind::NotFound => Ok(String::new()),
        Err(e) => Err(Error::io("cannot read", &path, e)),
        Ok(text) => Ok(text
            .lines()
            .filter(|line| line.starts_with("export "))
            .flat_map(|line| [line, "\n"])
            .collect()),
    }
}

fn section(top: &Node, name: &str) -> Result<BTreeMap<String, Naming>, String> {
    let entries = top
        .get(name)
        .map(|section| section.entries())
        .unwrap_or_default();
    entries
        .into_iter()
        .map(|(key, node)| Ok((key, naming(&node)?)))
        .collect()
}

fn naming(node: &Node) -> Result<Naming, String> {
    if let Some(name) = node.get("name") {
        return named(&name);
    }
    match node.get("external") {
        // The form of version 2: `external: { name: … }`.
        Some(external) if external.get("name").is_some() => {
            named(&external.get("name").unwrap_or_default())
        }
        Some(external) if external.as_str().is_none_or(is_true) => Ok(Naming::Key),
        _ => Ok(Naming::OfStack),
    }
}

fn is_true(text: &str) -> bool {
    matches!(text, "true" | "True" | "TRUE" | "yes" | "on")
}

fn named(node: &Node) -> Result<Naming, String> {
    match node.as_str() {
        Some(text) => Ok(Naming::Text(text.to_owned())),
        None => Err("a `name` is no text".to_owned()),
    }
}

impl Variables {
    /// Those of an app: what its recipe's `abra.sh` exports, then its own settings, which count more.
    ///
    /// # Errors
    ///
    /// When there is an `abra.sh` that cannot be read.
    pub fn of_app(recipe: &Path, settings: &str) -> Result<Self, Error> {
        Ok(Self::new().and(&exports(recipe)?).and(settings))
    }
}
