//! The roles of an account: the tagging API does not know them, so they are found by listing.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use provision_engine::aws::Aws;
use provision_engine::look::Look;
use provision_engine::operation::{Operation, Scope};
use provision_engine::owner::{REGION, STACK};
use provision_engine::resource::Resource as _;

use super::{IAM, Role};
use crate::calls::Calls;

/// AWS's reference lists the action without a resource.
const ROLES: Scope = Scope::new("Roles", &["*"]);
const ANY_ROLE: Scope = Scope::new("AnyRole", &["arn:{partition}:iam::{account}:role/*"]);

pub(super) const LIST_ROLES: Operation =
    Operation::read(IAM, "ListRoles", &[ROLES.allow("iam:ListRoles")]);
/// `ListRoles` tells no tags.
pub(super) const LIST_TAGS: Operation =
    Operation::read(IAM, "ListRoleTags", &[ANY_ROLE.allow("iam:ListRoleTags")]);

/// Number of roles whose tags are read at the same time.
const PARALLEL: usize = 10;

/// Roles by name, with their tags.
pub(super) type Roles = Vec<(String, BTreeMap<String, String>)>;

/// Returns the roles of this stack and region. Only roles that a service may assume are asked for their tags, and none that a
/// service made for itself: those are what this tool makes. Declared ones are left out: they are observed by name.
pub(super) async fn undeclared_roles(look: &Look) -> Result<Arc<Roles>> {
    let stack = look.stack().to_owned();
    let read = async |aws: &Aws| {
        let mut candidates = candidates(aws).await?;
        candidates.retain(|name| !look.is_declared_name(Role::KIND.type_name, name));
        let tagged = stream::iter(candidates)
            .map(|name| tags(aws, name))
            .buffer_unordered(PARALLEL);
        let mut roles: Roles = tagged.try_collect().await?;
        roles.retain(|(_, tags)| {
            let is_here = tags.get(REGION).is_none_or(|region| region == aws.region());
            tags.get(STACK) == Some(&stack) && is_here
        });
        roles.sort();
        Ok(roles)
    };
    look.once("roles", read)
        .await
        .context("listing the roles of the stack")
}

async fn candidates(aws: &Aws) -> Result<Vec<String>> {
    let iam = aws.iam();
    let mut found = Vec::new();
    let mut marker: Option<String> = None;
    loop {
        let page = aws
            .call(&LIST_ROLES, || {
                iam.list_roles()
                    .max_items(1000)
                    .set_marker(marker.clone())
                    .send()
            })
            .await?;
        let roles = page.roles.into_iter().filter(|role| {
            let trust = role.assume_role_policy_document().unwrap_or_default();
            trust.contains("Service") && !role.path.starts_with("/aws-")
        });
        found.extend(roles.map(|role| role.role_name));
        marker = page.marker.filter(|_| page.is_truncated);
        if marker.is_none() {
            return Ok(found);
        }
    }
}

async fn tags(aws: &Aws, name: String) -> Result<(String, BTreeMap<String, String>)> {
    let iam = aws.iam();
    let listed = aws
        .call(&LIST_TAGS, || iam.list_role_tags().role_name(&name).send())
        .await;
    let tags = match listed {
        Ok(listed) => listed.tags,
        // Deleted since it was listed.
        Err(error) if error.is_not_found() => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let tags = tags.into_iter().map(|tag| (tag.key, tag.value)).collect();
    Ok((name, tags))
}
