//! Sets that include others, and override single fields of them.

use std::io::Read;
use std::path::Path;

use super::node::{Body, Entry, Node, Result};
use crate::nearest::hint;
use crate::{Error, ErrorKind};

/// The sets that come with the crate, by name.
pub(crate) const SHIPPED: &[(&str, &str)] = &[
    ("agent-fleet", include_str!("../../rules/agent-fleet.toml")),
    ("ci-host", include_str!("../../rules/ci-host.toml")),
];

const MOST: u64 = 16 << 20;
const DEPTH: usize = 8;

/// The set with all that it includes.
pub(super) fn whole(name: &str, text: &str, beside: Option<&Path>) -> Result<Node> {
    with_included(Node::parse(name, text)?, beside, &mut vec![name.to_owned()])
}

/// The text of a file.
pub(super) fn text(path: &Path) -> Result<String> {
    let failed = |why: &dyn std::fmt::Display| {
        let message = format!("read the rule set {}: {why}", path.display());
        Error::new(ErrorKind::Rules, message)
    };
    let file = crate::disk::open(path).map_err(|error| failed(&error))?;
    let mut bytes = Vec::new();
    let read = file.take(MOST + 1).read_to_end(&mut bytes);
    read.map_err(|error| failed(&error))?;
    if bytes.len() as u64 > MOST {
        return Err(failed(&"it is larger than 16 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| failed(&"it is no UTF-8"))
}

fn with_included(root: Node, beside: Option<&Path>, path: &mut Vec<String>) -> Result<Node> {
    let names = root.get("include").map(Node::several).unwrap_or_default();
    let mut base: Option<Node> = None;
    for name in names {
        let set = included(name, beside, path)?;
        base = Some(match base {
            None => set,
            Some(base) => beside_each_other(base, set)?,
        });
    }
    Ok(match base {
        None => root,
        Some(base) => over(base, root),
    })
}

fn included(name: &Node, beside: Option<&Path>, path: &mut Vec<String>) -> Result<Node> {
    let wanted = name.text()?;
    if path.iter().any(|one| one == wanted) || path.len() > DEPTH {
        return Err(name.error(format!(
            "`{wanted}` includes itself, or sets include each other too deeply"
        )));
    }
    let shipped = SHIPPED.iter().find(|(known, _)| *known == wanted);
    path.push(wanted.to_owned());
    let set = match (shipped, beside) {
        (Some((known, text)), _) => with_included(Node::parse(known, text)?, None, path),
        (None, Some(directory)) => {
            let file = directory.join(wanted);
            let text = text(&file).map_err(|error| name.error(unknown(wanted, &error)))?;
            let root = Node::parse(&file.display().to_string(), &text)?;
            with_included(root, file.parent(), path)
        }
        (None, None) => Err(name.error(unknown(wanted, &"files are not included here"))),
    };
    path.pop();
    set
}

fn unknown(wanted: &str, why: &dyn std::fmt::Display) -> String {
    let hint = hint(wanted, SHIPPED.iter().map(|(name, _)| *name));
    format!("no file ({why}), and no set that comes with runward{hint}")
}

/// Two sets that are included by a third: neither overrides the other.
fn beside_each_other(base: Node, set: Node) -> Result<Node> {
    for group in ["source", "facet", "invariant", "drill"] {
        let theirs = set.get(group).map(Node::entries).transpose()?;
        for entry in theirs.unwrap_or_default() {
            let twice = base.get(group).and_then(|group| group.get(&entry.key));
            if twice.is_some() && group != "source" {
                let message = format!("two included sets have a {group} `{}`", entry.key);
                return Err(entry.place.error(message));
            }
        }
    }
    Ok(over(base, set))
}

/// What stands in `top` overrides: fields of sources, facets, invariants and drills, of policy, retention and ledger; alerts as a whole.
fn over(base: Node, top: Node) -> Node {
    merged(base, top, 0, "")
}

fn merged(base: Node, top: Node, depth: usize, group: &str) -> Node {
    let (Body::Table(mut under), Body::Table(upper)) = (base.body, top.body.clone()) else {
        return top;
    };
    for entry in upper {
        match under.iter().position(|one| one.key == entry.key) {
            None => under.push(entry),
            Some(index) => {
                let below = under.remove(index);
                under.insert(index, field(below, entry, depth, group));
            }
        }
    }
    Node {
        place: top.place,
        body: Body::Table(under),
    }
}

fn field(below: Entry, entry: Entry, depth: usize, group: &str) -> Entry {
    let group = if depth == 0 { &*entry.key } else { group };
    let named = matches!(group, "source" | "facet" | "invariant" | "drill");
    // A source of another kind keeps nothing of the old one: its settings would mean nothing.
    let anew = group == "source" && depth == 1 && entry.node.get("kind").is_some();
    let deeper = if named { depth < 2 } else { depth < 1 };
    if anew || !deeper {
        return entry;
    }
    let node = merged(below.node, entry.node.clone(), depth + 1, group);
    Entry { node, ..entry }
}
