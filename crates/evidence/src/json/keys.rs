//! Finding a key that an object has twice, without a quadratic search and whatever the keys are.

use std::collections::HashSet;

use super::Node;
use super::strings::unescape;

/// The first key of the object at `at` that was there before, as a node.
pub(super) fn duplicate(
    text: &str,
    nodes: &[Node],
    at: usize,
    scratch: &mut Vec<u64>,
) -> Option<usize> {
    scratch.clear();
    scratch.extend(keys(nodes, at).map(|key| hash(text, &nodes[key])));
    if scratch.len() < 2 {
        return None;
    }
    scratch.sort_unstable();
    let suspect = scratch.windows(2).any(|pair| pair[0] == pair[1]);
    // Equal hashes may be chance, or somebody's malice: only the keys themselves decide.
    if suspect {
        exact(text, nodes, at)
    } else {
        None
    }
}

fn exact(text: &str, nodes: &[Node], at: usize) -> Option<usize> {
    let mut seen = HashSet::new();
    let mut keys = keys(nodes, at);
    keys.find(|key| !seen.insert(unescape(raw(text, &nodes[*key]))))
}

fn keys(nodes: &[Node], at: usize) -> impl Iterator<Item = usize> {
    let end = nodes.len();
    let mut next = at + 1;
    std::iter::from_fn(move || {
        let key = next;
        let value = nodes.get(key)?.next() as usize;
        next = nodes.get(value)?.next() as usize;
        (key < end).then_some(key)
    })
}

fn raw<'t>(text: &'t str, key: &Node) -> &'t str {
    let (start, end) = (key.start as usize + 1, key.end as usize - 1);
    text.get(start..end).unwrap_or_default()
}

fn hash(text: &str, key: &Node) -> u64 {
    let raw = raw(text, key);
    if key.escaped() {
        mix(unescape(raw).as_bytes())
    } else {
        mix(raw.as_bytes())
    }
}

/// Eight bytes at a time; good enough to tell honest keys apart.
fn mix(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9E37_79B9_7F4A_7C15;
    let chunks = bytes.chunks_exact(8);
    let mut last = [0; 8];
    last[..chunks.remainder().len()].copy_from_slice(chunks.remainder());
    let whole = chunks.map(|chunk| chunk.try_into().map_or(0, u64::from_le_bytes));
    let start = (bytes.len() as u64).wrapping_mul(ODD);
    whole
        .chain([u64::from_le_bytes(last)])
        .fold(start, |sum, word| {
            (sum.rotate_left(23) ^ word).wrapping_mul(ODD)
        })
}
