//! The code that functions run, as a stack declares it.

use std::path::PathBuf;

use crate::env::Architecture;

/// A function's code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A binary of this workspace.
    Binary {
        /// The cargo package; where it is left out, the one that has the binary.
        package: Option<String>,
        /// The binary's name.
        name: String,
    },
    /// A zip that was made elsewhere.
    Zip(PathBuf),
    /// A directory, zipped as it is.
    Directory(PathBuf),
}

impl Code {
    /// A binary of this workspace, by its name.
    pub fn binary(name: &str) -> Self {
        Self::Binary {
            package: None,
            name: name.to_owned(),
        }
    }

    /// A binary of a package of this workspace, for names that several packages have.
    pub fn binary_of(package: &str, name: &str) -> Self {
        Self::Binary {
            package: Some(package.to_owned()),
            name: name.to_owned(),
        }
    }
}

/// Code that a stack's functions run: its hash is an output `sha256` of the asset's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// The id that references name: `package` for `package.sha256`.
    pub id: String,
    /// The code.
    pub code: Code,
    /// The processor it is built for.
    pub architecture: Architecture,
}
