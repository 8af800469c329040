//! The tagging API over the wire: its lag, the messages of its refusals, and rights.

#[expect(dead_code, reason = "other tests use the rest")]
mod signed;

use std::time::Duration;

use http::Request;
use local_aws::{Clock, Enforcement, Faults, LocalAws, Options};
use serde_json::{Value, json};

use signed::{Answered, Client, Session, aws};

const GROUP: &str = "arn:aws:logs:eu-west-1:000000000000:log-group:g";

async fn tagging(client: &Client, operation: &str, body: Value) -> Answered {
    let target = format!("ResourceGroupsTaggingAPI_20170126.{operation}");
    client.json("tagging", &target, &body).await
}

async fn create_group(client: &Client, value: &str) {
    let group = json!({ "logGroupName": "g", "tags": { "k": value } });
    client.logs("CreateLogGroup", &group).await.ok();
}

async fn delete_group(client: &Client) {
    let group = json!({ "logGroupName": "g" });
    client.logs("DeleteLogGroup", &group).await.ok();
}

async fn tag_group(client: &Client, value: &str) {
    let tags = json!({ "resourceArn": GROUP, "tags": { "k": value } });
    client.logs("TagResource", &tags).await.ok();
}

/// The values of `k` of all resources.
async fn listed(client: &Client) -> Vec<String> {
    let found = tagging(client, "GetResources", json!({})).await.ok().json();
    found["ResourceTagMappingList"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|mapping| {
            mapping["Tags"][0]["Value"]
                .as_str()
                .unwrap_or("none")
                .to_owned()
        })
        .collect()
}

async fn later(milliseconds: u64) {
    tokio::time::advance(Duration::from_millis(milliseconds)).await;
}

fn lagging() -> Client {
    let faults = Faults {
        tag_index_ms: 1_000,
        tag_index_deleted_ms: 60_000,
        ..Faults::default()
    };
    Client::new(&aws(Enforcement::Off, faults))
}

#[tokio::test]
async fn without_faults_the_index_is_up_to_date() {
    let client = Client::new(&aws(Enforcement::Off, Faults::default()));
    create_group(&client, "1").await;
    let found = tagging(&client, "GetResources", json!({}))
        .await
        .ok()
        .json();
    assert_eq!(
        found,
        json!({
            "PaginationToken": "",
            "ResourceTagMappingList": [
                { "ResourceARN": GROUP, "Tags": [{ "Key": "k", "Value": "1" }] },
            ],
        })
    );
    tag_group(&client, "2").await;
    assert_eq!(listed(&client).await, ["2"]);
    delete_group(&client).await;
    assert!(listed(&client).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_new_resource_is_missing_for_a_while() {
    let client = lagging();
    create_group(&client, "1").await;
    later(999).await;
    assert!(listed(&client).await.is_empty());
    later(1).await;
    assert_eq!(listed(&client).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn new_tags_are_listed_late() {
    let client = lagging();
    create_group(&client, "1").await;
    later(1_000).await;
    tag_group(&client, "2").await;
    assert_eq!(listed(&client).await, ["1"]);
    later(1_000).await;
    assert_eq!(listed(&client).await, ["2"]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_resource_stays_listed_for_a_while() {
    let client = lagging();
    create_group(&client, "1").await;
    later(1_000).await;
    delete_group(&client).await;
    later(59_999).await;
    assert_eq!(listed(&client).await, ["1"]);
    later(1).await;
    assert!(listed(&client).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_reads_do_not_find_yet_is_not_listed_either() {
    let faults = Faults {
        visibility_ms: 500,
        ..Faults::default()
    };
    let client = Client::new(&aws(Enforcement::Off, faults));
    create_group(&client, "1").await;
    assert!(listed(&client).await.is_empty());
    later(500).await;
    assert_eq!(listed(&client).await, ["1"]);
    tag_group(&client, "2").await;
    assert_eq!(listed(&client).await, ["2"]);
}

#[tokio::test]
async fn a_lost_answer_still_reaches_the_index() {
    let aws = aws(Enforcement::Off, Faults::default());
    let client = Client::new(&aws);
    let event = json!({ "operation": "logs:CreateLogGroup", "kind": "drop-after" });
    let faults = serde_json::from_value(json!({ "events": [event] })).expect("faults");
    aws.set_faults(faults);
    let lost = {
        let client = client.clone();
        tokio::spawn(async move { create_group(&client, "1").await })
    };
    assert!(lost.await.is_err(), "the answer is lost");
    assert_eq!(listed(&client).await, ["1"]);
}

#[tokio::test]
async fn the_index_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let aws = LocalAws::open(Options {
            folder: Some(folder.path().to_owned()),
            clock: Clock::runtime(),
            ..Options::default()
        });
        Client::new(&aws.expect("an AWS in a folder"))
    };
    let client = open();
    create_group(&client, "1").await;
    let keys = json!({ "resourceArn": GROUP, "tagKeys": ["k"] });
    client.logs("UntagResource", &keys).await.ok();
    drop(client);
    assert_eq!(listed(&open()).await, ["none"], "it once had a tag");
}

#[tokio::test]
async fn requests_are_refused_in_these_words() {
    let client = Client::new(&aws(Enforcement::Off, Faults::default()));
    let filters: Vec<Value> = (0..51)
        .map(|key| json!({ "Key": key.to_string() }))
        .collect();
    for (body, message) in [
        (
            json!({ "ResourcesPerPage": 0 }),
            "ResourcesPerPage must be between 1 and 100",
        ),
        (
            json!({ "ResourcesPerPage": 101 }),
            "ResourcesPerPage must be between 1 and 100",
        ),
        (
            json!({ "TagsPerPage": 99 }),
            "TagsPerPage must be between 100 and 500",
        ),
        (
            json!({ "TagFilters": filters }),
            "at 'tagFilters' failed to satisfy constraint: Member must have length less than or equal to 50",
        ),
        (
            json!({ "ResourceARNList": [GROUP], "ResourceTypeFilters": ["logs"] }),
            "ResourceARNList and ResourceTypeFilters cannot be specified in the same request",
        ),
        (
            json!({ "ResourceARNList": [GROUP], "ResourcesPerPage": 10 }),
            "ResourceARNList and pagination parameters cannot be specified in the same request",
        ),
        (
            json!({ "PaginationToken": "?" }),
            "The specified PaginationToken is not valid.",
        ),
    ] {
        let answered = tagging(&client, "GetResources", body).await;
        answered.refused_as_json(400, "InvalidParameterException", message);
    }
    let role = "arn:aws:iam::000000000000:role/r";
    let body = json!({ "ResourceARNList": [role], "Tags": { "k": "v" } });
    let answered = tagging(&client, "TagResources", body).await;
    let message = format!("{role} not a valid AmazonResourceName (ARN)");
    answered.refused_as_json(400, "InvalidParameterException", &message);
}

#[tokio::test(start_paused = true)]
async fn a_token_expires() {
    let client = Client::new(&aws(Enforcement::Off, Faults::default()));
    for name in ["a", "b"] {
        let group = json!({ "logGroupName": name, "tags": { "k": "v" } });
        client.logs("CreateLogGroup", &group).await.ok();
    }
    let first = json!({ "ResourcesPerPage": 1 });
    let first = tagging(&client, "GetResources", first).await.ok().json();
    let next = json!({ "PaginationToken": first["PaginationToken"] });
    let second = tagging(&client, "GetResources", next.clone())
        .await
        .ok()
        .json();
    assert_eq!(second["PaginationToken"], "");
    later(15 * 60 * 1000 + 1).await;
    let expired = tagging(&client, "GetResources", next).await;
    expired.refused_as_json(400, "PaginationTokenExpiredException", "15 minutes");
}

/// A client with a session of a new role that may do `actions`.
async fn in_role(client: &Client, actions: Value) -> Client {
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"000000000000"}}}"#;
    let statement = json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
    let policy = json!({ "Version": "2012-10-17", "Statement": statement }).to_string();
    let role = [("RoleName", "r"), ("AssumeRolePolicyDocument", trust)];
    client.iam("CreateRole", &role).await.ok();
    let policy = [
        ("RoleName", "r"),
        ("PolicyName", "p"),
        ("PolicyDocument", policy.as_str()),
    ];
    client.iam("PutRolePolicy", &policy).await.ok();
    let assume = [
        ("RoleArn", "arn:aws:iam::000000000000:role/r"),
        ("RoleSessionName", "me"),
    ];
    let answered = client.query("sts", "AssumeRole", &assume).await.ok();
    Client {
        session: Some(Session {
            access_key: answered.element("AccessKeyId").to_owned(),
            secret: answered.element("SecretAccessKey").to_owned(),
            token: answered.element("SessionToken").to_owned(),
        }),
        ..client.clone()
    }
}

#[tokio::test]
async fn the_right_to_tag_is_needed_in_both_services() {
    let client = Client::new(&aws(Enforcement::All, Faults::default()));
    create_group(&client, "1").await;
    let role = in_role(&client, json!(["tag:TagResources"])).await;
    let refused = tagging(&role, "GetResources", json!({})).await;
    refused.refused_as_json(
        400,
        "AccessDeniedException",
        "is not authorized to perform: tag:GetResources on resource: *",
    );
    let body = json!({ "ResourceARNList": [GROUP], "Tags": { "k": "2" } });
    let answered = tagging(&role, "TagResources", body).await.ok().json();
    let failure = &answered["FailedResourcesMap"][GROUP];
    assert_eq!(failure["StatusCode"], 400);
    assert_eq!(failure["ErrorCode"], "AccessDeniedException");
    let message = failure["ErrorMessage"].as_str().expect("a message");
    assert!(message.contains("logs:TagResource"), "{message}");
    assert_eq!(listed(&client).await, ["1"]);
}

#[tokio::test]
async fn a_failure_is_told_by_resource() {
    let client = Client::new(&aws(Enforcement::Off, Faults::default()));
    create_group(&client, "1").await;
    let gone = "arn:aws:dynamodb:eu-west-1:000000000000:table/gone";
    let body = json!({ "ResourceARNList": [GROUP, gone], "Tags": { "k": "2" } });
    let answered = tagging(&client, "TagResources", body).await.ok().json();
    let failed = answered["FailedResourcesMap"].as_object().expect("a map");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[gone]["ErrorCode"], "ResourceNotFoundException");
    assert_eq!(listed(&client).await, ["2"]);
}

#[tokio::test]
async fn a_stage_is_a_resource_of_its_own() {
    let client = Client::new(&aws(Enforcement::Off, Faults::default()));
    let send = async |method: &str, path: &str, body: Value| {
        let request = Request::builder().method(method).uri(path);
        client.send("apigateway", request, body.to_string()).await
    };
    let api = send(
        "POST",
        "/restapis",
        json!({ "name": "a", "tags": { "k": "api" } }),
    )
    .await;
    let (id, root) = (
        api.json()["id"].as_str().expect("an id").to_owned(),
        api.json()["rootResourceId"]
            .as_str()
            .expect("an id")
            .to_owned(),
    );
    let method = format!("/restapis/{id}/resources/{root}/methods/GET");
    send("PUT", &method, json!({ "authorizationType": "NONE" })).await;
    send(
        "PUT",
        &format!("{method}/integration"),
        json!({ "type": "MOCK" }),
    )
    .await;
    let deployed = send("POST", &format!("/restapis/{id}/deployments"), json!({})).await;
    let deployment = deployed.json()["id"].clone();
    let stage = json!({ "stageName": "s", "deploymentId": deployment, "tags": { "k": "stage" } });
    let stage = send("POST", &format!("/restapis/{id}/stages"), stage).await;
    assert_eq!(stage.status, 201, "{}", stage.text);
    let types = json!({ "ResourceTypeFilters": ["apigateway:restapis"] });
    let found = tagging(&client, "GetResources", types).await.ok().json();
    let arns: Vec<&str> = found["ResourceTagMappingList"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|mapping| mapping["ResourceARN"].as_str())
        .collect();
    let api_arn = format!("arn:aws:apigateway:eu-west-1::/restapis/{id}");
    assert_eq!(arns, [api_arn.clone(), format!("{api_arn}/stages/s")]);
    send("DELETE", &format!("/restapis/{id}"), json!({})).await;
    assert!(listed(&client).await.is_empty());
}
