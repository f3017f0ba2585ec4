//! The status page, in a browser: hostile text does nothing, a phone needs no sideways scrolling, and every text can be read in light and dark.

use std::path::Path;

use runward_canary::publish;
use serde_json::Value;

use super::fixture::{Cycle, HOSTILE};
use super::host;

fn page() -> String {
    let long = "x".repeat(1_000_000);
    let mut subjects = HOSTILE.to_vec();
    subjects.push(&long);
    let cycle = Cycle::new(&subjects)
        .with_source(HOSTILE[0])
        .with_warning(HOSTILE[1])
        .with_title("<b>fleet</b> & co");
    cycle.status().html()
}

#[test]
fn nothing_in_it_runs_or_is_loaded() {
    let page = page();
    assert!(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
    assert!(page.contains("default-src 'none'"));
    for forbidden in [
        "<script",
        "<img",
        "<iframe",
        "<link",
        "href=",
        "src=x onerror=\"",
        "url(",
        "@import",
        "\u{202e}",
        "\u{1b}",
    ] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.len() < 100_000, "{} bytes", page.len());
    assert!(page.contains("&lt;b&gt;fleet&lt;/b&gt; &amp; co"));
}

#[test]
fn each_invariant_is_on_it_and_says_how_it_stands() {
    let page = page();
    for said in [
        "S-01",
        "B-02",
        "G-03",
        "L-03",
        "R-01",
        "G-01",
        "Unknown: S-01 red (10 subjects)",
        "redis: connection refused",
        "vacuous",
        "412",
        "nobody is looking",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

/// What a browser of that width and scheme makes of the page.
fn seen(page: &str, width: u32, scheme: &str) -> Option<Value> {
    let chromium = host::program("chromium")?;
    let folder = tempfile::tempdir().expect("a folder");
    let probe = folder.path().join("probe.html");
    let escaped = page.replace('&', "&amp;").replace('"', "&quot;");
    let text = include_str!("probe.html")
        .replace("WIDTH", &width.to_string())
        .replace("PAGE", &escaped);
    publish(&probe, &text).expect("written");
    let said = browse(&chromium, folder.path(), scheme, &["--dump-dom"], &probe);
    let (_, rest) = said
        .split_once("<output>")
        .unwrap_or_else(|| panic!("the browser says:\n{said}"));
    let (json, _) = rest.split_once("</output>").expect("the end of it");
    let json = json
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&");
    Some(serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}")))
}

fn browse(chromium: &Path, folder: &Path, scheme: &str, more: &[&str], page: &Path) -> String {
    let profile = format!("--user-data-dir={}", folder.join("profile").display());
    let scheme = format!(
        "--blink-settings=preferredColorScheme={}",
        u8::from(scheme == "light")
    );
    let address = format!("file://{}", page.display());
    let mut arguments = vec![
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--virtual-time-budget=3000",
        &profile,
        &scheme,
    ];
    arguments.extend(more);
    arguments.push(&address);
    let output = host::run(chromium, &arguments, None);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_browser_shows_it_on_a_phone_in_light_and_dark() {
    for scheme in ["light", "dark"] {
        for width in [360, 1_280] {
            let Some(seen) = seen(&page(), width, scheme) else {
                host::skip(
                    "pages::a_browser_shows_it_on_a_phone_in_light_and_dark",
                    "no chromium",
                );
                return;
            };
            let place = format!("{scheme}, {width} wide: {seen}");
            assert_eq!(seen["dark"], Value::from(scheme == "dark"), "{place}");
            assert_eq!(seen["sideways"], Value::from(false), "{place}");
            assert_eq!(seen["foreign"], Value::from(0), "{place}");
            assert_eq!(
                seen["title"],
                Value::from("UNKNOWN: <b>fleet</b> & co"),
                "{place}"
            );
            assert!(
                seen["contrast"].as_f64().expect("a number") >= 4.5,
                "{place}"
            );
            assert!(seen["texts"].as_u64().expect("a number") > 20, "{place}");
            assert_eq!(seen["unnamed"], Value::from(0), "{place}");
        }
    }
}
