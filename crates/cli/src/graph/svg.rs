//! A graph as a picture that stands alone: no font, script or style of anybody else's, for light and dark pages.

use std::fmt::Write;

use maud::{Markup, PreEscaped, html};

use super::layout::{HEIGHT, Layout, Point, layout};
use super::{Graph, Node};

const STYLE: &str = include_str!("graph.css");

/// Both texts are in a monospace font, whose characters are 0.6 of its size wide.
const KIND_SIZE: f64 = 11.0;
const NAME_SIZE: f64 = 13.0;
const PADDING: f64 = 12.0;

pub(crate) fn svg(graph: &Graph) -> String {
    let widths: Vec<f64> = graph.nodes.iter().map(width).collect();
    let edges: Vec<(usize, usize)> = graph
        .edges
        .iter()
        .filter_map(|edge| Some((graph.position(&edge.from)?, graph.position(&edge.to)?)))
        .collect();
    let layout = layout(&widths, &edges);
    let (width, height) = (layout.width.ceil(), layout.height.ceil());
    let markup = html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {width} {height}"))
            width=(width) height=(height) role="img" aria-labelledby="title" {
            title id="title" { "What needs what in " (graph.stack) }
            style { (PreEscaped(STYLE)) }
            defs {
                marker id="needs" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto" {
                    path d="M0 0 8 4 0 8z" {}
                }
            }
            rect class="page" width="100%" height="100%" {}
            (lines(graph, &layout))
            @for ((node, width), middle) in graph.nodes.iter().zip(&widths).zip(&layout.boxes) {
                (node_box(node, *width, *middle))
            }
        }
    };
    format!("{}\n", markup.into_string())
}

fn lines(graph: &Graph, layout: &Layout) -> Markup {
    html! {
        @for (edge, points) in graph.edges.iter().zip(&layout.lines) {
            path class=(if edge.uses.is_empty() { "line order" } else { "line" }) d=(curve(points))
                marker-end="url(#needs)" {
                title { (edge.from) " needs " (edge.to) @for output in &edge.uses { " ." (output) } }
            }
        }
    }
}

fn node_box(node: &Node, width: f64, middle: Point) -> Markup {
    let (left, top) = (middle.x - width / 2.0, middle.y - HEIGHT / 2.0);
    html! {
        g transform=(format!("translate({left:.1} {top:.1})")) {
            title { (node.id) }
            rect class="box" width=(format!("{width:.1}")) height=(HEIGHT) rx="6" {}
            text class="kind" x=(PADDING) y="18" { (node.kind) }
            text class="name" x=(PADDING) y="36" { (node.name) }
        }
    }
}

fn width(node: &Node) -> f64 {
    let wide = |text: &str, size: f64| {
        let characters = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        f64::from(characters) * size * 0.6
    };
    wide(node.kind, KIND_SIZE).max(wide(&node.name, NAME_SIZE)) + 2.0 * PADDING
}

/// From point to point, leaving and arriving straight up or down.
fn curve(points: &[Point]) -> String {
    let mut path = String::new();
    for (place, point) in points.iter().enumerate() {
        let Point { x, y } = *point;
        match place.checked_sub(1).map(|before| points[before]) {
            None => _ = write!(path, "M{x:.1} {y:.1}"),
            Some(before) => {
                let half = f64::midpoint(before.y, y);
                let _ = write!(
                    path,
                    "C{:.1} {half:.1} {x:.1} {half:.1} {x:.1} {y:.1}",
                    before.x
                );
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, Node};

    use super::*;
    use crate::graph::sample;

    fn named<'a>(document: &'a Document, name: &str) -> Vec<Node<'a, 'a>> {
        document
            .descendants()
            .filter(|node| node.has_tag_name(name))
            .collect()
    }

    #[test]
    fn it_is_xml_that_holds_every_resource_and_edge() {
        let graph = sample();
        let text = svg(&graph);
        let document = Document::parse(&text).unwrap();
        let texts: Vec<&str> = named(&document, "text")
            .iter()
            .filter_map(Node::text)
            .collect();
        for node in &graph.nodes {
            assert!(texts.contains(&node.kind) && texts.contains(&node.name.as_str()));
        }
        let lines = named(&document, "path");
        // The arrow's head is one more.
        assert_eq!(lines.len(), graph.edges.len() + 1);
    }

    #[test]
    fn names_are_text_and_nothing_comes_from_elsewhere() {
        let text = svg(&sample());
        let document = Document::parse(&text).unwrap();
        assert!(named(&document, "script").is_empty());
        assert!(
            named(&document, "text")
                .iter()
                .any(|node| node.text() == Some(r#"<script>"a" & b"#))
        );
        let is_foreign = |node: &Node| {
            let mut attributes = node.attributes();
            attributes.any(|attribute| {
                ["href", "src"].contains(&attribute.name()) || attribute.value().contains("//")
            })
        };
        assert!(!document.descendants().any(|node| is_foreign(&node)));
    }

    #[test]
    fn mere_orders_are_dashed() {
        let text = svg(&sample());
        let document = Document::parse(&text).unwrap();
        let dashed = document
            .descendants()
            .filter(|node| node.attribute("class") == Some("line order"));
        assert_eq!(dashed.count(), 1);
    }
}
