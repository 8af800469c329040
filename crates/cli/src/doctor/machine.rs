//! Checks without AWS: the tools that build functions, and the local AWS.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Stdio;

use tokio::process::Command;

use super::Check;
use crate::app::App;
use crate::local::{self, Server, Settings};
use provision_engine::asset::{Asset, Code as AssetCode};
use provision_engine::env::Architecture;
use provision_package::{Binary, Overrides, linker};

/// Checks the Rust that builds functions.
pub(crate) async fn toolchain() -> Check {
    const NAME: &str = "toolchain";
    let asked = Command::new("cargo")
        .arg("--version")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await;
    match asked {
        Ok(said) if said.status.success() => {
            Check::ok(NAME, String::from_utf8_lossy(&said.stdout).trim())
        }
        _ => Check::fail(NAME, "cargo does not run").remedy(
            "Rust from https://rustup.rs, or `--bootstrap PATH` with a binary built elsewhere",
        ),
    }
}

/// Checks the binaries that were given for the stack's functions, or else the tools that build them.
pub(crate) async fn function(
    assets: &[Asset],
    overrides: &Overrides,
    architecture: Architecture,
) -> Check {
    const NAME: &str = "function";
    let given: Vec<_> = assets
        .iter()
        .filter_map(|asset| match &asset.code {
            AssetCode::Binary { name, .. } => overrides.find(name),
            AssetCode::Zip(_) | AssetCode::Directory(_) => None,
        })
        .collect();
    for path in &given {
        if let Err(error) = Binary::read(path, architecture) {
            return Check::error(NAME, &error);
        }
    }
    if let Some(path) = given.first() {
        return Check::ok(NAME, format!("`{}` runs on Lambda", path.display()));
    }
    match linker(architecture).await {
        Ok(linker) => Check::ok(NAME, format!("{linker} links for Lambda ({architecture})")),
        Err(error) => Check::error(NAME, &error),
    }
}

/// Checks whether the local AWS runs, or could.
pub(crate) async fn local_aws(app: &App, settings: &Settings) -> Check {
    const NAME: &str = "local AWS";
    if let Some(server) = Server::find(&settings.folder).await {
        return Check::ok(NAME, format!("runs at {}", server.url));
    }
    if let Err(error) = app
        .folder()
        .and_then(|folder| local::program(settings, &folder))
    {
        let check = Check::error(NAME, &error);
        return Check {
            // Nobody needs it for AWS itself.
            status: super::Status::Warn,
            ..check
        };
    }
    let port = settings.port;
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Ok(_) if port == 0 => Check::ok(NAME, "starts when needed, on a free port"),
        Ok(_) => Check::ok(NAME, format!("starts when needed, on port {port}")),
        Err(error) => Check::warn(NAME, format!("port {port} is not free: {error}"))
            .remedy("`PROVISION_LOCAL_PORT=PORT`, or `local start --port PORT`"),
    }
}
