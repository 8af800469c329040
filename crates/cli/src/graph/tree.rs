//! A graph as a tree for a terminal: what nothing needs at the left, what it needs below it, each with its id.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::{Graph, Node};

/// Every resource is opened once; where it comes again, it is marked as shown above.
pub(crate) fn tree(graph: &Graph) -> String {
    let mut text = format!("{}\n", graph.stack);
    let mut shown = BTreeSet::new();
    let roots = graph.nodes.iter().filter(|node| !graph.is_needed(&node.id));
    branch(graph, &roots.collect::<Vec<_>>(), "", &mut shown, &mut text);
    text
}

fn branch<'a>(
    graph: &'a Graph,
    nodes: &[&'a Node],
    indent: &str,
    shown: &mut BTreeSet<&'a str>,
    text: &mut String,
) {
    for (index, node) in nodes.iter().enumerate() {
        let is_last = index + 1 == nodes.len();
        let (joint, below) = if is_last {
            ("└─ ", "   ")
        } else {
            ("├─ ", "│  ")
        };
        let is_new = shown.insert(&node.id);
        let needs: Vec<&Node> = graph
            .nodes
            .iter()
            .filter(|other| graph.needed_by(&node.id).any(|edge| edge.to == other.id))
            .collect();
        let mark = if is_new || needs.is_empty() {
            ""
        } else {
            "  (above)"
        };
        let Node { kind, name, id, .. } = node;
        let _ = writeln!(text, "{indent}{joint}{kind}  {name}  [{id}]{mark}");
        if is_new {
            branch(graph, &needs, &format!("{indent}{below}"), shown, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::sample;

    #[test]
    fn what_is_needed_stands_below() {
        assert_eq!(
            tree(&sample()),
            r#"demo
└─ AWS::Lambda::Function  f  [function]
   ├─ AWS::Logs::LogGroup  /aws/lambda/f  [logs]
   └─ AWS::IAM::Role  <script>"a" & b  [role]
      ├─ AWS::DynamoDB::Table  items  [table]
      └─ AWS::Logs::LogGroup  /aws/lambda/f  [logs]
"#
        );
    }
}
