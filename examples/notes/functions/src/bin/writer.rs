//! `POST /notes`.

use lambda_runtime::Error;
use notes_contract::WriterLinks;
use serde_json::json;
use shop_http::{Answer, Request, Table, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = provision_link::links!(WriterLinks)?;
    let notes = &Table::named(links.notes.name());
    serve(async |request: Request| {
        if !request.body["id"].is_string() {
            return Ok(Answer(400, json!({ "message": "a note has an `id`" })));
        }
        notes.put(request.body.clone()).await?;
        Ok(Answer(201, request.body))
    })
    .await
}
