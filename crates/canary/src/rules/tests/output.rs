use std::path::Path;

use crate::Rules;

#[test]
fn paths_are_as_they_are_said_and_typos_are_refused() {
    let rules = Rules::parse("r", "[output]\nhtml = \"a.html\"\njson = \"/b.json\"\n").unwrap();
    assert_eq!(rules.output().html(), Some(Path::new("a.html")));
    assert_eq!(rules.output().json(), Some(Path::new("/b.json")));
    assert_eq!(rules.output().prometheus(), None);
    for wrong in ["htm = \"a\"", "html = \"\"", "html = 1"] {
        let text = format!("[output]\n{wrong}\n");
        let error = Rules::parse("r", &text).unwrap_err().to_string();
        assert!(error.starts_with("r:2:"), "{wrong}: {error}");
    }
}
