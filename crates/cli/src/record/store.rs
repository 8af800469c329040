//! Where records are kept: one file a stack, its last run.

use std::fs::{self, DirBuilder};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::NamedTempFile;

use super::Record;
use crate::environment::Environment;
use provision_engine::fault::Code;

/// The place where a run leaves its record, and the command line to record.
#[derive(Clone, Debug)]
pub struct Runs {
    /// The folder of the records, one file for each stack; made if it is missing, with mode 0700 on Unix.
    pub folder: PathBuf,
    /// The command line as it was given, program first.
    pub command: Vec<String>,
}

/// `PROVISION_RUNS_DIR`, else `.provision/runs` below the current folder.
pub(crate) fn folder(environment: &Environment) -> PathBuf {
    environment.path("PROVISION_RUNS_DIR", ".provision/runs")
}

impl Record {
    /// Reads the record of the last run of `stack` from `folder`.
    ///
    /// # Errors
    ///
    /// `Code::NoRecord` if there is none, or another version wrote it; otherwise the system's error.
    pub fn read(folder: &Path, stack: &str) -> Result<Self> {
        let path = file(folder, stack);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!(
                Code::NoRecord
                    .fault(format!(
                        "no run of `{stack}` is on record in {}",
                        folder.display()
                    ))
                    .remedy(
                        "`provision up` or `down` first, in this folder and with the same `--env`"
                    )
            ),
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        serde_json::from_str(&text).with_context(|| {
            Code::NoRecord
                .fault(format!(
                    "{} is not a record of this version",
                    path.display()
                ))
                .remedy("the next `up` or `down` of the same stack leaves a new one")
        })
    }

    /// Takes the place of the run before it, in one step; for its owner's eyes only.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let path = file(folder, &self.stack);
        let doing = || format!("writing {}", path.display());
        private(folder).with_context(doing)?;
        let mut file = NamedTempFile::new_in(folder).with_context(doing)?;
        serde_json::to_writer(&mut file, self).with_context(doing)?;
        file.flush().with_context(doing)?;
        file.persist(&path).with_context(doing)?;
        Ok(())
    }
}

/// The names of stacks are letters, digits and hyphens.
fn file(folder: &Path, stack: &str) -> PathBuf {
    folder.join(format!("{stack}.json"))
}

fn private(folder: &Path) -> std::io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
