//! `ci init`: write the files of a pipeline.

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use serde_json::json;
use tokio::process::Command;

use super::{Session, account};
use crate::args;
use crate::ci::trust::Repository;
use crate::ci::{Outcome, Pipeline, files};
use crate::exit::Exit;
use provision_engine::fault::Code;

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Ci) -> Result<Exit> {
    match arguments {
        args::Ci::Init(arguments) => init(session, arguments).await,
    }
}

async fn init(session: &Session<'_>, arguments: &args::CiInit) -> Result<Exit> {
    let repository = match &arguments.repo {
        Some(repository) => repository.clone(),
        None => origin(&arguments.dir).await.context(
            Code::NoRepository
                .fault("the remote `origin` is not a repository on GitHub")
                .remedy("`--repo OWNER/REPO`"),
        )?,
    };
    let target = account::target(session, arguments.account.as_deref()).await?;
    let env = session.config.env.as_deref();
    let files = files(session.app, &repository, &arguments.branch, env, &target)?;
    let pipeline = Pipeline::new(&arguments.dir, files);
    let outcomes = pipeline.write(arguments.force)?;
    let text = if session.config.json {
        let files: Vec<_> = outcomes
            .iter()
            .map(|(path, outcome)| json!({ "path": path, "outcome": word(outcome) }))
            .collect();
        json!({ "schema": 1, "repository": repository.as_str(), "files": files }).to_string()
    } else {
        lines(&outcomes)
    };
    session.console.result(&text);
    let differs = |(_, outcome): &(_, Outcome)| matches!(outcome, Outcome::Differs { .. });
    if outcomes.iter().any(differs) {
        let fault = Code::FilesDiffer
            .fault("files that differ were left as they are")
            .remedy("`--force` to write over them, then a look at `git diff`");
        session.console.error(&fault.into());
        return Ok(Exit::Failed);
    }
    session
        .console
        .say("docs/pipeline.md says how to make the roles.");
    Ok(Exit::Done)
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Written => "written",
        Outcome::Same => "same",
        Outcome::Replaced => "replaced",
        Outcome::Differs { .. } => "differs",
    }
}

fn lines(outcomes: &[(&str, Outcome)]) -> String {
    let line = |(path, outcome): &(&str, Outcome)| {
        let symbol = match outcome {
            Outcome::Written => '+',
            Outcome::Same => '=',
            Outcome::Replaced => '~',
            Outcome::Differs { .. } => '!',
        };
        let detail = match outcome {
            Outcome::Differs { line, is, would_be } => {
                format!("    line {line}: {} → {}\n", is.trim(), would_be.trim())
            }
            _ => String::new(),
        };
        format!("{symbol} {path}  {}\n{detail}", word(outcome))
    };
    outcomes.iter().map(line).collect()
}

/// The repository that `folder` was cloned from, if that is on GitHub.
async fn origin(folder: &Path) -> Option<Repository> {
    let asked = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["config", "--get", "remote.origin.url"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await
        .ok()?;
    github(String::from_utf8_lossy(&asked.stdout).trim())
}

/// `https://github.com/OWNER/REPO.git` or `git@github.com:OWNER/REPO.git`.
fn github(url: &str) -> Option<Repository> {
    let (_, path) = url.split_once("github.com")?;
    let path = path.strip_prefix(['/', ':'])?.trim_end_matches('/');
    path.strip_suffix(".git").unwrap_or(path).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_names_its_repository() {
        let expected = "octo-org/repo".parse().ok();
        for url in [
            "https://github.com/octo-org/repo",
            "https://github.com/octo-org/repo.git",
            "git@github.com:octo-org/repo.git",
            "ssh://git@github.com/octo-org/repo/",
        ] {
            assert_eq!(github(url), expected, "{url}");
        }
        for url in ["", "https://example.com/a/b", "https://github.com/octo-org"] {
            assert_eq!(github(url), None, "{url}");
        }
    }
}
