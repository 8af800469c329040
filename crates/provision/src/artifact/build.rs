//! Building the function with cargo.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::process::Command;

use super::Binary;
use super::elf::Unsuitable;

/// The crate and binary that are deployed.
const PACKAGE: &str = "handler";
const BINARY: &str = "bootstrap";

/// Builds the function. Where the host's own build cannot run on Lambda, `cargo zigbuild`
/// links against the right system.
pub async fn build(architecture: &str) -> Result<Binary> {
    let workspace = workspace()?;
    if is_native(architecture) {
        let binary = cargo(&workspace, &["build"]).await?;
        match read(binary, architecture).await {
            Err(error) if error.downcast_ref::<Unsuitable>().is_some() => {
                cross_build(&workspace, architecture)
                    .await
                    .with_context(|| format!("{error:#}"))
            }
            other => other,
        }
    } else {
        cross_build(&workspace, architecture).await
    }
}

async fn cross_build(workspace: &Path, architecture: &str) -> Result<Binary> {
    let machine = if architecture == "arm64" {
        "aarch64"
    } else {
        "x86_64"
    };
    let target = format!("{machine}-unknown-linux-gnu");
    if !has_zigbuild().await {
        bail!(
            "this machine cannot link for Lambda ({architecture}, GLIBC 2.34) by itself\n  try: `cargo install \
             cargo-zigbuild`, `pip install ziglang` and `rustup target add {target}`, or `--bootstrap PATH` with \
             a binary built elsewhere"
        );
    }
    let binary = cargo(
        workspace,
        &["zigbuild", "--target", &format!("{target}.2.34")],
    )
    .await?;
    read(binary, architecture).await
}

async fn read(binary: PathBuf, architecture: &str) -> Result<Binary> {
    let architecture = architecture.to_owned();
    tokio::task::spawn_blocking(move || Binary::read(&binary, &architecture)).await?
}

fn is_native(architecture: &str) -> bool {
    let host = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        std::env::consts::ARCH
    };
    cfg!(target_os = "linux") && host == architecture
}

/// The workspace that holds the handler: this program's own, or the one it is run in.
fn workspace() -> Result<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let here = std::env::current_dir().context("finding the current directory")?;
    [own.as_path()]
        .into_iter()
        .chain(here.ancestors())
        .find(|dir| dir.join("crates").join(PACKAGE).join("Cargo.toml").is_file())
        .map(Path::to_owned)
        .context(
            "the function's sources were not found\n  try: run it inside the project, or `--bootstrap PATH`",
        )
}

async fn has_zigbuild() -> bool {
    let asked = Command::new("cargo-zigbuild")
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .await;
    asked.is_ok_and(|status| status.success())
}

/// Whether `cargo run` set this variable for us. Build scripts look at some of them, and would run again whenever
/// the function is built now by us and now by hand.
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

/// Runs cargo, its messages shown as they come, and returns the path of the binary.
async fn cargo(workspace: &Path, arguments: &[&str]) -> Result<PathBuf> {
    let command = arguments[0];
    let mut cargo = Command::new("cargo");
    for (name, _) in std::env::vars_os() {
        if is_of_this_run(&name.to_string_lossy()) {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .args(arguments)
        .args(["--release", "--package", PACKAGE, "--bin", BINARY])
        .arg("--message-format=json-render-diagnostics")
        .current_dir(workspace)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| {
            format!(
                "running `cargo {command}`\n  try: install Rust (rustup.rs), or `--bootstrap PATH`"
            )
        })?
        .wait_with_output()
        .await
        .with_context(|| format!("running `cargo {command}`"))?;
    ensure!(
        output.status.success(),
        "the function does not build (`cargo {command} --release -p {PACKAGE}`): see the messages above"
    );
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|message| {
            let is_ours = message["target"]["name"] == BINARY;
            message["executable"]
                .as_str()
                .filter(|_| is_ours)
                .map(PathBuf::from)
        })
        .with_context(|| format!("`cargo {command}` did not say where the binary is"))
}
