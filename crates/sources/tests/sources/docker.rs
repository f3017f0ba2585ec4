use runward_canary::{CauseKind, Cut};
use runward_tests::{skip, swarm::Swarm};

use crate::harness::*;

fn containers(all: bool) -> runward_canary::Ask {
    let mut facet = ask(
        "containers",
        "subject id born:time name state pull pool secret",
        &[
            ("query", text("app.platform=agent")),
            ("subject", text("agent")),
            ("labels", map(&[("agent", "app.name")])),
            (
                "env",
                map(&[
                    ("pull", "PULL_MODE"),
                    ("pool", "POOL"),
                    ("secret", "ABSENT"),
                ]),
            ),
        ],
    );
    facet
        .settings
        .insert("all".into(), runward_canary::Setting::Bool(all));
    facet
}

#[test]
fn containers_are_listed_by_label_and_their_zombies_found_without_a_program_in_them() {
    if let Some(reason) = Swarm::lacks() {
        return skip::skip("docker", &reason);
    }
    let swarm = Swarm::start();
    let run = |name: &str, platform: &str, script: &str| {
        let label = format!("app.platform={platform}");
        let named = format!("app.name={name}");
        swarm.docker([
            "run",
            "-d",
            "--network",
            "none",
            "--name",
            name,
            "--label",
            &label,
            "--label",
            &named,
            "-e",
            "PULL_MODE=on=1",
            "-e",
            "POOL=2",
            "-e",
            "SECRET=hunter2",
            "tiny:1",
            "busybox",
            "sh",
            "-c",
            script,
        ])
    };
    // The shell that becomes a sleep never waits for the child that it had.
    let dead = "busybox cp /bin/busybox /bin/claude; busybox ln /bin/busybox /bin/true; (exec -a true /bin/busybox true) & exec busybox sleep 1000";
    let alive = run("one", "agent", dead);
    run("two", "agent", "busybox true");
    run("other", "else", "exec busybox sleep 1000");
    until("the second has ended", || {
        swarm
            .docker([
                "ps",
                "-aq",
                "--filter",
                "name=two",
                "--filter",
                "status=exited",
            ])
            .len()
            > 1
    });
    let mut source = open("docker", &[("socket", shown_path(&swarm.socket()))], LONG);
    let running = read_one(&mut *source, containers(false));
    let row = rows(&running).remove(0);
    assert!(row.starts_with(&format!("'one'|'{alive}'|20")), "{row}");
    assert!(row.ends_with("|'one'|'running'|'on=1'|'2'|null"), "{row}");
    assert!(!format!("{running:?}").contains("hunter2"));
    let all = read_one(&mut *source, containers(true));
    assert_eq!(all.table().unwrap().len(), 2);
    let mut processes = open("procfs", &[], LONG);
    let cut = Cut::from([("containers".to_owned(), running)]);
    let zombies = ask(
        "zombies",
        "subject id:int comm container",
        &[
            ("each", text("containers")),
            ("id", text("pid")),
            ("state", text("Z")),
        ],
    );
    until("the zombie of the container is seen", || {
        let read = read(&mut *processes, std::slice::from_ref(&zombies), &cut).remove(0);
        assert!(read.gaps().is_empty(), "{read:?}");
        rows(&read)
            .iter()
            .any(|row| row.starts_with("'one'|") && row.ends_with(&format!("|'{alive}'")))
    });
    drop(swarm);
    assert_eq!(
        failed(&read_one(&mut *source, containers(false))),
        CauseKind::Unreachable
    );
}

#[test]
fn one_who_listens_and_says_nothing_or_nonsense() {
    for (answer, kind) in [
        (&b""[..], CauseKind::Timeout),
        (b"SSH-2.0\r\n\r\n", CauseKind::Garbled),
        (b"HTTP/1.0 200 OK\r\n\r\n[", CauseKind::Garbled),
    ] {
        let liar = Liar::saying(answer);
        let mut source = open(
            "docker",
            &[("socket", shown_path(&liar.path))],
            std::time::Duration::from_millis(300),
        );
        // What hangs after an answer is a timeout, too.
        let seen = failed(&read_one(&mut *source, containers(false)));
        assert!(seen == kind || seen == CauseKind::Timeout, "{seen:?}");
    }
}
