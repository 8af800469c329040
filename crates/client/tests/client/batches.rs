//! Batches of any size, and what is left unprocessed of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use hyper::body::Bytes;
use provision_client::Error;
use serde_json::{Value, json};
use testkit::{Answer, Decision};

use crate::{World, order};

#[tokio::test]
async fn batches_are_cut_to_what_one_request_takes() {
    let world = World::new().await;
    let orders: Vec<_> = (0..60).map(|placed_at| order("ada", placed_at)).collect();
    let write = world.orders.batch_write().put_all(&orders);
    write.send().await.unwrap();
    assert_eq!(world.calls("BatchWriteItem"), 3);

    // Each key twice, and some that there are not.
    let keys = (0..120).chain(0..120).map(|placed_at| ("ada", placed_at));
    let mut read = world
        .orders
        .batch_get(keys)
        .consistent()
        .send()
        .await
        .unwrap();
    read.sort_by_key(|order| order.placed_at);
    assert_eq!(read, orders);
    assert_eq!(world.calls("BatchGetItem"), 2);

    let delete = world.orders.batch_write();
    let delete = delete.delete_all((0..59).map(|placed_at| ("ada", placed_at)));
    delete.send().await.unwrap();
    let left = world.orders.scan().all().await.unwrap();
    assert_eq!(left, [order("ada", 59)]);
}

#[tokio::test]
async fn nothing_is_sent_for_nothing() {
    let world = World::new().await;
    world.orders.batch_write().send().await.unwrap();
    let none = world.orders.batch_get(Vec::<(&str, u64)>::new());
    assert_eq!(none.send().await.unwrap(), []);
    assert!(world.transport.take_calls().is_empty());
}

#[tokio::test]
async fn of_two_writes_to_one_key_the_last_is_made() {
    let world = World::new().await;
    let mut paid = order("ada", 1);
    paid.state = "paid".to_owned();
    let write = world.orders.batch_write().put(&order("ada", 1)).put(&paid);
    let write = write.put(&order("ada", 2)).delete(("ada", 2));
    write.send().await.unwrap();
    assert_eq!(world.orders.scan().all().await.unwrap(), [paid]);
}

#[tokio::test(start_paused = true)]
async fn what_is_left_unprocessed_is_sent_again() {
    let world = World::new().await;
    let asked = AtomicUsize::new(0);
    world.transport.decide(move |request| {
        // The first request is left alone as a whole.
        if asked.fetch_add(1, Ordering::Relaxed) > 0 {
            return Decision::Forward;
        }
        unprocessed("UnprocessedItems", &request.body)
    });
    let orders: Vec<_> = (0..30).map(|placed_at| order("ada", placed_at)).collect();
    let write = world.orders.batch_write().put_all(&orders);
    write.send().await.unwrap();
    assert_eq!(world.calls("BatchWriteItem"), 3);
    assert_eq!(world.orders.scan().all().await.unwrap().len(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_stays_throttled_is_given_up() {
    let world = World::new().await;
    world
        .transport
        .decide(|request| match request.operation.as_str() {
            "BatchGetItem" => unprocessed("UnprocessedKeys", &request.body),
            _ => unprocessed("UnprocessedItems", &request.body),
        });
    let write = world.orders.batch_write().put(&order("ada", 1));
    let error = write.send().await.unwrap_err();
    assert!(
        matches!(error, Error::Unprocessed { count: 1, .. }),
        "{error:?}"
    );
    let keys = (0..120).map(|placed_at| ("ada", placed_at));
    let error = world.orders.batch_get(keys).send().await.unwrap_err();
    assert!(
        matches!(error, Error::Unprocessed { count: 120, .. }),
        "{error:?}"
    );
}

/// Returns an answer that leaves all of a batch unprocessed.
fn unprocessed(member: &str, body: &Bytes) -> Decision {
    let request: Value = serde_json::from_slice(body).expect("JSON");
    let answer = json!({ member: request["RequestItems"], "Responses": {} });
    Decision::Answer(Answer {
        status: 200,
        headers: Vec::new(),
        body: answer.to_string().into(),
    })
}
