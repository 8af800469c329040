//! What the stories share.

use std::fmt::Debug;
use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_apigateway::types::{Op, PatchOperation};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use local_aws::{FunctionError, LocalAws, Options, Runner};
use serde_json::{Value, json};
use testkit::Account;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// In memory. Functions say `path` of a proxied request, fail with `{"fail": …}`, and give back any other event.
pub(crate) fn aws() -> LocalAws {
    let work = |event: hyper::body::Bytes| {
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
        runner: Runner::Inline(Arc::new(work)),
        ..Options::default()
    })
    .expect("an AWS in memory")
}

/// The code by which AWS refuses.
pub(crate) fn refused<T: Debug, E: ProvideErrorMetadata>(outcome: Result<T, E>) -> String {
    match outcome {
        Ok(output) => panic!("not refused: {output:?}"),
        Err(error) => error.code().expect("a code").to_owned(),
    }
}

pub(crate) fn trust(principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}}}"#
    )
}

pub(crate) fn allow(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{action}","Resource":"*"}}}}"#
    )
}

/// A role for functions; its ARN.
pub(crate) async fn function_role(account: &Account, name: &str) -> String {
    let role = account
        .iam
        .create_role()
        .role_name(name)
        .assume_role_policy_document(trust(r#"{"Service":"lambda.amazonaws.com"}"#))
        .send()
        .await
        .expect("CreateRole");
    role.role().expect("a role").arn().to_owned()
}

/// A package whose bootstrap says `text`.
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

pub(crate) async fn create_function(account: &Account, name: &str, role: &str) -> String {
    let code = aws_sdk_lambda::types::FunctionCode::builder()
        .zip_file(package("#!/bin/sh\n"))
        .build();
    let made = account
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
    made.function_arn().expect("an ARN").to_owned()
}

pub(crate) fn patch(op: Op, path: &str, value: &str) -> PatchOperation {
    PatchOperation::builder()
        .op(op)
        .path(path)
        .value(value)
        .build()
}

/// In milliseconds.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    i64::try_from(since.as_millis()).expect("before 292 million years")
}
