//! Queries of the table and of its indexes, scans, and their pages.

use provision_client::{Cursor, field, sort};

use crate::{Order, World, order};

/// Ada's orders 1 to 5, and one of Bob's.
async fn world() -> World {
    let adas = (1..=5).map(|placed_at| order("ada", placed_at));
    World::with_orders(adas.chain([order("bob", 3)])).await
}

fn times(orders: &[Order]) -> Vec<u64> {
    orders.iter().map(|order| order.placed_at).collect()
}

#[tokio::test]
async fn a_query_is_in_the_order_of_the_sort_key() {
    let orders = world().await.orders;
    let all = orders.query("ada").consistent().all().await.unwrap();
    assert_eq!(times(&all), [1, 2, 3, 4, 5]);
    let newest = orders.query("ada").descending().limit(2).send();
    let newest = newest.await.unwrap();
    assert_eq!(times(&newest.items), [5, 4]);
    assert!(newest.cursor.is_some());
}

#[tokio::test]
async fn sort_keys_are_limited_by_ranges() {
    let orders = world().await.orders;
    let query = || orders.query("ada");
    let found = async |query: provision_client::Query<Order, provision_client::Primary>| {
        times(&query.all().await.unwrap())
    };
    assert_eq!(found(query().sort(2..=4)).await, [2, 3, 4]);
    assert_eq!(found(query().sort(4..)).await, [4, 5]);
    assert_eq!(found(query().sort(..2)).await, [1]);
    assert_eq!(found(query().sort(..=2)).await, [1, 2]);
    assert_eq!(found(query().sort(sort::above(4))).await, [5]);
    assert_eq!(found(query().sort(sort::equals(3))).await, [3]);
}

#[tokio::test]
async fn an_index_with_a_sort_key_is_queried_by_it() {
    let mut orders: Vec<Order> = (1..=4).map(|placed_at| order("ada", placed_at)).collect();
    for (order, day) in orders
        .iter_mut()
        .zip(["2026-11-26", "2026-11-27", "2026-12-01"])
    {
        order.courier = Some("eve".to_owned());
        order.pick_up = Some(day.to_owned());
    }
    let orders = World::with_orders(orders).await.orders;
    // The fourth has no courier, and is not in the index.
    let all = orders.query_index(Order::BY_COURIER, "eve").all().await;
    assert_eq!(times(&all.unwrap()), [1, 2, 3]);
    let november = orders.query_index(Order::BY_COURIER, "eve");
    let november = november.sort(sort::prefix("2026-11")).descending().all();
    assert_eq!(times(&november.await.unwrap()), [2, 1]);
    let late = orders.query_index(Order::BY_COURIER, "eve");
    let late = late.sort("2026-11-27".to_owned()..).all().await.unwrap();
    assert_eq!(times(&late), [2, 3]);
    let open = orders.query_index(Order::BY_STATE, "open").sort(2..=3);
    assert_eq!(times(&open.all().await.unwrap()), [2, 3]);
    let small = orders.query_index(Order::BY_SIZE, 1).all().await.unwrap();
    assert_eq!(small.len(), 4);
}

#[tokio::test]
async fn filters_leave_items_out() {
    let world = world().await;
    let query = world
        .orders
        .query("ada")
        .filter(field("placedAt").is_in([1, 5, 9]));
    // A filter cannot be on a key of the table: that is what `sort` is for.
    let error = query.send().await.unwrap_err();
    assert_eq!(error.code(), Some("ValidationException"), "{error}");
    let update = world.orders.update(("ada", 2)).set("note", "fragile");
    update.send().await.unwrap();
    let fragile = field("note")
        .begins_with("frag")
        .and(field("total").at_most(0));
    let found = world
        .orders
        .query("ada")
        .filter(fragile)
        .all()
        .await
        .unwrap();
    assert_eq!(times(&found), [2]);
    let plain = world.orders.scan().filter(!field("note").equals("fragile"));
    assert_eq!(plain.all().await.unwrap().len(), 5);
}

#[tokio::test]
async fn pages_go_on_from_a_cursor_that_has_been_a_text() {
    let world = world().await;
    let mut cursor: Option<Cursor> = None;
    let mut seen = Vec::new();
    loop {
        let query = world.orders.query("ada").limit(2).start(cursor);
        let page = query.send().await.unwrap();
        seen.extend(times(&page.items));
        let Some(next) = page.cursor else { break };
        cursor = Some(next.to_string().parse().unwrap());
    }
    assert_eq!(seen, [1, 2, 3, 4, 5]);
    assert_eq!(world.calls("Query"), 3);
}

#[tokio::test]
async fn more_than_a_megabyte_comes_in_pages() {
    let large = |placed_at| Order {
        note: Some("x".repeat(300_000)),
        ..order("ada", placed_at)
    };
    let world = World::with_orders((1..=8).map(large)).await;
    let page = world.orders.scan().consistent().send().await.unwrap();
    assert!((1..8).contains(&page.items.len()) && page.cursor.is_some());
    world.transport.take_calls();
    assert_eq!(world.orders.scan().all().await.unwrap().len(), 8);
    assert!(world.calls("Scan") >= 3);
    let all = world.orders.query("ada").all().await.unwrap();
    assert_eq!(times(&all), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert!(world.calls("Query") >= 3);

    // Pages are read as they are needed.
    let mut items = world.orders.query("ada").items().unwrap();
    for _ in 0..3 {
        items.next().await.unwrap().unwrap();
    }
    assert_eq!(world.calls("Query"), 1);
    let mut rest = 0;
    while items.next().await.unwrap().is_some() {
        rest += 1;
    }
    assert_eq!(rest, 5);
}
