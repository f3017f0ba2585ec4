//! What all kinds of sources have in common in what they are asked: for whom, and which field becomes which column.

use runward_canary::{Ask, Column, Error, Setting};

use crate::options::Options;

/// The settings that every facet may have.
const COMMON: &[&str] = &[
    "as", "born", "columns", "each", "fields", "id", "period", "source", "subject", "subjects",
];

/// What a kind of source says of its answers.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shape {
    /// The settings that facets of this kind may have beside the common ones.
    pub(crate) settings: &'static [&'static str],
    /// The field that is the id where the facet does not say.
    pub(crate) id: Option<&'static str>,
    /// The field that is the birth where the facet does not say.
    pub(crate) born: Option<&'static str>,
    /// The names of the fields, where they are always the same.
    pub(crate) fields: &'static [&'static str],
    /// Whether fields have places and no names, unless the facet names them.
    pub(crate) places: bool,
}

/// How often a facet is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Once,
    /// For each subject of that facet.
    Subjects(String),
    /// For each row of that facet.
    Each(String),
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Rows,
    Stamp,
    Count,
}

/// Where the value of a column comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Whom it was asked for.
    Subject,
    /// The row that it was asked for.
    Bound(String),
    /// When it was asked.
    ReadAt,
    Named(String),
    At(usize),
}

/// A facet as sources see it.
#[derive(Clone, Debug)]
pub(crate) struct Facet {
    pub(crate) scope: Scope,
    pub(crate) form: Form,
    pub(crate) columns: Vec<Column>,
    pub(crate) origins: Vec<Origin>,
    /// The names of the fields, as far as they are known before the answer.
    pub(crate) fields: Vec<String>,
}

impl Facet {
    /// Reads the common settings; the options are for the others.
    pub(crate) fn of<'a>(ask: &'a Ask, shape: &Shape) -> Result<(Self, Options<'a>), Error> {
        let known = [COMMON, shape.settings];
        let of = format!("facet {}", ask.facet);
        let options = Options::new(of, &ask.settings, &known)?;
        let mut facet = Self {
            scope: scope(&options)?,
            form: form(&options)?,
            columns: ask.columns.clone(),
            origins: Vec::new(),
            fields: shape.fields.iter().map(|&name| name.to_owned()).collect(),
        };
        let named = options.texts("fields")?;
        if !named.is_empty() {
            facet.fields = named.into_iter().map(str::to_owned).collect();
        }
        for column in &ask.columns {
            let origin = facet.origin(column.name(), shape, &options)?;
            facet.origins.push(origin);
        }
        facet.settle(shape, &options)?;
        Ok((facet, options))
    }

    fn origin(&self, column: &str, shape: &Shape, options: &Options<'_>) -> Result<Origin, Error> {
        let bound = self.scope != Scope::Once;
        let each = matches!(self.scope, Scope::Each(_));
        let named = |name: &str| Origin::Named(name.to_owned());
        let said = match column {
            "id" | "born" | "subject" => place(options, column)?,
            _ => None,
        };
        Ok(match (column, said) {
            ("subject", _) if bound => Origin::Subject,
            // One answer for each subject may have no other name.
            ("id", Some(Origin::Named(said))) if bound && said == "subject" => Origin::Subject,
            (_, Some(said)) => said,
            ("read_at", _) => Origin::ReadAt,
            ("stamp", _) if self.form == Form::Stamp => Origin::At(0),
            ("count", _) if self.form == Form::Count => Origin::At(0),
            ("id" | "born", _) if each => Origin::Bound(column.to_owned()),
            ("id", _) => named(shape.id.unwrap_or(column)),
            ("born", _) => named(shape.born.unwrap_or(column)),
            _ => named(column),
        })
    }

    /// Turns names into places, where the answer has no names of its own.
    fn settle(&mut self, shape: &Shape, options: &Options<'_>) -> Result<(), Error> {
        if !self.fields.is_empty() {
            return self.check_names(options);
        }
        if !shape.places {
            return Ok(());
        }
        let claimed: Vec<usize> = self.origins.iter().filter_map(at).collect();
        let free = (0..).find(|place| !claimed.contains(place));
        let mut loose = self.origins.iter_mut().filter(|o| named(o).is_some());
        if let (Some(first), Some(free)) = (loose.next(), free) {
            *first = Origin::At(free);
        }
        match loose.next() {
            None => Ok(()),
            Some(_) => Err(options.refuse(
                "its answers have places and no names; say by `fields = [\"…\", \"…\"]` what they are",
            )),
        }
    }

    pub(crate) fn check_names(&self, options: &Options<'_>) -> Result<(), Error> {
        let missing = |name: &&str| !self.fields.iter().any(|field| field == name);
        match self.origins.iter().filter_map(named).find(missing) {
            None => Ok(()),
            Some(name) => {
                let fields = self.fields.join(", ");
                let near = crate::options::nearest(name, self.fields.iter().map(String::as_str));
                let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
                Err(options.refuse(format!(
                    "its answers have no field `{name}`, only {fields}{hint}"
                )))
            }
        }
    }

    /// The names of fields that the columns need.
    pub(crate) fn wanted(&self) -> Vec<String> {
        let names = self.origins.iter().filter_map(named);
        let mut wanted: Vec<_> = names.map(str::to_owned).collect();
        wanted.sort();
        wanted.dedup();
        wanted
    }

    /// Whether somebody wants to know that field.
    pub(crate) fn wants(&self, field: &str) -> bool {
        self.origins
            .iter()
            .filter_map(named)
            .any(|name| name == field)
    }
}

fn at(origin: &Origin) -> Option<usize> {
    match origin {
        Origin::At(place) => Some(*place),
        _ => None,
    }
}

fn named(origin: &Origin) -> Option<&str> {
    match origin {
        Origin::Named(name) => Some(name),
        _ => None,
    }
}

fn place(options: &Options<'_>, setting: &str) -> Result<Option<Origin>, Error> {
    Ok(match options.get(setting) {
        Some(Setting::Int(_)) => {
            let place = options.int(setting, 0, 1000)?;
            place
                .and_then(|place| usize::try_from(place).ok())
                .map(Origin::At)
        }
        _ => options
            .text(setting)?
            .map(|name| Origin::Named(name.to_owned())),
    })
}

fn scope(options: &Options<'_>) -> Result<Scope, Error> {
    match (options.text("subjects")?, options.text("each")?) {
        (None, None) => Ok(Scope::Once),
        (Some(facet), None) => Ok(Scope::Subjects(facet.to_owned())),
        (None, Some(facet)) => Ok(Scope::Each(facet.to_owned())),
        (Some(_), Some(_)) => {
            Err(options.refuse_at("each", "`subjects` and `each` exclude each other; keep one"))
        }
    }
}

fn form(options: &Options<'_>) -> Result<Form, Error> {
    match options.text("as")? {
        None | Some("rows") => Ok(Form::Rows),
        Some("stamp") => Ok(Form::Stamp),
        Some("count") => Ok(Form::Count),
        Some(other) => Err(options.refuse_at(
            "as",
            format!("`as` is rows, stamp or count, and not `{other}`"),
        )),
    }
}
