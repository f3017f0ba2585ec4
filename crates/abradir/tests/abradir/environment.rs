//! What the commands of a run are started with.

use std::path::Path;
use std::process::Command;

use runward_abradir::{ErrorKind, Layout, Request};

use crate::canonical::{self, request};
use crate::harness::{Scratch, put};

const KUBE: &str = r#"
format = 1
tool = "kubectl"
[variables]
KUBECONFIG = "config"
HOME = "home"
[paths]
config = "copy"
home = "own"
cache = "own"
"#;

#[test]
fn the_environment_is_this_and_nothing_else() {
    let scratch = Scratch::new();
    canonical::make(&scratch);
    let layout = Layout::abra();
    let flags = request(&layout, &scratch).flag("offline").flag("no-input");
    let state = scratch.root().build(&flags).unwrap();
    let variables: Vec<_> = state.environment().variables().collect();
    assert_eq!(variables, [("ABRA_DIR", state.path())]);
    assert_eq!(state.environment().arguments(), ["--offline", "--no-input"]);

    let mut command = Command::new("/usr/bin/env");
    command.env_clear().env("ABRA_DIR", "/home/me/.abra");
    let output = state.environment().apply(&mut command).output().unwrap();
    let expected = format!("ABRA_DIR={}\n", state.path().display());
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn a_layout_of_another_tool_has_its_own_variables() {
    let scratch = Scratch::new();
    let source = scratch.path("kube");
    put(&source.join("config"), "clusters: []\n");
    let layout = Layout::parse(KUBE, Path::new("kube.toml")).unwrap();
    let state = scratch
        .root()
        .build(&Request::new(&layout, "x").source(&source))
        .unwrap();
    let top = state.path();
    let variables: Vec<_> = state
        .environment()
        .variables()
        .map(|(n, v)| (n, v.to_owned()))
        .collect();
    assert_eq!(
        variables,
        [
            ("HOME", top.join("home")),
            ("KUBECONFIG", top.join("config"))
        ]
    );
    assert_eq!(
        std::fs::read_to_string(top.join("config")).unwrap(),
        "clusters: []\n"
    );
    assert!(top.join("cache").is_dir());
}

#[test]
fn an_unknown_flag_is_refused_with_the_nearest() {
    let scratch = Scratch::new();
    let layout = Layout::abra();
    let error = scratch
        .root()
        .build(&Request::new(&layout, "x").flag("ofline"))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    assert!(
        error.to_string().contains("did you mean \"offline\"?"),
        "{error}"
    );
}
