use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use crate::{Rules, Setting};

#[test]
fn a_directory_or_a_database_is_as_it_is_said() {
    let of = |text: &str| Rules::parse("r", text).unwrap().ledger().clone();
    let usual = of("");
    assert_eq!((usual.directory(), usual.database()), (None, None));
    let folder = of("[ledger]\ndirectory = \"kept\"\n");
    assert_eq!(folder.directory(), Some(Path::new("kept")));
    assert_eq!(folder.database(), None);
    let database =
        of("[ledger]\nurl = \"postgres://ann@db/app\"\nschema = \"canary_1\"\ntimeout = \"3s\"\n");
    assert_eq!(database.directory(), None);
    assert_eq!(database.timeout(), Duration::from_secs(3));
    let settings = database.database().unwrap();
    assert_eq!(settings["schema"], Setting::Text("canary_1".into()));
    let secret = of("[ledger]\nurl_env = \"CANARY_URL\"\n");
    assert_eq!(secret.timeout(), Duration::from_secs(10));
    assert_eq!(secret.database().unwrap().len(), 1);
}

#[test]
fn what_cannot_be_a_ledger_is_refused_where_it_stands() {
    let schemas = ["public", "pg_mine", "Canary", "a-b", "a\\\"b", "", "1a"];
    let schemas = schemas.map(|name| format!("url_env = \"U\"\nschema = \"{name}\""));
    let others = [
        "directory = \"a\"\nurl = \"postgres://ann@db/app\"",
        "directory = \"a\"\nschema = \"b\"",
        "directory = \"\"",
        "url = \"postgres://ann@db/app\"\nurl_env = \"U\"",
        "url = \"postgres://ann:hunter2@db/app\"",
        "url = \"postgres:///app?user=ann&password=hunter2\"",
        "url = 1",
        "schema = \"a\"",
        "timeout = \"3s\"",
        "url_env = \"U\"\ntimeout = \"0s\"",
        "url_env = \"U\"\ntimeout = \"11m\"",
        "urls = \"postgres://ann@db/app\"",
    ];
    let long = format!("url_env = \"U\"\nschema = \"{}\"", "a".repeat(64));
    let all = others.map(str::to_owned).into_iter().chain(schemas);
    for wrong in all.chain([long]) {
        let error = Rules::parse("r", &format!("[ledger]\n{wrong}\n")).unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("r:2:") || error.starts_with("r:3:"),
            "{wrong}: {error}"
        );
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn the_schema_knows_the_same_keys() {
    let schema: Value = serde_json::from_str(&Rules::schema()).unwrap();
    let ledger = &schema["properties"]["ledger"];
    assert_eq!(ledger["additionalProperties"], Value::Bool(false));
    let keys: Vec<_> = ledger["properties"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["directory", "schema", "timeout", "url", "url_env"]);
}
