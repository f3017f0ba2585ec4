//! Bundles, edits of them, and the reference data where this host has it.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use runward_evidence::{Dir, Judgement, Memory, Report, Spec, Terms, verify};
use serde_json::Value;

/// Says that a test is skipped, where it can be counted.
pub(crate) fn skip(test: &str, reason: &str) {
    let line = format!("SKIP {test}: {reason}\n");
    note(&line);
    assert!(env::var_os("RUNWARD_FORBID_SKIPS").is_none(), "{line}");
}

/// Artifacts of others are not in the repository, so a test that reads them is not skipped where they are not.
fn lacks_data(test: &str) {
    note(&format!(
        "DATA {test}: set RUNWARD_TEST_DATA to the directory of the reference data\n"
    ));
}

fn note(line: &str) {
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = env::var_os("RUNWARD_SKIP_LOG") {
        let log = File::options().append(true).create(true).open(path);
        log.and_then(|mut log| log.write_all(line.as_bytes()))
            .unwrap();
    }
}

/// The reference spec, its bundle, and changes of the bundle with what they should lead to.
pub(crate) struct Reference {
    pub(crate) root: PathBuf,
    pub(crate) spec: Spec,
    pub(crate) bundle: Memory,
}

impl Reference {
    /// Where `RUNWARD_TEST_DATA` says, else beside the repository.
    pub(crate) fn find(test: &str) -> Option<Self> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
        let root = env::var_os("RUNWARD_TEST_DATA").map_or(beside, PathBuf::from);
        let file = root.join("policy-scheduler.spec.toml");
        if !file.exists() {
            lacks_data(test);
            return None;
        }
        let text = fs::read_to_string(file).unwrap();
        let spec = Spec::parse("policy-scheduler.spec.toml", &text).unwrap();
        let live = Dir::open(root.join("policy-scheduler-live")).unwrap();
        let bundle = Memory::copy(&live, &Terms::new()).unwrap();
        Some(Self { root, spec, bundle })
    }

    /// Each change of the bundle, and the bundle with it.
    pub(crate) fn forgeries(&self) -> impl Iterator<Item = (Value, Memory)> {
        self.mutations().into_iter().map(|mutation| {
            let mut bundle = self.bundle.clone();
            for edit in mutation["edits"].as_array().unwrap() {
                apply(&mut bundle, edit);
            }
            (mutation, bundle)
        })
    }

    fn mutations(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.root.join("policy-scheduler.mutations.json")).unwrap();
        json(&text).as_array().unwrap().clone()
    }

    pub(crate) fn judge(&self, bundle: &Memory) -> Report {
        verify(&self.spec, bundle, &Terms::new())
    }
}

/// The ids of the rules that were judged and failed, in the order of the spec.
pub(crate) fn failures(report: &Report) -> Vec<&str> {
    let failed = report
        .judgements()
        .iter()
        .filter(|judged| judged.outcome().is_failure());
    failed.map(Judgement::id).collect()
}

/// Carries out one edit of a list of them.
pub(crate) fn apply(bundle: &mut Memory, edit: &Value) {
    let file = edit["file"].as_str().unwrap();
    let path = edit["path"].as_str().unwrap_or_default();
    let value = &edit["value"];
    match edit["op"].as_str().unwrap() {
        "remove_file" => assert!(bundle.remove(file), "{file}"),
        "truncate" => {
            let length = usize::try_from(value.as_u64().unwrap()).unwrap();
            let kept = bundle.get(file).unwrap()[..length].to_vec();
            bundle.insert(file, kept);
        }
        "append" => {
            let text = text(bundle, file) + value.as_str().unwrap();
            bundle.insert(file, text);
        }
        "replace_text" => {
            let text = text(bundle, file);
            assert_eq!(text.matches(path).count(), 1, "{file}: {path}");
            bundle.insert(file, text.replace(path, value.as_str().unwrap()));
        }
        "set" => rewrite(bundle, file, |json| set(json, path, value.clone())),
        "delete" => rewrite(bundle, file, |json| delete(json, path)),
        other => panic!("no edit is called {other}"),
    }
}

fn text(bundle: &Memory, file: &str) -> String {
    String::from_utf8(bundle.get(file).unwrap().to_vec()).unwrap()
}

/// Reads JSON however deep it is.
fn json(text: &str) -> Value {
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    serde::Deserialize::deserialize(&mut reader).unwrap()
}

fn rewrite(bundle: &mut Memory, file: &str, change: impl FnOnce(&mut Value)) {
    let mut json = serde_json::from_slice(bundle.get(file).unwrap()).unwrap();
    change(&mut json);
    bundle.insert(file, json.to_string());
}

fn parent<'j>(json: &'j mut Value, path: &str) -> (&'j mut Value, String) {
    let (parent, last) = path.rsplit_once('/').unwrap();
    let last = last.replace("~1", "/").replace("~0", "~");
    (json.pointer_mut(parent).unwrap(), last)
}

fn set(json: &mut Value, path: &str, value: Value) {
    if path.is_empty() {
        *json = value;
        return;
    }
    match parent(json, path) {
        (Value::Object(object), last) => drop(object.insert(last, value)),
        (Value::Array(array), last) if last == "-" => array.push(value),
        (Value::Array(array), last) => array[last.parse::<usize>().unwrap()] = value,
        (other, _) => panic!("{path} in {other}"),
    }
}

fn delete(json: &mut Value, path: &str) {
    match parent(json, path) {
        (Value::Object(object), last) => assert!(object.remove(&last).is_some()),
        (Value::Array(array), last) => drop(array.remove(last.parse().unwrap())),
        (other, _) => panic!("{path} in {other}"),
    }
}

/// A spec with the head that all have.
pub(crate) fn spec(body: &str) -> String {
    format!("schema = 1\nid = \"test\"\n{body}")
}

/// JSON artifacts `a` and `b`, a text `t`.
pub(crate) const ARTIFACTS: &str = r#"
[[artifact]]
id = "a"
file = "a.json"
kind = "json"
[[artifact]]
id = "b"
file = "b.json"
kind = "json"
[[artifact]]
id = "t"
file = "t.txt"
kind = "text"
"#;

/// One rule `r` over those artifacts.
pub(crate) fn rule(keys: &str) -> String {
    spec(&format!("{ARTIFACTS}[[rule]]\nid = \"r\"\n{keys}\n"))
}

pub(crate) fn memory(files: &[(&str, &str)]) -> Memory {
    let mut memory = Memory::new();
    for (path, text) in files {
        memory.insert(*path, *text);
    }
    memory
}

/// Judges files with a spec.
pub(crate) fn judge(spec: &str, files: &[(&str, &str)]) -> Report {
    let spec = Spec::parse("test.toml", spec).unwrap_or_else(|error| panic!("{error}\n{spec}"));
    verify(&spec, &memory(files), &Terms::new())
}
