//! What a run has, what it does not see, and what it cannot change.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use runward_abradir::{App, ErrorKind, Layout, Request, Share};

use crate::canonical::{self, FOREIGN, OWN, SETTINGS, build, request, settings, tool};
use crate::harness::{Lacking, Scratch, put, seen, skip};

#[test]
fn two_runs_two_trees_and_the_canonical_one_untouched() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    let before = seen(&canonical);
    let root = scratch.root();
    let (first, second) = (build(&root, &scratch), build(&root, &scratch));
    assert_ne!(first.path(), second.path());
    for (run, version) in [(&first, "1.0"), (&second, "2.0")] {
        tool(run, &["checkout", "shop", version]);
        tool(run, &["deploy", OWN, version]);
        fs::write(run.path().join("catalogue/recipes.json"), version).unwrap();
    }
    for (run, version) in [(&first, "1.0"), (&second, "2.0")] {
        let read = |name: &str| fs::read_to_string(run.path().join(name)).unwrap();
        assert_eq!(read("recipes/shop/VERSION").trim(), version);
        assert_eq!(read("catalogue/recipes.json"), version);
        assert!(read(&format!("servers/default/{OWN}.env")).contains(version));
    }
    assert!(
        seen(&canonical) == before,
        "somebody wrote to the canonical directory"
    );
    first.close().unwrap();
    second.close().unwrap();
    assert!(seen(&canonical) == before);
    assert_eq!(root.list().unwrap(), []);
}

#[test]
fn divergent_checkouts_of_one_recipe() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    let recipe = canonical.join("recipes/shop");
    let script = "git init -q . && git add . && c() { git -c user.name=t -c user.email=t@t commit -qm x --allow-empty; } && c && \
                  git tag v1 && echo 2 >VERSION && git add . && c && git tag v2";
    let made = Command::new("sh")
        .args(["-c", script])
        .current_dir(&recipe)
        .status();
    if !made.is_ok_and(|status| status.success()) {
        return skip("divergent_checkouts_of_one_recipe", Lacking::Git);
    }
    let before = seen(&canonical);
    let root = scratch.root();
    let (first, second) = (build(&root, &scratch), build(&root, &scratch));
    let git = |run: &std::path::Path, words: &[&str]| {
        let mut git = Command::new("git");
        git.args(["-c", "advice.detachedHead=false", "-c", "safe.directory=*"]);
        let done = git
            .args(words)
            .current_dir(run.join("recipes/shop"))
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap()
    };
    assert_eq!(
        git(first.path(), &["status", "--porcelain"]),
        "",
        "the copy is clean"
    );
    git(first.path(), &["checkout", "-q", "v1"]);
    git(second.path(), &["checkout", "-q", "v2"]);
    assert!(!first.path().join("recipes/shop/VERSION").exists());
    assert!(second.path().join("recipes/shop/VERSION").exists());
    assert_eq!(git(first.path(), &["describe", "--tags"]).trim(), "v1");
    assert!(seen(&canonical) == before);
}

#[test]
fn two_runs_by_hand_do_not_share_a_tree() {
    let scratch = Scratch::new();
    canonical::make(&scratch);
    let (root, layout) = (scratch.root(), Layout::abra());
    let by_hand = || {
        root.build(&Request::new(&layout, "manual").source(scratch.source()))
            .unwrap()
    };
    let runs: Vec<_> = (0..20).map(|_| by_hand()).collect();
    for (number, run) in runs.iter().enumerate() {
        put(&run.path().join("logs/mine"), &number.to_string());
    }
    for (number, run) in runs.iter().enumerate() {
        let mine = fs::read_to_string(run.path().join("logs/mine")).unwrap();
        assert_eq!(mine, number.to_string());
    }
    let entries = root.list().unwrap();
    assert_eq!(entries.len(), 20);
    assert!(entries.iter().all(|e| {
        let owner = e.owner().unwrap();
        owner.run_id() == "manual" && owner.pid() == std::process::id() && owner.started() > 0
    }));
}

#[test]
fn skipping_the_fetch_stages_the_canonical_copy() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    let state = build(&scratch.root(), &scratch);
    let staged = state.path().join("recipes");
    assert!(
        seen(&staged.join("shop")) == seen(&canonical.join("recipes/shop")),
        "modes, times, links and contents"
    );
    assert!(!staged.join("wiki").exists(), "only what was asked for");
    state.close().unwrap();

    let layout = Layout::abra();
    let all = Request::new(&layout, "all")
        .source(&canonical)
        .stage("recipes");
    let state = scratch.root().build(&all).unwrap();
    assert!(seen(&state.path().join("recipes")) == seen(&canonical.join("recipes")));

    let twice = Request::new(&layout, "all").source(&canonical);
    let twice = twice
        .stage("recipes/shop")
        .stage("recipes")
        .stage("recipes/shop");
    let state = scratch.root().build(&twice).unwrap();
    assert!(seen(&state.path().join("recipes")) == seen(&canonical.join("recipes")));

    symlink("nowhere", canonical.join("recipes/dangling")).unwrap();
    let dangling = Request::new(&layout, "none")
        .source(&canonical)
        .stage("recipes/dangling");
    let error = scratch.root().build(&dangling).unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Missing,
        "what was asked for is not left out in silence"
    );
    let missing = Request::new(&layout, "none")
        .source(&canonical)
        .stage("recipes/nothing");
    let error = scratch.root().build(&missing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
}

#[test]
fn a_foreign_env_is_unreachable_in_the_default_layout() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    let state = build(&scratch.root(), &scratch);
    assert_eq!(tool(&state, &["ls"]), format!("default/{OWN}.env\n"));
    let inside = seen(state.path());
    assert!(
        inside
            .keys()
            .all(|path| !path.to_string_lossy().contains(FOREIGN))
    );
    for path in inside.keys() {
        let real = state.path().join(path).canonicalize().unwrap();
        assert!(
            !real.starts_with(canonical.join("servers")),
            "{}",
            path.display()
        );
    }
    for path in [state.path().to_owned(), settings(state.path(), OWN)] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_linked_servers_shows_them_all_and_takes_no_settings() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    let layout = Layout::abra().with_share("servers", Share::Link).unwrap();
    let error = scratch
        .root()
        .build(&request(&layout, &scratch))
        .unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::InvalidRequest,
        "nothing is written through a link"
    );
    let existing = Request::new(&layout, "x")
        .source(&canonical)
        .app(App::existing("default", FOREIGN));
    let state = scratch.root().build(&existing).unwrap();
    assert_eq!(tool(&state, &["ls"]), format!("default/{FOREIGN}.env\n"));
    state.close().unwrap();
    assert!(
        settings(&canonical, FOREIGN).exists(),
        "the link went, and not what it leads to"
    );
}

#[test]
fn an_app_of_that_name_is_somebody_elses() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    let layout = Layout::abra();
    let of = |app| {
        scratch
            .root()
            .build(&Request::new(&layout, "x").source(&canonical).app(app))
    };
    for app in [
        App::fresh("default", FOREIGN, SETTINGS),
        App::later("default", FOREIGN),
    ] {
        assert_eq!(of(app).unwrap_err().kind(), ErrorKind::Taken);
    }
    assert_eq!(
        of(App::existing("default", OWN)).unwrap_err().kind(),
        ErrorKind::Missing
    );
    assert_eq!(
        scratch.root().list().unwrap(),
        [],
        "refused before anything was made"
    );
    let state = of(App::existing("default", FOREIGN)).unwrap();
    assert_eq!(tool(&state, &["ls"]), format!("default/{FOREIGN}.env\n"));
}

#[test]
fn a_pull_in_the_middle_of_a_run_does_not_change_its_catalogue() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    let state = build(&scratch.root(), &scratch);
    let before = seen(state.path());
    fs::write(
        canonical.join("catalogue/recipes.json"),
        "{\"version\": 2}\n",
    )
    .unwrap();
    fs::remove_dir_all(canonical.join("recipes/shop")).unwrap();
    assert!(seen(state.path()) == before);
}

#[test]
fn what_is_not_there_is_left_out_and_told() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    fs::remove_dir_all(canonical.join("catalogue")).unwrap();
    let pipe = canonical.join("recipes/shop/pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let state = build(&scratch.root(), &scratch);
    assert_eq!(state.left_out(), [canonical.join("catalogue"), pipe]);
    assert!(!state.path().join("catalogue").exists());
    assert!(!state.path().join("vendor").exists(), "absent");
}

#[test]
fn hostile_paths_in_a_request_are_refused() {
    let scratch = Scratch::new();
    canonical::make(&scratch);
    let (root, layout) = (scratch.root(), Layout::abra());
    let new = || Request::new(&layout, "x").source(scratch.source());
    for path in [
        "..",
        "recipes/../../x",
        "/etc/passwd",
        "recipes/a\nb",
        "catalogue/x",
        "x",
        "",
    ] {
        for request in [new().stage(path), new().file(path, "x")] {
            let error = root.build(&request).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{path:?}");
            assert!(!error.to_string().contains('\n'), "{error}");
        }
    }
    for (server, domain) in [("..", "a"), ("default", "../../x"), ("a/b", "c"), ("", "a")] {
        let error = root
            .build(&new().app(App::later(server, domain)))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{server} {domain}");
    }
    assert_eq!(root.list().unwrap(), []);
}

#[test]
fn nothing_is_written_through_a_link_of_a_recipe() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    symlink(
        canonical.join("servers"),
        canonical.join("recipes/shop/out"),
    )
    .unwrap();
    let before = seen(&canonical);
    let layout = Layout::abra();
    let new = || request(&layout, &scratch);
    for path in [
        "recipes/shop/out/x",
        "recipes/shop/out/default/x",
        "recipes/shop/link",
    ] {
        assert!(
            scratch.root().build(&new().file(path, "x")).is_err(),
            "{path}"
        );
    }
    assert!(seen(&canonical) == before);
    assert_eq!(scratch.root().list().unwrap(), []);
}

/// So that a failed assertion ends the other thread.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The listing says what it was; what it has become by the time it is opened is what counts.
#[test]
fn a_file_that_becomes_a_link_while_it_is_copied_is_not_followed() {
    let scratch = Scratch::new();
    let canonical = canonical::make(&scratch);
    put(&scratch.path("secret"), "secret");
    let recipe = canonical.join("recipes/shop");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let [file, link] = ["file", "secret-link"].map(|name| scratch.path(name));
                fs::write(&file, "plain").unwrap();
                let _ = symlink(scratch.path("secret"), &link);
                fs::rename(&file, recipe.join("flip")).unwrap();
                fs::rename(&link, recipe.join("flip")).unwrap();
            }
        });
        let _done = SetOnDrop(&done);
        for _ in 0..100 {
            let state = build(&scratch.root(), &scratch);
            let copy = state.path().join("recipes/shop/flip");
            let is_file = copy.symlink_metadata().is_ok_and(|found| found.is_file());
            assert!(!is_file || fs::read_to_string(&copy).unwrap() != "secret");
        }
    });
}

#[test]
fn what_another_version_of_the_tool_keeps_is_seen() {
    let scratch = Scratch::new();
    canonical::make(&scratch);
    let state = build(&scratch.root(), &scratch);
    assert!(state.strangers().unwrap().is_empty());
    tool(&state, &["update"]);
    assert_eq!(
        state.strangers().unwrap(),
        [std::path::PathBuf::from("cache")]
    );
}
