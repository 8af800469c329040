//! Function URLs with signed requests: whose rights count, and what they have to be.

#[expect(dead_code, reason = "other tests use the rest")]
mod signed;

use std::io::{Cursor, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use local_aws::{Enforcement, Faults, LocalAws};
use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use signed::{Answered, Client, Session, aws};

const FUNCTION: &str = "arn:aws:lambda:eu-west-1:000000000000:function:f";
const FUNCTIONS: &str = "/2015-03-31/functions";
/// A zip with code that never runs, as base64.
fn archive() -> String {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let executable = SimpleFileOptions::default().unix_permissions(0o755);
    writer
        .start_file("bootstrap", executable)
        .expect("an entry");
    writer.write_all(b"#!/bin/sh\n").expect("its bytes");
    STANDARD.encode(writer.finish().expect("an archive").into_inner())
}

fn trust(principal: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" } })
    .to_string()
}

async fn lambda(client: &Client, method: &str, path: &str, body: &Value) -> Answered {
    let request = Request::builder().method(method).uri(path);
    client.send("lambda", request, body.to_string()).await
}

/// An AWS that checks everybody's rights, and the address of a function's URL that wants signatures.
async fn opened() -> (LocalAws, String) {
    let aws = aws(Enforcement::All, Faults::default());
    let client = Client::new(&aws);
    let service = trust(&json!({ "Service": "lambda.amazonaws.com" }));
    role(&client, "f", &service).await;
    let function = json!({
        "FunctionName": "f", "Runtime": "provided.al2023", "Handler": "bootstrap", "Code": { "ZipFile": archive() },
        "Role": "arn:aws:iam::000000000000:role/f",
    });
    let made = lambda(&client, "POST", FUNCTIONS, &function).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let input = json!({ "AuthType": "AWS_IAM" });
    let made = lambda(&client, "POST", "/2021-10-31/functions/f/url", &input).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let url = made.json()["FunctionUrl"]
        .as_str()
        .expect("a URL")
        .to_owned();
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    (aws, host.to_owned())
}

async fn role(client: &Client, name: &str, trust: &str) {
    let parameters = [("RoleName", name), ("AssumeRolePolicyDocument", trust)];
    client.iam("CreateRole", &parameters).await.ok();
}

/// A client with a session of a new role with these statements.
async fn in_role(aws: &LocalAws, name: &str, statements: &Value) -> Client {
    let client = Client::new(aws);
    let account = trust(&json!({ "AWS": "arn:aws:iam::000000000000:root" }));
    role(&client, name, &account).await;
    let document = json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let parameters = [
        ("RoleName", name),
        ("PolicyName", "p"),
        ("PolicyDocument", document.as_str()),
    ];
    client.iam("PutRolePolicy", &parameters).await.ok();
    let arn = format!("arn:aws:iam::000000000000:role/{name}");
    let parameters = [("RoleArn", arn.as_str()), ("RoleSessionName", "me")];
    let answered = client.query("sts", "AssumeRole", &parameters).await.ok();
    Client {
        session: Some(Session {
            access_key: answered.element("AccessKeyId").to_owned(),
            secret: answered.element("SecretAccessKey").to_owned(),
            token: answered.element("SessionToken").to_owned(),
        }),
        ..client
    }
}

async fn ask(client: &Client, host: &str) -> Answered {
    let request = Request::get("/a%20b").header("host", host);
    client.send("lambda", request, "").await
}

fn allow(actions: &[&str]) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": FUNCTION })
}

const BOTH: [&str; 2] = ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"];

#[tokio::test(start_paused = true)]
async fn a_role_needs_both_rights() {
    let (aws, host) = opened().await;
    let neither = in_role(&aws, "neither", &json!([allow(&["lambda:GetFunction"])])).await;
    let one = in_role(&aws, "one", &json!([allow(&BOTH[..1])])).await;
    for client in [&neither, &one] {
        let answered = ask(client, &host).await;
        assert_eq!(answered.status, 403);
        assert!(
            answered.text.contains("Forbidden. For troubleshooting"),
            "{}",
            answered.text
        );
    }
    let both = in_role(&aws, "both", &json!([allow(&BOTH)])).await;
    let answered = ask(&both, &host).await.ok();
    let event = answered.json();
    let iam = &event["requestContext"]["authorizer"]["iam"];
    assert_eq!(
        iam["userArn"],
        "arn:aws:sts::000000000000:assumed-role/both/me"
    );
    let id = iam["callerId"].as_str().expect("an id");
    assert!(id.starts_with("AROA") && id.ends_with(":me"), "{id}");
    let key = both
        .session
        .as_ref()
        .expect("a session")
        .access_key
        .as_str();
    assert_eq!(iam["accessKey"], key);
}

#[tokio::test(start_paused = true)]
async fn conditions_are_about_the_url() {
    let (aws, host) = opened().await;
    let mut statement = allow(&BOTH);
    statement["Condition"] = json!({
        "StringEquals": { "lambda:FunctionUrlAuthType": "AWS_IAM" }, "Bool": { "lambda:InvokedViaFunctionUrl": "true" },
    });
    let through = in_role(&aws, "through", &json!([statement])).await;
    ask(&through, &host).await.ok();
    // The same right is none to invoke the function in the usual way.
    let path = format!("{FUNCTIONS}/f/invocations");
    assert_eq!(
        lambda(&through, "POST", &path, &json!({})).await.status,
        403
    );
    let denied = json!([allow(&BOTH), { "Effect": "Deny", "Action": BOTH[1], "Resource": "*" }]);
    let denied = in_role(&aws, "denied", &denied).await;
    assert_eq!(ask(&denied, &host).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_functions_policy_lets_a_role_in() {
    let (aws, host) = opened().await;
    let stranger = in_role(&aws, "stranger", &json!([allow(&["lambda:GetFunction"])])).await;
    let account = Client::new(&aws);
    let policy = format!("{FUNCTIONS}/f/policy");
    for (sid, action) in BOTH.iter().enumerate() {
        assert_eq!(ask(&stranger, &host).await.status, 403);
        let statement = json!({
            "StatementId": sid.to_string(), "Action": action, "Principal": "arn:aws:iam::000000000000:role/stranger",
        });
        let made = lambda(&account, "POST", &policy, &statement).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    ask(&stranger, &host).await.ok();
}

#[tokio::test(start_paused = true)]
async fn the_auth_type_of_a_url_can_be_a_condition() {
    let (aws, _) = opened().await;
    let statement = json!({
        "Effect": "Allow", "Action": "lambda:*", "Resource": FUNCTION,
        "Condition": { "StringEquals": { "lambda:FunctionUrlAuthType": "AWS_IAM" } },
    });
    let keeper = in_role(&aws, "keeper", &json!([statement])).await;
    let url = "/2021-10-31/functions/f/url";
    assert_eq!(lambda(&keeper, "GET", url, &json!({})).await.status, 200);
    let open = json!({ "AuthType": "NONE" });
    assert_eq!(lambda(&keeper, "PUT", url, &open).await.status, 403);
    let stream = json!({ "InvokeMode": "RESPONSE_STREAM" });
    assert_eq!(lambda(&keeper, "PUT", url, &stream).await.status, 200);
    let policy = format!("{FUNCTIONS}/f/policy");
    let mut permission = json!({
        "StatementId": "s", "Action": BOTH[0], "Principal": "*", "FunctionUrlAuthType": "NONE",
    });
    assert_eq!(
        lambda(&keeper, "POST", &policy, &permission).await.status,
        403
    );
    permission["FunctionUrlAuthType"] = json!("AWS_IAM");
    assert_eq!(
        lambda(&keeper, "POST", &policy, &permission).await.status,
        201
    );
    assert_eq!(lambda(&keeper, "DELETE", url, &json!({})).await.status, 204);
    assert_eq!(lambda(&keeper, "POST", url, &open).await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn signatures_are_verified() {
    let (aws, host) = opened().await;
    let mut client = in_role(&aws, "both", &json!([allow(&BOTH)])).await;
    ask(&client, &host).await.ok();
    let session = client.session.as_mut().expect("a session");
    session.secret.push('x');
    let answered = ask(&client, &host).await;
    assert_eq!(answered.status, 403);
    let message = answered.json()["message"]
        .as_str()
        .expect("a message")
        .to_owned();
    assert!(
        message.starts_with("The request signature we calculated does not match"),
        "{message}"
    );
}
