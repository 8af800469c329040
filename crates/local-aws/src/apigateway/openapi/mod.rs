//! `ImportRestApi`, `PutRestApi` and `GetExport`: APIs from and as `OpenAPI` definitions.

mod build;
mod document;
mod documentation;
mod export;
mod export_method;
mod integration;
mod joined;
mod operations;
mod parts;
mod reading;
mod schema;
mod security;
mod yaml;

use build::{Mode, Whole};
use document::{BasePath, Document};
use parts::Parts;

use super::authorizer::{self, Authorizer};
use super::refusal::{bad_request, no_api};
use super::resource::Tree;
use super::rest_api::{self, RestApi};
use super::shown;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::store::Tx;

pub(super) use documentation::import as import_documentation;
pub(super) use export::export;

/// AWS: "The maximum size of the API definition file is 6MB".
const LARGEST: usize = 6 * 1024 * 1024;

pub(super) fn import(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let (mut parts, fails_on_warnings) = sent(call)?;
    let kinds: Vec<String> = call
        .parameters("endpointConfigurationTypes")
        .flat_map(|kinds| kinds.split(','))
        .map(|kind| kind.trim().to_owned())
        .collect();
    let name = parts.name.clone().unwrap_or_default();
    let api = rest_api::imported(cloud.now(), name, kinds)?;
    let tree = Tree::new(&api.id, &api.root_resource_id);
    let whole = Whole {
        api,
        tree,
        authorizers: Vec::new(),
    };
    let api = cloud.store.transact(|tx| {
        // An imported API has no models but its own (recorded by localstack, `test_import_and_validate_rest_api`).
        let whole = changed(whole, &mut parts, Mode::Overwrite, call, fails_on_warnings)?;
        keep(tx, call, &whole, &[])?;
        document_parts(tx, call, &whole.api.id, &mut parts, Mode::Overwrite)?;
        Ok(whole.api)
    })?;
    answer(201, &api, parts, shown::Tags::IfAny)
}

pub(super) fn put(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let (mut parts, fails_on_warnings) = sent(call)?;
    let mode = Mode::of(call)?;
    let api = cloud.store.transact(|tx| {
        let api = rest_api::named(tx, call)?;
        let tree: Tree = tx.get(&call.place, &api.id)?.ok_or_else(|| no_api(call))?;
        let former = authorizer::all(tx, call, &api.id)?;
        let whole = Whole {
            api,
            tree,
            authorizers: former.clone(),
        };
        let whole = changed(whole, &mut parts, mode, call, fails_on_warnings)?;
        keep(tx, call, &whole, &former)?;
        document_parts(tx, call, &whole.api.id, &mut parts, mode)?;
        Ok(whole.api)
    })?;
    answer(200, &api, parts, shown::Tags::Always)
}

/// The definition of a call, and whether its warnings are errors.
fn sent(call: &Call) -> Result<(Parts, bool), Refusal> {
    if call.body.len() > LARGEST {
        return Err(Refusal::new(
            413,
            "RequestEntityTooLargeException",
            "Request exceeded the maximum size of an API definition",
        ));
    }
    let document = Document::read(&call.body)?;
    let base_path = match call.parameter("basepath") {
        None | Some("ignore") => BasePath::Ignore,
        Some("prepend") => BasePath::Prepend,
        Some("split") => BasePath::Split,
        Some(how) => {
            return Err(bad_request(format!(
                "Invalid basepath specified: {how}. Valid options are ignore,prepend,split"
            )));
        }
    };
    let fails_on_warnings = call
        .parameter("failonwarnings")
        .is_some_and(|flag| flag.eq_ignore_ascii_case("true"));
    let mut parts = reading::read(&document, base_path);
    if call
        .parameters("ignore")
        .all(|what| what != "documentation")
    {
        parts.documentation = Some(documentation::read(&document));
    }
    Ok((parts, fails_on_warnings))
}

fn document_parts(
    tx: &Tx,
    call: &Call,
    api: &str,
    parts: &mut Parts,
    mode: Mode,
) -> Result<(), Refusal> {
    if let Some(sent) = parts.documentation.take() {
        let mut documentation = super::documentation::of(tx, call, api)?;
        documentation.import(sent, mode == Mode::Overwrite)?;
        tx.put(&call.place, &documentation)?;
    }
    Ok(())
}

/// `whole` by the definition, or all that is wrong with that.
fn changed(
    mut whole: Whole,
    parts: &mut Parts,
    mode: Mode,
    call: &Call,
    fails_on_warnings: bool,
) -> Result<Whole, Refusal> {
    build::apply(&mut whole, parts, mode)?;
    if !parts.errors.is_empty() {
        return Err(bad_request(format!(
            "Errors found during import:\n\t{}",
            parts.errors.join("\n\t")
        )));
    }
    if fails_on_warnings && !parts.warnings.is_empty() {
        return Err(bad_request(format!(
            "Warnings found during import:\n\t{}",
            parts.warnings.join("\n\t")
        )));
    }
    rest_api::check(&whole.api)?;
    whole.api.write_policy_in_full(&call.place)?;
    Ok(whole)
}

fn keep(tx: &Tx, call: &Call, whole: &Whole, former: &[Authorizer]) -> Result<(), Refusal> {
    use crate::store::Record;
    tx.put(&call.place, &whole.api)?;
    tx.put(&call.place, &whole.tree)?;
    for authorizer in former {
        tx.remove::<Authorizer>(&call.place, &authorizer.key())?;
    }
    for authorizer in &whole.authorizers {
        tx.put(&call.place, authorizer)?;
    }
    Ok(())
}

fn answer(status: u16, api: &RestApi, parts: Parts, tags: shown::Tags) -> Result<Answer, Refusal> {
    let mut shown = shown::record(api, tags)?;
    if !parts.warnings.is_empty() {
        shown.insert("warnings".to_owned(), parts.warnings.into());
    }
    Ok(Answer::json(status, shown.into()))
}
