//! Writing files beside those that somebody may have changed.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The files of a pipeline, as they are to be below `folder`.
#[derive(Debug)]
pub(crate) struct Pipeline {
    folder: PathBuf,
    files: Vec<(String, String)>,
}

/// The outcome of writing one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Written,
    Same,
    Replaced,
    /// It was left as it is; the first line that differs, as it is and as it would be.
    Differs {
        line: usize,
        is: String,
        would_be: String,
    },
}

impl Pipeline {
    pub(crate) fn new(folder: &Path, files: Vec<(String, String)>) -> Self {
        Self {
            folder: folder.to_owned(),
            files,
        }
    }

    /// Writes what is not there, and over what differs if `force` says so.
    pub(crate) fn write(&self, force: bool) -> Result<Vec<(&str, Outcome)>> {
        let outcomes = self.files.iter().map(|(path, text)| {
            let at = self.folder.join(path);
            let outcome =
                write(&at, text, force).with_context(|| format!("writing {}", at.display()))?;
            Ok((path.as_str(), outcome))
        });
        outcomes.collect()
    }
}

fn write(at: &Path, text: &str, force: bool) -> Result<Outcome> {
    let existing = match fs::read_to_string(at) {
        Ok(existing) => Some(existing),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error.into()),
    };
    let outcome = match existing {
        Some(existing) if is_same(&existing, text) => return Ok(Outcome::Same),
        Some(existing) if !force => return Ok(difference(&existing, text)),
        Some(_) => Outcome::Replaced,
        None => Outcome::Written,
    };
    let parent = at.parent().context("a file has a folder")?;
    fs::create_dir_all(parent)?;
    fs::write(at, text)?;
    Ok(outcome)
}

/// Line ends are whatever the repository is checked out with.
fn is_same(one: &str, other: &str) -> bool {
    one.lines().eq(other.lines())
}

fn difference(is: &str, would_be: &str) -> Outcome {
    let (mut is, mut would_be) = (is.lines(), would_be.lines());
    let mut line = 1;
    loop {
        match (is.next(), would_be.next()) {
            (one, other) if one == other && one.is_some() => line += 1,
            (one, other) => {
                return Outcome::Differs {
                    line,
                    is: one.unwrap_or_default().to_owned(),
                    would_be: other.unwrap_or_default().to_owned(),
                };
            }
        }
    }
}
