//! API Gateway over whole HTTP requests: its control plane, and deployed APIs with mock integrations.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{Request, Response};
use local_aws::{Clock, Enforcement, Faults, LocalAws, Options, Outcome, Runner};
use serde_json::{Value, json};

struct Aws(LocalAws);

struct Answer {
    status: u16,
    kind: String,
    body: Value,
}

impl Answer {
    fn id(&self) -> String {
        self.text("id")
    }

    fn text(&self, member: &str) -> String {
        self.body[member].as_str().expect(member).to_owned()
    }

    fn is(&self, status: u16, kind: &str, message: &str) {
        assert_eq!(
            (self.status, self.kind.as_str(), &self.body["message"]),
            (status, kind, &json!(message))
        );
    }

    fn is_bad(&self, message: &str) {
        self.is(400, "BadRequestException", message);
    }
}

impl Aws {
    fn new(faults: Faults) -> Self {
        Self::of(None, faults)
    }

    fn of(folder: Option<std::path::PathBuf>, faults: Faults) -> Self {
        let aws = LocalAws::open(Options {
            folder,
            clock: Clock::runtime(),
            runner: Runner::Processes { shim: None },
            faults,
            enforcement: Enforcement::Off,
            ..Options::default()
        });
        Self(aws.expect("a cloud"))
    }

    async fn send(&self, request: Request<Bytes>) -> Response<Bytes> {
        match self.0.handle(request).await {
            Outcome::Answered(response) => response,
            Outcome::Dropped => panic!("the answer was lost"),
        }
    }

    async fn raw(&self, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(
                AUTHORIZATION,
                "AWS4-HMAC-SHA256 Credential=000000000000/20261124/eu-west-1/apigateway/aws4_request, SignedHeaders=host, \
                 Signature=00",
            )
            .body(body.into())
            .expect("a request");
        answer(&self.send(request).await)
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.raw(method, path, body.to_string()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.call("POST", path, body).await
    }

    async fn put(&self, path: &str, body: Value) -> Answer {
        self.call("PUT", path, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.raw("GET", path, "").await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.raw("DELETE", path, "").await
    }

    /// Each operation is op, path, value.
    async fn patch(&self, path: &str, operations: &[(&str, &str, &str)]) -> Answer {
        let operations: Vec<Value> = operations
            .iter()
            .map(|(op, path, value)| json!({ "op": op, "path": path, "value": value }))
            .collect();
        self.call("PATCH", path, json!({ "patchOperations": operations }))
            .await
    }

    /// An API with a mock at `POST /Items`.
    async fn api(&self, key_required: bool) -> Api<'_> {
        let api = self
            .post(
                "/restapis",
                json!({ "name": "a", "endpointConfiguration": { "types": ["REGIONAL"] } }),
            )
            .await;
        assert_eq!(api.status, 201);
        let (id, root) = (api.id(), api.text("rootResourceId"));
        let resource = self
            .post(
                &format!("/restapis/{id}/resources/{root}"),
                json!({ "pathPart": "Items" }),
            )
            .await
            .id();
        let api = Api {
            aws: self,
            id,
            root,
            resource,
        };
        api.add_mock(&api.resource, "POST", key_required, "200")
            .await;
        api
    }

    async fn key(&self, value: &str) -> String {
        self.post(
            "/apikeys",
            json!({ "name": "k", "enabled": true, "value": value }),
        )
        .await
        .id()
    }

    async fn plan(&self, plan: Value, key: &str) -> String {
        let id = self.post("/usageplans", plan).await.id();
        let linked = self
            .post(
                &format!("/usageplans/{id}/keys"),
                json!({ "keyId": key, "keyType": "API_KEY" }),
            )
            .await;
        assert_eq!(linked.status, 201);
        id
    }
}

struct Api<'a> {
    aws: &'a Aws,
    id: String,
    root: String,
    resource: String,
}

impl Api<'_> {
    fn path(&self, rest: &str) -> String {
        format!("/restapis/{}{rest}", self.id)
    }

    fn method(&self, rest: &str) -> String {
        self.path(&format!("/resources/{}/methods/POST{rest}", self.resource))
    }

    async fn add_mock(&self, resource: &str, method: &str, key_required: bool, status: &str) {
        let path = self.path(&format!("/resources/{resource}/methods/{method}"));
        let body = json!({ "authorizationType": "NONE", "apiKeyRequired": key_required });
        let template = json!({ "application/json": format!("{{\"statusCode\": {status}}}") });
        let response = json!({ "responseTemplates": { "application/json": "{\"mock\":true}" } });
        for (rest, body) in [
            (String::new(), body),
            (
                "/integration".to_owned(),
                json!({ "type": "MOCK", "requestTemplates": template }),
            ),
            (format!("/responses/{status}"), json!({})),
            (format!("/integration/responses/{status}"), response),
        ] {
            let put = self.aws.put(&format!("{path}{rest}"), body).await;
            assert_eq!(put.status, 201, "{rest}: {}", put.body);
        }
    }

    async fn deploy(&self, stage: &str) -> String {
        let deployed = self
            .aws
            .post(&self.path("/deployments"), json!({ "stageName": stage }))
            .await;
        assert_eq!(deployed.status, 201);
        deployed.id()
    }

    async fn request(&self, path: &str, key: Option<&str>) -> Response<Bytes> {
        let mut request = Request::post(self.path(path));
        if let Some(key) = key {
            request = request.header("x-api-key", key);
        }
        self.aws
            .send(request.body(Bytes::from_static(b"{}")).expect("a request"))
            .await
    }

    async fn items(&self, key: Option<&str>) -> Answer {
        answer(&self.request("/Prod/_user_request_/Items", key).await)
    }
}

fn answer(response: &Response<Bytes>) -> Answer {
    let header = response.headers().get("x-amzn-errortype");
    Answer {
        status: response.status().as_u16(),
        kind: header.map_or_else(String::new, |kind| {
            kind.to_str().expect("a text").to_owned()
        }),
        body: serde_json::from_slice(response.body()).unwrap_or(Value::Null),
    }
}

const KEY: &str = "01234567890123456789";
const URI: &str = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:000000000000:function:f/invocations";

#[tokio::test]
async fn an_api_has_awss_defaults() {
    let aws = Aws::new(Faults::default());
    let api = aws
        .post(
            "/restapis",
            json!({ "name": "a", "tags": { "stack": "demo" } }),
        )
        .await;
    let id = api.id();
    assert_eq!(id.len(), 10);
    let created = api.body["createdDate"].as_u64().expect("seconds");
    assert!((1_700_000_000..10_000_000_000).contains(&created));
    assert_eq!(
        api.body,
        json!({
            "id": id,
            "name": "a",
            "createdDate": created,
            "apiKeySource": "HEADER",
            "endpointConfiguration": { "types": ["EDGE"], "ipAddressType": "ipv4" },
            "tags": { "stack": "demo" },
            "disableExecuteApiEndpoint": false,
            "rootResourceId": api.text("rootResourceId"),
        })
    );
    assert_eq!(
        aws.post("/restapis", json!({ "name": "a" })).await.status,
        201
    );
    let read = aws.get(&format!("/restapis/{id}")).await;
    assert_eq!(read.body, api.body);
    assert_eq!(aws.delete(&format!("/restapis/{id}")).await.status, 202);
    let message = format!("Invalid API identifier specified 000000000000:{id}");
    aws.get(&format!("/restapis/{id}"))
        .await
        .is(404, "NotFoundException", &message);
}

#[tokio::test]
async fn what_is_wrong_with_an_api_is_refused() {
    let aws = Aws::new(Faults::default());
    for (input, message) in [
        (
            json!({ "name": "a", "description": "" }),
            "Description cannot be an empty string",
        ),
        (
            json!({ "name": "a", "endpointConfiguration": { "types": ["EDGE", "REGIONAL"] } }),
            "Cannot create an api with multiple Endpoint Types.",
        ),
        (
            json!({ "name": "a", "endpointConfiguration": { "types": [] } }),
            "REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.",
        ),
        (
            json!({ "name": "a", "minimumCompressionSize": "big" }),
            "Invalid minimum compression size, must be between 0 and 10485760",
        ),
        (json!({}), "API name must not be empty"),
    ] {
        aws.post("/restapis", input).await.is_bad(message);
    }
    aws.raw("POST", "/restapis", "{\"na")
        .await
        .is_bad("Invalid request input");
    let tags = aws
        .post(
            "/restapis",
            json!({ "name": "a", "tags": { "aws:x": "y" } }),
        )
        .await;
    assert_eq!(tags.status, 400);
    let wrong = json!({ "name": "a", "endpointConfiguration": { "types": ["wrong"] } });
    aws.post("/restapis", wrong).await.is(
        400,
        "ValidationException",
        "1 validation error detected: Value '[wrong]' at 'createRestApiInput.endpointConfiguration.types' failed to satisfy \
         constraint: Member must satisfy constraint: [Member must satisfy enum value set: [PRIVATE, EDGE, REGIONAL]]",
    );
}

#[tokio::test]
async fn an_api_is_patched() {
    let aws = Aws::new(Faults::default());
    let api = aws
        .post("/restapis", json!({ "name": "a", "description": "d" }))
        .await;
    let path = format!("/restapis/{}", api.id());
    let patched = aws
        .patch(
            &path,
            &[
                ("replace", "/name", "b"),
                ("remove", "/description", ""),
                ("add", "/binaryMediaTypes/image~1png", ""),
                ("add", "/binaryMediaTypes/image~1jpeg", ""),
                ("replace", "/binaryMediaTypes/image~1png", "image/gif"),
                ("replace", "/minimumCompressionSize", "10"),
                ("replace", "/disableExecuteApiEndpoint", "true"),
                ("replace", "/endpointConfiguration/types/EDGE", "PRIVATE"),
            ],
        )
        .await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    for (pointer, expected) in [
        ("/name", json!("b")),
        ("/binaryMediaTypes", json!(["image/jpeg", "image/gif"])),
        ("/minimumCompressionSize", json!(10)),
        ("/disableExecuteApiEndpoint", json!(true)),
        (
            "/endpointConfiguration",
            json!({ "types": ["PRIVATE"], "ipAddressType": "dualstack" }),
        ),
        ("/tags", json!({})),
    ] {
        assert_eq!(patched.body.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert_eq!(patched.body.get("description"), None);
    for (operation, message) in [
        (
            ("add", "/minimumCompressionSize", "1"),
            "Invalid patch operation specified. Must be one of: [replace]",
        ),
        (
            ("add", "/binaryMediaTypes", "x"),
            "Invalid patch path /binaryMediaTypes",
        ),
        (("replace", "/id", "x"), "Invalid patch path /id"),
        (("replace", "name", "x"), "Invalid patch path name"),
        (
            ("add", "/endpointConfiguration/types/EDGE", "REGIONAL"),
            "Invalid patch operation specified. Must be 'add'|'remove'|'replace'",
        ),
        (
            ("replace", "/endpointConfiguration/ipAddressType", "ipv4"),
            "Only dualstack ipAddressType is supported for Private APIs.",
        ),
    ] {
        aws.patch(&path, &[operation]).await.is_bad(message);
    }
    aws.patch(&path, &[("wrong", "/name", "x")]).await.is(
        400,
        "ValidationException",
        "1 validation error detected: Value 'wrong' at 'updateRestApiInput.patchOperations.1.member.op' failed to satisfy \
         constraint: Member must satisfy enum value set: [add, remove, move, test, replace, copy]",
    );
}

#[tokio::test]
async fn lists_have_pages() {
    let aws = Aws::new(Faults::default());
    for number in 0..30 {
        aws.post("/apikeys", json!({ "name": format!("key-{number}") }))
            .await;
    }
    let first = aws.get("/apikeys").await;
    assert_eq!(first.body["item"].as_array().map(Vec::len), Some(25));
    let position = first.text("position");
    let second = aws
        .get(&format!("/apikeys?position={position}&limit=500"))
        .await;
    assert_eq!(second.body["item"].as_array().map(Vec::len), Some(5));
    assert_eq!(second.body.get("position"), None);
    let named = aws.get("/apikeys?name=key-2").await;
    assert_eq!(named.body["item"].as_array().map(Vec::len), Some(11));
    assert_eq!(aws.get("/apikeys?limit=501").await.status, 400);
    assert_eq!(aws.get("/apikeys?position=%21").await.status, 400);
}

#[tokio::test]
async fn resources_form_a_tree() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    let under = |parent: &str| api.path(&format!("/resources/{parent}"));
    let conflict = aws
        .post(&under(&api.root), json!({ "pathPart": "Items" }))
        .await;
    conflict.is(
        409,
        "ConflictException",
        "Another resource with the same parent already has this name: Items",
    );
    aws.post(&under("nope"), json!({ "pathPart": "x" }))
        .await
        .is(
            404,
            "NotFoundException",
            "Invalid Resource identifier specified",
        );
    let greedy = aws
        .post(&under(&api.resource), json!({ "pathPart": "{proxy+}" }))
        .await;
    assert_eq!(greedy.body["path"], "/Items/{proxy+}");
    aws.post(&under(&greedy.id()), json!({ "pathPart": "x" }))
        .await
        .is_bad("Cannot create a child of a resource with a greedy path variable: {proxy+}");
    aws.post(&under(&api.resource), json!({ "pathPart": "{id}" })).await.is_bad(
        "A sibling ({proxy+}) of this resource already has a variable path part -- only one is allowed",
    );
    let moved = aws
        .patch(&under(&api.resource), &[("replace", "/pathPart", "Things")])
        .await;
    assert_eq!(moved.body["path"], "/Things");
    aws.patch(
        &under(&api.resource),
        &[("replace", "/parentId", &greedy.id())],
    )
    .await
    .is_bad("Resources cannot be cyclical.");
    aws.patch(&under(&api.resource), &[("replace", "/invalid", "x")]).await.is_bad(
        "Invalid patch path  '/invalid' specified for op 'replace'. Must be one of: [/parentId, /pathPart]",
    );
    aws.patch(&under(&api.root), &[("replace", "/pathPart", "x")])
        .await
        .is_bad("Root resource cannot update its pathPart.");
    let named = aws.get(&api.path("/resources")).await;
    let paths: Vec<&Value> = named.body["item"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|item| &item["path"])
        .collect();
    assert_eq!(paths, ["/", "/Things", "/Things/{proxy+}"]);
    assert_eq!(
        named.body["item"][1]["resourceMethods"],
        json!({ "POST": {} })
    );
    let embedded = aws.get(&api.path("/resources?embed=methods")).await;
    let method = &embedded.body["item"][1]["resourceMethods"]["POST"];
    assert_eq!(method["methodIntegration"]["type"], "MOCK");
    assert_eq!(aws.delete(&under(&api.resource)).await.status, 202);
    let left = aws.get(&api.path("/resources")).await;
    assert_eq!(left.body["item"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn methods_and_integrations_are_checked() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    aws.put(&api.method(""), json!({ "authorizationType": "NONE" }))
        .await
        .is(
            409,
            "ConflictException",
            "Method already exists for this resource",
        );
    let wrong = api.path(&format!("/resources/{}/methods/post", api.resource));
    aws.put(&wrong, json!({ "authorizationType": "NONE" })).await.is_bad(
        "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY",
    );
    for (input, message) in [
        (
            json!({ "type": "AWS_PROXY", "uri": URI }),
            "Enumeration value for HttpMethod must be non-empty",
        ),
        (
            json!({ "type": "AWS_PROXY", "httpMethod": "POST", "uri": "arn:aws:lambda:eu-west-1:000000000000:function:f" }),
            "AWS ARN for integration must contain path or action",
        ),
        (
            json!({ "type": "AWS", "httpMethod": "POST", "uri": "x" }),
            "Invalid ARN specified in the request",
        ),
        (
            json!({ "type": "AWS", "httpMethod": "POST", "uri": URI, "timeoutInMillis": 49 }),
            "Timeout should be between 50 ms and 29000 ms",
        ),
        (
            json!({ "type": "HTTP_PROXY", "httpMethod": "GET", "uri": "no URL" }),
            "Invalid HTTP endpoint specified for URI",
        ),
        (
            json!({ "type": "HTTP", "uri": "https://example.com" }),
            "Enumeration value for HttpMethod must be non-empty",
        ),
        (
            json!({ "type": "AWS", "httpMethod": "POST", "uri": "arn:aws:apigateway:eu-west-1:s3:path/a/b" }),
            "The local AWS does not support integrations with s3:path: it integrates with Lambda functions and with \
             actions of dynamodb, logs and ssm",
        ),
    ] {
        aws.put(&api.method("/integration"), input)
            .await
            .is_bad(message);
    }
}

#[tokio::test]
async fn methods_and_integrations_are_changed() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    let put = aws
        .put(
            &api.method("/integration"),
            json!({ "type": "AWS", "httpMethod": "POST", "uri": URI }),
        )
        .await;
    assert_eq!(
        put.body,
        json!({
            "type": "AWS",
            "httpMethod": "POST",
            "uri": URI,
            "passthroughBehavior": "WHEN_NO_MATCH",
            "timeoutInMillis": 29000,
            "cacheNamespace": api.resource,
            "cacheKeyParameters": [],
        })
    );
    aws.put(&api.method("/integration/responses/404"), json!({}))
        .await
        .is_bad("No method response exists for method.");
    aws.put(&api.method("/responses/200"), json!({})).await.is(
        409,
        "ConflictException",
        "Response already exists for this resource",
    );
    let status = aws.put(&api.method("/responses/wrong"), json!({})).await;
    assert_eq!(
        (status.status, status.kind.as_str()),
        (400, "ValidationException")
    );
    let patched = aws
        .patch(
            &api.method("/integration"),
            &[
                ("replace", "/timeoutInMillis", "1000"),
                (
                    "add",
                    "/requestTemplates/application~1json",
                    "$input.json('$')",
                ),
            ],
        )
        .await;
    assert_eq!(patched.body["timeoutInMillis"], 1000);
    assert_eq!(
        patched.body["requestTemplates"],
        json!({ "application/json": "$input.json('$')" })
    );
    let method = aws
        .patch(
            &api.method(""),
            &[
                ("replace", "/apiKeyRequired", "true"),
                ("add", "/requestParameters/method.request.header.a", "true"),
            ],
        )
        .await;
    assert_eq!(method.body["apiKeyRequired"], true);
    assert_eq!(
        method.body["requestParameters"],
        json!({ "method.request.header.a": true })
    );
    aws.patch(
        &api.method(""),
        &[("remove", "/requestParameters/method.request.header.b", "")],
    )
    .await
    .is(404, "NotFoundException", "Invalid parameter name specified");
    assert_eq!(
        aws.patch(
            &api.method("/responses/200"),
            &[("add", "/responseModels/application~1json", "Empty")]
        )
        .await
        .status,
        201
    );
    assert_eq!(aws.delete(&api.method("/integration")).await.status, 204);
    aws.get(&api.method("/integration")).await.is(
        404,
        "NotFoundException",
        "Invalid Integration identifier specified",
    );
    aws.put(&api.method("/integration/responses/200"), json!({}))
        .await
        .is(
            404,
            "NotFoundException",
            "No integration defined for method",
        );
    aws.post(&api.path("/deployments"), json!({}))
        .await
        .is_bad("No integration defined for method");
    assert_eq!(aws.delete(&api.method("")).await.status, 204);
    aws.post(&api.path("/deployments"), json!({}))
        .await
        .is_bad("The REST API doesn't contain any methods");
}

#[tokio::test]
async fn a_stage_serves_a_snapshot() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    let first = aws
        .post(&api.path("/deployments"), json!({ "description": "one" }))
        .await;
    assert_eq!(
        first.body.as_object().map(serde_json::Map::len),
        Some(3),
        "{}",
        first.body
    );
    let stage = json!({ "stageName": "Prod", "deploymentId": first.id(), "tags": { "a": "b" } });
    let created = aws.post(&api.path("/stages"), stage.clone()).await;
    let made = created.body["createdDate"].clone();
    assert_eq!(
        created.body,
        json!({
            "stageName": "Prod",
            "deploymentId": first.id(),
            "cacheClusterEnabled": false,
            "cacheClusterStatus": "NOT_AVAILABLE",
            "methodSettings": {},
            "tracingEnabled": false,
            "tags": { "a": "b" },
            "createdDate": made,
            "lastUpdatedDate": made,
        })
    );
    aws.post(&api.path("/stages"), stage).await.is(
        409,
        "ConflictException",
        "Stage already exists",
    );
    let missing = json!({ "stageName": "x", "deploymentId": "nope" });
    assert_eq!(aws.post(&api.path("/stages"), missing).await.status, 404);
    let canary = json!({ "stageName": "x", "deploymentId": first.id(), "canarySettings": { "percentTraffic": 1.0 } });
    aws.post(&api.path("/stages"), canary).await.is(
        501,
        "NotImplementedException",
        "The local AWS does not support canarySettings of stages",
    );

    assert_eq!(api.items(None).await.body, json!({ "mock": true }));
    aws.patch(&api.method(""), &[("replace", "/apiKeyRequired", "true")])
        .await;
    assert_eq!(api.items(None).await.status, 200);
    let second = api.deploy("Prod").await;
    api.items(None)
        .await
        .is(403, "ForbiddenException", "Forbidden");
    let back = aws
        .patch(
            &api.path("/stages/Prod"),
            &[("replace", "/deploymentId", &first.id())],
        )
        .await;
    assert_eq!(back.status, 200);
    assert_eq!(api.items(None).await.status, 200);

    aws.delete(&api.path(&format!("/deployments/{}", first.id())))
        .await
        .is_bad("Active stages pointing to this deployment must be moved or deleted");
    assert_eq!(
        aws.delete(&api.path(&format!("/deployments/{second}")))
            .await
            .status,
        202
    );
    let summary = aws
        .get(&api.path(&format!("/deployments/{}?embed=apisummary", first.id())))
        .await;
    assert_eq!(
        summary.body["apiSummary"],
        json!({ "/Items": { "POST": { "authorizationType": "NONE", "apiKeyRequired": false } } })
    );
    assert_eq!(aws.delete(&api.path("/stages/Prod")).await.status, 202);
    api.items(None)
        .await
        .is(403, "ForbiddenException", "Forbidden");
}

#[tokio::test]
async fn a_stage_is_patched() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    api.deploy("Prod").await;
    let path = api.path("/stages/Prod");
    let patched = aws
        .patch(
            &path,
            &[
                ("replace", "/variables/colour", "red"),
                ("replace", "/description", "d"),
                ("replace", "/tracingEnabled", "true"),
                ("replace", "/*/*/throttling/burstLimit", "123"),
                ("replace", "/~1Items/POST/throttling/rateLimit", "1.5"),
            ],
        )
        .await;
    assert_eq!(patched.status, 200, "{}", patched.body);
    assert_eq!(patched.body["variables"], json!({ "colour": "red" }));
    assert_eq!(
        patched.body["methodSettings"]["*/*"],
        json!({
            "metricsEnabled": false,
            "dataTraceEnabled": false,
            "throttlingBurstLimit": 123,
            "throttlingRateLimit": 10000.0,
            "cachingEnabled": false,
            "cacheTtlInSeconds": 300,
            "cacheDataEncrypted": false,
            "requireAuthorizationForCacheControl": true,
            "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
        })
    );
    assert_eq!(
        patched.body["methodSettings"]["~1Items/POST"]["throttlingRateLimit"],
        1.5
    );
    let tags = aws.patch(&path, &[("replace", "/tags/a", "b")]).await;
    assert!(
        tags.text("message")
            .starts_with("Invalid method setting path: /tags/a. Must be one of: [/deploymentId, ")
    );
    aws.patch(&path, &[("remove", "/x/GET", "")]).await.is_bad(
        "Cannot remove method setting x/GET because there is no method setting for this method ",
    );
    aws.patch(&path, &[("replace", "/deploymentId", "nope")])
        .await
        .is_bad("Deployment id does not exist");
    assert_eq!(
        aws.patch(&path, &[("replace", "/*/*/throttling/rateLimit", "fast")])
            .await
            .status,
        400
    );
    assert_eq!(
        aws.patch(&path, &[("replace", "/variables/b-d", "x")])
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_key_is_one_of_a_kind_by_its_value() {
    let aws = Aws::new(Faults::default());
    let key = aws
        .post(
            "/apikeys",
            json!({ "name": "k", "value": KEY, "enabled": true, "customerId": "c" }),
        )
        .await;
    let id = key.id();
    assert_eq!(key.body["value"], KEY);
    assert_eq!(key.body["stageKeys"], json!([]));
    aws.post("/apikeys", json!({ "name": "other", "value": KEY }))
        .await
        .is(409, "ConflictException", "API Key already exists");
    let same_name = aws.post("/apikeys", json!({ "name": "k" })).await;
    assert_eq!(same_name.text("value").len(), 40);
    assert_eq!(same_name.body["enabled"], false);
    aws.post("/apikeys", json!({ "value": "short" }))
        .await
        .is_bad("API Key value should be at least 20 characters");
    aws.post("/apikeys", json!({ "value": "x".repeat(129) }))
        .await
        .is_bad("API Key value exceeds maximum size of 128 characters");
    let path = format!("/apikeys/{id}");
    assert_eq!(aws.get(&path).await.body.get("value"), None);
    assert_eq!(
        aws.get(&format!("{path}?includeValue=true")).await.body["value"],
        KEY
    );
    let of_customer = aws.get("/apikeys?customerId=c&includeValues=true").await;
    assert_eq!(of_customer.body["item"][0]["value"], KEY);
    assert_eq!(of_customer.body["item"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        aws.patch(&path, &[("replace", "/enabled", "false")])
            .await
            .body["enabled"],
        false
    );
    aws.patch(&path, &[("replace", "/value", "x")]).await.is_bad(
        "Invalid patch path  '/value' specified for op 'replace'. Must be one of: [/description, /enabled, /name, /customerId]",
    );
    assert_eq!(aws.delete(&path).await.status, 202);
    aws.delete(&path).await.is(
        404,
        "NotFoundException",
        "Invalid API Key identifier specified",
    );
}

#[tokio::test]
async fn a_plan_links_stages_and_keys() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(true).await;
    let missing = json!({ "name": "p", "apiStages": [{ "apiId": api.id, "stage": "Prod" }] });
    let message = format!("API Stage not found: {}:Prod", api.id);
    aws.post("/usageplans", missing.clone())
        .await
        .is(404, "NotFoundException", &message);
    api.deploy("Prod").await;
    let mut plan = missing;
    plan["throttle"] = json!({ "rateLimit": 100, "burstLimit": 20 });
    let created = aws.post("/usageplans", plan.clone()).await;
    let id = created.id();
    plan["id"] = json!(id);
    plan["throttle"] = json!({ "burstLimit": 20, "rateLimit": 100.0 });
    assert_eq!(created.body, plan);
    let path = format!("/usageplans/{id}");
    let key = aws.key(KEY).await;
    let link = json!({ "keyId": key, "keyType": "API_KEY" });
    let linked = aws.post(&format!("{path}/keys"), link.clone()).await;
    assert_eq!(
        linked.body,
        json!({ "id": key, "type": "API_KEY", "value": KEY, "name": "k" })
    );
    assert_eq!(
        aws.post(&format!("{path}/keys"), link.clone()).await.status,
        409
    );
    let other = aws
        .post(
            "/usageplans",
            json!({ "name": "p", "apiStages": plan["apiStages"] }),
        )
        .await
        .id();
    assert_eq!(
        aws.post(&format!("/usageplans/{other}/keys"), link)
            .await
            .status,
        409
    );
    let of_key = aws.get(&format!("/usageplans?keyId={key}")).await;
    assert_eq!(of_key.body["item"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn a_plan_is_patched_and_deleted() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(true).await;
    api.deploy("Prod").await;
    let key = aws.key(KEY).await;
    let stages = json!([{ "apiId": api.id, "stage": "Prod" }]);
    let throttle = json!({ "rateLimit": 100, "burstLimit": 20 });
    let plan = json!({ "name": "p", "apiStages": stages, "throttle": throttle });
    let id = aws.plan(plan, &key).await;
    let path = format!("/usageplans/{id}");
    let stage = format!("{}:Prod", api.id);
    let patched = aws
        .patch(
            &path,
            &[
                ("replace", "/throttle/rateLimit", "0.5"),
                (
                    "replace",
                    &format!("/apiStages/{stage}/throttle/~1Items/POST/rateLimit"),
                    "2",
                ),
                ("replace", "/quota/limit", "10"),
                ("replace", "/quota/period", "MONTH"),
            ],
        )
        .await;
    assert_eq!(
        patched.body["throttle"],
        json!({ "burstLimit": 20, "rateLimit": 0.5 }),
        "{}",
        patched.body
    );
    assert_eq!(
        patched.body["apiStages"][0]["throttle"],
        json!({ "/Items/POST": { "rateLimit": 2.0 } })
    );
    assert_eq!(
        patched.body["quota"],
        json!({ "limit": 10, "offset": 0, "period": "MONTH" })
    );
    let removed = aws
        .patch(
            &path,
            &[("remove", "/throttle", ""), ("remove", "/quota", "")],
        )
        .await;
    assert_eq!(removed.body.get("throttle"), None);
    for (op, of, value, status) in [
        ("add", "/apiStages", "", 400),
        ("add", "/apiStages", "nope:Prod", 404),
        ("add", "/apiStages", stage.as_str(), 409),
        ("remove", "/apiStages", "nope:Prod", 404),
        ("replace", "/quota/period", "YEAR", 400),
        ("replace", "/throttle/burstLimit", "1.5", 400),
        ("replace", "/throttle/rateLimit", "NaN", 400),
        ("replace", "/x", "1", 400),
    ] {
        assert_eq!(
            aws.patch(&path, &[(op, of, value)]).await.status,
            status,
            "{op} {of} {value}"
        );
    }
    let message = format!(
        "Cannot delete Usage Plan {id} because there are API Stages associated with it, including {}:Prod",
        api.id
    );
    aws.delete(&path).await.is_bad(&message);
    assert_eq!(aws.delete(&api.path("")).await.status, 202);
    assert_eq!(aws.get(&path).await.body["apiStages"], json!([]));
    assert_eq!(aws.delete(&path).await.status, 202);
    aws.delete(&format!("{path}/keys/{key}")).await.is(
        404,
        "NotFoundException",
        "Invalid Usage Plan ID specified",
    );
}

#[tokio::test]
async fn all_four_kinds_are_tagged() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    api.deploy("Prod").await;
    let key = aws.key(KEY).await;
    let plan = aws.post("/usageplans", json!({ "name": "p" })).await.id();
    for (resource, path) in [
        (format!("restapis/{}", api.id), api.path("")),
        (
            format!("restapis/{}/stages/Prod", api.id),
            api.path("/stages/Prod"),
        ),
        (format!("apikeys/{key}"), format!("/apikeys/{key}")),
        (format!("usageplans/{plan}"), format!("/usageplans/{plan}")),
    ] {
        let arn = format!("arn:aws:apigateway:eu-west-1::/{resource}");
        let encoded = arn.replace(':', "%3A").replace('/', "%2F");
        let tags = format!("/tags/{encoded}");
        let tagged = aws
            .put(&tags, json!({ "tags": { "a": "1", "b": "2" } }))
            .await;
        assert_eq!(tagged.status, 204, "{arn}");
        assert_eq!(aws.delete(&format!("{tags}?tagKeys=a")).await.status, 204);
        assert_eq!(aws.get(&tags).await.body, json!({ "tags": { "b": "2" } }));
        assert_eq!(aws.get(&path).await.body["tags"], json!({ "b": "2" }));
        assert_eq!(
            aws.put(&tags, json!({ "tags": { "a": "ä*" } }))
                .await
                .status,
            400
        );
    }
    assert_eq!(aws.get("/tags/arn%3Aaws%3Ax").await.status, 400);
    let gone = "/tags/arn%3Aaws%3Aapigateway%3Aeu-west-1%3A%3A%2Fapikeys%2Fnope";
    assert_eq!(aws.get(gone).await.status, 404);
}

#[tokio::test]
async fn models_responses_and_the_account_can_be_read() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    let models = aws.get(&api.path("/models")).await;
    assert_eq!(models.body["item"][0]["name"], "Empty");
    assert_eq!(models.body["item"][1]["name"], "Error");
    assert_eq!(aws.get(&api.path("/models/None")).await.status, 404);
    let responses = aws.get(&api.path("/gatewayresponses")).await;
    assert_eq!(responses.body["item"].as_array().map(Vec::len), Some(21));
    let account = aws
        .patch(
            "/account",
            &[("replace", "/cloudwatchRoleArn", "arn:aws:iam::0:role/r")],
        )
        .await;
    assert_eq!(account.body, aws.get("/account").await.body);
    assert_eq!(
        account.body["throttleSettings"],
        json!({ "burstLimit": 5000, "rateLimit": 10000.0 })
    );
}

#[tokio::test]
async fn what_aws_has_and_we_have_not_is_refused_by_name() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    let deployment = aws.post(&api.path("/deployments"), json!({})).await.id();
    let integration = api.method("/integration");
    let mock = |member: &str, value: Value| json!({ "type": "MOCK", member: value });
    for (method, path, body, what) in [
        (
            "POST",
            "/domainnames".to_owned(),
            json!({}),
            "CreateDomainName",
        ),
        ("GET", "/vpclinks/a".to_owned(), json!({}), "GetVpcLink"),
        (
            "DELETE",
            "/clientcertificates/a".to_owned(),
            json!({}),
            "DeleteClientCertificate",
        ),
        ("GET", api.path("/stages/a/sdks/ruby"), json!({}), "GetSdk"),
        (
            "POST",
            "/apikeys".to_owned(),
            json!({ "stageKeys": [{}] }),
            "stageKeys of API keys",
        ),
        (
            "POST",
            "/restapis".to_owned(),
            json!({ "name": "a", "cloneFrom": "b" }),
            "cloneFrom of REST APIs",
        ),
        (
            "POST",
            "/restapis".to_owned(),
            json!({ "name": "a", "securityPolicy": "TLS_1_2" }),
            "securityPolicy of REST APIs",
        ),
        (
            "POST",
            "/restapis".to_owned(),
            json!({ "name": "a", "endpointConfiguration": { "types": ["PRIVATE"], "vpcEndpointIds": ["vpce-1"] } }),
            "vpcEndpointIds of REST APIs",
        ),
        (
            "PUT",
            integration.clone(),
            mock("connectionType", json!("VPC_LINK")),
            "VPC links of integrations",
        ),
        (
            "PUT",
            integration.clone(),
            mock("tlsConfig", json!({ "insecureSkipVerification": true })),
            "tlsConfig of integrations",
        ),
        (
            "PUT",
            integration.clone(),
            mock("integrationTarget", json!("arn")),
            "integrationTarget of integrations",
        ),
        (
            "POST",
            api.path("/stages"),
            json!({ "stageName": "a", "deploymentId": deployment, "canarySettings": {} }),
            "canarySettings of stages",
        ),
    ] {
        aws.call(method, &path, body).await.is(
            501,
            "NotImplementedException",
            &format!("The local AWS does not support {what}"),
        );
    }
    let nowhere = aws.get("/nowhere").await;
    nowhere.is(404, "UnknownOperationException", "Unknown operation");
}

#[tokio::test]
async fn an_integration_is_patched_as_far_as_it_goes() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    let integration = api.method("/integration");
    for (path, what) in [
        ("/connectionType", "connectionType"),
        ("/tlsConfig/insecureSkipVerification", "tlsConfig"),
    ] {
        aws.patch(&integration, &[("replace", path, "x")]).await.is(
            501,
            "NotImplementedException",
            &format!("The local AWS does not support {what} of integrations"),
        );
    }
    let keyed = aws
        .patch(
            &integration,
            &[("add", "/cacheKeyParameters/method.request.header.a", "")],
        )
        .await;
    assert_eq!(
        keyed.body["cacheKeyParameters"],
        json!(["method.request.header.a"])
    );
}

#[tokio::test]
async fn a_model_writes_a_template_and_is_not_any_text() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    let schema = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let model = |name: &str, schema: &str| json!({ "name": name, "contentType": "application/json", "schema": schema });
    let path = api.path("/models");
    aws.post(&path, model("A", &schema.to_string())).await;
    let template = aws.get(&api.path("/models/A/default_template")).await;
    assert_eq!(
        template.body["value"],
        "#set($inputRoot = $input.path('$'))\n{\n  \"a\" : \"foo\"\n}"
    );
    aws.post(&path, model("a-b", "{}"))
        .await
        .is_bad("Model name must be alphanumeric: a-b");
    aws.post(&path, json!({ "name": "B", "schema": "{}" })).await.is(
        400,
        "ValidationException",
        "1 validation error detected: Value null at 'createModelInput.contentType' failed to satisfy constraint: Member must \
         not be null",
    );
}

#[tokio::test]
async fn a_validator_looks_at_what_the_content_types_model_says() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    let validators = api.path("/requestvalidators");
    let validator = aws
        .post(
            &validators,
            json!({ "name": "v", "validateRequestBody": true }),
        )
        .await
        .id();
    for (name, schema) in [
        ("Object", json!({ "type": "object" })),
        ("Text", json!({ "type": "string" })),
    ] {
        let model = json!({ "name": name, "contentType": "application/json", "schema": schema.to_string() });
        assert_eq!(aws.post(&api.path("/models"), model).await.status, 201);
    }
    let patched = aws
        .patch(
            &api.method(""),
            &[
                ("replace", "/requestValidatorId", &validator),
                ("add", "/requestModels/application~1json", "Object"),
                ("add", "/requestModels/$default", "Text"),
                ("add", "/requestParameters/method.request.header.x", "true"),
            ],
        )
        .await;
    assert_eq!(patched.body["requestValidatorId"], json!(validator));
    let template = (
        "add",
        "/requestTemplates/text~1plain",
        "{\"statusCode\": 200}",
    );
    aws.patch(&api.method("/integration"), &[template]).await;
    let in_use = aws.delete(&format!("{validators}/{validator}")).await;
    assert_eq!(in_use.status, 409);
    aws.post(&api.path("/deployments"), json!({ "stageName": "Prod" }))
        .await;
    // The header is required, but this validator does not look at parameters.
    for (kind, body, status) in [
        ("application/json", "{}", 200),
        ("application/json; charset=utf-8", "[]", 400),
        ("application/json", "\"a\"", 400),
        ("text/plain", "\"a\"", 200),
        ("text/plain", "{}", 400),
        ("text/plain", "a", 400),
    ] {
        let request = Request::post(format!("/restapis/{}/Prod/_user_request_/Items", api.id))
            .header("content-type", kind)
            .body(Bytes::from(body.to_owned()))
            .expect("a request");
        let response = aws.send(request).await;
        assert_eq!(response.status(), status, "{kind} {body}");
    }
}

#[tokio::test]
async fn refusals_have_the_form_that_the_api_gives_them() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(true).await;
    let family = json!({ "responseParameters": {
        "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
        "gatewayresponse.header.X-Id": "context.requestId",
    } });
    assert_eq!(
        aws.put(&api.path("/gatewayresponses/DEFAULT_4XX"), family)
            .await
            .status,
        201
    );
    let own = json!({ "statusCode": "418", "responseTemplates": {
        "application/json": "{\"no\":$context.error.messageString,\"type\":\"$context.error.responseType\"}",
    } });
    assert_eq!(
        aws.put(&api.path("/gatewayresponses/INVALID_API_KEY"), own)
            .await
            .status,
        201
    );
    for wrong in [
        json!({ "statusCode": "99" }),
        json!({ "responseParameters": { "method.response.header.a": "'b'" } }),
        json!({ "responseParameters": { "gatewayresponse.header.a": "b" } }),
        json!({ "responseTemplates": { "json": "{}" } }),
    ] {
        let path = api.path("/gatewayresponses/THROTTLED");
        assert_eq!(aws.put(&path, wrong.clone()).await.status, 400, "{wrong}");
    }
    aws.post(&api.path("/deployments"), json!({ "stageName": "Prod" }))
        .await;
    let send = |path: &str| {
        let request = Request::post(format!("/restapis/{}/Prod/_user_request_{path}", api.id))
            .body(Bytes::new())
            .expect("a request");
        aws.send(request)
    };
    let unknown = send("/none").await;
    assert_eq!(unknown.status(), 403);
    assert_eq!(unknown.headers()["access-control-allow-origin"], "*");
    assert_eq!(
        unknown.headers()["x-id"],
        unknown.headers()["x-amzn-requestid"]
    );
    let keyless = send("/Items").await;
    assert_eq!(keyless.status(), 418);
    assert_eq!(
        keyless.body(),
        "{\"no\":\"Forbidden\",\"type\":\"INVALID_API_KEY\"}"
    );
    assert!(
        !keyless
            .headers()
            .contains_key("access-control-allow-origin")
    );
}

#[tokio::test]
async fn keys_are_imported_from_a_file() {
    let aws = Aws::new(Faults::default());
    let plan = aws.post("/usageplans", json!({ "name": "p" })).await.id();
    let file = format!(
        "Name,key,enabled,usageplanIds\nfirst,{},true,\"{plan},nope\"\n",
        "a".repeat(20)
    );
    let strict = aws
        .raw(
            "POST",
            "/apikeys?mode=import&format=csv&failonwarnings=true",
            file.clone(),
        )
        .await;
    assert_eq!(strict.status, 400);
    let imported = aws
        .raw("POST", "/apikeys?mode=import&format=csv", file)
        .await;
    assert_eq!(imported.status, 201);
    assert_eq!(imported.body["warnings"].as_array().map(Vec::len), Some(1));
    let id = imported.body["ids"][0].as_str().expect("an id");
    let key = aws.get(&format!("/apikeys/{id}")).await;
    assert_eq!(
        (&key.body["name"], &key.body["enabled"]),
        (&json!("first"), &json!(true))
    );
    let linked = aws.get(&format!("/usageplans/{plan}/keys/{id}")).await;
    assert_eq!(linked.status, 200);
    let short = aws
        .raw("POST", "/apikeys?mode=import&format=csv", "name,key\na,b\n")
        .await;
    short.is_bad("API Key value should be at least 20 characters");
    let xml = aws.raw("POST", "/apikeys?mode=import&format=xml", "").await;
    xml.is(
        400,
        "ValidationException",
        "1 validation error detected: Value 'xml' at 'format' failed to satisfy constraint: Member must satisfy enum value \
         set: [csv]",
    );
}

#[tokio::test]
async fn what_is_left_of_a_quota_is_set() {
    let aws = Aws::new(Faults::default());
    let key = aws.key(&"k".repeat(20)).await;
    let plan = json!({ "name": "p", "quota": { "limit": 10, "period": "DAY" } });
    let plan = aws.post("/usageplans", plan).await.id();
    aws.post(
        &format!("/usageplans/{plan}/keys"),
        json!({ "keyId": key, "keyType": "API_KEY" }),
    )
    .await;
    let usage = format!("/usageplans/{plan}/keys/{key}/usage");
    let extended = aws.patch(&usage, &[("replace", "/remaining", "25")]).await;
    assert_eq!(extended.body["values"][&key], json!([[0, 25]]));
    let today = extended.text("startDate");
    let read = aws
        .get(&format!(
            "/usageplans/{plan}/usage?startDate={today}&endDate={today}"
        ))
        .await;
    assert_eq!(read.body["values"], extended.body["values"]);
    let wrong = aws.patch(&usage, &[("add", "/remaining", "25")]).await;
    assert_eq!(wrong.status, 400);
    let unknown = format!("/usageplans/{plan}/keys/nope/usage");
    let unknown = aws.patch(&unknown, &[("replace", "/remaining", "1")]).await;
    assert_eq!(unknown.status, 404);
}

#[tokio::test]
async fn callers_without_a_right_key_are_forbidden() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(true).await;
    api.deploy("Prod").await;
    let key = aws.key(KEY).await;
    let forbidden = |answer: Answer| answer.is(403, "ForbiddenException", "Forbidden");
    forbidden(api.items(None).await);
    forbidden(api.items(Some(KEY)).await);
    let stages = json!([{ "apiId": api.id, "stage": "Prod" }]);
    let plan = aws
        .plan(json!({ "name": "p", "apiStages": stages }), &key)
        .await;
    assert_eq!(api.items(Some(KEY)).await.status, 200);
    forbidden(api.items(Some("01234567890123456780")).await);
    aws.patch(
        &format!("/apikeys/{key}"),
        &[("replace", "/enabled", "false")],
    )
    .await;
    forbidden(api.items(Some(KEY)).await);
    aws.patch(
        &format!("/apikeys/{key}"),
        &[("replace", "/enabled", "true")],
    )
    .await;
    assert_eq!(api.items(Some(KEY)).await.status, 200);
    let stage = format!("{}:Prod", api.id);
    aws.patch(
        &format!("/usageplans/{plan}"),
        &[("remove", "/apiStages", &stage)],
    )
    .await;
    forbidden(api.items(Some(KEY)).await);
    aws.patch(
        &format!("/usageplans/{plan}"),
        &[("add", "/apiStages", &stage)],
    )
    .await;
    assert_eq!(api.items(Some(KEY)).await.status, 200);
    assert_eq!(
        aws.delete(&format!("/usageplans/{plan}/keys/{key}"))
            .await
            .status,
        202
    );
    forbidden(api.items(Some(KEY)).await);
}

#[tokio::test]
async fn what_is_not_there_is_told_as_on_aws() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    api.deploy("Prod").await;
    let found = api.request("/Prod/_user_request_/Items/", None).await;
    assert_eq!(found.status(), 200);
    for path in [
        "/Prod/_user_request_/items",
        "/Prod/_user_request_/",
        "/Prod/_user_request_/Items/x",
    ] {
        let response = api.request(path, None).await;
        for header in ["x-amzn-requestid", "x-amz-apigw-id"] {
            assert!(response.headers().contains_key(header), "{header}");
        }
        assert_eq!(response.headers()["content-type"], "application/json");
        answer(&response).is(
            403,
            "MissingAuthenticationTokenException",
            "Missing Authentication Token",
        );
    }
    let get = Request::get(api.path("/Prod/_user_request_/Items"))
        .body(Bytes::new())
        .expect("a request");
    answer(&aws.send(get).await).is(
        403,
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    );
    for path in ["/prod/_user_request_/Items", "/other/_user_request_/Items"] {
        answer(&api.request(path, None).await).is(403, "ForbiddenException", "Forbidden");
    }
    let host = |host: &str| {
        Request::post("/Prod/Items")
            .header(HOST, host.to_owned())
            .body(Bytes::new())
            .expect("a request")
    };
    let by_host = aws
        .send(host(&format!("{}.execute-api.localhost:4566", api.id)))
        .await;
    assert_eq!(by_host.status(), 200);
    let unknown = aws.send(host("nope.execute-api.localhost")).await;
    answer(&unknown).is(403, "ForbiddenException", "Forbidden");
    aws.patch(
        &api.path(""),
        &[("replace", "/disableExecuteApiEndpoint", "true")],
    )
    .await;
    assert_eq!(api.items(None).await.status, 200);
    api.deploy("Prod").await;
    api.items(None)
        .await
        .is(403, "ForbiddenException", "Forbidden");
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    api.deploy("Prod").await;
    let request = || Request::post(api.path("/Prod/_user_request_/Items"));
    let body = request()
        .body(Bytes::from(vec![b' '; 10 * 1024 * 1024 + 1]))
        .expect("a request");
    let long = answer(&aws.send(body).await);
    assert_eq!(
        (long.status, &long.body),
        (413, &json!({ "message": "Request Too Long" }))
    );
    let header = request()
        .header("x", "y".repeat(10_240))
        .body(Bytes::new())
        .expect("a request");
    assert_eq!(aws.send(header).await.status(), 431);
}

#[tokio::test]
async fn a_function_that_is_not_there_is_an_internal_error() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    aws.put(
        &api.method("/integration"),
        json!({ "type": "AWS_PROXY", "httpMethod": "POST", "uri": URI }),
    )
    .await;
    api.deploy("Prod").await;
    api.items(None)
        .await
        .is(500, "InternalServerErrorException", "Internal server error");
}

#[tokio::test(start_paused = true)]
async fn a_plan_throttles_each_key() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(true).await;
    api.deploy("Prod").await;
    let stages = json!([{ "apiId": api.id, "stage": "Prod" }]);
    let key = aws.key(KEY).await;
    let plan = json!({ "name": "p", "apiStages": stages, "throttle": { "rateLimit": 10, "burstLimit": 5 } });
    let plan = aws.plan(plan, &key).await;
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(api.items(Some(KEY)).await.status);
    }
    assert_eq!(statuses, [200, 200, 200, 200, 200, 429]);
    api.items(Some(KEY))
        .await
        .is(429, "TooManyRequestsException", "Too Many Requests");
    // A change elsewhere does not fill the bucket.
    aws.post("/apikeys", json!({ "name": "other" })).await;
    assert_eq!(api.items(Some(KEY)).await.status, 429);
    tokio::time::advance(Duration::from_millis(100)).await;
    assert_eq!(api.items(Some(KEY)).await.status, 200);
    assert_eq!(api.items(Some(KEY)).await.status, 429);
    let path = format!("/usageplans/{plan}");
    aws.patch(&path, &[("replace", "/throttle/rateLimit", "0")])
        .await;
    assert_eq!(api.items(Some(KEY)).await.status, 429);
    aws.patch(&path, &[("remove", "/throttle", "")]).await;
    assert_eq!(api.items(Some(KEY)).await.status, 200);
    let method = format!("/apiStages/{}:Prod/throttle/~1Items/POST/rateLimit", api.id);
    aws.patch(&path, &[("replace", &method, "0")]).await;
    assert_eq!(api.items(Some(KEY)).await.status, 429);
}

#[tokio::test(start_paused = true)]
async fn a_stage_throttles_a_method() {
    let aws = Aws::new(Faults::default());
    let api = aws.api(false).await;
    api.deploy("Prod").await;
    let stage = api.path("/stages/Prod");
    aws.patch(
        &stage,
        &[
            ("replace", "/~1Items/POST/throttling/burstLimit", "1"),
            ("replace", "/~1Items/POST/throttling/rateLimit", "1"),
        ],
    )
    .await;
    assert_eq!(api.items(None).await.status, 200);
    assert_eq!(api.items(None).await.status, 429);
    aws.patch(&stage, &[("remove", "/~1Items/POST", "")]).await;
    assert_eq!(api.items(None).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_quota_ends_and_its_use_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = || Some(folder.path().to_owned());
    let aws = Aws::of(path(), Faults::default());
    let api = aws.api(true).await;
    api.deploy("Prod").await;
    let key = aws.key(KEY).await;
    let stages = json!([{ "apiId": api.id, "stage": "Prod" }]);
    let plan =
        json!({ "name": "p", "apiStages": stages, "quota": { "limit": 3, "period": "MONTH" } });
    let plan = aws.plan(plan, &key).await;
    for _ in 0..3 {
        assert_eq!(api.items(Some(KEY)).await.status, 200);
    }
    api.items(Some(KEY))
        .await
        .is(429, "LimitExceededException", "Limit Exceeded");
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (id, root, resource) = (api.id.clone(), api.root.clone(), api.resource.clone());
    drop(api);
    drop(aws);
    let aws = Aws::of(path(), Faults::default());
    let api = Api {
        aws: &aws,
        id,
        root,
        resource,
    };
    assert_eq!(api.items(Some(KEY)).await.status, 429);
    let range = "startDate=2020-01-01&endDate=2020-01-02";
    let usage = aws.get(&format!("/usageplans/{plan}/usage?{range}")).await;
    assert_eq!(usage.body["values"][&key], json!([[0, 3], [0, 3]]));
    assert_eq!(
        aws.get(&format!(
            "/usageplans/{plan}/usage?startDate=x&endDate=2020-01-01"
        ))
        .await
        .status,
        400
    );
    aws.patch(
        &format!("/usageplans/{plan}"),
        &[("replace", "/quota/limit", "4")],
    )
    .await;
    assert_eq!(api.items(Some(KEY)).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_is_new_shows_after_a_while() {
    let aws = Aws::new(Faults {
        visibility_ms: 1_000,
        key_propagation_ms: 5_000,
        deployment_propagation_ms: 3_000,
        ..Faults::default()
    });
    let api = aws.api(true).await;
    assert_eq!(aws.get(&api.path("")).await.status, 404);
    assert_eq!(aws.get("/restapis").await.body["item"], json!([]));
    let key = aws.key(KEY).await;
    assert_eq!(aws.get(&format!("/apikeys/{key}")).await.status, 404);
    api.deploy("Prod").await;
    let stages = json!([{ "apiId": api.id, "stage": "Prod" }]);
    let plan = aws
        .plan(json!({ "name": "p", "apiStages": stages }), &key)
        .await;
    assert_eq!(aws.get(&format!("/usageplans/{plan}")).await.status, 404);
    api.items(Some(KEY)).await.is(
        403,
        "MissingAuthenticationTokenException",
        "Missing Authentication Token",
    );
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(aws.get(&api.path("")).await.status, 200);
    api.items(Some(KEY))
        .await
        .is(403, "ForbiddenException", "Forbidden");
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(api.items(Some(KEY)).await.status, 200);
    // A moved stage serves what it served before.
    aws.patch(&api.method(""), &[("replace", "/apiKeyRequired", "false")])
        .await;
    api.deploy("Prod").await;
    assert_eq!(api.items(None).await.status, 403);
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(api.items(None).await.status, 200);
}
