//! Functions, with their policy statements and tags.

use aws_sdk_lambda::error::ProvideErrorMetadata;
use aws_sdk_lambda::types::{Concurrency, EphemeralStorage};
use serde_json::{Value, json};

use super::value::{document, map};
use crate::account::Account;

/// Lists functions with their policy statements and tags.
pub(super) async fn functions(account: &Account) -> Vec<Value> {
    let lambda = &account.lambda;
    let mut found = Vec::new();
    let listed = lambda
        .list_functions()
        .send()
        .await
        .expect("ListFunctions")
        .functions;
    for name in listed
        .unwrap_or_default()
        .iter()
        .filter_map(|function| function.function_name())
    {
        let function = lambda
            .get_function()
            .function_name(name)
            .send()
            .await
            .expect("GetFunction");
        let config = function
            .configuration()
            .expect("GetFunction answers with a configuration");
        let environment = config
            .environment()
            .and_then(|environment| environment.variables());
        let mut statements = match lambda.get_policy().function_name(name).send().await {
            Ok(policy) => document(policy.policy().unwrap_or_default())["Statement"].clone(),
            Err(error) if error.code() == Some("ResourceNotFoundException") => json!([]),
            Err(error) => panic!("GetPolicy: {error:?}"),
        };
        // A statement id may contain ids that differ between runs.
        for statement in statements.as_array_mut().into_iter().flatten() {
            statement.as_object_mut().map(|fields| fields.remove("Sid"));
        }
        let layers: Vec<_> = config
            .layers()
            .iter()
            .filter_map(|layer| layer.arn())
            .collect();
        let aliases = lambda.list_aliases().function_name(name).send().await;
        let aliases = aliases.expect("ListAliases").aliases.unwrap_or_default();
        let aliases = aliases.into_iter().filter_map(|alias| alias.name);
        found.push(json!({
            "name": name,
            "aliases": aliases.collect::<Vec<_>>(),
            "arn": config.function_arn(),
            "description": config.description().unwrap_or_default(),
            "runtime": config.runtime().map(ToString::to_string),
            "architectures": config.architectures().iter().map(ToString::to_string).collect::<Vec<_>>(),
            "handler": config.handler(),
            "role": config.role(),
            "memory": config.memory_size(),
            "timeout": config.timeout(),
            "environment": map(environment),
            "dead_letter": config.dead_letter_config().and_then(|config| config.target_arn()).filter(|arn| !arn.is_empty()),
            "layers": layers,
            "storage": config.ephemeral_storage().map(EphemeralStorage::size),
            "logging": config.logging_config().map(|logging| format!("{logging:?}")),
            "reserved": function.concurrency().and_then(Concurrency::reserved_concurrent_executions),
            "tracing": config.tracing_config().and_then(|tracing| tracing.mode()).map(ToString::to_string),
            "code": config.code_sha256(),
            "statements": statements,
            "tags": map(function.tags()),
        }));
    }
    found
}
