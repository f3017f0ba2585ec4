//! As much of a YAML document as its names need: mappings and texts, with anchors and merges.

use std::collections::HashMap;
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScanError};

const DEEPEST: usize = 64;

/// A value of the document. What an alias refers to is shared and not copied, so that aliases of aliases cost nothing.
#[derive(Clone, Debug, Default)]
pub(super) enum Node {
    /// A list, or nothing.
    #[default]
    Other,
    Text(Rc<str>),
    /// With how deep it is: aliases make it deeper than the text.
    Map(Rc<Vec<(String, Node)>>, usize),
}

impl Node {
    fn map(entries: Vec<(String, Self)>) -> Result<Self, String> {
        let depth = entries.iter().map(|(_, node)| node.depth()).max();
        let depth = depth.unwrap_or_default() + 1;
        if depth > DEEPEST {
            return Err(too_deep());
        }
        Ok(Self::Map(Rc::new(entries), depth))
    }

    fn depth(&self) -> usize {
        match self {
            Self::Map(_, depth) => *depth,
            _ => 0,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a key; of one given twice, the last.
    pub(super) fn get(&self, key: &str) -> Option<Self> {
        self.entries()
            .into_iter()
            .rev()
            .find(|(name, _)| name == key)
            .map(|(_, node)| node)
    }

    /// Keys and values; what is merged into the mapping comes first, so that its own count more.
    pub(super) fn entries(&self) -> Vec<(String, Self)> {
        let Self::Map(map, _) = self else {
            return Vec::new();
        };
        let merged = map.iter().filter(|(key, _)| key == "<<");
        // Of one level: no compose file merges what is merged.
        let merged = merged.flat_map(|(_, node)| match node {
            Self::Map(map, _) => map.to_vec(),
            _ => Vec::new(),
        });
        let own = map.iter().filter(|(key, _)| key != "<<").cloned();
        merged.chain(own).collect()
    }
}

/// What is being read: a mapping with the key that waits for its value, or a list.
enum Open {
    Map(usize, Vec<(String, Node)>, Option<String>),
    List(usize),
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    top: Option<Node>,
}

/// The first document; the error begins with its place.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    let mut reader = Reader::default();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|e| explain(&e))?;
        if matches!(event, Event::DocumentEnd) {
            break;
        }
        reader.take(event)?;
        if reader.open.len() > DEEPEST {
            return Err(too_deep());
        }
    }
    Ok(reader.top.unwrap_or_default())
}

fn too_deep() -> String {
    format!(": nested deeper than {DEEPEST}")
}

fn explain(error: &ScanError) -> String {
    let at = error.marker();
    format!(":{}:{}: {}", at.line(), at.col() + 1, error.info())
}

impl Reader {
    fn take(&mut self, event: Event<'_>) -> Result<(), String> {
        match event {
            Event::MappingStart(anchor, _) => self.open.push(Open::Map(anchor, Vec::new(), None)),
            Event::SequenceStart(anchor, _) => self.open.push(Open::List(anchor)),
            Event::Scalar(text, _, anchor, _) => self.add(anchor, Node::Text(text.as_ref().into())),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                // One that refers to what it lies in has no end.
                self.add(0, node.ok_or(": an alias refers to itself")?);
            }
            Event::MappingEnd | Event::SequenceEnd => self.close()?,
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        match self.open.pop() {
            Some(Open::Map(anchor, entries, _)) => self.add(anchor, Node::map(entries)?),
            Some(Open::List(anchor)) => self.add(anchor, Node::Other),
            None => {}
        }
        Ok(())
    }

    fn add(&mut self, anchor: usize, node: Node) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(Open::Map(_, entries, key)) => match key.take() {
                Some(key) => entries.push((key, node)),
                // A key that is no text names nothing.
                None => *key = Some(node.as_str().unwrap_or_default().to_owned()),
            },
            Some(Open::List(_)) => {}
            None => self.top = Some(node),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::parse;

    #[test]
    fn anchors_and_merges() {
        let text = "x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: *x\n? [k]\n: v\n";
        let top = parse(text).unwrap();
        let text_of = |map: &str, key: &str| {
            let node = top.get(map).unwrap().get(key).unwrap();
            node.as_str().unwrap().to_owned()
        };
        assert_eq!(
            (text_of("y", "a"), text_of("y", "b"), text_of("z", "b")),
            ("1".into(), "3".into(), "2".into())
        );
    }

    #[test]
    fn hostile_documents_end_soon() {
        assert!(parse(&"[".repeat(100_000)).is_err());
        assert!(parse("a: &a {b: *a}").is_err());
        assert!(parse("a: *nobody").is_err());
        let error = parse("a: b\n c: d").unwrap_err();
        assert!(error.starts_with(":2:"), "{error}");
        // Each line doubles what it stands for.
        let bomb = |lines| {
            (1..lines).fold("a0: &a0 {x: y}\n".to_owned(), |text, n| {
                let last = n - 1;
                text + &format!("a{n}: &a{n} {{<<: *a{last}, p: *a{last}, q: *a{last}}}\n")
            })
        };
        assert!(parse(&bomb(40)).unwrap().get("a39").is_some());
        assert!(
            parse(&bomb(10_000)).is_err(),
            "nothing is too deep to be dropped"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[\\[\\]{}:,&*a<? \n\"'|>-]{0,60}") {
            let _ = parse(&text);
        }
    }
}
