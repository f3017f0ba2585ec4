//! The in-toto Statement v1 with the test-result predicate, as it is written and read.

use sha2::{Digest, Sha256};

use super::PREDICATE_TYPE;
use super::check::{Flaw, read_json};
use super::subjects::Subjects;
use crate::bundle::hex;
use crate::json::{Kind, Value, quote};
use crate::outcome::{FailureKind, Outcome, Verdict};
use crate::{Report, Spec, Terms};

const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What is said of which files.
pub(super) struct Statement {
    pub(super) subjects: Subjects,
    pub(super) spec: Configuration,
    pub(super) tests: Tests,
}

/// By what was judged.
pub(super) struct Configuration {
    pub(super) sha256: String,
    /// Names and values as JSON.
    pub(super) params: Vec<(String, String)>,
    name: String,
}

/// What became of each rule; the names in order.
pub(super) struct Tests {
    pub(super) result: String,
    pub(super) passed: Vec<String>,
    pub(super) warned: Vec<String>,
    pub(super) failed: Vec<String>,
}

impl Statement {
    pub(super) fn new(spec: &Spec, report: &Report, subjects: Subjects) -> Self {
        Self {
            subjects,
            spec: Configuration::of(spec),
            tests: Tests::of(report),
        }
    }

    pub(super) fn render(&self) -> String {
        let subject = |(name, sha256): (&String, &String)| {
            let name = quote(name);
            format!(
                "{{\"name\":{name},\"digest\":{{\"sha256\":{}}}}}",
                quote(sha256)
            )
        };
        let subjects: Vec<String> = self.subjects.iter().map(subject).collect();
        format!(
            "{{\"_type\":\"{STATEMENT_TYPE}\",\"subject\":[{}],\"predicateType\":\"{PREDICATE_TYPE}\",\"predicate\":{{\
             \"result\":{},\"configuration\":[{}],\"passedTests\":{},\"warnedTests\":{},\"failedTests\":{}}}}}",
            subjects.join(","),
            quote(&self.tests.result),
            self.spec.render(),
            list(&self.tests.passed),
            list(&self.tests.warned),
            list(&self.tests.failed)
        )
    }

    /// Fields that are not ours are left to whoever they are for.
    pub(super) fn parse(bytes: &[u8], terms: &Terms) -> Result<Self, Flaw> {
        let doc = read_json(bytes, FailureKind::BadStatement, terms)?;
        let root = doc.root();
        let bad = |why: &str| Flaw::new(FailureKind::BadStatement, why);
        is(root, "_type", STATEMENT_TYPE, FailureKind::BadStatement)?;
        is(
            root,
            "predicateType",
            PREDICATE_TYPE,
            FailureKind::WrongPredicate,
        )?;
        let subjects = array(root, "subject").and_then(subjects);
        let predicate = root
            .get("predicate")
            .ok_or_else(|| bad("it has no `predicate`"))?;
        let spec = array(predicate, "configuration").and_then(Configuration::read);
        Ok(Self {
            subjects: subjects
                .ok_or_else(|| bad("a `subject` of it has no name of its own with a `sha256`"))?,
            spec: spec.ok_or_else(|| bad("its `configuration` is not one spec by `sha256`"))?,
            tests: Tests::read(predicate)
                .ok_or_else(|| bad("it has no `result`, or a list of tests that is none"))?,
        })
    }
}

impl Configuration {
    fn of(spec: &Spec) -> Self {
        let params = spec.params().iter();
        let mut params: Vec<_> = params
            .map(|param| (param.name.clone(), param.value.clone()))
            .collect();
        params.sort_unstable();
        Self {
            name: spec.id().to_owned(),
            sha256: hex(Sha256::digest(spec.text())),
            params,
        }
    }

    fn render(&self) -> String {
        let param = |(name, value): &(String, String)| format!("{}:{value}", quote(name));
        let params: Vec<String> = self.params.iter().map(param).collect();
        format!(
            "{{\"name\":{},\"digest\":{{\"sha256\":\"{}\"}},\"annotations\":{{\"params\":{{{}}}}}}}",
            quote(&self.name),
            self.sha256,
            params.join(",")
        )
    }

    fn read(list: Value<'_>) -> Option<Self> {
        let entry = list.children().next().filter(|_| list.len() == 1)?;
        let params = entry
            .get("annotations")
            .and_then(|notes| notes.get("params"));
        let params = params.into_iter().flat_map(Value::members);
        let params = params.map(|(name, value)| (name.into_owned(), value.text().to_owned()));
        let mut params: Vec<_> = params.collect();
        params.sort_unstable();
        Some(Self {
            name: string(entry, "name").unwrap_or_default(),
            sha256: sha256(entry)?,
            params,
        })
    }
}

impl Tests {
    fn of(report: &Report) -> Self {
        let named = |like: fn(Outcome) -> bool| {
            let judgements = report.judgements().iter();
            let like = judgements.filter(|judgement| like(judgement.outcome()));
            let mut names: Vec<String> = like.map(|judgement| judgement.id().to_owned()).collect();
            names.sort_unstable();
            names
        };
        let result = match report.verdict() {
            Verdict::Proven => "PASSED",
            Verdict::Waived => "WARNED",
            _ => "FAILED",
        };
        Self {
            result: result.to_owned(),
            passed: named(|outcome| outcome == Outcome::Judged(Verdict::Proven)),
            warned: named(|outcome| outcome == Outcome::Judged(Verdict::Waived)),
            failed: named(|outcome| outcome.is_failure() || outcome == Outcome::Blocked),
        }
    }

    fn read(predicate: Value<'_>) -> Option<Self> {
        let names = |key| {
            if predicate.get(key).is_none() {
                return Some(Vec::new());
            }
            let names = array(predicate, key)?.children();
            let names = names.map(|name| Some(name.string()?.into_owned()));
            let mut names: Vec<String> = names.collect::<Option<_>>()?;
            names.sort_unstable();
            Some(names)
        };
        Some(Self {
            result: string(predicate, "result")?,
            passed: names("passedTests")?,
            warned: names("warnedTests")?,
            failed: names("failedTests")?,
        })
    }
}

/// None if two are of one name: which one counts would be anybody's choice.
fn subjects(list: Value<'_>) -> Option<Subjects> {
    let mut subjects = Subjects::new();
    for entry in list.children() {
        let before = subjects.insert(string(entry, "name")?, sha256(entry)?);
        if before.is_some() {
            return None;
        }
    }
    Some(subjects)
}

fn is(root: Value<'_>, key: &str, wanted: &str, kind: FailureKind) -> Result<(), Flaw> {
    match string(root, key) {
        Some(found) if found == wanted => Ok(()),
        Some(found) => Err(Flaw::new(
            kind,
            format!("its `{key}` is {}, and not {wanted}", quote(&found)),
        )),
        None => Err(Flaw::new(kind, format!("it has no `{key}`"))),
    }
}

/// A list where there should be one.
pub(super) fn array<'d>(of: Value<'d>, key: &str) -> Option<Value<'d>> {
    of.get(key).filter(|found| found.kind() == Kind::Array)
}

fn sha256(of: Value<'_>) -> Option<String> {
    string(of.get("digest")?, "sha256")
}

fn string(of: Value<'_>, key: &str) -> Option<String> {
    of.get(key)?.string().map(|text| text.into_owned())
}

fn list(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| quote(name)).collect();
    format!("[{}]", names.join(","))
}
