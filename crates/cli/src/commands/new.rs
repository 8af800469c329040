//! `new`: make a workspace of one's own from a template.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::json;

use super::Session;
use crate::args;
use crate::exit::Exit;
use crate::project::{Project, Source, check_folder};

/// Runs the command.
pub(crate) fn run(session: &Session<'_>, arguments: &args::New) -> Result<Exit> {
    let source = Source::of(arguments.path.as_deref(), arguments.git.as_deref())?;
    let project = Project::new(&arguments.name, arguments.template, source)?;
    let folder = Path::new(project.name());
    check_folder(folder)?;
    for (path, content) in project.files()? {
        let path = folder.join(path);
        let doing = || format!("writing {}", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(doing)?;
        }
        fs::write(&path, content).with_context(doing)?;
    }
    if session.config.json {
        let document = json!({ "schema": 1, "name": project.name(), "folder": folder });
        session.console.result(&document.to_string());
    } else {
        session.console.say(&format!("Made {}.", folder.display()));
        session.console.say(&format!(
            "Next:\n  cd {}\n  cargo run -- up --local\n  cargo test",
            folder.display()
        ));
    }
    Ok(Exit::Done)
}
