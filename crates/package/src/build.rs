//! Building functions with cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use provision_engine::env::Architecture;
use provision_engine::fault::{Code, Fault};
use tokio::process::Command;

use crate::binary::Binary;
use crate::cargo;

/// A package and one of its binaries.
pub(crate) type Wanted = (String, String);

/// The cargo profile that functions are built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `release`, as the workspace declares it.
    Release,
    /// `local`: the workspace's `dev`, stripped, so that a changed function is linked in a second and is small enough to upload. Nobody has
    /// to declare it: cargo takes profiles from its command line.
    Local,
}

impl Profile {
    const LOCAL: [&str; 3] = [
        "profile.local.inherits='dev'",
        "profile.local.debug=false",
        "profile.local.strip='symbols'",
    ];

    fn arguments(self) -> Vec<&'static str> {
        match self {
            Self::Release => vec!["--release"],
            Self::Local => {
                let settings = Self::LOCAL.iter().flat_map(|setting| ["--config", setting]);
                ["--profile", "local"].into_iter().chain(settings).collect()
            }
        }
    }
}

/// Builds `wanted` with one cargo call. Where the host's own build cannot run on Lambda, `cargo zigbuild` links against the
/// right system.
pub(crate) async fn build(
    root: &Path,
    wanted: &BTreeSet<Wanted>,
    architecture: Architecture,
    profile: Profile,
) -> Result<BTreeMap<Wanted, Binary>> {
    let cross_build = || cross_build(root, wanted, architecture, profile);
    if !is_native(architecture) {
        return cross_build().await;
    }
    let paths = cargo_build(root, wanted, profile, &["build"]).await?;
    match read_all(wanted, paths, architecture).await {
        Err(error) if Code::of(&error) == Code::Unfit => {
            cross_build().await.with_context(|| format!("{error:#}"))
        }
        other => other,
    }
}

async fn cross_build(
    root: &Path,
    wanted: &BTreeSet<Wanted>,
    architecture: Architecture,
    profile: Profile,
) -> Result<BTreeMap<Wanted, Binary>> {
    ensure!(has_zigbuild().await, cannot_link(architecture));
    let target = format!("{}.2.34", architecture.target());
    let command = ["zigbuild", "--target", &target];
    let paths = cargo_build(root, wanted, profile, &command).await?;
    read_all(wanted, paths, architecture).await
}

/// Refuses binaries of one name in several packages: cargo writes them to one file.
async fn cargo_build(
    root: &Path,
    wanted: &BTreeSet<Wanted>,
    profile: Profile,
    command: &[&str],
) -> Result<BTreeMap<String, PathBuf>> {
    let names: BTreeSet<&String> = wanted.iter().map(|(_, name)| name).collect();
    if names.len() < wanted.len() {
        bail!(
            Code::BuildFailed
                .fault("two functions have binaries of one name in different packages, and cargo writes both to one file")
                .remedy("give one of the binaries another name")
        );
    }
    let title = match wanted.len() {
        1 => "the function",
        _ => "a function",
    };
    cargo::build(root, title, &arguments(wanted, profile, command)).await
}

fn arguments(wanted: &BTreeSet<Wanted>, profile: Profile, command: &[&str]) -> Vec<String> {
    let packages: BTreeSet<&String> = wanted.iter().map(|(package, _)| package).collect();
    let packages = packages
        .into_iter()
        .flat_map(|package| ["--package", package]);
    let binaries = wanted.iter().flat_map(|(_, name)| ["--bin", name.as_str()]);
    let command = command.iter().copied().chain(profile.arguments());
    let all = command.chain(packages).chain(binaries);
    all.map(str::to_owned).collect()
}

async fn read_all(
    wanted: &BTreeSet<Wanted>,
    mut paths: BTreeMap<String, PathBuf>,
    architecture: Architecture,
) -> Result<BTreeMap<Wanted, Binary>> {
    let mut binaries = BTreeMap::new();
    for wanted in wanted {
        let path = paths.remove(&wanted.1).with_context(|| {
            Code::BuildFailed.fault(format!("cargo did not say where `{}` is", wanted.1))
        })?;
        binaries.insert(wanted.clone(), read(path, architecture).await?);
    }
    Ok(binaries)
}

async fn read(path: PathBuf, architecture: Architecture) -> Result<Binary> {
    tokio::task::spawn_blocking(move || Binary::read(&path, architecture)).await?
}

/// Returns the command that links for Lambda on this machine, tried with an empty program.
///
/// # Errors
///
/// `Code::CannotLink` if nothing does.
pub async fn linker(architecture: Architecture) -> Result<&'static str> {
    if is_native(architecture) {
        match link(architecture).await {
            Err(error) if Code::of(&error) == Code::Unfit => {}
            other => return other.map(|()| "cargo"),
        }
    }
    ensure!(has_zigbuild().await, cannot_link(architecture));
    Ok("cargo zigbuild")
}

/// Links an empty program for this machine and checks that it would run on Lambda.
async fn link(architecture: Architecture) -> Result<()> {
    let folder = tempfile::tempdir().context("creating a temporary folder")?;
    let program = folder.path().join("program");
    let source = folder.path().join("program.rs");
    std::fs::write(&source, "fn main() {}").context("writing a temporary file")?;
    let asked = Command::new("rustc")
        .arg(&source)
        .arg("-o")
        .arg(&program)
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
        asked.status.success(),
        Code::BuildFailed
            .fault(format!(
                "an empty program does not link: {}",
                String::from_utf8_lossy(&asked.stderr).trim()
            ))
            .remedy("install a C compiler, such as the package `gcc`")
    );
    read(program, architecture).await.map(|_| ())
}

fn cannot_link(architecture: Architecture) -> Fault {
    Code::CannotLink
        .fault(format!(
            "this machine cannot link for Lambda ({architecture}, GLIBC 2.34) by itself"
        ))
        .remedy(format!(
            "`cargo install cargo-zigbuild`, `pip install ziglang` and `rustup target add {}`, or `--bootstrap PATH` \
             with a binary built elsewhere",
            architecture.target()
        ))
}

fn is_native(architecture: Architecture) -> bool {
    let host = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        std::env::consts::ARCH
    };
    cfg!(target_os = "linux") && host == architecture.as_str()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_builds_all_binaries_of_all_packages() {
        let wanted = [("shop", "orders"), ("shop", "stock"), ("report", "report")];
        let wanted = wanted.map(|(package, name)| (package.to_owned(), name.to_owned()));
        let wanted = BTreeSet::from(wanted);
        let arguments = |profile| arguments(&wanted, profile, &["build"]).join(" ");
        assert_eq!(
            arguments(Profile::Release),
            "build --release --package report --package shop --bin report --bin orders --bin stock"
        );
        assert_eq!(
            arguments(Profile::Local),
            "build --profile local --config profile.local.inherits='dev' --config profile.local.debug=false \
             --config profile.local.strip='symbols' --package report --package shop --bin report --bin orders --bin stock"
        );
    }
}
