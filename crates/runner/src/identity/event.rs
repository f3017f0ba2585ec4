use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

/// Larger than what GitHub sends, and no burden.
const LARGEST: u64 = 32 << 20;

#[derive(Deserialize)]
struct Event {
    pull_request: Option<PullRequest>,
}

#[derive(Deserialize)]
struct PullRequest {
    number: u64,
}

/// The pull request of the event in GitHub's event file: some events name it there only.
pub(crate) fn pull_request_of_event(path: &Path) -> Option<String> {
    if !path.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = Vec::new();
    File::open(path)
        .ok()?
        .take(LARGEST)
        .read_to_end(&mut text)
        .ok()?;
    let event: Event = serde_json::from_slice(&text).ok()?;
    event.pull_request.map(|request| request.number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(event: &str) -> Option<String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("event.json");
        std::fs::write(&path, event).unwrap();
        pull_request_of_event(&path)
    }

    #[test]
    fn the_event_names_its_pull_request() {
        assert_eq!(
            number(r#"{"action":"x","pull_request":{"number":41,"x":[]}}"#).as_deref(),
            Some("41")
        );
        assert_eq!(number(r#"{"pull_request":{"number":"../x"}}"#), None);
        assert_eq!(number(r#"{"ref":"main"}"#), None);
        assert_eq!(number("no json"), None);
        assert_eq!(pull_request_of_event(Path::new("/no/such/file")), None);
    }
}
