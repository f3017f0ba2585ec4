//! Prerequisites before what builds on them.

use super::rule::Rule;

/// An order in which each rule comes after its prerequisites; or a rule that waits for itself.
pub(crate) fn order(rules: &[Rule]) -> Result<Vec<u32>, usize> {
    let mut waiting: Vec<usize> = rules.iter().map(|rule| rule.after.len()).collect();
    let mut dependants: Vec<Vec<u32>> = vec![Vec::new(); rules.len()];
    for (at, rule) in (0..).zip(rules) {
        for before in &rule.after {
            dependants[*before as usize].push(at);
        }
    }
    let free = (0..).zip(&waiting).filter(|(_, count)| **count == 0);
    let mut order: Vec<u32> = free.map(|(at, _)| at).collect();
    let mut done = 0;
    while let Some(rule) = order.get(done).copied() {
        done += 1;
        for next in &dependants[rule as usize] {
            let count = &mut waiting[*next as usize];
            *count -= 1;
            if *count == 0 {
                order.push(*next);
            }
        }
    }
    match waiting.iter().position(|count| *count > 0) {
        None => Ok(order),
        Some(stuck) => Err(stuck),
    }
}
