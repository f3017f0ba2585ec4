//! A canonical directory as `abra` has it, and a tool that does to it what `abra` does.

use std::path::{Path, PathBuf};
use std::process::Command;

use runward_abradir::{App, Layout, Request, Root, StateDir};

use crate::harness::{Scratch, put, set_mode};

pub(crate) const OWN: &str = "shop-a1b2c3.ci.example.org";
pub(crate) const FOREIGN: &str = "prod.example.org";
pub(crate) const SETTINGS: &str = "TYPE=shop\nDOMAIN=shop-a1b2c3.ci.example.org\n";

/// Makes it, with two recipes, a catalogue, an app of somebody else, and what a run has no use for.
pub(crate) fn make(scratch: &Scratch) -> PathBuf {
    let top = scratch.source();
    let file = |name: &str, contents: &str| put(&top.join(name), contents);
    file(
        &format!("servers/default/{FOREIGN}.env"),
        "TYPE=wiki:2.0\nSECRET=x\n",
    );
    file("recipes/shop/compose.yml", "services: {app: {}}\n");
    file("recipes/shop/abra.sh", "export CONF_VERSION=v3\n");
    file("recipes/shop/run.sh", "#!/bin/sh\n");
    set_mode(&top.join("recipes/shop/run.sh"), 0o755);
    // More than the mask of a process lets through.
    set_mode(&top.join("recipes/shop/abra.sh"), 0o666);
    std::os::unix::fs::symlink("compose.yml", top.join("recipes/shop/link")).unwrap();
    file("recipes/wiki/compose.yml", "services: {web: {}}\n");
    file("catalogue/recipes.json", "{\"version\": 1}\n");
    file("vendor/big", "x");
    top
}

pub(crate) fn request<'a>(layout: &'a Layout, scratch: &Scratch) -> Request<'a> {
    Request::new(layout, "build-17")
        .source(scratch.source())
        .stage("recipes/shop")
        .app(App::fresh("default", OWN, SETTINGS))
}

pub(crate) fn build(root: &Root, scratch: &Scratch) -> StateDir {
    root.build(&request(&Layout::abra(), scratch)).unwrap()
}

pub(crate) fn settings(state: &Path, domain: &str) -> PathBuf {
    state.join(format!("servers/default/{domain}.env"))
}

/// The tool: it lists apps, writes the version it deploys into the settings, and checks out.
const TOOL: &str = r#"
set -eu
case "$1" in
  ls) cd "$ABRA_DIR/servers"; for app in */*.env; do echo "$app"; done ;;
  deploy) sed -i "s/^TYPE=shop.*/TYPE=shop:$3/" "$ABRA_DIR/servers/default/$2.env" ;;
  checkout) echo "$3" >"$ABRA_DIR/recipes/$2/VERSION" ;;
  update) mkdir "$ABRA_DIR/cache"; touch "$ABRA_DIR/logs/x" ;;
esac
"#;

/// Runs the tool with the environment of a run; answers what it printed.
pub(crate) fn tool(state: &StateDir, words: &[&str]) -> String {
    let mut command = Command::new("sh");
    command.args(["-c", TOOL, "abra"]).args(words);
    let output = state.environment().apply(&mut command).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
