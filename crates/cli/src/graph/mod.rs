//! The graph of a stack, as it is declared: which resource needs which, and what of it.

mod dot;
mod layout;
mod mermaid;
mod svg;
mod tree;

use std::collections::BTreeSet;

use serde::Serialize;

use provision_engine::declaration::Declaration;
use provision_engine::input::references;
use provision_engine::stack::Declared;

pub(crate) use self::dot::dot;
pub(crate) use self::mermaid::mermaid;
pub(crate) use self::svg::svg;
pub(crate) use self::tree::tree;

/// Resources in the order of their declaration, so that what is needed comes before what needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Graph {
    pub(crate) stack: String,
    pub(crate) nodes: Vec<Node>,
    pub(crate) edges: Vec<Edge>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Node {
    pub(crate) id: String,
    /// CloudFormation's name of the kind.
    #[serde(rename = "type")]
    pub(crate) kind: &'static str,
    pub(crate) name: String,
}

/// `from` needs `to`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    /// The outputs of `to` that `from` refers to; none where it only has to be there first.
    pub(crate) uses: BTreeSet<String>,
}

impl Graph {
    /// Reads the graph from a declaration.
    pub(crate) fn of(declaration: &Declaration) -> Self {
        let nodes = declaration.resources.iter().map(|declared| Node {
            id: declared.id.clone(),
            kind: declared.resource.type_name(),
            name: declared.resource.name(),
        });
        Self {
            stack: declaration.name.clone(),
            nodes: nodes.collect(),
            edges: declaration
                .resources
                .iter()
                .flat_map(|declared| needs(declaration, declared))
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

/// Returns the edges from `declared`, in the order of declaration.
fn needs(declaration: &Declaration, declared: &Declared) -> Vec<Edge> {
    let references = references(&declared.resource.fields());
    let used: BTreeSet<(&str, &str)> = references
        .iter()
        .filter_map(|path| path.rsplit_once('.'))
        .collect();
    let others = declaration.resources.iter().map(|other| other.id.as_str());
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
    use std::collections::BTreeMap;

    use provision_aws::dynamodb::Table;
    use provision_aws::handles::{LogGroupHandle, RoleHandle, TableHandle};
    use provision_aws::iam::{PolicyDocument, Role};
    use provision_aws::lambda::Function;
    use provision_aws::logs::LogGroup;
    use provision_engine::asset::Code;
    use provision_engine::env::{Architecture, Env};
    use provision_engine::owner::Tags;
    use provision_engine::stack::Stack;
    use serde_json::json;

    use super::*;

    /// A function with its role, log group and table.
    fn declared() -> Declaration {
        let mut stack = Stack::new("demo", &Env::new(None, "eu-west-1"));
        let table = stack.add("table", Table::on_demand("items", "id"));
        let logs = stack.add(
            "logs",
            LogGroup {
                name: "/aws/lambda/f".to_owned(),
                retention_days: None,
                tags: Tags::default(),
            },
        );
        let statement = |resources| {
            PolicyDocument::new(
                json!({ "Statement": { "Effect": "Allow", "Resource": resources } }),
            )
        };
        let used = json!([table.arn().to_value(), logs.arn().to_value()]);
        let role = stack.add(
            "role",
            Role {
                name: "r".to_owned(),
                description: String::new(),
                max_session_s: 3600,
                trust: statement(json!("*")),
                policies: BTreeMap::from([("p".to_owned(), statement(used))]),
                boundary: None,
                tags: Tags::default(),
            },
        );
        let code = stack.asset("code", Code::binary("f"), Architecture::default());
        let function = stack.add("function", Function::of_program("f", role.arn(), code));
        stack.add_dependency(&function, &logs);
        stack.finish().unwrap()
    }

    #[test]
    fn edges_are_read_from_the_declaration() {
        let graph = Graph::of(&declared());
        let of = |from: &str| -> Vec<(&str, Vec<&str>)> {
            graph
                .needed_by(from)
                .map(|edge| {
                    let uses = edge.uses.iter().map(String::as_str).collect();
                    (edge.to.as_str(), uses)
                })
                .collect()
        };
        assert_eq!(graph.nodes.len(), 4);
        assert_eq!(of("table"), []);
        assert_eq!(of("role"), [("table", vec!["arn"]), ("logs", vec!["arn"])]);
        assert_eq!(of("function"), [("logs", vec![]), ("role", vec!["arn"])]);
    }

    #[test]
    fn what_is_needed_is_declared_before() {
        let graph = Graph::of(&declared());
        for edge in &graph.edges {
            assert!(graph.position(&edge.to) < graph.position(&edge.from));
        }
    }
}
