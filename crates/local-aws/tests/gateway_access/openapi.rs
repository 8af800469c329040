//! APIs from and as definitions.

use serde_json::{Value, json};

use super::harness::{ACCOUNT, Aws, policy, uri};

async fn aws() -> Aws {
    Aws::new(|_| Ok(json!({ "principalId": "me", "policyDocument": policy("Allow", "*") }))).await
}

/// With models, a validator, keys, an authorizer and integrations.
fn shop() -> Value {
    json!({
        "openapi": "3.0.1",
        "info": { "title": "shop", "version": "1.0", "description": "A shop" },
        "security": [{ "auth": [] }],
        "x-amazon-apigateway-request-validators": {
            "all": { "validateRequestBody": true, "validateRequestParameters": true },
        },
        "x-amazon-apigateway-request-validator": "all",
        "x-amazon-apigateway-binary-media-types": ["image/png"],
        "x-amazon-apigateway-minimum-compression-size": 1024,
        "x-amazon-apigateway-gateway-responses": {
            "DEFAULT_4XX": { "responseParameters": { "gatewayresponse.header.x-a": "'b'" } },
        },
        "paths": {
            "/orders/{id}": {
                "parameters": [{ "$ref": "#/components/parameters/page" }],
                "get": {
                    "operationId": "GetOrder",
                    "responses": { "200": {
                        "description": "ok",
                        "headers": { "X-A": { "schema": { "type": "string" } } },
                        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Order" } } },
                    } },
                    "x-amazon-apigateway-integration": {
                        "type": "aws_proxy", "httpMethod": "POST", "uri": uri("echo"), "timeoutInMillis": 5000,
                    },
                },
                "post": {
                    "security": [{ "api_key": [] }],
                    "requestBody": { "content": {
                        "application/json": { "schema": { "$ref": "#/components/schemas/Order" } },
                    } },
                    "responses": { "default": { "description": "any" } },
                    "x-amazon-apigateway-integration": {
                        "type": "AWS_PROXY", "httpMethod": "POST", "uri": uri("echo"),
                    },
                },
            },
            "/{proxy+}": { "x-amazon-apigateway-any-method": {
                "security": [],
                "responses": { "204": { "description": "none" } },
                "x-amazon-apigateway-integration": {
                    "type": "mock",
                    "requestTemplates": { "application/json": "{\"statusCode\": 204}" },
                    "passthroughBehavior": "when_no_templates",
                    "responses": { "default": { "statusCode": "204" } },
                },
            } },
        },
        "components": {
            "parameters": { "page": {
                "name": "page", "in": "query", "schema": { "type": "string" },
            } },
            "schemas": {
                "Order": { "type": "object", "properties": { "items": {
                    "type": "array", "items": { "$ref": "#/components/schemas/Item" },
                } } },
                "Item": { "type": "string", "description": "A thing" },
            },
            "securitySchemes": {
                "api_key": { "type": "apiKey", "name": "x-api-key", "in": "header" },
                "auth": {
                    "type": "apiKey", "name": "Authorization", "in": "header",
                    "x-amazon-apigateway-authtype": "custom",
                    "x-amazon-apigateway-authorizer": {
                        "type": "token", "authorizerUri": uri("auth"), "authorizerResultTtlInSeconds": 60,
                    },
                },
            },
        },
    })
}

async fn imported(aws: &Aws, definition: &Value) -> Value {
    let answer = aws.call("POST", "/restapis?mode=import", definition).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

async fn resource(aws: &Aws, api: &str, path: &str) -> Value {
    let path_of = format!("/restapis/{api}/resources?embed=methods&limit=500");
    let resources = aws.get(&path_of).await;
    let items = resources["item"].as_array().expect("a list");
    let found = items.iter().find(|item| item["path"] == path);
    found
        .unwrap_or_else(|| panic!("no {path} in {resources}"))
        .clone()
}

async fn paths(aws: &Aws, api: &str) -> Vec<String> {
    let resources = aws
        .get(&format!("/restapis/{api}/resources?limit=500"))
        .await;
    let items = resources["item"].as_array().expect("a list");
    items
        .iter()
        .map(|item| item["path"].as_str().expect("a path").to_owned())
        .collect()
}

#[tokio::test]
async fn a_definition_becomes_an_api() {
    let aws = aws().await;
    let api = imported(&aws, &shop()).await;
    for (member, expected) in [
        ("name", json!("shop")),
        ("version", json!("1.0")),
        ("description", json!("A shop")),
        ("binaryMediaTypes", json!(["image/png"])),
        ("minimumCompressionSize", json!(1024)),
        ("apiKeySource", json!("HEADER")),
    ] {
        assert_eq!(api[member], expected, "{member}");
    }
    for absent in ["tags", "warnings", "policy"] {
        assert_eq!(api.get(absent), None, "{absent}");
    }
    let id = api["id"].as_str().expect("an id");
    assert_eq!(
        paths(&aws, id).await,
        ["/", "/orders", "/orders/{id}", "/{proxy+}"]
    );
    let authorizers = aws.get(&format!("/restapis/{id}/authorizers")).await;
    let authorizer = &authorizers["item"][0];
    assert_eq!(authorizer["name"], "auth");
    assert_eq!(authorizer["type"], "TOKEN");
    assert_eq!(
        authorizer["identitySource"],
        "method.request.header.Authorization"
    );
    let methods = resource(&aws, id, "/orders/{id}").await["resourceMethods"].clone();
    let get = &methods["GET"];
    assert_eq!(get["authorizationType"], "CUSTOM");
    assert_eq!(get["authorizerId"], authorizer["id"]);
    assert_eq!(get["operationName"], "GetOrder");
    assert_eq!(
        get["requestParameters"],
        json!({ "method.request.path.id": true, "method.request.querystring.page": false })
    );
    assert_eq!(
        get["methodResponses"]["200"],
        json!({
            "statusCode": "200",
            "responseParameters": { "method.response.header.X-A": false },
            "responseModels": { "application/json": "Order" },
        })
    );
    assert_eq!(get["methodIntegration"]["type"], "AWS_PROXY");
    assert_eq!(get["methodIntegration"]["timeoutInMillis"], 5000);
    assert_eq!(
        get["methodIntegration"]["passthroughBehavior"],
        "WHEN_NO_MATCH"
    );
    let post = &methods["POST"];
    assert_eq!(post["authorizationType"], "NONE");
    assert_eq!(post["apiKeyRequired"], true);
    assert_eq!(
        post["requestModels"],
        json!({ "application/json": "Order" })
    );
    assert_eq!(post.get("methodResponses"), None);
    let any = &resource(&aws, id, "/{proxy+}").await["resourceMethods"]["ANY"];
    assert_eq!(any["authorizationType"], "NONE");
    assert_eq!(
        any["methodIntegration"]["integrationResponses"]["204"],
        json!({ "statusCode": "204" })
    );
    let validators = aws.get(&format!("/restapis/{id}/requestvalidators")).await;
    assert_eq!(validators["item"][0]["name"], "all");
    assert_eq!(any["requestValidatorId"], validators["item"][0]["id"]);
    let response = aws
        .get(&format!("/restapis/{id}/gatewayresponses/DEFAULT_4XX"))
        .await;
    assert_eq!(
        response["responseParameters"],
        json!({ "gatewayresponse.header.x-a": "'b'" })
    );
    aws.deploy(id).await;
    let answer = aws.request(id, "/any/thing", &[]).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let token = [("authorization", "x")];
    let answer = aws.request(id, "/orders/1", &token).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(aws.request(id, "/orders/1", &[]).await.status, 401);
}

#[tokio::test]
async fn models_lead_to_each_other() {
    let aws = aws().await;
    let api = imported(&aws, &shop()).await;
    let id = api["id"].as_str().expect("an id");
    let models = aws.get(&format!("/restapis/{id}/models")).await;
    let names: Vec<&str> = models["item"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|model| model["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["Item", "Order"]);
    assert_eq!(models["item"][0]["description"], "A thing");
    let schema = models["item"][1]["schema"].as_str().expect("a schema");
    let schema: Value = serde_json::from_str(schema).expect("JSON");
    assert_eq!(
        schema.pointer("/properties/items/items/$ref"),
        Some(&json!(format!(
            "https://apigateway.amazonaws.com/restapis/{id}/models/Item"
        )))
    );
}

#[tokio::test]
async fn a_definition_is_written_in_yaml_too() {
    let aws = aws().await;
    let text = format!(
        "\
swagger: '2.0'
info:
  title: yaml
  version: 1
basePath: /base/v1
paths:
  /a:
    get:
      responses:
        200:
          description: ok
          headers:
            X-A:
              type: string
      x-amazon-apigateway-integration:
        type: aws_proxy
        httpMethod: POST
        uri: {}
",
        uri("echo")
    );
    for (query, expected) in [
        ("", &["/", "/a"][..]),
        ("&basepath=ignore", &["/", "/a"]),
        (
            "&basepath=prepend",
            &["/", "/base", "/base/v1", "/base/v1/a"],
        ),
        ("&basepath=split", &["/", "/v1", "/v1/a"]),
    ] {
        let path = format!("/restapis?mode=import{query}");
        let answer = aws.text("POST", &path, &text).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let api = answer.json();
        assert_eq!(api["version"], "1");
        assert_eq!(
            paths(&aws, api["id"].as_str().expect("an id")).await,
            expected
        );
    }
}

#[tokio::test]
async fn what_is_no_definition_is_refused() {
    let aws = aws().await;
    for text in [
        "{'key:value}",
        "",
        "[]",
        "{\"name\": \"a\"}",
        "test:\n  value:\n    - \"x ... \\\"e\\\": $v\"}\n",
    ] {
        for (method, path) in [("POST", "/restapis?mode=import"), ("PUT", "/restapis/none")] {
            let answer = aws.text(method, path, text).await;
            answer.is_bad("Invalid OpenAPI input.");
        }
    }
    let none = aws.call("PUT", "/restapis/none", &shop()).await;
    none.is(
        404,
        "NotFoundException",
        &json!({ "message": format!("Invalid API identifier specified {ACCOUNT}:none") }),
    );
}

#[tokio::test]
async fn all_that_is_wrong_is_told_and_nothing_is_made() {
    let aws = aws().await;
    let integration = |uri: &str| {
        json!({ "responses": {}, "x-amazon-apigateway-integration": {
            "type": "aws_proxy", "httpMethod": "POST", "uri": uri,
        } })
    };
    let definition = json!({
        "openapi": "3.0.1",
        "info": { "title": "wrong" },
        "paths": {
            "/a": { "get": integration("arn:aws:lambda:eu-west-1:000000000000:function:f") },
            "/b": { "post": integration("x") },
        },
    });
    let answer = aws.call("POST", "/restapis?mode=import", &definition).await;
    answer.is_bad(
        "Errors found during import:\n\tUnable to put integration on 'GET' for resource at path '/a': AWS ARN for \
         integration must contain path or action\n\tUnable to put integration on 'POST' for resource at path '/b': \
         Invalid ARN specified in the request",
    );
    assert_eq!(aws.get("/restapis").await, json!({ "item": [] }));
    let cookie = json!({
        "openapi": "3.0.1",
        "info": { "title": "warned" },
        "paths": { "/a": { "get": {
            "parameters": [{ "name": "c", "in": "cookie", "schema": {} }], "responses": {},
        } } },
    });
    let warning = "Ignoring the parameter 'c' in cookie of method 'GET' for resource at path '/a'";
    let answer = aws
        .call("POST", "/restapis?mode=import&failonwarnings=true", &cookie)
        .await;
    answer.is_bad(&format!("Warnings found during import:\n\t{warning}"));
    let api = imported(&aws, &cookie).await;
    assert_eq!(api["warnings"], json!([warning]));
}

#[tokio::test]
async fn a_put_merges_or_overwrites() {
    let aws = aws().await;
    let made = json!({ "name": "a", "description": "d", "binaryMediaTypes": ["image/heif"] });
    let api = aws.ok("POST", "/restapis", made).await;
    let id = api["id"].as_str().expect("an id").to_owned();
    let root = api["rootResourceId"].as_str().expect("an id");
    let path = format!("/restapis/{id}/resources/{root}");
    aws.ok("POST", &path, json!({ "pathPart": "own" })).await;
    let definition = |name: &str, path: &str| {
        json!({
            "swagger": "2.0",
            "info": { "title": name, "version": "2" },
            "x-amazon-apigateway-binary-media-types": ["image/png"],
            "paths": { path: { "get": {
                "responses": {},
                "x-amazon-apigateway-integration": {
                    "type": "aws_proxy", "httpMethod": "POST", "uri": uri("echo"),
                },
            } } },
        })
    };
    let own = format!("/restapis/{id}");
    let merged = aws.ok("PUT", &own, definition("b", "/a")).await;
    assert_eq!(merged["name"], "b");
    assert_eq!(merged["description"], "d");
    assert_eq!(merged["version"], "2");
    assert_eq!(
        merged["binaryMediaTypes"],
        json!(["image/heif", "image/png"])
    );
    assert_eq!(merged["tags"], json!({}));
    assert_eq!(paths(&aws, &id).await, ["/", "/a", "/own"]);
    let before = resource(&aws, &id, "/a").await["id"].clone();
    let path = format!("{own}?mode=overwrite");
    let overwritten = aws.ok("PUT", &path, definition("c", "/a/{b}")).await;
    assert_eq!(overwritten.get("description"), None);
    assert_eq!(overwritten["binaryMediaTypes"], json!(["image/png"]));
    assert_eq!(overwritten["rootResourceId"], api["rootResourceId"]);
    assert_eq!(paths(&aws, &id).await, ["/", "/a", "/a/{b}"]);
    let a = resource(&aws, &id, "/a").await;
    assert_eq!(a["id"], before);
    assert_eq!(a.get("resourceMethods"), None);
    let wrong = format!("{own}?mode=other");
    let answer = aws.call("PUT", &wrong, &definition("d", "/a")).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn an_import_says_who_may_call() {
    let aws = aws().await;
    let integration = json!({ "type": "aws_proxy", "httpMethod": "POST", "uri": uri("echo") });
    let definition = json!({
        "openapi": "3.0.1",
        "info": { "title": "closed" },
        "x-amazon-apigateway-policy": { "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke",
            "Resource": "execute-api:/*/GET/open",
        }] },
        "paths": {
            "/open": { "get": { "x-amazon-apigateway-integration": integration } },
            "/shut": { "get": { "x-amazon-apigateway-integration": integration } },
            "/iam": { "get": {
                "security": [{ "sigv4": [] }], "x-amazon-apigateway-integration": integration,
            } },
        },
        "components": { "securitySchemes": { "sigv4": {
            "type": "apiKey", "name": "Authorization", "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        } } },
    });
    let path = "/restapis?mode=import&endpointConfigurationTypes=REGIONAL";
    let api = aws.ok("POST", path, definition).await;
    assert_eq!(
        api["endpointConfiguration"],
        json!({ "types": ["REGIONAL"], "ipAddressType": "ipv4" })
    );
    let id = api["id"].as_str().expect("an id");
    let iam = &resource(&aws, id, "/iam").await["resourceMethods"]["GET"];
    assert_eq!(iam["authorizationType"], "AWS_IAM");
    aws.deploy(id).await;
    assert_eq!(aws.request(id, "/open", &[]).await.status, 200);
    assert_eq!(aws.request(id, "/shut", &[]).await.status, 403);
}

#[tokio::test]
async fn a_stage_is_exported_and_imported_again() {
    let aws = aws().await;
    let api = imported(&aws, &shop()).await;
    let id = api["id"].as_str().expect("an id");
    aws.deploy(id).await;
    let exports = format!("/restapis/{id}/stages/Prod/exports");
    for (kind, schemas, schemes) in [
        (
            "oas30",
            "/components/schemas",
            "/components/securitySchemes",
        ),
        ("swagger", "/definitions", "/securityDefinitions"),
    ] {
        let plain = aws.get(&format!("{exports}/{kind}")).await;
        let get = &plain["paths"]["/orders/{id}"]["get"];
        assert_eq!(get["operationId"], "GetOrder");
        assert_eq!(get["security"], json!([{ "auth": [] }]));
        assert_eq!(get.get("x-amazon-apigateway-integration"), None);
        assert!(
            plain
                .pointer(schemas)
                .is_some_and(|it| it.get("Item").is_some())
        );
        let scheme = plain.pointer(schemes).expect("schemes")["auth"].clone();
        assert_eq!(scheme.get("x-amazon-apigateway-authorizer"), None);
        let path = format!("{exports}/{kind}?extensions=integrations,authorizers");
        let full = aws.get(&path).await;
        assert_eq!(full.get("x-amazon-apigateway-binary-media-types"), None);
        let path = format!("{exports}/{kind}?extensions=apigateway");
        let answer = aws.call("GET", &path, &Value::Null).await;
        assert_eq!(answer.headers["content-type"], "application/octet-stream");
        assert_eq!(
            answer.headers["content-disposition"],
            format!("attachment; filename=\"{kind}_1.0.json\"").as_str()
        );
        let full = answer.json();
        let integration = &full["paths"]["/orders/{id}"]["get"]["x-amazon-apigateway-integration"];
        assert_eq!(integration["type"], "aws_proxy");
        assert_eq!(integration["passthroughBehavior"], "when_no_match");
        assert_eq!(integration["timeoutInMillis"], 5000);
        assert_eq!(
            full["x-amazon-apigateway-binary-media-types"],
            json!(["image/png"])
        );
        // What is exported says all that there is.
        let again = imported(&aws, &full).await;
        let again = again["id"].as_str().expect("an id");
        aws.deploy(again).await;
        let path = format!("/restapis/{again}/stages/Prod/exports/{kind}?extensions=apigateway");
        let mut second = aws.get(&path).await;
        let first = full.to_string().replace(id, "API");
        second = serde_json::from_str(&second.to_string().replace(again, "API")).expect("JSON");
        assert_eq!(second, serde_json::from_str::<Value>(&first).expect("JSON"));
    }
}

#[tokio::test]
async fn an_export_is_written_in_yaml_too() {
    let aws = aws().await;
    let api = imported(&aws, &shop()).await;
    let id = api["id"].as_str().expect("an id");
    aws.deploy(id).await;
    let path = format!("/restapis/{id}/stages/Prod/exports/oas30?extensions=apigateway");
    let json = aws.get(&path).await;
    let request = http::Request::get(&path)
        .header("accept", "application/yaml")
        .header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261124/eu-west-1/apigateway/aws4_request, \
                 SignedHeaders=host, Signature=00"
            ),
        )
        .body(bytes::Bytes::new())
        .expect("a request");
    let yaml = aws.send(request).await;
    assert!(
        yaml.text.starts_with("---\nopenapi: \"3.0.1\"\n"),
        "{}",
        yaml.text
    );
    assert_eq!(
        yaml.headers["content-disposition"],
        "attachment; filename=\"oas30_1.0.yaml\""
    );
    let again = aws
        .text("POST", "/restapis?mode=import", &yaml.text)
        .await
        .json();
    let again = again["id"].as_str().expect("an id");
    aws.deploy(again).await;
    let path = format!("/restapis/{again}/stages/Prod/exports/oas30?extensions=apigateway");
    let second = aws.get(&path).await.to_string().replace(again, "API");
    let second: Value = serde_json::from_str(&second).expect("JSON");
    let first: Value = serde_json::from_str(&json.to_string().replace(id, "API")).expect("JSON");
    assert_eq!(second, first);
}

#[tokio::test]
async fn an_import_can_leave_documentation_out() {
    let aws = aws().await;
    let mut definition = shop();
    definition["x-amazon-apigateway-documentation"] = json!({ "documentationParts": [
        { "location": { "type": "API" }, "properties": { "description": "d" } },
        { "location": { "type": "PATH_PARAMETER", "path": "/orders/{id}", "name": "id" }, "properties": {} },
    ] });
    for (query, parts) in [("", 2), ("&ignore=documentation", 0)] {
        let path = format!("/restapis?mode=import{query}");
        let api = aws.ok("POST", &path, definition.clone()).await;
        let id = api["id"].as_str().expect("an id");
        let path = format!("/restapis/{id}/documentation/parts");
        let listed = aws.get(&path).await;
        assert_eq!(listed["item"].as_array().map(Vec::len), Some(parts));
    }
}

#[tokio::test]
async fn an_export_has_its_forms() {
    let aws = aws().await;
    let api = imported(
        &aws,
        &json!({
            "swagger": "2.0", "info": { "title": "pets", "version": "1.0.0" },
            "paths": { "/pets/{petId}": { "get": {
                "responses": { "200": { "description": "200 response" } },
                "x-amazon-apigateway-integration": {
                    "type": "mock", "responses": { "default": { "statusCode": "200" } },
                    "requestTemplates": { "application/json": "{\"statusCode\": 200}" },
                    "passthroughBehavior": "when_no_match",
                },
            } } },
        }),
    )
    .await;
    let id = api["id"].as_str().expect("an id");
    aws.deploy(id).await;
    let exports = format!("/restapis/{id}/stages/Prod/exports");
    let host = format!("{id}.execute-api.eu-west-1.amazonaws.com");
    assert_eq!(
        aws.get(&format!("{exports}/swagger")).await,
        json!({
            "swagger": "2.0",
            "info": { "version": "1.0.0", "title": "pets" },
            "host": host,
            "basePath": "/Prod",
            "schemes": ["https"],
            "paths": { "/pets/{petId}": { "get": {
                "consumes": ["application/json"],
                "parameters": [{ "name": "petId", "in": "path", "required": true, "type": "string" }],
                "responses": { "200": { "description": "200 response" } },
            } } },
        })
    );
    assert_eq!(
        aws.get(&format!("{exports}/oas30?extensions=integrations"))
            .await,
        json!({
            "openapi": "3.0.1",
            "info": { "version": "1.0.0", "title": "pets" },
            "servers": [{
                "url": format!("https://{host}/{{basePath}}"),
                "variables": { "basePath": { "default": "Prod" } },
            }],
            "paths": { "/pets/{petId}": { "get": {
                "parameters": [{
                    "name": "petId", "in": "path", "required": true, "schema": { "type": "string" },
                }],
                "responses": { "200": { "description": "200 response", "content": {} } },
                "x-amazon-apigateway-integration": {
                    "type": "mock", "responses": { "default": { "statusCode": "200" } },
                    "requestTemplates": { "application/json": "{\"statusCode\": 200}" },
                    "passthroughBehavior": "when_no_match",
                },
            } } },
            "components": {},
        })
    );
    for (path, status, message) in [
        (
            format!("{exports}/raml"),
            400,
            "No API exporter for type 'raml'",
        ),
        (
            format!("{exports}/oas30?extensions=postman"),
            400,
            "The local AWS does not support the extension 'postman' of exports",
        ),
        (
            format!("/restapis/{id}/stages/none/exports/oas30"),
            404,
            "Invalid stage identifier specified",
        ),
    ] {
        let answer = aws.call("GET", &path, &Value::Null).await;
        assert_eq!(
            (answer.status, answer.json()["message"].as_str()),
            (status, Some(message))
        );
    }
}
