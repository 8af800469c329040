//! The files of a pipeline: a workflow for GitHub Actions, and the policies of the roles it takes.

mod files;
pub(crate) mod trust;

use anyhow::Result;
use serde_json::Value;

pub(crate) use files::{Outcome, Pipeline};

use provision_engine::env::Env;
use provision_engine::operation::Access;
use provision_engine::rights::document;

use self::trust::{Repository, Subject};
use crate::app::App;
use provision_engine::target::Target;

/// The workflow, as this project itself uses it.
const WORKFLOW: &str = include_str!("provision.yml");
const WORKFLOW_PATH: &str = ".github/workflows/provision.yml";
/// The cargo package that the workflow runs.
const PACKAGE: &str = "-p provision ";
const BRANCH: &str = "branches: [main]";

/// The jobs on the environment that is deployed; the others are on a pull request's own.
const DEPLOYED: [&str; 2] = ["plan", "deploy"];
/// The part that all jobs share, after their `env`.
const RUNS_ON: &str = "\n    runs-on:";

/// Stands for the number of every pull request in the names of its environment.
pub(crate) const ANY_PREVIEW: &str = "pr-*";

/// One role that the workflow takes.
struct Role {
    name: &'static str,
    env: Option<&'static str>,
    access: Access,
    subject: Subject,
}

/// Returns the files of the pipeline of `repository`, which deploys `branch` to `target`: path below the repository, and text.
pub(crate) fn files(
    app: &App,
    repository: &Repository,
    branch: &str,
    env: Option<&str>,
    target: &Target,
) -> Result<Vec<(String, String)>> {
    let deployed = Subject::Branch(branch.to_owned());
    deployed.check()?;
    let roles = [
        Role {
            name: "deploy",
            env: None,
            access: Access::Write,
            subject: deployed,
        },
        Role {
            name: "plan",
            env: None,
            access: Access::Read,
            subject: Subject::PullRequests,
        },
        Role {
            name: "preview",
            env: Some(ANY_PREVIEW),
            access: Access::Write,
            subject: Subject::PullRequests,
        },
    ];
    let workflow = workflow(branch, env).replace(PACKAGE, &format!("-p {} ", app.name()));
    let mut files = vec![(WORKFLOW_PATH.to_owned(), workflow)];
    for role in roles {
        let env = match role.env {
            Some(pattern) => Env::matching(pattern, &target.region),
            None => Env::new(env, &target.region),
        };
        let declaration = app.declare(&env)?;
        let kinds = app.kinds(&declaration);
        let permissions = document(&declaration, &kinds, target, role.access);
        let trust = trust::document(repository, &role.subject, target);
        for (kind, document) in [("permissions", permissions), ("trust", trust)] {
            let path = format!(".github/provision/{}-{kind}.json", role.name);
            files.push((path, pretty(&document)?));
        }
    }
    Ok(files)
}

fn workflow(branch: &str, env: Option<&str>) -> String {
    let mut text = for_branch(branch);
    if let Some(env) = env {
        for job in DEPLOYED {
            text = in_env(&text, job, env);
        }
    }
    text
}

/// With `env` as the environment of the job `job`.
fn in_env(workflow: &str, job: &str, env: &str) -> String {
    let start = workflow.find(&format!("\n  {job}:\n")).unwrap_or(0);
    let (before, jobs) = workflow.split_at(start);
    let variable = format!(
        "\n    env:\n      PROVISION_ENV: {}{RUNS_ON}",
        Value::from(env)
    );
    format!("{before}{}", jobs.replacen(RUNS_ON, &variable, 1))
}

fn for_branch(branch: &str) -> String {
    // A JSON text is one in YAML as well, whatever the branch is called.
    WORKFLOW.replace(
        BRANCH,
        &match branch {
            "main" => BRANCH.to_owned(),
            branch => format!("branches: [{}]", Value::from(branch)),
        },
    )
}

fn pretty(document: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_branch_is_the_only_difference() {
        assert_eq!(workflow("main", None), WORKFLOW);
        assert_eq!(WORKFLOW.matches(BRANCH).count(), 1);
        let other = workflow("release/1", None);
        assert!(other.contains("    branches: [\"release/1\"]\n"));
        assert_eq!(other.lines().count(), WORKFLOW.lines().count());
    }

    #[test]
    fn an_environment_is_that_of_the_jobs_without_one() {
        let text = workflow("main", Some("prod"));
        assert_eq!(text.matches("PROVISION_ENV: \"prod\"\n").count(), 2);
        assert_eq!(text.matches("PROVISION_ENV: ").count(), 4, "{text}");
        for (job, next) in [("plan", "preview"), ("deploy", "nothing")] {
            let (_, job) = text.split_once(&format!("\n  {job}:\n")).expect(job);
            let job = job.split(&format!("\n  {next}:\n")).next().expect("it");
            assert!(job.contains("PROVISION_ENV: \"prod\""), "{job}");
        }
    }
}
