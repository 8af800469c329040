//! `explain`: an error's cause and remedy, by its code.

use std::fmt::Write;

use anyhow::{Result, bail};
use serde_json::json;

use super::Session;
use crate::args;
use crate::diagnostics::catalogue::{self, Entry};
use crate::exit::Exit;
use provision_engine::fault::Code;

/// Runs the command.
pub(crate) fn run(session: &Session<'_>, arguments: &args::Explain) -> Result<Exit> {
    let wanted = match &arguments.code {
        None => None,
        Some(text) => match catalogue::find(text) {
            Some(code) => Some(code.to_string()),
            None => bail!(unknown(text)),
        },
    };
    let entries: Vec<Entry> = catalogue::entries()
        .filter(|entry| wanted.as_deref().is_none_or(|code| code == entry.code))
        .collect();
    let text = if session.config.json {
        json!({ "schema": 1, "codes": entries }).to_string()
    } else if wanted.is_some() {
        entries.iter().map(whole).collect()
    } else {
        entries.iter().map(line).collect()
    };
    session.console.result(&text);
    Ok(Exit::Done)
}

fn unknown(text: &str) -> provision_engine::fault::Fault {
    let nearest = catalogue::nearest(text)
        .map(|code| format!("`provision explain {code}`, or "))
        .unwrap_or_default();
    Code::UnknownCode
        .fault(format!("there is no error code `{text}`"))
        .remedy(format!("{nearest}`provision explain` for all of them"))
}

fn line(entry: &Entry) -> String {
    format!("{}  {}\n", entry.code, entry.title)
}

fn whole(entry: &Entry) -> String {
    let mut text = format!("{}\n{}\nTry:\n", line(entry), wrapped(&entry.cause, ""));
    for remedy in &entry.remedies {
        text.push_str(&wrapped(remedy, "- "));
    }
    text
}

/// `text` in lines of at most 80 columns; `mark` stands before the first, and as much space before the others.
fn wrapped(text: &str, mark: &str) -> String {
    let mut lines = mark.to_owned();
    let mut column = mark.len();
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > mark.len() && column + 1 + length > 80 {
            let _ = write!(lines, "\n{:1$}", "", mark.len());
            column = mark.len();
        } else if column > mark.len() {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines.push('\n');
    lines
}
