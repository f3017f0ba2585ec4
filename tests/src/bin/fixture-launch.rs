//! Starts a command in an unusual way: below a subreaper, or from a thread that ends.
#![expect(unsafe_code, reason = "prctl has no safe form here")]

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, exit};
use std::thread;

use nix::libc;
use runward_tests::options::Options;

fn main() {
    let options = Options::of_process();
    let line = options.command().to_vec();
    let start = move || {
        Command::new(&line[0])
            .args(&line[1..])
            .spawn()
            .expect("the command starts")
    };
    let mut child: Child = if options.flag("--thread") {
        thread::spawn(start).join().expect("no panic")
    } else {
        become_subreaper();
        start()
    };
    if let Some(path) = options.text("--pid-file") {
        let mut file = std::fs::File::create(path).expect("the pid file can be made");
        writeln!(file, "{}", child.id()).expect("the pid file can be written");
    }
    let status = child.wait().expect("an own child");
    exit(
        status
            .code()
            .unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
    );
}

fn become_subreaper() {
    // SAFETY: this option takes one number and changes nothing but this process (prctl(2)).
    let answer = unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1) };
    assert_eq!(answer, 0, "a process may become a subreaper");
}
