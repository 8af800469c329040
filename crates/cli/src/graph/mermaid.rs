//! A graph for Mermaid, as GitHub and GitLab draw it in Markdown.

use std::fmt::Write;

use super::Graph;

/// An arrow goes from what needs to what is needed; a dotted one is an order without a reference.
pub(crate) fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("flowchart BT\n");
    for node in &graph.nodes {
        let (kind, name) = (escaped(node.kind), escaped(&node.name));
        let _ = writeln!(text, "  {}[\"{kind}<br/>{name}\"]", node.id);
    }
    for edge in &graph.edges {
        let uses: Vec<&str> = edge.uses.iter().map(String::as_str).collect();
        let arrow = if uses.is_empty() {
            "-.->".to_owned()
        } else {
            format!("-->|{}|", uses.join(", "))
        };
        let _ = writeln!(text, "  {} {arrow} {}", edge.from, edge.to);
    }
    text
}

/// Mermaid reads a quoted label as HTML, with `#` in place of `&` before an entity.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '#' => "#35;".to_owned(),
            '"' => "#quot;".to_owned(),
            '&' => "#amp;".to_owned(),
            '<' => "#lt;".to_owned(),
            '>' => "#gt;".to_owned(),
            other => other.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::sample;

    #[test]
    fn labels_are_text() {
        assert_eq!(
            mermaid(&sample()),
            r#"flowchart BT
  table["AWS::DynamoDB::Table<br/>items"]
  logs["AWS::Logs::LogGroup<br/>/aws/lambda/f"]
  role["AWS::IAM::Role<br/>#lt;script#gt;#quot;a#quot; #amp; b"]
  function["AWS::Lambda::Function<br/>f"]
  role -->|arn| table
  role -->|arn| logs
  function -.-> logs
  function -->|arn, name| role
"#
        );
    }
}
