//! The local AWS and the account of a test, and the values that tests of several services need.

use std::fmt::{Debug, Write as _};
use std::fs::OpenOptions;
use std::io::{self, Cursor, Write as _};
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use local_aws::{FunctionError, LocalAws, Options, Runner};
use serde_json::{Value, json};
use testkit::{Account, InProcess};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Environment variable with the file that every test appends its calls to, a line each: service and operation.
pub(crate) const CALLS: &str = "LOCAL_AWS_TEST_CALLS";

/// Environment variable that is `http` where the SDK connects to a listener instead of calling within the process.
pub(crate) const TRANSPORT: &str = "LOCAL_AWS_TEST_TRANSPORT";

/// Longest time to wait for a resource to change its state.
pub(crate) const WAIT: Duration = Duration::from_secs(10);

const ACCOUNT: &str = "700000000071";

/// An account of a local AWS that no other test uses.
pub(crate) struct TestAccount {
    account: Account,
    transport: Transport,
}

enum Transport {
    InProcess(InProcess),
    /// Kept, because the server ends with it.
    Http {
        _listener: Listener,
    },
}

/// Starts a local AWS in memory and returns an account of it, in this process or over HTTP ([`TRANSPORT`]).
pub(crate) async fn account() -> TestAccount {
    if std::env::var(TRANSPORT).is_ok_and(|transport| transport == "http") {
        let listener = Listener::start().await;
        return TestAccount {
            account: listener.account().await,
            transport: Transport::Http {
                _listener: listener,
            },
        };
    }
    let in_process = InProcess::new(local_aws());
    TestAccount {
        account: Account::in_process(&in_process, ACCOUNT).await,
        transport: Transport::InProcess(in_process),
    }
}

impl Deref for TestAccount {
    type Target = Account;

    fn deref(&self) -> &Account {
        &self.account
    }
}

impl Drop for TestAccount {
    fn drop(&mut self) {
        if let (Transport::InProcess(in_process), Some(file)) =
            (&self.transport, std::env::var_os(CALLS))
        {
            let mut lines = String::new();
            for call in in_process.take_calls() {
                // Writing to a string cannot fail.
                let _ = writeln!(lines, "{} {}", call.service, call.operation);
            }
            let file = OpenOptions::new().create(true).append(true).open(file);
            file.and_then(|mut file| file.write_all(lines.as_bytes()))
                .expect("the calls can be written");
        }
    }
}

/// A local AWS behind a loopback listener, until this is dropped.
pub(crate) struct Listener {
    /// `http://127.0.0.1:` and the port.
    pub(crate) url: String,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl Listener {
    pub(crate) async fn start() -> Self {
        let listener = LocalAws::bind(0).await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(async move {
            let shutdown = async {
                let _ = stopped.await;
            };
            local_aws().serve(listener, shutdown).await
        });
        Self { url, stop, server }
    }

    pub(crate) async fn account(&self) -> Account {
        Account::connect(&self.url, ACCOUNT).await
    }

    /// Shuts the server down and panics unless it ends without an error.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        let ended = self.server.await.expect("the server's task ends");
        ended.expect("the server shuts down in order");
    }
}

/// Opens a local AWS in memory. Its functions answer a proxied request with its `path`, fail on `{"fail": …}`, and
/// return any other event.
fn local_aws() -> LocalAws {
    let function = |event: hyper::body::Bytes| {
        let event: Value = serde_json::from_slice(&event).unwrap_or_default();
        if let Some(message) = event["fail"].as_str() {
            return Err(FunctionError {
                error_type: "Told".to_owned(),
                message: message.to_owned(),
            });
        }
        let answer = match event["path"].as_str() {
            Some(path) => json!({ "statusCode": 201, "headers": { "x-from": "f" }, "body": path }),
            None => event,
        };
        Ok(answer.to_string().into())
    };
    LocalAws::open(Options {
        runner: Runner::Inline(Arc::new(move |_, event| function(event))),
        ..Options::default()
    })
    .expect("an AWS in memory")
}

/// Returns the error code of a refused call; panics if the call was answered.
#[track_caller]
pub(crate) fn refused<T: Debug, E: ProvideErrorMetadata>(outcome: Result<T, E>) -> String {
    match outcome {
        Ok(output) => panic!("not refused: {output:?}"),
        Err(error) => error.code().expect("a code").to_owned(),
    }
}

/// A trust policy that lets `principal` assume the role.
pub(crate) fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}}}"#
    )
}

/// A policy that allows `action` on every resource.
pub(crate) fn allow(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"*"}}}}"#
    )
}

/// Creates a role for functions and returns its ARN.
pub(crate) async fn function_role(account: &Account) -> String {
    let role = account
        .iam
        .create_role()
        .role_name("function-role")
        .assume_role_policy_document(trust(r#"{"Service":"lambda.amazonaws.com"}"#))
        .send()
        .await
        .expect("CreateRole");
    role.role().expect("a role").arn().to_owned()
}

/// A deployment package with `text` as its bootstrap.
pub(crate) fn package(text: &str) -> aws_sdk_lambda::primitives::Blob {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer
        .start_file(
            "bootstrap",
            SimpleFileOptions::default().unix_permissions(0o755),
        )
        .expect("an entry");
    writer.write_all(text.as_bytes()).expect("its bytes");
    let bytes = writer.finish().expect("an archive").into_inner();
    aws_sdk_lambda::primitives::Blob::new(bytes)
}

/// Creates a function with a role of its own and returns its ARN.
pub(crate) async fn create_function(account: &Account, name: &str) -> String {
    let role = function_role(account).await;
    let code = aws_sdk_lambda::types::FunctionCode::builder()
        .zip_file(package("#!/bin/sh\n"))
        .build();
    let function = account
        .lambda
        .create_function()
        .function_name(name)
        .role(role)
        .runtime(aws_sdk_lambda::types::Runtime::Providedal2023)
        .handler("bootstrap")
        .code(code)
        .send()
        .await
        .expect("CreateFunction");
    function.function_arn().expect("an ARN").to_owned()
}

/// The present time in milliseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(since.as_millis()).expect("before 292 million years")
}
