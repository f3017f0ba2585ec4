//! What a verdict costs in memory: a multiple of the artifact, whatever a rule looks at.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;

use runward_evidence::{Dir, Spec, Terms, Verdict, verify};

use crate::harness::spec;

/// Names the bundle to the process whose memory is measured.
const BUNDLE: &str = "RUNWARD_TEST_MEMORY_BUNDLE";
const ROWS: usize = 400_000;

const RULES: &str = "
[[artifact]]
id = 'a'
file = 'a.json'
kind = 'json'
[[rule]]
id = 'count'
check = 'cmp'
left = { count = 'a:/*' }
op = '>'
right = { value = 1 }
[[rule]]
id = 'sum'
check = 'cmp'
left = { sum = 'a:/*/n', type = 'u64' }
op = '>'
right = { value = 1 }
[[rule]]
id = 'rising'
check = 'increasing'
at = 'a:/*/n'
type = 'u64'
[[rule]]
id = 'ok'
check = 'no_row'
rows = 'a:/*'
where = { '/ok' = false }
";

fn rows(file: &Path) {
    let mut file = std::io::BufWriter::new(fs::File::create(file).unwrap());
    for n in 0..ROWS {
        let before = if n == 0 { '[' } else { ',' };
        write!(file, "{before}{{\"name\":\"k{n}\",\"n\":{n},\"ok\":true}}").unwrap();
    }
    file.write_all(b"]").unwrap();
}

/// The most that this process ever had, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.unwrap().split_whitespace().next().unwrap();
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn a_verdict_takes_less_than_three_times_the_largest_artifact() {
    const TEST: &str = "memory::a_verdict_takes_less_than_three_times_the_largest_artifact";
    if let Some(dir) = std::env::var_os(BUNDLE) {
        return measured(Path::new(&dir));
    }
    // Other tests share this process and its peak.
    let dir = tempfile::tempdir().unwrap();
    rows(&dir.path().join("a.json"));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", TEST]).env(BUNDLE, dir.path());
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

fn measured(dir: &Path) {
    let spec = Spec::parse("s.toml", &spec(RULES)).unwrap();
    let size = fs::metadata(dir.join("a.json")).unwrap().len();
    let before = peak();
    let report = verify(&spec, &Dir::open(dir).unwrap(), &Terms::new());
    let taken = peak() - before;
    assert_eq!(report.verdict(), Verdict::Proven);
    let rules = report.judgements().len() as u64;
    assert!(taken <= 3 * size + 1024 * rules, "{taken} bytes for {size}");
}
