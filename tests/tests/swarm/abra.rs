//! The stand-in for abra: the files of the real one, its words, and the engine.

use std::fs;
use std::process::{Command, Output, Stdio};

use crate::build::example;
use crate::harness::{Bed, bed};

/// Runs a command of abra's.
fn abra(bed: &Bed, words: &str) -> Output {
    let mut command = Command::new(example("stand-in/abra"));
    bed.equip(&mut command);
    let output = command.args(words.split(' ')).stdin(Stdio::null()).output();
    output.expect("a shell")
}

#[track_caller]
fn done(bed: &Bed, words: &str) -> String {
    let output = abra(bed, words);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{words}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn refused(bed: &Bed, words: &str) -> String {
    let output = abra(bed, words);
    assert_eq!(output.status.code(), Some(1), "{words}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_stand_in_keeps_the_files_of_the_real_one() {
    let Some(bed) = bed("the_stand_in_keeps_the_files_of_the_real_one", 90) else {
        return;
    };
    let recipe = bed.build("hello", 1, "").workspace;
    fs::rename(recipe, bed.sandbox.path("abra/recipes/hello")).expect("a recipe");
    let app = format!("hello.{}", bed.zone);
    let stack = app.replace('.', "_");
    let settings = bed.sandbox.path(&format!("abra/servers/default/{app}.env"));
    let text = || fs::read_to_string(&settings).expect("settings");

    done(&bed, &format!("app new hello -D {app} -s default -n"));
    assert!(text().contains("TYPE=hello\n") && text().contains(&format!("DOMAIN={app}\n")));
    assert!(refused(&bed, &format!("app deploy {app} -n")).contains("secrets not generated"));
    done(&bed, &format!("app secret generate {app} --all -m"));
    assert_eq!(bed.objects(&stack), [format!("secret {stack}_password_v1")]);
    done(&bed, &format!("app deploy {app} -C -o -n"));
    assert!(
        text().contains("TYPE=hello:0.1.0+1.36\n"),
        "the version that was deployed: {}",
        text()
    );
    assert!(refused(&bed, &format!("app deploy {app} -n")).contains("already deployed"));
    let listed = done(&bed, "app ls");
    assert!(
        listed.contains(&app) && listed.contains("other.example.com"),
        "{listed}"
    );
    assert!(refused(&bed, &format!("app rm {app} -n")).contains("still deployed"));

    done(&bed, &format!("app undeploy {app} -n"));
    crate::harness::until("no containers", || {
        !bed.objects(&stack)
            .iter()
            .any(|object| object.starts_with("container"))
    });
    done(&bed, &format!("app volume rm {app} -f -n"));
    done(&bed, &format!("app rm {app} -f -n"));
    assert!(!settings.exists());
    crate::harness::until("nothing", || bed.objects(&stack).is_empty());
    assert!(refused(&bed, "app deploy nothing.example.com").contains("cannot find app"));
}
