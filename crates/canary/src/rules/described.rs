/// A setting that a kind of source or of alert sink has, in a word for the schema of the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// What may stand there.
    pub takes: Takes,
    /// What it is.
    pub about: &'static str,
}

/// What may stand at a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takes {
    /// Text.
    Text,
    /// A whole number.
    Int,
    /// True or false.
    Bool,
    /// One text, or several.
    Texts,
    /// A text for each of some names.
    Names,
    /// A length of time with its unit, such as `10s`.
    Length,
}

impl Described {
    /// A setting of that name.
    pub const fn new(name: &'static str, takes: Takes, about: &'static str) -> Self {
        Self { name, takes, about }
    }
}

/// What a kind of source or of alert sink understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindOf {
    /// Its name.
    pub name: &'static str,
    /// What its table has.
    pub settings: &'static [Described],
    /// What a facet of such a source has, beside what all facets have.
    pub facet: &'static [Described],
}
