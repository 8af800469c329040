//! Finding and building the program of the local AWS.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use provision_engine::fault::Code;
use provision_package::{Program, Workspace, build_program};

use super::Settings;
use crate::sources::own_workspace;

const LOCAL_AWS: Program = Program {
    package: "local-aws",
    binary: "local-aws",
    title: "the local AWS",
};

/// The origin of the program.
#[derive(Debug)]
pub(crate) enum Source {
    Workspace(PathBuf),
    Binary(PathBuf),
}

/// Finds the program: as given, as a package of the workspace around `sources` or of the one that this crate was compiled in,
/// beside this program, or in the `PATH`.
///
/// # Errors
///
/// `Code::NoLocalAws`.
pub(crate) fn program(settings: &Settings, sources: &Path) -> Result<Source> {
    if let Some(given) = &settings.program {
        return Ok(Source::Binary(given.clone()));
    }
    let workspace = Workspace::around(sources).ok().flatten();
    if let Some(workspace) = workspace.filter(|workspace| workspace.has(LOCAL_AWS.package)) {
        return Ok(Source::Workspace(workspace.root));
    }
    if let Some(root) = own_workspace() {
        return Ok(Source::Workspace(root));
    }
    let beside = std::env::current_exe()?.with_file_name(LOCAL_AWS.binary);
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let installed = std::env::split_paths(&paths).map(|folder| folder.join(LOCAL_AWS.binary));
    if let Some(found) = std::iter::once(beside.clone())
        .chain(installed)
        .find(|path| path.is_file())
    {
        return Ok(Source::Binary(found));
    }
    bail!(
        Code::NoLocalAws
            .fault(format!(
                "the local AWS was not found: neither its sources nor {}",
                beside.display()
            ))
            .remedy("run it inside the project, `cargo install local-aws`, or `PROVISION_LOCAL_AWS=PATH`")
    )
}

/// Returns the path of the program, built if its sources are here.
pub(super) async fn binary(settings: &Settings, sources: &Path) -> Result<PathBuf> {
    match program(settings, sources)? {
        Source::Workspace(root) => {
            let target = Workspace::around(sources).ok().flatten();
            let target = target.map(|workspace| workspace.target);
            build_program(&root, target.as_deref(), LOCAL_AWS).await
        }
        Source::Binary(path) => Ok(path),
    }
}
