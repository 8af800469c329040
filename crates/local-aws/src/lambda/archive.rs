//! Zips of code: what is in one, within Lambda's limits, and its unpacking.

use std::fs::{self, File, Permissions};
use std::io::{self, Cursor, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;
use zip::read::ZipFile;

/// Bytes, zipped.
pub(super) const LARGEST_ZIP: usize = 52_428_800;
/// Bytes, unzipped.
pub(super) const LARGEST: u64 = 262_144_000;
/// No link's target is longer on Linux.
const LONGEST_LINK: u64 = 4096;

/// Why an archive is not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("Could not unzip uploaded file. Please check your file, then try to upload again.")]
    Broken,
    #[error("Uploaded file must be a non-empty zip")]
    Empty,
    #[error("Unzipped size must be smaller than {LARGEST} bytes")]
    TooLarge,
}

enum Entry {
    Folder(PathBuf),
    File(PathBuf, u32),
    Link(PathBuf, PathBuf),
}

/// Reads all of an archive, and inflates it without keeping anything. Returns how many bytes it inflates to.
pub(super) fn check(bytes: &[u8]) -> Result<u64, Unusable> {
    let mut files = 0;
    let mut size = 0;
    each(bytes, |entry, data| {
        if matches!(entry, Entry::File(..)) {
            files += 1;
            size += io::copy(data, &mut io::sink()).map_err(|_| Unusable::Broken)?;
        }
        Ok(())
    })?;
    if files == 0 {
        return Err(Unusable::Empty);
    }
    Ok(size)
}

/// Unpacks an archive that passed [`check`] into a new folder.
pub(super) fn unpack(bytes: &[u8], folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let mut links = Vec::new();
    let mut failure = None;
    let outcome = each(bytes, |entry, data| {
        if let Err(error) = write(folder, entry, data, &mut links) {
            failure = Some(error);
            return Err(Unusable::Broken);
        }
        Ok(())
    });
    if let Some(error) = failure {
        return Err(error);
    }
    outcome.map_err(io::Error::other)?;
    // Last, so that nothing is written through one.
    for (path, target) in links {
        symlink(target, path)?;
    }
    Ok(())
}

fn write(
    folder: &Path,
    entry: Entry,
    data: &mut dyn Read,
    links: &mut Vec<(PathBuf, PathBuf)>,
) -> io::Result<()> {
    match entry {
        Entry::Folder(path) => fs::create_dir_all(folder.join(path)),
        Entry::File(path, mode) => {
            let path = parent(folder, &path)?;
            let mut file = File::create(&path)?;
            io::copy(data, &mut file)?;
            file.flush()?;
            file.set_permissions(Permissions::from_mode(mode))
        }
        Entry::Link(path, target) => {
            links.push((parent(folder, &path)?, target));
            Ok(())
        }
    }
}

fn parent(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let path = folder.join(path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(path)
}

/// Calls `visit` with each entry and its bytes, of which there are no more than Lambda allows, whatever the archive says.
fn each(
    bytes: &[u8],
    mut visit: impl FnMut(Entry, &mut dyn Read) -> Result<(), Unusable>,
) -> Result<(), Unusable> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| Unusable::Broken)?;
    let mut left = LARGEST;
    for at in 0..archive.len() {
        let mut file = archive.by_index(at).map_err(|_| Unusable::Broken)?;
        let entry = entry(&mut file)?;
        let mut data = Counted {
            inner: file,
            left: &mut left,
        };
        let outcome = visit(entry, &mut data);
        if left == 0 {
            return Err(Unusable::TooLarge);
        }
        outcome?;
    }
    Ok(())
}

fn entry<R: Read>(file: &mut ZipFile<'_, R>) -> Result<Entry, Unusable> {
    let path = file
        .name()
        .ok()
        .and_then(|name| inside(Path::new(name.as_ref())))
        .ok_or(Unusable::Broken)?;
    if file.is_dir() {
        return Ok(Entry::Folder(path));
    }
    if file.is_symlink() {
        let mut target = String::new();
        file.take(LONGEST_LINK)
            .read_to_string(&mut target)
            .map_err(|_| Unusable::Broken)?;
        let target = PathBuf::from(target);
        let folder = path.parent().unwrap_or(Path::new(""));
        if target.is_absolute() || inside(&folder.join(&target)).is_none() {
            return Err(Unusable::Broken);
        }
        return Ok(Entry::Link(path, target));
    }
    // An archive made elsewhere than on Unix has no modes: readable, and not executable.
    let mode = file.unix_mode().unwrap_or(0o644) & 0o755;
    Ok(Entry::File(path, mode))
}

/// The path without `.` and `..`, if it leads to something below where it starts.
fn inside(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => clean.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !clean.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!clean.as_os_str().is_empty()).then_some(clean)
}

struct Counted<'a, R> {
    inner: R,
    left: &'a mut u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        *self.left = self.left.saturating_sub(count as u64);
        if *self.left == 0 {
            return Err(io::Error::other(Unusable::TooLarge));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn archive(fill: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        fill(&mut writer);
        writer.finish().expect("an archive").into_inner()
    }

    fn with(name: &str) -> Vec<u8> {
        archive(|zip| {
            zip.start_file(name, SimpleFileOptions::default().unix_permissions(0o775))
                .expect("an entry");
            zip.write_all(b"#!/bin/sh\n").expect("its bytes");
        })
    }

    #[test]
    fn modes_are_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let bytes = with("bin/./bootstrap");
        assert_eq!(check(&bytes), Ok(10));
        unpack(&bytes, folder.path()).expect("unpacked");
        let made = fs::metadata(folder.path().join("bin/bootstrap")).expect("a file");
        assert_eq!(made.permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn paths_stay_inside() {
        for name in ["../x", "/etc/x", "a/../../x", "a/.."] {
            assert_eq!(check(&with(name)), Err(Unusable::Broken), "{name}");
        }
        for target in ["/etc/passwd", "../x", "a/../../x"] {
            let bytes = archive(|zip| {
                zip.add_symlink("link", target, SimpleFileOptions::default())
                    .expect("a link");
            });
            assert_eq!(check(&bytes), Err(Unusable::Broken), "{target}");
        }
    }

    #[test]
    fn what_is_no_archive_is_refused() {
        assert_eq!(check(b""), Err(Unusable::Broken));
        assert_eq!(check(b"PK\x03\x04 and no more"), Err(Unusable::Broken));
        assert_eq!(check(&archive(|_| {})), Err(Unusable::Empty));
        let mut bytes = with("bootstrap");
        let at = bytes
            .windows(9)
            .position(|window| window == b"#!/bin/sh")
            .unwrap_or(45);
        bytes[at] ^= 1;
        assert_eq!(check(&bytes), Err(Unusable::Broken));
    }

    #[test]
    fn bombs_are_counted_while_they_inflate() {
        let bytes = archive(|zip| {
            let options =
                SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
            zip.start_file("bootstrap", options).expect("an entry");
            let zeros = vec![0; 1 << 20];
            for _ in 0..251 {
                zip.write_all(&zeros).expect("its bytes");
            }
        });
        assert!(bytes.len() < LARGEST_ZIP);
        assert_eq!(check(&bytes), Err(Unusable::TooLarge));
    }
}
