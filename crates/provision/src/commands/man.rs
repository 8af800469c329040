//! `man`: manual pages, from the same definitions as the command line itself.

use anyhow::{Context, Result};
use clap::CommandFactory;
use clap_mangen::{Man, generate_to};

use crate::cli::{self, Cli};
use crate::console::Console;
use crate::exit::Exit;

pub fn run(console: &Console, arguments: &cli::Man) -> Result<Exit> {
    if let Some(folder) = &arguments.out {
        let doing = || format!("writing manual pages to `{}`", folder.display());
        std::fs::create_dir_all(folder).with_context(doing)?;
        generate_to(Cli::command(), folder).with_context(doing)?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    Man::new(Cli::command())
        .render(&mut page)
        .context("rendering the manual page")?;
    console.result(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
