//! Each run has its own directory of abra.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use runward_tests::{Gate, Line, Run, Running, Sandbox, need};

use crate::state::{all, canonical, states};

/// A run that has done this in its directory, says where that is, and waits.
#[track_caller]
fn start<'a>(run: Run<'a>, line: &mut Line, gate: &Gate, script: &str) -> (Running<'a>, PathBuf) {
    let script = format!(
        "exec 9>{}; {script} && echo $ABRA_DIR >&9; read x <{}",
        line.path().display(),
        gate.path().display()
    );
    let running = run.shell(&script).spawn();
    (running, line.next_line().into())
}

fn with_state<'a>(sandbox: &'a Sandbox, abra: &Path) -> Run<'a> {
    sandbox
        .run()
        .env("ABRA_DIR", abra)
        .option("--state", "abra")
}

/// The canonical recipe is copied instead of being fetched.
fn without_fetch<'a>(sandbox: &'a Sandbox, abra: &Path) -> Run<'a> {
    let config = sandbox.path("stage.toml");
    fs::write(&config, "[state]\nstage = [\"recipes/shop\"]\n").expect("a file");
    with_state(sandbox, abra).option("--config", config)
}

#[test]
fn two_runs_have_two_trees_and_the_canonical_one_is_untouched() {
    let sandbox = Sandbox::new(30);
    let abra = canonical(&sandbox);
    let before = all(&abra);
    let mut gate = sandbox.gate();
    let script = "mkdir -p $ABRA_DIR/recipes/shop && echo $RUNWARD_APP >$ABRA_DIR/recipes/shop/who";
    let apps = ["one.example", "two.example"];
    let runs = apps.map(|app| {
        start(
            with_state(&sandbox, &abra).app(app),
            &mut sandbox.line(),
            &gate,
            script,
        )
    });
    assert_ne!(runs[0].1, runs[1].1);
    for ((_, path), app) in runs.iter().zip(apps) {
        let who = fs::read_to_string(path.join("recipes/shop/who")).expect("its own file");
        assert_eq!(who.trim(), app);
    }
    end(runs, &mut gate);
    assert_eq!(all(&abra), before);
    assert!(states(&sandbox).is_empty());
}

#[test]
fn checkouts_of_one_recipe_diverge() {
    let sandbox = Sandbox::new(30);
    let abra = canonical(&sandbox);
    need!(
        "checkouts_of_one_recipe_diverge",
        has_two_versions(&abra.join("recipes/shop")),
        "needs git"
    );
    let mut gate = sandbox.gate();
    let runs = ["1.0.0", "2.0.0"].map(|version| {
        let script = format!("git -C $ABRA_DIR/recipes/shop checkout -q {version}");
        start(
            without_fetch(&sandbox, &abra),
            &mut sandbox.line(),
            &gate,
            &script,
        )
    });
    for ((_, path), version) in runs.iter().zip(["1.0.0", "2.0.0"]) {
        let text = fs::read_to_string(path.join("recipes/shop/compose.yml")).expect("a recipe");
        assert_eq!(text, format!("# {version}\n"));
    }
    end(runs, &mut gate);
}

/// Makes a recipe a checkout with a version that it is at and an older one.
fn has_two_versions(recipe: &Path) -> bool {
    let script = "git init -q . && git config user.email a@example.org && git config user.name a && for v in 1.0.0 2.0.0; do \
                  echo \"# $v\" >compose.yml; git add . && git commit -qm $v && git tag $v || exit 1; done";
    let status = Command::new("sh")
        .args(["-c", script])
        .current_dir(recipe)
        .status();
    status.is_ok_and(|status| status.success())
}

#[test]
fn two_runs_by_hand_do_not_share_a_tree() {
    let sandbox = Sandbox::new(30);
    let abra = canonical(&sandbox);
    let mut gate = sandbox.gate();
    let runs = [(); 2].map(|()| {
        start(
            with_state(&sandbox, &abra),
            &mut sandbox.line(),
            &gate,
            "true",
        )
    });
    assert_ne!(runs[0].1, runs[1].1);
    assert_eq!(states(&sandbox).len(), 2);
    end(runs, &mut gate);
    assert!(states(&sandbox).is_empty());
}

#[test]
fn skipping_the_fetch_stages_the_canonical_copy() {
    let sandbox = Sandbox::new(30);
    let abra = canonical(&sandbox);
    let canonical = abra.join("recipes/shop/compose.yml");
    let before = fs::read_to_string(&canonical).expect("a recipe");
    let script = "cat $ABRA_DIR/recipes/shop/compose.yml && echo changed >$ABRA_DIR/recipes/shop/compose.yml";
    let ended = without_fetch(&sandbox, &abra).shell(script).finish();
    ended.assert_code(0);
    assert_eq!(ended.stdout, before);
    assert_eq!(fs::read_to_string(&canonical).expect("a recipe"), before);
    let ended = with_state(&sandbox, &abra)
        .shell("ls $ABRA_DIR/recipes")
        .finish();
    ended.assert_code(0);
    assert_eq!(ended.stdout, "", "fetched by whoever wants it");
}

/// Lets both go, and waits for them.
#[track_caller]
fn end(runs: [(Running<'_>, PathBuf); 2], gate: &mut Gate) {
    for _ in &runs {
        gate.open_line();
    }
    for (running, _) in runs {
        running.wait().assert_code(0);
    }
}
