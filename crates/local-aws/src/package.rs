//! The deployment package of a program that cargo has built.

use std::fs::File;
use std::io::{self, Cursor};
use std::path::Path;

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Returns a zip with `program` as its `bootstrap`: `CreateFunction`'s code for `provided.al2023`.
///
/// ```
/// # let program = std::env::current_exe()?;
/// // In a test of a package with a binary `worker`: `env!("CARGO_BIN_EXE_worker")`.
/// let code = local_aws::package(&program)?;
/// assert!(code.starts_with(b"PK"));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
///
/// If the program cannot be read.
pub fn package(program: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let mut program = File::open(program)?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    // What runs on this machine need not be small.
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Stored)
        .unix_permissions(0o755);
    writer
        .start_file("bootstrap", options)
        .map_err(io::Error::other)?;
    io::copy(&mut program, &mut writer)?;
    let archive = writer.finish().map_err(io::Error::other)?;
    Ok(archive.into_inner())
}
