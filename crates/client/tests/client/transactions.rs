//! Transactions over two tables.

use provision_client::{Error, field};

use crate::{Stock, World, order};

async fn world() -> World {
    let world = World::new().await;
    let pen = Stock {
        sku: "pen".to_owned(),
        count: 2,
    };
    world.stock.put(&pen).send().await.expect("PutItem");
    world
}

#[tokio::test]
async fn all_writes_are_made_or_none() {
    let World { orders, stock, .. } = world().await;
    let sell = |placed_at, count: i32| {
        let take = stock.update("pen").add("count", -count);
        orders
            .transact()
            .with(orders.put(&order("ada", placed_at)).if_not_exists())
            .with(take.condition(field("count").at_least(count)))
    };
    sell(1, 2).send().await.unwrap();
    assert_eq!(stock.get("pen").send().await.unwrap().unwrap().count, 0);

    let error = sell(2, 1).send().await.unwrap_err();
    assert!(error.is_condition_failed(), "{error}");
    let Error::TransactionCancelled { reasons, .. } = &error else {
        panic!("{error:?}");
    };
    assert!(reasons[0].is_none());
    assert_eq!(reasons[1].as_ref().unwrap().code, "ConditionalCheckFailed");
    assert_eq!(orders.get(("ada", 2)).send().await.unwrap(), None);
}

#[tokio::test]
async fn checks_and_deletions_are_parts() {
    let World { orders, stock, .. } = world().await;
    orders.put(&order("ada", 1)).send().await.unwrap();
    let cancel = |count: i32| {
        let check = stock.check("pen").condition(field("count").equals(count));
        orders
            .transact()
            .with(orders.delete(("ada", 1)).if_exists())
            .with(check)
            .with(stock.check("ink").is_absent())
    };
    assert!(cancel(7).send().await.unwrap_err().is_condition_failed());
    cancel(2).send().await.unwrap();
    assert_eq!(orders.get(("ada", 1)).send().await.unwrap(), None);
}

#[tokio::test]
async fn tables_are_read_at_one_moment() {
    let World { orders, stock, .. } = world().await;
    orders.put(&order("ada", 1)).send().await.unwrap();
    let read = orders.transact_get([("ada", 1), ("ada", 2)]);
    let (found, pens) = read.and(stock.transact_get(["pen"])).send().await.unwrap();
    assert_eq!(found, [Some(order("ada", 1)), None]);
    assert_eq!(pens[0].as_ref().unwrap().count, 2);
}

#[tokio::test]
async fn a_part_that_cannot_be_written_stops_the_transaction() {
    let world = world().await;
    let update = world.stock.update("pen").set("count", 1_u128);
    let write = world.orders.transact().with(update);
    let error = write.send().await.unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error:?}");
}
