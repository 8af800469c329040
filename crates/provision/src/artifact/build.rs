//! Building the function with cargo.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::Binary;
use crate::cargo::{self, Program};
use crate::fault::Code;

/// What is deployed.
const FUNCTION: Program = Program {
    package: "handler",
    binary: "bootstrap",
    what: "the function",
};

/// Builds the function. Where the host's own build cannot run on Lambda, `cargo zigbuild`
/// links against the right system.
pub async fn build(architecture: &str) -> Result<Binary> {
    let workspace = cargo::workspace(FUNCTION.package)?.context(
        Code::NoSources
            .fault("the function's sources were not found")
            .remedy("run it inside the project, or `--bootstrap PATH`"),
    )?;
    if is_native(architecture) {
        let binary = cargo::build(&workspace, FUNCTION, &["build", "--release"]).await?;
        match read(binary, architecture).await {
            Err(error) if Code::of(&error) == Code::Unfit => cross_build(&workspace, architecture)
                .await
                .with_context(|| format!("{error:#}")),
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
            Code::CannotLink
                .fault(format!(
                    "this machine cannot link for Lambda ({architecture}, GLIBC 2.34) by itself"
                ))
                .remedy(format!(
                    "`cargo install cargo-zigbuild`, `pip install ziglang` and `rustup target add {target}`, or \
                     `--bootstrap PATH` with a binary built elsewhere"
                ))
        );
    }
    let target = format!("{target}.2.34");
    let arguments = ["zigbuild", "--release", "--target", &target];
    let binary = cargo::build(workspace, FUNCTION, &arguments).await?;
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
