//! `graph` draws what is declared and asks nobody.

use local_aws::Faults;
use provision_cli::exit::Exit;
use serde_json::Value;

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn every_format_is_drawn_without_a_call() {
    let world = World::new(Faults::default()).await;
    for (format, beginning) in [
        ("tree", "serverless-lab-dev\n├─ AWS::Lambda::Permission"),
        ("dot", "digraph \"serverless-lab-dev\" {"),
        ("mermaid", "flowchart BT"),
        ("svg", "<svg xmlns="),
    ] {
        let arguments = ["graph", "--env", "dev", "--format", format];
        let drawn = world.run(&arguments).await.expect(Exit::Done);
        assert!(drawn.printed.stdout.starts_with(beginning), "{format}");
        assert!(drawn.calls.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn as_json_it_is_one_document_beside_the_drawing() {
    let world = World::new(Faults::default()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("graph.svg");
    let path = file.display().to_string();
    let drawn = world.run(&["graph", "--json", "--out", &path]).await;
    let document: Value =
        serde_json::from_str(&drawn.expect(Exit::Done).printed.stdout).expect("one document");
    assert_eq!(document["schema"], 1);
    assert_eq!(document["nodes"].as_array().map(Vec::len), Some(12));
    assert_eq!(document["edges"][0]["from"], "role");
    let svg = std::fs::read_to_string(file).expect("the drawing");
    assert!(svg.starts_with("<svg"));
}
