//! What an acquire and a list cost, as ratios to the bare calls in the same run. `cargo run --release --example cost [DIR]`.
#![expect(clippy::print_stdout, reason = "it reports")]

use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use runward_lock::{Guard, LockDir, Name, Request, Wait, quiet};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let base = std::env::args_os()
        .nth(1)
        .map_or(PathBuf::from("/dev/shm"), PathBuf::from);
    let scratch = tempfile::tempdir_in(base)?;
    acquire(scratch.path())?;
    list(scratch.path())
}

/// The fastest of several batches, for each turn.
fn best(batches: u32, turns: u32, mut turn: impl FnMut()) -> Duration {
    let batch = |_| {
        let started = Instant::now();
        (0..turns).for_each(|_| turn());
        started.elapsed() / turns
    };
    (0..batches).map(batch).min().unwrap_or_default()
}

fn acquire(scratch: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let locks = LockDir::open(scratch.join("locks"))?;
    let (name, plain) = (Name::new("app")?, scratch.join("plain"));
    let request = Request::new()
        .run_id("build-17")
        .what("deploying")
        .wait(Wait::Never);
    let bare = best(50, 1000, || {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&plain)
            .expect("open");
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).expect("lock");
    });
    let full = best(50, 1000, || {
        drop(locks.acquire(&name, &request, &mut quiet).expect("free"))
    });
    println!(
        "acquire and release {full:?}, bare {bare:?}, ratio {:.2}",
        full.as_secs_f64() / bare.as_secs_f64()
    );
    Ok(())
}

fn list(scratch: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let path = scratch.join("many");
    let locks = LockDir::open(&path)?;
    for i in 0..100_000 {
        File::create(path.join(format!("app-{i}.example.org")))?;
    }
    let take = |i| {
        locks.acquire(
            &Name::new(format!("app-{i}.example.org"))?,
            &Request::new(),
            &mut quiet,
        )
    };
    let held: Vec<Guard> = (0..100).map(|i| take(i * 997)).collect::<Result<_, _>>()?;
    let bare = best(5, 1, || {
        black_box(std::fs::read_dir(&path).expect("readable").count());
    });
    let full = best(5, 1, || {
        let listed = locks.list().expect("readable");
        assert_eq!(
            listed.iter().filter(|e| e.state().is_held()).count(),
            held.len()
        );
    });
    println!(
        "list of 100000 {full:?}, bare {bare:?}, ratio {:.2}",
        full.as_secs_f64() / bare.as_secs_f64()
    );
    Ok(())
}
