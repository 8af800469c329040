//! One item: read, written, changed, deleted, on conditions.

use provision_client::{Error, field};

use crate::{World, order};

#[tokio::test]
async fn an_item_is_written_and_read() {
    let world = World::new().await;
    let mut one = order("ada", u64::MAX);
    one.total = i64::MIN;
    one.tags = vec!["a".to_owned()];
    world.orders.put(&one).send().await.unwrap();
    let read = world.orders.get(("ada", u64::MAX)).consistent();
    assert_eq!(read.send().await.unwrap(), Some(one));
    assert_eq!(world.orders.get(("ada", 1)).send().await.unwrap(), None);
}

#[tokio::test]
async fn a_put_returns_what_it_replaces() {
    let world = World::with_orders([order("ada", 1)]).await;
    let mut changed = order("ada", 1);
    changed.state = "paid".to_owned();
    let old = world.orders.put(&changed).send_old().await.unwrap();
    assert_eq!(old, Some(order("ada", 1)));
    let none = world.orders.put(&order("ada", 2)).send_old().await.unwrap();
    assert_eq!(none, None);
}

#[tokio::test]
async fn a_condition_that_fails_is_an_error_of_its_own() {
    let world = World::with_orders([order("ada", 1)]).await;
    let again = world.orders.put(&order("ada", 1)).if_not_exists();
    let error = again.send().await.unwrap_err();
    assert!(matches!(error, Error::ConditionFailed { .. }), "{error:?}");
    assert!(error.is_condition_failed());
    assert_eq!(
        error.to_string(),
        "PutItem on table `orders`: the condition does not hold for the item"
    );
    let new = world.orders.put(&order("ada", 2)).if_not_exists();
    new.send().await.unwrap();

    // Two conditions both have to hold.
    let update = world.orders.update(("ada", 1)).set("state", "paid");
    let update = update.if_exists().condition(field("state").equals("sent"));
    assert!(update.send().await.unwrap_err().is_condition_failed());
    let missing = world.orders.update(("bob", 1)).set("state", "paid");
    assert!(
        missing
            .if_exists()
            .send()
            .await
            .unwrap_err()
            .is_condition_failed()
    );
    let delete = world.orders.delete(("ada", 1));
    let delete = delete.condition(field("total").greater_than(0));
    assert!(delete.send().await.unwrap_err().is_condition_failed());
    assert!(world.orders.get(("ada", 1)).send().await.unwrap().is_some());
}

#[tokio::test]
async fn an_update_changes_fields_and_returns_the_item() {
    let world = World::with_orders([order("ada", 1)]).await;
    let update = world
        .orders
        .update(("ada", 1))
        .set("state", "paid")
        .set("courier", Some("eve"))
        .set("pickUp", "2026-11-27")
        .set_if_absent("note", "never used: there is a NULL")
        .append("tags", ["a", "b"])
        .add("total", -7);
    let new = update.send_new().await.unwrap();
    assert_eq!((new.state.as_str(), new.total), ("paid", -7));
    assert_eq!(new.courier.as_deref(), Some("eve"));
    assert_eq!(new.tags, ["a", "b"]);

    // A key of an index that is `None` is removed: `DynamoDB` refuses `NULL` there.
    let update = world
        .orders
        .update(("ada", 1))
        .set("courier", None::<String>);
    let old = update.remove("note").append("tags", ["c"]).send_old().await;
    assert_eq!(old.unwrap(), Some(new));
    let read = world.orders.get(("ada", 1)).send().await.unwrap().unwrap();
    assert_eq!((read.courier, read.tags.len()), (None, 3));
}

#[tokio::test]
async fn an_update_can_make_an_item_that_lacks_fields() {
    let world = World::new().await;
    let made = world.orders.update(("ada", 1)).add("total", 1);
    made.send().await.unwrap();
    let error = world.orders.get(("ada", 1)).send().await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(
            "GetItem on table `orders`: the item with `customer` = `ada`, `placedAt` = `1` cannot be read: missing field"
        ),
        "{text}"
    );
}

#[tokio::test]
async fn a_deletion_returns_the_item() {
    let world = World::with_orders([order("ada", 1), order("ada", 2)]).await;
    let deleted = world.orders.delete(("ada", 1)).send_old().await.unwrap();
    assert_eq!(deleted, Some(order("ada", 1)));
    world.orders.delete(("ada", 2)).send().await.unwrap();
    let nothing = world.orders.delete(("ada", 2)).send_old().await.unwrap();
    assert_eq!(nothing, None);
}

#[tokio::test]
async fn the_sdks_request_can_be_changed() {
    let world = World::with_orders([order("ada", 1)]).await;
    let get = world.orders.get(("ada", 1));
    let get = get.customize(|request| request.projection_expression("customer"));
    assert!(matches!(get.send().await, Err(Error::Read { .. })));
    // Placeholders of both are kept apart.
    let update = world
        .orders
        .update(("ada", 1))
        .condition(field("state").equals("open"))
        .customize(|request| {
            request
                .update_expression("SET #t = :t")
                .expression_attribute_names("#t", "total")
                .expression_attribute_values(
                    ":t",
                    aws_sdk_dynamodb::types::AttributeValue::N("9".to_owned()),
                )
        });
    assert_eq!(update.send_new().await.unwrap().total, 9);
}

#[tokio::test]
async fn refusals_have_dynamodbs_code_and_text() {
    let world = World::new().await;
    let missing: provision_link::Table<crate::Stock, provision_link::GetItem> =
        provision_link::Link::load("nowhere".to_owned()).unwrap();
    let client = world.orders.client();
    let read = provision_client::TableExt::on(&missing, client).get("a");
    let error = read.send().await.unwrap_err();
    assert_eq!(error.code(), Some("ResourceNotFoundException"), "{error}");
    let text = error.to_string();
    assert!(
        text.starts_with("GetItem on table `nowhere`: `ResourceNotFoundException`: "),
        "{text}"
    );
}

#[tokio::test]
async fn a_value_that_cannot_be_written_is_told_before_the_request() {
    let world = World::new().await;
    let update = world.orders.update(("ada", 1)).set("total", i128::MAX);
    let error = update.send().await.unwrap_err();
    assert!(matches!(error, Error::Write { .. }), "{error:?}");
    assert_eq!(world.calls("UpdateItem"), 0);
}

#[tokio::test]
async fn an_attribute_that_items_do_not_have_is_told_before_the_request() {
    let world = World::new().await;
    let update = world.orders.update(("ada", 1)).set("placed_at", 7);
    let error = update.send().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "UpdateItem on table `orders`: the items have no attribute `placed_at`: there is `customer`, `placedAt`, `state`, \
         `courier`, `pickUp`, `size`, `note`, `tags`, `total`"
    );
    let scan = world.orders.scan().filter(field("sate").equals("open"));
    let error = scan.all().await.unwrap_err();
    assert!(matches!(error, Error::UnknownAttribute { .. }), "{error:?}");
    assert!(world.transport.take_calls().is_empty());
}
