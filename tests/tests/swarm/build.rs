//! Builds of pull requests, as Drone starts them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use runward_tests::swarm::IMAGE;

use crate::harness::Bed;

/// A file of `examples/abra-ci`.
pub(crate) fn example(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/abra-ci");
    let folder = folder.canonicalize().expect("the example is there");
    folder.join(name)
}

/// A build of a pull request, not yet started.
pub(crate) struct Build {
    pub(crate) command: Command,
    pub(crate) result: PathBuf,
    pub(crate) workspace: PathBuf,
    pub(crate) app: String,
}

impl Build {
    /// The stack of its app.
    pub(crate) fn stack(&self) -> String {
        self.app.replace('.', "_")
    }

    /// As a step is started by Drone's exec runner.
    pub(crate) fn under_a_shell(self) -> Self {
        let words = self.command.get_args().map(|word| word.to_string_lossy());
        let program = self.command.get_program().to_string_lossy();
        let line: Vec<_> = [program].into_iter().chain(words).collect();
        let script = format!("{}\necho the next command\n", line.join(" "));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-ec", &script])
            .current_dir(&self.workspace)
            .stdin(Stdio::null());
        let variables = self.command.get_envs();
        command.envs(variables.filter_map(|(name, value)| Some((name, value?))));
        Self { command, ..self }
    }
}

impl Bed {
    /// A build of the example's recipe, with this as the recipe's own test.
    pub(crate) fn build(&self, recipe: &str, pull_request: u32, test: &str) -> Build {
        let number = self.builds.fetch_add(1, Ordering::Relaxed);
        let workspace = self.sandbox.path(&format!("workspace-{number}"));
        checkout(&workspace, test);
        let repo = format!("{}/{recipe}", self.sandbox.token());
        let result = self.sandbox.path(&format!("result-{number}"));
        let mut command = Command::new(example("ci-run"));
        self.equip(&mut command);
        command
            .env("DRONE", "true")
            .env("DRONE_REPO", &repo)
            .env("DRONE_REPO_NAME", recipe)
            .env("DRONE_PULL_REQUEST", pull_request.to_string())
            .env("DRONE_BUILD_NUMBER", number.to_string())
            .env("DRONE_STEP_NUMBER", "1")
            .env("DRONE_WORKSPACE", &workspace)
            .env("RUNWARD_RESULT", &result)
            .current_dir(&workspace);
        let app = self.app(&repo, recipe, pull_request);
        Build {
            command,
            result,
            workspace,
            app,
        }
    }

    /// As the page of the example says that it is derived.
    fn app(&self, repo: &str, recipe: &str, pull_request: u32) -> String {
        let mut sum = Command::new("sh");
        sum.args(["-c", "printf %s \"$0\" | sha256sum"]);
        let output = sum
            .arg(format!("{repo}/{pull_request}"))
            .output()
            .expect("a digest");
        let digits = String::from_utf8_lossy(&output.stdout)[..6].to_owned();
        format!("{}-{digits}.{}", &recipe[..recipe.len().min(4)], self.zone)
    }
}

fn checkout(workspace: &Path, test: &str) {
    let copied = Command::new("cp")
        .arg("-R")
        .arg(example("recipe"))
        .arg(workspace)
        .status();
    assert!(
        copied.is_ok_and(|status| status.success()),
        "a copy of the recipe"
    );
    let compose = workspace.join("compose.yml");
    let text = fs::read_to_string(&compose).expect("a recipe");
    let text = text.replace("busybox:1.36", IMAGE).replace(
        "      labels:\n",
        "      labels:\n        - \"run=${RUNWARD_RUN_ID}\"\n",
    );
    fs::write(&compose, text).expect("a recipe");
    fs::write(workspace.join("ci/test"), test).expect("a test");
}
