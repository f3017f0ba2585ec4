//! Bundles with a seal: what is no longer what was sealed, by kind, each alone.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use runward_evidence::{
    Dir, FailureKind, Memory, Outcome, Report, Spec, Terms, Verdict, bundle, verify,
};

const SPEC: &str =
    "schema = 1\nid = \"t\"\n[[artifact]]\nid = \"a\"\nfile = \"a.json\"\nkind = \"json\"\n";
const RUN: &str = r#"{"key":"k-1","run_id":"r"}"#;

fn spec() -> Spec {
    Spec::parse("t.toml", SPEC).unwrap()
}

/// A directory with an artifact and what is known of the run, not yet sealed.
fn collected() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.json"), "[1]").unwrap();
    fs::write(dir.path().join(bundle::RUN), RUN).unwrap();
    dir
}

fn armed() -> SystemTime {
    SystemTime::now() - Duration::from_secs(60)
}

fn seal(dir: &Path) {
    bundle::seal(dir, armed(), RUN, &Terms::new()).unwrap();
}

fn sealed() -> Memory {
    let dir = collected();
    seal(dir.path());
    Memory::copy(&Dir::open(dir.path()).unwrap(), &Terms::new()).unwrap()
}

/// The seal's verdict and the kind of its failure; nothing else of the bundle fails.
#[track_caller]
fn seal_of(report: &Report) -> (Verdict, Option<FailureKind>) {
    let first = &report.judgements()[0];
    assert_eq!(first.id(), "bundle.sealed");
    let Outcome::Judged(verdict) = first.outcome() else {
        panic!("the seal is never blocked");
    };
    (verdict, first.failure().map(|failure| failure.kind()))
}

#[track_caller]
fn fails(bundle: &Memory, verdict: Verdict, kind: FailureKind) {
    let report = verify(&spec(), bundle, &Terms::new());
    assert_eq!(seal_of(&report), (verdict, Some(kind)), "{report:?}");
}

fn manifest(bundle: &Memory) -> String {
    String::from_utf8(bundle.get(bundle::MANIFEST).unwrap().to_vec()).unwrap()
}

/// The good bundle with its manifest changed.
#[track_caller]
fn with_manifest(from: &str, to: &str) -> Memory {
    let mut good = sealed();
    let text = manifest(&good);
    assert!(text.contains(from), "{from}: {text}");
    good.insert(bundle::MANIFEST, text.replacen(from, to, 1));
    good
}

#[test]
fn what_was_sealed_is_proven_and_its_own_files_count_as_read() {
    let report = verify(&spec(), &sealed(), &Terms::new());
    assert_eq!(seal_of(&report), (Verdict::Proven, None));
    assert_eq!(report.verdict(), Verdict::Proven);
}

#[test]
fn without_a_manifest_there_is_no_seal_and_no_file_is_excused() {
    let mut bundle = sealed();
    bundle.remove(bundle::MANIFEST);
    let report = verify(&spec(), &bundle, &Terms::new());
    assert!(report.judgement("bundle.sealed").is_none());
    let unread = report.judgement("unread").and_then(|one| one.failure());
    assert_eq!(
        unread.map(|failure| failure.kind()),
        Some(FailureKind::UnreadFile)
    );
}

#[test]
fn a_file_that_came_later_is_late() {
    let mut bundle = sealed();
    bundle.insert("b.json", "1");
    fails(&bundle, Verdict::Refuted, FailureKind::Late);
}

#[test]
fn other_bytes_another_size_and_a_file_that_is_gone_are_spliced() {
    for bytes in ["[2]", "[12]", ""] {
        let mut bundle = sealed();
        bundle.insert("a.json", bytes);
        fails(&bundle, Verdict::Refuted, FailureKind::Spliced);
    }
    let mut bundle = sealed();
    bundle.remove("a.json");
    fails(&bundle, Verdict::Refuted, FailureKind::Spliced);
}

#[test]
fn a_manifest_that_says_another_size_alone_is_spliced() {
    fails(
        &with_manifest("\"size\":3,", "\"size\":4,"),
        Verdict::Refuted,
        FailureKind::Spliced,
    );
}

#[test]
fn another_run_is_foreign() {
    let other = with_manifest("\"run\":{\"key\":\"k-1\"", "\"run\":{\"key\":\"k-2\"");
    fails(&other, Verdict::Refuted, FailureKind::Foreign);
    let more = with_manifest("\"run\":{", "\"run\":{\"more\":1,");
    fails(&more, Verdict::Refuted, FailureKind::Foreign);
}

#[test]
fn a_file_outside_the_window_is_foreign_or_late() {
    let times = [
        (
            SystemTime::now() - Duration::from_secs(120),
            FailureKind::Foreign,
        ),
        (
            SystemTime::now() + Duration::from_secs(120),
            FailureKind::Late,
        ),
    ];
    for (time, kind) in times {
        let dir = collected();
        let file = fs::File::options()
            .write(true)
            .open(dir.path().join("a.json"));
        file.unwrap().set_modified(time).unwrap();
        seal(dir.path());
        let report = verify(&spec(), &Dir::open(dir.path()).unwrap(), &Terms::new());
        assert_eq!(seal_of(&report), (Verdict::Refuted, Some(kind)));
    }
}

/// Clocks have ticks: what was written in the tick of the seal, or in that in which the run was armed, is within.
#[test]
fn both_ends_of_the_window_are_within_it() {
    let dir = collected();
    let time = SystemTime::now() - Duration::from_secs(30);
    for name in ["a.json", bundle::RUN] {
        let file = fs::File::options().write(true).open(dir.path().join(name));
        file.unwrap().set_modified(time).unwrap();
    }
    seal(dir.path());
    let good = Memory::copy(&Dir::open(dir.path()).unwrap(), &Terms::new()).unwrap();
    let text = manifest(&good);
    let said = |key: &str| {
        let (_, rest) = text.split_once(&format!("\"{key}\":\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    for end in ["armed", "sealed"] {
        let mut edge = good.clone();
        let moved = text.replace(&said(end), &said("modified"));
        assert_ne!(moved, text);
        edge.insert(bundle::MANIFEST, moved);
        let report = verify(&spec(), &edge, &Terms::new());
        assert_eq!(seal_of(&report), (Verdict::Proven, None), "{end}");
    }
}

#[test]
fn the_first_flaws_are_named_and_the_rest_is_counted() {
    let mut bundle = sealed();
    let judged = |bundle: &Memory| {
        let report = verify(&spec(), bundle, &Terms::new());
        let seal = &report.judgements()[0];
        let path = seal.place().unwrap().path().to_owned();
        (path, seal.failure().unwrap().message().to_owned())
    };
    bundle.insert("late-0", "");
    let (path, message) = judged(&bundle);
    assert_eq!(path, "late-0");
    assert!(message.starts_with("late `late-0`: "), "{message}");
    assert!(!message.contains("more"), "{message}");
    for number in 1..6 {
        bundle.insert(format!("late-{number}"), "");
    }
    let (_, message) = judged(&bundle);
    assert_eq!(message.matches("; late `").count(), 3, "{message}");
    assert!(message.ends_with("; and 2 more"), "{message}");
}

#[test]
fn a_manifest_that_cannot_be_used_is_a_bad_seal() {
    let broken = [
        ("{\"schema\":1", "{\"schema\":2"),
        ("{\"schema\":1", "{"),
        ("\"armed\":\"", "\"armed\":\"x"),
        ("\"sealed\":\"", "\"sealed\":\"x"),
        ("\"run\":", "\"ran\":"),
        ("\"files\":", "\"filed\":"),
        ("\"path\":\"a.json\"", "\"path\":\"../a.json\""),
        ("\"path\":\"a.json\"", "\"path\":\"run.json\""),
        ("\"sha256\":", "\"sha\":"),
        ("]}", "]"),
    ];
    for (from, to) in broken {
        fails(
            &with_manifest(from, to),
            Verdict::Inconclusive,
            FailureKind::BadSeal,
        );
    }
}

#[test]
fn a_seal_on_nothing_is_vacuous() {
    let dir = tempfile::tempdir().unwrap();
    seal(dir.path());
    let report = verify(&spec(), &Dir::open(dir.path()).unwrap(), &Terms::new());
    let seen = (Verdict::Vacuous, Some(FailureKind::NothingExamined));
    assert_eq!(seal_of(&report), seen);
}

#[test]
fn what_is_no_evidence_is_written_down_as_such() {
    let terms = Terms::new().max_file(500);
    type Plant = fn(&Path);
    let plants: [(Plant, FailureKind); 3] = [
        (|at| symlink("a.json", at).unwrap(), FailureKind::NotAFile),
        (
            |at| fs::write(at, [b'x'; 501]).unwrap(),
            FailureKind::TooLarge,
        ),
        (
            |at| drop(std::os::unix::net::UnixListener::bind(at).unwrap()),
            FailureKind::NotAFile,
        ),
    ];
    for (plant, kind) in plants {
        let dir = collected();
        plant(&dir.path().join("x"));
        bundle::seal(dir.path(), armed(), RUN, &terms).unwrap();
        // Also for one who gets the bundle without it.
        for _ in 0..2 {
            let report = verify(&spec(), &Dir::open(dir.path()).unwrap(), &Terms::new());
            assert_eq!(seal_of(&report), (Verdict::Inconclusive, Some(kind)));
            let _ = fs::remove_file(dir.path().join("x"));
        }
    }
}

#[test]
fn a_seal_that_was_cut_short_can_be_made_again() {
    let dir = collected();
    seal(dir.path());
    fs::write(dir.path().join(".run.json.runward"), "half").unwrap();
    fs::write(dir.path().join(".manifest.json.runward"), "half").unwrap();
    fs::write(dir.path().join("b"), "").unwrap();
    fs::remove_file(dir.path().join("b")).unwrap();
    seal(dir.path());
    let report = verify(&spec(), &Dir::open(dir.path()).unwrap(), &Terms::new());
    assert_eq!(report.verdict(), Verdict::Proven);
}

#[test]
fn the_manifest_of_another_tool_is_an_artifact_if_the_spec_reads_it() {
    let text = SPEC.replace("a.json", "manifest.json");
    let spec = Spec::parse("t.toml", &text).unwrap();
    let mut bundle = Memory::new();
    bundle.insert("manifest.json", "{\"name\":\"app\"}");
    let report = verify(&spec, &bundle, &Terms::new());
    assert_eq!(report.verdict(), Verdict::Proven);
    assert!(report.judgement("bundle.sealed").is_none());
    bundle.insert("manifest.json", "{\"name\":");
    let report = verify(&spec, &bundle, &Terms::new());
    assert_eq!(seal_of(&report).1, Some(FailureKind::BadSeal));
}

/// A spec that reads the manifest asks more of it, never less.
#[test]
fn a_seal_from_which_its_name_was_taken_still_holds() {
    let reads = "[[artifact]]\nid = 'm'\nfile = 'manifest.json'\nkind = 'json'\n";
    let spec = Spec::parse("t.toml", &format!("{SPEC}{reads}")).unwrap();
    let seal = |bundle: &Memory| seal_of(&verify(&spec, bundle, &Terms::new())).1;
    let mut nameless = with_manifest("\"sealed_by\":\"runward\",", "");
    assert_eq!(seal(&nameless), None);
    nameless.insert("a.json", "[2]");
    assert_eq!(seal(&nameless), Some(FailureKind::Spliced));
    // Without what is said of the run it is known by its window; beside it, by that.
    nameless.remove(bundle::RUN);
    assert_eq!(seal(&nameless), Some(FailureKind::Spliced));
    let mut other = sealed();
    other.insert(bundle::MANIFEST, "{}");
    assert_eq!(seal(&other), Some(FailureKind::BadSeal));
}

/// The seal says that nothing was changed, not what the files show.
#[test]
fn a_seal_alone_proves_no_spec() {
    let asks_nothing = "schema = 1\nid = 't'\n[files]\nunread = 'allow'\nwhy = 'w'\n";
    let spec = Spec::parse("t.toml", asks_nothing).unwrap();
    let report = verify(&spec, &sealed(), &Terms::new());
    assert_eq!(seal_of(&report), (Verdict::Proven, None));
    assert_eq!(report.verdict(), Verdict::Vacuous);
}

#[derive(Clone, Debug)]
enum Lie {
    Add(String),
    Remove(prop::sample::Index),
    Change(prop::sample::Index, prop::sample::Index, u8),
    Swap,
}

fn lie() -> impl Strategy<Value = Lie> {
    prop_oneof![
        "[A-Z]{1,3}".prop_map(Lie::Add),
        any::<prop::sample::Index>().prop_map(Lie::Remove),
        any::<(prop::sample::Index, prop::sample::Index, u8)>()
            .prop_map(|(file, at, by)| Lie::Change(file, at, by)),
        Just(Lie::Swap),
    ]
}

fn tell(lie: Lie, bundle: &mut Memory, names: &[String]) {
    match lie {
        Lie::Add(name) => bundle.insert(name, ""),
        Lie::Remove(at) => assert!(bundle.remove(&names[at.index(names.len())])),
        Lie::Change(file, at, by) => {
            let name = file.get(names);
            let mut bytes = bundle.get(name).unwrap().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= by.max(1);
            bundle.insert(name, bytes);
        }
        Lie::Swap => {
            let (first, last) = (&names[0], &names[names.len() - 1]);
            let one = bundle.get(first).unwrap().to_vec();
            let other = bundle.get(last).unwrap().to_vec();
            bundle.insert(first, other);
            bundle.insert(last, one);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever files there are: the seal is proven as they were sealed, and the bundle refuted with any one change.
    #[test]
    fn no_change_of_a_file_is_green(
        files in prop::collection::btree_map("[a-z]{1,3}", prop::collection::vec(any::<u8>(), 1..40), 2..6), lie in lie(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        for (name, bytes) in &files {
            fs::write(dir.path().join(name), bytes).unwrap();
        }
        seal(dir.path());
        let text = "schema = 1\nid = \"t\"\n[files]\nunread = \"allow\"\nwhy = \"any\"\n";
        let spec = Spec::parse("t.toml", text).unwrap();
        let mut bundle = Memory::copy(&Dir::open(dir.path()).unwrap(), &Terms::new()).unwrap();
        prop_assert_eq!(seal_of(&verify(&spec, &bundle, &Terms::new())).0, Verdict::Proven);
        let names: Vec<String> = files.keys().cloned().collect();
        prop_assume!(!matches!(lie, Lie::Swap) || files[&names[0]] != files[&names[names.len() - 1]]);
        tell(lie, &mut bundle, &names);
        prop_assert_eq!(verify(&spec, &bundle, &Terms::new()).verdict(), Verdict::Refuted);
    }
}
