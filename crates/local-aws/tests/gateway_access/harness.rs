//! An AWS with two functions: `echo` answers proxied requests with their event, `auth` is an authorizer.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use local_aws::{Clock, Enforcement, Faults, FunctionError, LocalAws, Options, Outcome, Runner};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

pub(crate) const ACCOUNT: &str = "000000000000";

pub(crate) struct Aws {
    pub(crate) aws: LocalAws,
    /// The arguments of `auth`.
    pub(crate) events: Arc<Mutex<Vec<Value>>>,
}

/// The answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) kind: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16, kind: &str, body: &Value) {
        assert_eq!(
            (self.status, self.kind.as_str(), self.json()),
            (status, kind, body.clone())
        );
    }

    #[track_caller]
    pub(crate) fn is_bad(&self, message: &str) {
        let body = json!({ "message": message });
        self.is(400, "BadRequestException", &body);
    }
}

impl From<Response<Bytes>> for Answer {
    fn from(response: Response<Bytes>) -> Self {
        let kind = response.headers().get("x-amzn-errortype");
        Self {
            status: response.status().as_u16(),
            kind: kind
                .map_or("", |kind| kind.to_str().expect("text"))
                .to_owned(),
            headers: response.headers().clone(),
            text: String::from_utf8_lossy(response.body()).into_owned(),
        }
    }
}

/// Temporary credentials.
pub(crate) struct Session {
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

/// The URI of an integration with a function, or of an authorizer.
pub(crate) fn uri(function: &str) -> String {
    format!(
        "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{function}/invocations"
    )
}

fn zipped() -> String {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file(
            "bootstrap",
            SimpleFileOptions::default().unix_permissions(0o755),
        )
        .expect("an entry");
    writer.write_all(b"#!/bin/sh\n").expect("its bytes");
    STANDARD.encode(writer.finish().expect("an archive").into_inner())
}

fn echo(event: &Bytes) -> Bytes {
    let body = String::from_utf8_lossy(event);
    let answer = json!({ "statusCode": 200, "body": body });
    Bytes::from(answer.to_string())
}

/// A policy document that allows or denies.
pub(crate) fn policy(effect: &str, resource: &str) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": effect, "Action": "execute-api:Invoke", "Resource": resource },
    ] })
}

impl Aws {
    pub(crate) async fn new(
        authorizer: impl Fn(&Value) -> Result<Value, FunctionError> + Send + Sync + 'static,
    ) -> Self {
        let events: Arc<Mutex<Vec<Value>>> = Arc::default();
        let seen = events.clone();
        let work = move |name: &str, event: Bytes| {
            if name == "echo" {
                return Ok(echo(&event));
            }
            let event: Value = serde_json::from_slice(&event).expect("an event");
            let answer = authorizer(&event);
            seen.lock().expect("not poisoned").push(event);
            answer.map(|answer| Bytes::from(answer.to_string()))
        };
        let aws = LocalAws::open(Options {
            folder: None,
            clock: Clock::runtime(),
            runner: Runner::Inline(Arc::new(work)),
            faults: Faults::default(),
            enforcement: Enforcement::All,
            ..Options::default()
        })
        .expect("an AWS in memory");
        let aws = Self { aws, events };
        aws.functions().await;
        aws
    }

    async fn functions(&self) {
        self.role("functions", "{\"Service\":\"lambda.amazonaws.com\"}")
            .await;
        for name in ["echo", "auth"] {
            let made = self
                .service(
                    "lambda",
                    "POST",
                    "/2015-03-31/functions",
                    &json!({
                        "FunctionName": name, "Runtime": "provided.al2023", "Handler": "bootstrap",
                        "Role": format!("arn:aws:iam::{ACCOUNT}:role/functions"),
                        "Code": { "ZipFile": zipped() },
                    }),
                )
                .await;
            assert_eq!(made.status, 201, "{made:?}");
            self.permit(name, "*").await;
        }
    }

    /// Lets API Gateway invoke a function for what is under `source`.
    pub(crate) async fn permit(&self, function: &str, source: &str) {
        let path = format!("/2015-03-31/functions/{function}/policy");
        let sid = format!("s{}", source.len());
        let statement = json!({
            "StatementId": sid, "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": format!("arn:aws:execute-api:eu-west-1:{ACCOUNT}:{source}"),
        });
        let made = self.service("lambda", "POST", &path, &statement).await;
        assert_eq!(made.status, 201, "{made:?}");
    }

    pub(crate) async fn role(&self, name: &str, principal: &str) {
        let trust = format!(
            "{{\"Version\":\"2012-10-17\",\"Statement\":{{\"Effect\":\"Allow\",\"Principal\":{principal},\
             \"Action\":\"sts:AssumeRole\"}}}}"
        );
        self.query(
            "iam",
            "CreateRole",
            &[("RoleName", name), ("AssumeRolePolicyDocument", &trust)],
        )
        .await;
    }

    pub(crate) async fn query(
        &self,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Answer {
        let mut form = format!("Action={action}&Version=2010-05-08");
        for (name, value) in parameters {
            let value =
                percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC);
            form = format!("{form}&{name}={value}");
        }
        let answer = self.raw(service, "POST", "/", form).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer
    }

    async fn raw(&self, service: &str, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(
            Request::builder()
                .method(method)
                .uri(path)
                .header(
                    "authorization",
                    format!(
                        "AWS4-HMAC-SHA256 Credential={ACCOUNT}/20261124/eu-west-1/{service}/aws4_request, \
                         SignedHeaders=host, Signature=00"
                    ),
                )
                .body(body.into())
                .expect("a request"),
        )
        .await
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Answer {
        match self.aws.handle(request).await {
            Outcome::Answered(response) => response.into(),
            Outcome::Dropped => panic!("the answer was lost"),
        }
    }

    pub(crate) async fn service(
        &self,
        service: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Answer {
        self.raw(service, method, path, body.to_string()).await
    }

    /// A call of API Gateway's control plane.
    pub(crate) async fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.service("apigateway", method, path, body).await
    }

    pub(crate) async fn text(&self, method: &str, path: &str, body: &str) -> Answer {
        self.raw("apigateway", method, path, body.to_owned()).await
    }

    /// As [`Aws::call`], which succeeds.
    pub(crate) async fn ok(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, &body).await;
        assert!(answer.status < 300, "{method} {path}: {answer:?}");
        answer.json()
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.ok("GET", path, Value::Null).await
    }

    /// An API with the method `ANY /{proxy+}` by `echo`, not yet deployed; `api` and `method` are what differs.
    pub(crate) async fn api(&self, api: Value, method: Value) -> String {
        let mut input = json!({ "name": "a" });
        merge(&mut input, api);
        let made = self.ok("POST", "/restapis", input).await;
        let id = made["id"].as_str().expect("an id").to_owned();
        let root = made["rootResourceId"].as_str().expect("an id");
        let path = format!("/restapis/{id}/resources/{root}");
        let resource = self
            .ok("POST", &path, json!({ "pathPart": "{proxy+}" }))
            .await;
        let resource = resource["id"].as_str().expect("an id");
        let path = format!("/restapis/{id}/resources/{resource}/methods/ANY");
        let mut input = json!({ "authorizationType": "NONE" });
        merge(&mut input, method);
        self.ok("PUT", &path, input).await;
        let integration = json!({ "type": "AWS_PROXY", "httpMethod": "POST", "uri": uri("echo") });
        self.ok("PUT", &format!("{path}/integration"), integration)
            .await;
        id
    }

    /// The path of the method of an API made by [`Aws::api`].
    pub(crate) async fn method_path(&self, api: &str) -> String {
        let resources = self.get(&format!("/restapis/{api}/resources")).await;
        let items = resources["item"].as_array().expect("a list");
        let resource = items
            .iter()
            .find(|item| item["path"] == "/{proxy+}")
            .expect("the resource");
        let id = resource["id"].as_str().expect("an id");
        format!("/restapis/{api}/resources/{id}/methods/ANY")
    }

    pub(crate) async fn deploy(&self, api: &str) {
        let path = format!("/restapis/{api}/deployments");
        self.ok("POST", &path, json!({ "stageName": "Prod" })).await;
    }

    /// A deployed API whose method has an authorizer; its id.
    pub(crate) async fn authorized(&self, authorizer: Value, api: Value, method: Value) -> String {
        let id = self.api(api, json!({})).await;
        let mut input = json!({
            "name": "auth", "type": "TOKEN", "authorizerUri": uri("auth"),
            "identitySource": "method.request.header.Authorization",
        });
        merge(&mut input, authorizer);
        let path = format!("/restapis/{id}/authorizers");
        let made = self.ok("POST", &path, input).await;
        let method_path = self.method_path(&id).await;
        let integration = self.get(&format!("{method_path}/integration")).await;
        self.ok("DELETE", &method_path, Value::Null).await;
        let mut input = json!({ "authorizationType": "CUSTOM", "authorizerId": made["id"] });
        merge(&mut input, method);
        self.ok("PUT", &method_path, input).await;
        let mut integration = integration;
        integration["httpMethod"] = "POST".into();
        self.ok("PUT", &format!("{method_path}/integration"), integration)
            .await;
        self.deploy(&id).await;
        id
    }

    pub(crate) async fn request(&self, api: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(format!("/restapis/{api}/Prod/_user_request_{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Bytes::new()).expect("a request"))
            .await
    }

    pub(crate) fn events(&self) -> usize {
        self.events.lock().expect("not poisoned").len()
    }

    pub(crate) fn last_event(&self) -> Value {
        let events = self.events.lock().expect("not poisoned");
        events.last().cloned().unwrap_or_default()
    }

    /// A session of a new role that anybody may assume.
    pub(crate) async fn session(&self, role: &str) -> Session {
        self.role(role, "{\"AWS\":\"*\"}").await;
        let answer = self
            .query(
                "sts",
                "AssumeRole",
                &[
                    ("RoleArn", &format!("arn:aws:iam::{ACCOUNT}:role/{role}")),
                    ("RoleSessionName", "me"),
                ],
            )
            .await;
        let element = |name: &str| {
            let (_, rest) = answer.text.split_once(&format!("<{name}>")).expect("it");
            rest.split_once('<').expect("an end").0.to_owned()
        };
        Session {
            access_key: element("AccessKeyId"),
            secret: element("SecretAccessKey"),
            token: element("SessionToken"),
        }
    }

    /// A request with a signature of `seconds` ago.
    pub(crate) async fn signed(
        &self,
        api: &str,
        path: &str,
        session: &Session,
        seconds: i64,
        service: &str,
    ) -> Answer {
        let at = OffsetDateTime::now_utc() - time::Duration::seconds(seconds);
        let date = format!("{:04}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
        let time = format!(
            "{date}T{:02}{:02}{:02}Z",
            at.hour(),
            at.minute(),
            at.second()
        );
        let uri = format!("/restapis/{api}/Prod/_user_request_{path}");
        let scope = format!("{date}/eu-west-1/{service}/aws4_request");
        let signed = "x-amz-date;x-amz-security-token";
        let canonical = format!(
            "GET\n{uri}\n\nx-amz-date:{time}\nx-amz-security-token:{}\n\n{signed}\n{}",
            session.token,
            hex(&Sha256::digest(b""))
        );
        let to_sign = format!(
            "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
            hex(&Sha256::digest(canonical))
        );
        let mut mac = format!("AWS4{}", session.secret).into_bytes();
        for part in [&date, "eu-west-1", service, "aws4_request", &to_sign] {
            let mut hmac = <Hmac<Sha256> as KeyInit>::new_from_slice(&mac).expect("any key fits");
            hmac.update(part.as_bytes());
            mac = hmac.finalize().into_bytes().to_vec();
        }
        let request = Request::get(uri)
            .header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={}",
                    session.access_key,
                    hex(&mac)
                ),
            )
            .header("x-amz-date", time)
            .header("x-amz-security-token", &session.token)
            .body(Bytes::new())
            .expect("a request");
        self.send(request).await
    }
}

fn merge(into: &mut Value, changes: Value) {
    if let Value::Object(changes) = changes {
        for (name, value) in changes {
            into[name] = value;
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
