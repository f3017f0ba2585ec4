//! What the second process does; `harness` lists the lines that it obeys.

use std::collections::HashMap;
use std::io::Write as _;
use std::ops::ControlFlow;
use std::os::fd::AsFd as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use runward_lock::{Event, Guard, LockDir, Request, Wait, quiet};

use crate::harness::{janitor, locks, name, policy};

struct Peer<'r> {
    root: &'r Path,
    locks: LockDir,
    held: HashMap<String, Guard>,
    kept: Vec<Child>,
}

fn say(line: impl std::fmt::Display) {
    let mut out = std::io::stdout();
    // The test may have ended first.
    let _ = writeln!(out, "@{line}").and_then(|()| out.flush());
}

pub(crate) fn obey(root: &Path) {
    let mut peer = Peer {
        root,
        locks: locks(root),
        held: HashMap::new(),
        kept: Vec::new(),
    };
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let words: Vec<&str> = line.split(' ').collect();
        if words == ["exit"] {
            break;
        }
        peer.serve(&words);
    }
}

impl Peer<'_> {
    fn serve(&mut self, words: &[&str]) {
        match words {
            ["hold", app] => self.hold(app, ""),
            ["hold", app, trace] => self.hold(app, trace),
            ["wait", app] => self.wait(app),
            ["close", app] => {
                self.held.remove(*app).unwrap().close().unwrap();
                say("done");
            }
            ["keep", app] => self.keep(app),
            ["sweep", patterns @ ..] => self.sweep(patterns),
            other => say(format!("unknown {other:?}")),
        }
    }

    fn hold(&mut self, app: &str, trace: &str) {
        let request = Request::new()
            .wait(Wait::Never)
            .run_id("peer")
            .what("working")
            .trace(trace);
        match self.locks.acquire(&name(app), &request, &mut quiet) {
            Ok(guard) => {
                say(format!("held {}", guard.fence()));
                self.held.insert(app.to_owned(), guard);
            }
            Err(error) => say(format!("failed {:?}", error.kind())),
        }
    }

    fn wait(&mut self, app: &str) {
        let request = Request::new().tick(Duration::from_millis(20));
        let mut told = String::new();
        let mut tell = |event: &Event<'_>| {
            if let Event::Waiting { holder, .. } = event {
                let record = holder.record();
                let what = record.map_or("", runward_lock::Record::what).to_owned();
                if what != told {
                    say(format!("waiting {what}"));
                    told = what;
                }
            }
            ControlFlow::Continue(())
        };
        let guard = self.locks.acquire(&name(app), &request, &mut tell).unwrap();
        let inode = rustix::fs::fstat(guard.as_fd()).unwrap().st_ino;
        say(format!("held {} {inode}", guard.fence()));
        self.held.insert(app.to_owned(), guard);
    }

    fn keep(&mut self, app: &str) {
        let mut command = Command::new("cat");
        self.held.get_mut(app).unwrap().hand_down(&mut command);
        // Its input is ours, which ends with the test.
        let child = command
            .stdin(Stdio::inherit())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        say(child.id());
        self.kept.push(child);
    }

    fn sweep(&self, patterns: &[&str]) {
        let (_, report) = janitor(&self.locks, self.root, policy(patterns))
            .run()
            .unwrap();
        let items: Vec<String> = report.items().iter().map(ToString::to_string).collect();
        let clean = if report.is_clean() { "clean" } else { "left" };
        say(format!("{clean} {}", items.join("; ")));
    }
}
