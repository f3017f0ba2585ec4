use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};

use runward_canary::{CauseKind, Value};
use runward_tests::skip;

use crate::harness::*;

/// A parent that does not wait, with a dead child whose name is `name`; python's `prctl` names it before it dies.
pub(crate) struct Negligent {
    child: Child,
    input: Option<ChildStdin>,
    pub(crate) zombie: i64,
}

const PARENT: &str = r#"
import ctypes, os, sys
read, write = os.pipe()
pid = os.fork()
if pid == 0:
    ctypes.CDLL(None).prctl(15, sys.argv[1].encode(), 0, 0, 0)
    os._exit(0)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
print(pid, flush=True)
sys.stdin.read()
os.wait()
"#;

impl Negligent {
    pub(crate) fn start(test: &str, name: &str) -> Option<Self> {
        if !runward_tests::servers::installed("python3") {
            skip::skip(test, "needs python3");
            return None;
        }
        let mut child = Command::new("python3")
            .args(["-c", PARENT, name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Some(Self {
            input: child.stdin.take(),
            child,
            zombie: line.trim().parse().unwrap(),
        })
    }
}

impl Drop for Negligent {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

fn zombies(comm: &str) -> runward_canary::Ask {
    let columns = "id:int born:time comm state ppid:int generation boot";
    ask(
        "zombies",
        columns,
        &[("comm", text(comm)), ("state", text("Z"))],
    )
}

#[test]
fn a_zombie_is_found_by_name_and_state_and_goes_with_its_parent() {
    let Some(one) = Negligent::start("procfs zombie", "a) Z (b c") else {
        return;
    };
    let mut source = open("procfs", &[], LONG);
    let read = read_one(&mut *source, zombies("a) Z (b c"));
    let table = read.table().unwrap();
    let found: Vec<_> = table
        .rows()
        .filter(|row| row.at(0).as_int() == Some(one.zombie))
        .collect();
    let row = found[0].cells();
    let (parent, generation) = (i64::from(one.child.id()), row[5].as_text().unwrap());
    assert_eq!((&row[3], &row[4]), (&Value::text("Z"), &Value::Int(parent)));
    assert!(
        generation.starts_with(row[6].as_text().unwrap()),
        "{generation}"
    );
    assert!(row[1].as_time().unwrap() <= read.ended());
    let zombie = one.zombie;
    drop(one);
    let read = read_one(&mut *source, zombies("a) Z (b c"));
    assert!(
        !rows(&read)
            .iter()
            .any(|row| row.starts_with(&format!("{zombie}|")))
    );
}

#[test]
fn others_by_name_or_state_are_no_zombies() {
    let Some(one) = Negligent::start("procfs twin", "claude") else {
        return;
    };
    let mut source = open("procfs", &[], LONG);
    let other = read_one(&mut *source, zombies("claud"));
    assert!(other.table().unwrap().is_empty());
    let living = ask(
        "living",
        "id:int",
        &[("state", texts(&["S", "R"])), ("comm", text("python3"))],
    );
    let living = read_one(&mut *source, living);
    assert!(rows(&living).contains(&one.child.id().to_string()));
    assert!(!rows(&living).contains(&one.zombie.to_string()));
}

#[test]
fn processes_that_come_and_go_are_no_errors() {
    let mut source = open("procfs", &[], LONG);
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let _ = Command::new("true").status();
            }
        });
        for _ in 0..100 {
            let read = read_one(
                &mut *source,
                ask("all", "count:int", &[("as", text("count"))]),
            );
            assert!(
                read.table()
                    .unwrap()
                    .rows()
                    .next()
                    .unwrap()
                    .at(0)
                    .as_int()
                    .unwrap()
                    > 1
            );
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    });
}

#[test]
fn a_folder_that_is_no_process_table_is_not_one_without_processes() {
    let folder = tempfile::tempdir().unwrap();
    for (root, kind) in [
        (folder.path().to_owned(), CauseKind::Garbled),
        (folder.path().join("none"), CauseKind::Unreachable),
    ] {
        let mut source = open("procfs", &[("root", shown_path(&root))], LONG);
        assert_eq!(failed(&read_one(&mut *source, zombies("x"))), kind);
    }
}

/// Reads in a process of another user, with a table that hides others' processes.
#[test]
fn a_table_that_hides_others_is_a_failed_reading() {
    if !skip::is_root() {
        return skip::skip("procfs hidepid", "needs root, to mount");
    }
    let folder = tempfile::tempdir().unwrap();
    runward_tests::places::set_mode(folder.path(), 0o755);
    for hidden in ["hidepid=1", "hidepid=2"] {
        let script = format!(
            "mount -t proc -o {hidden} proc {0} && exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$1\" --exact procfs::reader --ignored --nocapture",
            folder.path().display()
        );
        let output = Command::new("unshare")
            .args(["--mount", "sh", "-c", &script, "sh"])
            .arg(readable(folder.path()))
            .env("READER_ROOT", folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            said.contains("@Err(Denied)"),
            "{hidden}: {said} {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// This binary where another user may run it.
fn readable(folder: &std::path::Path) -> std::path::PathBuf {
    let copy = folder.with_extension("copy");
    std::fs::create_dir_all(&copy).unwrap();
    runward_tests::places::set_mode(&copy, 0o755);
    let copy = copy.join("reader");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    copy
}

#[test]
#[ignore = "the other process of the other tests"]
fn reader() {
    let root = std::env::var("READER_ROOT").unwrap();
    let mut source = open("procfs", &[("root", text(root))], LONG);
    let read = read_one(&mut *source, zombies("x"));
    let kind = read
        .table()
        .map(|_| ())
        .map_err(runward_canary::Cause::kind);
    let _ = writeln!(std::io::stdout(), "@{kind:?}");
}

#[test]
fn a_container_of_which_nobody_is_seen_is_a_gap() {
    let id = "0".repeat(64);
    let cut = before(
        "containers",
        "subject id",
        vec![vec![Value::text("agent"), Value::text(id)]],
    );
    let mut source = open("procfs", &[], LONG);
    let facet = ask(
        "zombies",
        "subject id:int",
        &[
            ("each", text("containers")),
            ("id", text("pid")),
            ("state", text("Z")),
        ],
    );
    let read = read(&mut *source, &[facet], &cut).remove(0);
    assert!(read.table().unwrap().is_empty());
    assert_eq!(read.gaps()["agent"].kind(), CauseKind::Unreachable);
}

#[test]
fn the_boot_is_one_row_with_its_id_and_its_time() {
    let mut source = open("procfs", &[], LONG);
    let facet = ask("boot", "id born:time", &[("what", text("boot"))]);
    let read = read_one(&mut *source, facet);
    let boots: Vec<_> = read.table().unwrap().rows().collect();
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    assert_eq!(boots.len(), 1);
    assert_eq!(boots[0].at(0), &Value::text(id.trim()));
    let up = std::fs::read_to_string("/proc/uptime").unwrap();
    let up: f64 = up.split(' ').next().unwrap().parse().unwrap();
    let since = read.ended().since(boots[0].at(1).as_time().unwrap());
    assert!((since as f64 / 1e6 - up).abs() < 3.0, "{since} {up}");
}

#[test]
fn a_process_in_the_cgroup_of_a_run_names_the_run() {
    let mut source = open("procfs", &[], LONG);
    let all = ask("all", "id:int run", &[]);
    let own = std::process::id();
    assert!(rows(&read_one(&mut *source, all)).contains(&format!("{own}|null")));
    let in_run = [("in_run", runward_canary::Setting::Bool(true))];
    let members = rows(&read_one(
        &mut *source,
        ask("members", "id:int run", &in_run),
    ));
    assert!(
        members.iter().all(|row| !row.ends_with("|null")),
        "{members:?}"
    );
}

#[test]
fn a_run_of_which_nobody_is_left_is_no_gap() {
    let rows = vec![vec![Value::text("build-7"), Value::text("build-7.key")]];
    let cut = before("left", "subject id", rows);
    let mut source = open("procfs", &[], LONG);
    let settings = [
        ("each", text("left")),
        ("id", text("pid")),
        ("in_run", runward_canary::Setting::Bool(true)),
    ];
    let facet = ask("members", "subject id:int", &settings);
    let read = read(&mut *source, &[facet], &cut).remove(0);
    assert!(read.table().unwrap().is_empty());
    assert!(read.gaps().is_empty(), "{:?}", read.gaps());
}
