use super::*;
use std::os::unix::fs::symlink;
use std::time::Duration;

fn record() -> Record {
    Record {
        schema: 1,
        run_id: "r-1".into(),
        apps: vec![App {
            name: "web".into(),
            fence: 7,
            waited_ms: 12,
        }],
        argv: vec!["true".into()],
        cause: Cause {
            kind: "exited",
            ..Cause::default()
        },
        program: Some(Program::Code(0)),
        exit: 0,
        started: timestamp(SystemTime::UNIX_EPOCH),
        ended: timestamp(SystemTime::UNIX_EPOCH + Duration::from_millis(1_500)),
        containment: "cgroup".into(),
        leaks: vec![Process {
            pid: 5,
            command: "sleep 9".into(),
            ppid: Some(1),
            exe: Some("/bin/sleep".into()),
            age_ms: Some(70),
            outputs: vec![Output::Stdout],
            ports: vec![80],
            stuck: None,
        }],
        survivors: vec![Process {
            pid: 6,
            command: "?".into(),
            stuck: Some("frozen".into()),
            ..Process::default()
        }],
        teardowns: vec![Teardown {
            command: "rm x".into(),
            code: Some(0),
            ms: 3,
        }],
        verdict: None,
        evidence: None,
    }
}

fn target(dir: &Path, name: &str) -> Result<Target> {
    Target::check(&dir.join(name), dir.join("home/records/r-1.json"))
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn the_json_is_that_of_schema_1() {
    let expected = concat!(
        r#"{"schema":1,"run_id":"r-1","apps":[{"name":"web","fence":7,"waited_ms":12}],"argv":["true"],"#,
        r#""cause":{"kind":"exited"},"program":{"code":0},"exit":0,"started":"1970-01-01T00:00:00.000Z","#,
        r#""ended":"1970-01-01T00:00:01.500Z","containment":"cgroup","leaks":[{"pid":5,"command":"sleep 9","#,
        r#""ppid":1,"exe":"/bin/sleep","age_ms":70,"outputs":["stdout"],"ports":[80]}],"#,
        r#""survivors":[{"pid":6,"command":"?","stuck":"frozen"}],"teardowns":[{"command":"rm x","code":0,"ms":3}]}"#
    );
    assert_eq!(serde_json::to_string(&record()).unwrap(), expected);
}

#[test]
fn checking_leaves_nothing_behind_and_writing_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "r.json").unwrap();
    assert!(names(dir.path()).is_empty());
    target.write(&record()).unwrap();
    target.write(&record()).unwrap();
    assert_eq!(names(dir.path()), ["r.json"]);
    assert!(
        fs::read_to_string(dir.path().join("r.json"))
            .unwrap()
            .ends_with("}\n")
    );
}

#[test]
fn a_directory_that_went_away_does_not_lose_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let workspace = dir.path().join("ws");
    fs::create_dir(&workspace).unwrap();
    let fallback = dir.path().join("home/records/r-1.json");
    let target = Target::check(&workspace.join("r.json"), fallback.clone()).unwrap();
    fs::remove_dir(&workspace).unwrap();
    assert_eq!(target.write(&record()).unwrap(), fallback);
    assert!(fallback.exists());
}

#[test]
fn what_cannot_be_written_is_refused_at_once() {
    let dir = tempfile::tempdir().unwrap();
    assert!(target(dir.path(), "no/such/r.json").is_err());
    assert!(target(dir.path(), "..").is_err());
    fs::create_dir(dir.path().join("d")).unwrap();
    assert!(target(dir.path(), "d").is_err());
    for device in ["/dev/null", "/dev/full"] {
        assert!(
            Target::check(Path::new(device), dir.path().join("f")).is_err(),
            "{device}"
        );
    }
}

#[test]
fn a_link_is_replaced_and_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let (victim, link) = (dir.path().join("victim"), dir.path().join("link.json"));
    fs::write(&victim, "old").unwrap();
    symlink("victim", &link).unwrap();
    target(dir.path(), "link.json")
        .unwrap()
        .write(&record())
        .unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_file());
    assert!(
        fs::read_to_string(&link)
            .unwrap()
            .starts_with("{\"schema\":1")
    );
    assert_eq!(fs::read_to_string(&victim).unwrap(), "old");
}

#[test]
fn the_longest_file_name_has_room_for_its_draft() {
    let dir = tempfile::tempdir().unwrap();
    target(dir.path(), &"n".repeat(255))
        .unwrap()
        .write(&record())
        .unwrap();
    assert_eq!(names(dir.path()).len(), 1);
}
