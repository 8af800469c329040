//! The extension `x-amazon-apigateway-documentation`, and `ImportDocumentationParts`.

use serde_json::{Value, json};

use super::build::Mode;
use super::document::{Document, scalar};
use crate::answer::{Answer, Refusal};
use crate::apigateway::documentation::{self, Location};
use crate::apigateway::refusal::bad_request;
use crate::apigateway::rest_api;
use crate::call::Call;
use crate::cloud::Cloud;

/// The parts of a document's documentation, each with its properties as JSON.
pub(super) fn read(document: &Document) -> Vec<(Location, String)> {
    let parts = document
        .object("x-amazon-apigateway-documentation")
        .and_then(|extension| extension.get("documentationParts"))
        .and_then(Value::as_array);
    parts
        .into_iter()
        .flatten()
        .filter_map(|part| {
            let location = location(part.get("location")?)?;
            let properties = part.get("properties").filter(|it| it.is_object())?;
            Some((location, properties.to_string()))
        })
        .collect()
}

/// With the members that its type has, and their defaults (API reference: `DocumentationPartLocation`).
fn location(sent: &Value) -> Option<Location> {
    let text = |member: &str| sent.get(member).and_then(scalar);
    let kind = text("type")?;
    let has_path = !["API", "MODEL", "AUTHORIZER"].contains(&kind.as_str());
    let has_method = has_path && kind != "RESOURCE";
    let has_status = kind.starts_with("RESPONSE");
    let or = |is_there: bool, member: &str, default: &str| {
        is_there.then(|| text(member).unwrap_or_else(|| default.to_owned()))
    };
    Some(Location {
        path: or(has_path, "path", "/"),
        method: or(has_method, "method", "*"),
        status_code: or(has_status, "statusCode", "*"),
        name: text("name"),
        kind,
    })
}

pub(in crate::apigateway) fn import(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    // Recorded by localstack, `test_import_documentation_parts_bad_file`.
    let document = Document::read(&call.body)
        .map_err(|_| bad_request("Unable to build importer with provided input."))?;
    let mode = Mode::of(call)?;
    let parts = read(&document);
    let ids = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        let mut documentation = documentation::of(tx, call, &api.id)?;
        let ids = documentation.import(parts, mode == Mode::Overwrite)?;
        tx.put(&call.place, &documentation)?;
        Ok(ids)
    })?;
    Ok(Answer::ok(json!({ "ids": ids })))
}
