//! Function packages, kept by their hash while a run may upload them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fault::Code;

/// Base64 of the SHA-256 of a zip, as Lambda reports it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeSha256(pub String);

impl std::fmt::Display for CodeSha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A zip that a function is deployed from.
#[derive(Clone, Debug)]
pub struct Package {
    /// The zip's bytes.
    pub zip: Vec<u8>,
    /// The zip's hash.
    pub sha256: CodeSha256,
}

impl Package {
    /// Hashes `zip`.
    pub fn new(zip: Vec<u8>) -> Self {
        let sha256 = CodeSha256(STANDARD.encode(Sha256::digest(&zip)));
        Self { zip, sha256 }
    }
}

/// The packages of one run.
#[derive(Debug, Default)]
pub struct Packages(Mutex<HashMap<CodeSha256, Arc<Package>>>);

impl Packages {
    /// Keeps a package.
    pub fn insert(&self, package: Arc<Package>) {
        let mut packages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        packages.insert(package.sha256.clone(), package);
    }

    /// Returns the package with this hash.
    ///
    /// # Errors
    ///
    /// `Code::Stale` if this run has no such package: another one was planned.
    pub fn get(&self, sha256: &CodeSha256) -> Result<Arc<Package>> {
        let packages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        packages.get(sha256).cloned().with_context(|| {
            Code::Stale.fault(format!(
                "this run has no package with the planned hash {sha256}: plan again"
            ))
        })
    }
}
