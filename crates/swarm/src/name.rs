use std::fmt;

use crate::{Error, ErrorKind};

/// The name of a stack: letters, digits and `. _ -`, beginning with a letter or a digit, at most 63 bytes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StackName(String);

/// No service of a stack with a longer name could be made.
const LONGEST: usize = 63;

impl StackName {
    /// Takes a name as it is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidName`] for whatever no stack can be called.
    pub fn new(name: impl Into<String>) -> Result<Self, Error> {
        let name = name.into();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins = name
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric());
        match begins && name.len() <= LONGEST && name.bytes().all(plain) {
            true => Ok(Self(name)),
            false => Err(invalid(&name)),
        }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name of an object begins with the full name of the stack, and goes on after its underscore.
    pub(crate) fn is_prefix_of(&self, object: &str) -> bool {
        let rest = object
            .strip_prefix(&self.0)
            .and_then(|rest| rest.strip_prefix('_'));
        rest.is_some_and(|rest| !rest.is_empty())
    }
}

fn invalid(name: &str) -> Error {
    let shown: String = name.chars().take(80).collect();
    let what = "letters, digits and `. _ -`, beginning with a letter or a digit, at most 63 bytes";
    Error::new(
        ErrorKind::InvalidName,
        format!("stack name {shown:?} is not {what}"),
    )
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How the name of a lock and the name of a stack belong together, one to one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Naming {
    /// They are the same.
    #[default]
    Plain,
    /// The lock has a domain, `shop.example.org`; the stack has underscores for the dots, `shop_example_org`.
    Domain,
}

impl Naming {
    /// The stack that belongs to a name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidName`]: no stack can be called so, or it would be the stack of another domain as well.
    pub fn stack(self, name: &str) -> Result<StackName, Error> {
        match self {
            Self::Plain => StackName::new(name),
            Self::Domain if name.contains('_') => Err(shared(name)),
            Self::Domain => StackName::new(name.replace('.', "_")),
        }
    }

    /// The name that belongs to a stack; none if no domain has that stack.
    pub(crate) fn owner(self, stack: &StackName) -> Option<String> {
        match self {
            Self::Plain => Some(stack.0.clone()),
            Self::Domain if stack.0.contains('.') => None,
            Self::Domain => Some(stack.0.replace('_', ".")),
        }
    }
}

fn shared(name: &str) -> Error {
    let other = name.replace('_', ".");
    Error::new(
        ErrorKind::InvalidName,
        format!(
            "domain {name:?} would share its stack with {other:?}; use hyphens for the underscores"
        ),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_prefix_is_the_full_name_and_an_underscore() {
        let stack = StackName::new("foo_example").unwrap();
        assert!(stack.is_prefix_of("foo_example_db_password_v1"));
        for other in [
            "foo_example2_x",
            "foo_example",
            "foo_example_",
            "foo-example_x",
            "xfoo_example_y",
        ] {
            assert!(!stack.is_prefix_of(other), "{other}");
        }
    }

    #[test]
    fn two_domains_never_share_a_stack() {
        assert_eq!(Naming::Domain.stack("a.b").unwrap().as_str(), "a_b");
        let error = Naming::Domain.stack("a_b").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidName);
        let dotted = StackName::new("a.b").unwrap();
        assert_eq!(Naming::Domain.owner(&dotted), None);
    }

    #[test]
    fn what_no_stack_is_called_is_refused() {
        for name in ["", "_x", "a b", "a/b", "é", "a\n", &"x".repeat(64)] {
            assert!(StackName::new(name).is_err(), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn name_and_stack_are_one_to_one(name in "[A-Za-z0-9][A-Za-z0-9._-]{0,62}") {
            for naming in [Naming::Plain, Naming::Domain] {
                if let Ok(stack) = naming.stack(&name) {
                    prop_assert_eq!(naming.owner(&stack), Some(name.clone()));
                }
                let stack = StackName::new(name.clone()).unwrap();
                if let Some(owner) = naming.owner(&stack) {
                    prop_assert_eq!(naming.stack(&owner).unwrap(), stack);
                }
            }
        }
    }
}
