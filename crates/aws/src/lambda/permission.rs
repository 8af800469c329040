//! The statement in a function's own policy that lets a service invoke it.

use std::time::Duration;

use anyhow::Result;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::error::AwsError;
use provision_engine::input::{Input, hex};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, HoldsData, Kind, Marked, Observed, Resource, check_name, gone_is_done,
};
use provision_engine::wait::Wait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{FUNCTION, Function, LAMBDA, policy};
use crate::apigateway::{LIST_APIS, RestApi};
use crate::arn::{ApiId, Arn};
use crate::calls::Calls;

pub(super) const GET_POLICY: Operation =
    Operation::read(LAMBDA, "GetPolicy", &[FUNCTION.allow("lambda:GetPolicy")])
        .rate(15, Duration::from_millis(67))
        .outside_service_rate();
const ADD: Operation = Operation::create(
    LAMBDA,
    "AddPermission",
    &[FUNCTION.allow("lambda:AddPermission")],
);
const REMOVE: Operation = Operation::write(
    LAMBDA,
    "RemovePermission",
    &[FUNCTION.allow("lambda:RemovePermission")],
);

/// A statement in a function's own policy that lets a service invoke it: `AWS::Lambda::Permission`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Permission {
    /// The beginning of the statement's id: 1 to 87 letters, digits, hyphens and underscores. Behind it come the id of the API and
    /// a digest of the statement.
    pub sid: String,
    /// The function's name.
    pub function: Input<String>,
    /// The statements of this declaration: one as declared. As observed there may be several, of an API that was replaced.
    pub statements: Vec<Statement>,
}

/// A statement of a function's policy, as `AddPermission` takes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The service that may invoke, such as `apigateway.amazonaws.com`.
    pub principal: String,
    /// The action to allow: `lambda:InvokeFunction`.
    pub action: String,
    /// The ARN on whose behalf the service has to call, as the condition `aws:SourceArn`: `arn:aws:execute-api:…` with stage,
    /// method and path.
    pub source: Input<Arn>,
}

/// The outputs of a [`Permission`].
#[derive(Debug, Serialize, Deserialize)]
pub struct PermissionOutput {
    /// The ids of the statements found, in their order.
    pub sids: Vec<String>,
}

/// Number of characters of the API's id, and of the digest, in a statement id.
const OWNER: usize = 20;
const DIGEST: usize = 8;

/// A function that was just made may not be known to everybody for a moment.
const FUNCTION_VISIBLE: Wait = Wait::new(
    "the new function to take statements",
    Duration::from_secs(2),
    Duration::from_secs(30),
);

impl Permission {
    /// Returns the permission for the service `principal` to invoke `function` on behalf of `source`.
    pub fn to_invoke(
        function: Input<String>,
        sid: &str,
        principal: &str,
        source: Input<Arn>,
    ) -> Self {
        let statement = Statement {
            principal: principal.to_owned(),
            action: "lambda:InvokeFunction".to_owned(),
            source,
        };
        Self {
            sid: sid.to_owned(),
            function,
            statements: vec![statement],
        }
    }
}

impl Resource for Permission {
    type Output = PermissionOutput;
    const KIND: Kind = Kind {
        stands_alone: true,
        ..Kind::new(
            "AWS::Lambda::Permission",
            "permission",
            HoldsData::No,
            &[&GET_POLICY, &ADD, &REMOVE, &LIST_APIS],
        )
    };

    fn name(&self) -> String {
        self.sid.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        let operation = match act {
            Act::Create | Act::Update(_) => &ADD,
            Act::Delete => &REMOVE,
        };
        vec![operation; self.statements.len()]
    }

    fn validate(&self, refusals: &mut Refusals) {
        refusals.check(check_name("a statement id", &self.sid, 1..=87, "-_"));
    }

    /// Statements on declared functions for APIs of this stack, by an id that only this tool gives.
    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let apis: Vec<ApiId> = seen.all::<RestApi>().map(|(_, output)| output.id).collect();
        let mut found = Vec::new();
        for (id, function) in seen.declaration.all::<Function>() {
            if !seen.observations.contains_key(id) {
                continue;
            }
            let declared = seen.declaration.all::<Self>();
            let declared: Vec<&Self> = declared
                .filter(|(_, permission)| permission.function.source() == Some(id))
                .map(|(_, permission)| permission)
                .collect();
            let policy = policy::statements(seen.look, &function.name).await?;
            for statement in policy.iter() {
                let sid = statement["Sid"].as_str().unwrap_or_default();
                let is_declared = declared.iter().any(|permission| permission.is_own(sid));
                let found_statement = Statement::of(statement);
                let name = prefix_of(sid).filter(|_| !is_declared);
                let Some(permission) = name.map(|name| Self {
                    sid: name.to_owned(),
                    function: function.name.clone().into(),
                    statements: vec![found_statement.clone()],
                }) else {
                    continue;
                };
                let is_ours = permission.sid_of(&found_statement)? == sid
                    && apis.iter().any(|api| found_statement.is_for(api));
                if is_ours {
                    let output = PermissionOutput {
                        sids: vec![sid.to_owned()],
                    };
                    let mut marked = Marked::new(sid, Observed::ours(permission, output));
                    marked.within = Some(id.to_owned());
                    found.push(marked);
                }
            }
        }
        Ok(found)
    }

    fn container(&self) -> Option<&str> {
        self.function.source()
    }

    /// Statements added to one function at the same time can get lost without an error.
    fn lane(&self) -> Option<String> {
        self.function
            .get()
            .ok()
            .map(|function| format!("statements of {function}"))
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        let wanted: Result<Vec<String>> = self
            .statements
            .iter()
            .map(|statement| self.sid_of(statement))
            .collect();
        wanted.is_ok_and(|wanted| wanted == observed.output.sids)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let policy = policy::statements(look, self.function.get()?).await?;
        let (sids, statements): (Vec<_>, Vec<_>) = policy
            .iter()
            .filter_map(|statement| {
                let sid = statement["Sid"].as_str().filter(|sid| self.is_own(sid))?;
                Some((sid.to_owned(), Statement::of(statement)))
            })
            .unzip();
        if sids.is_empty() {
            return Ok(None);
        }
        Ok(Some(Observed::ours(
            Self {
                statements,
                ..self.clone()
            },
            PermissionOutput { sids },
        )))
    }

    async fn create(&self, aws: &Aws) -> Result<PermissionOutput> {
        let mut sids = Vec::new();
        for statement in &self.statements {
            sids.push(self.add(aws, statement).await?);
        }
        Ok(PermissionOutput { sids })
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        _: &Changes,
    ) -> Result<PermissionOutput> {
        let found = || observed.output.sids.iter().zip(&observed.state.statements);
        let wanted = self
            .statements
            .iter()
            .map(|statement| self.sid_of(statement));
        let wanted = wanted.collect::<Result<Vec<_>>>()?;
        // The new before the old, so that no request is refused in between; only a statement that somebody
        // rewrote under its own id has to make room first, for there is no update.
        for (statement, sid) in self.statements.iter().zip(&wanted) {
            let same_id = found().find(|(found, _)| *found == sid);
            match same_id {
                Some((_, existing)) if existing == statement => continue,
                Some(_) => self.remove(aws, sid).await?,
                None => {}
            }
            self.add(aws, statement).await?;
        }
        for (sid, _) in found().filter(|(sid, _)| !wanted.contains(sid)) {
            self.remove(aws, sid).await?;
        }
        Ok(PermissionOutput { sids: wanted })
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        for sid in &observed.output.sids {
            self.remove(aws, sid).await?;
        }
        Ok(())
    }
}

impl Permission {
    /// The id carries the API's id, and a digest of what else the statement says: when an API is made anew, or another
    /// statement declared, that one stands beside the old one until the old one goes.
    fn sid_of(&self, statement: &Statement) -> Result<String> {
        let source = &statement.source.get()?.0;
        let resource = source.splitn(6, ':').nth(5).unwrap_or(source);
        let (first, rest) = resource.split_once('/').unwrap_or((resource, ""));
        let owner: String = first
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(OWNER)
            .collect();
        let declared = [rest, &statement.principal, &statement.action].join("\n");
        let digest = hex(&Sha256::digest(declared));
        Ok(format!("{}-{owner}-{}", self.sid, &digest[..DIGEST]))
    }

    /// Returns true if `sid` has the form that [`Self::sid_of`] gives: others may begin theirs alike.
    fn is_own(&self, sid: &str) -> bool {
        let rest = sid
            .strip_prefix(&self.sid)
            .and_then(|rest| rest.strip_prefix('-'));
        rest.and_then(|rest| rest.split_once('-'))
            .is_some_and(|(owner, digest)| {
                owner.len() <= OWNER
                    && owner.chars().all(|c| c.is_ascii_alphanumeric())
                    && digest.len() == DIGEST
                    && digest.chars().all(|c| c.is_ascii_hexdigit())
            })
    }

    /// Adds `statement` and reads it back: of two that two runs add to one function at the same time, one can get lost
    /// without an error.
    async fn add(&self, aws: &Aws, statement: &Statement) -> Result<String> {
        const SHOWN: Wait = Wait::new(
            "the new statement to be in the function's policy",
            Duration::from_secs(2),
            Duration::from_mins(1),
        );
        let sid = self.sid_of(statement)?;
        self.add_once(aws, statement, &sid).await?;
        SHOWN
            .until(aws, async || {
                let look = Look::new(aws.clone());
                let policy = policy::statements(&look, self.function.get()?).await?;
                if policy.iter().any(|found| found["Sid"] == sid.as_str()) {
                    return Ok(Some(()));
                }
                // Where it is there and not shown yet, AWS says so.
                match self.add_once(aws, statement, &sid).await {
                    Err(error) if is_there(&error) => {}
                    added => added?,
                }
                Ok(None)
            })
            .await?;
        Ok(sid)
    }

    async fn add_once(&self, aws: &Aws, statement: &Statement, sid: &str) -> Result<()> {
        let (function, source) = (self.function.get()?, statement.source.get()?);
        FUNCTION_VISIBLE
            .while_refused(aws, AwsError::is_not_found, async || {
                aws.call(&ADD, || {
                    aws.lambda()
                        .add_permission()
                        .function_name(function)
                        .statement_id(sid)
                        .action(&statement.action)
                        .principal(&statement.principal)
                        .source_arn(&source.0)
                        .send()
                })
                .await
            })
            .await?;
        Ok(())
    }

    async fn remove(&self, aws: &Aws, sid: &str) -> Result<()> {
        let function = self.function.get()?;
        let request = || {
            aws.lambda()
                .remove_permission()
                .function_name(function)
                .statement_id(sid)
                .send()
        };
        gone_is_done(aws.call(&REMOVE, request).await)
    }
}

fn is_there(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<AwsError>();
    cause.is_some_and(|cause| cause.is("ResourceConflictException") && cause.says("already exists"))
}

/// The part of a statement id in front of the API's id and the digest.
fn prefix_of(sid: &str) -> Option<&str> {
    let (rest, _) = sid.rsplit_once('-')?;
    rest.rsplit_once('-').map(|(prefix, _)| prefix)
}

impl Statement {
    /// Returns true if it lets `api` invoke the function.
    fn is_for(&self, api: &ApiId) -> bool {
        let source = self.source.get().map_or("", |source| source.0.as_str());
        let resource = source.splitn(6, ':').nth(5).unwrap_or_default();
        resource.split('/').next() == Some(api.0.as_str())
    }

    /// Reads a statement of a resource policy.
    fn of(statement: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let source = ["ArnLike", "ArnEquals", "StringLike", "StringEquals"]
            .iter()
            .find_map(|operator| {
                let operands = statement["Condition"][operator].as_object()?;
                operands
                    .iter()
                    .find(|(key, _)| key.eq_ignore_ascii_case("aws:SourceArn"))
            })
            .map(|(_, source)| text(source));
        Self {
            principal: match &statement["Principal"] {
                Value::Object(principal) => principal.values().next().map(text).unwrap_or_default(),
                other => text(other),
            },
            action: text(&statement["Action"]),
            source: Arn(source.unwrap_or_default()).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_ours_is_told_from_one_that_begins_alike() {
        let source = Arn("arn:aws:execute-api:eu-west-1:1:a1b2c3/*/POST/x".to_owned());
        let permission = Permission::to_invoke(
            "f".to_owned().into(),
            "apigateway",
            "apigateway.amazonaws.com",
            source.into(),
        );
        let own = permission.sid_of(&permission.statements[0]);
        assert!(permission.is_own(&own.expect("all is known")));
        for other in [
            "apigateway",
            "apigateway-test-2",
            "apigateway-prod-deadbeef-2",
            "apigateways-a-deadbeef",
        ] {
            assert!(!permission.is_own(other), "{other}");
        }
    }
}
