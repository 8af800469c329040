//! The sources that this program was compiled from.

use std::path::{Path, PathBuf};

/// Returns the workspace that this crate was compiled in, if it is on this machine still: where an application depends on this
/// project by path or by git, all of its sources are.
pub(crate) fn own_workspace() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent()?.parent()?;
    is_workspace(root).then(|| root.to_owned())
}

/// Returns true if `folder` holds the sources of this project.
pub(crate) fn is_workspace(folder: &Path) -> bool {
    folder.join("crates/provision/Cargo.toml").is_file()
}
