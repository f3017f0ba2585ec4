//! Writes which processes of the work of a token are alive, and what a teardown has logged by then.

use std::fs;

use runward_tests::options::Options;
use runward_tests::procs;

fn main() {
    let options = Options::of_process();
    // The token comes split, so that this process does not carry it.
    let token = options
        .text("--of")
        .expect("--of is needed")
        .replace('_', "-");
    let own = std::process::id() as i32;
    let alive = procs::work_of(&token)
        .into_iter()
        .filter(|one| one.pid != own && !one.command.contains("census"));
    let mut lines: Vec<String> = alive
        .map(|one| format!("alive {} {} {}", one.pid, one.state, one.command))
        .collect();
    if let Some(log) = options.text("--log") {
        lines.push(format!(
            "log {}",
            fs::read_to_string(log)
                .unwrap_or_default()
                .replace('\n', ";")
        ));
    }
    fs::write(
        options.text("--out").expect("--out is needed"),
        lines.join("\n"),
    )
    .expect("the census can be written");
}
