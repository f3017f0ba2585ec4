use super::*;
use crate::error::Kind;
use std::os::unix::fs::{PermissionsExt, symlink};

fn user(uid: u32, home: Option<&str>) -> User {
    User {
        uid,
        home: home.map(PathBuf::from),
    }
}

fn defaults(env: Environment, user: &User) -> (PathBuf, PathBuf) {
    let found = decide(&Places::default(), &env, user).unwrap();
    (found.locks, found.home)
}

fn pair(locks: &str, home: &str) -> (PathBuf, PathBuf) {
    (locks.into(), home.into())
}

#[test]
fn root_has_the_directories_of_the_host() {
    let env = [
        ("XDG_RUNTIME_DIR", "/run/user/0"),
        ("XDG_STATE_HOME", "/root/x"),
    ];
    assert_eq!(
        defaults(env.into(), &user(0, Some("/root"))),
        pair("/run/runward/locks", "/var/lib/runward")
    );
}

#[test]
fn others_have_their_own() {
    let env = [
        ("XDG_RUNTIME_DIR", "/run/user/77"),
        ("XDG_STATE_HOME", "/st"),
    ];
    assert_eq!(
        defaults(env.into(), &user(77, None)),
        pair("/run/user/77/runward/locks", "/st/runward")
    );
    let plain = defaults(Environment::default(), &user(54_321, Some("/usr")));
    assert_eq!(
        plain,
        pair("/tmp/runward-54321/locks", "/usr/.local/state/runward")
    );
    let bare = defaults(
        [("XDG_RUNTIME_DIR", "relative")].into(),
        &user(54_321, None),
    );
    assert_eq!(
        bare,
        pair("/tmp/runward-54321/locks", "/var/tmp/runward-54321")
    );
}

fn refused(given: Places, env: Environment) -> Error {
    decide(&given, &env, &user(0, Some("/root"))).unwrap_err()
}

fn home(dir: impl Into<PathBuf>) -> Places {
    Places {
        home: Some(dir.into()),
        lock_dir: None,
    }
}

#[test]
fn nothing_lives_below_what_the_ci_deletes() {
    for name in WORKSPACES {
        let error = refused(home("/ws/src/state"), [(name, "/ws/src")].into());
        assert_eq!(error.kind(), Kind::Place);
        assert!(
            error.to_string().contains(name) && error.to_string().contains("--home"),
            "{error}"
        );
    }
    let locks = Places {
        lock_dir: Some("/ws/l".into()),
        home: None,
    };
    assert!(
        refused(locks, [("GITHUB_WORKSPACE", "/ws")].into())
            .to_string()
            .contains("--lock-dir")
    );
}

#[test]
fn a_home_that_the_ci_made_up_is_refused_and_the_real_one_is_not() {
    let fake = [("HOME", "/tmp/drone-x/home")];
    assert_eq!(
        refused(home("/tmp/drone-x/home/state"), fake.into()).kind(),
        Kind::Place
    );
    let real = [("HOME", "/root")];
    assert!(decide(&home("/root/state"), &real.into(), &user(0, Some("/root"))).is_ok());
    let unknown = [("HOME", "/h")];
    assert!(decide(&home("/h/state"), &unknown.into(), &user(9, None)).is_ok());
}

#[test]
fn a_neighbour_of_the_workspace_is_fine() {
    let env = [("DRONE_WORKSPACE", "/ws")];
    assert!(decide(&home("/ws-state"), &env.into(), &user(0, None)).is_ok());
    assert!(decide(&home("/x"), &[("WORKSPACE", "/")].into(), &user(0, None)).is_ok());
}

#[test]
fn a_workspace_around_the_real_home_dooms_nothing() {
    let env = [("WORKSPACE", "/home")];
    assert!(
        decide(
            &home("/home/dev/.local/state/runward"),
            &env.into(),
            &user(9, Some("/home/dev"))
        )
        .is_ok()
    );
}

#[test]
fn neither_dots_nor_links_lead_around_the_rule() {
    let dir = tempfile::tempdir().unwrap();
    let (workspace, link) = (dir.path().join("ws"), dir.path().join("link"));
    fs::create_dir(&workspace).unwrap();
    symlink(&workspace, &link).unwrap();
    let env = || Environment::from([("WORKSPACE", workspace.to_str().unwrap())]);
    for around in [link.join("new/state"), dir.path().join("other/../ws/state")] {
        assert_eq!(refused(home(around), env()).kind(), Kind::Place);
    }
}

#[test]
fn what_is_created_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let made = Directories {
        locks: "/l".into(),
        home: dir.path().join("h"),
    };
    made.create_home().unwrap();
    for path in ["h", "h/runs"] {
        assert_eq!(
            fs::metadata(dir.path().join(path)).unwrap().mode() & 0o777,
            0o700,
            "{path}"
        );
    }
}

#[test]
fn a_home_that_others_can_change_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let open = dir.path().join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o777)).unwrap();
    let link = dir.path().join("link");
    symlink(&open, &link).unwrap();
    for home in [open, link] {
        let refused = Directories {
            locks: "/l".into(),
            home,
        }
        .create_home()
        .unwrap_err();
        assert_eq!(refused.kind(), Kind::Place);
    }
}

#[test]
fn the_real_home_is_that_of_passwd() {
    let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nci:x:77:77::/srv/ci:/bin/sh\n";
    assert_eq!(home_in(passwd, 77).unwrap(), Path::new("/srv/ci"));
    assert_eq!(home_in(passwd, 5), None);
}

#[test]
fn a_user_whose_home_does_not_exist_has_a_place_all_the_same() {
    let found = defaults(Environment::default(), &user(54_321, Some("/nonexistent")));
    assert_eq!(found.1, Path::new("/var/tmp/runward-54321"));
}

#[test]
fn a_missing_home_is_judged_by_where_it_would_be_made() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(judge_home(&dir.path().join("a/b")), None);
    assert!(judge_home(Path::new("/proc/1/no/such")).is_some());
}
