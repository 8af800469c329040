//! Building a program of this workspace with cargo.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::fault::Code;

/// One program to build.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    pub package: &'static str,
    pub binary: &'static str,
    /// What it is to the user: "the function".
    pub what: &'static str,
}

/// The workspace that holds `package`: this program's own, or the one it is run in.
pub fn workspace(package: &str) -> Result<Option<PathBuf>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let here = std::env::current_dir().context("finding the current directory")?;
    let found = [own.as_path()]
        .into_iter()
        .chain(here.ancestors())
        .find(|dir| {
            dir.join("crates")
                .join(package)
                .join("Cargo.toml")
                .is_file()
        })
        .map(Path::to_owned);
    Ok(found)
}

/// Whether `cargo run` set this variable for us. Build scripts look at some of them, and would run again whenever
/// the program is built now by us and now by hand.
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

/// Runs cargo, its messages shown as they come, and returns the path of the binary. `arguments` begin with cargo's
/// command.
pub async fn build(workspace: &Path, program: Program, arguments: &[&str]) -> Result<PathBuf> {
    let Program {
        package,
        binary,
        what,
    } = program;
    let command = arguments[0];
    let mut cargo = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        if is_of_this_run(&name.to_string_lossy()) {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .args(arguments)
        .args(["--package", package, "--bin", binary])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace)
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
            "{what} does not build (`cargo {} -p {package}`): see the messages above",
            arguments.join(" ")
        ))
    );
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|message| {
            let is_ours = message["target"]["name"] == binary;
            message["executable"]
                .as_str()
                .filter(|_| is_ours)
                .map(PathBuf::from)
        })
        .with_context(|| {
            Code::BuildFailed.fault(format!("`cargo {command}` did not say where the binary is"))
        })
}
