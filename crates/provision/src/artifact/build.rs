//! Building the function with cargo.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use tokio::process::Command;

use super::Binary;
use crate::cargo::{self, Program};
use crate::fault::{Code, Fault};

/// What is deployed.
const FUNCTION: Program = Program {
    package: "handler",
    binary: "bootstrap",
    what: "the function",
};

fn no_sources() -> Fault {
    Code::NoSources
        .fault("the function's sources were not found")
        .remedy("run it inside the project, or `--bootstrap PATH`")
}

/// Builds the function. Where the host's own build cannot run on Lambda, `cargo zigbuild`
/// links against the right system.
pub async fn build(architecture: &str) -> Result<Binary> {
    let workspace = cargo::workspace(FUNCTION.package)?.with_context(no_sources)?;
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

/// What links for Lambda on this machine, found out with an empty program; an error if nothing does.
pub async fn linker(architecture: &str) -> Result<&'static str> {
    let workspace = cargo::workspace(FUNCTION.package)?.with_context(no_sources)?;
    if is_native(architecture) {
        match link(&workspace, architecture).await {
            Err(error) if Code::of(&error) == Code::Unfit => {}
            other => return other.map(|()| "cargo"),
        }
    }
    ensure!(has_zigbuild().await, cannot_link(architecture));
    Ok("cargo zigbuild")
}

/// Links a program of this machine's and looks whether it would run on Lambda.
async fn link(workspace: &Path, architecture: &str) -> Result<()> {
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let program = folder.path().join("program");
    let source = folder.path().join("program.rs");
    std::fs::write(&source, "fn main() {}").context("writing a temporary file")?;
    let said = Command::new("rustc")
        .arg(&source)
        .arg("-o")
        .arg(&program)
        .current_dir(workspace)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context(
            Code::BuildFailed
                .fault("running `rustc`")
                .remedy("install Rust (rustup.rs)"),
        )?;
    ensure!(
        said.status.success(),
        Code::BuildFailed
            .fault(format!(
                "an empty program does not link: {}",
                String::from_utf8_lossy(&said.stderr).trim()
            ))
            .remedy("install a C compiler, such as the package `gcc`")
    );
    read(program, architecture).await.map(|_| ())
}

fn target(architecture: &str) -> &'static str {
    if architecture == "arm64" {
        "aarch64-unknown-linux-gnu"
    } else {
        "x86_64-unknown-linux-gnu"
    }
}

fn cannot_link(architecture: &str) -> Fault {
    Code::CannotLink
        .fault(format!(
            "this machine cannot link for Lambda ({architecture}, GLIBC 2.34) by itself"
        ))
        .remedy(format!(
            "`cargo install cargo-zigbuild`, `pip install ziglang` and `rustup target add {}`, or `--bootstrap PATH` \
             with a binary built elsewhere",
            target(architecture)
        ))
}

async fn cross_build(workspace: &Path, architecture: &str) -> Result<Binary> {
    ensure!(has_zigbuild().await, cannot_link(architecture));
    let target = format!("{}.2.34", target(architecture));
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
