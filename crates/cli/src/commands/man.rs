//! `man`: manual pages, from the same definitions as the command line itself.

use anyhow::{Context, Result};
use clap_mangen::{Man, generate_to};

use super::Session;
use crate::args;
use crate::args::parse::definition;
use crate::exit::Exit;

/// Runs the command.
pub(crate) fn run(session: &Session<'_>, arguments: &args::Man) -> Result<Exit> {
    if let Some(folder) = &arguments.out {
        let doing = || format!("writing manual pages to `{}`", folder.display());
        std::fs::create_dir_all(folder).with_context(doing)?;
        generate_to(definition(session.app), folder).with_context(doing)?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    Man::new(definition(session.app))
        .render(&mut page)
        .context("rendering the manual page")?;
    session.console.result(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
