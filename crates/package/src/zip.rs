//! Zips whose bytes depend on their content alone.

use std::io::{Cursor, Write};

use anyhow::{Result, ensure};
use provision_engine::fault::Code;
use provision_engine::package::Package;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Lambda's limit on an uploaded zip, in bytes (Lambda quotas; the request is base64, a third larger than the zip).
const LIMIT: usize = 52_428_800;

/// One file of a zip.
pub(crate) struct Entry {
    /// The path, with slashes.
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
    pub(crate) is_executable: bool,
}

/// Zips `entries`, in their order.
///
/// # Errors
///
/// `Code::TooLarge` if Lambda would refuse it.
pub(crate) fn package(entries: &[Entry]) -> Result<Package> {
    let zip = zipped(entries)?;
    check_size(zip.len())?;
    Ok(Package::new(zip))
}

/// Returns an error if Lambda would refuse a zip of so many bytes.
pub(crate) fn check_size(bytes: usize) -> Result<()> {
    ensure!(
        bytes <= LIMIT,
        Code::TooLarge.fault(format!(
            "the package has {bytes} bytes; Lambda takes at most {LIMIT}"
        ))
    );
    Ok(())
}

fn zipped(entries: &[Entry]) -> Result<Vec<u8>> {
    let size: usize = entries.iter().map(|entry| entry.content.len()).sum();
    let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(size / 2)));
    for entry in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            // Level 6 takes twice the time for 1 % less.
            .compression_level(Some(4))
            .last_modified_time(DateTime::default())
            .unix_permissions(if entry.is_executable { 0o755 } else { 0o644 });
        zip.start_file(&*entry.name, options)?;
        zip.write_all(&entry.content)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn bootstrap(content: &[u8]) -> [Entry; 1] {
        [Entry {
            name: "bootstrap".to_owned(),
            content: content.to_owned(),
            is_executable: true,
        }]
    }

    #[test]
    fn the_package_depends_on_the_binary_alone() {
        let binary = vec![7; 100_000];
        let first = package(&bootstrap(&binary)).unwrap();
        assert_eq!(first.zip, package(&bootstrap(&binary)).unwrap().zip);
        // Fixed for ever: another zip library or version must not deploy everybody's functions again unseen.
        let digest = "fNRlfZYyHKZf5IDA8fhkgOjmbkCQ/Swpabhi92H/b5o=";
        assert_eq!(first.sha256.0, digest);
    }

    #[test]
    fn the_package_holds_an_executable_bootstrap() {
        let zip = package(&bootstrap(b"\x7fELF")).unwrap().zip;
        let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
        let mut entry = archive.by_index(0).unwrap();
        assert_eq!(entry.name().unwrap(), "bootstrap");
        assert_eq!(entry.unix_mode(), Some(0o100_755));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert_eq!(content, b"\x7fELF");
    }
}
