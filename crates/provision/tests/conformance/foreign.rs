//! Things of others: same names, not our tags.

use serde_json::json;
use testkit::sdk::dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, Tag,
};
use testkit::sdk::lambda::types::{FunctionCode, Runtime};

use crate::drift_api::{add_open_method, path};
use crate::drift_role::put_policy;
use crate::names::{API, FUNCTION, KEY, LOG_GROUP, OWNER_TAG, PLAN, ROLE, STACK, TABLE};
use crate::world::{World, other_package};

async fn role(world: &World) {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "lambda.amazonaws.com" },
            "Action": "sts:AssumeRole",
        }],
    });
    let create = world.account.iam.create_role().role_name(ROLE);
    create
        .assume_role_policy_document(trust.to_string())
        .send()
        .await
        .expect("CreateRole");
}

async fn table(world: &World, tags: &[(&str, &str)]) {
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let attribute = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::S);
    let tags: Vec<_> = tags
        .iter()
        .map(|(key, value)| {
            Tag::builder()
                .key(*key)
                .value(*value)
                .build()
                .expect("whole")
        })
        .collect();
    world
        .account
        .dynamodb
        .create_table()
        .table_name(TABLE)
        .key_schema(key.build().expect("whole"))
        .attribute_definitions(attribute.build().expect("whole"))
        .billing_mode(BillingMode::PayPerRequest)
        .set_tags((!tags.is_empty()).then_some(tags))
        .send()
        .await
        .expect("CreateTable");
}

async fn function(world: &World) {
    const THEIR_ROLE: &str = "somebody-elses-role";
    let role = world.account.iam.create_role().role_name(THEIR_ROLE);
    role.assume_role_policy_document(crate::names::LAMBDA_TRUST)
        .send()
        .await
        .expect("CreateRole");
    let create = world
        .account
        .lambda
        .create_function()
        .function_name(FUNCTION);
    create
        .runtime(Runtime::Providedal2023)
        .handler("bootstrap")
        .role(format!(
            "arn:aws:iam::{}:role/{THEIR_ROLE}",
            world.account.id
        ))
        .code(FunctionCode::builder().zip_file(other_package()).build())
        .send()
        .await
        .expect("CreateFunction");
}

async fn log_group(world: &World) {
    let create = world
        .account
        .logs
        .create_log_group()
        .log_group_name(LOG_GROUP);
    create.send().await.expect("CreateLogGroup");
}

/// `up` stops before its first write and names what is in its way.
async fn refused(world: &World, named: &[&str]) {
    let before = world.census().await;
    let run = world.cli.run(&["up", "--yes"]).await.expect(1);
    for name in named {
        assert!(
            run.stderr.contains(name),
            "{name} is not named: {}",
            run.stderr
        );
    }
    assert!(
        run.stderr.contains("--adopt"),
        "what can be done is not said: {}",
        run.stderr
    );
    assert_eq!(world.writes(), Vec::<String>::new());
    before.assert_same(&world.census().await, "a refused up");

    world.down().await;
    assert_eq!(world.writes(), Vec::<String>::new());
    before.assert_same(&world.census().await, "a down that owns nothing");
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn all_four_names_are_taken() {
    let world = World::empty().await;
    role(&world).await;
    table(&world, &[]).await;
    function(&world).await;
    log_group(&world).await;
    refused(&world, &[ROLE, TABLE, FUNCTION, LOG_GROUP]).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_role_is_taken() {
    let world = World::empty().await;
    role(&world).await;
    refused(&world, &[ROLE]).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_function_is_taken() {
    let world = World::empty().await;
    function(&world).await;
    refused(&world, &[FUNCTION]).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_log_group_is_taken() {
    let world = World::empty().await;
    log_group(&world).await;
    refused(&world, &[LOG_GROUP]).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn another_stack_s_table_is_taken_too() {
    let world = World::empty().await;
    table(
        &world,
        &[
            (OWNER_TAG, "serverless-lab-somebody-else"),
            ("provision:id", "table"),
        ],
    )
    .await;
    refused(&world, &[TABLE]).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_thing_that_lost_its_tags_is_not_touched_by_down() {
    let world = World::deployed().await;
    let untag = world.account.iam.untag_role().role_name(ROLE);
    untag
        .tag_keys(OWNER_TAG)
        .tag_keys("provision:id")
        .send()
        .await
        .expect("UntagRole");
    let run = world.cli.run(&["up", "--yes"]).await.expect(1);
    assert!(run.stderr.contains(ROLE), "{}", run.stderr);
    world.down().await;
    assert_eq!(
        world
            .census()
            .await
            .counts()
            .into_keys()
            .collect::<Vec<_>>(),
        ["roles"]
    );
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn apis_keys_and_plans_of_one_name_live_side_by_side() {
    let world = World::empty().await;
    let gateway = &world.account.apigateway;
    // The first page is full of others, and the stack's own are on the last one.
    for number in 0..30 {
        let owner = format!("serverless-lab-{number}");
        gateway
            .create_rest_api()
            .name(API)
            .tags(OWNER_TAG, &owner)
            .send()
            .await
            .expect("CreateRestApi");
        gateway
            .create_api_key()
            .name(KEY)
            .tags(OWNER_TAG, &owner)
            .send()
            .await
            .expect("CreateApiKey");
        gateway
            .create_usage_plan()
            .name(PLAN)
            .tags(OWNER_TAG, &owner)
            .send()
            .await
            .expect("CreateUsagePlan");
    }
    gateway
        .create_rest_api()
        .name(API)
        .send()
        .await
        .expect("CreateRestApi");
    gateway
        .create_api_key()
        .name(KEY)
        .send()
        .await
        .expect("CreateApiKey");
    gateway
        .create_usage_plan()
        .name(PLAN)
        .send()
        .await
        .expect("CreateUsagePlan");
    let before = world.census().await;

    world.up().await;
    let counts = world.census().await.counts();
    assert_eq!(
        (
            counts["rest_apis"],
            counts["api_keys"],
            counts["usage_plans"]
        ),
        (32, 32, 32)
    );
    world.proxy.take_calls();
    world.up().await;
    assert_eq!(world.writes(), Vec::<String>::new());
    world.down().await;
    assert_eq!(before.value(), world.census().await.value());
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn down_leaves_the_neighbours() {
    let world = World::empty().await;
    let neighbour = format!("{LOG_GROUP}-neighbour");
    let create = world
        .account
        .logs
        .create_log_group()
        .log_group_name(&neighbour);
    create
        .tags(OWNER_TAG, format!("{STACK}-neighbour"))
        .send()
        .await
        .expect("CreateLogGroup");
    let before = world.census().await;
    world.up().await;
    world.down().await;
    before.assert_same(&world.census().await, "up and down beside a neighbour");
}

/// What somebody added to things of ours carries no mark of ours: it is not repaired away.
#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn additions_of_others_stay() {
    let world = World::deployed().await;
    put_policy(&world, "everything").await;
    let resource = world.resource_id(&path()).await;
    add_open_method(&world, &resource, "GET").await;
    let before = world.census().await;
    assert_eq!(world.plan().await, Vec::<String>::new());
    world.up().await;
    assert_eq!(before.value(), world.census().await.value());
    // Only the role cannot go: the policy stands in its way, and is named.
    let down = world.cli.run(&["down", "--yes"]).await.expect(3);
    assert!(down.stderr.contains("everything"), "{}", down.stderr);
}

pub(crate) async fn foreign_table(world: &World) {
    table(world, &[("cost-centre", "42")]).await;
}
