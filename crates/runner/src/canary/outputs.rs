//! The files that others look at.
use std::path::Path;

use runward_canary::publish;
use runward_canary::render::{Status, Unwritten};

use super::setup::Setup;

/// Writes them, but for those that could not be written before. Returns those that cannot be written now.
pub(super) fn write(setup: &Setup, status: &Status<'_>) -> Vec<Unwritten> {
    let output = setup.rules.output();
    let before = |key: &str| status.unwritten.iter().any(|it| it.key == key);
    let put = |key: &str, path: Option<&Path>, text: &dyn Fn() -> String| {
        let path = setup.beside(path.filter(|_| !before(key))?);
        let why = publish(&path, &text()).err()?.to_string();
        let key = key.to_owned();
        Some(Unwritten { key, why })
    };
    let failed = [
        put("html", output.html(), &|| status.html()),
        put("prometheus", output.prometheus(), &|| status.prometheus()),
        put("json", output.json(), &|| status.json()),
    ];
    failed.into_iter().flatten().collect()
}
