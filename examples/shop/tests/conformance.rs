//! The shop from its first `up` to its last `down`, by its own program: real builds, real requests.

use std::env;
use std::ops::Deref;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Emulator, Rig, Run, request};

const ACCOUNT: &str = "100000009001";

/// The program on an account of its own.
struct Shop {
    rig: Rig,
}

impl Deref for Shop {
    type Target = Rig;

    fn deref(&self) -> &Rig {
        &self.rig
    }
}

impl Shop {
    async fn in_an_empty_account() -> Self {
        let mut rig = Rig::new(env!("CARGO_BIN_EXE_shop"), ACCOUNT).await;
        // The first `up` builds three binaries. Link-time optimisation would take minutes, and changes nothing of what is tested.
        rig.cli = rig.cli.limit(Duration::from_mins(15));
        rig.cli = rig.cli.env("CARGO_PROFILE_RELEASE_LTO", "off");
        rig.cli = rig.cli.env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
        for (name, value) in toolchain() {
            rig.cli = rig.cli.env(name, &value);
        }
        Self { rig }
    }

    async fn run(&self, words: &[&str]) -> Run {
        self.cli.run(words).await.expect(0)
    }

    fn writes(&self) -> usize {
        let calls = self.proxy.take_calls();
        calls.iter().filter(|call| call.write).count()
    }

    async fn outputs(&self) -> Value {
        self.run(&["outputs", "--json", "--show-secrets"])
            .await
            .json()
    }
}

/// The variables by which cargo finds its toolchain, its registry and its target folder when the home is another.
fn toolchain() -> Vec<(&'static str, String)> {
    let home = env::var("HOME").unwrap_or_default();
    let or_below_home = |name, folder| {
        let value = env::var(name).unwrap_or_else(|_| format!("{home}/{folder}"));
        (name, value)
    };
    let mut variables = vec![
        or_below_home("CARGO_HOME", ".cargo"),
        or_below_home("RUSTUP_HOME", ".rustup"),
    ];
    variables.extend(env::var("CARGO_TARGET_DIR").map(|folder| ("CARGO_TARGET_DIR", folder)));
    variables
}

/// The status and the body of an answer.
async fn ask(method: &str, url: &Value, key: Option<&Value>, body: &Value) -> (u16, Value) {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let key = key.map(text);
    let headers: Vec<(&str, &str)> = key.iter().map(|key| ("x-api-key", key.as_str())).collect();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let reply = request(method, &text(url), &headers, &body).await;
    (reply.status, reply.json())
}

#[tokio::test]
#[ignore = "needs the emulator: just conformance"]
async fn the_shop_is_opened_changed_and_closed() {
    let shop = Shop::in_an_empty_account().await;
    shop.run(&["up", "--yes"]).await;
    assert!(shop.writes() > 30);
    shop.run(&["up", "--yes"]).await;
    assert_eq!(shop.writes(), 0, "a second `up` writes nothing");

    requests_are_answered(&shop).await;
    logs_are_those_of_the_functions_that_were_asked_for(&shop).await;
    a_change_is_made_to_every_function(&shop).await;
    drift_is_told_and_repaired(&shop).await;
    the_named_key_is_rotated(&shop).await;

    let report = shop.cli.home().join("report.html");
    let report = report.to_str().expect("a path");
    shop.run(&["report", report]).await;
    let page = std::fs::read_to_string(report).expect("the report is written");
    for name in ["orders", "report", "stock"] {
        assert!(page.contains(name), "{name}");
    }

    let kept = shop.run(&["down", "--yes", "--keep-data"]).await;
    assert!(kept.stderr.contains("shop-orders"), "{}", kept.stderr);
    shop.run(&["down", "--yes"]).await;
    let left = shop.census().await;
    assert!(left.is_empty(), "{:#}", left.value());
}

async fn requests_are_answered(shop: &Shop) {
    let outputs = shop.outputs().await;
    let (orders, stock, report) = (
        &outputs["orders_url"],
        &outputs["stock_url"],
        &outputs["report_url"],
    );
    let order = json!({ "id": "7", "day": "2026-11-27", "state": "paid" });
    for key in [&outputs["partners_key"], &outputs["staff_key"]] {
        let (status, answer) = ask("POST", orders, Some(key), &order).await;
        assert_eq!((status, &answer), (201, &order));
    }
    let key = Some(&outputs["staff_key"]);
    let one = json!(format!("{}/7", orders.as_str().expect("a URL")));
    assert_eq!(
        ask("GET", &one, key, &Value::Null).await,
        (200, order.clone())
    );
    let listed = ask("GET", orders, key, &Value::Null).await;
    assert_eq!(listed, (200, json!({ "orders": [order] })));
    assert_eq!(
        ask("POST", report, key, &json!({})).await,
        (200, json!({ "paid": 1 }))
    );
    assert_eq!(
        ask("GET", stock, None, &Value::Null).await,
        (200, json!({ "stock": [] }))
    );
    assert_eq!(
        ask("GET", orders, None, &Value::Null).await.0,
        403,
        "without a key"
    );
    assert_eq!(ask("DELETE", &one, key, &Value::Null).await.0, 200);
    assert_eq!(ask("GET", &one, key, &Value::Null).await.0, 404);
}

async fn logs_are_those_of_the_functions_that_were_asked_for(shop: &Shop) {
    let unknown = shop.cli.run(&["logs", "kitchen"]).await;
    assert_eq!(unknown.code, Some(1), "{}", unknown.stderr);
    // The emulator by others keeps no logs of functions.
    if !Emulator::is_ours() {
        return;
    }
    let all = shop.run(&["logs"]).await.stdout;
    for name in ["orders", "report", "stock"] {
        assert!(all.contains(name), "{name} is not in\n{all}");
    }
    let stock = shop.run(&["logs", "stock", "--json"]).await;
    assert!(!stock.stdout.contains("shop-orders"), "{}", stock.stdout);
}

async fn a_change_is_made_to_every_function(shop: &Shop) {
    shop.writes();
    let plan = shop
        .cli
        .run(&["plan", "--detailed-exitcode", "--set", "memory=256"])
        .await;
    let plan = plan.expect(2).stdout;
    assert_eq!(plan.matches("memory_mb").count(), 3, "{plan}");
    shop.run(&["up", "--yes", "--set", "memory=256"]).await;
    shop.writes();
    shop.run(&["up", "--yes", "--set", "memory=256"]).await;
    assert_eq!(shop.writes(), 0);
    shop.run(&["up", "--yes"]).await;
}

async fn drift_is_told_and_repaired(shop: &Shop) {
    let change = shop.account.lambda.update_function_configuration();
    let change = change.function_name("shop-report").timeout(9).send().await;
    change.expect("UpdateFunctionConfiguration");
    let drift = shop.cli.run(&["drift"]).await.expect(2).stdout;
    assert!(
        drift.contains("shop-report") && drift.contains("timeout_s"),
        "{drift}"
    );
    shop.run(&["up", "--yes"]).await;
    shop.run(&["drift"]).await;
}

async fn the_named_key_is_rotated(shop: &Shop) {
    let ambiguous = shop.cli.run(&["key", "rotate", "--yes"]).await;
    assert_eq!(ambiguous.code, Some(1), "{}", ambiguous.stderr);
    assert!(ambiguous.stderr.contains("P0055"), "{}", ambiguous.stderr);
    let before = shop.outputs().await;
    shop.run(&["key", "rotate", "staff-key", "--yes"]).await;
    let after = shop.outputs().await;
    assert_eq!(before["partners_key"], after["partners_key"]);
    assert_ne!(before["staff_key"], after["staff_key"]);
    let orders = &after["orders_url"];
    assert_eq!(
        ask("GET", orders, Some(&after["staff_key"]), &Value::Null)
            .await
            .0,
        200
    );
    assert_eq!(
        ask("GET", orders, Some(&before["staff_key"]), &Value::Null)
            .await
            .0,
        403
    );
    shop.writes();
    shop.run(&["up", "--yes"]).await;
    assert_eq!(shop.writes(), 0, "a rotated key is the declared one");
}
