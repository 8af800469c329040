//! A function's layers: unpacked into one folder, which is `/opt` for its processes where the machine allows it.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::code::{Code, Pin, TaskRoot};
use super::function::Function;
use crate::cloud::Cloud;

/// The folder that a function's processes have at `/opt`.
#[derive(Debug)]
pub(super) struct Opt {
    pub(super) path: PathBuf,
    /// The archives stay at least as long as this does.
    _roots: Vec<TaskRoot>,
    /// Of several layers, their common folder, which goes with this.
    _folder: Option<Folder>,
}

#[derive(Debug)]
struct Folder(PathBuf, #[expect(dead_code, reason = "it is held")] Pin);

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now is swept with the code that no function has.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The archives of a function's layers, by the hash that they are kept by, in the order in which they are unpacked.
fn archives(function: &Function) -> Vec<String> {
    let layers = function.settings.layers.iter();
    layers.map(|layer| layer.code_sha256.clone()).collect()
}

impl Opt {
    /// `None` for a function without layers. Takes its time.
    pub(super) fn unpacked(cloud: &Arc<Cloud>, function: &Function) -> io::Result<Option<Self>> {
        let code = &cloud.environments.code;
        let roots = archives(function)
            .iter()
            .map(|sha256| code.unpacked(cloud, sha256))
            .collect::<io::Result<Vec<_>>>()?;
        Self::of(code, roots)
    }

    fn of(code: &Code, roots: Vec<TaskRoot>) -> io::Result<Option<Self>> {
        let Some(first) = roots.first() else {
            return Ok(None);
        };
        if roots.len() == 1 {
            return Ok(Some(Self {
                path: first.path.clone(),
                _roots: roots,
                _folder: None,
            }));
        }
        // Swept later if a server that was killed has left it.
        let (name, pin) = code.reserve();
        let folder = Folder(first.path.with_file_name(name), pin);
        for root in &roots {
            merge(&root.path, &folder.0)?;
        }
        Ok(Some(Self {
            path: folder.0.clone(),
            _roots: roots,
            _folder: Some(folder),
        }))
    }

    /// The programs in `extensions`, by name (AWS starts all that it finds there).
    pub(super) fn extensions(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path.join("extensions"));
        let mut found: Vec<PathBuf> = entries
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.is_file())
            .collect();
        found.sort();
        found
    }
}

/// Adds a layer to a folder: its files replace those of the same name. Files are linked, not copied.
fn merge(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if target.symlink_metadata().is_ok_and(|it| !it.is_dir()) {
                fs::remove_file(&target)?;
            }
            merge(&entry.path(), &target)?;
            continue;
        }
        match target.symlink_metadata() {
            Ok(found) if found.is_dir() => fs::remove_dir_all(&target)?,
            Ok(_) => fs::remove_file(&target)?,
            Err(_) => {}
        }
        if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &target)?;
        } else {
            fs::hard_link(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Returns true if Lambda could start this program.
pub(super) fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o005 == 0o005)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(folder: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
    }

    #[test]
    fn later_layers_replace_earlier_ones() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two, opt) = (
            folder.path().join("1"),
            folder.path().join("2"),
            folder.path().join("opt"),
        );
        layer(
            &one,
            &[("bin/a", "1"), ("lib/b", "1"), ("c", "1"), ("d/e", "1")],
        );
        layer(
            &two,
            &[("bin/a", "2"), ("bin/f", "2"), ("c/g", "2"), ("d", "2")],
        );
        symlink("../bin/f", two.join("link")).expect("a link");
        for layer in [&one, &two] {
            merge(layer, &opt).expect("merged");
        }
        let read = |name: &str| fs::read_to_string(opt.join(name)).expect("a file");
        for (name, text) in [
            ("bin/a", "2"),
            ("lib/b", "1"),
            ("bin/f", "2"),
            ("c/g", "2"),
            ("d", "2"),
        ] {
            assert_eq!(read(name), text, "{name}");
        }
        assert_eq!(
            fs::read_link(opt.join("link")).expect("a link"),
            Path::new("../bin/f")
        );
        assert_eq!(
            fs::read_to_string(one.join("bin/a")).expect("as it was"),
            "1"
        );
    }
}
