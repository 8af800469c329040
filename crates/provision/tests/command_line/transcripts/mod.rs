//! The output of every command, word by word: results and everything else apart, what went well and what did not.
//!
//! `UPDATE_EXPECT=1` writes what is printed now into these files; whoever does that reads the difference.

#![expect(clippy::too_many_lines, reason = "a transcript is told in one piece")]
#![expect(
    clippy::needless_raw_string_hashes,
    reason = "written by `UPDATE_EXPECT`"
)]

mod deploy;
mod inspect;
mod offline;
mod words;

use expect_test::Expect;
use provision_cli::exit::Exit;
use provision_cli::ui::console::Printed;
use testkit::masked;

use crate::world::World;

/// Runs the command line and compares what it printed, with [`masked`] values and names of folders. What other transcripts
/// have in full stands on one line.
async fn prints(world: &World, arguments: &[&str], exit: Exit, stdout: Expect, stderr: Expect) {
    let printed = printed(world, arguments, exit).await;
    stdout.assert_eq(&shortened(&printed.stdout));
    stderr.assert_eq(&shortened(&printed.stderr));
}

/// The same, with everything in full.
async fn prints_in_full(
    world: &World,
    arguments: &[&str],
    exit: Exit,
    stdout: Expect,
    stderr: Expect,
) {
    let printed = printed(world, arguments, exit).await;
    stdout.assert_eq(&printed.stdout);
    stderr.assert_eq(&printed.stderr);
}

async fn printed(world: &World, arguments: &[&str], exit: Exit) -> Printed {
    let ended = world.run(arguments).await.expect(exit);
    let told = |text: &str| masked(&without_folders(text, arguments));
    Printed {
        stdout: told(&ended.printed.stdout),
        stderr: told(&ended.printed.stderr),
    }
}

/// Returns `text` with a line in place of each long run of steps, and of all outputs.
fn shortened(text: &str) -> String {
    const LONG: usize = 8;
    let mut lines: Vec<String> = Vec::new();
    let mut left = text.lines().peekable();
    while let Some(line) = left.next() {
        let of = run_of(line);
        let mut run = vec![line];
        while let Some(next) = left.next_if(|next| of.is_some() && run_of(next) == of) {
            run.push(next);
        }
        match of {
            Some(what) if run.len() >= LONG => lines.push(format!("[{} {what}]", run.len())),
            _ => lines.extend(run.into_iter().map(str::to_owned)),
        }
    }
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}

/// Returns the run that a line can be a part of.
fn run_of(line: &str) -> Option<&'static str> {
    let is_output = |line: &str| {
        let name = line.split("  ").next().unwrap_or_default();
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        is_name && line.contains("  ")
    };
    match line.trim_start().split_once(' ') {
        Some(("+", rest)) if rest.starts_with("AWS::") => Some("to create"),
        Some(("-", rest)) if rest.starts_with("AWS::") => Some("to delete"),
        _ if is_output(line) => Some("outputs"),
        _ => None,
    }
}

/// The folders that are this run's own, by what they are.
fn without_folders(text: &str, arguments: &[&str]) -> String {
    let temporary = arguments.iter().skip_while(|name| **name != "--dir").nth(1);
    let text = text.replace(env!("CARGO_TARGET_TMPDIR"), "[target]");
    temporary.map_or(text.clone(), |folder| text.replace(folder, "[folder]"))
}
