//! Things of others: same names, not our tags.

use testkit::Account;
use testkit::mutation::{ID_TAG, Mutation, THEIRS, Target, clear_the_way};
use testkit::sdk::dynamodb::types::Tag;

use crate::names::{API, FUNCTION, KEY, LOG_GROUP, OWNER_TAG, PLAN, ROLE, STACK, TABLE};
use crate::world::World;

/// A table of somebody else under the stack's name, with these tags.
pub(crate) async fn taken_table(world: &World, tags: &[(&str, &str)]) {
    world.take_name(TABLE).await;
    let region = Account::REGION;
    let arn = format!(
        "arn:aws:dynamodb:{region}:{}:table/{TABLE}",
        world.account.id
    );
    let tags = tags.iter().map(|(key, value)| {
        let tag = Tag::builder().key(*key).value(*value);
        tag.build().expect("whole")
    });
    let tag = world.account.dynamodb.tag_resource().resource_arn(arn);
    let tagged = tag.set_tags(Some(tags.collect())).send().await;
    tagged.expect("TagResource");
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
    let names = [ROLE, TABLE, FUNCTION, LOG_GROUP];
    for name in names {
        world.take_name(name).await;
    }
    refused(&world, &names).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_role_is_taken() {
    let world = World::empty().await;
    world.take_name(ROLE).await;
    refused(&world, &[ROLE]).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_function_is_taken() {
    let world = World::empty().await;
    world.take_name(FUNCTION).await;
    refused(&world, &[FUNCTION]).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_log_group_is_taken() {
    let world = World::empty().await;
    world.take_name(LOG_GROUP).await;
    refused(&world, &[LOG_GROUP]).await;
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn another_stack_s_table_is_taken_too() {
    let world = World::empty().await;
    let owner = (OWNER_TAG, "serverless-lab-somebody-else");
    taken_table(&world, &[owner, (ID_TAG, "table")]).await;
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
    world.apply(Mutation::ForeignInline).await;
    world.apply(Mutation::ForeignMethod).await;
    let before = world.census().await;
    assert_eq!(world.plan().await, Vec::<String>::new());
    world.up().await;
    assert_eq!(before.value(), world.census().await.value());
    // AWS would not let the role go: the policy stands in its way, and is named before anything else goes.
    world.proxy.take_calls();
    let down = world.cli.run(&["down", "--yes"]).await.expect(1);
    let policy = format!("inline policy `{THEIRS}`");
    assert!(down.stderr.contains(&policy), "{}", down.stderr);
    assert_eq!(world.writes(), Vec::<String>::new());
    clear_the_way(&world.account, &Target::LAB).await;
    world.down().await;
}
