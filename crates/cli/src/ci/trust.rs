//! Who may assume a pipeline's role: one repository's workflow runs, known by GitHub's OIDC tokens.

use std::str::FromStr;

use anyhow::{Result, bail, ensure};
use serde_json::{Value, json};

use provision_engine::fault::Code;
use provision_engine::target::Target;

const ISSUER: &str = "token.actions.githubusercontent.com";

/// `OWNER/REPOSITORY` on GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repository(String);

/// The runs of a repository's workflows that are trusted.
///
/// GitHub: "OIDC reference", subject claims. A job with an environment is known by that alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Branch(String),
    Environment(String),
    PullRequests,
}

impl FromStr for Repository {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let is_name = |name: &str| {
            !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        };
        match text.split_once('/') {
            Some((owner, name)) if is_name(owner) && is_name(name) => Ok(Self(text.to_owned())),
            _ => bail!(Code::Argument.fault(format!(
                "`{text}` is no repository on GitHub: expected OWNER/REPOSITORY"
            ))),
        }
    }
}

impl Repository {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Subject {
    /// A branch or an environment by its name, which stands for itself and nothing else.
    pub(crate) fn check(&self) -> Result<()> {
        let (kind, name) = match self {
            Self::Branch(name) => ("branch", name),
            Self::Environment(name) => ("environment", name),
            Self::PullRequests => return Ok(()),
        };
        ensure!(
            !name.is_empty() && !name.contains(['*', '?', '\n']),
            Code::Argument.fault(format!("`{name}` is no name of a {kind}"))
        );
        Ok(())
    }

    fn claim(&self, repository: &Repository) -> String {
        let Repository(repository) = repository;
        match self {
            Self::Branch(name) => format!("repo:{repository}:ref:refs/heads/{name}"),
            Self::Environment(name) => {
                // GitHub writes the colon of a name so, which separates the claim's parts.
                format!("repo:{repository}:environment:{}", name.replace(':', "%3A"))
            }
            Self::PullRequests => format!("repo:{repository}:pull_request"),
        }
    }
}

/// The trust policy of a role for `subject`, in the account of `target`.
pub(crate) fn document(repository: &Repository, subject: &Subject, target: &Target) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "GitHubActions",
            "Effect": "Allow",
            "Principal": { "Federated": target.iam_arn(&format!("oidc-provider/{ISSUER}")) },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    format!("{ISSUER}:aud"): "sts.amazonaws.com",
                    format!("{ISSUER}:sub"): subject.claim(repository),
                },
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(subject: &Subject) -> String {
        let target = Target {
            account: "111122223333".into(),
            region: "eu-west-1".into(),
            endpoint: None,
            partition: "aws".into(),
        };
        let repository = "octo-org/octo.repo".parse().unwrap();
        let document = document(&repository, subject, &target);
        let statement = &document["Statement"][0];
        assert_eq!(
            statement["Principal"]["Federated"],
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
        );
        let equals = &statement["Condition"]["StringEquals"];
        assert_eq!(
            equals["token.actions.githubusercontent.com:aud"],
            "sts.amazonaws.com"
        );
        equals["token.actions.githubusercontent.com:sub"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    #[test]
    fn a_run_is_known_by_its_subject() {
        assert_eq!(
            claim(&Subject::Branch("release/1".into())),
            "repo:octo-org/octo.repo:ref:refs/heads/release/1"
        );
        assert_eq!(
            claim(&Subject::Environment("live:eu".into())),
            "repo:octo-org/octo.repo:environment:live%3Aeu"
        );
        assert_eq!(
            claim(&Subject::PullRequests),
            "repo:octo-org/octo.repo:pull_request"
        );
    }

    #[test]
    fn names_that_could_mean_more_are_refused() {
        for text in ["octo", "octo/", "/repo", "a/b/c", "a/*", "a b/c", ""] {
            assert!(text.parse::<Repository>().is_err(), "{text}");
        }
        for name in ["", "*", "a?"] {
            assert!(Subject::Branch(name.into()).check().is_err(), "{name}");
        }
    }
}
