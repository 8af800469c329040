//! Answers to requests like `{"operation": "create", "payload": {"id": "1"}}`.

use provision_client::TableExt as _;
use provision_client::sdk::Client;
use serde_json::{Value, json};

use @crate@_contract::{ManagerLinks, Record};

/// Returns the HTTP status and the body of an answer.
pub async fn respond(
    links: &ManagerLinks,
    client: &Client,
    request: &Value,
) -> Result<(u16, Value), provision_client::Error> {
    let records = links.records.on(client);
    let payload = &request["payload"];
    let id = payload["id"].as_str().unwrap_or_default();
    Ok(match request["operation"].as_str().unwrap_or_default() {
        "ping" => (200, json!("pong")),
        "echo" => (200, payload.clone()),
        "create" => match serde_json::from_value::<Record>(payload.clone()) {
            Ok(record) => {
                records.put(&record).send().await?;
                (201, payload.clone())
            }
            Err(error) => (400, json!({ "message": error.to_string() })),
        },
        "read" => match records.get(id).send().await? {
            Some(record) => (200, json!(record)),
            None => (404, json!({ "message": "no such item" })),
        },
        "delete" => {
            records.delete(id).send().await?;
            (200, json!({}))
        }
        "list" => (200, json!(records.scan().all().await?)),
        other => {
            let message = format!("`{other}` is none of create, read, delete, list, echo, ping");
            (400, json!({ "message": message }))
        }
    })
}
