//! `graph`: draw the stack's graph, without asking AWS.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::Session;
use crate::args::{self, GraphFormat};
use crate::exit::Exit;
use crate::graph::{self, Graph};
use provision_engine::fault::Code;

/// Runs the command.
pub(crate) fn run(session: &Session<'_>, arguments: &args::Graph) -> Result<Exit> {
    let graph = Graph::of(&session.declare_offline()?);
    let console = &session.console;
    console.say(&format!("{} · as it is declared", graph.stack));
    if let Some(path) = &arguments.out {
        let content = match arguments.format {
            Some(format) => Content::Drawing(format),
            None => by_name(path)?,
        };
        let text = match content {
            Content::Drawing(format) => drawn(&graph, format),
            Content::Document => format!("{}\n", document(&graph)),
        };
        std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
        console.say(&format!("Drawn to {}.", path.display()));
    }
    if session.config.json {
        console.result(&document(&graph).to_string());
    } else if arguments.out.is_none() {
        console.result(&drawn(
            &graph,
            arguments.format.unwrap_or(GraphFormat::Tree),
        ));
    }
    Ok(Exit::Done)
}

fn drawn(graph: &Graph, format: GraphFormat) -> String {
    match format {
        GraphFormat::Tree => graph::tree(graph),
        GraphFormat::Dot => graph::dot(graph),
        GraphFormat::Mermaid => graph::mermaid(graph),
        GraphFormat::Svg => graph::svg(graph),
    }
}

fn document(graph: &Graph) -> Value {
    let mut document = json!({ "schema": 1, "stack": graph.stack });
    document["nodes"] = json!(graph.nodes);
    document["edges"] = json!(graph.edges);
    document
}

/// The format of the graph.
#[derive(Debug, PartialEq, Eq)]
enum Content {
    Drawing(GraphFormat),
    Document,
}

/// Returns the format that a file of this name usually has.
fn by_name(path: &Path) -> Result<Content> {
    let Some(extension) = path.extension() else {
        return Ok(Content::Drawing(GraphFormat::Tree));
    };
    Ok(match extension.to_str() {
        Some("svg") => Content::Drawing(GraphFormat::Svg),
        Some("dot" | "gv") => Content::Drawing(GraphFormat::Dot),
        Some("mmd" | "mermaid") => Content::Drawing(GraphFormat::Mermaid),
        Some("txt") => Content::Drawing(GraphFormat::Tree),
        Some("json") => Content::Document,
        _ => bail!(
            Code::Argument
                .fault(format!("`{}` names no known format", path.display()))
                .remedy("`.svg`, `.dot`, `.mmd`, `.txt` or `.json`, or `--format`")
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_tells_its_format() {
        for (name, content) in [
            ("a/b.svg", Content::Drawing(GraphFormat::Svg)),
            ("b.gv", Content::Drawing(GraphFormat::Dot)),
            ("b.mmd", Content::Drawing(GraphFormat::Mermaid)),
            ("b.txt", Content::Drawing(GraphFormat::Tree)),
            ("b", Content::Drawing(GraphFormat::Tree)),
            ("b.json", Content::Document),
        ] {
            assert_eq!(by_name(Path::new(name)).expect(name), content);
        }
        let error = by_name(Path::new("b.png")).expect_err("no format");
        assert_eq!(Code::of(&error), Code::Argument);
    }
}
