//! Writes down what a program sees of its process: signals, descriptors, terminal, limits.

use std::io::{Read, Write};

use runward_tests::options::Options;
use runward_tests::seen::Seen;

fn main() {
    // Before anything else is opened.
    let seen = Seen::look();
    let options = Options::of_process();
    let text = serde_json::to_string_pretty(&seen).expect("plain data");
    std::fs::write(options.text("--out").expect("--out is needed"), text)
        .expect("the out file can be written");
    if options.flag("--ask") {
        let _ = std::io::stdout().write_all(b"asked\n");
        let mut answer = [0; 64];
        let count = std::io::stdin().read(&mut answer).unwrap_or(0);
        let _ = std::io::stdout().write_all(&[b"got ", &answer[..count]].concat());
    }
}
