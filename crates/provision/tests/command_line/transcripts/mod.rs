//! What every command prints, word by word: results and everything else apart, what went well and what did not.
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
use testkit::masked;

use crate::world::World;

/// Runs the command line and compares what it printed, with [`masked`] values and names of folders.
async fn prints(world: &World, arguments: &[&str], exit: Exit, stdout: Expect, stderr: Expect) {
    let ended = world.run(arguments).await.expect(exit);
    let told = |text: &str| masked(&without_folders(text, arguments));
    stdout.assert_eq(&told(&ended.printed.stdout));
    stderr.assert_eq(&told(&ended.printed.stderr));
}

/// The folders that are this run's own, by what they are.
fn without_folders(text: &str, arguments: &[&str]) -> String {
    let temporary = arguments.iter().skip_while(|name| **name != "--dir").nth(1);
    let text = text.replace(env!("CARGO_TARGET_TMPDIR"), "[target]");
    temporary.map_or(text.clone(), |folder| text.replace(folder, "[folder]"))
}
