//! IAM and STS over the wire: roles, policies, sessions and what they may do.

mod signed;

use std::time::Duration;

use local_aws::{Enforcement, Faults, LocalAws};
use serde_json::json;

use signed::{Answered, Client, Session, aws};

const LAMBDA_TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}"#;
const ACCOUNT_TRUST: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, "Action": "sts:AssumeRole"}]}"#;
const READ_TABLE: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "arn:aws:dynamodb:*:*:table/t"}]}"#;

fn client() -> Client {
    Client::new(&aws(Enforcement::All, Faults::default()))
}

async fn create_role(client: &Client, name: &str, trust: &str) -> Answered {
    client
        .iam(
            "CreateRole",
            &[("RoleName", name), ("AssumeRolePolicyDocument", trust)],
        )
        .await
}

async fn put_policy(client: &Client, role: &str, name: &str, document: &str) -> Answered {
    client
        .iam(
            "PutRolePolicy",
            &[
                ("RoleName", role),
                ("PolicyName", name),
                ("PolicyDocument", document),
            ],
        )
        .await
}

async fn assume(client: &Client, role: &str) -> Answered {
    let arn = format!("arn:aws:iam::000000000000:role/{role}");
    client
        .query(
            "sts",
            "AssumeRole",
            &[("RoleArn", &arn), ("RoleSessionName", "me")],
        )
        .await
}

/// A client with a session of a new role that may do what `policy` says.
async fn in_role(aws: &LocalAws, role: &str, policy: &str) -> Client {
    let client = Client::new(aws);
    create_role(&client, role, ACCOUNT_TRUST).await.ok();
    put_policy(&client, role, "p", policy).await.ok();
    let answered = assume(&client, role).await.ok();
    Client {
        session: Some(Session {
            access_key: answered.element("AccessKeyId").to_owned(),
            secret: answered.element("SecretAccessKey").to_owned(),
            token: answered.element("SessionToken").to_owned(),
        }),
        ..client
    }
}

#[tokio::test]
async fn a_role_is_created_read_and_deleted() {
    let client = client();
    let created = client
        .iam(
            "CreateRole",
            &[
                ("RoleName", "r"),
                ("Path", "/provision/demo/"),
                ("AssumeRolePolicyDocument", LAMBDA_TRUST),
                ("Description", "É"),
                ("Tags.member.1.Key", "a"),
                ("Tags.member.1.Value", "b"),
            ],
        )
        .await
        .ok();
    assert_eq!(
        created.element("Arn"),
        "arn:aws:iam::000000000000:role/provision/demo/r"
    );
    let id = created.element("RoleId");
    assert!(id.starts_with("AROA") && id.len() == 21, "{id}");
    let got = client.iam("GetRole", &[("RoleName", "r")]).await.ok();
    assert!(
        got.element("AssumeRolePolicyDocument")
            .starts_with("%7B%22Version%22%3A%20%222012-10-17%22%2C")
    );
    assert_eq!(got.element("Description"), "É");
    assert_eq!(got.element("MaxSessionDuration"), "3600");
    assert_eq!(got.element("Key"), "a");
    assert!(got.text.contains("<RoleLastUsed></RoleLastUsed>"));
    create_role(&client, "R", LAMBDA_TRUST).await.refused(
        409,
        "EntityAlreadyExists",
        "Role with name R already exists.",
    );
    put_policy(&client, "r", "p", READ_TABLE).await.ok();
    client
        .iam("DeleteRole", &[("RoleName", "r")])
        .await
        .refused(
            409,
            "DeleteConflict",
            "Cannot delete entity, must delete policies first.",
        );
    let inline = [("RoleName", "r"), ("PolicyName", "p")];
    let got = client.iam("GetRolePolicy", &inline).await.ok();
    assert!(got.element("PolicyDocument").contains("dynamodb%3AGetItem"));
    let listed = client
        .iam("ListRolePolicies", &[("RoleName", "r")])
        .await
        .ok();
    assert_eq!(listed.element("member"), "p");
    client.iam("DeleteRolePolicy", &inline).await.ok();
    client.iam("DeleteRolePolicy", &inline).await.refused(
        404,
        "NoSuchEntity",
        "The role policy with name p cannot be found.",
    );
    client.iam("DeleteRole", &[("RoleName", "r")]).await.ok();
    client.iam("GetRole", &[("RoleName", "r")]).await.refused(
        404,
        "NoSuchEntity",
        "The role with name r cannot be found.",
    );
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[tokio::test]
async fn what_is_wrong_creates_nothing() {
    let client = client();
    let long = "x".repeat(65);
    let base = [("AssumeRolePolicyDocument", LAMBDA_TRUST)];
    let named = [("RoleName", "r"), base[0]];
    let with = |more: &[(&'static str, &'static str)]| [&named[..], more].concat();
    let validation = "ValidationError";
    for (parameters, code, message) in [
        (
            base.to_vec(),
            validation,
            "Value at 'roleName' failed to satisfy constraint: Member must not be null",
        ),
        (
            vec![("RoleName", "r")],
            validation,
            "'assumeRolePolicyDocument'",
        ),
        (
            vec![("RoleName", long.as_str()), base[0]],
            validation,
            "Member must have length less than or equal to 64",
        ),
        (
            vec![("RoleName", "a/b"), base[0]],
            validation,
            "The specified value for roleName is invalid.",
        ),
        (
            with(&[("Path", "x")]),
            validation,
            "The specified value for path is invalid.",
        ),
        (
            with(&[("Description", "—")]),
            validation,
            "'description' failed to satisfy constraint",
        ),
        (
            with(&[("MaxSessionDuration", "60")]),
            validation,
            "greater than or equal to 3600",
        ),
        (with(&[("MaxSessionDuration", "x")]), "MalformedInput", ""),
        (
            with(&[("Tags.member.1.Key", "a")]),
            validation,
            "'tags.1.member.value'",
        ),
        (
            with(&[("Tags.member.1.Key", "a!"), ("Tags.member.1.Value", "")]),
            validation,
            "regular expression",
        ),
        (
            with(&[("Tags.member.1.Key", "aws:a"), ("Tags.member.1.Value", "")]),
            "InvalidInput",
            "system tags",
        ),
        (
            with(&[
                ("Tags.member.1.Key", "a"),
                ("Tags.member.1.Value", ""),
                ("Tags.member.2.Key", "A"),
                ("Tags.member.2.Value", ""),
            ]),
            "InvalidInput",
            "Duplicate tag keys found.",
        ),
    ] {
        client
            .iam("CreateRole", &parameters)
            .await
            .refused(400, code, message);
    }
    create_role(&client, "r", "{").await.refused(
        400,
        "MalformedPolicyDocument",
        "This policy contains invalid Json",
    );
    let unknown = ACCOUNT_TRUST.replace(":root", ":role/gone");
    create_role(&client, "r", &unknown).await.refused(
        400,
        "MalformedPolicyDocument",
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::000000000000:role/gone\"",
    );
    let large = LAMBDA_TRUST.replace("lambda", &format!("lambda{}", "x".repeat(2048)));
    create_role(&client, "r", &large).await.refused(
        409,
        "LimitExceeded",
        "Cannot exceed quota for ACLSizePerRole: 2048",
    );
    let listed = client.iam("ListRoles", &[]).await.ok();
    assert!(listed.elements("RoleName").is_empty());
    client
        .iam("Nothing", &[])
        .await
        .refused(400, "InvalidAction", "version 2010-05-08");
    client
        .query("sts", "Nothing", &[])
        .await
        .refused(400, "InvalidAction", "version 2011-06-15");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let client = client();
    for name in ["b", "a", "c"] {
        create_role(&client, name, LAMBDA_TRUST).await.ok();
    }
    let first = client.iam("ListRoles", &[("MaxItems", "2")]).await.ok();
    assert_eq!(first.elements("RoleName"), ["a", "b"]);
    assert_eq!(first.element("IsTruncated"), "true");
    let marker = first.element("Marker");
    let second = client.iam("ListRoles", &[("Marker", marker)]).await.ok();
    assert_eq!(second.elements("RoleName"), ["c"]);
    assert_eq!(second.element("IsTruncated"), "false");
    let elsewhere = client.iam("ListRoles", &[("PathPrefix", "/x/")]).await.ok();
    assert!(elsewhere.elements("RoleName").is_empty());
    client.iam("ListRoles", &[("Marker", "!")]).await.refused(
        400,
        "ValidationError",
        "Invalid Marker.",
    );
    client.iam("ListRoles", &[("MaxItems", "0")]).await.refused(
        400,
        "ValidationError",
        "'maxItems'",
    );
}

#[tokio::test]
async fn a_role_is_changed() {
    let client = client();
    create_role(&client, "r", LAMBDA_TRUST).await.ok();
    let role = ("RoleName", "r");
    client
        .iam(
            "UpdateRole",
            &[role, ("Description", "new"), ("MaxSessionDuration", "7200")],
        )
        .await
        .ok();
    client
        .iam(
            "UpdateAssumeRolePolicy",
            &[role, ("PolicyDocument", ACCOUNT_TRUST)],
        )
        .await
        .ok();
    let tag = |key, value| {
        [
            role,
            ("Tags.member.1.Key", key),
            ("Tags.member.1.Value", value),
        ]
    };
    client.iam("TagRole", &tag("Team", "a")).await.ok();
    client.iam("TagRole", &tag("team", "b")).await.ok();
    client.iam("TagRole", &tag("other", "")).await.ok();
    client
        .iam("UntagRole", &[role, ("TagKeys.member.1", "other")])
        .await
        .ok();
    let got = client.iam("GetRole", &[role]).await.ok();
    assert_eq!(got.element("Description"), "new");
    assert_eq!(got.element("MaxSessionDuration"), "7200");
    assert!(got.element("AssumeRolePolicyDocument").contains("%3Aroot"));
    assert_eq!(got.elements("Key"), ["Team"]);
    assert_eq!(got.elements("Value"), ["b"]);
    let tags = client.iam("ListRoleTags", &[role]).await.ok();
    assert_eq!(tags.elements("Key"), ["Team"]);
    let profiles = client
        .iam("ListInstanceProfilesForRole", &[role])
        .await
        .ok();
    assert_eq!(profiles.element("InstanceProfiles"), "");
    let large = READ_TABLE.replace("table/t", &format!("table/{}", "t".repeat(10_000)));
    put_policy(&client, "r", "p", &large).await.ok();
    put_policy(&client, "r", "q", &large).await.refused(
        409,
        "LimitExceeded",
        "Maximum policy size of 10240 bytes exceeded for role r",
    );
    put_policy(&client, "r", "q", "{}").await.refused(
        400,
        "MalformedPolicyDocument",
        "Syntax errors in policy.",
    );
}

#[tokio::test]
async fn managed_policies_are_attached() {
    let client = client();
    create_role(&client, "r", LAMBDA_TRUST).await.ok();
    let document = ("PolicyDocument", READ_TABLE);
    let created = client
        .iam(
            "CreatePolicy",
            &[("PolicyName", "own"), ("Path", "/x/"), document],
        )
        .await
        .ok();
    let own = "arn:aws:iam::000000000000:policy/x/own";
    assert_eq!(created.element("Arn"), own);
    client
        .iam("CreatePolicy", &[("PolicyName", "OWN"), document])
        .await
        .refused(
            409,
            "EntityAlreadyExists",
            "A policy called OWN already exists.",
        );
    let of = |arn| [("RoleName", "r"), ("PolicyArn", arn)];
    let basic = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole";
    for arn in [own, basic, own] {
        client.iam("AttachRolePolicy", &of(arn)).await.ok();
    }
    let gone = "arn:aws:iam::000000000000:policy/gone";
    client.iam("AttachRolePolicy", &of(gone)).await.refused(
        404,
        "NoSuchEntity",
        "Policy arn:aws:iam::000000000000:policy/gone does not exist or is not attachable.",
    );
    client
        .iam("AttachRolePolicy", &of("not an ARN, but long enough"))
        .await
        .refused(400, "ValidationError", "Could not be parsed!");
    let listed = client
        .iam("ListAttachedRolePolicies", &[("RoleName", "r")])
        .await
        .ok();
    assert_eq!(listed.elements("PolicyArn"), [own, basic]);
    assert_eq!(
        listed.elements("PolicyName"),
        ["own", "AWSLambdaBasicExecutionRole"]
    );
    let got = client.iam("GetPolicy", &[("PolicyArn", own)]).await.ok();
    assert_eq!(got.element("AttachmentCount"), "1");
    let version = [("PolicyArn", own), ("VersionId", "v1")];
    let got = client.iam("GetPolicyVersion", &version).await.ok();
    assert!(got.element("Document").contains("dynamodb%3AGetItem"));
    let local = client.iam("ListPolicies", &[("Scope", "Local")]).await.ok();
    assert_eq!(local.elements("PolicyName"), ["own"]);
    client
        .iam("DeletePolicy", &[("PolicyArn", own)])
        .await
        .refused(409, "DeleteConflict", "attached to entities");
    client
        .iam("DeleteRole", &[("RoleName", "r")])
        .await
        .refused(409, "DeleteConflict", "must detach all policies first");
    for arn in [own, basic] {
        client.iam("DetachRolePolicy", &of(arn)).await.ok();
    }
    client
        .iam("DetachRolePolicy", &of(own))
        .await
        .refused(404, "NoSuchEntity", "was not found");
    client.iam("DeletePolicy", &[("PolicyArn", own)]).await.ok();
    client.iam("DeleteRole", &[("RoleName", "r")]).await.ok();
}

#[tokio::test(start_paused = true)]
async fn a_new_role_is_not_seen_at_once() {
    let client = Client::new(&aws(
        Enforcement::All,
        Faults {
            visibility_ms: 5_000,
            ..Faults::default()
        },
    ));
    create_role(&client, "r", LAMBDA_TRUST).await.ok();
    let get = || client.iam("GetRole", &[("RoleName", "r")]);
    get().await.refused(404, "NoSuchEntity", "");
    create_role(&client, "r", LAMBDA_TRUST)
        .await
        .refused(409, "EntityAlreadyExists", "");
    tokio::time::sleep(Duration::from_secs(5)).await;
    get().await.ok();
}

#[tokio::test]
async fn callers_are_told_who_they_are() {
    let aws = aws(Enforcement::All, Faults::default());
    let root = Client::new(&aws);
    let told = root.query("sts", "GetCallerIdentity", &[]).await.ok();
    assert!(told.text.starts_with(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
    ));
    assert_eq!(told.element("UserId"), "000000000000");
    assert_eq!(told.element("Arn"), "arn:aws:iam::000000000000:root");
    // A session needs no right to ask.
    let session = in_role(&aws, "r", READ_TABLE).await;
    let told = session.query("sts", "GetCallerIdentity", &[]).await.ok();
    assert_eq!(
        told.element("Arn"),
        "arn:aws:sts::000000000000:assumed-role/r/me"
    );
    assert!(told.element("UserId").ends_with(":me"));
    assert!(told.element("UserId").starts_with("AROA"));
}

#[tokio::test(start_paused = true)]
async fn only_the_trusted_assume_a_role() {
    let aws = aws(Enforcement::All, Faults::default());
    let client = Client::new(&aws);
    create_role(&client, "lambda", LAMBDA_TRUST).await.ok();
    for role in ["lambda", "gone"] {
        assume(&client, role).await.refused(
            403,
            "AccessDenied",
            "User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: \
             arn:aws:iam::000000000000:role/",
        );
    }
    create_role(&client, "r", ACCOUNT_TRUST).await.ok();
    let with = |name, value| {
        let parameters = [
            ("RoleArn", "arn:aws:iam::000000000000:role/r"),
            ("RoleSessionName", "me"),
        ];
        let kept = parameters.into_iter().filter(move |(own, _)| *own != name);
        kept.chain([(name, value)]).collect::<Vec<_>>()
    };
    for (name, value, message) in [
        ("RoleSessionName", "a b", "regular expression"),
        ("RoleSessionName", "a", "greater than or equal to 2"),
        ("DurationSeconds", "60", "greater than or equal to 900"),
        (
            "DurationSeconds",
            "7200",
            "exceeds the MaxSessionDuration set for this role",
        ),
        ("RoleArn", "r", "greater than or equal to 20"),
        ("RoleArn", "no ARN but as long as one", "is invalid"),
    ] {
        client
            .query("sts", "AssumeRole", &with(name, value))
            .await
            .refused(400, "ValidationError", message);
    }
    let session = in_role(&aws, "other", READ_TABLE).await;
    tokio::time::sleep(Duration::from_secs(3601)).await;
    session
        .query("sts", "GetCallerIdentity", &[])
        .await
        .refused(403, "ExpiredToken", "expired");
}

#[tokio::test]
async fn a_session_may_do_what_its_role_may() {
    let aws = aws(Enforcement::All, Faults::default());
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["iam:GetRole", "iam:CreateRole"], "Resource": "arn:aws:iam::*:role/a*" },
        { "Effect": "Allow", "Action": "logs:*", "Resource": "arn:aws:logs:*:*:log-group:/own:*" },
        { "Effect": "Deny", "Action": "logs:DeleteLogGroup", "Resource": "*" },
        { "Effect": "Allow", "Action": "apigateway:GET", "Resource": "arn:aws:apigateway:*::/restapis/*" },
    ] });
    let session = in_role(&aws, "r", &policy.to_string()).await;
    create_role(&session, "a", LAMBDA_TRUST).await.ok();
    session.iam("GetRole", &[("RoleName", "a")]).await.ok();
    create_role(&session, "b", LAMBDA_TRUST).await.refused(
        403,
        "AccessDenied",
        "User: arn:aws:sts::000000000000:assumed-role/r/me is not authorized to perform: iam:CreateRole on resource: \
         arn:aws:iam::000000000000:role/b because no identity-based policy allows the iam:CreateRole action",
    );
    // Tags in a create need their own right.
    session
        .iam(
            "CreateRole",
            &[
                ("RoleName", "a2"),
                ("AssumeRolePolicyDocument", LAMBDA_TRUST),
                ("Tags.member.1.Key", "a"),
                ("Tags.member.1.Value", "b"),
            ],
        )
        .await
        .refused(403, "AccessDenied", "iam:TagRole");
    let own = json!({ "logGroupName": "/own" });
    session.logs("CreateLogGroup", &own).await.ok();
    session
        .logs("CreateLogGroup", &json!({ "logGroupName": "/other" }))
        .await
        .refused_as_json(
            400,
            "AccessDeniedException",
            "on resource: arn:aws:logs:eu-west-1:000000000000:log-group:/other:log-stream: because",
        );
    session.logs("DeleteLogGroup", &own).await.refused_as_json(
        400,
        "AccessDeniedException",
        "log-group:/own:log-stream: with an explicit deny in an identity-based policy",
    );
    let put = |table: &str| {
        let body = json!({ "TableName": table, "Item": {} }).to_string();
        let request = http::Request::post("/").header("x-amz-target", "DynamoDB_20120810.PutItem");
        (request, body)
    };
    // Whether the operation is there is another part's matter; without it, there is nothing to be denied.
    let (request, body) = put("t");
    let answered = session.send("dynamodb", request, body).await;
    if !answered.text.contains("UnknownOperationException") {
        answered.refused_as_json(
            400,
            "AccessDeniedException",
            "is not authorized to perform: dynamodb:PutItem on resource: \
             arn:aws:dynamodb:eu-west-1:000000000000:table/t because no identity-based policy allows the \
             dynamodb:PutItem action",
        );
    }
    // The account itself is asked for nothing.
    Client::new(&aws).logs("DeleteLogGroup", &own).await.ok();
}

#[tokio::test]
async fn without_enforcement_all_may_do_all() {
    for (enforcement, status) in [
        (Enforcement::Off, 200),
        (Enforcement::Functions, 200),
        (Enforcement::All, 403),
    ] {
        let aws = aws(enforcement, Faults::default());
        let session = in_role(&aws, "r", READ_TABLE).await;
        let answered = session.iam("ListRoles", &[]).await;
        assert_eq!(answered.status, status, "{enforcement:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_policy_has_effect_after_a_while() {
    let aws = aws(
        Enforcement::All,
        Faults {
            policy_propagation_ms: 4_000,
            ..Faults::default()
        },
    );
    let allow = |action: &str| {
        json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": action, "Resource": "*" } })
            .to_string()
    };
    let session = in_role(&aws, "r", &allow("iam:ListRoles")).await;
    let may = async || {
        let roles = session.iam("ListRoles", &[]).await.status == 200;
        let users = session.iam("ListUsers", &[]).await.status == 200;
        (roles, users)
    };
    assert_eq!(may().await, (false, false));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(may().await, (true, false));
    put_policy(&Client::new(&aws), "r", "p", &allow("iam:ListUsers"))
        .await
        .ok();
    assert_eq!(may().await, (true, false));
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(may().await, (false, true));
}

#[tokio::test]
async fn a_boundary_limits_a_role() {
    let aws = aws(Enforcement::All, Faults::default());
    let client = Client::new(&aws);
    let all = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    let session = in_role(&aws, "r", all).await;
    session.iam("ListRoles", &[]).await.ok();
    let boundary = [
        ("RoleName", "r"),
        (
            "PermissionsBoundary",
            "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess",
        ),
    ];
    client
        .iam("PutRolePermissionsBoundary", &boundary)
        .await
        .ok();
    session.iam("ListRoles", &[]).await.refused(
        403,
        "AccessDenied",
        "because no permissions boundary allows the iam:ListRoles action",
    );
    let got = client.iam("GetRole", &[("RoleName", "r")]).await.ok();
    assert_eq!(got.element("PermissionsBoundaryArn"), boundary[1].1);
    let off = [("RoleName", "r")];
    client.iam("DeleteRolePermissionsBoundary", &off).await.ok();
    client
        .iam("DeleteRolePermissionsBoundary", &off)
        .await
        .refused(404, "NoSuchEntity", "");
    session.iam("ListRoles", &[]).await.ok();
}

#[tokio::test]
async fn rights_can_be_asked_for() {
    let client = client();
    create_role(&client, "r", LAMBDA_TRUST).await.ok();
    put_policy(&client, "r", "p", READ_TABLE).await.ok();
    let simulated = client
        .iam(
            "SimulatePrincipalPolicy",
            &[
                ("PolicySourceArn", "arn:aws:iam::000000000000:role/r"),
                ("ActionNames.member.1", "dynamodb:GetItem"),
                ("ActionNames.member.2", "dynamodb:PutItem"),
                (
                    "ResourceArns.member.1",
                    "arn:aws:dynamodb:eu-west-1:000000000000:table/t",
                ),
            ],
        )
        .await
        .ok();
    assert_eq!(
        simulated.elements("EvalDecision"),
        ["allowed", "implicitDeny"]
    );
    let aliases = client.iam("ListAccountAliases", &[]).await.ok();
    assert_eq!(aliases.element("AccountAliases"), "");
    let user = client.iam("GetUser", &[]).await.ok();
    assert_eq!(user.element("Arn"), "arn:aws:iam::000000000000:root");
    client.iam("GetUser", &[("UserName", "u")]).await.refused(
        404,
        "NoSuchEntity",
        "The user with name u cannot be found.",
    );
}
