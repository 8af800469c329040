//! `POST /DynamoDBManager`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use provision_client::connect;
use provision_link::links;
use serde_json::{Value, json};

use @crate@_contract::ManagerLinks;
use @crate@_functions::respond;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = &links!(ManagerLinks)?;
    let client = &connect().await?;
    run(service_fn(async |event: LambdaEvent<Value>| {
        let body = event.payload["body"].as_str().unwrap_or_default();
        let request = serde_json::from_str(body).unwrap_or_default();
        let (status, body) = respond(links, client, &request).await?;
        Ok::<Value, Error>(json!({
            "statusCode": status,
            "headers": { "content-type": "application/json" },
            "body": body.to_string(),
        }))
    }))
    .await
}
