//! The local AWS, as this program knows it: a binary to build and start, a folder, an endpoint.
//!
//! Nothing of its code is shared, so that a wrong belief about AWS is not held twice.

mod client;
mod server;

use std::path::PathBuf;

pub use server::{Server, Source, Start, port, program};

/// Where the local AWS keeps its state: `PROVISION_LOCAL_DIR`, else `.provision/local` below the current folder.
pub fn folder() -> PathBuf {
    std::env::var_os("PROVISION_LOCAL_DIR")
        .filter(|folder| !folder.is_empty())
        .map_or_else(|| PathBuf::from(".provision/local"), PathBuf::from)
}
