//! What AWS would refuse of a resource.

use anyhow::Result;

/// What AWS would refuse of a resource, each in words: all of it is told at once.
#[derive(Debug, Default)]
pub struct Refusals(Vec<String>);

impl Refusals {
    /// Adds `text`.
    pub fn refuse(&mut self, text: impl Into<String>) {
        self.0.push(text.into());
    }

    /// Adds `text` where `holds` is false.
    pub fn ensure(&mut self, holds: bool, text: impl Into<String>) {
        if !holds {
            self.refuse(text);
        }
    }

    /// Adds the error of a check that failed.
    pub fn check(&mut self, checked: Result<()>) {
        if let Err(error) = checked {
            self.refuse(format!("{error:#}"));
        }
    }

    /// Returns all of them, in the order of the checks.
    pub fn into_texts(self) -> Vec<String> {
        self.0
    }
}
