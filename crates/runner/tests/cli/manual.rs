use crate::harness::Sandbox;

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let seen = Sandbox::new().run(&["completions", shell]);
        assert_eq!(seen.code, Some(0));
        assert!(seen.stdout.contains("teardown-deadline"), "{shell}");
    }
}

#[test]
fn the_man_page_has_all_about_run() {
    let seen = Sandbox::new().run(&["man"]);
    assert_eq!(seen.code, Some(0));
    let page = seen.stdout.replace("\\-", "-");
    for part in [
        ".TH",
        "EXIT STATUS",
        "--teardown-deadline",
        "120 ",
        "runward whoami",
    ] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn help_teaches() {
    let help = Sandbox::new().run(&["run", "--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    for part in [
        "Run a program",
        "Examples:",
        "Exit status:",
        "123 ",
        "Signals:",
        "RUNWARD_",
    ] {
        assert!(help.stdout.contains(part), "{part}");
    }
    assert!(Sandbox::new().run(&["--help"]).stdout.contains("whoami"));
}

#[test]
fn a_command_that_does_not_exist_is_usage() {
    let seen = Sandbox::new().run(&["rnu"]);
    assert_eq!(seen.code, Some(125));
    assert!(seen.stderr.contains("rnu"), "{seen:?}");
}
