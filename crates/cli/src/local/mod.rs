//! The local AWS as this program knows it: a binary to build and start, a folder, an endpoint.
//!
//! None of its code is shared, so that a wrong belief about AWS is not held twice.

mod client;
mod lease;
mod program;
mod server;
mod start;

use std::path::PathBuf;

use crate::environment::Environment;

pub(crate) use lease::Lease;
pub(crate) use program::program;
pub(crate) use server::{Emptied, Server};
pub(crate) use start::{Ready, Start, ready, run};

/// The local AWS's folder, port and program, as the environment gives them.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Holds its state: `PROVISION_LOCAL_DIR`, else `.provision/local` below the current folder.
    pub(crate) folder: PathBuf,
    /// The port of a server that never ran before: `PROVISION_LOCAL_PORT`, else 4566. 0 is any free one.
    pub(crate) port: u16,
    /// `PROVISION_LOCAL_AWS`: a program that was built elsewhere.
    pub(crate) program: Option<PathBuf>,
}

impl From<&Environment> for Settings {
    fn from(environment: &Environment) -> Self {
        const PORT: u16 = 4566;
        let port = environment.get("PROVISION_LOCAL_PORT");
        Self {
            folder: environment.path("PROVISION_LOCAL_DIR", ".provision/local"),
            port: port.and_then(|port| port.parse().ok()).unwrap_or(PORT),
            program: environment.get("PROVISION_LOCAL_AWS").map(PathBuf::from),
        }
    }
}
