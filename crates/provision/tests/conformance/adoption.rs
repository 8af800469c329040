//! Taking over what was not ours, when asked to.

use testkit::sdk::dynamodb::types::AttributeValue;

use crate::foreign::taken_table;
use crate::names::{OWNER_TAG, STACK, TABLE};
use crate::world::World;

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn an_adopted_table_keeps_its_items_and_its_tags() {
    let world = World::empty().await;
    taken_table(&world, &[("cost-centre", "42")]).await;
    let put = world.account.dynamodb.put_item().table_name(TABLE);
    put.item("id", AttributeValue::S("old".to_owned()))
        .send()
        .await
        .expect("PutItem");
    world.cli.run(&["up", "--yes"]).await.expect(1);

    world
        .cli
        .run(&["up", "--yes", "--adopt", TABLE])
        .await
        .expect(0);
    let census = world.census().await;
    let table = &census.value()["tables"][0];
    assert_eq!(table["tags"][OWNER_TAG], STACK);
    assert_eq!(table["tags"]["cost-centre"], "42");
    let scan = world
        .account
        .dynamodb
        .scan()
        .table_name(TABLE)
        .send()
        .await
        .expect("Scan");
    assert_eq!(scan.count(), 1);

    world.proxy.take_calls();
    world.up().await;
    assert_eq!(world.writes(), Vec::<String>::new());
    world.down().await;
    assert!(world.census().await.is_empty());
}
