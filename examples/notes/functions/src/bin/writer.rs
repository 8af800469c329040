//! `POST /notes`.

use lambda_runtime::Error;
use notes_contract::{Note, WriterLinks};
use provision_client::{TableExt, connect};
use provision_link::links;
use serde_json::json;
use shop_http::{Answer, Request, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = links!(WriterLinks)?;
    let notes = links.notes.on(&connect().await?);
    serve(async |request: Request| {
        let Ok(note) = serde_json::from_value::<Note>(request.body) else {
            let message = "a note has an `id` and a `text`";
            return Ok(Answer(400, json!({ "message": message })));
        };
        notes.put(&note).send().await?;
        Ok(Answer(201, json!(note)))
    })
    .await
}
