use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::node::{Body, Node};

/// The digest of the tree, whatever the order, the comments and the files it came from.
pub(super) fn of(root: &Node) -> String {
    let mut text = String::new();
    canonical(root, &mut text);
    let mut hex = String::new();
    for byte in Sha256::digest(text) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

fn canonical(node: &Node, out: &mut String) {
    match &node.body {
        Body::Text(text) => out.push_str(&quoted(text)),
        Body::Int(int) => out.push_str(&int.to_string()),
        Body::Bool(yes) => out.push_str(&yes.to_string()),
        Body::Other => out.push('?'),
        Body::List(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Body::Table(entries) => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            out.push('{');
            for entry in entries {
                out.push_str(&quoted(&entry.key));
                out.push(':');
                canonical(&entry.node, out);
                out.push(',');
            }
            out.push('}');
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
