//! `graph`: which resource needs which, without asking anybody.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::Session;
use crate::cli::{self, GraphFormat};
use crate::exit::Exit;
use crate::graph::{self, Graph};
use crate::stack;

pub fn run(session: &Session, arguments: &cli::Graph) -> Result<Exit> {
    let settings = session.config.settings(&session.config.region_offline());
    let graph = Graph::of(&stack::lab(&settings)?);
    let console = &session.console;
    console.say(&format!("{} · as it is declared", graph.stack));
    if let Some(path) = &arguments.out {
        let format = arguments.format.or_else(|| by_name(path));
        let text = drawn(&graph, format.unwrap_or(GraphFormat::Tree));
        std::fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
        console.say(&format!("Drawn to {}.", path.display()));
    }
    if session.config.json {
        let mut document = json!({ "schema": 1, "stack": graph.stack });
        document["nodes"] = json!(graph.nodes);
        document["edges"] = json!(graph.edges);
        console.result(&document.to_string());
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

/// The format that a file of this name usually holds.
fn by_name(path: &Path) -> Option<GraphFormat> {
    match path.extension()?.to_str()? {
        "svg" => Some(GraphFormat::Svg),
        "dot" | "gv" => Some(GraphFormat::Dot),
        "mmd" | "mermaid" => Some(GraphFormat::Mermaid),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_s_name_tells_its_format() {
        assert_eq!(by_name(Path::new("a/b.svg")), Some(GraphFormat::Svg));
        assert_eq!(by_name(Path::new("b.gv")), Some(GraphFormat::Dot));
        assert_eq!(by_name(Path::new("b.mmd")), Some(GraphFormat::Mermaid));
        assert_eq!(by_name(Path::new("b")), None);
    }
}
