//! The resource policy of a layer's version: which accounts may use it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::change;
use super::checks::{Checks, is_word};
use super::layer::{self, Version};
use super::layer_versions;
use super::refusals::{conflict, not_found, stale};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::ids;
use crate::place::Place;
use crate::store::Tx;

const ACTION: &str = "lambda:GetLayerVersion";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Policy {
    statements: Vec<Statement>,
    revision: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Statement {
    sid: String,
    /// `*`, an account's number, or the ARN of its root.
    principal: String,
    organisation: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Add {
    statement_id: Option<String>,
    action: Option<String>,
    principal: Option<String>,
    organization_id: Option<String>,
}

impl Add {
    fn check(&self) -> Result<(), Refusal> {
        let mut checks = Checks::default();
        match &self.statement_id {
            None => checks.missing("statementId"),
            Some(sid) => {
                checks.length(sid, "statementId", 1, 100);
                checks.pattern(sid, "statementId", "([a-zA-Z0-9-_]+)", is_word(sid));
            }
        }
        match &self.action {
            None => checks.missing("action"),
            Some(action) => checks.pattern(action, "action", ACTION, action == ACTION),
        }
        match &self.principal {
            None => checks.missing("principal"),
            Some(principal) => {
                let pattern = r"\d{12}|\*|arn:(aws[a-zA-Z-]*):iam::\d{12}:root";
                let fits = principal == "*" || account(principal).is_some();
                checks.pattern(principal, "principal", pattern, fits);
            }
        }
        if let Some(id) = &self.organization_id {
            let pattern = "o-[a-z0-9]{10,32}";
            checks.pattern(id, "organizationId", pattern, is_organisation(id));
        }
        checks.finish()
    }
}

pub(super) fn is_organisation(id: &str) -> bool {
    id.strip_prefix("o-").is_some_and(|rest| {
        (10..=32).contains(&rest.len())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// The account that a principal is: its number, or its root's ARN.
fn account(principal: &str) -> Option<&str> {
    let number = match principal.split(':').collect::<Vec<_>>()[..] {
        [number] => number,
        ["arn", partition, "iam", "", number, "root"] if partition.starts_with("aws") => number,
        _ => return None,
    };
    (number.len() == 12 && number.bytes().all(|byte| byte.is_ascii_digit())).then_some(number)
}

impl Statement {
    fn document(&self, place: &Place, resource: &str) -> Value {
        let principal = match account(&self.principal) {
            Some(number) => {
                json!({ "AWS": format!("arn:{}:iam::{number}:root", place.partition()) })
            }
            None => json!("*"),
        };
        let mut out = json!({
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": principal,
            "Action": ACTION,
            "Resource": resource,
        });
        if let Some(id) = &self.organisation {
            out["Condition"] = json!({ "StringEquals": { "aws:PrincipalOrgID": id } });
        }
        out
    }
}

impl Policy {
    /// Returns true if it lets everybody or this account use the version. No account here is of an organisation.
    pub(super) fn allows(&self, of: &str) -> bool {
        self.statements
            .iter()
            .filter(|statement| statement.organisation.is_none())
            .any(|statement| match account(&statement.principal) {
                Some(number) => number == of,
                None => true,
            })
    }
}

fn find(tx: &Tx, call: &Call) -> Result<(Place, Version), Refusal> {
    let (place, name) = layer_versions::named(call)?;
    let number = layer_versions::number(call)?;
    let found = tx.get::<Version>(&place, &layer::key(&name, number))?;
    let arn = format!("{}:{number}", layer::arn(&place, &name));
    let found = found.ok_or_else(|| not_found(format!("Layer version {arn} does not exist.")))?;
    found.check_access(&place, call)?;
    Ok((place, found))
}

fn none() -> Refusal {
    not_found("No policy is associated with the given resource.")
}

fn check_revision(policy: Option<&Policy>, call: &Call) -> Result<(), Refusal> {
    let asked = call.parameter("RevisionId");
    let current = policy.map(|policy| policy.revision.as_str());
    if asked.is_none_or(|asked| current == Some(asked)) {
        Ok(())
    } else {
        Err(stale("GetLayerPolicy"))
    }
}

pub(super) fn add(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let input: Add = call.input()?;
    input.check()?;
    let statement = Statement {
        sid: input.statement_id.unwrap_or_default(),
        principal: input.principal.unwrap_or_default(),
        organisation: input.organization_id,
    };
    let (document, revision) = change(cloud, |tx| {
        let (place, mut version) = find(tx, call)?;
        let mut statements = match &version.policy {
            Some(policy) => policy.statements.clone(),
            None => Vec::new(),
        };
        if statements.iter().any(|it| it.sid == statement.sid) {
            return Err(conflict(format!(
                "The statement id ({}) provided already exists. Please provide a new statement id, or remove the \
                 existing statement.",
                statement.sid
            )));
        }
        check_revision(version.policy.as_ref(), call)?;
        let document = statement.document(&place, &version.arn(&place));
        statements.push(statement);
        let revision = ids::uuid();
        version.policy = Some(Policy {
            statements,
            revision: revision.clone(),
        });
        tx.put(&place, &version)?;
        Ok((document, revision))
    })?;
    let body = json!({ "Statement": document.to_string(), "RevisionId": revision });
    Ok(Answer::json(201, body))
}

pub(super) fn remove(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let sid = call.label("StatementId");
    change(cloud, |tx| {
        let (place, mut version) = find(tx, call)?;
        let mut policy = version.policy.take().ok_or_else(none)?;
        let Some(at) = policy.statements.iter().position(|it| it.sid == sid) else {
            let message = format!("Statement {sid} is not found in resource policy.");
            return Err(not_found(message));
        };
        check_revision(Some(&policy), call)?;
        policy.statements.remove(at);
        policy.revision = ids::uuid();
        version.policy = Some(policy).filter(|policy| !policy.statements.is_empty());
        tx.put(&place, &version)
    })?;
    Ok(Answer::empty(204))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let (place, version) = cloud.store.transact(|tx| find(tx, call))?;
    let policy = version.policy.as_ref().ok_or_else(none)?;
    let resource = version.arn(&place);
    let statements: Vec<Value> = policy
        .statements
        .iter()
        .map(|statement| statement.document(&place, &resource))
        .collect();
    let document = json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements });
    Ok(Answer::ok(json!({
        "Policy": document.to_string(),
        "RevisionId": policy.revision,
    })))
}
