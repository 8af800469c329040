//! A binary that Lambda can run.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use provision_engine::env::Architecture;
use provision_engine::fault::Code;
use provision_engine::input::hex;
use provision_engine::package::Package;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::elf;
use crate::zip::{self, Entry};

/// Lambda's limit on a package that is unpacked, in bytes (Lambda quotas).
const LIMIT: usize = 262_144_000;

/// The name that custom runtimes start.
const ENTRY: &str = "bootstrap";

/// The size and hash of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// The size in bytes.
    pub bytes: usize,
    /// The SHA-256 in 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl Fingerprint {
    /// Returns the size and hash of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self {
            bytes: content.len(),
            sha256: hex(&Sha256::digest(content)),
        }
    }
}

/// A binary that runs on Lambda's `provided.al2023`: an executable ELF file for the architecture, linked against GLIBC 2.34 or
/// older and libraries of that image, and smaller than 262,144,000 bytes (AWS: "Lambda quotas").
#[derive(Clone, Debug)]
pub struct Binary(Vec<u8>);

impl Binary {
    /// Reads the binary at `path` and checks that it runs on `architecture`.
    ///
    /// # Errors
    ///
    /// `Code::Unfit`, `Code::NotExecutable`, `Code::TooLarge`, or the system's error.
    pub fn read(path: &Path, architecture: Architecture) -> Result<Self> {
        let doing = || format!("reading the function's binary `{}`", path.display());
        let binary = std::fs::read(path).with_context(doing)?;
        elf::check(&binary, architecture.as_str()).with_context(doing)?;
        check_executable(path).with_context(doing)?;
        ensure!(
            binary.len() < LIMIT,
            Code::TooLarge.fault(format!(
                "`{}` has {} bytes; Lambda takes less than {LIMIT}",
                path.display(),
                binary.len()
            ))
        );
        Ok(Self(binary))
    }

    /// Returns size and hash of the binary itself, not of the zip.
    pub(crate) fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.0)
    }

    /// Zips the binary under the name that custom runtimes start.
    pub(crate) fn package(self) -> Result<Package> {
        let entry = Entry {
            name: ENTRY.to_owned(),
            content: self.0,
            is_executable: true,
        };
        zip::package(&[entry]).context("zipping the function's binary")
    }
}

#[cfg(unix)]
fn check_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path)?.permissions().mode();
    if mode & 0o111 == 0 {
        bail!(
            Code::NotExecutable
                .fault("the file is not executable")
                .remedy(format!("`chmod +x {}`", path.display()))
        );
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_executable(_: &Path) -> Result<()> {
    Ok(())
}
