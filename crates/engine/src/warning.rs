//! Warnings of what AWS takes and is most likely not meant.

use std::fmt;
use std::panic::Location;

/// A remark on a declared resource. It stops nothing; `Stack::acknowledge` says that it is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// The kind of remark, such as `api-timeout`: `Stack::acknowledge` takes it.
    pub id: &'static str,
    /// The remark.
    pub text: String,
}

impl Warning {
    /// A remark.
    pub fn new(id: &'static str, text: impl Into<String>) -> Self {
        Self {
            id,
            text: text.into(),
        }
    }
}

/// A remark and the line of the application that it is about.
#[derive(Clone, Debug)]
pub struct Remark {
    /// The remark.
    pub warning: Warning,
    /// The line.
    pub at: &'static Location<'static>,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Warning { id, text } = &self.warning;
        write!(f, "{}: {text} ({id})", self.at)
    }
}
