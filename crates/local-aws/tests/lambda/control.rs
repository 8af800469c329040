//! The control plane, on paused time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use local_aws::{Faults, FunctionError, LocalAws, Outcome};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::*;

#[tokio::test(start_paused = true)]
async fn a_new_function_is_described_whole() {
    let aws = inline().await;
    let made = create(
        &aws,
        &json!({ "Environment": { "Variables": { "NAME": "x" } }, "Tags": { "a": "b" } }),
    )
    .await;
    assert_eq!(made.status, 201);
    assert_eq!(made.json()["State"], "Pending");
    assert_eq!(made.json()["StateReasonCode"], "Creating");
    let got = get(&aws, DEMO).await.json();
    let mut found = got["Configuration"].clone();
    for volatile in ["LastModified", "RevisionId", "CodeSha256", "CodeSize"] {
        assert!(!found[volatile].is_null(), "{volatile}");
        found[volatile].take();
    }
    assert!(
        found["RuntimeVersionConfig"].take()["RuntimeVersionArn"]
            .as_str()
            .is_some_and(|arn| arn.starts_with("arn:aws:lambda:eu-west-1::runtime:"))
    );
    assert_eq!(
        found,
        json!({
            "FunctionName": "demo", "FunctionArn": ARN, "Runtime": "provided.al2023", "Role": ROLE, "Handler": "bootstrap",
            "CodeSize": null, "Description": "", "Timeout": 3, "MemorySize": 128, "LastModified": null, "CodeSha256": null,
            "Version": "$LATEST", "Environment": { "Variables": { "NAME": "x" } }, "TracingConfig": { "Mode": "PassThrough" },
            "RevisionId": null, "State": "Active", "LastUpdateStatus": "Successful", "PackageType": "Zip",
            "Architectures": ["x86_64"], "EphemeralStorage": { "Size": 512 },
            "SnapStart": { "ApplyOn": "None", "OptimizationStatus": "Off" }, "RuntimeVersionConfig": null,
            "LoggingConfig": { "LogFormat": "Text", "LogGroup": "/aws/lambda/demo" },
        })
    );
    assert_eq!(got["Code"]["RepositoryType"], "S3");
    assert_eq!(got["Tags"], json!({ "a": "b" }));
    let again = create(&aws, &Value::Null).await;
    assert_eq!(
        again.refusal(),
        (
            409,
            "ResourceConflictException".into(),
            "Function already exist: demo".into()
        )
    );
}

#[tokio::test(start_paused = true)]
async fn states_come_and_go_with_time() {
    let aws = inline().await;
    aws.set_faults(Faults {
        function_pending_ms: 2_000,
        function_updating_ms: 3_000,
        function_deleting_ms: 4_000,
        visibility_ms: 500,
        ..Faults::default()
    });
    create(&aws, &Value::Null).await;
    assert_eq!(get(&aws, DEMO).await.status, 404);
    sleep(Duration::from_millis(600)).await;
    assert_eq!(
        get(&aws, DEMO).await.json()["Configuration"]["State"],
        "Pending"
    );
    let configuration = format!("{DEMO}/configuration");
    let pending = "The operation cannot be performed at this time. The function is currently in the following state: Pending";
    for refused in [
        call(&aws, "PUT", &configuration, &json!({ "Timeout": 9 })).await,
        invoke(&aws, &json!({})).await,
        call(&aws, "POST", &format!("{DEMO}/versions"), &json!({})).await,
    ] {
        assert_eq!(
            refused.refusal(),
            (409, "ResourceConflictException".into(), pending.into())
        );
    }
    sleep(Duration::from_secs(2)).await;
    assert_eq!(invoke(&aws, &json!({})).await.status, 200);
    let updated = call(&aws, "PUT", &configuration, &json!({ "Timeout": 9 })).await;
    assert_eq!(
        (updated.status, &updated.json()["LastUpdateStatus"]),
        (200, &json!("InProgress"))
    );
    let refused = call(&aws, "PUT", &configuration, &json!({ "Timeout": 10 })).await;
    assert_eq!(
        refused.refusal().2,
        format!(
            "The operation cannot be performed at this time. An update is in progress for resource: {ARN}"
        )
    );
    sleep(Duration::from_secs(3)).await;
    let got = get(&aws, &configuration).await.json();
    assert_eq!(
        (&got["LastUpdateStatus"], &got["Timeout"]),
        (&json!("Successful"), &json!(9))
    );
    assert_eq!(call(&aws, "DELETE", DEMO, &Value::Null).await.status, 204);
    assert_eq!(
        get(&aws, DEMO).await.json()["Configuration"]["State"],
        "Deleting"
    );
    assert_eq!(create(&aws, &Value::Null).await.status, 409);
    sleep(Duration::from_secs(4)).await;
    assert_eq!(
        get(&aws, DEMO).await.refusal(),
        (
            404,
            "ResourceNotFoundException".into(),
            format!("Function not found: {ARN}")
        )
    );
    assert_eq!(invoke(&aws, &json!({})).await.status, 404);
    assert_eq!(create(&aws, &Value::Null).await.status, 201);
}

#[tokio::test(start_paused = true)]
async fn bad_input_is_refused_as_by_aws() {
    let aws = inline().await;
    let cases = [
        (json!({ "Timeout": 0 }), "ValidationException"),
        (json!({ "MemorySize": 10_241 }), "ValidationException"),
        (json!({ "Role": "demo-role" }), "ValidationException"),
        (json!({ "Role": null }), "ValidationException"),
        (json!({ "Code": null }), "ValidationException"),
        (json!({ "FunctionName": "a b" }), "ValidationException"),
        (
            json!({ "Architectures": ["x86_64", "arm64"] }),
            "ValidationException",
        ),
        (
            json!({ "Runtime": "cobol" }),
            "InvalidParameterValueException",
        ),
        (json!({ "Handler": null }), "InvalidParameterValueException"),
        (json!({ "Code": {} }), "InvalidParameterValueException"),
        (
            json!({ "Code": { "ZipFile": "bm8gemlw" } }),
            "InvalidParameterValueException",
        ),
        (
            json!({ "Code": { "ZipFile": "!" } }),
            "InvalidRequestContentException",
        ),
        (
            json!({ "Code": { "S3Bucket": "b", "S3Key": "k" } }),
            "InvalidParameterValueException",
        ),
        (
            json!({ "PackageType": "Image" }),
            "InvalidParameterValueException",
        ),
        (
            json!({ "Timeout": "soon" }),
            "InvalidRequestContentException",
        ),
        (
            json!({ "Tags": { "aws:x": "y" } }),
            "InvalidParameterValueException",
        ),
        (
            json!({ "FunctionName": "arn:aws:lambda:us-east-1:000000000000:function:demo" }),
            "ResourceNotFoundException",
        ),
        (
            json!({ "FunctionName": "arn:aws:lambda:eu-west-1:111111111111:function:demo" }),
            "AccessDeniedException",
        ),
        (
            json!({ "Role": "arn:aws:iam::000000000000:role/other" }),
            "InvalidParameterValueException",
        ),
        (
            json!({ "Role": "arn:aws:iam::111111111111:role/x" }),
            "AccessDeniedException",
        ),
    ];
    for (changes, code) in cases {
        let refused = create(&aws, &changes).await;
        assert!(
            refused.status >= 400 && refused.status < 500,
            "{changes} {refused:?}"
        );
        assert_eq!(refused.refusal().1, code, "{changes}");
    }
    for body in ["{\"FunctionName\": ", "[]", "null", "\u{0}"] {
        let refused = send(&aws, "POST", FUNCTIONS, body, &[]).await;
        assert_eq!(refused.refusal().1, "InvalidRequestContentException");
    }
    let mut noise = vec![0; 52_428_800];
    fastrand::fill(&mut noise);
    let large = zip("bootstrap", &noise, 0o755);
    let refused = create(&aws, &json!({ "Code": { "ZipFile": large } })).await;
    assert_eq!(
        refused.refusal(),
        (
            413,
            "RequestEntityTooLargeException".into(),
            "Zipped size must be smaller than 52428800 bytes".into()
        )
    );
    assert_eq!(get(&aws, FUNCTIONS).await.json()["Functions"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn code_and_configuration_change_apart() {
    let aws = inline().await;
    let configuration = format!("{DEMO}/configuration");
    let created = create(&aws, &Value::Null).await.json();
    let made = get(&aws, &configuration).await.json();
    // A new function has another revision when it is active.
    assert_ne!(made["RevisionId"], created["RevisionId"]);
    let stale = json!({ "Timeout": 9, "RevisionId": created["RevisionId"] });
    assert_eq!(
        call(&aws, "PUT", &configuration, &stale).await.refusal(),
        (
            412,
            "PreconditionFailedException".into(),
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve \
             the latest Revision Id"
                .into()
        )
    );
    let fresh = json!({
        "Timeout": 9, "MemorySize": 256, "RevisionId": made["RevisionId"], "Description": "d",
        "Environment": { "Variables": { "NAME": "x" } }, "LoggingConfig": { "LogFormat": "JSON" },
    });
    assert_eq!(call(&aws, "PUT", &configuration, &fresh).await.status, 200);
    let zip = zip("bootstrap", b"#!/bin/sh\nexit 1\n", 0o755);
    let code = json!({ "ZipFile": zip, "Architectures": ["arm64"] });
    assert_eq!(
        call(&aws, "PUT", &format!("{DEMO}/code"), &code)
            .await
            .status,
        200
    );
    let got = get(&aws, &configuration).await.json();
    assert_ne!(got["CodeSha256"], made["CodeSha256"]);
    assert_eq!(
        json!([
            got["Timeout"],
            got["MemorySize"],
            got["Description"],
            got["Environment"]["Variables"],
            got["Architectures"]
        ]),
        json!([9, 256, "d", { "NAME": "x" }, ["arm64"]])
    );
    assert_eq!(got["LoggingConfig"]["ApplicationLogLevel"], "INFO");
    let empty = json!({ "Environment": { "Variables": {} } });
    call(&aws, "PUT", &configuration, &empty).await;
    assert!(get(&aws, &configuration).await.json()["Environment"].is_null());
    let missing = "/2015-03-31/functions/other/configuration";
    assert_eq!(call(&aws, "PUT", missing, &empty).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn permissions_are_statements_of_a_policy() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    let policy = format!("{DEMO}/policy");
    assert_eq!(
        get(&aws, &policy).await.refusal().2,
        "The resource you requested does not exist."
    );
    let source = "arn:aws:execute-api:eu-west-1:000000000000:abc/*/POST/DynamoDBManager";
    let add = json!({
        "StatementId": "invoke-abc", "Action": "lambda:InvokeFunction", "Principal": "apigateway.amazonaws.com",
        "SourceArn": source,
    });
    let added = call(&aws, "POST", &policy, &add).await;
    assert_eq!(added.status, 201);
    let statement: Value =
        serde_json::from_str(added.json()["Statement"].as_str().expect("text")).expect("JSON");
    assert_eq!(
        statement,
        json!({
            "Sid": "invoke-abc", "Effect": "Allow", "Principal": { "Service": "apigateway.amazonaws.com" },
            "Action": "lambda:InvokeFunction", "Resource": ARN, "Condition": { "ArnLike": { "AWS:SourceArn": source } },
        })
    );
    assert_eq!(
        call(&aws, "POST", &policy, &add).await.refusal(),
        (
            409,
            "ResourceConflictException".into(),
            "The statement id (invoke-abc) provided already exists. Please provide a new statement id, or remove the \
             existing statement."
                .into()
        )
    );
    let got = get(&aws, &policy).await.json();
    let document: Value =
        serde_json::from_str(got["Policy"].as_str().expect("text")).expect("JSON");
    assert_eq!(
        document,
        json!({ "Version": "2012-10-17", "Id": "default", "Statement": [statement] })
    );
    let stale = json!({ "RevisionId": "0", "StatementId": "other" });
    let mut input = add.clone();
    for (name, value) in stale.as_object().expect("an object") {
        input[name] = value.clone();
    }
    let refused = call(&aws, "POST", &policy, &input).await.refusal();
    assert_eq!(refused.0, 412);
    assert!(
        refused.2.contains("Call the GetPolicy API"),
        "{}",
        refused.2
    );
    input["RevisionId"] = got["RevisionId"].clone();
    assert_eq!(call(&aws, "POST", &policy, &input).await.status, 201);
    let other = format!("{policy}/other");
    assert_eq!(call(&aws, "DELETE", &other, &Value::Null).await.status, 204);
    let latest = call(&aws, "POST", &format!("{policy}?Qualifier=$LATEST"), &add).await;
    assert_eq!(
        latest.refusal().2,
        "We currently do not support adding policies for $LATEST."
    );
    for wrong in [
        json!({ "StatementId": "a b" }),
        json!({ "Action": "InvokeFunction" }),
        json!({ "Principal": "nobody" }),
        json!({ "SourceArn": "abc" }),
        json!({ "Principal": null }),
    ] {
        let mut input = add.clone();
        input["StatementId"] = json!("other");
        for (name, value) in wrong.as_object().expect("an object") {
            input[name] = value.clone();
        }
        assert_eq!(
            call(&aws, "POST", &policy, &input).await.status,
            400,
            "{wrong}"
        );
    }
    let gone = format!("{policy}/invoke-abc");
    assert_eq!(call(&aws, "DELETE", &gone, &Value::Null).await.status, 204);
    let again = call(&aws, "DELETE", &gone, &Value::Null).await;
    assert_eq!(
        (again.status, again.refusal().1.as_str()),
        (404, "ResourceNotFoundException")
    );
}

#[tokio::test(start_paused = true)]
async fn lists_have_pages() {
    let aws = inline().await;
    for at in 0..5 {
        create(&aws, &json!({ "FunctionName": format!("f{at}") })).await;
    }
    let mut names = Vec::new();
    let mut marker = String::new();
    loop {
        let page = get(&aws, &format!("{FUNCTIONS}?MaxItems=2&Marker={marker}"))
            .await
            .json();
        let functions = page["Functions"].as_array().expect("a list").clone();
        assert!(functions.len() <= 2 && functions[0]["State"].is_null());
        names.extend(
            functions
                .iter()
                .map(|function| function["FunctionName"].clone()),
        );
        match page["NextMarker"].as_str() {
            Some(next) => marker = next.replace('+', "%2B").replace('=', "%3D"),
            None => break,
        }
    }
    assert_eq!(json!(names), json!(["f0", "f1", "f2", "f3", "f4"]));
    assert_eq!(
        get(&aws, &format!("{FUNCTIONS}?MaxItems=0")).await.status,
        400
    );
    assert_eq!(
        get(&aws, &format!("{FUNCTIONS}?Marker=%21")).await.status,
        400
    );
    let account = get(&aws, "/2016-08-19/account-settings").await.json();
    assert_eq!(account["AccountUsage"]["FunctionCount"], 5);
}

#[tokio::test(start_paused = true)]
async fn versions_stay_as_they_were_published() {
    let aws = inline().await;
    create(&aws, &json!({ "Publish": true })).await;
    let versions = format!("{DEMO}/versions");
    let same = call(&aws, "POST", &versions, &json!({})).await.json();
    assert_eq!(same["Version"], "1");
    call(
        &aws,
        "PUT",
        &format!("{DEMO}/configuration"),
        &json!({ "Timeout": 9 }),
    )
    .await;
    let next = call(&aws, "POST", &versions, &json!({ "Description": "two" }))
        .await
        .json();
    assert_eq!(
        (&next["Version"], &next["FunctionArn"]),
        (&json!("2"), &json!(format!("{ARN}:2")))
    );
    let alias = json!({ "Name": "live", "FunctionVersion": "1" });
    let made = call(&aws, "POST", &format!("{DEMO}/aliases"), &alias).await;
    assert_eq!(
        (made.status, &made.json()["AliasArn"]),
        (201, &json!(format!("{ARN}:live")))
    );
    let got = get(&aws, &format!("{DEMO}/configuration?Qualifier=live"))
        .await
        .json();
    assert_eq!((&got["Timeout"], &got["Version"]), (&json!(3), &json!("1")));
    let listed = get(&aws, &versions).await.json();
    let numbers: Vec<&Value> = listed["Versions"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|it| &it["Version"])
        .collect();
    assert_eq!(json!(numbers), json!(["$LATEST", "1", "2"]));
    let path = format!("{DEMO}/invocations?Qualifier=live");
    let invoked = send(&aws, "POST", &path, "{}", &[]).await;
    assert_eq!(invoked.header("x-amz-executed-version"), "1");
    let used = call(&aws, "DELETE", &format!("{DEMO}?Qualifier=1"), &Value::Null).await;
    assert_eq!(
        used.refusal(),
        (
            409,
            "ResourceConflictException".into(),
            "Unable to delete version because the following aliases reference it: [live]".into()
        )
    );
    assert_eq!(
        call(
            &aws,
            "DELETE",
            &format!("{DEMO}/aliases/live"),
            &Value::Null
        )
        .await
        .status,
        204
    );
    assert_eq!(
        call(&aws, "DELETE", &format!("{DEMO}?Qualifier=1"), &Value::Null)
            .await
            .status,
        204
    );
    assert_eq!(get(&aws, &format!("{DEMO}?Qualifier=1")).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn an_alias_divides_invocations_among_two_versions() {
    let aws = inline().await;
    create(&aws, &json!({ "Publish": true })).await;
    let configuration = format!("{DEMO}/configuration");
    call(&aws, "PUT", &configuration, &json!({ "Timeout": 9 })).await;
    call(&aws, "POST", &format!("{DEMO}/versions"), &json!({})).await;
    let alias = json!({
        "Name": "live", "FunctionVersion": "1", "RoutingConfig": { "AdditionalVersionWeights": { "2": 0.5 } },
    });
    let made = call(&aws, "POST", &format!("{DEMO}/aliases"), &alias).await;
    assert_eq!(made.json()["RoutingConfig"], alias["RoutingConfig"]);
    let path = format!("{DEMO}/invocations?Qualifier=live");
    let mut versions = std::collections::BTreeSet::new();
    for _ in 0..80 {
        let invoked = send(&aws, "POST", &path, "{}", &[]).await;
        versions.insert(invoked.header("x-amz-executed-version").to_owned());
    }
    assert_eq!(versions.into_iter().collect::<Vec<_>>(), ["1", "2"]);
    for version in ["1", "2"] {
        let path = format!("{DEMO}?Qualifier={version}");
        let used = call(&aws, "DELETE", &path, &Value::Null).await;
        assert_eq!(used.status, 409, "{version}");
    }
    // The policy of the alias goes with it.
    let policy = format!("{DEMO}/policy?Qualifier=live");
    let statement =
        json!({ "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "*" });
    assert_eq!(call(&aws, "POST", &policy, &statement).await.status, 201);
    call(
        &aws,
        "DELETE",
        &format!("{DEMO}/aliases/live"),
        &Value::Null,
    )
    .await;
    call(&aws, "POST", &format!("{DEMO}/aliases"), &alias).await;
    assert_eq!(get(&aws, &policy).await.status, 404);
}

#[tokio::test(start_paused = true)]
async fn what_the_local_aws_has_not_is_refused_by_name() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    let version = json!({ "ProvisionedConcurrentExecutions": 1 });
    call(&aws, "POST", &format!("{DEMO}/versions"), &json!({})).await;
    let source = json!({
        "FunctionName": "demo", "EventSourceArn": "arn:aws:sqs:eu-west-1:000000000000:q",
    });
    for (method, path, body, operation) in [
        (
            "POST",
            "/2020-04-22/code-signing-configs",
            &json!({}),
            "CreateCodeSigningConfig",
        ),
        (
            "GET",
            "/2025-11-30/capacity-providers",
            &Value::Null,
            "ListCapacityProviders",
        ),
        (
            "POST",
            "/2015-03-31/event-source-mappings",
            &source,
            "CreateEventSourceMapping",
        ),
        (
            "PUT",
            "/2019-09-30/functions/demo/provisioned-concurrency?Qualifier=1",
            &version,
            "PutProvisionedConcurrencyConfig",
        ),
    ] {
        let refused = call(&aws, method, path, body).await.refusal();
        let message = format!("The local AWS does not support {operation}");
        assert_eq!(refused, (501, "NotImplementedException".into(), message));
    }
    let unknown = get(&aws, "/2015-03-31/nonsense").await.refusal();
    assert_eq!(unknown.1, "UnknownOperationException");
    let configuration = format!("{DEMO}/configuration");
    for (member, value) in [
        (
            "DeadLetterConfig",
            json!({ "TargetArn": "arn:aws:sqs:eu-west-1:000000000000:q" }),
        ),
        (
            "KMSKeyArn",
            json!("arn:aws:kms:eu-west-1:000000000000:key/k"),
        ),
        ("VpcConfig", json!({ "SubnetIds": ["subnet-1"] })),
        (
            "FileSystemConfigs",
            json!([{ "Arn": "a", "LocalMountPath": "/mnt/a" }]),
        ),
        ("ImageConfig", json!({ "Command": ["x"] })),
    ] {
        let refused = call(&aws, "PUT", &configuration, &json!({ member: value }))
            .await
            .refusal();
        assert_eq!(refused.0, 400);
        assert!(
            refused.2.starts_with("The local AWS does not support") && refused.2.contains(member),
            "{}",
            refused.2
        );
    }
    // What takes a setting away is no setting.
    let none = json!({
        "DeadLetterConfig": { "TargetArn": "" }, "KMSKeyArn": "", "VpcConfig": { "SubnetIds": [], "SecurityGroupIds": [] },
        "FileSystemConfigs": [], "Layers": [],
    });
    assert_eq!(call(&aws, "PUT", &configuration, &none).await.status, 200);
    let age = json!({ "DestinationConfig": { "OnFailure": { "Destination": "arn:aws:sqs:eu-west-1:000000000000:q" } } });
    let path = "/2019-09-25/functions/demo/event-invoke-config";
    let refused = call(&aws, "PUT", path, &age).await.refusal();
    assert_eq!(
        refused.2,
        "The local AWS does not support destinations in `sqs`: send to a Lambda function"
    );
}

#[tokio::test(start_paused = true)]
async fn a_runtime_stays_at_its_version() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    let path = "/2021-07-20/functions/demo/runtime-management-config";
    let configuration = get(&aws, &format!("{DEMO}/configuration")).await.json();
    let own = &configuration["RuntimeVersionConfig"]["RuntimeVersionArn"];
    let manual = json!({ "UpdateRuntimeOn": "Manual", "RuntimeVersionArn": own });
    assert_eq!(call(&aws, "PUT", path, &manual).await.status, 200);
    let got = get(&aws, path).await.json();
    assert_eq!(
        got,
        json!({ "UpdateRuntimeOn": "Manual", "FunctionArn": format!("{ARN}:$LATEST"), "RuntimeVersionArn": own })
    );
    let other = json!({ "UpdateRuntimeOn": "Manual", "RuntimeVersionArn": format!("{}0", own.as_str().expect("text")) });
    assert_eq!(call(&aws, "PUT", path, &other).await.status, 400);
    let auto = json!({ "UpdateRuntimeOn": "Auto" });
    assert_eq!(
        call(&aws, "PUT", path, &auto).await.json()["UpdateRuntimeOn"],
        "Auto"
    );
}

#[tokio::test(start_paused = true)]
async fn tags_and_concurrency_are_the_functions() {
    let aws = inline().await;
    create(&aws, &json!({ "Tags": { "a": "1", "b": "2" } })).await;
    let tags = format!("/2017-03-31/tags/{}", ARN.replace(':', "%3A"));
    assert_eq!(
        call(&aws, "POST", &tags, &json!({ "Tags": { "c": "3" } }))
            .await
            .status,
        204
    );
    let path = format!("{tags}?tagKeys=a&tagKeys=b");
    assert_eq!(call(&aws, "DELETE", &path, &Value::Null).await.status, 204);
    assert_eq!(
        get(&aws, &tags).await.json(),
        json!({ "Tags": { "c": "3" } })
    );
    assert_eq!(get(&aws, &format!("{tags}:1")).await.status, 400);
    let concurrency = "/2017-10-31/functions/demo/concurrency";
    let zero = json!({ "ReservedConcurrentExecutions": 0 });
    assert_eq!(call(&aws, "PUT", concurrency, &zero).await.json(), zero);
    assert_eq!(get(&aws, DEMO).await.json()["Concurrency"], zero);
    let refused = invoke(&aws, &json!({})).await;
    assert_eq!(
        refused.refusal(),
        (
            429,
            "TooManyRequestsException".into(),
            "Rate Exceeded.".into()
        )
    );
    assert_eq!(
        refused.json()["Reason"],
        "ReservedFunctionConcurrentInvocationLimitExceeded"
    );
    let much = json!({ "ReservedConcurrentExecutions": 901 });
    assert_eq!(call(&aws, "PUT", concurrency, &much).await.status, 400);
    assert_eq!(
        call(&aws, "DELETE", concurrency, &Value::Null).await.status,
        204
    );
    let got = get(&aws, "/2019-09-30/functions/demo/concurrency")
        .await
        .json();
    assert_eq!(got, json!({}));
    assert_eq!(invoke(&aws, &json!({})).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn what_a_function_has_not_is_said_so() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    let signing = get(&aws, "/2020-06-30/functions/demo/code-signing-config").await;
    assert_eq!((signing.status, signing.json()), (200, json!({})));
    assert_eq!(
        get(&aws, "/2021-10-31/functions/demo/url").await.status,
        404
    );
    let sources = get(&aws, "/2015-03-31/event-source-mappings?FunctionName=demo").await;
    assert_eq!(sources.json(), json!({ "EventSourceMappings": [] }));
    let management = get(&aws, "/2021-07-20/functions/demo/runtime-management-config").await;
    assert_eq!(management.json()["UpdateRuntimeOn"], "Auto");
}

#[tokio::test(start_paused = true)]
async fn invocations_are_of_three_kinds() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    let path = format!("{DEMO}/invocations");
    let answer = invoke(&aws, &json!({ "a": 1 })).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "a": 1 })));
    assert_eq!(answer.header("x-amz-executed-version"), "$LATEST");
    let log = answer.log();
    assert!(
        log.starts_with("START RequestId: ") && log.contains("Version: $LATEST\nEND RequestId: "),
        "{log}"
    );
    assert!(log.contains("\tMemory Size: 128 MB\t"), "{log}");
    let kind = |kind| [("x-amz-invocation-type", kind)];
    assert_eq!(
        send(&aws, "POST", &path, "", &kind("Event")).await.status,
        202
    );
    assert_eq!(
        send(&aws, "POST", &path, "", &kind("DryRun")).await.status,
        204
    );
    assert_eq!(
        send(&aws, "POST", &path, "", &kind("Later"))
            .await
            .refusal()
            .1,
        "ValidationException"
    );
    assert_eq!(send(&aws, "POST", &path, "", &[]).await.json(), json!({}));
    let refused = send(&aws, "POST", &path, "{\"a\":", &[]).await;
    assert_eq!(refused.refusal().1, "InvalidRequestContentException");
    let refused = send(&aws, "POST", &path, vec![b'1'; 6_291_557], &[]).await;
    assert_eq!(refused.refusal().1, "RequestTooLargeException");
    let arn = format!("{FUNCTIONS}/{ARN}/invocations");
    assert_eq!(send(&aws, "POST", &arn, "1", &[]).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_role_has_to_be_lambdas_and_takes_its_time() {
    let aws = inline().await;
    let gone = "Action=DeleteRole&Version=2010-05-08&RoleName=demo-role";
    let form = role_form("apigateway.amazonaws.com");
    let iam = |body: &str| signed("POST", "/", "iam", body.to_owned(), &[]);
    aws.handle(iam(gone)).await;
    aws.handle(iam(&form)).await;
    let refused = create(&aws, &Value::Null).await;
    let refusal = (
        400,
        "InvalidParameterValueException".to_owned(),
        "The role defined for the function cannot be assumed by Lambda.".to_owned(),
    );
    assert_eq!(refused.refusal(), refusal);
    aws.set_faults(Faults {
        role_propagation_ms: 8_000,
        ..Faults::default()
    });
    aws.handle(iam(gone)).await;
    aws.handle(iam(&role_form("lambda.amazonaws.com"))).await;
    assert_eq!(create(&aws, &Value::Null).await.refusal(), refusal);
    sleep(Duration::from_secs(8)).await;
    assert_eq!(create(&aws, &Value::Null).await.status, 201);
}

async fn logs(aws: &LocalAws, target: &str, body: Value) -> Value {
    let mut request = signed("POST", "/", "logs", body.to_string(), &[]);
    let target = format!("Logs_20140328.{target}");
    request
        .headers_mut()
        .insert("x-amz-target", target.parse().expect("a header"));
    match aws.handle(request).await {
        Outcome::Answered(response) => {
            serde_json::from_slice(response.body()).unwrap_or(Value::Null)
        }
        Outcome::Dropped => panic!("an answer"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_logged_is_in_its_group_and_may_come_late() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    let log = invoke(&aws, &json!({})).await.log();
    let group = json!({ "logGroupName": "/aws/lambda/demo" });
    let found = logs(&aws, "FilterLogEvents", group.clone()).await;
    let events = found["events"].as_array().expect("a list");
    let told: String = events
        .iter()
        .filter_map(|event| event["message"].as_str())
        .collect();
    assert_eq!(told, log);
    let stream = events[0]["logStreamName"].as_str().expect("a name");
    assert!(stream.contains("/[$LATEST]"), "{stream}");
    aws.set_faults(Faults {
        ghost_log_group_ms: 5_000,
        ..Faults::default()
    });
    call(&aws, "DELETE", DEMO, &Value::Null).await;
    logs(&aws, "DeleteLogGroup", group).await;
    let groups = json!({ "logGroupNamePrefix": "/aws/lambda/demo" });
    let found = logs(&aws, "DescribeLogGroups", groups.clone()).await;
    assert_eq!(found["logGroups"], json!([]));
    sleep(Duration::from_secs(6)).await;
    let found = logs(&aws, "DescribeLogGroups", groups).await;
    assert_eq!(found["logGroups"][0]["logGroupName"], "/aws/lambda/demo");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_fails_is_tried_three_times() {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let aws = inline_with(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        Err(FunctionError {
            error_type: "Own".into(),
            message: "no".into(),
        })
    })
    .await;
    create(&aws, &Value::Null).await;
    let answer = invoke(&aws, &json!({})).await;
    assert_eq!(
        answer.json(),
        json!({ "errorType": "Own", "errorMessage": "no" })
    );
    assert_eq!(count.swap(0, Ordering::Relaxed), 1);
    let event = [("x-amz-invocation-type", "Event")];
    send(&aws, "POST", &format!("{DEMO}/invocations"), "1", &event).await;
    sleep(Duration::from_secs(30)).await;
    assert_eq!(count.load(Ordering::Relaxed), 1);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(count.load(Ordering::Relaxed), 3);
}
