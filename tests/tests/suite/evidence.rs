//! `--evidence` and `--spec`: the bundle of a run, sealed by whoever finishes it, and what its verdict does to the exit code.

use std::ffi::CString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use runward_tests::places::{self, Tmpfs};
use runward_tests::skip::{is_root, skip};
use runward_tests::{Ended, Run, Sandbox, binaries};
use serde_json::Value;

/// One artifact with a number of attempts, of which at least one is needed and none may have failed.
const SPEC: &str = r#"
schema = 1
id = "load"
[[artifact]]
id = "out"
file = "out.json"
kind = "json"
[[rule]]
id = "tried"
check = "cmp"
left = { at = "out:/tried", type = "u64" }
op = ">="
right = { value = 1 }
otherwise = "vacuous"
[[rule]]
id = "no-failure"
after = ["tried"]
check = "eq"
at = "out:/failed"
value = 0
"#;

pub(crate) const OWN: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../crates/evidence/specs/runward-run.spec.toml"
);

fn spec(sandbox: &Sandbox) -> PathBuf {
    let path = sandbox.path("load.spec.toml");
    fs::write(&path, SPEC).expect("a spec");
    path
}

pub(crate) fn out(tried: u32, failed: u32) -> String {
    format!("echo '{{\"tried\":{tried},\"failed\":{failed}}}' >$RUNWARD_EVIDENCE_DIR/out.json; ")
}

pub(crate) fn bundle(sandbox: &Sandbox) -> PathBuf {
    sandbox.path("bundle")
}

pub(crate) fn judged<'a>(sandbox: &'a Sandbox, script: &str) -> Run<'a> {
    sealed(sandbox, script).option("--spec", spec(sandbox))
}

pub(crate) fn sealed<'a>(sandbox: &'a Sandbox, script: &str) -> Run<'a> {
    let run = sandbox.run().option("--evidence", bundle(sandbox));
    run.shell(script)
}

pub(crate) fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a file");
    serde_json::from_str(&text).expect("JSON")
}

/// Runs it, and returns its exit code and its record.
fn ends(run: Run<'_>) -> (i32, Value, Ended) {
    let result = run.result();
    let ended = run.finish();
    let code = ended.code.expect("an exit code");
    let record = json(&result);
    assert_eq!(record["exit"], code, "{record}");
    (code, record, ended)
}

pub(crate) fn verify(spec: &Path, dir: &Path) -> Output {
    let mut command = Command::new(binaries::runward());
    let command = command.arg("verify").arg(spec).arg(dir);
    command.args(["--format", "json"]).output().expect("verify")
}

/// The exit code of `runward verify`, and the failure of the seal.
#[track_caller]
pub(crate) fn seal_of(dir: &Path) -> (i32, String) {
    let seen = verify(Path::new(OWN), dir);
    let report: Value = serde_json::from_slice(&seen.stdout).expect("a report");
    let rules = report["rules"].as_array().expect("rules");
    assert_eq!(rules[0]["id"], "bundle.sealed", "it comes first");
    let kind = rules[0]["failure"]["kind"].as_str().unwrap_or_default();
    (seen.status.code().expect("a code"), kind.to_owned())
}

/// What is left beside the bundle of the directory that it grew in.
pub(crate) fn staging(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = fs::read_dir(sandbox.root()).expect("a directory").flatten();
    let hidden = |path: &PathBuf| path.to_string_lossy().ends_with(".runward");
    entries.map(|entry| entry.path()).filter(hidden).collect()
}

#[test]
fn the_verdict_joins_the_exit_code() {
    for (tried, failed, status, code, verdict) in [
        (1, 0, 0, 0, "proven"),
        (1, 1, 0, 121, "refuted"),
        (0, 0, 0, 122, "vacuous"),
        (1, 1, 7, 7, "refuted"),
        (1, 0, 7, 7, "proven"),
    ] {
        let sandbox = Sandbox::new(20);
        let script = format!("{}exit {status}", out(tried, failed));
        let (exit, record, ended) = ends(judged(&sandbox, &script));
        assert_eq!(
            (exit, &record["verdict"]),
            (code, &verdict.into()),
            "{ended:?}"
        );
        assert!(
            ended.stderr.contains(&format!("evidence {verdict}")),
            "{ended:?}"
        );
        assert!(staging(&sandbox).is_empty());
    }
}

#[test]
fn what_is_missing_is_inconclusive_and_says_so() {
    let sandbox = Sandbox::new(20);
    let (exit, record, ended) = ends(judged(&sandbox, "true"));
    assert_eq!((exit, &record["verdict"]), (122, &"inconclusive".into()));
    assert!(ended.stderr.contains("out.json"), "{ended:?}");
    assert!(
        record["evidence"]["why"]
            .as_str()
            .expect("why")
            .contains("present.out")
    );
}

#[test]
fn without_a_spec_the_bundle_is_sealed_and_nothing_is_claimed() {
    let sandbox = Sandbox::new(20);
    let (exit, record, _) = ends(sealed(&sandbox, &out(0, 5)));
    assert_eq!((exit, &record["verdict"]), (0, &Value::Null));
    assert_eq!(
        record["evidence"]["dir"],
        bundle(&sandbox).to_string_lossy().as_ref()
    );
    assert_eq!(seal_of(&bundle(&sandbox)), (0, String::new()));
}

#[test]
fn a_bundle_shows_what_a_run_promises() {
    let sandbox = Sandbox::new(30);
    let teardown = format!("cp {OWN} .");
    let run = sealed(&sandbox, &out(1, 0)).option("--spec", OWN);
    let run = run
        .app("web")
        .app("db")
        .teardown(teardown)
        .env("GITHUB_SHA", "abc");
    let (exit, record, ended) = ends(run);
    assert_eq!(
        (exit, &record["verdict"]),
        (0, &"proven".into()),
        "{ended:?}"
    );
    let own = json(&bundle(&sandbox).join("run.json"));
    assert_eq!(own["commit"], "abc");
    assert_eq!(own["run_id"], record["run_id"]);
    assert_eq!(own["finished_by"], "guardian");
    let mut prove = Command::new(binaries::runward());
    let prove = prove.arg("prove").arg(OWN).arg(bundle(&sandbox));
    let proven = prove.output().expect("prove");
    let text = String::from_utf8_lossy(&proven.stdout);
    assert_eq!(proven.status.code(), Some(0), "{text}");
}

#[test]
fn a_failed_teardown_is_seen_by_the_spec_of_a_run() {
    let sandbox = Sandbox::new(20);
    let run = sealed(&sandbox, &out(1, 0)).option("--spec", OWN);
    let (exit, record, _) = ends(run.app("web").teardown("false"));
    assert_eq!((exit, &record["verdict"]), (121, &"refuted".into()));
    let why = record["evidence"]["why"].as_str().expect("why");
    assert!(why.starts_with("teardowns.succeeded"), "{why}");
}

#[test]
fn what_a_teardown_writes_is_in_the_bundle() {
    let sandbox = Sandbox::new(20);
    let teardown = "sh -c 'echo 1 >$RUNWARD_EVIDENCE_DIR/torn'";
    let run = sealed(&sandbox, &out(1, 0)).teardown(teardown);
    assert_eq!(ends(run).0, 0);
    assert!(bundle(&sandbox).join("torn").exists());
    assert_eq!(seal_of(&bundle(&sandbox)).1, "");
}

#[test]
fn a_sealed_bundle_that_is_changed_is_refuted() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("late", |dir| {
            fs::write(dir.join("more"), "x").expect("a file")
        }),
        ("spliced", |dir| {
            let mut bytes = fs::read(dir.join("out.json")).expect("a file");
            bytes[2] ^= 1;
            fs::write(dir.join("out.json"), bytes).expect("a file");
        }),
        ("spliced", |dir| {
            fs::remove_file(dir.join("out.json")).expect("a file")
        }),
        ("spliced", |dir| {
            let text = fs::read_to_string(dir.join("run.json")).expect("a file");
            fs::write(dir.join("run.json"), text.replace("exited", "exitee")).expect("a file");
        }),
        ("bad_seal", |dir| {
            fs::write(dir.join("manifest.json"), "{").expect("a file")
        }),
    ];
    for (kind, change) in changes {
        let sandbox = Sandbox::new(20);
        assert_eq!(ends(sealed(&sandbox, &out(1, 0))).0, 0);
        change(&bundle(&sandbox));
        let (code, seen) = seal_of(&bundle(&sandbox));
        let expected = if kind == "bad_seal" { 2 } else { 1 };
        assert_eq!((code, &*seen), (expected, kind));
    }
}

#[test]
fn the_manifest_of_another_run_is_refuted() {
    let (one, other) = (Sandbox::new(20), Sandbox::new(20));
    for sandbox in [&one, &other] {
        assert_eq!(ends(sealed(sandbox, &out(1, 0))).0, 0);
    }
    let manifest = |sandbox| bundle(sandbox).join("manifest.json");
    fs::copy(manifest(&other), manifest(&one)).expect("a copy");
    assert_eq!(seal_of(&bundle(&one)), (1, "foreign".into()));
    // Its file about the run is not enough to make it look like one.
    fs::copy(
        bundle(&other).join("run.json"),
        bundle(&one).join("run.json"),
    )
    .expect("a copy");
    assert_eq!(seal_of(&bundle(&one)), (1, "spliced".into()));
}

#[test]
fn what_is_older_than_the_run_is_foreign() {
    let sandbox = Sandbox::new(20);
    let script = out(1, 0) + "touch -d 2001-01-01 $RUNWARD_EVIDENCE_DIR/out.json";
    let (exit, record, _) = ends(sealed(&sandbox, &script));
    assert_eq!((exit, &record["verdict"]), (121, &"refuted".into()));
    let script = out(1, 0) + "touch -d 2101-01-01 $RUNWARD_EVIDENCE_DIR/out.json";
    let sandbox = Sandbox::new(20);
    assert_eq!(ends(sealed(&sandbox, &script)).0, 121);
    assert_eq!(seal_of(&bundle(&sandbox)), (1, "late".into()));
}

#[test]
fn what_is_no_evidence_is_typed_and_hangs_nothing() {
    for (script, kind) in [
        ("mkfifo $RUNWARD_EVIDENCE_DIR/x", "not_a_file"),
        ("ln -s /etc/hostname $RUNWARD_EVIDENCE_DIR/x", "not_a_file"),
        ("truncate -s 70M $RUNWARD_EVIDENCE_DIR/x", "too_large"),
    ] {
        let sandbox = Sandbox::new(20);
        let (exit, record, _) = ends(sealed(&sandbox, &(out(1, 0) + script)));
        assert_eq!(
            (exit, &record["verdict"]),
            (122, &"inconclusive".into()),
            "{script}"
        );
        let why = record["evidence"]["why"].as_str().expect("why");
        assert!(why.contains(kind) && why.contains("`x`"), "{why}");
        assert_eq!(seal_of(&bundle(&sandbox)), (2, kind.into()));
    }
}

#[test]
fn a_bundle_that_cannot_be_sealed_is_inconclusive_and_the_record_is_there() {
    for (script, said) in [
        ("rm -r $RUNWARD_EVIDENCE_DIR", "removed"),
        (
            "echo >$RUNWARD_EVIDENCE_DIR/run.json",
            "name of runward's own",
        ),
        (
            "rmdir $RUNWARD_EVIDENCE_DIR; ln -s / $RUNWARD_EVIDENCE_DIR",
            "removed",
        ),
        (
            "mkdir -p $RUNWARD_EVIDENCE_DIR/.manifest.json.runward/x",
            "manifest.json",
        ),
    ] {
        let sandbox = Sandbox::new(20);
        let (exit, record, ended) = ends(sealed(&sandbox, script));
        assert_eq!(
            (exit, &record["verdict"]),
            (122, &"inconclusive".into()),
            "{script}"
        );
        assert!(ended.stderr.contains(said), "{ended:?}");
        // Without a seal it would look like any directory.
        assert!(!bundle(&sandbox).exists(), "{script}");
    }
}

/// The key of the run is in the name of the directory that the program gets.
const KEY: &str = "key=${RUNWARD_EVIDENCE_DIR##*/.bundle.}; key=${key%.runward}; ";

#[test]
fn what_the_program_seals_itself_is_no_bundle() {
    let sandbox = Sandbox::new(20);
    let forge = r#"mkdir $bundle; mv $RUNWARD_EVIDENCE_DIR/out.json $bundle; rmdir $RUNWARD_EVIDENCE_DIR
        sum=$(sha256sum <$bundle/out.json | cut -c1-64); size=$(stat -c %s $bundle/out.json)
        printf '{"schema":1,"sealed_by":"runward","armed":"2001-01-01T00:00:00Z","sealed":"2101-01-01T00:00:00Z","run":{"key":"%s"},"files":[
        {"path":"out.json","size":%s,"sha256":"%s","modified":"2002-01-01T00:00:00Z"}]}' $key $size $sum >$bundle/manifest.json"#;
    let place = format!("bundle={}; ", bundle(&sandbox).display());
    let script = out(1, 0) + KEY + &place + forge;
    let (exit, record, ended) = ends(judged(&sandbox, &script));
    // It is a good one, as far as it goes.
    assert_eq!(seal_of(&bundle(&sandbox)).1, "");
    assert_eq!((exit, &record["verdict"]), (122, &"inconclusive".into()));
    assert!(ended.stderr.contains("the program removed"), "{ended:?}");
    assert!(!ended.stderr.contains("the bundle is in"), "{ended:?}");
}

#[test]
fn what_the_program_says_of_its_own_run_is_refused() {
    for name in ["run.json", "events.jsonl", "manifest.json"] {
        let sandbox = Sandbox::new(20);
        let said = format!("echo \"{{\\\"key\\\":\\\"$key\\\"}}\" >$RUNWARD_EVIDENCE_DIR/{name}");
        let (exit, _, ended) = ends(sealed(&sandbox, &(out(1, 0) + KEY + &said)));
        assert_eq!(exit, 122, "{ended:?}");
        assert!(ended.stderr.contains("name of runward's own"), "{ended:?}");
    }
}

#[test]
fn a_spec_that_asks_nothing_is_vacuous() {
    let sandbox = Sandbox::new(20);
    let nothing = sandbox.path("nothing.spec.toml");
    let text = "schema = 1\nid = \"n\"\n[files]\nunread = \"allow\"\nwhy = \"w\"\n";
    fs::write(&nothing, text).expect("a spec");
    let run = sealed(&sandbox, &out(1, 0)).option("--spec", &nothing);
    let (exit, record, _) = ends(run);
    assert_eq!((exit, &record["verdict"]), (122, &"vacuous".into()));
}

#[test]
fn wrong_usage_of_a_command_that_judges_is_64() {
    for args in [
        &["verify"][..],
        &["verify", "spec", "dir", "--format", "xml"],
        &["verify", "spec", "dir", "--param", "x"],
        &["prove", "spec"],
        &["explain", "spec"],
        &["lint", "--nothing"],
    ] {
        let mut command = Command::new(binaries::runward());
        let ended = command.args(args).output().expect("an answer");
        assert_eq!(ended.status.code(), Some(64), "{args:?}: {ended:?}");
    }
}

#[test]
fn a_spec_that_the_program_changes_judges_as_it_was() {
    let sandbox = Sandbox::new(30);
    let script = format!("{}echo >{}", out(1, 1), spec(&sandbox).display());
    let (exit, record, _) = ends(judged(&sandbox, &script));
    assert_eq!((exit, &record["verdict"]), (121, &"refuted".into()));
}

#[test]
fn a_place_that_is_taken_is_refused_with_the_remedy() {
    let sandbox = Sandbox::new(20);
    let full = sandbox.path("full");
    fs::create_dir_all(full.join("old")).expect("a directory");
    symlink(&full, sandbox.path("link")).expect("a link");
    fs::write(sandbox.path("file"), "").expect("a file");
    for name in ["full", "link", "file", "nowhere/bundle"] {
        let run = sandbox.run().option("--evidence", sandbox.path(name));
        let ended = run.shell("touch started").finish();
        ended.assert_code(125);
        assert!(
            ended.stderr.contains("give --evidence a directory"),
            "{ended:?}"
        );
    }
    assert!(!sandbox.path("started").exists());
    assert!(staging(&sandbox).is_empty());
}

#[test]
fn a_spec_that_is_none_is_refused_before_anything_starts() {
    let sandbox = Sandbox::new(20);
    let bad = sandbox.path("bad.spec.toml");
    fs::write(&bad, "schema = 2\n").expect("a file");
    let fifo = sandbox.path("fifo");
    let name = CString::new(fifo.to_string_lossy().as_bytes()).expect("a name");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        name,
        rustix::fs::FileType::Fifo,
        0o600.into(),
        0,
    )
    .expect("a fifo");
    for spec in [bad, fifo, sandbox.path("none")] {
        let run = sealed(&sandbox, "touch started").option("--spec", &spec);
        run.finish().assert_code(125);
    }
    let alone = sandbox.run().option("--spec", spec(&sandbox)).shell("true");
    let ended = alone.finish();
    ended.assert_code(125);
    assert!(ended.stderr.contains("--evidence"), "{ended:?}");
    assert!(!sandbox.path("started").exists());
}

#[test]
fn an_empty_directory_becomes_the_bundle() {
    let sandbox = Sandbox::new(20);
    fs::create_dir(bundle(&sandbox)).expect("a directory");
    assert_eq!(ends(judged(&sandbox, &out(1, 0))).0, 0);
    let mode = fs::metadata(bundle(&sandbox))
        .expect("a bundle")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "private");
}

#[test]
fn a_program_that_is_not_found_leaves_a_bundle_that_says_so() {
    let sandbox = Sandbox::new(20);
    let run = judged(&sandbox, "").program(["/nowhere/program"]);
    let (exit, record, _) = ends(run);
    assert_eq!((exit, &record["verdict"]), (127, &"inconclusive".into()));
    assert_eq!(seal_of(&bundle(&sandbox)).1, "");
}

#[test]
fn what_may_not_be_read_is_no_evidence() {
    let test = "what_may_not_be_read_is_no_evidence";
    if !is_root() {
        return skip(test, "needs root, to become nobody");
    }
    for (script, said) in [
        ("chmod 0 $RUNWARD_EVIDENCE_DIR/out.json", "unreadable"),
        (
            "mkdir -m 0 $RUNWARD_EVIDENCE_DIR/x",
            "list the bundle's directory",
        ),
        ("chmod 0 $RUNWARD_EVIDENCE_DIR", "Permission denied"),
    ] {
        let sandbox = Sandbox::new(20);
        places::give_to_nobody(sandbox.root());
        let run = sealed(&sandbox, &(out(1, 0) + script));
        let nobody = [
            "setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
        ];
        let (exit, record, ended) = ends(run.containment("subreaper").via(nobody));
        assert_eq!(
            (exit, &record["verdict"]),
            (122, &"inconclusive".into()),
            "{ended:?}"
        );
        assert!(ended.stderr.contains(said), "{ended:?}");
        // For the sandbox to be removed.
        bundle(&sandbox)
            .exists()
            .then(|| places::set_mode(&bundle(&sandbox), 0o700));
    }
}

#[test]
fn on_a_full_disk_the_bundle_is_inconclusive_and_the_record_is_there() {
    let test = "on_a_full_disk_the_bundle_is_inconclusive_and_the_record_is_there";
    let sandbox = Sandbox::new(20);
    let disk = is_root().then(|| Tmpfs::mount(&sandbox.path("disk"), 64));
    let Some(disk) = disk.flatten() else {
        return skip(test, "needs root, to mount a file system");
    };
    let run = sandbox
        .run()
        .option("--evidence", disk.path().join("bundle"));
    let run = run.shell("dd if=/dev/zero of=$RUNWARD_EVIDENCE_DIR/x 2>/dev/null; true");
    let (exit, record, ended) = ends(run);
    assert_eq!(
        (exit, &record["verdict"]),
        (122, &"inconclusive".into()),
        "{ended:?}"
    );
    assert!(ended.stderr.contains("No space left"), "{ended:?}");
    assert!(!disk.path().join("bundle").exists(), "not sealed");
}
