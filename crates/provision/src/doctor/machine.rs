//! What can be told without AWS: whether the function can be built, and whether the local AWS is at hand.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::Check;
use crate::artifact::{Binary, build};
use crate::local::{self, Server, Settings};

/// The Rust that would build the function.
pub async fn toolchain() -> Check {
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

/// Whether there is, or could be, a binary that runs on Lambda.
pub async fn function(bootstrap: Option<&Path>, architecture: &str) -> Check {
    const NAME: &str = "function";
    if let Some(path) = bootstrap {
        return match Binary::read(path, architecture) {
            Ok(_) => Check::ok(NAME, format!("`{}` runs on Lambda", path.display())),
            Err(error) => Check::error(NAME, &error),
        };
    }
    match build::linker(architecture).await {
        Ok(linker) => Check::ok(NAME, format!("{linker} links for Lambda ({architecture})")),
        Err(error) => Check::error(NAME, &error),
    }
}

/// The local AWS: whether it runs, or could.
pub async fn local_aws(settings: &Settings) -> Check {
    const NAME: &str = "local AWS";
    if let Some(server) = Server::find(&settings.folder).await {
        return Check::ok(NAME, format!("runs at {}", server.url));
    }
    if let Err(error) = local::program(settings) {
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
