//! Tests of `constructs.rs`.

use provision::Env;
use provision::testing::{Local, declare, describe};

use guide::constructs::{app, library};

#[test]
fn ids_follow_from_those_of_the_constructs() {
    let declaration = declare(library, &Env::new(None, "eu-west-1"));
    let text = describe(&declaration);
    for id in [
        "table books/table",
        "function readers/function",
        "seed item welcome",
    ] {
        assert!(
            text.contains(&format!("\n{id}\n")),
            "{id} is not in\n{text}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_item_is_put_kept_repaired_and_deleted() {
    let local = Local::new(app());
    local.up().await;
    let again = local.up().await;
    assert!(again.stderr.contains("Nothing to do"), "{}", again.stderr);

    let table = aws_sdk_dynamodb::Client::new(&local.sdk_config());
    let item = ("id", "welcome");
    let key = aws_sdk_dynamodb::types::AttributeValue::S(item.1.to_owned());
    let delete = table.delete_item().table_name("library-books-table");
    delete.key(item.0, key).send().await.unwrap();
    local.run(&["drift"]).await.expect(2);
    local.up().await;
    local.run(&["drift"]).await.expect(0);
    local.down().await;
}
