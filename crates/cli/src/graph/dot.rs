//! A graph for Graphviz.

use std::fmt::Write;

use super::Graph;

/// An arrow goes from what needs to what is needed; a dashed one is an order without a reference.
pub(crate) fn dot(graph: &Graph) -> String {
    let mut text = format!("digraph {} {{\n", quoted(&graph.stack));
    text.push_str("  rankdir=BT;\n  node [shape=box, fontname=\"monospace\"];\n");
    text.push_str("  edge [fontname=\"monospace\", fontsize=10];\n");
    for node in &graph.nodes {
        let label = format!("{}\n{}", node.kind, node.name);
        let _ = writeln!(text, "  {} [label={}];", quoted(&node.id), quoted(&label));
    }
    for edge in &graph.edges {
        let uses: Vec<&str> = edge.uses.iter().map(String::as_str).collect();
        let how = if uses.is_empty() {
            "style=dashed".to_owned()
        } else {
            format!("label={}", quoted(&uses.join(", ")))
        };
        let (from, to) = (quoted(&edge.from), quoted(&edge.to));
        let _ = writeln!(text, "  {from} -> {to} [{how}];");
    }
    text.push_str("}\n");
    text
}

/// A string of the DOT language, in which only the quote itself needs an escape; a label reads `\` as one of its own.
fn quoted(text: &str) -> String {
    let text = text
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::sample;

    #[test]
    fn names_are_quoted_and_mere_orders_dashed() {
        assert_eq!(
            dot(&sample()),
            r#"digraph "demo" {
  rankdir=BT;
  node [shape=box, fontname="monospace"];
  edge [fontname="monospace", fontsize=10];
  "table" [label="AWS::DynamoDB::Table\nitems"];
  "logs" [label="AWS::Logs::LogGroup\n/aws/lambda/f"];
  "role" [label="AWS::IAM::Role\n<script>\"a\" & b"];
  "function" [label="AWS::Lambda::Function\nf"];
  "role" -> "table" [label="arn"];
  "role" -> "logs" [label="arn"];
  "function" -> "logs" [style=dashed];
  "function" -> "role" [label="arn, name"];
}
"#
        );
    }
}
