//! Settings of the API, its method and its stage that the stack leaves as API Gateway has them.

use aws_sdk_apigateway::types::Op;
use serde_json::json;

use super::hand::{Hand, patch};
use super::{Mutation, THEIRS, Undone};
use crate::account::Account;

impl Hand<'_> {
    pub(super) async fn settings(&self, what: Mutation) -> Result<(), Undone> {
        let gateway = &self.account.apigateway;
        let (api, path, verb) = (self.api.as_str(), self.path.as_str(), self.of.verb);
        match what {
            Mutation::ChangeKeySource => self.patch_api("/apiKeySource", "AUTHORIZER").await?,
            Mutation::RestrictApi => {
                let nobody = json!({ "Version": "2012-10-17", "Statement": [{
                    "Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke",
                    "Resource": "*",
                }] });
                self.patch_api("/policy", &nobody.to_string()).await?;
            }
            Mutation::ChangeAddresses => {
                let path = "/endpointConfiguration/ipAddressType";
                self.patch_api(path, "dualstack").await?;
            }
            Mutation::AddBinaryType => {
                let update = gateway.update_rest_api().rest_api_id(api);
                let update = update.patch_operations(patch(Op::Add, "/binaryMediaTypes/*~1*", ""));
                update.send().await?;
            }
            Mutation::CompressAnswers => self.patch_api("/minimumCompressionSize", "0").await?,
            Mutation::TemplateIntegration => {
                let update = gateway.update_integration().rest_api_id(api);
                let update = update.resource_id(path).http_method(verb);
                let path = "/requestTemplates/application~1json";
                update
                    .patch_operations(patch(Op::Add, path, "{}"))
                    .send()
                    .await?;
            }
            Mutation::CredentialIntegration => {
                let role = format!("arn:aws:iam::{}:role/{THEIRS}", self.account.id);
                self.patch_integration("/credentials", &role).await?;
            }
            Mutation::ChangePassthrough => {
                self.patch_integration("/passthroughBehavior", "NEVER")
                    .await?;
            }
            Mutation::ConvertContent => {
                self.patch_integration("/contentHandling", "CONVERT_TO_TEXT")
                    .await?;
            }
            Mutation::RequireParameter => {
                let header = "/requestParameters/method.request.header.x-theirs";
                self.add_to_method(header, "true").await?;
            }
            Mutation::ModelRequest => {
                self.add_to_method("/requestModels/application~1json", "Empty")
                    .await?;
            }
            Mutation::ThrottleMethod => {
                let method = format!("/{}/{verb}", self.of.path.replace('/', "~1"));
                let rate = format!("{method}/throttling/rateLimit");
                self.patch_stage(&rate, "0").await?;
                let burst = format!("{method}/throttling/burstLimit");
                self.patch_stage(&burst, "0").await?;
            }
            Mutation::MeasureStage => self.patch_stage("/*/*/metrics/enabled", "true").await?,
            Mutation::LogStage => {
                let (region, id) = (Account::REGION, &self.account.id);
                let group = format!("arn:aws:logs:{region}:{id}:log-group:{THEIRS}");
                self.patch_stage("/accessLogSettings/destinationArn", &group)
                    .await?;
                self.patch_stage("/accessLogSettings/format", "$context.requestId")
                    .await?;
            }
            Mutation::CertifyStage => self.patch_stage("/clientCertificateId", "a1b2c3").await?,
            _ => unreachable!("{what:?} is not about a setting"),
        }
        Ok(())
    }

    async fn add_to_method(&self, path: &str, value: &str) -> Result<(), Undone> {
        let update = self.account.apigateway.update_method();
        let update = update.rest_api_id(&self.api).resource_id(&self.path);
        let update = update.http_method(self.of.verb);
        let add = patch(Op::Add, path, value);
        update.patch_operations(add).send().await?;
        Ok(())
    }
}
