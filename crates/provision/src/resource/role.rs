//! An IAM role with its inline policies.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_iam::types::Tag;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::try_join;

use super::policy::PolicyDocument;
use super::{Arn, Look, Observed, Reconcile, gone_is_done};
use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::aws::error::AwsError;
use crate::diff::Changes;
use crate::fault::Code;
use crate::input::{Handle, Input};
use crate::owner::{Mark, Tags};
use crate::target::Target;
use crate::wait::Wait;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    pub name: String,
    pub description: String,
    /// Seconds for which somebody who assumed the role may act: 3600 to 43200.
    pub max_session_s: i32,
    /// Who may assume the role.
    pub trust: PolicyDocument,
    /// Inline policies by name.
    pub policies: BTreeMap<String, PolicyDocument>,
    pub tags: Tags,
}

#[derive(Debug, Serialize, Deserialize)]
pub struct RoleOutput {
    pub arn: Arn,
}

impl Handle<Role> {
    pub fn arn(&self) -> Input<Arn> {
        self.output("arn")
    }
}

impl Reconcile for Role {
    type Output = RoleOutput;
    const TYPE: &'static str = "AWS::IAM::Role";

    fn name(&self) -> String {
        self.name.clone()
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.declare_alike(&observed.state.tags)
    }

    fn computed(&self, target: &Target) -> Value {
        json!({ "arn": target.iam_arn(&format!("role/{}", self.name)) })
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        const GET_ROLE: Operation = Operation::safe("GetRole");
        let aws = look.aws();
        let role = async {
            match aws
                .call(GET_ROLE, || {
                    aws.iam().get_role().role_name(&self.name).send()
                })
                .await
            {
                Ok(answer) => Ok(answer.role),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error),
            }
        };
        let policies = try_join_all(
            self.policies
                .keys()
                .map(|policy| self.read_policy(aws, policy)),
        );
        let (role, policies) =
            try_join!(role, policies).with_context(|| format!("reading role `{}`", self.name))?;
        let Some(role) = role else { return Ok(None) };
        let tags: BTreeMap<String, String> = role
            .tags()
            .iter()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect();
        Ok(Some(Observed {
            ownership: look.ownership(&self.name, &self.tags, &tags),
            settled: true,
            output: RoleOutput { arn: Arn(role.arn) },
            state: Self {
                name: role.role_name,
                description: role.description.unwrap_or_default(),
                max_session_s: role.max_session_duration.unwrap_or(3600),
                trust: PolicyDocument::from_wire(
                    &role.assume_role_policy_document.unwrap_or_default(),
                ),
                policies: policies.into_iter().flatten().collect(),
                tags: self.tags.declared_part(&tags),
            },
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<RoleOutput> {
        const CREATE_ROLE: Operation = Operation::look_first("CreateRole");
        let created = aws
            .call(CREATE_ROLE, || {
                aws.iam()
                    .create_role()
                    .role_name(&self.name)
                    .description(&self.description)
                    .max_session_duration(self.max_session_s)
                    .assume_role_policy_document(self.trust.to_text())
                    .set_tags(Some(self.iam_tags()))
                    .send()
            })
            .await?;
        for (name, document) in &self.policies {
            self.put_policy(aws, name, document).await?;
        }
        let arn = created
            .role
            .map(|role| role.arn)
            .context(Code::Incomplete.fault("AWS returned no role"))?;
        Ok(RoleOutput { arn: Arn(arn) })
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<RoleOutput> {
        const UPDATE_TRUST: Operation = Operation::safe("UpdateAssumeRolePolicy");
        const UPDATE_ROLE: Operation = Operation::safe("UpdateRole");
        const TAG_ROLE: Operation = Operation::safe("TagRole");
        let iam = aws.iam();
        if changes.touch("trust") {
            aws.call(UPDATE_TRUST, || {
                iam.update_assume_role_policy()
                    .role_name(&self.name)
                    .policy_document(self.trust.to_text())
                    .send()
            })
            .await?;
        }
        if changes.touch("description") || changes.touch("max_session_s") {
            aws.call(UPDATE_ROLE, || {
                iam.update_role()
                    .role_name(&self.name)
                    .description(&self.description)
                    .max_session_duration(self.max_session_s)
                    .send()
            })
            .await?;
        }
        for (name, document) in &self.policies {
            if observed.state.policies.get(name) != Some(document) {
                self.put_policy(aws, name, document).await?;
            }
        }
        if changes.touch("tags") {
            let request = || {
                iam.tag_role()
                    .role_name(&self.name)
                    .set_tags(Some(self.iam_tags()))
                    .send()
            };
            aws.call(TAG_ROLE, request).await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        const DELETE_POLICY: Operation = Operation::safe("DeleteRolePolicy");
        const DELETE_ROLE: Operation = Operation::safe("DeleteRole");
        // Removing a policy takes a while to be seen by DeleteRole.
        const DETACHED: Wait = Wait::new(
            "the role to be free of its policies",
            Duration::from_secs(2),
            Duration::from_mins(2),
        );
        let iam = aws.iam();
        for policy in observed.state.policies.keys() {
            let deleted = aws
                .call(DELETE_POLICY, || {
                    iam.delete_role_policy()
                        .role_name(&self.name)
                        .policy_name(policy)
                        .send()
                })
                .await;
            gone_is_done(deleted)?;
        }
        let mut asked = false;
        DETACHED
            .until(aws, async || {
                let deleted = aws
                    .call(DELETE_ROLE, || {
                        iam.delete_role().role_name(&self.name).send()
                    })
                    .await;
                match deleted {
                    Err(error) if error.is("DeleteConflict") => {
                        if !std::mem::replace(&mut asked, true) {
                            self.check_free(aws).await?;
                        }
                        Ok(None)
                    }
                    other => gone_is_done(other).map(Some),
                }
            })
            .await
    }
}

impl Role {
    fn iam_tags(&self) -> Vec<Tag> {
        let tag = |(key, value): (&String, &String)| Tag::builder().key(key).value(value).build();
        self.tags
            .0
            .iter()
            .filter_map(|pair| tag(pair).ok())
            .collect()
    }

    async fn read_policy(
        &self,
        aws: &Aws,
        policy: &str,
    ) -> Result<Option<(String, PolicyDocument)>, AwsError> {
        const GET_POLICY: Operation = Operation::safe("GetRolePolicy");
        let request = || {
            aws.iam()
                .get_role_policy()
                .role_name(&self.name)
                .policy_name(policy)
                .send()
        };
        match aws.call(GET_POLICY, request).await {
            Ok(answer) => Ok(Some((
                policy.to_owned(),
                PolicyDocument::from_wire(&answer.policy_document),
            ))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put_policy(&self, aws: &Aws, name: &str, document: &PolicyDocument) -> Result<()> {
        const PUT_POLICY: Operation = Operation::safe("PutRolePolicy");
        // A role that was just created may not be found for some seconds.
        const READABLE: Wait = Wait::new(
            "the new role to be readable",
            Duration::from_secs(1),
            Duration::from_mins(1),
        );
        READABLE
            .while_refused(aws, AwsError::is_not_found, async || {
                let request = || {
                    aws.iam()
                        .put_role_policy()
                        .role_name(&self.name)
                        .policy_name(name)
                        .policy_document(document.to_text())
                        .send()
                };
                aws.call(PUT_POLICY, request).await
            })
            .await?;
        Ok(())
    }

    /// Says what somebody else attached to this role, which is what `DeleteRole` will go on refusing for.
    async fn check_free(&self, aws: &Aws) -> Result<()> {
        const LIST_ATTACHED: Operation = Operation::safe("ListAttachedRolePolicies");
        const LIST_INLINE: Operation = Operation::safe("ListRolePolicies");
        let iam = aws.iam();
        let attached = aws
            .call(LIST_ATTACHED, || {
                iam.list_attached_role_policies()
                    .role_name(&self.name)
                    .send()
            })
            .await?;
        let inline = aws
            .call(LIST_INLINE, || {
                iam.list_role_policies().role_name(&self.name).send()
            })
            .await?;
        let mut in_the_way: Vec<&str> = attached
            .attached_policies()
            .iter()
            .filter_map(|policy| policy.policy_arn())
            .collect();
        let others = inline
            .policy_names
            .iter()
            .filter(|name| !self.policies.contains_key(*name));
        in_the_way.extend(others.map(String::as_str));
        if in_the_way.is_empty() {
            return Ok(());
        }
        bail!(
            Code::ForeignPolicies
                .fault(format!(
                    "role `{}` also has policies that this stack did not make: {}",
                    self.name,
                    in_the_way.join(", ")
                ))
                .remedy("remove them from the role, and run it again")
        )
    }
}
