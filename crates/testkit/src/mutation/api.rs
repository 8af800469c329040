//! The API, what is in it, its deployment and its stage.

use aws_sdk_apigateway::types::IntegrationType;

use super::hand::{Hand, replace};
use super::{Mutation, THEIRS, Undone};
use crate::account::Account;

impl Hand<'_> {
    pub(super) async fn api(&self, what: Mutation) -> Result<(), Undone> {
        let gateway = &self.account.apigateway;
        let (api, path, verb) = (self.api.as_str(), self.path.as_str(), self.of.verb);
        match what {
            Mutation::DeleteApi => {
                gateway.delete_rest_api().rest_api_id(api).send().await?;
            }
            Mutation::DeletePath => {
                let delete = gateway.delete_resource().rest_api_id(api);
                delete.resource_id(path).send().await?;
            }
            Mutation::DeleteMethod => {
                let delete = gateway.delete_method().rest_api_id(api);
                let delete = delete.resource_id(path).http_method(verb);
                delete.send().await?;
            }
            Mutation::DeleteIntegration => {
                let delete = gateway.delete_integration().rest_api_id(api);
                let delete = delete.resource_id(path).http_method(verb);
                delete.send().await?;
            }
            Mutation::ChangeIntegrationType => {
                let put = gateway.put_integration().rest_api_id(api);
                let put = put.resource_id(path).http_method(verb);
                put.r#type(IntegrationType::Mock).send().await?;
            }
            Mutation::DeleteStage => {
                let delete = gateway.delete_stage().rest_api_id(api);
                delete.stage_name(self.of.stage).send().await?;
            }
            Mutation::ChangeApi => self.patch_api("/description", THEIRS).await?,
            Mutation::ChangeEndpoint => {
                let types = "/endpointConfiguration/types/REGIONAL";
                self.patch_api(types, "EDGE").await?;
            }
            Mutation::DisableEndpoint => {
                self.patch_api("/disableExecuteApiEndpoint", "true").await?;
            }
            Mutation::ChangeMethod => self.patch_method("/apiKeyRequired", "false").await?,
            Mutation::DeployOpenMethod => {
                self.patch_method("/apiKeyRequired", "false").await?;
                self.deploy().await?;
            }
            Mutation::ChangeAuthorization => {
                self.patch_method("/authorizationType", "AWS_IAM").await?;
            }
            Mutation::ChangeIntegration => {
                self.patch_integration("/timeoutInMillis", "1000").await?;
            }
            Mutation::ChangeIntegrationFunction => {
                let (region, id) = (Account::REGION, &self.account.id);
                let function = format!("arn:aws:lambda:{region}:{id}:function:another");
                let functions =
                    format!("arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions");
                let uri = format!("{functions}/{function}/invocations");
                self.patch_integration("/uri", &uri).await?;
            }
            Mutation::ChangeStage => self.patch_stage("/variables/a", "b").await?,
            Mutation::DescribeStage => self.patch_stage("/description", THEIRS).await?,
            Mutation::ThrottleStage => {
                self.patch_stage("/*/*/throttling/rateLimit", "0").await?;
                self.patch_stage("/*/*/throttling/burstLimit", "0").await?;
            }
            Mutation::TraceStage => self.patch_stage("/tracingEnabled", "true").await?,
            Mutation::Deploy => self.deploy().await?,
            Mutation::ChangeShape => {
                let get = gateway.get_stage().rest_api_id(api);
                let stage = get.stage_name(self.of.stage).send().await?;
                let update = gateway.update_deployment().rest_api_id(api);
                let update = update.set_deployment_id(stage.deployment_id);
                let other = format!("provision {}", "0".repeat(64));
                let update = update.patch_operations(replace("/description", &other));
                update.send().await?;
            }
            Mutation::ForeignMethod => {
                let root = self.path_id("/").await?;
                let create = gateway.create_resource().rest_api_id(api);
                let made = create.parent_id(root).path_part(THEIRS).send().await?;
                open_method(self.account, api, made.id().unwrap_or_default()).await?;
                open_method(self.account, api, path).await?;
            }
            Mutation::ForeignApi => {
                foreign_api(self.account, self.of.api.name).await?;
            }
            _ => unreachable!("{what:?} is not about an API"),
        }
        Ok(())
    }

    pub(super) async fn patch_api(&self, path: &str, value: &str) -> Result<(), Undone> {
        let update = self.account.apigateway.update_rest_api();
        let update = update.rest_api_id(&self.api);
        update.patch_operations(replace(path, value)).send().await?;
        Ok(())
    }

    pub(super) async fn patch_method(&self, path: &str, value: &str) -> Result<(), Undone> {
        let update = self.account.apigateway.update_method();
        let update = update.rest_api_id(&self.api).resource_id(&self.path);
        let update = update.http_method(self.of.verb);
        update.patch_operations(replace(path, value)).send().await?;
        Ok(())
    }

    pub(super) async fn patch_integration(&self, path: &str, value: &str) -> Result<(), Undone> {
        let update = self.account.apigateway.update_integration();
        let update = update.rest_api_id(&self.api).resource_id(&self.path);
        let update = update.http_method(self.of.verb);
        update.patch_operations(replace(path, value)).send().await?;
        Ok(())
    }

    pub(super) async fn patch_stage(&self, path: &str, value: &str) -> Result<(), Undone> {
        let update = self.account.apigateway.update_stage();
        let update = update.rest_api_id(&self.api).stage_name(self.of.stage);
        update.patch_operations(replace(path, value)).send().await?;
        Ok(())
    }

    /// The stage moves to a deployment of the API as it is now.
    async fn deploy(&self) -> Result<(), Undone> {
        let create = self.account.apigateway.create_deployment();
        let create = create.rest_api_id(&self.api).stage_name(self.of.stage);
        create.description("by hand").send().await?;
        Ok(())
    }
}

/// Makes an API of somebody else, deployed; its id.
pub(super) async fn foreign_api(account: &Account, name: &str) -> Result<String, Undone> {
    let gateway = &account.apigateway;
    let made = gateway.create_rest_api().name(name).send().await?;
    let api = made.id().unwrap_or_default().to_owned();
    let root = made.root_resource_id().unwrap_or_default();
    open_method(account, &api, root).await?;
    let deploy = gateway.create_deployment().rest_api_id(&api);
    deploy.stage_name(THEIRS).send().await?;
    Ok(api)
}

async fn open_method(account: &Account, api: &str, path: &str) -> Result<(), Undone> {
    let gateway = &account.apigateway;
    let method = gateway.put_method().rest_api_id(api).resource_id(path);
    let method = method.http_method("GET").authorization_type("NONE");
    method.send().await?;
    let integration = gateway.put_integration().rest_api_id(api);
    let integration = integration.resource_id(path).http_method("GET");
    integration.r#type(IntegrationType::Mock).send().await?;
    Ok(())
}
