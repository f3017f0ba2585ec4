//! A directory that does not want to go.

use std::fs::{self, File};
use std::os::unix::fs::{chown, symlink};
use std::path::{Path, PathBuf};

use runward_abradir::{
    Doomed, Error, ErrorKind, Layout, ObstacleKind, Request, Root, Stage, StateDir,
};
use rustix::fs::IFlags;

use crate::canonical;
use crate::harness::{
    Lacking, Mounted, NOBODY, Scratch, as_nobody, other, put, seen, set_mode, skip, told,
};

fn plain(root: &Root) -> StateDir {
    root.build(&Request::new(&Layout::abra(), "x")).unwrap()
}

#[track_caller]
fn resisted(closed: Result<(), Error>, expected: &[(&str, ObstacleKind)]) -> Vec<PathBuf> {
    let error = closed.unwrap_err();
    assert!(error.is_not_removed(), "{error}");
    let found = error.obstacles();
    assert_eq!(found.len(), expected.len(), "{error}");
    for (name, kind) in expected {
        let named = found.iter().find(|o| o.path().ends_with(name));
        assert_eq!(named.map(|o| o.kind()), Some(*kind), "{name}: {error}");
        assert!(error.to_string().contains(name), "{error}");
    }
    found.iter().map(|o| o.path().to_owned()).collect()
}

#[test]
fn links_out_of_it_are_not_followed() {
    let scratch = Scratch::new();
    put(&scratch.path("outside/dir/file"), "x");
    let before = seen(&scratch.path("outside"));
    let state = plain(&scratch.root());
    for (name, target) in [
        ("dir", "outside/dir"),
        ("file", "outside/dir/file"),
        ("none", "nothing"),
    ] {
        symlink(scratch.path(target), state.path().join("logs").join(name)).unwrap();
    }
    symlink("../../../../outside", state.path().join("logs/relative")).unwrap();
    // What it lies in is not followed either, nor what has taken its place.
    fs::remove_dir(state.path().join("backups")).unwrap();
    symlink(scratch.path("outside"), state.path().join("backups")).unwrap();
    state.close().unwrap();
    assert!(seen(&scratch.path("outside")) == before);
}

#[test]
fn a_state_directory_that_became_a_link_is_only_unlinked() {
    let scratch = Scratch::new();
    put(&scratch.path("outside/file"), "x");
    let root = scratch.root();
    let state = plain(&root);
    let place = root.path().join(state.name());
    fs::remove_dir_all(&place).unwrap();
    symlink(scratch.path("outside"), &place).unwrap();
    state.close().unwrap();
    assert!(scratch.path("outside/file").exists());
    assert!(place.symlink_metadata().is_err());
}

#[test]
fn a_bind_mount_in_it_is_left_and_named_and_the_rest_goes() {
    let scratch = Scratch::new();
    put(&scratch.path("outside/dir/file"), "x");
    put(&scratch.path("outside/one"), "y");
    let before = seen(&scratch.path("outside"));
    let root = scratch.root();
    let state = plain(&root);
    let (dir, file) = (
        state.path().join("logs/mounted"),
        state.path().join("logs/single"),
    );
    put(&dir.join("hidden"), "z");
    put(&file, "z");
    put(&state.path().join("logs/other/x"), "z");
    let mounts = [(&dir, "outside/dir"), (&file, "outside/one")]
        .map(|(to, from)| Mounted::bind(&scratch.path(from), to));
    let [Some(mut first), Some(mut second)] = mounts else {
        return skip("a_bind_mount_in_it", Lacking::Mounts);
    };
    let left = resisted(
        state.close(),
        &[
            ("logs/mounted", ObstacleKind::Mount),
            ("logs/single", ObstacleKind::Mount),
        ],
    );
    let at = |name: &str| left.iter().find(|path| path.ends_with(name)).unwrap();
    first.moved_to(at("mounted"));
    second.moved_to(at("single"));
    assert!(
        seen(&scratch.path("outside")) == before,
        "nothing outside was touched"
    );
    let entry = root.leftovers().unwrap().pop().unwrap();
    assert_eq!(entry.stage(), Stage::Removing);
    let inside = seen(&root.path().join(entry.name()).join("tree"));
    assert_eq!(
        inside.len(),
        5,
        "the way to the mounts is what is left: {:?}",
        inside.keys()
    );
    drop((first, second));
    root.remove(entry.name()).unwrap();
    assert_eq!(root.list().unwrap(), []);
}

/// Sets or clears the immutable attribute; whether that is possible here.
fn immutable(path: &Path, on: bool) -> bool {
    let file = File::open(path).unwrap();
    let Ok(mut flags) = rustix::fs::ioctl_getflags(&file) else {
        return false;
    };
    flags.set(IFlags::IMMUTABLE, on);
    rustix::fs::ioctl_setflags(&file, flags).is_ok()
}

#[test]
fn immutable_files_are_left_and_named_and_the_rest_goes() {
    let scratch = Scratch::new();
    let root = scratch.root();
    let state = plain(&root);
    let (file, dir) = (
        state.path().join("logs/fixed"),
        state.path().join("backups/frozen"),
    );
    put(&file, "x");
    put(&dir.join("a"), "x");
    put(&dir.join("b"), "x");
    put(&state.path().join("recipes/x/y"), "z");
    let possible = [&file, &dir].map(|path| immutable(path, true));
    if possible.contains(&false) {
        let _ = [&file, &dir].map(|path| immutable(path, false));
        return skip("immutable_files", Lacking::ImmutableFiles);
    }
    // An immutable directory is one obstacle, however much is in it.
    let left = resisted(
        state.close(),
        &[
            ("logs/fixed", ObstacleKind::Immutable),
            ("backups/frozen", ObstacleKind::Immutable),
        ],
    );
    let cleared: Vec<_> = left.iter().map(|path| immutable(path, false)).collect();
    assert_eq!(cleared, [true, true]);
    let name = root.leftovers().unwrap()[0].name().to_owned();
    assert!(!root.path().join(&name).join("tree/recipes").exists());
    root.remove(&name).unwrap();
    assert_eq!(root.list().unwrap(), []);
}

#[test]
fn unreadable_directories_are_no_obstacle() {
    let scratch = Scratch::new();
    set_mode(&scratch.path(""), 0o755);
    let home = scratch.path("nobody");
    fs::create_dir(&home).unwrap();
    chown_if_root(&home);
    let told = home.to_str().unwrap();
    match as_nobody("removal::remove_what_is_unreadable", told) {
        Some(status) => assert!(status.success()),
        None => remove_unreadable(&home),
    }
    assert!(fs::read_dir(home.join("state")).unwrap().next().is_none());
}

fn chown_if_root(path: &Path) {
    if rustix::process::geteuid().is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}

#[test]
#[ignore = "the other process of the other tests"]
fn remove_what_is_unreadable() {
    let Some(home) = told() else { return };
    assert_eq!(rustix::process::geteuid().as_raw(), NOBODY);
    remove_unreadable(Path::new(&home));
}

fn remove_unreadable(home: &Path) {
    let root = Root::open(home.join("state"), &Doomed::new()).unwrap();
    let state = plain(&root);
    for (name, mode) in [
        ("none", 0),
        ("blind", 0o300),
        ("fixed", 0o500),
        ("closed", 0o600),
    ] {
        put(&state.path().join("logs").join(name).join("deep/file"), "x");
        set_mode(&state.path().join("logs").join(name).join("deep"), mode);
        set_mode(&state.path().join("logs").join(name), mode);
    }
    // A link to a directory of ours outside keeps its mode.
    let outside = home.join("outside");
    fs::create_dir(&outside).unwrap();
    set_mode(&outside, 0);
    symlink(&outside, state.path().join("logs/link")).unwrap();
    state.close().unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(outside.metadata().unwrap().permissions().mode() & 0o777, 0);
}

#[test]
fn no_depth_stops_it() {
    let scratch = Scratch::new();
    let state = plain(&scratch.root());
    let mut at = File::open(state.path().join("logs")).unwrap();
    for _ in 0..3_000 {
        rustix::fs::mkdirat(&at, "d", rustix::fs::Mode::RWXU).unwrap();
        rustix::fs::mkdirat(&at, ".moved-0", rustix::fs::Mode::RWXU).unwrap();
        let flags = rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::RDONLY;
        at = rustix::fs::openat(&at, "d", flags, rustix::fs::Mode::empty())
            .unwrap()
            .into();
    }
    drop(at);
    state.close().unwrap();
    assert_eq!(scratch.root().list().unwrap(), []);
}

#[test]
fn gone_is_gone_whoever_asks_and_how_often() {
    let scratch = Scratch::new();
    canonical::make(&scratch);
    let root = scratch.root();
    let state = canonical::build(&root, &scratch);
    let name = state.name().to_owned();
    let path = state.leave();
    assert!(path.exists(), "left");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| root.remove(&name).unwrap());
        }
    });
    root.remove(&name).unwrap();
    drop(canonical::build(&root, &scratch));
    assert_eq!(root.list().unwrap(), [], "a drop removes");
}

#[test]
fn what_a_run_leaves_beside_its_tree_stops_no_list() {
    let scratch = Scratch::new();
    let root = scratch.root();
    let state = plain(&root);
    let beside = root.path().join(state.name());
    for name in ["owner", "pin"] {
        let _ = fs::remove_file(beside.join(name));
        let mode = rustix::fs::Mode::RWXU;
        rustix::fs::mknodat(
            rustix::fs::CWD,
            beside.join(name),
            rustix::fs::FileType::Fifo,
            mode,
            0,
        )
        .unwrap();
    }
    assert_eq!(root.list().unwrap()[0].owner(), None);
    let other = plain(&root);
    let owner = root.path().join(other.name()).join("owner");
    put(
        &scratch.path("false"),
        "run-id = \"x\"\npid = 1\nstarted = 1\nboot-id = \"\"\n",
    );
    fs::remove_file(&owner).unwrap();
    symlink(scratch.path("false"), &owner).unwrap();
    assert!(
        root.list()
            .unwrap()
            .iter()
            .all(|entry| entry.owner().is_none())
    );
    assert!(root.pin(state.name()).is_err());
    state.close().unwrap();
}

#[test]
#[ignore = "the other process of the other tests"]
fn drop_in_a_fork() {
    if told().is_none() {
        return;
    }
    let scratch = Scratch::new();
    let state = plain(&scratch.root());
    let path = state.path().to_owned();
    // The other threads of this process wait, and hold nothing.
    #[expect(unsafe_code, reason = "a fork is what is tested")]
    // SAFETY: see fork(2); the child drops what it has and ends.
    match unsafe { nix::unistd::fork() }.unwrap() {
        nix::unistd::ForkResult::Child => {
            drop(state);
            let _ = rustix::process::kill_process(
                rustix::process::getpid(),
                rustix::process::Signal::KILL,
            );
        }
        nix::unistd::ForkResult::Parent { child } => {
            nix::sys::wait::waitpid(child, None).unwrap();
            assert!(path.exists());
            drop(state);
            assert!(!path.exists());
        }
    }
}

#[test]
fn the_copy_of_a_fork_removes_nothing() {
    let done = other("removal::drop_in_a_fork", "x", "").status().unwrap();
    assert!(done.success());
}

#[test]
fn the_root_being_gone_is_an_error_and_no_success() {
    let scratch = Scratch::new();
    let root = scratch.root();
    fs::remove_dir(root.path()).unwrap();
    let error = root.build(&Request::new(&Layout::abra(), "x")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
}
