//! The function of chapter 2: `GET /hello/{name}`.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let greeting = &std::env::var("GREETING")?;
    lambda_runtime::run(service_fn(async |event: LambdaEvent<Value>| {
        let name = event.payload["pathParameters"]["name"].as_str();
        let text = format!("{greeting}, {}!", name.unwrap_or("you"));
        let body = json!({ "text": text }).to_string();
        Ok::<Value, Error>(json!({ "statusCode": 200, "body": body }))
    }))
    .await
}
