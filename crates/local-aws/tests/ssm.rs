//! Parameter Store over the wire: the messages of its refusals, secrecy, lag and rights.

#[expect(dead_code, reason = "other tests use the rest")]
mod signed;

use std::time::Duration;

use local_aws::{Enforcement, Faults};
use serde_json::{Value, json};

use signed::{Answered, Client, Session, aws};

fn client() -> Client {
    Client::new(&aws(Enforcement::Off, Faults::default()))
}

async fn ssm(client: &Client, operation: &str, body: Value) -> Answered {
    let target = format!("AmazonSSM.{operation}");
    client.json("ssm", &target, &body).await
}

async fn put(client: &Client, name: &str, value: &str) {
    let body = json!({ "Name": name, "Value": value, "Type": "String", "Overwrite": true });
    ssm(client, "PutParameter", body).await.ok();
}

async fn described(client: &Client, body: Value) -> Value {
    ssm(client, "DescribeParameters", body).await.ok().json()
}

fn names(output: &Value) -> Vec<&str> {
    output["Parameters"]
        .as_array()
        .expect("parameters")
        .iter()
        .map(|parameter| parameter["Name"].as_str().expect("a name"))
        .collect()
}

#[tokio::test]
async fn a_parameter_is_answered_with_these_members() {
    let client = client();
    let body = json!({ "Name": "/a/b", "Value": "v", "Type": "String", "Description": "d" });
    let put = ssm(&client, "PutParameter", body).await.ok().json();
    assert_eq!(put, json!({ "Version": 1, "Tier": "Standard" }));
    let read = ssm(&client, "GetParameter", json!({ "Name": "/a/b:1" }))
        .await
        .ok();
    let mut read = read.json()["Parameter"].take();
    assert!(read["LastModifiedDate"].take().is_f64());
    assert_eq!(
        read,
        json!({
            "Name": "/a/b",
            "Type": "String",
            "Value": "v",
            "Version": 1,
            "LastModifiedDate": null,
            "ARN": "arn:aws:ssm:eu-west-1:000000000000:parameter/a/b",
            "DataType": "text",
            "Selector": ":1",
        })
    );
    let mut facts = described(&client, json!({})).await["Parameters"][0].take();
    assert!(facts["LastModifiedDate"].take().is_f64());
    assert_eq!(
        facts,
        json!({
            "Name": "/a/b",
            "Type": "String",
            "LastModifiedDate": null,
            "LastModifiedUser": "arn:aws:iam::000000000000:root",
            "Version": 1,
            "Tier": "Standard",
            "Policies": [],
            "DataType": "text",
            "Description": "d",
            "ARN": "arn:aws:ssm:eu-west-1:000000000000:parameter/a/b",
        })
    );
}

#[tokio::test]
async fn put_parameter_is_refused_in_these_words() {
    let client = client();
    put(&client, "x", "v").await;
    let tag = json!([{ "Key": "k", "Value": "v" }]);
    for (body, code, message) in [
        (
            json!({ "Name": "/x", "Value": "v", "Type": "String" }),
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        ),
        (
            json!({ "Name": "x", "Value": "v", "Overwrite": true, "Tags": tag }),
            "ValidationException",
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove \
             overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or \
             RemoveTagsFromResource.",
        ),
        (
            json!({ "Name": "new", "Value": "v" }),
            "ValidationException",
            "A parameter type is required when you create a parameter.",
        ),
        (
            json!({ "Name": "new", "Value": "v", "Type": "Number" }),
            "ValidationException",
            "1 validation error detected: Value 'Number' at 'type' failed to satisfy constraint: Member must satisfy enum \
             value set: [SecureString, StringList, String]",
        ),
        (
            json!({ "Name": "new", "Value": "", "Type": "String" }),
            "ValidationException",
            "1 validation error detected: Value at 'value' failed to satisfy constraint: Member must have length greater \
             than or equal to 1",
        ),
        (
            json!({ "Name": "new", "Value": "x".repeat(4097), "Type": "String" }),
            "ValidationException",
            "Standard tier parameters support a maximum parameter value of 4096 characters.",
        ),
        (
            json!({ "Name": "new", "Value": "v", "Type": "String", "KeyId": "alias/k" }),
            "ValidationException",
            "KeyId is required for SecureString type parameter only.",
        ),
        (
            json!({ "Name": "new", "Value": "v", "Type": "String", "DataType": "Text" }),
            "ValidationException",
            "The following data type is not supported: Text (Data type names are all lowercase.)",
        ),
        (
            json!({ "Name": "new", "Value": "v", "Type": "String", "AllowedPattern": "^\\d+$" }),
            "ParameterPatternMismatchException",
            "Parameter value, cannot be validated against allowedPattern: ^\\d+$",
        ),
        (
            json!({ "Name": "a/b", "Value": "v", "Type": "String" }),
            "ValidationException",
            "Parameter name must be a fully qualified name.",
        ),
        (
            json!({ "Name": "awslimits", "Value": "v", "Type": "String" }),
            "AccessDeniedException",
            "No access to reserved parameter name: awslimits.",
        ),
        (
            json!({ "Name": "/a b", "Value": "v", "Type": "String" }),
            "ValidationException",
            "sub-paths divided by slash symbol",
        ),
    ] {
        let answered = ssm(&client, "PutParameter", body).await;
        answered.refused_as_json(400, code, message);
    }
}

#[tokio::test]
async fn reads_are_refused_in_these_words() {
    let client = client();
    put(&client, "x", "v").await;
    for (operation, body, code, message) in [
        (
            "GetParameter",
            json!({ "Name": "y" }),
            "ParameterNotFound",
            "",
        ),
        (
            "DeleteParameter",
            json!({ "Name": "y" }),
            "ParameterNotFound",
            "",
        ),
        (
            "GetParameter",
            json!({ "Name": "x:2" }),
            "ParameterVersionNotFound",
            "Systems Manager could not find version 2 of x. Verify the version and try again.",
        ),
        (
            "GetParameter",
            json!({ "Name": "/x//y" }),
            "ValidationException",
            "sub-paths divided by slash symbol",
        ),
        (
            "GetParameters",
            json!({ "Names": vec!["x"; 11] }),
            "ValidationException",
            "at 'names' failed to satisfy constraint: Member must have length less than or equal to 10",
        ),
        (
            "GetParametersByPath",
            json!({ "Path": "/", "MaxResults": 11 }),
            "ValidationException",
            "Value '11' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 10",
        ),
        (
            "GetParametersByPath",
            json!({ "Path": "/", "ParameterFilters": [{ "Key": "Name", "Values": ["x"] }] }),
            "InvalidFilterKey",
            "The following filter key is not valid: Name. Valid filter keys include: [Type, KeyId].",
        ),
        (
            "DescribeParameters",
            json!({ "ParameterFilters": [{ "Key": "Name" }] }),
            "InvalidFilterValue",
            "The following filter values are missing : null for filter key Name.",
        ),
        (
            "DescribeParameters",
            json!({ "NextToken": "?" }),
            "InvalidNextToken",
            "The specified token isn't valid.",
        ),
        (
            "ListTagsForResource",
            json!({ "ResourceType": "Parameter", "ResourceId": "y" }),
            "InvalidResourceId",
            "",
        ),
    ] {
        let answered = ssm(&client, operation, body).await;
        answered.refused_as_json(400, code, message);
    }
}

#[tokio::test]
async fn a_secret_is_shown_only_to_those_who_ask_for_it() {
    let client = client();
    let body = json!({ "Name": "/a/s", "Value": "hush-hush", "Type": "SecureString" });
    ssm(&client, "PutParameter", body).await.ok();
    let list = json!({ "Path": "/a" });
    for (operation, body) in [
        ("GetParameter", json!({ "Name": "/a/s" })),
        ("GetParameters", json!({ "Names": ["/a/s"] })),
        ("GetParametersByPath", list),
        ("GetParameterHistory", json!({ "Name": "/a/s" })),
        ("DescribeParameters", json!({ "WithDecryption": true })),
    ] {
        let answered = ssm(&client, operation, body.clone()).await.ok();
        assert!(
            !answered.text.contains("hush"),
            "{operation}: {}",
            answered.text
        );
        if operation == "DescribeParameters" {
            continue;
        }
        let mut body = body;
        body["WithDecryption"] = true.into();
        let answered = ssm(&client, operation, body).await.ok();
        assert!(answered.text.contains("hush-hush"), "{operation}");
    }
    let facts = described(&client, json!({})).await;
    assert_eq!(facts["Parameters"][0]["KeyId"], "alias/aws/ssm");
}

#[tokio::test]
async fn the_hundred_newest_versions_are_retained() {
    let client = client();
    for version in 0..100 {
        put(&client, "x", &version.to_string()).await;
    }
    let label = |version| json!({ "Name": "x", "ParameterVersion": version, "Labels": ["live"] });
    ssm(&client, "LabelParameterVersion", label(1)).await.ok();
    let body = json!({ "Name": "x", "Value": "v", "Overwrite": true });
    let refused = ssm(&client, "PutParameter", body.clone()).await;
    refused.refused_as_json(
        400,
        "ParameterMaxVersionLimitExceeded",
        "You attempted to create a new version of x by calling the PutParameter API with the overwrite flag. Version 1, the \
         oldest version, can't be deleted because it has a label associated with it.",
    );
    ssm(&client, "LabelParameterVersion", label(2)).await.ok();
    let put = ssm(&client, "PutParameter", body).await.ok().json();
    assert_eq!(put["Version"], 101);
    let history = ssm(&client, "GetParameterHistory", json!({ "Name": "x" }))
        .await
        .ok()
        .json();
    assert_eq!(history["Parameters"][0]["Version"], 2);
    assert_eq!(history["Parameters"][0]["Labels"], json!(["live"]));
    assert!(history["NextToken"].is_string());
}

#[tokio::test]
async fn a_page_of_descriptions_may_be_empty() {
    let client = client();
    for number in 0..60 {
        put(&client, &format!("p{number:02}"), "v").await;
    }
    let tags = json!([{ "Key": "k", "Value": "v" }]);
    let body = json!({ "Name": "q", "Value": "v", "Type": "String", "Tags": tags });
    ssm(&client, "PutParameter", body).await.ok();
    let filter = json!([{ "Key": "tag:k" }]);
    let first = described(&client, json!({ "ParameterFilters": filter })).await;
    assert!(names(&first).is_empty());
    let next = json!({ "ParameterFilters": filter, "NextToken": first["NextToken"] });
    let second = described(&client, next).await;
    assert_eq!(names(&second), ["q"]);
    assert_eq!(second["NextToken"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn descriptions_are_late_and_values_are_not() {
    let faults = Faults {
        visibility_ms: 2_000,
        ..Faults::default()
    };
    let client = Client::new(&aws(Enforcement::Off, faults));
    put(&client, "x", "1").await;
    let read = ssm(&client, "GetParameter", json!({ "Name": "x" }))
        .await
        .ok();
    assert_eq!(read.json()["Parameter"]["Value"], "1");
    assert!(names(&described(&client, json!({})).await).is_empty());
    tokio::time::advance(Duration::from_secs(2)).await;
    put(&client, "x", "2").await;
    let facts = described(&client, json!({})).await;
    assert_eq!(facts["Parameters"][0]["Version"], 1);
    tokio::time::advance(Duration::from_secs(2)).await;
    let facts = described(&client, json!({})).await;
    assert_eq!(facts["Parameters"][0]["Version"], 2);
}

#[tokio::test(start_paused = true)]
async fn values_are_put_at_a_rate() {
    let faults = Faults {
        rates: true,
        ..Faults::default()
    };
    let client = Client::new(&aws(Enforcement::Off, faults));
    for _ in 0..3 {
        put(&client, "x", "v").await;
    }
    let body = json!({ "Name": "x", "Value": "v", "Overwrite": true });
    let refused = ssm(&client, "PutParameter", body).await;
    refused.refused_as_json(400, "ThrottlingException", "Rate exceeded");
    tokio::time::advance(Duration::from_secs(1)).await;
    put(&client, "x", "v").await;
}

/// A client with a session of a new role that may do what `statement` says.
async fn in_role(client: &Client, statement: Value) -> Client {
    let trust = json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": "arn:aws:iam::000000000000:root" },
    }});
    let policy = json!({ "Version": "2012-10-17", "Statement": statement });
    let (trust, policy) = (trust.to_string(), policy.to_string());
    let role = [
        ("RoleName", "r"),
        ("AssumeRolePolicyDocument", trust.as_str()),
    ];
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
async fn rights_are_about_parameters() {
    let client = Client::new(&aws(Enforcement::All, Faults::default()));
    put(&client, "/a/b", "v").await;
    let statement = json!({
        "Effect": "Allow",
        "Action": ["ssm:GetParameter", "ssm:PutParameter"],
        "Resource": "arn:aws:ssm:*:*:parameter/a/*",
    });
    let role = in_role(&client, statement).await;
    ssm(&role, "GetParameter", json!({ "Name": "/a/b" }))
        .await
        .ok();
    let refused = ssm(&role, "GetParameter", json!({ "Name": "/c/d" })).await;
    refused.refused_as_json(
        400,
        "AccessDeniedException",
        "User: arn:aws:sts::000000000000:assumed-role/r/me is not authorized to perform: ssm:GetParameter on resource: \
         arn:aws:ssm:eu-west-1:000000000000:parameter/c/d because no identity-based policy allows the ssm:GetParameter \
         action",
    );
    let tags = json!([{ "Key": "k", "Value": "v" }]);
    let body = json!({ "Name": "/a/c", "Value": "v", "Type": "String", "Tags": tags });
    let refused = ssm(&role, "PutParameter", body).await;
    refused.refused_as_json(400, "AccessDeniedException", "ssm:AddTagsToResource");
    let refused = ssm(&role, "DescribeParameters", json!({})).await;
    refused.refused_as_json(400, "AccessDeniedException", "ssm:eu-west-1:000000000000:*");
}
