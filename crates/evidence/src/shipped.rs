/// The specs that come with the crate: the name of each, and its text.
pub fn shipped() -> impl Iterator<Item = (&'static str, &'static str)> {
    [
        ("benchmark", include_str!("../specs/benchmark.toml")),
        (
            "canary-drill",
            include_str!("../specs/canary-drill.spec.toml"),
        ),
        ("coverage", include_str!("../specs/coverage.toml")),
        ("junit", include_str!("../specs/junit.toml")),
        (
            "policy-scheduler",
            include_str!("../specs/policy-scheduler.spec.toml"),
        ),
        (
            "runward-run",
            include_str!("../specs/runward-run.spec.toml"),
        ),
    ]
    .into_iter()
}

/// The reference of the language, in Markdown.
pub fn language_reference() -> &'static str {
    include_str!("../LANGUAGE.md")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Spec;

    #[test]
    fn each_is_a_spec_that_is_called_so_and_begins_with_what_it_is_about() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/specs"));
        assert_eq!(files.expect("the specs").count(), shipped().count());
        for (name, text) in shipped() {
            let spec = Spec::parse(name, text).expect("a spec");
            assert_eq!(spec.id(), name);
            assert!(text.starts_with("# "), "{name}");
        }
    }
}
