//! Running cargo, its messages shown as they come.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use provision_engine::fault::Code;
use serde_json::Value;
use tokio::process::Command;

/// A program of a workspace, to be built by cargo.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// The cargo package that has the binary.
    pub package: &'static str,
    /// The name of the binary target.
    pub binary: &'static str,
    /// The noun for it in messages, such as "the local AWS".
    pub title: &'static str,
}

/// Returns true if `cargo run` set this variable for us. Build scripts look at some of them, and would run again whenever a program is
/// built by us and by hand in turn.
fn is_of_this_run(variable: &str) -> bool {
    [
        "CARGO_PKG_",
        "CARGO_MANIFEST_",
        "CARGO_BIN_",
        "CARGO_CRATE_",
        "CARGO_PRIMARY_",
    ]
    .iter()
    .any(|prefix| variable.starts_with(prefix))
}

/// Builds a program of the workspace at `root` in the dev profile into the folder `target`, or where that workspace builds by itself, and returns its
/// path. Cargo's messages go to stderr.
///
/// # Errors
///
/// `Code::BuildFailed` if cargo does not run or the program does not compile.
pub async fn build_program(
    root: &Path,
    target: Option<&Path>,
    program: Program,
) -> Result<PathBuf> {
    let words = [
        "build",
        "--package",
        program.package,
        "--bin",
        program.binary,
    ];
    let mut arguments = words.map(str::to_owned).to_vec();
    if let Some(target) = target {
        arguments.extend(["--target-dir".to_owned(), target.display().to_string()]);
    }
    let mut built = build(root, program.title, &arguments).await?;
    built
        .remove(program.binary)
        .with_context(|| Code::BuildFailed.fault("`cargo build` did not say where the program is"))
}

/// Runs cargo with `arguments`, which begin with its command, and returns the paths of the executables it names. `title` names
/// what is built.
pub(crate) async fn build(
    root: &Path,
    title: &str,
    arguments: &[String],
) -> Result<BTreeMap<String, PathBuf>> {
    let command = &arguments[0];
    let mut cargo = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        if is_of_this_run(&name.to_string_lossy()) {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .args(arguments)
        .arg("--message-format=json-render-diagnostics")
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| {
            Code::BuildFailed
                .fault(format!("running `cargo {command}`"))
                .remedy("install Rust (rustup.rs)")
        })?
        .wait_with_output()
        .await
        .with_context(|| format!("running `cargo {command}`"))?;
    ensure!(
        output.status.success(),
        Code::BuildFailed.fault(format!(
            "{title} does not build (`cargo {}`): see the messages above",
            arguments.join(" ")
        ))
    );
    Ok(executables(&output.stdout))
}

/// The executables that cargo's messages name.
fn executables(messages: &[u8]) -> BTreeMap<String, PathBuf> {
    let lines = messages.split(|byte| *byte == b'\n');
    let messages = lines.filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let executables = messages.filter_map(|message| {
        let name = message["target"]["name"].as_str()?.to_owned();
        Some((name, PathBuf::from(message["executable"].as_str()?)))
    });
    executables.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executables_are_read_from_cargos_messages() {
        let messages =
            br#"{"reason":"compiler-artifact","target":{"name":"reader"},"executable":"/t/reader"}
{"reason":"compiler-artifact","target":{"name":"lib"},"executable":null}
not a message
{"reason":"build-finished","success":true}"#;
        let found = executables(messages);
        assert_eq!(found.len(), 1);
        assert_eq!(found["reader"], PathBuf::from("/t/reader"));
    }
}
