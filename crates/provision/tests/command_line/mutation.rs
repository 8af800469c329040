//! What somebody may do to an account behind the tool's back. What cannot be done there is not done.

use testkit::Account;
use testkit::sdk::apigateway::types::{IntegrationType, Op, PatchOperation, UsagePlan};
use testkit::sdk::dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, Tag,
};
use testkit::sdk::iam::types::Tag as IamTag;

use crate::world::ACCOUNT;

pub(crate) const ROLE: &str = "lambda-apigateway-role";
pub(crate) const POLICY: &str = "lambda-apigateway-policy";
pub(crate) const TABLE: &str = "lambda-apigateway";
pub(crate) const FUNCTION: &str = "LambdaFunctionOverHttps";
pub(crate) const LOGS: &str = "/aws/lambda/LambdaFunctionOverHttps";
pub(crate) const STACK_TAG: &str = "provision:stack";
const API: &str = "DynamoDBOperations";
const KEY: &str = "Lambda-key";
const PLAN: &str = "Lambda-dynamoDB-usageplan";
const STAGE: &str = "Prod";
const PATH: &str = "/DynamoDBManager";
pub(crate) const MANAGED: &str = "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess";
/// A part of the name of everything that is not ours, where we do not want ours.
pub(crate) const THEIRS: &str = "theirs";
const DOCUMENT: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    DeleteRole,
    DeletePolicy,
    DeleteTable,
    DeleteLogGroup,
    DeleteFunction,
    DeleteStatement,
    DeleteApi,
    DeletePath,
    DeleteMethod,
    DeleteIntegration,
    DeleteStage,
    DeleteKey,
    DeletePlan,
    UnlinkKey,
    UnlinkStage,
    ChangeTrust,
    ChangePolicy,
    ChangeMemory,
    ChangeRetention,
    ChangeProtection,
    ChangeApi,
    ChangeMethod,
    ChangeIntegration,
    ChangeStage,
    ChangeKey,
    ChangePlan,
    ForeignApi,
    ForeignKey,
    ForeignPlan,
    ForeignStatement,
    ForeignStageInPlan,
    ForeignKeyInPlan,
    ForeignMethod,
    ForeignAttached,
    ForeignInline,
    ForeignTags,
    ForeignTable,
    ForeignLogGroup,
}

impl Mutation {
    pub(crate) const ALL: [Self; 38] = [
        Self::DeleteRole,
        Self::DeletePolicy,
        Self::DeleteTable,
        Self::DeleteLogGroup,
        Self::DeleteFunction,
        Self::DeleteStatement,
        Self::DeleteApi,
        Self::DeletePath,
        Self::DeleteMethod,
        Self::DeleteIntegration,
        Self::DeleteStage,
        Self::DeleteKey,
        Self::DeletePlan,
        Self::UnlinkKey,
        Self::UnlinkStage,
        Self::ChangeTrust,
        Self::ChangePolicy,
        Self::ChangeMemory,
        Self::ChangeRetention,
        Self::ChangeProtection,
        Self::ChangeApi,
        Self::ChangeMethod,
        Self::ChangeIntegration,
        Self::ChangeStage,
        Self::ChangeKey,
        Self::ChangePlan,
        Self::ForeignApi,
        Self::ForeignKey,
        Self::ForeignPlan,
        Self::ForeignStatement,
        Self::ForeignStageInPlan,
        Self::ForeignKeyInPlan,
        Self::ForeignMethod,
        Self::ForeignAttached,
        Self::ForeignInline,
        Self::ForeignTags,
        Self::ForeignTable,
        Self::ForeignLogGroup,
    ];

    pub(crate) async fn apply(self, account: &Account) {
        let hand = Hand::find(account).await;
        match self {
            Self::DeleteRole
            | Self::DeletePolicy
            | Self::ChangeTrust
            | Self::ChangePolicy
            | Self::ForeignAttached
            | Self::ForeignInline => Box::pin(hand.role(self)).await,
            Self::DeleteTable
            | Self::ChangeProtection
            | Self::ForeignTable
            | Self::DeleteLogGroup
            | Self::ChangeRetention
            | Self::ForeignLogGroup => Box::pin(hand.storage(self)).await,
            Self::DeleteFunction
            | Self::ChangeMemory
            | Self::DeleteStatement
            | Self::ForeignStatement => Box::pin(hand.function(self)).await,
            Self::DeleteApi
            | Self::DeletePath
            | Self::DeleteMethod
            | Self::DeleteIntegration
            | Self::DeleteStage
            | Self::ChangeApi
            | Self::ChangeMethod
            | Self::ChangeIntegration
            | Self::ChangeStage
            | Self::ForeignApi
            | Self::ForeignMethod => Box::pin(hand.api(self)).await,
            Self::DeleteKey
            | Self::DeletePlan
            | Self::UnlinkKey
            | Self::UnlinkStage
            | Self::ChangeKey
            | Self::ChangePlan
            | Self::ForeignKey
            | Self::ForeignPlan
            | Self::ForeignStageInPlan
            | Self::ForeignKeyInPlan => Box::pin(hand.plan(self)).await,
            Self::ForeignTags => Box::pin(hand.tags()).await,
        }
    }
}

/// Takes out what a role or a plan cannot be deleted with.
pub(crate) async fn clear_the_way(account: &Account) {
    let hand = Hand::find(account).await;
    let iam = &account.iam;
    let _ = iam
        .detach_role_policy()
        .role_name(ROLE)
        .policy_arn(MANAGED)
        .send()
        .await;
    let _ = iam
        .delete_role_policy()
        .role_name(ROLE)
        .policy_name(THEIRS)
        .send()
        .await;
    let plans = account.apigateway.get_usage_plans().send().await;
    let plans = plans.expect("a list").items.unwrap_or_default();
    let plan = plans.iter().find(|plan| plan.id() == Some(&hand.plan));
    for link in plan.into_iter().flat_map(UsagePlan::api_stages) {
        if link.api_id() != Some(&hand.api) {
            let link = format!(
                "{}:{}",
                link.api_id().unwrap_or_default(),
                link.stage().unwrap_or_default()
            );
            hand.patch_plan(patch(Op::Remove, "/apiStages", &link))
                .await;
        }
    }
}

/// Puts a resource of somebody else under a name that has to be unique.
pub(crate) async fn take_name(account: &Account, name: &str) {
    match name {
        ROLE => {
            let create = account.iam.create_role().role_name(ROLE);
            let _ = create.assume_role_policy_document(TRUST).send().await;
        }
        TABLE => create_table(account, TABLE).await,
        _ => {
            let _ = account
                .logs
                .create_log_group()
                .log_group_name(name)
                .send()
                .await;
        }
    }
}

/// Somebody with the ids of what the stack has; empty where there is nothing.
struct Hand<'a> {
    account: &'a Account,
    api: String,
    path: String,
    key: String,
    plan: String,
}

impl<'a> Hand<'a> {
    async fn find(account: &'a Account) -> Self {
        let gateway = &account.apigateway;
        let is_ours = |tags: Option<&std::collections::HashMap<String, String>>| {
            tags.is_some_and(|tags| tags.contains_key(STACK_TAG))
        };
        let apis = gateway.get_rest_apis().send().await.expect("a list");
        let api = apis.items().iter().find(|api| is_ours(api.tags()));
        let api = api.and_then(|api| api.id()).unwrap_or_default().to_owned();
        let paths = gateway.get_resources().rest_api_id(&api).send().await;
        let path = paths
            .ok()
            .and_then(|paths| {
                let found = paths.items().iter().find(|path| path.path() == Some(PATH));
                found.and_then(|path| path.id().map(str::to_owned))
            })
            .unwrap_or_default();
        let keys = gateway.get_api_keys().send().await.expect("a list");
        let key = keys.items().iter().find(|key| is_ours(key.tags()));
        let plans = gateway.get_usage_plans().send().await.expect("a list");
        let plan = plans.items().iter().find(|plan| is_ours(plan.tags()));
        Self {
            account,
            api,
            path,
            key: key.and_then(|key| key.id()).unwrap_or_default().to_owned(),
            plan: plan
                .and_then(|plan| plan.id())
                .unwrap_or_default()
                .to_owned(),
        }
    }

    async fn role(&self, what: Mutation) {
        let iam = &self.account.iam;
        let put = |name: &str| {
            iam.put_role_policy()
                .role_name(ROLE)
                .policy_name(name)
                .policy_document(DOCUMENT)
        };
        let delete = |name: &str| iam.delete_role_policy().role_name(ROLE).policy_name(name);
        match what {
            Mutation::DeleteRole => {
                clear_the_way(self.account).await;
                let _ = delete(POLICY).send().await;
                let _ = iam.delete_role().role_name(ROLE).send().await;
            }
            Mutation::DeletePolicy => {
                let _ = delete(POLICY).send().await;
            }
            Mutation::ChangeTrust => {
                let _ = iam
                    .update_assume_role_policy()
                    .role_name(ROLE)
                    .policy_document(TRUST)
                    .send()
                    .await;
            }
            Mutation::ChangePolicy => {
                let _ = put(POLICY).send().await;
            }
            Mutation::ForeignInline => {
                let _ = put(THEIRS).send().await;
            }
            _ => {
                let _ = iam
                    .attach_role_policy()
                    .role_name(ROLE)
                    .policy_arn(MANAGED)
                    .send()
                    .await;
            }
        }
    }

    async fn storage(&self, what: Mutation) {
        let (dynamodb, logs) = (&self.account.dynamodb, &self.account.logs);
        match what {
            Mutation::DeleteTable => {
                let _ = dynamodb.delete_table().table_name(TABLE).send().await;
            }
            Mutation::ChangeProtection => {
                let _ = dynamodb
                    .update_table()
                    .table_name(TABLE)
                    .deletion_protection_enabled(true)
                    .send()
                    .await;
            }
            Mutation::ForeignTable => create_table(self.account, THEIRS).await,
            Mutation::DeleteLogGroup => {
                let _ = logs.delete_log_group().log_group_name(LOGS).send().await;
            }
            Mutation::ChangeRetention => {
                let _ = logs
                    .put_retention_policy()
                    .log_group_name(LOGS)
                    .retention_in_days(3)
                    .send()
                    .await;
            }
            _ => {
                // A name that begins with ours.
                let name = format!("{LOGS}-{THEIRS}");
                let _ = logs.create_log_group().log_group_name(name).send().await;
            }
        }
    }

    async fn function(&self, what: Mutation) {
        let lambda = &self.account.lambda;
        match what {
            Mutation::DeleteFunction => {
                let _ = lambda
                    .delete_function()
                    .function_name(FUNCTION)
                    .send()
                    .await;
            }
            Mutation::ChangeMemory => {
                let _ = lambda
                    .update_function_configuration()
                    .function_name(FUNCTION)
                    .memory_size(1024)
                    .send()
                    .await;
            }
            Mutation::DeleteStatement => {
                let policy = lambda.get_policy().function_name(FUNCTION).send().await;
                let text = policy.ok().and_then(|policy| policy.policy);
                let text = text.unwrap_or_default();
                let sid = text
                    .split('"')
                    .find(|part| part.starts_with("apigateway-"))
                    .unwrap_or_default();
                let _ = lambda
                    .remove_permission()
                    .function_name(FUNCTION)
                    .statement_id(sid)
                    .send()
                    .await;
            }
            _ => {
                let _ = lambda
                    .add_permission()
                    .function_name(FUNCTION)
                    .statement_id("apigateway-theirs-2")
                    .action("lambda:InvokeFunction")
                    .principal("s3.amazonaws.com")
                    .source_arn("arn:aws:s3:::theirs")
                    .send()
                    .await;
            }
        }
    }

    async fn api(&self, what: Mutation) {
        let gateway = &self.account.apigateway;
        let (api, path) = (self.api.as_str(), self.path.as_str());
        match what {
            Mutation::DeleteApi => {
                let _ = gateway.delete_rest_api().rest_api_id(api).send().await;
            }
            Mutation::DeletePath => {
                let delete = gateway.delete_resource().rest_api_id(api);
                let _ = delete.resource_id(path).send().await;
            }
            Mutation::DeleteMethod => {
                let delete = gateway.delete_method().rest_api_id(api);
                let _ = delete.resource_id(path).http_method("POST").send().await;
            }
            Mutation::DeleteIntegration => {
                let delete = gateway.delete_integration().rest_api_id(api);
                let _ = delete.resource_id(path).http_method("POST").send().await;
            }
            Mutation::DeleteStage => {
                let delete = gateway.delete_stage().rest_api_id(api);
                let _ = delete.stage_name(STAGE).send().await;
            }
            Mutation::ChangeApi => {
                let update = gateway.update_rest_api().rest_api_id(api);
                let patch = patch(Op::Replace, "/description", THEIRS);
                let _ = update.patch_operations(patch).send().await;
            }
            Mutation::ChangeMethod => {
                let update = gateway.update_method().rest_api_id(api).resource_id(path);
                let patch = patch(Op::Replace, "/apiKeyRequired", "false");
                let update = update.http_method("POST").patch_operations(patch);
                let _ = update.send().await;
            }
            Mutation::ChangeIntegration => {
                let update = gateway.update_integration().rest_api_id(api);
                let patch = patch(Op::Replace, "/timeoutInMillis", "1000");
                let update = update.resource_id(path).http_method("POST");
                let _ = update.patch_operations(patch).send().await;
            }
            Mutation::ChangeStage => {
                let update = gateway.update_stage().rest_api_id(api).stage_name(STAGE);
                let update = update.patch_operations(patch(Op::Replace, "/variables/a", "b"));
                let _ = update.send().await;
            }
            Mutation::ForeignMethod => {
                let Ok(root) = gateway.get_resources().rest_api_id(api).send().await else {
                    return;
                };
                let root = root.items().iter().find(|path| path.path() == Some("/"));
                let root = root.and_then(|path| path.id()).unwrap_or_default();
                let create = gateway.create_resource().rest_api_id(api);
                let made = create.parent_id(root).path_part(THEIRS).send().await;
                if let Ok(made) = made {
                    open_method(self.account, api, made.id().unwrap_or_default()).await;
                }
                open_method(self.account, api, path).await;
            }
            _ => {
                foreign_api(self.account, API).await;
            }
        }
    }

    async fn plan(&self, what: Mutation) {
        let gateway = &self.account.apigateway;
        let (key, plan) = (self.key.as_str(), self.plan.as_str());
        match what {
            Mutation::DeleteKey => {
                let _ = gateway.delete_api_key().api_key(key).send().await;
            }
            Mutation::DeletePlan => {
                clear_the_way(self.account).await;
                let link = format!("{}:{STAGE}", self.api);
                self.patch_plan(patch(Op::Remove, "/apiStages", &link))
                    .await;
                let _ = gateway.delete_usage_plan().usage_plan_id(plan).send().await;
            }
            Mutation::UnlinkKey => {
                let delete = gateway.delete_usage_plan_key().usage_plan_id(plan);
                let _ = delete.key_id(key).send().await;
            }
            Mutation::UnlinkStage => {
                let link = format!("{}:{STAGE}", self.api);
                self.patch_plan(patch(Op::Remove, "/apiStages", &link))
                    .await;
            }
            Mutation::ChangeKey => {
                let update = gateway.update_api_key().api_key(key);
                let update = update.patch_operations(patch(Op::Replace, "/enabled", "false"));
                let _ = update.send().await;
            }
            Mutation::ChangePlan => {
                self.patch_plan(patch(Op::Replace, "/throttle/rateLimit", "1"))
                    .await;
            }
            Mutation::ForeignKey => {
                let _ = gateway.create_api_key().name(KEY).send().await;
            }
            Mutation::ForeignPlan => {
                let _ = gateway.create_usage_plan().name(PLAN).send().await;
            }
            Mutation::ForeignStageInPlan => {
                let api = foreign_api(self.account, THEIRS).await;
                self.patch_plan(patch(Op::Add, "/apiStages", &format!("{api}:{THEIRS}")))
                    .await;
            }
            _ => {
                let made = gateway.create_api_key().name(THEIRS).enabled(true).send();
                let made = made.await.expect("a key");
                let _ = gateway
                    .create_usage_plan_key()
                    .usage_plan_id(plan)
                    .key_id(made.id().unwrap_or_default())
                    .key_type("API_KEY")
                    .send()
                    .await;
            }
        }
    }

    async fn patch_plan(&self, patch: PatchOperation) {
        let update = self.account.apigateway.update_usage_plan();
        let update = update.usage_plan_id(&self.plan).patch_operations(patch);
        let _ = update.send().await;
    }

    async fn tags(&self) {
        const OWNER: &str = "owner";
        let region = Account::REGION;
        let tag = IamTag::builder().key(OWNER).value(THEIRS);
        let tag_role = self.account.iam.tag_role().role_name(ROLE);
        let tag = tag.build().expect("whole");
        let _ = tag_role.tags(tag).send().await;
        let tag = Tag::builder().key(OWNER).value(THEIRS);
        let _ = self
            .account
            .dynamodb
            .tag_resource()
            .resource_arn(format!("arn:aws:dynamodb:{region}:{ACCOUNT}:table/{TABLE}"))
            .tags(tag.build().expect("whole"))
            .send()
            .await;
        let _ = self
            .account
            .lambda
            .tag_resource()
            .resource(format!(
                "arn:aws:lambda:{region}:{ACCOUNT}:function:{FUNCTION}"
            ))
            .tags(OWNER, THEIRS)
            .send()
            .await;
        let _ = self
            .account
            .logs
            .tag_resource()
            .resource_arn(format!("arn:aws:logs:{region}:{ACCOUNT}:log-group:{LOGS}"))
            .tags(OWNER, THEIRS)
            .send()
            .await;
        for place in [
            format!("restapis/{}", self.api),
            format!("restapis/{}/stages/{STAGE}", self.api),
            format!("apikeys/{}", self.key),
            format!("usageplans/{}", self.plan),
        ] {
            let _ = self
                .account
                .apigateway
                .tag_resource()
                .resource_arn(format!("arn:aws:apigateway:{region}::/{place}"))
                .tags(OWNER, THEIRS)
                .send()
                .await;
        }
    }
}

async fn create_table(account: &Account, name: &str) {
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let attribute = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let _ = account
        .dynamodb
        .create_table()
        .table_name(name)
        .key_schema(key.build().expect("whole"))
        .attribute_definitions(attribute.build().expect("whole"))
        .billing_mode(BillingMode::PayPerRequest)
        .send()
        .await;
}

/// An API of somebody else, deployed; its id.
async fn foreign_api(account: &Account, name: &str) -> String {
    let gateway = &account.apigateway;
    let made = gateway.create_rest_api().name(name).send().await;
    let made = made.expect("an API");
    let api = made.id().expect("an id").to_owned();
    open_method(account, &api, made.root_resource_id().unwrap_or_default()).await;
    let deploy = gateway.create_deployment().rest_api_id(&api);
    deploy.stage_name(THEIRS).send().await.expect("deployed");
    api
}

async fn open_method(account: &Account, api: &str, path: &str) {
    let gateway = &account.apigateway;
    let method = gateway.put_method().rest_api_id(api).resource_id(path);
    let method = method.http_method("GET").authorization_type("NONE");
    let _ = method.send().await;
    let integration = gateway.put_integration().rest_api_id(api);
    let integration = integration.resource_id(path).http_method("GET");
    let _ = integration.r#type(IntegrationType::Mock).send().await;
}

fn patch(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder()
        .op(op)
        .path(path)
        .value(value)
        .build()
}
