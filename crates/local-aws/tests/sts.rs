//! STS over the wire: presigned calls, sessions with policies and tags, and how old a signature may be.

#[expect(dead_code, reason = "other tests use the rest")]
mod signed;

use std::sync::Arc;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use local_aws::{Clock, Enforcement, Faults, LocalAws, Options, Outcome, Runner};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use signed::{Answered, Client, Session, aws, hex};

const ROLE: &str = "arn:aws:iam::000000000000:role/r";

/// By the machine's clock, which signatures age by.
fn by_the_clock() -> LocalAws {
    LocalAws::open(Options {
        folder: None,
        clock: Clock::System,
        runner: Runner::Inline(Arc::new(|_, event| Ok(event))),
        enforcement: Enforcement::All,
        ..Options::default()
    })
    .expect("a new one in memory")
}

fn document(statement: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": statement }).to_string()
}

fn allow(actions: &[&str]) -> String {
    document(&json!({ "Effect": "Allow", "Action": actions, "Resource": "*" }))
}

fn trust(actions: &[&str]) -> String {
    document(
        &json!({ "Effect": "Allow", "Principal": { "AWS": "000000000000" }, "Action": actions }),
    )
}

/// A role that may do what `policy` says, and be assumed by the account with `actions`.
async fn create_role(client: &Client, name: &str, actions: &[&str], policy: &str) {
    let trust = trust(actions);
    let role = [("RoleName", name), ("AssumeRolePolicyDocument", &trust)];
    client.iam("CreateRole", &role).await.ok();
    let put = [
        ("RoleName", name),
        ("PolicyName", "p"),
        ("PolicyDocument", policy),
    ];
    client.iam("PutRolePolicy", &put).await.ok();
}

async fn assume(client: &Client, more: &[(&str, &str)]) -> Answered {
    let base = [("RoleArn", ROLE), ("RoleSessionName", "me")];
    let given = |name: &str| more.iter().any(|(own, _)| *own == name);
    let parameters: Vec<(&str, &str)> = base
        .into_iter()
        .filter(|(name, _)| !given(name))
        .chain(more.iter().copied())
        .collect();
    client.query("sts", "AssumeRole", &parameters).await
}

fn session(client: &Client, answered: &Answered) -> Client {
    Client {
        session: Some(Session {
            access_key: answered.element("AccessKeyId").to_owned(),
            secret: answered.element("SecretAccessKey").to_owned(),
            token: answered.element("SessionToken").to_owned(),
        }),
        ..client.clone()
    }
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out + &char::from(byte).to_string()
        } else {
            out + &format!("%{byte:02X}")
        }
    })
}

/// The query of a presigned `GetCallerIdentity`, signed at `time`.
fn presigned(session: &Session, time: &str) -> String {
    let date = &time[..8];
    let scope = format!("{date}/eu-west-1/sts/aws4_request");
    let query = format!(
        "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&\
         X-Amz-Date={time}&X-Amz-Expires=60&X-Amz-Security-Token={}&X-Amz-SignedHeaders=host",
        encoded(&format!("{}/{scope}", session.access_key)),
        session.token
    );
    let canonical = format!(
        "GET\n/\n{query}\nhost:sts.local\n\nhost\n{}",
        hex(&Sha256::digest(""))
    );
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hex(&Sha256::digest(canonical))
    );
    let mut key = format!("AWS4{}", session.secret).into_bytes();
    for part in [date, "eu-west-1", "sts", "aws4_request", &to_sign] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).expect("any key fits");
        mac.update(part.as_bytes());
        key = mac.finalize().into_bytes().to_vec();
    }
    format!("{query}&X-Amz-Signature={}", hex(&key))
}

async fn send(aws: &LocalAws, request: Request<Bytes>) -> Answered {
    let response: Response<Bytes> = match aws.handle(request).await {
        Outcome::Answered(response) => response,
        Outcome::Dropped => panic!("dropped"),
    };
    Answered {
        status: response.status().as_u16(),
        text: String::from_utf8(response.into_body().to_vec()).expect("text"),
    }
}

async fn get(aws: &LocalAws, query: &str) -> Answered {
    let request = Request::get(format!("/?{query}"))
        .header("host", "sts.local")
        .body(Bytes::new())
        .expect("a request");
    send(aws, request).await
}

/// A time in the form of signatures, so many minutes from now.
fn minutes_from_now(minutes: i64) -> String {
    let at = time::OffsetDateTime::now_utc() + time::Duration::minutes(minutes);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

#[tokio::test]
async fn a_presigned_call_tells_who_signed_it() {
    let aws = by_the_clock();
    let client = Client::new(&aws);
    create_role(
        &client,
        "r",
        &["sts:AssumeRole"],
        &allow(&["iam:ListRoles"]),
    )
    .await;
    let answered = assume(&client, &[]).await.ok();
    let own = session(&client, &answered).session.expect("a session");
    let query = presigned(&own, &signed::now());
    let told = get(&aws, &query).await.ok();
    assert_eq!(
        told.element("Arn"),
        "arn:aws:sts::000000000000:assumed-role/r/me"
    );
    // Whatever `X-Amz-Expires` says: see `age`.
    get(&aws, &presigned(&own, &minutes_from_now(-10)))
        .await
        .ok();
    let refused = 403;
    get(&aws, &query.replace("Expires=60", "Expires=900"))
        .await
        .refused(
            refused,
            "SignatureDoesNotMatch",
            "does not match the signature",
        );
    let old = minutes_from_now(-16);
    get(&aws, &presigned(&own, &old)).await.refused(
        refused,
        "SignatureDoesNotMatch",
        &format!("Signature expired: {old} is now earlier than "),
    );
    let new = minutes_from_now(16);
    get(&aws, &presigned(&own, &new)).await.refused(
        refused,
        "SignatureDoesNotMatch",
        &format!("Signature not yet current: {new} is still later than "),
    );
    let token = format!("&X-Amz-Security-Token={}", own.token);
    get(&aws, &query.replace(&token, "")).await.refused(
        refused,
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    );
    get(&aws, &query.replace("X-Amz-Date", "X-Amz-Day"))
        .await
        .refused(400, "IncompleteSignature", "");
}

#[tokio::test]
async fn a_call_may_be_all_in_the_query() {
    let aws = by_the_clock();
    let request = Request::get("/?Action=GetCallerIdentity&Version=2011-06-15")
        .header(
            "authorization",
            "AWS4-HMAC-SHA256 Credential=111111111111/20261124/eu-west-1/sts/aws4_request, SignedHeaders=host, Signature=0",
        )
        .body(Bytes::new())
        .expect("a request");
    let told = send(&aws, request).await.ok();
    assert_eq!(told.element("Account"), "111111111111");
}

#[tokio::test]
async fn signatures_in_headers_age_too() {
    let aws = by_the_clock();
    let call = async |service: &str, target: &str, time: String| {
        let credential = format!(
            "000000000000/{}/eu-west-1/{service}/aws4_request",
            &time[..8]
        );
        let request = Request::post("/")
            .header("x-amz-target", target)
            .header("x-amz-date", time)
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"
                ),
            )
            .body(Bytes::from("{}"))
            .expect("a request");
        send(&aws, request).await
    };
    let list = "DynamoDB_20120810.ListTables";
    call("dynamodb", list, minutes_from_now(-4)).await.ok();
    call("dynamodb", list, minutes_from_now(-6))
        .await
        .refused_as_json(400, "InvalidSignatureException", "- 5 min.)");
    call(
        "logs",
        "Logs_20140328.DescribeLogGroups",
        minutes_from_now(6),
    )
    .await
    .refused_as_json(400, "InvalidSignatureException", "+ 5 min.)");
}

#[tokio::test]
async fn a_session_is_limited_by_its_policies() {
    let aws = aws(Enforcement::All, Faults::default());
    let client = Client::new(&aws);
    let all = allow(&["iam:List*", "iam:GetRole"]);
    create_role(&client, "r", &["sts:AssumeRole"], &all).await;
    let policy = allow(&["iam:ListUsers", "iam:CreateUser"]);
    let managed = [
        ("PolicyName", "m"),
        ("PolicyDocument", &allow(&["iam:ListRoles"])),
    ];
    client.iam("CreatePolicy", &managed).await.ok();
    let answered = assume(
        &client,
        &[
            ("Policy", &policy),
            (
                "PolicyArns.member.1.arn",
                "arn:aws:iam::000000000000:policy/m",
            ),
        ],
    )
    .await
    .ok();
    assert_ne!(answered.element("PackedPolicySize"), "0");
    let limited = session(&client, &answered);
    limited.iam("ListUsers", &[]).await.ok();
    limited.iam("ListRoles", &[]).await.ok();
    limited.iam("GetRole", &[("RoleName", "r")]).await.refused(
        403,
        "AccessDenied",
        "is not authorized to perform: iam:GetRole on resource: arn:aws:iam::000000000000:role/r because no session policy \
         allows the iam:GetRole action",
    );
    limited
        .iam("CreateUser", &[("UserName", "u")])
        .await
        .refused(
            403,
            "AccessDenied",
            "because no identity-based policy allows the iam:CreateUser action",
        );
    for (name, value, code, message) in [
        ("Policy", "{", "MalformedPolicyDocument", ""),
        (
            "PolicyArns.member.1.arn",
            "arn:aws:iam::000000000000:policy/gone",
            "ValidationError",
            "does not exist",
        ),
    ] {
        assume(&client, &[(name, value)])
            .await
            .refused(400, code, message);
    }
}

#[tokio::test]
async fn a_session_has_tags_and_hands_some_on() {
    let aws = aws(Enforcement::All, Faults::default());
    let client = Client::new(&aws);
    let policy = document(&json!([
        { "Effect": "Allow", "Action": "iam:GetRole", "Resource": "arn:aws:iam::*:role/${aws:PrincipalTag/team}" },
        { "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*" },
    ]));
    create_role(&client, "r", &["sts:AssumeRole", "sts:TagSession"], &policy).await;
    let tagged = [
        ("Tags.member.1.Key", "team"),
        ("Tags.member.1.Value", "r"),
        ("TransitiveTagKeys.member.1", "team"),
    ];
    let first = session(&client, &assume(&client, &tagged).await.ok());
    first.iam("GetRole", &[("RoleName", "r")]).await.ok();
    let second = session(&client, &assume(&first, &[]).await.ok());
    second.iam("GetRole", &[("RoleName", "r")]).await.ok();
    assume(&first, &tagged[..2]).await.refused(
        400,
        "InvalidParameterValue",
        "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling \
         session.",
    );
    let untagged = session(&client, &assume(&client, &[]).await.ok());
    untagged
        .iam("GetRole", &[("RoleName", "r")])
        .await
        .refused(403, "AccessDenied", "");
    let trust = trust(&["sts:AssumeRole"]);
    let update = [("RoleName", "r"), ("PolicyDocument", &trust)];
    client.iam("UpdateAssumeRolePolicy", &update).await.ok();
    assume(&client, &tagged).await.refused(
        403,
        "AccessDenied",
        "is not authorized to perform: sts:TagSession on resource: arn:aws:iam::000000000000:role/r",
    );
    assume(&client, &[("SourceIdentity", "ann")]).await.refused(
        403,
        "AccessDenied",
        "is not authorized to perform: sts:SetSourceIdentity on resource",
    );
}

#[tokio::test]
async fn what_sts_has_not_is_refused_by_name() {
    let aws = aws(Enforcement::All, Faults::default());
    let client = Client::new(&aws);
    create_role(&client, "r", &["sts:*"], &allow(&["iam:ListRoles"])).await;
    let not_here = 501;
    let code = "NotImplemented";
    assume(
        &client,
        &[("SerialNumber", "arn:aws:iam::000000000000:mfa/x")],
    )
    .await
    .refused(
        not_here,
        code,
        "The local AWS does not support the SerialNumber of AssumeRole",
    );
    client
        .query(
            "sts",
            "DecodeAuthorizationMessage",
            &[("EncodedMessage", "x")],
        )
        .await
        .refused(
            not_here,
            code,
            "The local AWS does not support STS's DecodeAuthorizationMessage",
        );
    client
        .iam("CreateAccessKey", &[("UserName", "u")])
        .await
        .refused(
            not_here,
            code,
            "The local AWS does not support IAM's CreateAccessKey",
        );
    let unsigned = Request::post("/")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15",
        ))
        .expect("a request");
    send(&aws, unsigned).await.refused(
        not_here,
        code,
        "The local AWS does not support STS's AssumeRoleWithWebIdentity",
    );
    client.query("sts", "Guess", &[]).await.refused(
        400,
        "InvalidAction",
        "Could not find operation Guess",
    );
}

#[tokio::test]
async fn the_account_gets_temporary_credentials() {
    let aws = aws(Enforcement::All, Faults::default());
    let client = Client::new(&aws);
    let answered = client.query("sts", "GetSessionToken", &[]).await.ok();
    let temporary = session(&client, &answered);
    let told = temporary.query("sts", "GetCallerIdentity", &[]).await.ok();
    assert_eq!(told.element("Arn"), "arn:aws:iam::000000000000:root");
    temporary
        .query("sts", "GetSessionToken", &[])
        .await
        .refused(
            403,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
        );
    let key = answered.element("AccessKeyId");
    let info = client
        .query("sts", "GetAccessKeyInfo", &[("AccessKeyId", key)])
        .await
        .ok();
    assert_eq!(info.element("Account"), "000000000000");
}

#[tokio::test]
async fn a_policy_takes_effect_by_its_default_version() {
    let aws = aws(Enforcement::All, Faults::default());
    let client = Client::new(&aws);
    create_role(
        &client,
        "r",
        &["sts:AssumeRole"],
        &allow(&["iam:ListUsers"]),
    )
    .await;
    let arn = "arn:aws:iam::000000000000:policy/p";
    let first = [
        ("PolicyName", "p"),
        ("PolicyDocument", &allow(&["iam:ListRoles"])),
    ];
    client.iam("CreatePolicy", &first).await.ok();
    let attach = [("RoleName", "r"), ("PolicyArn", arn)];
    client.iam("AttachRolePolicy", &attach).await.ok();
    let own = session(&client, &assume(&client, &[]).await.ok());
    let may = async || {
        let roles = own.iam("ListRoles", &[]).await.status == 200;
        let policies = own.iam("ListPolicies", &[]).await.status == 200;
        (roles, policies)
    };
    assert_eq!(may().await, (true, false));
    let second = [
        ("PolicyArn", arn),
        ("PolicyDocument", &allow(&["iam:ListPolicies"])),
    ];
    client.iam("CreatePolicyVersion", &second).await.ok();
    assert_eq!(may().await, (true, false));
    let default = |version: &'static str| [("PolicyArn", arn), ("VersionId", version)];
    client
        .iam("SetDefaultPolicyVersion", &default("v2"))
        .await
        .ok();
    assert_eq!(may().await, (false, true));
    let listed = client
        .iam("ListPolicyVersions", &[("PolicyArn", arn)])
        .await
        .ok();
    assert_eq!(listed.elements("VersionId"), ["v2", "v1"]);
    assert_eq!(listed.elements("IsDefaultVersion"), ["true", "false"]);
    client.iam("DetachRolePolicy", &attach).await.ok();
    client
        .iam("DeletePolicy", &[("PolicyArn", arn)])
        .await
        .refused(
            409,
            "DeleteConflict",
            "This policy has more than one version.",
        );
    client.iam("DeletePolicyVersion", &default("v1")).await.ok();
    client.iam("DeletePolicy", &[("PolicyArn", arn)]).await.ok();
}
