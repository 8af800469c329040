//! `GET /notes` and `GET /notes/{id}`.

use lambda_runtime::Error;
use notes_contract::ReaderLinks;
use serde_json::json;
use shop_http::{Answer, Request, Table, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = provision_link::links!(ReaderLinks)?;
    let notes = &Table::named(links.notes.name());
    serve(async |request: Request| {
        if request.route == "/notes" {
            return Ok(Answer(200, json!({ "notes": notes.list().await? })));
        }
        let key = json!({ "id": request.parameter("id") });
        Ok(match notes.get(key).await? {
            Some(note) => Answer(200, note),
            None => Answer(404, json!({ "message": "no such note" })),
        })
    })
    .await
}
