//! What an account may run at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::*;

#[tokio::test(flavor = "multi_thread")]
async fn functions_share_what_the_others_have_not_reserved() {
    let running = Arc::new(AtomicUsize::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let (count, over) = (Arc::clone(&running), Arc::clone(&is_over));
    let aws = inline_named(move |name, event| {
        if name != "reserved" {
            count.fetch_add(1, Ordering::AcqRel);
            while !over.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        Ok(event)
    })
    .await;
    for name in ["reserved", "one", "two"] {
        create(&aws, &json!({ "FunctionName": name })).await;
    }
    let path = "/2017-10-31/functions/reserved/concurrency";
    let most = json!({ "ReservedConcurrentExecutions": 900 });
    assert_eq!(call(&aws, "PUT", path, &most).await.status, 200);
    let settings = get(&aws, "/2016-08-19/account-settings").await.json();
    let left = &settings["AccountLimit"]["UnreservedConcurrentExecutions"];
    assert_eq!(left, 100);
    let mut invocations = Vec::new();
    for at in 0..100 {
        let aws = aws.clone();
        let name = if at % 2 == 0 { "one" } else { "two" };
        invocations.push(tokio::spawn(async move {
            let path = format!("{FUNCTIONS}/{name}/invocations");
            call(&aws, "POST", &path, &json!({})).await.status
        }));
    }
    while running.load(Ordering::Acquire) < 100 {
        sleep(Duration::from_millis(5)).await;
    }
    let path = format!("{FUNCTIONS}/one/invocations");
    let refused = call(&aws, "POST", &path, &json!({})).await;
    assert_eq!(
        refused.refusal(),
        (
            429,
            "TooManyRequestsException".into(),
            "Rate Exceeded.".into()
        )
    );
    assert_eq!(
        refused.json()["Reason"],
        "ConcurrentInvocationLimitExceeded"
    );
    let path = format!("{FUNCTIONS}/reserved/invocations");
    let own = call(&aws, "POST", &path, &Value::Null).await;
    assert_eq!(own.status, 200);
    is_over.store(true, Ordering::Release);
    for invocation in invocations {
        assert_eq!(invocation.await.expect("an end"), 200);
    }
}
