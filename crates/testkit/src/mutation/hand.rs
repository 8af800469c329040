//! Somebody who knows the ids that AWS has given.

use std::collections::HashMap;

use aws_sdk_apigateway::types::{Op, PatchOperation};
use aws_sdk_dynamodb::types::Tag;
use aws_sdk_iam::types::Tag as IamTag;

use super::{ID_TAG, MANAGED, Mutation, Named, STACK_TAG, THEIRS, Target, Undone};
use crate::account::Account;

/// Somebody with the ids of what the stack has; empty where there is nothing.
pub(super) struct Hand<'a> {
    pub(super) account: &'a Account,
    pub(super) of: &'a Target,
    pub(super) api: String,
    pub(super) path: String,
    pub(super) key: String,
    pub(super) plan: String,
}

impl<'a> Hand<'a> {
    pub(super) async fn find(account: &'a Account, of: &'a Target) -> Result<Self, Undone> {
        let gateway = &account.apigateway;
        let apis = gateway.get_rest_apis().limit(500).send().await?;
        let mut apis = apis.items().iter();
        let api = apis.find(|api| is_meant(api.tags(), of.api));
        let api = api.and_then(|api| api.id()).unwrap_or_default();
        let keys = gateway.get_api_keys().limit(500).send().await?;
        let mut keys = keys.items().iter();
        let key = keys.find(|key| is_meant(key.tags(), of.key));
        let plans = gateway.get_usage_plans().limit(500).send().await?;
        let mut plans = plans.items().iter();
        let plan = plans.find(|plan| is_meant(plan.tags(), of.plan));
        let id = |id: Option<&str>| id.unwrap_or_default().to_owned();
        let hand = Self {
            account,
            of,
            path: String::new(),
            api: api.to_owned(),
            key: id(key.and_then(|key| key.id())),
            plan: id(plan.and_then(|plan| plan.id())),
        };
        let path = hand.path_id(of.path).await.unwrap_or_default();
        Ok(Self { path, ..hand })
    }

    /// The id of a path of the stack's API.
    pub(super) async fn path_id(&self, path: &str) -> Result<String, Undone> {
        let list = self.account.apigateway.get_resources().limit(500);
        let found = list.rest_api_id(&self.api).send().await?;
        let mut items = found.items().iter();
        let item = items.find(|item| item.path() == Some(path));
        let id = item.and_then(|item| item.id());
        Ok(id.ok_or_else(|| format!("no path {path}"))?.to_owned())
    }

    pub(super) async fn patch_plan(&self, patches: Vec<PatchOperation>) -> Result<(), Undone> {
        let update = self.account.apigateway.update_usage_plan();
        let update = update.usage_plan_id(&self.plan);
        update.set_patch_operations(Some(patches)).send().await?;
        Ok(())
    }

    /// Takes those stages out of the plan whose API's id is `chosen`.
    pub(super) async fn unlink_stages(&self, chosen: impl Fn(&str) -> bool) -> Result<(), Undone> {
        let get = self.account.apigateway.get_usage_plan();
        let plan = get.usage_plan_id(&self.plan).send().await?;
        for link in plan.api_stages() {
            let (api, stage) = (link.api_id(), link.stage());
            let (api, stage) = (api.unwrap_or_default(), stage.unwrap_or_default());
            if chosen(api) {
                let value = format!("{api}:{stage}");
                self.patch_plan(vec![patch(Op::Remove, "/apiStages", &value)])
                    .await?;
            }
        }
        Ok(())
    }

    /// Whatever of the stack is there gets a tag more.
    pub(super) async fn tags(&self, _: Mutation) -> Result<(), Undone> {
        const OWNER: &str = "owner";
        let (region, id) = (Account::REGION, &self.account.id);
        let of = self.of;
        let tag = IamTag::builder().key(OWNER).value(THEIRS).build()?;
        let tag_role = self.account.iam.tag_role().role_name(of.role);
        let role = tag_role.tags(tag).send().await;
        let tag = Tag::builder().key(OWNER).value(THEIRS).build()?;
        let table = format!("arn:aws:dynamodb:{region}:{id}:table/{}", of.table);
        let tag_table = self.account.dynamodb.tag_resource().resource_arn(table);
        let table = tag_table.tags(tag).send().await;
        let function = format!("arn:aws:lambda:{region}:{id}:function:{}", of.function);
        let tag_function = self.account.lambda.tag_resource().resource(function);
        let function = tag_function.tags(OWNER, THEIRS).send().await;
        let group = format!("arn:aws:logs:{region}:{id}:log-group:{}", of.log_group);
        let tag_group = self.account.logs.tag_resource().resource_arn(group);
        let group = tag_group.tags(OWNER, THEIRS).send().await;
        let mut in_gateway = Ok(());
        for place in [
            format!("restapis/{}", self.api),
            format!("restapis/{}/stages/{}", self.api, of.stage),
            format!("apikeys/{}", self.key),
            format!("usageplans/{}", self.plan),
        ] {
            let tag = self.account.apigateway.tag_resource();
            let tag = tag.resource_arn(format!("arn:aws:apigateway:{region}::/{place}"));
            let tagged = tag.tags(OWNER, THEIRS).send().await;
            in_gateway = in_gateway.and(tagged.map(drop));
        }
        role?;
        table?;
        function?;
        group?;
        in_gateway?;
        Ok(())
    }
}

fn is_meant(tags: Option<&HashMap<String, String>>, named: Named) -> bool {
    tags.is_some_and(|tags| {
        tags.contains_key(STACK_TAG) && tags.get(ID_TAG).is_some_and(|id| id == named.id)
    })
}

/// Takes out what a role or a plan cannot be deleted with, as far as it is there.
pub async fn clear_the_way(account: &Account, target: &Target) {
    let detach = account.iam.detach_role_policy().role_name(target.role);
    let _ = detach.policy_arn(MANAGED).send().await;
    let delete = account.iam.delete_role_policy().role_name(target.role);
    let _ = delete.policy_name(THEIRS).send().await;
    let put = account.logs.put_log_group_deletion_protection();
    let put = put.log_group_identifier(target.log_group);
    let _ = put.deletion_protection_enabled(false).send().await;
    if let Ok(hand) = Box::pin(Hand::find(account, target)).await {
        let _ = hand.unlink_stages(|api| api != hand.api).await;
    }
}

pub(super) fn patch(op: Op, path: &str, value: &str) -> PatchOperation {
    let patch = PatchOperation::builder().op(op);
    patch.path(path).value(value).build()
}

pub(super) fn replace(path: &str, value: &str) -> PatchOperation {
    patch(Op::Replace, path, value)
}
