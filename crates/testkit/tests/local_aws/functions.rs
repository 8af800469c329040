//! Functions: their life, their policy, and calling them.

use std::time::Duration;

use aws_sdk_lambda::client::Waiters;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::{
    Environment, FunctionCode, InvocationType, LastUpdateStatus, LogType, PackageType, Runtime,
    State,
};
use testkit::Account;

use crate::harness::{create_function, function_role, now, package, refused};

const NAME: &str = "story-function";
const WAIT: Duration = Duration::from_secs(10);

pub(crate) async fn story(account: &Account) {
    let lambda = &account.lambda;
    let early = lambda
        .create_function()
        .function_name(NAME)
        .role(format!("arn:aws:iam::{}:role/nobody", account.id))
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .code(FunctionCode::builder().zip_file(package("x")).build());
    assert_eq!(
        refused(early.send().await),
        "InvalidParameterValueException"
    );
    let role = function_role(account, "story-function-role").await;
    let arn = create_function(account, NAME, &role).await;
    assert_eq!(
        arn,
        format!("arn:aws:lambda:eu-west-1:{}:function:{NAME}", account.id)
    );
    lambda
        .wait_until_function_active_v2()
        .function_name(NAME)
        .wait(WAIT)
        .await
        .expect("it becomes active");

    described(account, &arn, &role).await;
    updated(account).await;
    policy(account, &arn).await;
    tags(account, &arn).await;
    concurrency(account).await;
    defaults(account, &arn).await;
    invoked(account).await;

    lambda
        .delete_function()
        .function_name(NAME)
        .send()
        .await
        .expect("DeleteFunction");
    let gone = lambda.get_function().function_name(NAME).send().await;
    assert!(
        gone.expect_err("it is gone")
            .into_service_error()
            .is_resource_not_found_exception()
    );
    account
        .iam
        .delete_role()
        .role_name("story-function-role")
        .send()
        .await
        .expect("DeleteRole");
}

async fn described(account: &Account, arn: &str, role: &str) {
    let lambda = &account.lambda;
    let found = lambda.get_function().function_name(arn).send().await;
    let found = found.expect("GetFunction");
    assert!(found.code().is_some_and(|code| code.location().is_some()));
    let found = found.configuration().expect("a configuration");
    assert_eq!(
        (found.state(), found.package_type(), found.role()),
        (Some(&State::Active), Some(&PackageType::Zip), Some(role))
    );
    assert_eq!(
        (found.memory_size(), found.timeout(), found.version()),
        (Some(128), Some(3), Some("$LATEST"))
    );
    let listed = lambda.list_functions().send().await.expect("ListFunctions");
    let names: Vec<_> = listed
        .functions()
        .iter()
        .filter_map(|function| function.function_name())
        .collect();
    assert_eq!(names, [NAME]);
}

async fn updated(account: &Account) {
    let lambda = &account.lambda;
    let before = lambda.get_function_configuration().function_name(NAME);
    let before = before.send().await.expect("GetFunctionConfiguration");
    let change = |revision: &str| {
        lambda
            .update_function_configuration()
            .function_name(NAME)
            .memory_size(256)
            .timeout(9)
            .environment(Environment::builder().variables("NAME", "x").build())
            .revision_id(revision)
            .send()
    };
    let revision = before.revision_id().expect("a revision");
    change(revision).await.expect("UpdateFunctionConfiguration");
    lambda
        .wait_until_function_updated_v2()
        .function_name(NAME)
        .wait(WAIT)
        .await
        .expect("it is updated");
    assert_eq!(
        refused(change(revision).await),
        "PreconditionFailedException"
    );
    let code = lambda
        .update_function_code()
        .function_name(NAME)
        .zip_file(package("#!/bin/sh\n# new\n"))
        .send()
        .await
        .expect("UpdateFunctionCode");
    assert_ne!(code.code_sha256(), before.code_sha256());
    lambda
        .wait_until_function_updated_v2()
        .function_name(NAME)
        .wait(WAIT)
        .await
        .expect("it is updated");
    let after = lambda.get_function_configuration().function_name(NAME);
    let after = after.send().await.expect("GetFunctionConfiguration");
    assert_eq!(
        (after.memory_size(), after.timeout(), after.code_sha256()),
        (Some(256), Some(9), code.code_sha256())
    );
    assert_eq!(
        after.last_update_status(),
        Some(&LastUpdateStatus::Successful)
    );
    let variables = after
        .environment()
        .and_then(|environment| environment.variables());
    assert_eq!(
        variables.and_then(|variables| variables.get("NAME").map(String::as_str)),
        Some("x")
    );
}

async fn policy(account: &Account, arn: &str) {
    let lambda = &account.lambda;
    let none = lambda.get_policy().function_name(NAME).send().await;
    assert_eq!(refused(none), "ResourceNotFoundException");
    let add = || {
        lambda
            .add_permission()
            .function_name(NAME)
            .statement_id("gateway")
            .action("lambda:InvokeFunction")
            .principal("apigateway.amazonaws.com")
            .source_arn(format!(
                "arn:aws:execute-api:eu-west-1:{}:abc/*",
                account.id
            ))
            .send()
    };
    let added = add().await.expect("AddPermission");
    assert!(
        added
            .statement()
            .is_some_and(|statement| statement.contains(arn))
    );
    assert_eq!(refused(add().await), "ResourceConflictException");
    let policy = lambda.get_policy().function_name(NAME).send().await;
    let policy = policy.expect("GetPolicy");
    let document: serde_json::Value =
        serde_json::from_str(policy.policy().expect("a document")).expect("JSON");
    assert_eq!(document["Statement"][0]["Sid"], "gateway");
    let remove = |revision: &str| {
        lambda
            .remove_permission()
            .function_name(NAME)
            .statement_id("gateway")
            .revision_id(revision)
            .send()
    };
    assert_eq!(
        refused(remove("another").await),
        "PreconditionFailedException"
    );
    remove(policy.revision_id().expect("a revision"))
        .await
        .expect("RemovePermission");
    let none = lambda.get_policy().function_name(NAME).send().await;
    assert_eq!(refused(none), "ResourceNotFoundException");
}

async fn tags(account: &Account, arn: &str) {
    let lambda = &account.lambda;
    lambda
        .tag_resource()
        .resource(arn)
        .tags("a", "1")
        .tags("b", "2")
        .send()
        .await
        .expect("TagResource");
    lambda
        .untag_resource()
        .resource(arn)
        .tag_keys("a")
        .send()
        .await
        .expect("UntagResource");
    let tags = lambda.list_tags().resource(arn).send().await;
    let tags = tags.expect("ListTags");
    assert_eq!(
        tags.tags()
            .map(|tags| (tags.len(), tags.get("b").map(String::as_str))),
        Some((1, Some("2")))
    );
}

async fn concurrency(account: &Account) {
    let lambda = &account.lambda;
    let put = |count| {
        lambda
            .put_function_concurrency()
            .function_name(NAME)
            .reserved_concurrent_executions(count)
            .send()
    };
    put(5).await.expect("PutFunctionConcurrency");
    assert_eq!(refused(put(950).await), "InvalidParameterValueException");
    let get = || lambda.get_function_concurrency().function_name(NAME).send();
    let got = get().await.expect("GetFunctionConcurrency");
    assert_eq!(got.reserved_concurrent_executions(), Some(5));
    let settings = lambda.get_account_settings().send().await;
    let settings = settings.expect("GetAccountSettings");
    let limit = settings.account_limit().expect("limits");
    assert_eq!(
        (
            limit.concurrent_executions(),
            limit.unreserved_concurrent_executions()
        ),
        (1000, Some(995))
    );
    assert_eq!(
        settings
            .account_usage()
            .map(aws_sdk_lambda::types::AccountUsage::function_count),
        Some(1)
    );
    lambda
        .delete_function_concurrency()
        .function_name(NAME)
        .send()
        .await
        .expect("DeleteFunctionConcurrency");
    let got = get().await.expect("GetFunctionConcurrency");
    assert_eq!(got.reserved_concurrent_executions(), None);
}

async fn defaults(account: &Account, arn: &str) {
    let lambda = &account.lambda;
    let signing = lambda.get_function_code_signing_config();
    let signing = signing.function_name(NAME).send().await;
    assert_eq!(
        signing
            .expect("GetFunctionCodeSigningConfig")
            .function_name(),
        NAME
    );
    let url = lambda.get_function_url_config().function_name(NAME).send();
    assert_eq!(refused(url.await), "ResourceNotFoundException");
    let urls = lambda.list_function_url_configs().function_name(NAME);
    let urls = urls.send().await.expect("ListFunctionUrlConfigs");
    assert!(urls.function_url_configs().is_empty());
    let management = lambda.get_runtime_management_config();
    let management = management.function_name(NAME).send().await;
    let management = management.expect("GetRuntimeManagementConfig");
    assert_eq!(
        management.function_arn(),
        Some(format!("{arn}:$LATEST").as_str())
    );
    let sources = lambda.list_event_source_mappings().send().await;
    assert!(
        sources
            .expect("ListEventSourceMappings")
            .event_source_mappings()
            .is_empty()
    );
}

async fn invoked(account: &Account) {
    let lambda = &account.lambda;
    let invoke = |event: &str| {
        lambda
            .invoke()
            .function_name(NAME)
            .log_type(LogType::Tail)
            .payload(Blob::new(event))
            .send()
    };
    let answer = invoke(r#"{"n":1}"#).await.expect("Invoke");
    assert_eq!(
        (answer.status_code(), answer.executed_version()),
        (200, Some("$LATEST"))
    );
    assert_eq!(
        answer.payload().map(AsRef::as_ref),
        Some(&br#"{"n":1}"#[..])
    );
    assert!(answer.log_result().is_some() && answer.function_error().is_none());
    let failed = invoke(r#"{"fail":"on purpose"}"#).await.expect("Invoke");
    assert_eq!(failed.function_error(), Some("Unhandled"));
    let failure: serde_json::Value =
        serde_json::from_slice(failed.payload().expect("a payload").as_ref()).expect("JSON");
    assert_eq!(failure["errorMessage"], "on purpose");
    assert_eq!(refused(invoke("{").await), "InvalidRequestContentException");
    let dry = lambda
        .invoke()
        .function_name(NAME)
        .invocation_type(InvocationType::DryRun)
        .send();
    assert_eq!(dry.await.expect("Invoke").status_code(), 204);
    let marker = format!(r#"{{"at":{}}}"#, now());
    let later = lambda
        .invoke()
        .function_name(NAME)
        .invocation_type(InvocationType::Event)
        .payload(Blob::new(marker))
        .send();
    assert_eq!(later.await.expect("Invoke").status_code(), 202);
    let nowhere = lambda.invoke().function_name("nowhere").send().await;
    assert_eq!(refused(nowhere), "ResourceNotFoundException");
}
