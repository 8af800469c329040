//! The lab's `create` on the SDK as its defaults set it up.

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
    let client = &Client::new(&config);
    lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| async move {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let item = &event.payload["payload"]["Item"];
        let put = client
            .put_item()
            .table_name(text(&event.payload["tableName"]))
            .item("id", AttributeValue::S(text(&item["id"])))
            .item("number", AttributeValue::N(item["number"].to_string()));
        put.send().await?;
        Ok::<_, Error>(json!({}))
    }))
    .await
}
