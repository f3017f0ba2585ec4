//! What a Docker engine has, asked over its socket: a process that asks by itself has no child whose death it could take for an answer.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

/// What bears the name of its stack as a label.
const LABELLED: [(&str, &str, &str); 6] = [
    ("service", "/services", ""),
    ("task", "/tasks", ""),
    ("container", "/containers/json", "&all=1"),
    ("network", "/networks", ""),
    ("volume", "/volumes", ""),
    ("config", "/configs", ""),
];

/// Asks for a path; the status and the body.
///
/// # Errors
///
/// When the engine does not answer.
pub fn get(socket: &Path, path: &str) -> io::Result<(u16, String)> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or_else(|| io::Error::other(format!("no answer: {answer:?}")))?;
    Ok((status, body.to_owned()))
}

/// All that the engine has of a stack, as `kind name`: by label, and secrets by the beginning of their names.
///
/// # Panics
///
/// When the engine does not answer.
#[track_caller]
pub fn objects(socket: &Path, stack: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (kind, path, more) in LABELLED {
        let filter =
            format!("%7B%22label%22%3A%5B%22com.docker.stack.namespace%3D{stack}%22%5D%7D");
        let list = list(socket, &format!("{path}?filters={filter}{more}"));
        found.extend(list.iter().map(|one| format!("{kind} {}", name(one))));
    }
    let prefix = format!("{stack}_");
    let secrets = list(socket, "/secrets");
    let own = secrets.iter().map(name);
    found.extend(
        own.filter(|name| name.starts_with(&prefix))
            .map(|name| format!("secret {name}")),
    );
    found
}

fn list(socket: &Path, path: &str) -> Vec<Value> {
    let (status, body) = get(socket, path).expect("the engine answers");
    assert_eq!(status, 200, "{path}: {body}");
    let value: Value = serde_json::from_str(&body).expect("JSON");
    let list = value.get("Volumes").unwrap_or(&value);
    list.as_array().cloned().unwrap_or_default()
}

fn name(object: &Value) -> String {
    let places = ["/Spec/Name", "/Name", "/Names/0", "/ID", "/Id"];
    let mut names = places
        .iter()
        .filter_map(|place| object.pointer(place)?.as_str());
    names.next().unwrap_or("?").to_owned()
}
