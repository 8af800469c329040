//! GitHub Actions: workflow commands, and the files by which a step passes on a summary and outputs.
//!
//! Forms as in GitHub's "Workflow commands for GitHub Actions".

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::diagnostics::Diagnostic;
use crate::environment::Environment;
use provision_engine::secret::Secret;

/// The files of a workflow step, which the runner reads after it (GitHub: "Workflow commands for GitHub Actions").
#[derive(Clone, Debug, Default)]
pub struct GitHub {
    /// The file for the step's summary, in Markdown: `GITHUB_STEP_SUMMARY`.
    pub summary: Option<PathBuf>,
    /// The file for the step's outputs, as `name=value` lines: `GITHUB_OUTPUT`.
    pub output: Option<PathBuf>,
}

impl GitHub {
    /// Reads the files of this step from the environment; `None` outside of GitHub Actions.
    pub(crate) fn from_environment(environment: &Environment) -> Option<Self> {
        let path = |name: &str| environment.get(name).map(PathBuf::from);
        (environment.get("GITHUB_ACTIONS")? == "true").then(|| Self {
            summary: path("GITHUB_STEP_SUMMARY"),
            output: path("GITHUB_OUTPUT"),
        })
    }

    /// Adds Markdown to the step's summary.
    pub(crate) fn summarize(&self, markdown: &str) -> io::Result<()> {
        append(self.summary.as_deref(), markdown)
    }

    /// Sets outputs of the step. No secret belongs there: other jobs and their logs can read it.
    pub(crate) fn output<N: AsRef<str>>(
        &self,
        pairs: impl IntoIterator<Item = (N, String)>,
    ) -> io::Result<()> {
        let lines: String = pairs
            .into_iter()
            .map(|(name, value)| assignment(name.as_ref(), &value))
            .collect();
        append(self.output.as_deref(), &lines)
    }
}

fn append(file: Option<&Path>, text: &str) -> io::Result<()> {
    let Some(file) = file else { return Ok(()) };
    OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)?
        .write_all(text.as_bytes())
}

/// `name=value`, or between delimiters that are not part of the value where that has several lines.
fn assignment(name: &str, value: &str) -> String {
    if !value.contains(['\n', '\r']) {
        return format!("{name}={value}\n");
    }
    let mut delimiter = "end-of-value".to_owned();
    while value.contains(&delimiter) {
        delimiter.push('-');
    }
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

pub(crate) fn group(title: &str) -> String {
    format!("::group::{}\n", data(title))
}

pub(crate) const END_GROUP: &str = "::endgroup::\n";

/// The runner shows `***` instead of the value from then on.
pub(crate) fn mask(secret: &Secret) -> String {
    format!("::add-mask::{}\n", data(secret.reveal()))
}

pub(crate) fn warning(text: &str) -> String {
    format!("::warning title=provision::{}\n", data(text))
}

/// An annotation whose title is the code.
pub(crate) fn error(told: &Diagnostic) -> String {
    let remedy = told.remedy.as_deref();
    let remedy = remedy
        .map(|remedy| format!("\ntry: {remedy}"))
        .unwrap_or_default();
    let text = format!("{}{remedy}", told.message);
    format!("::error title={}::{}\n", told.code, data(&text))
}

/// Returns the text after the command, escaped so that it stays one line.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;
    use provision_engine::fault::Code;

    #[test]
    fn commands_stay_on_one_line() {
        let error = anyhow::Error::from(Code::File.fault("50 % of\r\nit").remedy("less"));
        assert_eq!(
            super::error(&Diagnostic::of(&error)),
            "::error title=P0060::50 %25 of%0D%0Ait%0Atry: less\n"
        );
        assert_eq!(group("a\nb"), "::group::a%0Ab\n");
        assert_eq!(warning("x"), "::warning title=provision::x\n");
        assert_eq!(mask(&Secret::new("k%1")), "::add-mask::k%251\n");
    }

    #[test]
    fn values_of_several_lines_cannot_end_early() {
        assert_eq!(assignment("url", "https://x"), "url=https://x\n");
        assert_eq!(
            assignment("text", "a\nend-of-value\nb=c"),
            "text<<end-of-value-\na\nend-of-value\nb=c\nend-of-value-\n"
        );
    }
}
