//! `GET /notes/{id}` and `GET /authors/{author}/notes`.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use provision_client::{TableExt as _, connect};
use provision_link::{links, parameter};
use serde_json::{Value, json};

use @crate@_contract::{BY_AUTHOR, Note, READ, ReaderLinks};
use @crate@_functions::{answer, parameter};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let links = links!(ReaderLinks)?;
    let client = connect().await?;
    let notes = &links.notes.on(&client);
    run(service_fn(async |event: LambdaEvent<Value>| {
        let request = event.payload;
        if request["resource"] == BY_AUTHOR.path() {
            let author = parameter(&request, parameter!(BY_AUTHOR, "author"));
            let found = notes.query_index(Note::BY_AUTHOR, author).all().await?;
            return Ok::<Value, Error>(answer(200, &found));
        }
        let id = parameter(&request, parameter!(READ, "id"));
        Ok(match notes.get(id).send().await? {
            Some(note) => answer(200, &note),
            None => answer(404, &json!({ "message": "no such note" })),
        })
    }))
    .await
}
