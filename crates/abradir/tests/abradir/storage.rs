//! No room.

use std::fs;

use runward_abradir::{Doomed, Layout, Request, Root, Stage};

use crate::canonical;
use crate::harness::{Lacking, Mounted, Scratch, put, skip};

#[test]
fn a_full_disk_leaves_nothing_half_made() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    put(&canonical.join("recipes/shop/small"), &"x".repeat(30_000));
    put(&canonical.join("recipes/shop/large"), &"x".repeat(300_000));
    let Some(_small) = Mounted::tmpfs(&scratch.path("small"), 256) else {
        return skip("a_full_disk_leaves_nothing_half_made", Lacking::Mounts);
    };
    let root = Root::open(scratch.path("small/state"), &Doomed::new()).unwrap();
    let layout = Layout::abra();
    let request = Request::new(&layout, "x").source(&canonical);
    let error = root.build(&request.clone().stage("recipes")).unwrap_err();
    assert!(error.is_storage_full(), "{error}");
    let text = error.to_string();
    assert!(
        text.contains("recipes/shop/large") && text.contains("free some space"),
        "{text}"
    );
    assert!(
        fs::read_dir(root.path()).unwrap().next().is_none(),
        "nothing is left"
    );
    // And what fits is built.
    root.build(&request).unwrap().close().unwrap();
}

#[test]
fn no_room_at_any_step_is_an_error_and_never_half_a_tree() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    let Some(_small) = Mounted::tmpfs(&scratch.path("small"), 64) else {
        return skip("no_room_at_any_step", Lacking::Mounts);
    };
    let root = Root::open(scratch.path("small/state"), &Doomed::new()).unwrap();
    let layout = Layout::abra();
    let request = Request::new(&layout, "x")
        .source(&canonical)
        .stage("recipes/shop");
    let ballast = scratch.path("small/ballast");
    let (mut full, mut fits) = (0, 0);
    for pages in 0..16 {
        fs::write(&ballast, vec![0; pages * 4096]).unwrap();
        match root.build(&request) {
            Ok(state) => {
                fits += 1;
                state.close().unwrap();
            }
            Err(error) => {
                full += 1;
                assert!(error.is_storage_full(), "{error}");
            }
        }
        let left = root.list().unwrap();
        assert!(
            left.iter().all(|entry| entry.stage() != Stage::Whole),
            "{left:?}"
        );
        assert!(left.is_empty(), "{left:?}");
    }
    assert!(full > 0 && fits > 0, "{full} full, {fits} fit");
}
