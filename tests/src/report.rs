//! How a fixture reports over a line and waits at a gate.

use std::fs::File;
use std::io::{Read, Write};

use crate::options::Options;

/// The writing end of a line, held until the process is dead.
#[derive(Debug, Default)]
pub struct Reporter {
    pipe: Option<File>,
}

impl Reporter {
    /// Opens the line that `--line` names, if it does.
    pub fn open(options: &Options) -> Self {
        let pipe = options.text("--line").map(|path| {
            File::options()
                .write(true)
                .open(path)
                .expect("the line has a reader")
        });
        Self { pipe }
    }

    /// Writes one line; nobody may be there to read it.
    pub fn say(&self, text: &str) {
        if let Some(mut pipe) = self.pipe.as_ref() {
            // One write, which a pipe keeps whole among those of others.
            let _ = pipe.write_all(format!("{text}\n").as_bytes());
        }
    }
}

/// Waits until the gate that `--gate` names opens.
pub fn pass_gate(options: &Options) {
    let path = options.text("--gate").expect("--gate is needed");
    let mut byte = [0];
    let _ = File::open(path).expect("the gate is there").read(&mut byte);
}

/// Appends one line to the file that `--log` names, if it does.
pub fn log(options: &Options, text: &str) {
    let Some(path) = options.text("--log") else {
        return;
    };
    let file = File::options().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(format!("{text}\n").as_bytes()))
        .expect("the log can be written");
}
