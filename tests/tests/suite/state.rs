//! `--state`: the private state directory of a run.

use std::fs;
use std::path::{Path, PathBuf};

use runward_tests::{Sandbox, Teardown};
use rustix::process::Signal;

/// A canonical directory of abra with one recipe and the app of somebody else.
pub(crate) fn canonical(sandbox: &Sandbox) -> PathBuf {
    let abra = sandbox.path("abra");
    for folder in ["recipes/shop", "catalogue", "servers/default"] {
        fs::create_dir_all(abra.join(folder)).expect("a directory");
    }
    fs::write(abra.join("recipes/shop/compose.yml"), "services: {}\n").expect("a recipe");
    fs::write(
        abra.join("servers/default/other.example.env"),
        "TYPE=other\n",
    )
    .expect("an app");
    abra
}

/// All that lies in a directory, with its contents.
pub(crate) fn all(of: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(of).expect("a directory").flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(all(&path)),
            false => found.push((path.clone(), fs::read_to_string(&path).unwrap_or_default())),
        }
    }
    found.sort();
    found
}

/// The state directories that there are.
pub(crate) fn states(sandbox: &Sandbox) -> Vec<PathBuf> {
    let list = |place: PathBuf| fs::read_dir(place).into_iter().flatten().flatten();
    let roots = list(sandbox.path("home/states"));
    let states = roots.flat_map(|root| list(root.path()));
    states.map(|entry| entry.path()).collect()
}

#[test]
fn the_program_and_the_teardown_see_one_app_and_it_goes() {
    let sandbox = Sandbox::new(20);
    let abra = canonical(&sandbox);
    let before = all(&abra);
    let (work, end) = (sandbox.path("work"), sandbox.path("end"));
    let script = "test \"$ABRA_DIR\" = \"$RUNWARD_STATE_DIR\" && echo TYPE=shop >$ABRA_DIR/servers/default/shop.example.env \
         && ls $ABRA_DIR/servers/default >$0 && mkdir $ABRA_DIR/recipes/shop && touch $ABRA_DIR/recipes/shop/changed";
    let end_script = format!("sh -c 'ls $ABRA_DIR/servers/default >{}'", end.display());
    sandbox
        .run()
        .env("ABRA_DIR", &abra)
        .app("shop.example")
        .option("--state", "abra")
        .teardown(end_script)
        .program([
            "/bin/sh".as_ref(),
            "-c".as_ref(),
            script.as_ref(),
            work.as_os_str(),
        ])
        .finish()
        .assert_code(0);
    for seen in [work, end] {
        let seen = fs::read_to_string(seen).expect("what it saw");
        assert_eq!(seen, "shop.example.env\n");
    }
    assert_eq!(all(&abra), before);
    assert!(states(&sandbox).is_empty());
}

#[test]
fn two_runs_of_one_id_have_two() {
    let sandbox = Sandbox::new(20);
    let abra = canonical(&sandbox);
    let gate = sandbox.gate();
    let mut line = sandbox.line();
    let script = format!(
        "echo $ABRA_DIR >&9; echo told >&9; exec 9>&-; read x <{}",
        gate.path().display()
    );
    let start = |line: &runward_tests::Line| {
        let script = format!("exec 9>{}; {script}", line.path().display());
        let run = sandbox
            .run()
            .env("ABRA_DIR", &abra)
            .option("--run-id", "same");
        run.option("--state", "abra").shell(&script).spawn()
    };
    let first = start(&line);
    let one = line.next_line();
    let mut other_line = sandbox.line();
    let second = start(&other_line);
    let other = other_line.next_line();
    assert_ne!(one, other);
    assert_eq!(states(&sandbox).len(), 2);
    for running in [first, second] {
        running.signal(Signal::TERM);
        running.wait().assert_code(143);
    }
    assert!(states(&sandbox).is_empty());
}

#[test]
fn it_goes_when_the_owner_is_killed_but_after_the_teardown() {
    let sandbox = Sandbox::new(20);
    let abra = canonical(&sandbox);
    let (mut line, seen) = (sandbox.line(), sandbox.path("seen"));
    let teardown = Teardown::new(&sandbox);
    let look = format!(
        "sh -c 'test -d $ABRA_DIR && echo there >{}'",
        seen.display()
    );
    let running = sandbox
        .run()
        .env("ABRA_DIR", &abra)
        .option("--state", "abra")
        .teardown(look)
        .teardown(teardown.command())
        .program(sandbox.plant().line(&line).command())
        .spawn_ready(&mut line);
    running.signal(Signal::KILL);
    running.wait();
    assert!(sandbox.everyone_ended_by(sandbox.until()));
    assert_eq!(fs::read_to_string(seen).expect("the teardown"), "there\n");
    teardown.assert_once();
    assert!(states(&sandbox).is_empty());
}

#[test]
fn a_recipe_is_staged_where_the_file_says_so() {
    let sandbox = Sandbox::new(20);
    let abra = canonical(&sandbox);
    let config = sandbox.path("runward.toml");
    let text = format!(
        "[run]\nstate = \"abra\"\n[state]\nsource = {:?}\nstage = [\"recipes/shop\"]\nshare = {{ catalogue = \"link\" }}\n",
        abra.display().to_string()
    );
    fs::write(&config, text).expect("a file");
    let script = "cat $ABRA_DIR/recipes/shop/compose.yml; test -h $ABRA_DIR/catalogue";
    let ended = sandbox
        .run()
        .option("--config", &config)
        .shell(script)
        .finish();
    ended.assert_code(0);
    assert_eq!(ended.stdout, "services: {}\n");
    let ended = sandbox.run().option("--config", &config).flag("--no-state");
    ended
        .shell("test -z \"$RUNWARD_STATE_DIR\"")
        .finish()
        .assert_code(0);
}

#[test]
fn a_layout_that_is_wrong_is_named_with_its_line_and_nothing_runs() {
    let sandbox = Sandbox::new(20);
    let layout = sandbox.path("layout.toml");
    fs::write(
        &layout,
        "format = 1\ntool = \"t\"\n[variables]\nT = \".\"\n[paths]\nx = \"lnik\"\n",
    )
    .expect("a layout");
    let ended = sandbox
        .run()
        .option("--state", &layout)
        .shell("echo ran")
        .finish();
    ended.assert_code(125);
    assert!(ended.stdout.is_empty());
    let place = format!("{}:6:5: ", layout.display());
    assert!(
        ended.stderr.contains(&place) && ended.stderr.contains("did you mean \"link\"?"),
        "{}",
        ended.stderr
    );
    let missing = sandbox
        .run()
        .option("--state", sandbox.path("none.toml"))
        .program(["true"]);
    missing.finish().assert_code(125);
}

#[test]
fn what_could_not_be_removed_is_said() {
    if !runward_tests::skip::is_root() {
        return runward_tests::skip::skip(
            "what_could_not_be_removed_is_said",
            "needs root, to mount",
        );
    }
    let sandbox = Sandbox::new(20);
    let abra = canonical(&sandbox);
    let at = sandbox.path("at");
    let script = format!(
        "echo $ABRA_DIR/logs >{0}; mount -t tmpfs x $ABRA_DIR/logs",
        at.display()
    );
    let run = sandbox
        .run()
        .env("ABRA_DIR", &abra)
        .option("--state", "abra");
    let ended = run.shell(&script).finish();
    let swept = runward_tests::sweep::sweep(&sandbox, ["--json"]);
    let states: Vec<PathBuf> = states(&sandbox);
    let mounted = states.iter().map(|state| state.join("tree/logs"));
    for mounted in mounted {
        let umount = std::process::Command::new("umount").arg(&mounted).status();
        assert!(umount.expect("umount").success(), "{}", mounted.display());
    }
    ended.assert_code(0);
    assert!(ended.stderr.contains("is not removed"), "{}", ended.stderr);
    swept.assert_code(1);
    // A failure is not tried again at once; the sandbox goes now.
}

#[test]
fn what_the_section_says_wrong_is_refused_before_anything_runs() {
    let sandbox = Sandbox::new(20);
    let abra = canonical(&sandbox);
    fs::write(
        abra.join("recipes/shop/compose.yml"),
        format!("services:\n  {}: {{}}\n", "s".repeat(60)),
    )
    .expect("a recipe");
    let config = sandbox.path("runward.toml");
    let layout = sandbox.path("layout.toml");
    fs::write(
        &layout,
        "format = 1\ntool = \"t\"\n[variables]\nRUNWARD_APP = \".\"\n[paths]\nx = \"own\"\n",
    )
    .expect("a layout");
    let given = format!("source = {:?}\n", abra.display().to_string());
    for (section, state, app, said) in [
        (
            "source = \"/nonexistent\"\n",
            "abra",
            "shop.example",
            "is no directory",
        ),
        (given.as_str(), "abra", "a_b.example", "underscore"),
        (
            &format!("{given}stage = \"recipes/shop\"\n"),
            "abra",
            "shop.example",
            "63",
        ),
        (
            "",
            layout.to_str().expect("text"),
            "shop.example",
            "RUNWARD_APP",
        ),
    ] {
        fs::write(&config, format!("[state]\n{section}")).expect("a file");
        let run = sandbox
            .run()
            .option("--config", &config)
            .option("--state", state);
        let ended = run.app(app).shell("echo ran").finish();
        ended.assert_code(125);
        assert!(
            ended.stdout.is_empty() && ended.stderr.contains(said),
            "{said}: {}",
            ended.stderr
        );
    }
}
