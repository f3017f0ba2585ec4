//! dev probe
#![allow(clippy::print_stderr, clippy::exit)]
use runward_lifetime::*;
use std::time::Duration;
fn main() {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let rung = args.remove(0);
    let c = match rung.as_str() {
        "auto" => Choice::Auto,
        "cgroup" => Choice::Only(Containment::Cgroup),
        "pidns" => Choice::Only(Containment::PidNamespace),
        "subreaper" => Choice::Only(Containment::Subreaper),
        _ => Choice::Only(Containment::Group),
    };
    let mut l = Lifetime::new(Program::new(args.remove(0)).args(args))
        .containment(c)
        .grace(Duration::from_secs(3))
        .on_progress(|e| eprintln!("progress {e:?}"));
    if let Ok(t) = std::env::var("TD") {
        l = l.teardown(["sh", "-c", &t]);
    }
    if let Ok(t) = std::env::var("JOURNAL") {
        l = l.journal(t);
    }
    if let Ok(t) = std::env::var("DL") {
        l = l.deadline(Duration::from_millis(t.parse().unwrap()));
    }
    match l.run() {
        Ok(o) => {
            eprintln!("{o:?}");
            std::process::exit(o.exit_code().into())
        }
        Err(e) => {
            eprintln!("error {e} {:?}", e.kind());
            std::process::exit(125)
        }
    }
}
