//! Where state may lie.

use std::fs;
use std::os::unix::fs::{chown, symlink};
use std::path::Path;

use runward_abradir::{Doomed, Error, ErrorKind, Layout, Request, Root};

use crate::harness::{Lacking, NOBODY, Scratch, put, set_mode, skip};

#[track_caller]
fn refused(path: &Path, doomed: &Doomed, kind: ErrorKind) -> Error {
    let error = Root::open(path, doomed).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error
}

#[test]
fn nothing_lies_below_a_workspace_or_a_faked_home() {
    let scratch = Scratch::new();
    let workspace = scratch.path("drone/src");
    fs::create_dir_all(&workspace).unwrap();
    symlink(&workspace, scratch.path("way")).unwrap();
    let doomed = Doomed::new()
        .below(&workspace, "the CI's workspace ($DRONE_WORKSPACE)")
        .below(scratch.path("home"), "a made-up home ($HOME)");
    for place in ["drone/src", "drone/src/a/b", "way/a/b", "home/x"] {
        let error = refused(&scratch.path(place), &doomed, ErrorKind::Doomed);
        assert!(error.to_string().contains("($"), "{error}");
    }
    assert!(
        fs::read_dir(&workspace).unwrap().next().is_none(),
        "nothing was made"
    );
    assert!(!scratch.path("home").exists());
    for place in ["drone/src2", "beside"] {
        Root::open(scratch.path(place), &doomed).unwrap();
    }
    // The workspace itself behind a link is the same workspace.
    let behind = Doomed::new().below(scratch.path("way"), "the workspace");
    refused(&workspace.join("x"), &behind, ErrorKind::Doomed);
}

#[test]
fn a_symlinked_place_or_parent_is_refused() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path("real")).unwrap();
    symlink(scratch.path("real"), scratch.path("link")).unwrap();
    symlink("nowhere", scratch.path("dangling")).unwrap();
    for place in ["link", "link/", "link/state", "dangling", "dangling/x"] {
        let error = refused(&scratch.path(place), &Doomed::new(), ErrorKind::Symlink);
        assert!(error.to_string().contains("symbolic link"), "{error}");
    }
    assert!(fs::read_dir(scratch.path("real")).unwrap().next().is_none());
    refused(
        &scratch.path("real/../x"),
        &Doomed::new(),
        ErrorKind::NotPrivate,
    );
}

#[test]
fn a_place_that_others_write_to_is_refused() {
    let scratch = Scratch::new();
    for (place, mode) in [("group", 0o770), ("all", 0o707), ("sticky", 0o1777)] {
        let dir = scratch.path(place);
        fs::create_dir(&dir).unwrap();
        set_mode(&dir, mode);
        refused(&dir, &Doomed::new(), ErrorKind::NotPrivate);
        // In a sticky directory nobody else can rename what we make.
        let below = Root::open(dir.join("state"), &Doomed::new());
        assert_eq!(below.is_ok(), place == "sticky", "{place}");
        assert_eq!(
            dir.join("state").exists(),
            place == "sticky",
            "asked before it is made"
        );
    }
}

#[test]
fn a_place_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return skip("a_place_of_another_user_is_refused", Lacking::Root);
    }
    let scratch = Scratch::new();
    let dir = scratch.path("theirs");
    fs::create_dir_all(dir.join("state")).unwrap();
    chown(&dir, Some(NOBODY), None).unwrap();
    refused(&dir, &Doomed::new(), ErrorKind::NotPrivate);
    refused(&dir.join("state"), &Doomed::new(), ErrorKind::NotPrivate);
}

#[test]
fn state_does_not_lie_in_what_it_is_copied_from() {
    let scratch = Scratch::new();
    let source = scratch.path("abra");
    fs::create_dir(&source).unwrap();
    let root = Root::open(source.join("runs"), &Doomed::new()).unwrap();
    let layout = Layout::abra();
    let error = root
        .build(&Request::new(&layout, "x").source(&source))
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[test]
fn what_is_not_ours_is_neither_listed_nor_removed() {
    let scratch = Scratch::new();
    let root = scratch.root();
    put(&scratch.path("state/precious/file"), "x");
    put(
        &scratch.path("state/build.1-0123abcd"),
        "a file of that name",
    );
    assert_eq!(root.list().unwrap(), []);
    for name in ["precious", "..", ".", "", "../x.1-01234567", "/tmp"] {
        assert_eq!(
            root.remove(name).unwrap_err().kind(),
            ErrorKind::InvalidName,
            "{name:?}"
        );
    }
    assert!(scratch.path("state/precious/file").exists());
}
