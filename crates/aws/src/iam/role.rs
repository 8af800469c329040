//! An IAM role with its inline policies and its permissions boundary.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_iam::types::{self, Tag};
use futures_util::future::try_join_all;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::error::AwsError;
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::{Operation, Scope};
use provision_engine::owner::{Mark, Ownership, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, ForeignPart, HoldsData, Kind, Marked, Observed, Resource, check_name, check_tags,
    gone_is_done,
};
use provision_engine::target::Target;
use provision_engine::wait::Wait;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::try_join;

use super::IAM;
use super::policy::PolicyDocument;
use super::roles::{LIST_ROLES, LIST_TAGS, undeclared_roles};
use crate::arn::Arn;
use crate::calls::Calls;
use crate::lambda::Function;
use crate::settings;

const ROLE: Scope = Scope::new("Role", &["arn:{partition}:iam::{account}:role/{name}"]);

const GET_ROLE: Operation = Operation::read(IAM, "GetRole", &[ROLE.allow("iam:GetRole")]);
const GET_POLICY: Operation =
    Operation::read(IAM, "GetRolePolicy", &[ROLE.allow("iam:GetRolePolicy")]);
const LIST_INLINE: Operation = Operation::read(
    IAM,
    "ListRolePolicies",
    &[ROLE.allow("iam:ListRolePolicies")],
);
const LIST_ATTACHED: Operation = Operation::read(
    IAM,
    "ListAttachedRolePolicies",
    &[ROLE.allow("iam:ListAttachedRolePolicies")],
);
const LIST_PROFILES: Operation = Operation::read(
    IAM,
    "ListInstanceProfilesForRole",
    &[ROLE.allow("iam:ListInstanceProfilesForRole")],
)
.for_deployers();
const CREATE_ROLE: Operation = Operation::create(
    IAM,
    "CreateRole",
    &[ROLE.allow("iam:CreateRole"), ROLE.allow("iam:TagRole")],
);
const TAG_ROLE: Operation = Operation::write(IAM, "TagRole", &[ROLE.allow("iam:TagRole")]);
const UPDATE_ROLE: Operation = Operation::write(IAM, "UpdateRole", &[ROLE.allow("iam:UpdateRole")]);
const UPDATE_TRUST: Operation = Operation::write(
    IAM,
    "UpdateAssumeRolePolicy",
    &[ROLE.allow("iam:UpdateAssumeRolePolicy")],
);
const PUT_POLICY: Operation =
    Operation::write(IAM, "PutRolePolicy", &[ROLE.allow("iam:PutRolePolicy")]);
const DELETE_POLICY: Operation = Operation::write(
    IAM,
    "DeleteRolePolicy",
    &[ROLE.allow("iam:DeleteRolePolicy")],
);
const DELETE_ROLE: Operation = Operation::write(IAM, "DeleteRole", &[ROLE.allow("iam:DeleteRole")]);
const PUT_BOUNDARY: Operation = Operation::write(
    IAM,
    "PutRolePermissionsBoundary",
    &[ROLE.allow("iam:PutRolePermissionsBoundary")],
)
.only_with(&[BOUNDARY]);
const DELETE_BOUNDARY: Operation = Operation::write(
    IAM,
    "DeleteRolePermissionsBoundary",
    &[ROLE.allow("iam:DeleteRolePermissionsBoundary")],
)
.only_with(&[BOUNDARY]);
const UNTAG_ROLE: Operation =
    Operation::write(IAM, "UntagRole", &[ROLE.allow("iam:UntagRole")]).only_with(&[BOUNDARY]);

/// The name of the optional field.
const BOUNDARY: &str = "boundary";

/// A role with its trust policy and inline policies: `AWS::IAM::Role`. Roles are global: all regions of an account share their
/// names.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    /// The name: 1 to 64 letters, digits and characters of `+=,.@-_` (AWS: "IAM and AWS STS quotas").
    pub name: String,
    /// The description: at most 1000 characters of Latin-1 (IAM API Reference, `CreateRole`).
    pub description: String,
    /// The longest session of somebody who assumes the role, in seconds: 3600 to 43,200 (IAM API Reference, `CreateRole`).
    pub max_session_s: i32,
    /// The trust policy, which says who may assume the role: at most 2048 characters without white space (AWS: "IAM and AWS STS
    /// quotas").
    pub trust: PolicyDocument,
    /// Inline policies by name: at most 10,240 characters without white space in all of them (AWS: "IAM and AWS STS quotas").
    pub policies: BTreeMap<String, PolicyDocument>,
    /// The managed policy that limits what the role may do, whatever its own policies allow.
    ///
    /// A boundary that somebody else has set is neither seen nor removed while none is declared: organisations set them behind
    /// everybody's back. One that was declared goes with the declaration of it, and takes the rights that the declaration with it
    /// had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boundary: Option<Input<Arn>>,
    /// The tags that the declaration asks for; the stack adds its mark. Other tags of the resource are ignored.
    pub tags: Tags,
}

/// The outputs of a [`Role`].
#[derive(Debug, Serialize, Deserialize)]
pub struct RoleOutput {
    /// `arn:aws:iam::ACCOUNT:role/NAME`.
    pub arn: Arn,
}

/// The outputs of a declared [`Role`].
pub trait RoleHandle {
    /// Returns `arn:aws:iam::ACCOUNT:role/NAME`.
    fn arn(&self) -> Input<Arn>;
}

impl RoleHandle for Handle<Role> {
    fn arn(&self) -> Input<Arn> {
        self.output("arn")
    }
}

impl Resource for Role {
    type Output = RoleOutput;
    const KIND: Kind = Kind {
        search: &[&LIST_ROLES, &LIST_TAGS],
        // IAM checks none of the ARNs in a policy.
        by_name: &["policies"],
        deleted_after: &[Function::KIND.type_name],
        has_unique_name: true,
        ..Kind::new(
            "AWS::IAM::Role",
            "role",
            HoldsData::No,
            &[
                &GET_ROLE,
                &GET_POLICY,
                &LIST_INLINE,
                &LIST_ATTACHED,
                &LIST_PROFILES,
                &CREATE_ROLE,
                &TAG_ROLE,
                &UPDATE_ROLE,
                &UPDATE_TRUST,
                &PUT_POLICY,
                &DELETE_POLICY,
                &DELETE_ROLE,
                &PUT_BOUNDARY,
                &DELETE_BOUNDARY,
                &UNTAG_ROLE,
                &LIST_ROLES,
                &LIST_TAGS,
            ],
        )
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => {
                let policies = self.policies.keys().map(|_| &PUT_POLICY);
                std::iter::once(&CREATE_ROLE).chain(policies).collect()
            }
            Act::Update(changes) => {
                let boundary = match &self.boundary {
                    Some(_) => &PUT_BOUNDARY,
                    None => &DELETE_BOUNDARY,
                };
                let mut calls = changes.calls(&[
                    (&[BOUNDARY], boundary),
                    (&["trust"], &UPDATE_TRUST),
                    (&["description", "max_session_s"], &UPDATE_ROLE),
                ]);
                let is_touched = |name: &&String| changes.touch(&format!("policies.{name}"));
                let policies = self.policies.keys().filter(is_touched);
                calls.extend(policies.map(|_| &PUT_POLICY));
                calls.extend(settings::are_over(changes).then_some(&UNTAG_ROLE));
                calls.extend(changes.calls(&[(&["tags"], &TAG_ROLE)]));
                calls
            }
            Act::Delete => {
                let policies = self.policies.keys().map(|_| &DELETE_POLICY);
                policies.chain([&DELETE_ROLE]).collect()
            }
        }
    }

    fn typical_wait(&self, act: Act<'_>) -> Duration {
        match act {
            // IAM tells Lambda of a new role.
            Act::Create => Duration::from_secs(8),
            Act::Update(_) | Act::Delete => Duration::ZERO,
        }
    }

    fn validate(&self, refusals: &mut Refusals) {
        let name = &self.name;
        refusals.check(check_name("a role's name", name, 1..=64, "+=,.@-_"));
        let trust = self.trust.to_text().len();
        refusals.ensure(
            trust <= 2048,
            format!("the trust policy of `{name}` has {trust} characters; IAM takes 2048"),
        );
        let inline = self.policies.values().map(|policy| policy.to_text().len());
        let inline: usize = inline.sum();
        let statements = self.policies.values().map(PolicyDocument::statements);
        let statements: usize = statements.sum();
        refusals.ensure(inline <= 10_240, format!("the policies of `{name}` have {inline} characters in {statements} statements; IAM takes 10240: \
             split the function, or grant by a pattern of names"));
        let mut letters = self.description.chars();
        refusals.ensure(
            self.description.len() <= 1000 && letters.all(|c| u32::from(c) < 0x100),
            format!("the description of `{name}` must be Latin-1 and at most 1000 characters"),
        );
        if let Some(Input::Known(Arn(arn))) = &self.boundary {
            refusals.ensure(
                (20..=2048).contains(&arn.len())
                    && arn.starts_with("arn:")
                    && arn.contains(":policy/"),
                format!(
                    "the boundary of `{name}` must be the ARN of a managed policy, and not `{arn}`"
                ),
            );
        }
        refusals.check(check_tags(&self.tags));
    }

    async fn prefetch(look: &Look) -> Result<()> {
        undeclared_roles(look).await.map(|_| ())
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let mut found = Vec::new();
        for (name, tags) in undeclared_roles(seen.look).await?.iter() {
            let mut role = Self {
                name: name.clone(),
                description: String::new(),
                max_session_s: 3600,
                trust: PolicyDocument::new(Value::Null),
                policies: BTreeMap::new(),
                boundary: None,
                tags: Tags(tags.clone()),
            };
            // All inline policies are ours to delete with it.
            role.policies = role.inline_policies(seen.look.aws()).await?;
            let observed = role.observe(seen.look).await?;
            found.extend(observed.map(|observed| Marked::new(name, observed)));
        }
        Ok(found)
    }

    /// Policies that no declaration has, and a boundary. An attached policy and an inline one keep AWS from deleting the role.
    async fn foreign_parts(
        &self,
        observed: &Observed<Self>,
        seen: &Seen<'_>,
    ) -> Result<Vec<ForeignPart>> {
        let aws = seen.look.aws();
        let name = &self.name;
        let doing = || format!("reading what others have added to role `{name}`");
        let (attached, inline, role) = try_join!(
            self.attached_policies(aws),
            self.inline_policies(aws),
            async { anyhow::Ok(self.get(seen.look).await?) },
        )
        .with_context(doing)?;
        let attached = attached.into_iter().map(|arn| {
            let way = format!("aws iam detach-role-policy --role-name {name} --policy-arn {arn}");
            ForeignPart::blocking(format!("policy `{arn}`"), format!("`{way}`")).widening(true)
        });
        let others = inline.into_keys();
        let others = others.filter(|policy| !observed.state.policies.contains_key(policy));
        let others = others.map(|policy| {
            let way =
                format!("aws iam delete-role-policy --role-name {name} --policy-name {policy}");
            ForeignPart::blocking(format!("inline policy `{policy}`"), format!("`{way}`"))
                .widening(true)
        });
        let boundary = role
            .as_ref()
            .as_ref()
            .filter(|_| observed.state.boundary.is_none())
            .and_then(|role| role.permissions_boundary())
            .and_then(|boundary| boundary.permissions_boundary_arn())
            .map(|arn| ForeignPart::staying(format!("permissions boundary `{arn}`")));
        Ok(attached.chain(others).chain(boundary).collect())
    }

    /// Instance profiles with the role, which nothing but a deletion minds.
    async fn obstacles(&self, seen: &Seen<'_>) -> Result<Vec<ForeignPart>> {
        let (aws, name) = (seen.look.aws(), &self.name);
        let iam = aws.iam();
        let request = || iam.list_instance_profiles_for_role().role_name(name).send();
        let profiles = match aws.call(&LIST_PROFILES, request).await {
            Ok(found) => found.instance_profiles,
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let profiles = profiles.into_iter().map(|profile| {
            let profile = profile.instance_profile_name;
            let way = format!(
                "aws iam remove-role-from-instance-profile --instance-profile-name {profile} --role-name {name}"
            );
            ForeignPart::blocking(format!("instance profile `{profile}`"), format!("`{way}`"))
        });
        Ok(profiles.collect())
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
        settings::mark(&mut self.tags, &[(BOUNDARY, self.boundary.is_some())]);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
    }

    fn computed(&self, target: &Target) -> Value {
        json!({ "arn": target.iam_arn(&format!("role/{}", self.name)) })
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let aws = look.aws();
        let policies = async {
            let names = self.policies.keys();
            let all = try_join_all(names.map(|policy| self.read_policy(aws, policy)));
            anyhow::Ok(all.await?)
        };
        let (role, policies) = try_join!(self.get(look), policies)
            .with_context(|| format!("reading role `{}`", self.name))?;
        let Some(role) = Option::clone(&role) else {
            return Ok(None);
        };
        let tags: BTreeMap<String, String> = role
            .tags()
            .iter()
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect();
        let ownership = look.ownership(&self.name, &self.tags, &tags);
        let is_seen = self.boundary.is_some()
            || ownership == Ownership::Ours && settings::is_made(&tags, BOUNDARY);
        let boundary = role
            .permissions_boundary
            .filter(|_| is_seen)
            .and_then(|boundary| boundary.permissions_boundary_arn)
            .map(|arn| Arn(arn).into());
        Ok(Some(Observed {
            ownership,
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
                boundary,
                tags: settings::tags(&self.tags, &tags),
            },
        }))
    }

    async fn create(&self, aws: &Aws) -> Result<RoleOutput> {
        let boundary = self.known_boundary()?;
        let created = aws
            .call(&CREATE_ROLE, || {
                aws.iam()
                    .create_role()
                    .role_name(&self.name)
                    .description(&self.description)
                    .max_session_duration(self.max_session_s)
                    .assume_role_policy_document(self.trust.to_text())
                    .set_permissions_boundary(boundary.map(|arn| arn.0.clone()))
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
        let iam = aws.iam();
        // Before anything that it is to limit.
        if changes.touch(BOUNDARY) {
            self.put_boundary(aws).await?;
        }
        if changes.touch("trust") {
            aws.call(&UPDATE_TRUST, || {
                iam.update_assume_role_policy()
                    .role_name(&self.name)
                    .policy_document(self.trust.to_text())
                    .send()
            })
            .await?;
        }
        if changes.touch("description") || changes.touch("max_session_s") {
            aws.call(&UPDATE_ROLE, || {
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
        if settings::are_over(changes) {
            let request = || {
                iam.untag_role()
                    .role_name(&self.name)
                    .tag_keys(settings::SETTINGS)
                    .send()
            };
            aws.call(&UNTAG_ROLE, request).await?;
        }
        if changes.touch("tags") {
            let request = || {
                iam.tag_role()
                    .role_name(&self.name)
                    .set_tags(Some(self.iam_tags()))
                    .send()
            };
            aws.call(&TAG_ROLE, request).await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        // Removing a policy takes a while to be seen by DeleteRole.
        const DETACHED: Wait = Wait::new(
            "the role to be free of its policies",
            Duration::from_secs(2),
            Duration::from_mins(2),
        );
        let iam = aws.iam();
        for policy in observed.state.policies.keys() {
            let deleted = aws
                .call(&DELETE_POLICY, || {
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
                    .call(&DELETE_ROLE, || {
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
    /// Returns the role as IAM tells it. Read once a pass.
    async fn get(&self, look: &Look) -> Result<Arc<Option<types::Role>>> {
        let read = async |aws: &Aws| {
            let iam = aws.iam();
            let request = || iam.get_role().role_name(&self.name).send();
            match aws.call(&GET_ROLE, request).await {
                Ok(answer) => Ok(answer.role),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error) => Err(error.into()),
            }
        };
        look.once(&format!("role {}", self.name), read).await
    }

    /// Returns the ARNs of the managed policies that are attached to the role.
    async fn attached_policies(&self, aws: &Aws) -> Result<Vec<String>> {
        let iam = aws.iam();
        let request = || {
            iam.list_attached_role_policies()
                .role_name(&self.name)
                .send()
        };
        let attached = match aws.call(&LIST_ATTACHED, request).await {
            Ok(found) => found.attached_policies.unwrap_or_default(),
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let arns = attached.into_iter().filter_map(|policy| policy.policy_arn);
        Ok(arns.collect())
    }

    /// The names of all inline policies that the role has.
    async fn inline_policies(&self, aws: &Aws) -> Result<BTreeMap<String, PolicyDocument>> {
        let iam = aws.iam();
        let listed = aws
            .call(&LIST_INLINE, || {
                iam.list_role_policies().role_name(&self.name).send()
            })
            .await;
        let names = match listed {
            Ok(listed) => listed.policy_names,
            Err(error) if error.is_not_found() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let nothing = || PolicyDocument::new(Value::Null);
        Ok(names.into_iter().map(|name| (name, nothing())).collect())
    }

    fn known_boundary(&self) -> Result<Option<&Arn>> {
        Ok(self.boundary.as_ref().map(Input::get).transpose()?)
    }

    async fn put_boundary(&self, aws: &Aws) -> Result<()> {
        let iam = aws.iam();
        let Some(arn) = self.known_boundary()? else {
            let request = || {
                iam.delete_role_permissions_boundary()
                    .role_name(&self.name)
                    .send()
            };
            return gone_is_done(aws.call(&DELETE_BOUNDARY, request).await);
        };
        let request = || {
            iam.put_role_permissions_boundary()
                .role_name(&self.name)
                .permissions_boundary(&arn.0)
                .send()
        };
        aws.call(&PUT_BOUNDARY, request).await?;
        Ok(())
    }

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
        let request = || {
            aws.iam()
                .get_role_policy()
                .role_name(&self.name)
                .policy_name(policy)
                .send()
        };
        match aws.call(&GET_POLICY, request).await {
            Ok(answer) => Ok(Some((
                policy.to_owned(),
                PolicyDocument::from_wire(&answer.policy_document),
            ))),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn put_policy(&self, aws: &Aws, name: &str, document: &PolicyDocument) -> Result<()> {
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
                aws.call(&PUT_POLICY, request).await
            })
            .await?;
        Ok(())
    }

    /// Says what somebody else attached to this role, which is what `DeleteRole` will go on refusing for.
    async fn check_free(&self, aws: &Aws) -> Result<()> {
        let iam = aws.iam();
        let mut in_the_way = self.attached_policies(aws).await?;
        let inline = aws
            .call(&LIST_INLINE, || {
                iam.list_role_policies().role_name(&self.name).send()
            })
            .await?;
        let others = inline.policy_names.into_iter();
        in_the_way.extend(others.filter(|name| !self.policies.contains_key(name)));
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
