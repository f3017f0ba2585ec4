//! What a rehearsal names is what is done, in the same order, with stacks.

use crate::drill::waiting;
use crate::faults::deploy;
use crate::harness::{bed, until};

#[test]
fn a_rehearsal_names_the_same_objects_in_the_same_order() {
    let Some(bed) = bed("a_rehearsal_names_the_same_objects_in_the_same_order", 120) else {
        return;
    };
    let mut stacks = Vec::new();
    let runs = [1, 2].map(|pull_request| {
        let (mut line, gate) = (bed.sandbox.line(), bed.sandbox.gate());
        let build = bed.build("shop", pull_request, &waiting(&line, &gate));
        stacks.push(build.stack());
        let running = bed.start(build);
        running.wait_word(&mut line, "ready");
        (running, gate)
    });
    for (running, _) in &runs {
        running.kill_both();
    }
    let gates = runs.map(|(running, gate)| {
        running.wait();
        gate
    });
    // Those are taken down by their runs' own teardown; two of nobody by the sweep itself.
    stacks.extend(
        ["shop-0a1b2c", "blog-000000"].map(|app| deploy(&bed, &format!("{app}.{}", bed.zone))),
    );
    for stack in &stacks[2..] {
        until("a container", || {
            let objects = bed.objects(stack);
            objects.iter().any(|object| object.starts_with("container"))
        });
    }
    let before = bed.left(&stacks);
    let rehearsal = bed.sweep(&["--dry-run", "--json"]);
    rehearsal.assert_code(0);
    assert_eq!(rehearsal.done(), Vec::<String>::new());
    assert_eq!(bed.left(&stacks), before);
    let planned = rehearsal.planned();
    for stack in &stacks {
        assert!(
            planned.contains(&format!("stack {stack}")),
            "{stack}: {planned:#?}"
        );
    }
    let swept = bed.sweep(&["--json"]);
    swept.assert_code(0);
    assert_eq!(swept.planned(), planned);
    assert_eq!(swept.done(), planned);
    assert_eq!(bed.left(&stacks), Vec::<String>::new());
    // Open until here: the end of a gate lets everybody pass.
    drop(gates);
}
