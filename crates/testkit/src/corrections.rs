//! Corrections of the differences between the emulator and AWS, so that the emulator reports nothing that AWS could not.
//! Observed in `ministack` 1.5.33.

use hyper::Method;
use hyper::body::Bytes;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use crate::call::Request;
use crate::decision::Answer;
use crate::permission;
use crate::proxy::{Options, Upstream};

/// Rewrites the request, or returns AWS's refusal.
pub(crate) async fn before(
    request: &mut Request,
    options: &Options,
    upstream: &Upstream,
) -> Option<Answer> {
    if request.service == "execute-api" {
        let account = options.account.as_ref()?;
        // The emulator looks for the API in the account that signed the request; AWS finds it by its id.
        request
            .headers
            .entry("authorization")
            .or_insert_with(|| permission::signature(account, "execute-api"));
        if !options.strict {
            return None;
        }
        return permission::refusal(request, account, upstream).await;
    }
    if request.service != "apigateway" {
        return None;
    }
    let correction = Correction { request, upstream };
    if options.strict
        && let Some(refusal) = correction.refusal().await
    {
        return Some(refusal);
    }
    let body = correction.typed_patches().await;
    if let Some(body) = body {
        request.body = Bytes::from(body.to_string());
    }
    None
}

/// Makes the changes that AWS makes in addition to the call itself.
pub(crate) async fn after(request: &Request, upstream: &Upstream) {
    if request.service != "apigateway" {
        return;
    }
    let correction = Correction { request, upstream };
    let segments = correction.segments();
    match (request.operation.as_str(), segments.as_slice()) {
        ("TagResource" | "UntagResource", [_, arn, ..]) => correction.show_tags(arn).await,
        ("DeleteApiKey", [_, key]) => correction.unlink_key(key).await,
        ("DeleteRestApi", [_, api]) => correction.unlink_stages(api, None).await,
        ("DeleteStage", [_, api, _, stage]) => correction.unlink_stages(api, Some(stage)).await,
        _ => {}
    }
}

struct Correction<'a> {
    request: &'a Request,
    upstream: &'a Upstream,
}

impl Correction<'_> {
    fn segments(&self) -> Vec<&str> {
        self.request.path.trim_matches('/').split('/').collect()
    }

    fn body(&self) -> Value {
        serde_json::from_slice(&self.request.body).unwrap_or(Value::Null)
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let headers = &self.request.headers;
        let response = self
            .upstream
            .request(Method::GET, path, headers, Bytes::new())
            .await?;
        response
            .status()
            .is_success()
            .then(|| serde_json::from_slice(response.body()).ok())?
    }

    async fn patch(&self, path: &str, operations: Value) {
        let body = json!({ "patchOperations": operations }).to_string();
        let headers = &self.request.headers;
        self.upstream
            .request(Method::PATCH, path, headers, Bytes::from(body))
            .await;
    }

    async fn plans(&self) -> Vec<Value> {
        let page = self.get("/usageplans?limit=500").await;
        list(page.as_ref(), "item")
    }

    /// Returns the body with typed patch values: AWS converts the strings to numbers, booleans and lists, the emulator
    /// does not.
    async fn typed_patches(&self) -> Option<Value> {
        let mut body = self.body();
        let operations = body.get_mut("patchOperations")?.as_array_mut()?;
        for patch in operations.iter_mut() {
            let path = patch["path"].as_str().unwrap_or_default().to_owned();
            let value = patch["value"].as_str().unwrap_or_default().to_owned();
            match (self.request.operation.as_str(), path.as_str()) {
                (
                    "UpdateUsagePlan",
                    "/throttle/rateLimit"
                    | "/throttle/burstLimit"
                    | "/quota/limit"
                    | "/quota/offset",
                )
                | ("UpdateIntegration", "/timeoutInMillis")
                | ("UpdateRestApi", "/minimumCompressionSize") => patch["value"] = number(&value),
                ("UpdateMethod", "/apiKeyRequired")
                | ("UpdateApiKey", "/enabled")
                | ("UpdateRestApi", "/disableExecuteApiEndpoint") => {
                    patch["value"] = json!(value == "true");
                }
                ("UpdateRestApi", path) if path.starts_with("/endpointConfiguration/types/") => {
                    *patch = json!({ "op": "replace", "path": "/endpointConfiguration/types", "value": [value] });
                }
                _ => {}
            }
        }
        if self.request.operation == "UpdateUsagePlan" {
            let plan = self.get(&self.request.path).await?;
            join_stage_patches(&plan, operations);
        }
        Some(body)
    }

    /// Copies the tags to the resource's own `tags`, which the emulator keeps apart from those of `TagResource`.
    async fn show_tags(&self, arn: &str) {
        let arn = percent_decode_str(arn).decode_utf8_lossy();
        let Some((_, path)) = arn.split_once("::") else {
            return;
        };
        let set = self.body()["tags"].as_object().cloned().unwrap_or_default();
        let mut operations: Vec<Value> = set
            .into_iter()
            .map(|(key, value)| json!({ "op": "replace", "path": format!("/tags/{key}"), "value": value }))
            .collect();
        for pair in self.request.query.split('&') {
            if let Some(key) = pair.strip_prefix("tagKeys=") {
                let key = percent_decode_str(key).decode_utf8_lossy();
                operations.push(json!({ "op": "remove", "path": format!("/tags/{key}") }));
            }
        }
        self.patch(path, Value::Array(operations)).await;
    }

    /// Removes a deleted key from its usage plans, as AWS does.
    async fn unlink_key(&self, key: &str) {
        for plan in self.plans().await {
            let path = format!("/usageplans/{}/keys/{key}", text(&plan, "id"));
            let headers = &self.request.headers;
            self.upstream
                .request(Method::DELETE, &path, headers, Bytes::new())
                .await;
        }
    }

    /// Removes deleted stages from their usage plans, as AWS does.
    async fn unlink_stages(&self, api: &str, stage: Option<&str>) {
        for plan in self.plans().await {
            let stages = list(Some(&plan), "apiStages");
            let kept: Vec<_> = stages
                .iter()
                .filter(|link| {
                    text(link, "apiId") != api
                        || stage.is_some_and(|stage| text(link, "stage") != stage)
                })
                .cloned()
                .collect();
            if kept.len() != stages.len() {
                let path = format!("/usageplans/{}", text(&plan, "id"));
                self.patch(
                    &path,
                    json!([{ "op": "replace", "path": "/apiStages", "value": kept }]),
                )
                .await;
            }
        }
    }

    /// Returns AWS's refusal of a request that the emulator accepts.
    async fn refusal(&self) -> Option<Answer> {
        let path = &self.request.path;
        match (self.request.operation.as_str(), self.segments().as_slice()) {
            ("PutMethod", _) => self
                .get(path)
                .await
                .map(|_| conflict("Method already exists for this resource")),
            ("CreateStage", [_, api, _]) => {
                let stage = text(&self.body(), "stageName");
                self.get(&format!("/restapis/{api}/stages/{stage}"))
                    .await
                    .map(|_| conflict("Stage already exists"))
            }
            ("CreateUsagePlan", _) => {
                for link in list(Some(&self.body()), "apiStages") {
                    let (api, stage) = (text(&link, "apiId"), text(&link, "stage"));
                    if self
                        .get(&format!("/restapis/{api}/stages/{stage}"))
                        .await
                        .is_none()
                    {
                        let message =
                            format!("Invalid API Stage {{api: {api}, stage: {stage}}} specified");
                        return Some(Answer::error(404, "NotFoundException", &message));
                    }
                }
                None
            }
            ("DeleteUsagePlan", [_, plan]) => {
                let linked = list(self.get(path).await.as_ref(), "apiStages");
                let message = format!(
                    "Cannot delete Usage Plan {plan} because there are API Stages associated with it. Please remove \
                     all API stages from the Usage Plan and try again."
                );
                (!linked.is_empty()).then(|| bad_request(&message))
            }
            ("CreateUsagePlanKey", [_, plan, _]) => {
                let key = text(&self.body(), "keyId");
                let linked = self.get(&format!("/usageplans/{plan}/keys/{key}")).await;
                linked.map(|_| conflict("Usage Plan already contains this API key"))
            }
            ("CreateDeployment", [_, api, _]) => {
                let resources = self
                    .get(&format!(
                        "/restapis/{api}/resources?embed=methods&limit=500"
                    ))
                    .await;
                undeployable(&list(resources.as_ref(), "item"))
            }
            ("DeleteDeployment", [_, api, _, deployment]) => {
                let stages = self.get(&format!("/restapis/{api}/stages")).await;
                list(stages.as_ref(), "item")
                    .iter()
                    .any(|stage| text(stage, "deploymentId") == *deployment)
                    .then(|| {
                        bad_request(
                            "Active stages pointing to this deployment must be moved or deleted",
                        )
                    })
            }
            _ => None,
        }
    }
}

/// Returns AWS's refusal to deploy an API without methods or integrations.
fn undeployable(resources: &[Value]) -> Option<Answer> {
    let methods: Vec<&Value> = resources
        .iter()
        .filter_map(|resource| resource["resourceMethods"].as_object())
        .flat_map(|methods| methods.values())
        .collect();
    if methods.is_empty() {
        return Some(bad_request("The REST API doesn't contain any methods"));
    }
    methods
        .iter()
        .any(|method| method["methodIntegration"].is_null())
        .then(|| bad_request("No integration defined for method"))
}

/// Replaces patches that add and remove single stages, which the emulator does not support, by one of the whole list.
fn join_stage_patches(plan: &Value, operations: &mut Vec<Value>) {
    let mut stages = list(Some(plan), "apiStages");
    let before = stages.clone();
    operations.retain(|patch| {
        if patch["path"] != "/apiStages" {
            return true;
        }
        let Some((api, stage)) = patch["value"]
            .as_str()
            .and_then(|value| value.split_once(':'))
        else {
            return true;
        };
        stages.retain(|link| text(link, "apiId") != api || text(link, "stage") != stage);
        if patch["op"] == "add" {
            stages.push(json!({ "apiId": api, "stage": stage }));
        }
        false
    });
    if stages != before {
        operations.push(json!({ "op": "replace", "path": "/apiStages", "value": stages }));
    }
}

fn conflict(message: &str) -> Answer {
    Answer::error(409, "ConflictException", message)
}

fn bad_request(message: &str) -> Answer {
    Answer::error(400, "BadRequestException", message)
}

fn number(text: &str) -> Value {
    text.parse::<i64>()
        .map(Value::from)
        .or_else(|_| text.parse::<f64>().map(Value::from))
        .unwrap_or_else(|_| Value::from(text))
}

fn list(value: Option<&Value>, field: &str) -> Vec<Value> {
    value
        .and_then(|value| value[field].as_array())
        .cloned()
        .unwrap_or_default()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stage_patches_become_one_list() {
        let plan = json!({ "apiStages": [{ "apiId": "a", "stage": "Prod" }] });
        let mut operations = vec![
            json!({ "op": "remove", "path": "/apiStages", "value": "a:Prod" }),
            json!({ "op": "add", "path": "/apiStages", "value": "b:Prod" }),
            json!({ "op": "replace", "path": "/name", "value": "n" }),
        ];
        join_stage_patches(&plan, &mut operations);
        assert_eq!(
            operations,
            [
                json!({ "op": "replace", "path": "/name", "value": "n" }),
                json!({ "op": "replace", "path": "/apiStages", "value": [{ "apiId": "b", "stage": "Prod" }] }),
            ]
        );
    }

    #[test]
    fn a_method_without_integration_cannot_be_deployed() {
        let whole =
            json!({ "resourceMethods": { "POST": { "methodIntegration": { "type": "MOCK" } } } });
        let half = json!({ "resourceMethods": { "POST": { "methodIntegration": null } } });
        assert!(undeployable(std::slice::from_ref(&whole)).is_none());
        assert!(undeployable(&[whole, half]).is_some());
        assert!(undeployable(&[json!({})]).is_some());
    }
}
