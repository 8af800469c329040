//! Lambda: functions, their permissions and settings, versions, aliases, and invocations.

mod aliases;
mod functions;
mod invocations;
mod permissions;
mod settings;
mod updates;
mod versions;

use aws_sdk_lambda::client::Waiters;
use aws_sdk_lambda::operation::get_function_configuration::GetFunctionConfigurationOutput;
use aws_sdk_lambda::operation::update_function_code::UpdateFunctionCodeOutput;
use testkit::Account;

use crate::harness::{WAIT, package};

const NAME: &str = "echo";

async fn configuration(account: &Account) -> GetFunctionConfigurationOutput {
    let found = account.lambda.get_function_configuration();
    let found = found.function_name(NAME).send().await;
    found.expect("GetFunctionConfiguration")
}

async fn update_code(account: &Account) -> UpdateFunctionCodeOutput {
    account
        .lambda
        .update_function_code()
        .function_name(NAME)
        .zip_file(package("#!/bin/sh\n# new\n"))
        .send()
        .await
        .expect("UpdateFunctionCode")
}

async fn wait_until_updated(account: &Account) {
    account
        .lambda
        .wait_until_function_updated_v2()
        .function_name(NAME)
        .wait(WAIT)
        .await
        .expect("it is updated");
}
