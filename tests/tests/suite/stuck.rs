//! Processes that even a SIGKILL does not end, as they wait in the kernel: here for a file system that is frozen.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use runward_tests::sweep::sweep;
use runward_tests::{Sandbox, procs, skip};
use rustix::process::Signal;

use crate::sweeping::{NO_OPTIONS, lacks_cgroup, left};

/// Between two looks at a process.
const PAUSE: Duration = Duration::from_millis(5);

/// A file system of its own, thawed and unmounted when this is dropped.
struct Disk(PathBuf);

impl Disk {
    /// None where none can be mounted.
    fn mount(sandbox: &Sandbox) -> Option<Self> {
        let (image, place) = (sandbox.path("image"), sandbox.path("disk"));
        fs::create_dir(&place).ok()?;
        let file = fs::File::create(&image).ok()?;
        file.set_len(16 << 20).ok()?;
        let made = does("mkfs.ext4", &["-q".as_ref(), &image]);
        let mounted = made && does("mount", &["-o".as_ref(), "loop".as_ref(), &image, &place]);
        mounted.then_some(Self(place))
    }

    fn freeze(&self) -> bool {
        does("fsfreeze", &["-f".as_ref(), &self.0])
    }

    fn thaw(&self) {
        does("fsfreeze", &["-u".as_ref(), &self.0]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.thaw();
        does("umount", &["-l".as_ref(), &self.0]);
    }
}

fn does(program: &str, words: &[&Path]) -> bool {
    let output = Command::new(program).args(words).output();
    output.is_ok_and(|output| output.status.success())
}

/// Waits until `dd` is where no signal reaches it.
fn waits_on_the_disk(sandbox: &Sandbox) -> bool {
    while Instant::now() < sandbox.until() {
        let work = procs::work_of(sandbox.token());
        if work.iter().any(|it| it.comm == "dd" && it.state == 'D') {
            return true;
        }
        thread::sleep(PAUSE);
    }
    false
}

#[test]
fn the_cgroup_of_who_could_not_be_killed_is_swept_once_he_is_dead() {
    let test = "the_cgroup_of_who_could_not_be_killed_is_swept_once_he_is_dead";
    if lacks_cgroup(test) {
        return;
    }
    for owner_dies in [false, true] {
        let sandbox = Sandbox::new(60);
        let Some(disk) = Disk::mount(&sandbox).filter(Disk::freeze) else {
            return skip::skip(test, "needs root, loop devices, mkfs.ext4 and fsfreeze");
        };
        let mut line = sandbox.line();
        let script = format!(
            "echo ready >{}; exec dd if=/dev/zero of={}/file",
            line.path().display(),
            disk.0.display()
        );
        let running = sandbox.run().shell(&script).spawn();
        running.wait_word(&mut line, "ready");
        assert!(waits_on_the_disk(&sandbox), "dd does not wait");
        let guardian = running.guardian().pidfd().expect("a guardian");
        running.signal(if owner_dies {
            Signal::KILL
        } else {
            Signal::TERM
        });
        running.wait();
        assert!(procs::wait_end(&guardian, sandbox.until()));
        let swept = sweep(&sandbox, NO_OPTIONS);
        assert!(swept.stdout.contains("not dead yet"), "{}", swept.stdout);
        disk.thaw();
        line.wait_end();
        assert!(sandbox.everyone_ended_by(sandbox.until()));
        let swept = sweep(&sandbox, NO_OPTIONS);
        swept.assert_code(0);
        assert!(swept.stdout.contains("reaped cgroup"), "{}", swept.stdout);
        assert_eq!(left(&sandbox), Vec::<String>::new());
    }
}
