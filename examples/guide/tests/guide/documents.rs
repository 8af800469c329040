//! Every block of code in the guide stands in a source file: ours is compiled, other tools' is in docs/compare.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the files below `folder` with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|known| known == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns the lines without their indentation, and without empty ones.
fn plain(text: &str) -> String {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<&str> = lines.collect();
    format!("\n{}\n", lines.join("\n"))
}

/// Returns the plain text of all files below `folders` with this extension.
fn sources(folders: &[&str], extension: &str) -> Vec<String> {
    let found = folders
        .iter()
        .flat_map(|folder| files(&root().join(folder), extension));
    found
        .map(|path| plain(&fs::read_to_string(path).expect("a text")))
        .collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn every_block_stands_in_a_source_file() {
    let known = [
        ("rust", sources(&["examples/guide", "examples/notes"], "rs")),
        ("ts", sources(&["docs/compare"], "ts")),
        ("hcl", sources(&["docs/compare"], "tf")),
        (
            "yaml",
            [
                sources(&["docs/compare"], "yaml"),
                sources(&["docs/compare"], "yml"),
            ]
            .concat(),
        ),
    ];
    for (language, sources) in known {
        let fence = format!("```{language}\n");
        let mut count = 0;
        for page in files(&root().join("docs/guide"), "md") {
            let text = fs::read_to_string(&page).unwrap();
            for block in text.split(&fence).skip(1) {
                let block = block.split("```").next().unwrap();
                assert!(
                    sources.iter().any(|source| source.contains(&plain(block))),
                    "{}: no source file has\n{block}",
                    page.display()
                );
                count += 1;
            }
        }
        assert!(count > 0, "there is no block of {language}");
    }
}
