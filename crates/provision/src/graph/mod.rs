//! The graph of a stack, as it is declared: which resource needs which, and what of it.

mod dot;
mod layout;
mod mermaid;
mod svg;
mod tree;

use std::collections::BTreeSet;

use serde::Serialize;

use crate::declaration::{Declared, Stack};
use crate::input::references;

pub use self::dot::dot;
pub use self::mermaid::mermaid;
pub use self::svg::svg;
pub use self::tree::tree;

/// Resources in the order of their declaration, so that what is needed comes before what needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Graph {
    pub stack: String,
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Node {
    pub id: String,
    /// CloudFormation's name of the kind.
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub name: String,
}

/// `from` needs `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Edge {
    pub from: String,
    pub to: String,
    /// The outputs of `to` that `from` refers to; none where it only has to be there first.
    pub uses: BTreeSet<String>,
}

impl Graph {
    pub fn of(stack: &Stack) -> Self {
        let nodes = stack.declared.iter().map(|declared| Node {
            id: declared.id.clone(),
            kind: declared.resource.type_name(),
            name: declared.resource.name(),
        });
        Self {
            stack: stack.name.clone(),
            nodes: nodes.collect(),
            edges: stack
                .declared
                .iter()
                .flat_map(|declared| needs(stack, declared))
                .collect(),
        }
    }

    fn needed_by(&self, id: &str) -> impl Iterator<Item = &Edge> {
        self.edges.iter().filter(move |edge| edge.from == id)
    }

    fn is_needed(&self, id: &str) -> bool {
        self.edges.iter().any(|edge| edge.to == id)
    }

    fn position(&self, id: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.id == id)
    }
}

/// What `declared` needs of the stack, in the order of declaration.
fn needs(stack: &Stack, declared: &Declared) -> Vec<Edge> {
    let references = references(&declared.resource.fields());
    let used: BTreeSet<(&str, &str)> = references
        .iter()
        .filter_map(|path| path.rsplit_once('.'))
        .collect();
    let others = stack.declared.iter().map(|other| other.id.as_str());
    others
        .filter_map(|id| {
            let uses: BTreeSet<String> = used
                .iter()
                .filter(|(source, _)| *source == id)
                .map(|(_, output)| (*output).to_owned())
                .collect();
            let is_needed = !uses.is_empty() || declared.after.contains(id);
            is_needed.then(|| Edge {
                from: declared.id.clone(),
                to: id.to_owned(),
                uses,
            })
        })
        .collect()
}

/// A graph small enough to be looked at in full: a diamond, one mere order, and a name that every format must quote.
#[cfg(test)]
fn sample() -> Graph {
    let node = |id: &str, kind, name: &str| Node {
        id: id.to_owned(),
        kind,
        name: name.to_owned(),
    };
    let edge = |from: &str, to: &str, uses: &[&str]| Edge {
        from: from.to_owned(),
        to: to.to_owned(),
        uses: uses.iter().map(|&output| output.to_owned()).collect(),
    };
    Graph {
        stack: "demo".to_owned(),
        nodes: vec![
            node("table", "AWS::DynamoDB::Table", "items"),
            node("logs", "AWS::Logs::LogGroup", "/aws/lambda/f"),
            node("role", "AWS::IAM::Role", r#"<script>"a" & b"#),
            node("function", "AWS::Lambda::Function", "f"),
        ],
        edges: vec![
            edge("role", "table", &["arn"]),
            edge("role", "logs", &["arn"]),
            edge("function", "logs", &[]),
            edge("function", "role", &["arn", "name"]),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::{Settings, lab};

    #[test]
    fn edges_are_read_from_the_declaration() {
        let graph = Graph::of(&lab(&Settings::default()).unwrap());
        let of = |from: &str| -> Vec<(&str, Vec<&str>)> {
            graph
                .needed_by(from)
                .map(|edge| {
                    let uses = edge.uses.iter().map(String::as_str).collect();
                    (edge.to.as_str(), uses)
                })
                .collect()
        };
        assert_eq!(graph.nodes.len(), 12);
        assert_eq!(of("table"), []);
        assert_eq!(of("role"), [("table", vec!["arn"]), ("logs", vec!["arn"])]);
        assert_eq!(of("function"), [("logs", vec![]), ("role", vec!["arn"])]);
        assert_eq!(
            of("plan"),
            [
                ("api", vec!["id"]),
                ("stage", vec!["served_as"]),
                ("key", vec!["id"])
            ]
        );
    }

    #[test]
    fn what_is_needed_is_declared_before() {
        let graph = Graph::of(&lab(&Settings::default()).unwrap());
        for edge in &graph.edges {
            assert!(graph.position(&edge.to) < graph.position(&edge.from));
        }
    }
}
