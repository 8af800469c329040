//! `report`: write the last run as one page.

use anyhow::{Context, Result};
use serde_json::json;

use super::Session;
use crate::args;
use crate::exit::Exit;
use crate::record::{self, Record};
use crate::report::page;

/// Runs the command.
pub(crate) fn run(session: &Session<'_>, arguments: &args::Report) -> Result<Exit> {
    let stack = session.stack_name()?;
    let folder = match &session.runs {
        Some(runs) => runs.folder.clone(),
        None => record::folder(&session.config.environment),
    };
    let console = &session.console;
    let record = Record::read(&folder, &stack)?;
    console.say(&format!("{stack} · its run of {}", record.started));
    let file = &arguments.file;
    std::fs::write(file, page(&record)).with_context(|| format!("writing {}", file.display()))?;
    if session.config.json {
        let document = json!({
            "schema": 1, "stack": stack, "file": file, "started": record.started, "exit_code": record.exit_code,
        });
        console.result(&document.to_string());
    } else {
        console.result(&file.display().to_string());
    }
    Ok(Exit::Done)
}
