//! Looks at the stack of its own run, over and over, and writes down when something of it is missing or another's.

use std::path::Path;
use std::process::exit;
use std::thread::sleep;
use std::time::{Duration, Instant};

use runward_tests::engine;
use runward_tests::options::Options;
use runward_tests::report::{self, Reporter};

fn main() {
    let options = Options::of_process();
    let reporter = Reporter::open(&options);
    let end = Instant::now() + Duration::from_millis(options.value("--work").unwrap_or(0));
    reporter.say("watching");
    loop {
        if let Some(what) = fault(&options) {
            let run = options.text("--run").unwrap_or_default();
            report::log(&options, &format!("{run}: {what}"));
            exit(3);
        }
        if Instant::now() >= end {
            return;
        }
        sleep(Duration::from_millis(25));
    }
}

/// What is wrong with the stack, the settings or the state directory.
fn fault(options: &Options) -> Option<String> {
    let text = |name: &str| options.text(name).unwrap_or_default();
    let (socket, stack, run) = (Path::new(text("--socket")), text("--stack"), text("--run"));
    let settings = text("--settings");
    if !Path::new(settings).exists() {
        return Some(format!("{settings} is gone"));
    }
    let objects = [
        format!("/services/{stack}_app"),
        format!("/networks/{stack}_internal"),
        format!("/volumes/{stack}_data"),
        format!("/secrets/{stack}_password_v1"),
        format!("/configs/{stack}_greeting_v1"),
    ];
    for path in objects {
        match engine::get(socket, &path) {
            Ok((200, body)) if path.starts_with("/services") && !body.contains(run) => {
                return Some(format!("{path} is another's: {body}"));
            }
            Ok((200, _)) => {}
            Ok((status, body)) => return Some(format!("{path}: {status} {body}")),
            Err(error) => return Some(format!("{path}: {error}")),
        }
    }
    None
}
