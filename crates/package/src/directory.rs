//! Code of other runtimes: a directory, or a zip that was made elsewhere.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use provision_engine::fault::Code;
use provision_engine::package::Package;

use crate::zip::{self, Entry};

/// Zips all files below `folder`, sorted by their paths.
pub(crate) fn package(folder: &Path) -> Result<Package> {
    let doing = || format!("zipping the function's code in `{}`", folder.display());
    let mut entries = Vec::new();
    collect(folder, "", &mut entries).with_context(doing)?;
    ensure!(
        !entries.is_empty(),
        Code::NoSources.fault(format!("`{}` holds no files", folder.display()))
    );
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    zip::package(&entries).with_context(doing)
}

fn collect(folder: &Path, prefix: &str, entries: &mut Vec<Entry>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file_name = entry.file_name();
        let name = file_name
            .to_str()
            .with_context(|| format!("`{}` is not UTF-8", file_name.display()))?;
        let name = format!("{prefix}{name}");
        let path = entry.path();
        let metadata = fs::metadata(&path)?;
        if metadata.is_dir() {
            collect(&path, &format!("{name}/"), entries)?;
        } else {
            entries.push(Entry {
                name,
                content: fs::read(&path)?,
                is_executable: is_executable(&metadata),
            });
        }
    }
    Ok(())
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    true
}

/// Reads a zip that was made elsewhere.
pub(crate) fn read_zip(path: &Path) -> Result<Package> {
    let doing = || format!("reading the function's package `{}`", path.display());
    let bytes = fs::read(path).with_context(doing)?;
    let is_zip = bytes.starts_with(b"PK\x03\x04");
    ensure!(
        is_zip,
        Code::Unfit.fault(format!("`{}` is not a zip file", path.display()))
    );
    zip::check_size(bytes.len()).with_context(doing)?;
    Ok(Package::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_zipped_alike_whatever_the_order_of_its_files() {
        let one = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        fs::create_dir(one.path().join("lib")).unwrap();
        fs::create_dir(other.path().join("lib")).unwrap();
        let files = ["index.js", "lib/b.js", "lib/a.js"];
        for name in files {
            fs::write(one.path().join(name), name).unwrap();
        }
        for name in files.iter().rev() {
            fs::write(other.path().join(name), name).unwrap();
        }
        let first = package(one.path()).unwrap();
        assert_eq!(first.sha256, package(other.path()).unwrap().sha256);
    }

    #[test]
    fn a_directory_without_files_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = package(folder.path()).unwrap_err();
        assert_eq!(Code::of(&error), Code::NoSources);
    }

    #[test]
    fn a_file_that_is_no_zip_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "text").unwrap();
        let error = read_zip(file.path()).unwrap_err();
        assert_eq!(Code::of(&error), Code::Unfit);
    }
}
