//! The process's environment variables, read in one place so that tests are independent of whoever runs them.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Environment variables by name, collected from pairs of name and value. A variable with an empty value counts as absent.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process. Names and values that are not UTF-8 are read with replacement characters.
    pub(crate) fn of_process() -> Self {
        std::env::vars_os()
            .map(|(name, value)| {
                let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
                (text(name), text(value))
            })
            .collect()
    }

    /// Returns the value of `name`, if it has one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let value = self.0.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// Returns the path in `name`, else `default`.
    pub(crate) fn path(&self, name: &str, default: &str) -> PathBuf {
        self.get(name).unwrap_or(default).into()
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(variables: I) -> Self {
        Self(variables.into_iter().collect())
    }
}
