//! The function, its code and its permission, changed by hand.

use serde_json::{Value, json};
use testkit::sdk::lambda::operation::update_function_configuration::builders::UpdateFunctionConfigurationFluentBuilder;
use testkit::sdk::lambda::types::{Architecture, Environment, Runtime, TracingConfig, TracingMode};

use testkit::post;

use crate::names::FUNCTION;
use crate::outputs::outputs;
use crate::world::{World, drifts, other_package, text};

async fn configure(
    world: &World,
    change: impl FnOnce(
        UpdateFunctionConfigurationFluentBuilder,
    ) -> UpdateFunctionConfigurationFluentBuilder,
) {
    let update = world
        .account
        .lambda
        .update_function_configuration()
        .function_name(FUNCTION);
    change(update)
        .send()
        .await
        .expect("UpdateFunctionConfiguration");
}

async fn add_permission(world: &World, sid: &str, source: &str) {
    let add = world
        .account
        .lambda
        .add_permission()
        .function_name(FUNCTION)
        .statement_id(sid);
    add.action("lambda:InvokeFunction")
        .principal("apigateway.amazonaws.com")
        .source_arn(source)
        .send()
        .await
        .expect("AddPermission");
}

fn source(statement: &Value) -> &str {
    let condition = &statement["Condition"];
    ["ArnLike", "ArnEquals", "StringEquals"]
        .iter()
        .map(|operator| &condition[operator])
        .find_map(|operator| {
            operator["AWS:SourceArn"]
                .as_str()
                .or(operator["aws:SourceArn"].as_str())
        })
        .unwrap_or_else(|| panic!("a statement without source: {statement:#}"))
}

drifts! {
    the_code: async |world: &World| {
        let update = world.account.lambda.update_function_code().function_name(FUNCTION);
        update.zip_file(other_package()).send().await.expect("UpdateFunctionCode");
    };

    the_architecture: async |world: &World| {
        let function = world.account.lambda.get_function().function_name(FUNCTION).send().await;
        let config = function.expect("GetFunction").configuration.expect("a configuration");
        let other = if config.architectures().contains(&Architecture::Arm64) {
            Architecture::X8664
        } else {
            Architecture::Arm64
        };
        let update = world.account.lambda.update_function_code().function_name(FUNCTION);
        update.zip_file(other_package()).architectures(other).send().await.expect("UpdateFunctionCode");
    };

    the_memory: async |world: &World| configure(world, |update| update.memory_size(1769)).await;

    the_timeout: async |world: &World| configure(world, |update| update.timeout(1)).await;

    the_handler: async |world: &World| configure(world, |update| update.handler("index.handler")).await;

    the_runtime: async |world: &World| configure(world, |update| update.runtime(Runtime::Providedal2)).await;

    the_description: async |world: &World| configure(world, |update| update.description("by hand")).await;

    the_environment: async |world: &World| {
        let environment = Environment::builder().variables("LOG_LEVEL", "trace").variables("EXTRA", "1").build();
        configure(world, |update| update.environment(environment)).await;
    };

    the_tracing: async |world: &World| {
        let tracing = TracingConfig::builder().mode(TracingMode::Active).build();
        configure(world, |update| update.tracing_config(tracing)).await;
    };

    the_role: async |world: &World| {
        let role = "another-role";
        let trust = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "lambda.amazonaws.com" },
                "Action": "sts:AssumeRole",
            }],
        });
        let create = world.account.iam.create_role().role_name(role);
        let created = create.assume_role_policy_document(trust.to_string()).send().await.expect("CreateRole");
        let arn = created.role.expect("a role").arn;
        configure(world, |update| update.role(arn)).await;
        // The function alone is the drift.
        world.account.iam.delete_role().role_name(role).send().await.expect("DeleteRole");
    };

    no_permission: async |world: &World| {
        for statement in world.statements().await {
            world.remove_permission(text(&statement, "Sid")).await;
        }
    };

    // The statement's id is as declared, what it allows is not.
    another_permission: async |world: &World| {
        let statement = world.statements().await.remove(0);
        let (sid, source) = (text(&statement, "Sid"), source(&statement));
        world.remove_permission(sid).await;
        add_permission(world, sid, &source.replace("/POST/", "/GET/")).await;
    };

    no_function: async |world: &World| world.delete_function().await;
}

/// What deleting an API by hand leaves behind: a permission that names an API which is gone.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_permission_for_an_api_that_is_gone() {
    let world = World::deployed().await;
    let clean = world.census().await;
    let old = world.rest_api_id().await;
    world.delete_api().await;
    assert!(!world.plan().await.is_empty());
    world.up().await;
    assert_ne!(world.rest_api_id().await, old);
    let statements = world.statements().await;
    assert!(
        statements
            .iter()
            .all(|statement| !source(statement).contains(&old)),
        "{statements:#?}"
    );
    clean.assert_same(&world.census().await, "a new API");
}

/// A statement of another principal is not the stack's.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_permission_of_others_stays() {
    let world = World::deployed().await;
    let add = world
        .account
        .lambda
        .add_permission()
        .function_name(FUNCTION)
        .statement_id("by-hand");
    add.action("lambda:InvokeFunction")
        .principal("events.amazonaws.com")
        .source_arn("arn:aws:events:eu-west-1:123456789012:rule/nightly")
        .send()
        .await
        .expect("AddPermission");
    world.up().await;
    let statements = world.statements().await;
    assert!(
        statements
            .iter()
            .any(|statement| statement["Sid"] == "by-hand"),
        "{statements:#?}"
    );
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn without_its_permission_the_endpoint_fails_until_the_next_up() {
    let world = World::deployed().await;
    let outputs = outputs(&world).await;
    let ask = async || {
        let ping = json!({ "operation": "ping" });
        post(
            text(&outputs, "invoke_url"),
            Some(text(&outputs, "api_key")),
            &ping,
        )
        .await
        .status
    };
    // A busy emulator answers 502 now and then, and AWS itself shows a change of permissions after seconds.
    let reaches = async |wanted: u16| {
        for _ in 0..20 {
            if ask().await == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
        assert_eq!(ask().await, wanted);
    };
    reaches(200).await;
    world
        .remove_permission(text(&world.statements().await[0], "Sid"))
        .await;
    reaches(500).await;
    world.up().await;
    reaches(200).await;
}
