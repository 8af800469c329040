//! Resource policies, and methods that want a signature.

use serde_json::{Value, json};

use super::harness::{ACCOUNT, Aws, Session, policy};

fn resource_policy(statements: &Value) -> Value {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    json!({ "policy": policy.to_string() })
}

fn statement(effect: &str, resource: &str, condition: Value) -> Value {
    let mut statement = json!({
        "Effect": effect, "Principal": "*", "Action": "execute-api:Invoke", "Resource": resource,
    });
    if condition.is_object() {
        statement["Condition"] = condition;
    }
    statement
}

async fn deployed(aws: &Aws, api: Value, kind: &str) -> String {
    let api = aws.api(api, json!({ "authorizationType": kind })).await;
    aws.deploy(&api).await;
    api
}

fn denied(user: &str, api: &str, path: &str, explicit: &str) -> Value {
    json!({
        "Message": format!(
            "User: {user} is not authorized to perform: execute-api:Invoke on resource: \
             arn:aws:execute-api:eu-west-1:********0000:{api}/Prod/GET{path}{explicit}"
        ),
    })
}

#[tokio::test]
async fn a_resource_policy_lets_pass_what_it_allows() {
    let aws = Aws::new(|_| Ok(Value::Null)).await;
    let allowed = statement("Allow", "execute-api:/Prod/GET/open/*", Value::Null);
    let by_agent = json!({ "StringEquals": { "aws:UserAgent": "bad" } });
    let refused = statement("Deny", "execute-api:/*/*/*", by_agent);
    let own = resource_policy(&json!([allowed, refused]));
    let api = deployed(&aws, own, "NONE").await;
    let kept = aws.get(&format!("/restapis/{api}")).await;
    let shown = kept["policy"].as_str().expect("a policy");
    assert!(shown.starts_with("{\\\"Version\\\":"), "{shown}");
    let full = format!("arn:aws:execute-api:eu-west-1:{ACCOUNT}:{api}/Prod/GET/open/*");
    assert!(shown.contains(&full), "{shown}");
    assert_eq!(aws.request(&api, "/open/a", &[]).await.status, 200);
    let kind = "AccessDeniedException";
    aws.request(&api, "/a", &[])
        .await
        .is(403, kind, &denied("anonymous", &api, "/a", ""));
    let explicit = " with an explicit deny";
    aws.request(&api, "/open/a", &[("user-agent", "bad")])
        .await
        .is(403, kind, &denied("anonymous", &api, "/open/a", explicit));
    // What is changed counts from the next deployment on.
    let patch = json!({ "patchOperations": [
        { "op": "replace", "path": "/policy", "value": "" },
    ] });
    let changed = aws.ok("PATCH", &format!("/restapis/{api}"), patch).await;
    assert_eq!(changed.get("policy"), None);
    assert_eq!(aws.request(&api, "/a", &[]).await.status, 403);
    aws.deploy(&api).await;
    assert_eq!(aws.request(&api, "/a", &[]).await.status, 200);
}

#[tokio::test]
async fn a_resource_policy_is_about_addresses() {
    let aws = Aws::new(|_| Ok(Value::Null)).await;
    for (address, status) in [("127.0.0.0/8", 200), ("203.0.113.0/24", 403)] {
        let condition = json!({ "IpAddress": { "aws:SourceIp": [address] } });
        let own = resource_policy(&json!(statement("Allow", "execute-api:/*", condition)));
        let api = deployed(&aws, own, "NONE").await;
        let answer = aws.request(&api, "/a", &[]).await;
        assert_eq!(answer.status, status, "{address}");
    }
}

#[tokio::test]
async fn what_is_no_resource_policy_is_refused() {
    let aws = Aws::new(|_| Ok(Value::Null)).await;
    for wrong in ["x", "{}", "[]", &policy("Allow", "*").to_string()] {
        let input = json!({ "name": "a", "policy": wrong });
        aws.call("POST", "/restapis", &input).await.is_bad(
            "Invalid policy document. Please check the policy syntax and ensure that Principals are valid.",
        );
    }
}

#[tokio::test]
async fn a_resource_policy_and_an_authorizer_both_count() {
    let allow =
        |_: &Value| Ok(json!({ "principalId": "me", "policyDocument": policy("Allow", "*") }));
    let aws = Aws::new(allow).await;
    let deny = statement("Deny", "execute-api:/*/*/closed/*", Value::Null);
    let own = resource_policy(&json!([deny]));
    let api = aws.authorized(json!({}), own, json!({})).await;
    let token = [("authorization", "x")];
    assert_eq!(aws.request(&api, "/a", &token).await.status, 200);
    assert_eq!(aws.request(&api, "/closed/a", &token).await.status, 403);
    assert_eq!(aws.events(), 1);
}

#[tokio::test]
async fn a_signature_is_verified() {
    let aws = Aws::new(|_| Ok(Value::Null)).await;
    let api = deployed(&aws, json!({}), "AWS_IAM").await;
    let missing = json!({ "message": "Missing Authentication Token" });
    aws.request(&api, "/a", &[])
        .await
        .is(403, "MissingAuthenticationTokenException", &missing);
    let bearer = aws
        .request(&api, "/a", &[("authorization", "Bearer x")])
        .await;
    assert_eq!(
        (bearer.status, bearer.kind.as_str()),
        (403, "IncompleteSignatureException")
    );
    let session = aws.session("caller").await;
    let rights = policy("Allow", "*").to_string();
    aws.query(
        "iam",
        "PutRolePolicy",
        &[
            ("RoleName", "caller"),
            ("PolicyName", "p"),
            ("PolicyDocument", &rights),
        ],
    )
    .await;
    let passed = aws.signed(&api, "/a", &session, 0, "execute-api").await;
    assert_eq!(passed.status, 200, "{passed:?}");
    let event = passed.json();
    let identity = &event["requestContext"]["identity"];
    assert_eq!(identity["accessKey"], session.access_key.as_str());
    assert_eq!(identity["accountId"], ACCOUNT);
    assert_eq!(
        identity["userArn"],
        format!("arn:aws:sts::{ACCOUNT}:assumed-role/caller/me")
    );
    for member in ["caller", "user"] {
        let id = identity[member].as_str().expect("an id");
        assert!(id.starts_with("AROA") && id.ends_with(":me"), "{id}");
    }
    let kind = "InvalidSignatureException";
    let old = aws.signed(&api, "/a", &session, 400, "execute-api").await;
    assert_eq!((old.status, old.kind.as_str()), (403, kind));
    let said = old.json()["message"]
        .as_str()
        .expect("a message")
        .to_owned();
    assert!(said.starts_with("Signature expired: "), "{said}");
    assert!(said.ends_with(" - 5 min.)"), "{said}");
    let other = aws.signed(&api, "/a", &session, 0, "apigateway").await;
    let scope =
        json!({ "message": "Credential should be scoped to correct service: 'execute-api'. " });
    other.is(403, kind, &scope);
    let wrong = Session {
        secret: "wrong".to_owned(),
        ..session
    };
    aws.signed(&api, "/a", &wrong, 0, "execute-api").await.is(
        403,
        kind,
        &json!({
            "message": "The request signature we calculated does not match the signature you provided. Check your AWS \
                        Secret Access Key and signing method. Consult the service documentation for details.",
        }),
    );
    let forged = Session {
        token: "another".to_owned(),
        ..wrong
    };
    let refused = aws.signed(&api, "/a", &forged, 0, "execute-api").await;
    assert_eq!(
        (refused.status, refused.kind.as_str()),
        (403, "UnrecognizedClientException")
    );
}

#[tokio::test]
async fn a_caller_needs_the_right_to_invoke() {
    let aws = Aws::new(|_| Ok(Value::Null)).await;
    let api = deployed(&aws, json!({}), "AWS_IAM").await;
    let session = aws.session("caller").await;
    let user = format!("arn:aws:sts::{ACCOUNT}:assumed-role/caller/me");
    let kind = "AccessDeniedException";
    aws.signed(&api, "/a", &session, 0, "execute-api").await.is(
        403,
        kind,
        &denied(&user, &api, "/a", ""),
    );
    let put = async |effect, resource: &str| {
        let rights = policy(effect, resource).to_string();
        aws.query(
            "iam",
            "PutRolePolicy",
            &[
                ("RoleName", "caller"),
                ("PolicyName", effect),
                ("PolicyDocument", &rights),
            ],
        )
        .await;
    };
    put("Allow", "arn:aws:execute-api:*:*:*/Prod/GET/a").await;
    let signed = |path| aws.signed(&api, path, &session, 0, "execute-api");
    assert_eq!(signed("/a").await.status, 200);
    assert_eq!(signed("/b").await.status, 403);
    put("Deny", "arn:aws:execute-api:*:*:*/Prod/*/a").await;
    let explicit = " with an explicit deny";
    signed("/a")
        .await
        .is(403, kind, &denied(&user, &api, "/a", explicit));
}

#[tokio::test]
async fn a_resource_policy_names_callers() {
    let aws = Aws::new(|_| Ok(Value::Null)).await;
    let mut allow = statement("Allow", "execute-api:/*/GET/a", Value::Null);
    allow["Principal"] = json!({ "AWS": format!("arn:aws:iam::{ACCOUNT}:role/caller") });
    let api = deployed(&aws, resource_policy(&json!([allow])), "AWS_IAM").await;
    let caller = aws.session("caller").await;
    let other = aws.session("other").await;
    for (session, path, status) in [
        (&caller, "/a", 200),
        (&caller, "/b", 403),
        (&other, "/a", 403),
    ] {
        let answer = aws.signed(&api, path, session, 0, "execute-api").await;
        assert_eq!(answer.status, status, "{path} {answer:?}");
    }
}
