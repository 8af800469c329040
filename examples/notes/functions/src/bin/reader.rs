//! `GET /notes` and `GET /notes/{id}`.

use lambda_runtime::Error;
use notes_contract::{LIST, ONE, ReaderLinks};
use provision_client::{TableExt, connect};
use provision_link::{links, parameter};
use serde_json::json;
use shop_http::{Answer, Request, serve};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = links!(ReaderLinks)?;
    let notes = links.notes.on(&connect().await?);
    serve(async |request: Request| {
        if request.is(LIST) {
            let notes = notes.scan().all().await?;
            return Ok(Answer(200, json!({ "notes": notes })));
        }
        let id = request.parameter(parameter!(ONE, "id"));
        Ok(match notes.get(id).send().await? {
            Some(note) => Answer(200, json!(note)),
            None => Answer(404, json!({ "message": "no such note" })),
        })
    })
    .await
}
