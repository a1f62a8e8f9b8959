//! The YAML of a workflow file as a tree of texts. Scalars stay as they are written: `on` is `on` and no truth
//! value, as GitHub reads it. Bounded in depth and size, aliases included; a key that stands twice is refused,
//! because nobody knows which one counts.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// Levels of nesting.
const DEPTH: usize = 64;
/// Nodes of the tree, those of aliases counted each time.
const NODES: usize = 50_000;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Scalar(String),
    List(Vec<Node>),
    /// In the order of the file.
    Map(Vec<(String, Node)>),
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
            _ => None,
        }
    }

    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// Names: of a scalar itself, of a list its scalars, of a map its keys.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Self::Scalar(text) if text.is_empty() => Vec::new(),
            Self::Scalar(text) => vec![text],
            Self::List(nodes) => nodes.iter().filter_map(Self::text).collect(),
            Self::Map(entries) => entries.iter().map(|(name, _)| name.as_str()).collect(),
        }
    }

    fn count(&self) -> usize {
        match self {
            Self::Scalar(_) => 1,
            Self::List(nodes) => 1 + nodes.iter().map(Self::count).sum::<usize>(),
            Self::Map(entries) => 1 + entries.iter().map(|(_, node)| node.count()).sum::<usize>(),
        }
    }
}

/// What is being read: a list or a map, its anchor, and in a map the key that waits for its value.
struct Open {
    node: Node,
    anchor: usize,
    key: Option<String>,
}

/// The one document of `text`.
///
/// # Errors
/// Why there is none that can be read, as a clause.
pub(crate) fn read(text: &str) -> Result<Node, String> {
    let mut anchors: BTreeMap<usize, Node> = BTreeMap::new();
    let mut open: Vec<Open> = Vec::new();
    let (mut root, mut documents, mut nodes) = (None, 0, 0);
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|why| format!("no YAML: {why}"))?;
        let (node, anchor) = match event {
            Event::DocumentStart(_) => {
                documents += 1;
                continue;
            }
            Event::Scalar(text, _, anchor, _) => (Node::Scalar(text.into_owned()), anchor),
            Event::Alias(anchor) => {
                let node = anchors.get(&anchor).ok_or("an alias that stands inside what it names")?;
                (node.clone(), 0)
            }
            Event::SequenceStart(anchor, _) => {
                open.push(Open { node: Node::List(Vec::new()), anchor, key: None });
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open { node: Node::Map(Vec::new()), anchor, key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(done) = open.pop() else { return Err("an end without a beginning".to_owned()) };
                (done.node, done.anchor)
            }
            _ => continue,
        };
        if open.len() >= DEPTH {
            return Err(format!("more than {DEPTH} levels"));
        }
        nodes += node.count();
        if nodes > NODES {
            return Err(format!("more than {NODES} nodes"));
        }
        if anchor > 0 {
            anchors.insert(anchor, node.clone());
        }
        match open.last_mut() {
            Some(parent) => put(parent, node)?,
            None => root = Some(node),
        }
    }
    match documents {
        1 => root.ok_or_else(|| "an empty document".to_owned()),
        0 => Err("an empty document".to_owned()),
        more => Err(format!("{more} documents in one file")),
    }
}

fn put(parent: &mut Open, node: Node) -> Result<(), String> {
    match &mut parent.node {
        Node::List(nodes) => nodes.push(node),
        Node::Map(entries) => match parent.key.take() {
            Some(key) => entries.push((key, node)),
            None => {
                let Node::Scalar(key) = node else { return Err("a key that is no text".to_owned()) };
                if entries.iter().any(|(known, _)| *known == key) {
                    return Err(format!("`{key}` stands there twice"));
                }
                parent.key = Some(key);
            }
        },
        Node::Scalar(_) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scalars_stay_as_they_are_written() {
        let node = read("on: push\nyes: [on, 1.0, true]\n").expect("a document");
        assert_eq!(node.get("on").and_then(Node::text), Some("push"));
        assert_eq!(node.get("yes").expect("a list").names(), ["on", "1.0", "true"]);
    }

    #[test]
    fn aliases_are_followed_within_bounds() {
        let node = read("a: &x [1, 2]\nb: *x\n").expect("a document");
        assert_eq!(node.get("b").expect("a list").names(), ["1", "2"]);
        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let inner = format!("*a{}, ", level - 1).repeat(10);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", inner.trim_end_matches(", ")));
        }
        assert!(read(&bomb).expect_err("refused").contains("nodes"));
        assert!(read(&"[".repeat(300)).is_err());
        assert!(read("a: &a [*a]\n").is_err());
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        assert!(read("on: push\non: pull_request\n").expect_err("twice").contains("twice"));
        assert!(read("a: 1\n---\na: 2\n").expect_err("two").contains("2 documents"));
        assert!(read("").is_err());
        assert!(read("\ta: [").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[-a-z:&*\\[\\]{}#|>'\"\n, ]{0,200}") {
            let _ = read(&text);
        }
    }
}
