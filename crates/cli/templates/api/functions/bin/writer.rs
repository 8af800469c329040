//! `POST /notes`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use provision_client::{Error as TableError, TableExt as _, connect};
use provision_link::links;
use serde_json::{Value, json};

use @crate@_contract::{Note, WriterLinks};
use @crate@_functions::answer;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = links!(WriterLinks)?;
    let client = connect().await?;
    let notes = &links.notes.on(&client);
    run(service_fn(async |event: LambdaEvent<Value>| {
        let body = event.payload["body"].as_str().unwrap_or_default();
        let note: Note = match serde_json::from_str(body) {
            Ok(note) => note,
            Err(error) => {
                let message = json!({ "message": error.to_string() });
                return Ok::<Value, Error>(answer(400, &message));
            }
        };
        Ok(match notes.put(&note).if_not_exists().send().await {
            Ok(()) => answer(201, &note),
            Err(TableError::ConditionFailed { .. }) => {
                answer(409, &json!({ "message": "there is a note with this id" }))
            }
            Err(error) => return Err(error.into()),
        })
    }))
    .await
}
