use std::path::Path;

use proptest::prelude::*;

use super::{Layout, Share};
use crate::ErrorKind;

const GOOD: &str = "format = 1\ntool = \"t\"\n[variables]\nT = \".\"\n[paths]\na = \"own\"\n";

#[track_caller]
fn refused(text: &str, place: &str, said: &str) {
    let error = Layout::parse(text, Path::new("x.toml")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidLayout);
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("x.toml:{place}: ")),
        "{message}"
    );
    assert!(message.contains(said), "{message}");
}

#[test]
fn the_shipped_layout_is_valid() {
    let layout = Layout::abra();
    let shares: Vec<_> = layout.paths().collect();
    assert!(shares.contains(&(Path::new("servers"), Share::Own)));
    assert!(shares.contains(&(Path::new("recipes"), Share::Own)));
    assert!(shares.contains(&(Path::new("catalogue"), Share::Copy)));
    let home = layout.source(Path::new("/home/me"));
    assert_eq!(home.as_deref(), Some(Path::new("/home/me/.abra")));
}

#[test]
fn an_unknown_key_is_named_with_its_place_and_the_nearest() {
    refused(
        &format!("toool = 1\n{GOOD}"),
        "1:1",
        "did you mean \"tool\"?",
    );
    refused(
        &format!("{GOOD}b = \"lnik\"\n"),
        "7:5",
        "did you mean \"link\"?",
    );
    refused(
        &format!("{GOOD}[app]\nfiel = \"x\"\n"),
        "8:1",
        "did you mean \"file\"?",
    );
    refused(
        &GOOD.replace("\".\"", "\"b\""),
        "4:5",
        "did you mean \"a\"?",
    );
}

#[test]
fn hostile_paths_are_refused() {
    for path in ["..", "../x", "/etc", "a/../../x", "a\\nb", "x/"] {
        refused(&format!("{GOOD}\"{path}\" = \"link\"\n"), "7:1", "path ");
        let app = format!("{GOOD}[app]\nfile = \"{path}/{{domain}}\"\n");
        if path != "x/" {
            refused(&app, "8:8", "path ");
        }
    }
    refused(
        &format!("{GOOD}[app]\nfile = \"b/{{domain}}\"\n"),
        "8:8",
        "not in [paths]",
    );
    refused(
        &format!("{GOOD}[app]\nfile = \"a.env\"\n"),
        "8:8",
        "{domain}",
    );
}

#[test]
fn nothing_is_put_below_what_is_shared() {
    for share in ["link", "copy", "absent"] {
        let text = GOOD.replace("\"own\"", &format!("\"{share}\""));
        refused(
            &format!("{text}\"a/b\" = \"own\"\n"),
            "7:1",
            "lies below \"a\"",
        );
    }
    assert!(Layout::parse(&format!("{GOOD}\"a/b\" = \"copy\"\n"), Path::new("x")).is_ok());
}

#[test]
fn another_format_is_refused() {
    refused(
        &GOOD.replace("format = 1", "format = 2"),
        "1:10",
        "format 2",
    );
    refused(
        &GOOD.replace("T =", "\"T=\" ="),
        "4:1",
        "name of a variable",
    );
    refused(&format!("source = \"x\"\n{GOOD}"), "1:10", "absolute");
}

#[test]
fn a_share_is_changed_only_where_there_is_one() {
    let linked = Layout::abra().with_share("servers", Share::Link).unwrap();
    assert!(
        linked
            .paths()
            .any(|p| p == (Path::new("servers"), Share::Link))
    );
    let error = Layout::abra()
        .with_share("server", Share::Link)
        .unwrap_err();
    assert!(
        error.to_string().contains("did you mean \"servers\"?"),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "\\PC*", at in 0usize..80) {
        let _ = Layout::parse(&text, Path::new("x"));
        let mut mixed = GOOD.to_owned();
        mixed.insert_str(at.min(mixed.len()), &text);
        let _ = Layout::parse(&mixed, Path::new("x"));
    }
}
