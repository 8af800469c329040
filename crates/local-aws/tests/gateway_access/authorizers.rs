//! Lambda authorizers: what is kept of them, when they are called, and what follows from their answers.

use local_aws::FunctionError;
use serde_json::{Value, json};

use super::harness::{ACCOUNT, Aws, policy, uri};

/// By the token, or the header `x-who`: what an authorizer may answer.
fn answer(event: &Value) -> Result<Value, FunctionError> {
    let token = event["authorizationToken"]
        .as_str()
        .or(event["headers"]["x-who"].as_str())
        .unwrap_or_default();
    let fails = |message: &str| {
        Err(FunctionError {
            error_type: "Error".to_owned(),
            message: message.to_owned(),
        })
    };
    let answers = |effect, resource: &str| {
        Ok(json!({ "principalId": "me", "policyDocument": policy(effect, resource) }))
    };
    let arn = event["methodArn"].as_str().expect("an ARN");
    match token {
        "allow" => answers("Allow", arn),
        "deny" => answers("Deny", "*"),
        "other" => answers("Allow", &arn.replace("/GET/", "/POST/")),
        "all" => answers("Allow", "*"),
        "context" => Ok(json!({
            "principalId": "me", "policyDocument": policy("Allow", "*"),
            "context": { "text": "a", "number": 1, "flag": true },
        })),
        "nested" => Ok(json!({
            "principalId": "me", "policyDocument": policy("Allow", "*"), "context": { "a": {} },
        })),
        "key" => Ok(json!({
            "principalId": "me", "policyDocument": policy("Allow", "*"),
            "usageIdentifierKey": "a-key-of-twenty-characters",
        })),
        "unauthorized" => fails("Unauthorized"),
        "null" => Ok(Value::Null),
        _ => fails("Internal trouble"),
    }
}

#[tokio::test]
async fn an_authorizer_is_kept_and_changed() {
    let aws = Aws::new(answer).await;
    let api = aws.api(json!({}), json!({})).await;
    let path = format!("/restapis/{api}/authorizers");
    let made = aws
        .ok(
            "POST",
            &path,
            json!({
                "name": "auth", "type": "TOKEN", "authorizerUri": uri("auth"),
                "identitySource": "method.request.header.Authorization",
                "authorizerResultTtlInSeconds": 60,
            }),
        )
        .await;
    let id = made["id"].as_str().expect("an id");
    let expected = json!({
        "id": id, "name": "auth", "type": "TOKEN", "authType": "custom", "authorizerUri": uri("auth"),
        "identitySource": "method.request.header.Authorization", "authorizerResultTtlInSeconds": 60,
    });
    assert_eq!(made, expected);
    let own = format!("{path}/{id}");
    assert_eq!(aws.get(&own).await, expected);
    assert_eq!(aws.get(&path).await, json!({ "item": [expected] }));
    let patch = json!({ "patchOperations": [
        { "op": "replace", "path": "/name", "value": "other" },
        { "op": "replace", "path": "/authorizerResultTtlInSeconds", "value": "0" },
    ] });
    let changed = aws.ok("PATCH", &own, patch).await;
    assert_eq!(changed["name"], "other");
    assert_eq!(changed["authorizerResultTtlInSeconds"], 0);
    let wrong = json!({ "patchOperations": [{ "op": "add", "path": "/name", "value": "x" }] });
    assert_eq!(aws.call("PATCH", &own, &wrong).await.status, 400);
    // A method needs it.
    let method = aws.method_path(&api).await;
    let patch = json!({ "patchOperations": [
        { "op": "replace", "path": "/authorizationType", "value": "CUSTOM" },
        { "op": "replace", "path": "/authorizerId", "value": id },
    ] });
    let changed = aws.ok("PATCH", &method, patch).await;
    assert_eq!(changed["authorizerId"], id);
    aws.call("DELETE", &own, &Value::Null).await.is(
        409,
        "ConflictException",
        &json!({ "message": "Cannot delete authorizer 'other', is referenced in method: ANY//{proxy+}" }),
    );
    let patch = json!({ "patchOperations": [
        { "op": "replace", "path": "/authorizationType", "value": "NONE" },
    ] });
    let changed = aws.ok("PATCH", &method, patch).await;
    assert_eq!(changed.get("authorizerId"), None);
    assert_eq!(aws.call("DELETE", &own, &Value::Null).await.status, 202);
    aws.call("GET", &own, &Value::Null).await.is(
        404,
        "NotFoundException",
        &json!({ "message": "Invalid Authorizer identifier specified" }),
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_authorizer_is_refused() {
    let aws = Aws::new(answer).await;
    let api = aws.api(json!({}), json!({})).await;
    let path = format!("/restapis/{api}/authorizers");
    let input = |changes: &Value| {
        let mut input = json!({
            "name": "auth", "type": "TOKEN", "authorizerUri": uri("auth"),
            "identitySource": "method.request.header.Authorization",
        });
        for (name, value) in changes.as_object().expect("an object") {
            input[name] = value.clone();
        }
        input
    };
    let refused = aws
        .call("POST", &path, &input(&json!({ "name": null })))
        .await;
    assert_eq!(
        refused.json()["message"],
        "1 validation error detected: Value null at 'createAuthorizerInput.name' failed to satisfy constraint: Member must \
         not be null"
    );
    let cognito = json!({ "type": "COGNITO_USER_POOLS", "providerARNs": ["a"] });
    aws.call("POST", &path, &input(&cognito))
        .await
        .is_bad("The local AWS does not support authorizers of type COGNITO_USER_POOLS");
    let arn = format!("arn:aws:lambda:eu-west-1:{ACCOUNT}:function:auth");
    aws.call("POST", &path, &input(&json!({ "authorizerUri": arn })))
        .await
        .is_bad(&format!(
            "Invalid Authorizer URI: {arn}. Authorizer URI should be a valid API Gateway ARN that represents a Lambda \
             function invocation."
        ));
    aws.call("POST", "/restapis/none/authorizers", &input(&json!({})))
        .await
        .is(
            409,
            "ConflictException",
            &json!({
                "message": "Unable to complete operation due to concurrent modification. Please try again later.",
            }),
        );
    aws.call("GET", "/restapis/none/authorizers", &Value::Null)
        .await
        .is(
            404,
            "NotFoundException",
            &json!({ "message": format!("Invalid API identifier specified {ACCOUNT}:none") }),
        );
    let method = aws.method_path(&api).await;
    let patch = json!({ "patchOperations": [
        { "op": "replace", "path": "/authorizationType", "value": "CUSTOM" },
        { "op": "replace", "path": "/authorizerId", "value": "abc123" },
    ] });
    aws.call("PATCH", &method, &patch).await.is_bad(
        "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid \
         authorizer.",
    );
}

#[tokio::test]
async fn a_token_lets_pass() {
    let aws = Aws::new(answer).await;
    let api = aws.authorized(json!({}), json!({}), json!({})).await;
    let passed = aws
        .request(&api, "/a/b?x=1", &[("authorization", "allow")])
        .await;
    assert_eq!(passed.status, 200, "{passed:?}");
    let authorizer = &passed.json()["requestContext"]["authorizer"];
    assert_eq!(authorizer["principalId"], "me");
    assert!(authorizer["integrationLatency"].is_u64());
    assert_eq!(
        aws.last_event(),
        json!({
            "type": "TOKEN", "authorizationToken": "allow",
            "methodArn": format!("arn:aws:execute-api:eu-west-1:{ACCOUNT}:{api}/Prod/GET/a/b"),
        })
    );
    let unauthorized = json!({ "message": "Unauthorized" });
    for headers in [&[][..], &[("authorization", "")]] {
        let refused = aws.request(&api, "/a", headers).await;
        refused.is(401, "UnauthorizedException", &unauthorized);
    }
    assert_eq!(aws.events(), 1);
    let token = |token| [("authorization", token)];
    aws.request(&api, "/a", &token("unauthorized")).await.is(
        401,
        "UnauthorizedException",
        &unauthorized,
    );
    aws.request(&api, "/a", &token("deny")).await.is(
        403,
        "AccessDeniedException",
        &json!({ "Message": "User is not authorized to access this resource with an explicit deny" }),
    );
    aws.request(&api, "/a", &token("other")).await.is(
        403,
        "AccessDeniedException",
        &json!({ "Message": "User is not authorized to access this resource" }),
    );
    for wrong in ["nested", "null", "trouble"] {
        let refused = aws.request(&api, "/a", &token(wrong)).await;
        let body = json!({ "message": null });
        refused.is(500, "AuthorizerConfigurationException", &body);
    }
    let passed = aws.request(&api, "/a", &token("context")).await.json();
    let authorizer = &passed["requestContext"]["authorizer"];
    assert_eq!(authorizer["text"], "a");
    assert_eq!(authorizer["number"], "1");
    assert_eq!(authorizer["flag"], "true");
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_kept_for_its_time() {
    let aws = Aws::new(answer).await;
    let ttl = json!({ "authorizerResultTtlInSeconds": 60 });
    let api = aws.authorized(ttl, json!({}), json!({})).await;
    let token = [("authorization", "allow")];
    assert_eq!(aws.request(&api, "/a", &token).await.status, 200);
    let kept = aws.request(&api, "/a", &token).await;
    assert_eq!(
        kept.json()["requestContext"]["authorizer"]["integrationLatency"],
        0
    );
    // The kept policy is about the first path alone.
    assert_eq!(aws.request(&api, "/b", &token).await.status, 403);
    assert_eq!(aws.events(), 1);
    tokio::time::advance(std::time::Duration::from_secs(61)).await;
    assert_eq!(aws.request(&api, "/b", &token).await.status, 200);
    assert_eq!(aws.events(), 2);
    let path = format!("/restapis/{api}/stages/Prod/cache/authorizers");
    assert_eq!(aws.call("DELETE", &path, &Value::Null).await.status, 202);
    aws.request(&api, "/b", &token).await;
    assert_eq!(aws.events(), 3);
    let none = json!({ "authorizerResultTtlInSeconds": 0 });
    let api = aws.authorized(none, json!({}), json!({})).await;
    aws.request(&api, "/b", &token).await;
    aws.request(&api, "/b", &token).await;
    assert_eq!(aws.events(), 5);
}

#[tokio::test]
async fn a_token_has_a_form() {
    let aws = Aws::new(answer).await;
    let form = json!({ "identityValidationExpression": "[a-z]+" });
    let api = aws.authorized(form, json!({}), json!({})).await;
    for (token, status) in [("allow", 200), ("allow1", 401), ("ALLOW", 401)] {
        let answer = aws.request(&api, "/a", &[("authorization", token)]).await;
        assert_eq!(answer.status, status, "{token}");
    }
    assert_eq!(aws.events(), 1);
}

#[tokio::test]
async fn a_request_tells_who_calls() {
    let aws = Aws::new(answer).await;
    let authorizer = json!({
        "type": "REQUEST",
        "identitySource": "method.request.header.x-who, method.request.querystring.q, context.identity.sourceIp",
    });
    let api = aws.authorized(authorizer, json!({}), json!({})).await;
    let who = [("x-who", "all"), ("user-agent", "test")];
    let passed = aws.request(&api, "/a/b?q=1&q=2", &who).await;
    assert_eq!(passed.status, 200, "{passed:?}");
    let event = aws.last_event();
    for (pointer, expected) in [
        ("/type", json!("REQUEST")),
        (
            "/methodArn",
            json!(format!(
                "arn:aws:execute-api:eu-west-1:{ACCOUNT}:{api}/Prod/GET/a/b"
            )),
        ),
        ("/resource", json!("/{proxy+}")),
        ("/path", json!("/a/b")),
        ("/httpMethod", json!("GET")),
        ("/headers/x-who", json!("all")),
        ("/multiValueHeaders/x-who", json!(["all"])),
        ("/queryStringParameters", json!({ "q": "2" })),
        ("/multiValueQueryStringParameters/q", json!(["1", "2"])),
        ("/pathParameters", json!({ "proxy": "a/b" })),
        ("/stageVariables", json!({})),
        ("/requestContext/stage", json!("Prod")),
        ("/requestContext/identity/sourceIp", json!("127.0.0.1")),
    ] {
        assert_eq!(event.pointer(pointer), Some(&expected), "{pointer}");
    }
    assert_eq!(event.get("body"), None);
    aws.request(&api, "/a/b", &who).await.is(
        401,
        "UnauthorizedException",
        &json!({ "message": "Unauthorized" }),
    );
    assert_eq!(aws.events(), 1);
}

#[tokio::test]
async fn an_authorizer_tells_the_key() {
    let aws = Aws::new(answer).await;
    let api = aws
        .authorized(
            json!({}),
            json!({ "apiKeySource": "AUTHORIZER" }),
            json!({ "apiKeyRequired": true }),
        )
        .await;
    let key = json!({ "name": "k", "value": "a-key-of-twenty-characters", "enabled": true });
    let key = aws.ok("POST", "/apikeys", key).await;
    let plan = json!({ "name": "p", "apiStages": [{ "apiId": api, "stage": "Prod" }] });
    let plan = aws.ok("POST", "/usageplans", plan).await;
    let path = format!("/usageplans/{}/keys", plan["id"].as_str().expect("an id"));
    let link = json!({ "keyId": key["id"], "keyType": "API_KEY" });
    aws.ok("POST", &path, link).await;
    let passed = aws.request(&api, "/a", &[("authorization", "key")]).await;
    assert_eq!(passed.status, 200, "{passed:?}");
    assert_eq!(
        passed.json()["requestContext"]["identity"]["apiKeyId"],
        key["id"]
    );
    let without = [
        ("authorization", "all"),
        ("x-api-key", "a-key-of-twenty-characters"),
    ];
    let refused = aws.request(&api, "/a", &without).await;
    refused.is(
        403,
        "ForbiddenException",
        &json!({ "message": "Forbidden" }),
    );
}

#[tokio::test]
async fn an_authorizer_needs_a_permission() {
    let aws = Aws::new(answer).await;
    let path = "/2015-03-31/functions/auth/policy/s1";
    let removed = aws.service("lambda", "DELETE", path, &Value::Null).await;
    assert_eq!(removed.status, 204, "{removed:?}");
    let api = aws.authorized(json!({}), json!({}), json!({})).await;
    let token = [("authorization", "all")];
    let body = json!({ "message": null });
    let refused = aws.request(&api, "/a", &token).await;
    refused.is(500, "AuthorizerConfigurationException", &body);
    let authorizers = aws.get(&format!("/restapis/{api}/authorizers")).await;
    let id = authorizers["item"][0]["id"].as_str().expect("an id");
    aws.permit("auth", &format!("{api}/authorizers/{id}")).await;
    assert_eq!(aws.request(&api, "/a", &token).await.status, 200);
}

#[tokio::test]
async fn an_authorizer_is_tried() {
    let aws = Aws::new(answer).await;
    let api = aws.authorized(json!({}), json!({}), json!({})).await;
    let authorizers = aws.get(&format!("/restapis/{api}/authorizers")).await;
    let id = authorizers["item"][0]["id"].as_str().expect("an id");
    let path = format!("/restapis/{api}/authorizers/{id}");
    let input = |token: &str| json!({ "headers": { "Authorization": token } });
    let tried = aws.ok("POST", &path, input("all")).await;
    assert_eq!(tried["clientStatus"], 0);
    assert_eq!(tried["principalId"], "me");
    let said = tried["policy"].as_str().expect("a policy");
    assert_eq!(
        serde_json::from_str::<Value>(said).expect("JSON"),
        policy("Allow", "*")
    );
    assert!(tried["log"].as_str().is_some_and(|log| log.contains(id)));
    assert_eq!(
        aws.last_event()["methodArn"],
        format!("arn:aws:execute-api:eu-west-1:{ACCOUNT}:{api}/ESTestInvoke-stage/GET/")
    );
    for (token, status) in [("unauthorized", 401), ("", 401), ("null", 500)] {
        let tried = aws.ok("POST", &path, input(token)).await;
        assert_eq!(tried["clientStatus"], status, "{token}");
    }
}

#[tokio::test]
async fn gateway_responses_are_for_authorizers_too() {
    let aws = Aws::new(answer).await;
    let api = aws.authorized(json!({}), json!({}), json!({})).await;
    let set = async |kind: &str, response: Value| {
        let path = format!("/restapis/{api}/gatewayresponses/{kind}");
        aws.ok("PUT", &path, response).await;
    };
    let origin = json!({ "gatewayresponse.header.Access-Control-Allow-Origin": "'*'" });
    set("UNAUTHORIZED", json!({ "responseParameters": origin })).await;
    set(
        "ACCESS_DENIED",
        json!({
            "statusCode": "404",
            "responseTemplates": { "application/json": "{\"why\":$context.error.messageString}" },
        }),
    )
    .await;
    set(
        "AUTHORIZER_CONFIGURATION_ERROR",
        json!({ "statusCode": "503" }),
    )
    .await;
    aws.deploy(&api).await;
    let refused = aws.request(&api, "/a", &[]).await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers["access-control-allow-origin"], "*");
    assert_eq!(refused.json(), json!({ "message": "Unauthorized" }));
    let denied = aws.request(&api, "/a", &[("authorization", "deny")]).await;
    assert_eq!(denied.status, 404);
    assert_eq!(
        denied.json(),
        json!({ "why": "User is not authorized to access this resource with an explicit deny" })
    );
    let wrong = aws.request(&api, "/a", &[("authorization", "null")]).await;
    assert_eq!(wrong.status, 503);
}
