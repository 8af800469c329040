//! The deployment package: the function's binary, checked and zipped.

pub mod build;
mod elf;

use std::io::{Cursor, Write};
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::fault::Code;
use crate::input::hex;
use crate::resource::CodeSha256;

/// A package that Lambda can run.
#[derive(Debug)]
pub struct Artifact {
    pub zip: Vec<u8>,
    pub sha256: CodeSha256,
    /// Of the binary inside, where it was at hand.
    pub binary: Option<Fingerprint>,
}

/// By which anybody can tell a file from another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub bytes: usize,
    /// In hexadecimal.
    pub sha256: String,
}

impl Fingerprint {
    pub fn of(content: &[u8]) -> Self {
        Self {
            bytes: content.len(),
            sha256: hex(&Sha256::digest(content)),
        }
    }
}

/// Lambda's limits, in bytes (Lambda quotas; the request is base64, a third larger than the zip).
const ZIP_LIMIT: usize = 52_428_800;
const UNZIPPED_LIMIT: usize = 262_144_000;

/// The name that custom runtimes start.
const ENTRY: &str = "bootstrap";

/// A binary that was found fit for Lambda.
#[derive(Debug)]
pub struct Binary(Vec<u8>);

impl Binary {
    /// Reads the binary at `path` and checks that it runs on `architecture` (`x86_64` or `arm64`).
    pub fn read(path: &Path, architecture: &str) -> Result<Self> {
        let doing = || format!("reading the function's binary `{}`", path.display());
        let binary = std::fs::read(path).with_context(doing)?;
        elf::check(&binary, architecture).with_context(doing)?;
        check_executable(path).with_context(doing)?;
        ensure!(
            binary.len() < UNZIPPED_LIMIT,
            Code::TooLarge.fault(format!(
                "`{}` has {} bytes; Lambda takes less than {UNZIPPED_LIMIT}",
                path.display(),
                binary.len()
            ))
        );
        Ok(Self(binary))
    }

    /// Zips it.
    pub fn package(&self) -> Result<Artifact> {
        let zip = zipped(&self.0).context("zipping the function's binary")?;
        ensure!(
            zip.len() <= ZIP_LIMIT,
            Code::TooLarge.fault(format!(
                "the package has {} bytes; Lambda takes at most {ZIP_LIMIT}",
                zip.len()
            ))
        );
        Ok(Artifact {
            binary: Some(Fingerprint::of(&self.0)),
            ..Artifact::from_zip(zip)
        })
    }
}

impl Artifact {
    pub fn from_zip(zip: Vec<u8>) -> Self {
        let sha256 = CodeSha256(STANDARD.encode(Sha256::digest(&zip)));
        Self {
            zip,
            sha256,
            binary: None,
        }
    }
}

/// The same bytes for the same binary, whoever makes them where and when.
fn zipped(binary: &[u8]) -> Result<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        // Level 6 takes twice the time for 1 % less.
        .compression_level(Some(4))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(binary.len() / 2)));
    zip.start_file(ENTRY, options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
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

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn the_package_depends_on_the_binary_alone() {
        let binary = vec![7; 100_000];
        let first = zipped(&binary).unwrap();
        assert_eq!(first, zipped(&binary).unwrap());
        // Fixed for all times: another zip library or version must not redeploy everybody's functions unseen.
        let digest = STANDARD.encode(Sha256::digest(&first));
        assert_eq!(digest, "fNRlfZYyHKZf5IDA8fhkgOjmbkCQ/Swpabhi92H/b5o=");
    }

    #[test]
    fn the_package_holds_an_executable_bootstrap() {
        let mut archive = zip::ZipArchive::new(Cursor::new(zipped(b"\x7fELF").unwrap())).unwrap();
        let mut entry = archive.by_index(0).unwrap();
        assert_eq!(entry.name().unwrap(), "bootstrap");
        assert_eq!(entry.unix_mode(), Some(0o100_755));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"\x7fELF");
    }
}
