//! A teardown that leaves a trace of each of its steps.

use std::io::Write;
use std::process::exit;
use std::thread::sleep;
use std::time::Duration;

use runward_tests::options::Options;
use runward_tests::report::{self, Reporter};

fn main() {
    let options = Options::of_process();
    let reporter = Reporter::open(&options);
    let pid = std::process::id();
    report::log(&options, &format!("start {pid}"));
    reporter.say("teardown-start");
    chatter(options.value("--bytes").unwrap_or(0));
    if options.text("--gate").is_some() {
        report::pass_gate(&options);
    }
    sleep(Duration::from_millis(options.value("--work").unwrap_or(0)));
    report::log(&options, &format!("end {pid}"));
    reporter.say("teardown-end");
    exit(options.value("--exit").unwrap_or(0));
}

fn chatter(bytes: usize) {
    let line = [b'x'; 1023];
    for _ in 0..bytes / 1024 {
        for output in [
            &mut std::io::stdout() as &mut dyn Write,
            &mut std::io::stderr(),
        ] {
            if output
                .write_all(&line)
                .and_then(|()| output.write_all(b"\n"))
                .is_err()
            {
                return;
            }
        }
    }
}
