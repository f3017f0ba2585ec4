//! Finding a key that an object has twice, without a quadratic search and whatever the keys are.

use std::collections::HashSet;

use super::strings::unescape;
use super::{Code, Nodes};

/// The first key of the object at `at` that was there before, as a node.
pub(super) fn duplicate(text: &str, nodes: &Nodes, at: u32, scratch: &mut Vec<u64>) -> Option<u32> {
    scratch.clear();
    scratch.extend(keys(nodes, at).map(|key| hash(text, nodes, key)));
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

fn exact(text: &str, nodes: &Nodes, at: u32) -> Option<u32> {
    let mut seen = HashSet::new();
    let mut keys = keys(nodes, at);
    keys.find(|key| !seen.insert(unescape(raw(text, nodes, *key))))
}

/// The keys of the last object, which nothing is behind yet.
fn keys(nodes: &Nodes, at: u32) -> impl Iterator<Item = u32> {
    let end = nodes.end();
    let mut next = Nodes::first(at);
    std::iter::from_fn(move || {
        let key = next;
        (key < end).then(|| {
            next = nodes.next(nodes.next(key));
            key
        })
    })
}

fn raw<'t>(text: &'t str, nodes: &Nodes, key: u32) -> &'t str {
    let span = nodes.span(key);
    text.get(span.start + 1..span.end - 1).unwrap_or_default()
}

fn hash(text: &str, nodes: &Nodes, key: u32) -> u64 {
    let raw = raw(text, nodes, key);
    match nodes.code(key) {
        Code::Escaped => mix(unescape(raw).as_bytes()),
        _ => mix(raw.as_bytes()),
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
