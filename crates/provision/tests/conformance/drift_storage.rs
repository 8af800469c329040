//! The table and the log group, changed by hand.

use testkit::sdk::dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType,
    ProvisionedThroughput, ScalarAttributeType, Tag,
};

use crate::names::{LOG_GROUP, TABLE};
use crate::world::{World, drifts};

drifts! {
    the_billing_mode: async |world: &World| {
        let throughput = ProvisionedThroughput::builder().read_capacity_units(1).write_capacity_units(1);
        let update = world.account.dynamodb.update_table().table_name(TABLE);
        update
            .billing_mode(BillingMode::Provisioned)
            .provisioned_throughput(throughput.build().expect("whole"))
            .send()
            .await
            .expect("UpdateTable");
    };

    no_table: async |world: &World| world.delete_table().await;

    the_retention: async |world: &World| {
        let put = world.account.logs.put_retention_policy().log_group_name(LOG_GROUP);
        put.retention_in_days(365).send().await.expect("PutRetentionPolicy");
    };

    no_retention: async |world: &World| {
        let delete = world.account.logs.delete_retention_policy().log_group_name(LOG_GROUP);
        delete.send().await.expect("DeleteRetentionPolicy");
    };

    no_log_group: async |world: &World| world.delete_log_group().await;
}

/// The stack's table with another key and one item: a key schema cannot be changed, so the data is at stake.
async fn another_key(world: &World) {
    let arn = format!(
        "arn:aws:dynamodb:eu-west-1:{}:table/{TABLE}",
        world.account.id
    );
    let dynamodb = &world.account.dynamodb;
    let tags = dynamodb
        .list_tags_of_resource()
        .resource_arn(arn)
        .send()
        .await;
    let tags: Vec<Tag> = tags.expect("ListTagsOfResource").tags.unwrap_or_default();
    world.delete_table().await;
    let key = KeySchemaElement::builder()
        .attribute_name("name")
        .key_type(KeyType::Hash);
    let attribute = AttributeDefinition::builder()
        .attribute_name("name")
        .attribute_type(ScalarAttributeType::S);
    dynamodb
        .create_table()
        .table_name(TABLE)
        .key_schema(key.build().expect("whole"))
        .attribute_definitions(attribute.build().expect("whole"))
        .billing_mode(BillingMode::PayPerRequest)
        .set_tags(Some(tags))
        .send()
        .await
        .expect("CreateTable");
    let put = dynamodb.put_item().table_name(TABLE);
    put.item("name", AttributeValue::S("Bob".to_owned()))
        .send()
        .await
        .expect("PutItem");
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn a_table_with_data_is_not_replaced_without_a_yes() {
    let world = World::deployed().await;
    let clean = world.census().await;
    another_key(&world).await;
    assert_eq!(
        world
            .plan()
            .await
            .iter()
            .filter(|step| step.starts_with("replace "))
            .count(),
        1
    );
    let drifted = world.census().await;
    world.proxy.take_calls();

    let refused = world.cli.run(&["up"]).await.expect(1);
    assert!(
        refused.stderr.contains("--yes") && refused.stderr.contains(TABLE),
        "{}",
        refused.stderr
    );
    assert_eq!(world.writes(), Vec::<String>::new());
    drifted.assert_same(&world.census().await, "a refused replacement");

    world.up().await;
    clean.assert_same(&world.census().await, "replaced");
}
