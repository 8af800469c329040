//! Calls of the local AWS in memory, by their bytes.

use std::fmt::Write;

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::{Request, Response};
use local_aws::{Clock, Enforcement, Faults, LocalAws, Options, Outcome, Runner};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub(crate) fn aws(enforcement: Enforcement, faults: Faults) -> LocalAws {
    LocalAws::open(Options {
        folder: None,
        clock: Clock::runtime(),
        runner: Runner::Inline(std::sync::Arc::new(|_, event| Ok(event))),
        faults,
        enforcement,
        ..Options::default()
    })
    .expect("a new one in memory")
}

/// Temporary credentials.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) token: String,
}

/// Whoever calls.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) aws: LocalAws,
    pub(crate) session: Option<Session>,
}

/// The answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answered {
    /// The text of the first element of this name.
    #[track_caller]
    pub(crate) fn element(&self, name: &str) -> &str {
        self.elements(name)
            .first()
            .copied()
            .unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// The texts of all elements of this name.
    pub(crate) fn elements(&self, name: &str) -> Vec<&str> {
        let (start, end) = (format!("<{name}>"), format!("</{name}>"));
        let mut rest = self.text.as_str();
        let mut found = Vec::new();
        while let Some((_, after)) = rest.split_once(&start) {
            let (text, tail) = after.split_once(&end).expect("an end");
            found.push(text);
            rest = tail;
        }
        found
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect("a JSON body")
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{}", self.text);
        self
    }

    /// Asserts a refusal under the query protocol.
    #[track_caller]
    pub(crate) fn refused(self, status: u16, code: &str, message: &str) {
        let text = &self.text;
        assert_eq!(self.status, status, "{text}");
        assert_eq!(self.element("Code"), code, "{text}");
        let said = self.element("Message").replace("&quot;", "\"");
        assert!(said.contains(message), "{text}");
    }

    /// Asserts a refusal under a JSON protocol.
    #[track_caller]
    pub(crate) fn refused_as_json(self, status: u16, code: &str, message: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        let body = self.json();
        assert_eq!(body["__type"], code, "{body}");
        let said = body["message"].as_str().expect("a message");
        assert!(said.contains(message), "{said}");
    }
}

impl Client {
    pub(crate) fn new(aws: &LocalAws) -> Self {
        Self {
            aws: aws.clone(),
            session: None,
        }
    }

    /// A call of IAM or STS.
    pub(crate) async fn query(
        &self,
        service: &str,
        action: &str,
        parameters: &[(&str, &str)],
    ) -> Answered {
        let mut body = format!("Action={action}");
        for (name, value) in parameters {
            body.push('&');
            body.push_str(name);
            body.push('=');
            for byte in value.bytes() {
                let _ = write!(body, "%{byte:02X}");
            }
        }
        let request = Request::post("/").header(
            "content-type",
            "application/x-www-form-urlencoded; charset=utf-8",
        );
        self.send(service, request, body).await
    }

    pub(crate) async fn iam(&self, action: &str, parameters: &[(&str, &str)]) -> Answered {
        self.query("iam", action, parameters).await
    }

    pub(crate) async fn logs(&self, operation: &str, body: &Value) -> Answered {
        let target = format!("Logs_20140328.{operation}");
        self.json("logs", &target, body).await
    }

    /// A call of a service with a JSON protocol; `target` is the `X-Amz-Target`.
    pub(crate) async fn json(&self, service: &str, target: &str, body: &Value) -> Answered {
        let request = Request::post("/").header("x-amz-target", target);
        self.send(service, request, body.to_string()).await
    }

    pub(crate) async fn send(
        &self,
        service: &str,
        request: http::request::Builder,
        body: impl Into<Bytes>,
    ) -> Answered {
        let mut request = request.body(body.into()).expect("a request");
        self.sign(service, &mut request);
        match self.aws.handle(request).await {
            Outcome::Answered(response) => answered(response),
            Outcome::Dropped => panic!("dropped"),
        }
    }

    fn sign(&self, service: &str, request: &mut Request<Bytes>) {
        let time = now();
        let date = &time[..8];
        let scope = format!("{date}/eu-west-1/{service}/aws4_request");
        let (key, signed, signature) = match &self.session {
            None => ("000000000000", "host", "00".to_owned()),
            Some(session) => {
                let signed = "x-amz-date;x-amz-security-token";
                let canonical = format!(
                    "{}\n{}\n\nx-amz-date:{time}\nx-amz-security-token:{}\n\n{signed}\n{}",
                    request.method(),
                    request.uri().path().replace('%', "%25"),
                    session.token,
                    hex(&Sha256::digest(request.body()))
                );
                let to_sign = format!(
                    "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
                    hex(&Sha256::digest(canonical))
                );
                let mut mac = format!("AWS4{}", session.secret).into_bytes();
                for part in [date, "eu-west-1", service, "aws4_request", &to_sign] {
                    let mut hmac =
                        <Hmac<Sha256> as KeyInit>::new_from_slice(&mac).expect("any key fits");
                    hmac.update(part.as_bytes());
                    mac = hmac.finalize().into_bytes().to_vec();
                }
                (session.access_key.as_str(), signed, hex(&mac))
            }
        };
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={signed}, Signature={signature}"
        );
        let headers = request.headers_mut();
        let value = |text: &str| text.parse().expect("a header value");
        headers.insert("authorization", value(&authorization));
        headers.insert("x-amz-date", value(&time));
        if let Some(session) = &self.session {
            headers.insert("x-amz-security-token", value(&session.token));
        }
    }
}

/// `20261124T093000Z`.
pub(crate) fn now() -> String {
    let now = time::OffsetDateTime::now_utc();
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour(),
        now.minute(),
        now.second()
    )
}

fn answered(response: Response<Bytes>) -> Answered {
    Answered {
        status: response.status().as_u16(),
        text: String::from_utf8(response.into_body().to_vec()).expect("text"),
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
