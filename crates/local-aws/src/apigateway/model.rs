//! Models: JSON schemas of bodies, by which requests can be validated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::refusal::{bad_request, conflict, no_api, not_found, null_member};
use super::resource::{self, Tree};
use super::schema::syntax;
use super::{model_schema, page, shown};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::ids;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Model {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) schema: Option<String>,
    pub(super) content_type: String,
}

/// By name.
pub(super) type Models = BTreeMap<String, Model>;

const RULES: &[Rule] = &[
    rule("/description", REPLACE, Kind::Text),
    rule("/schema", REPLACE, Kind::Text),
];

/// The models that every new API has.
pub(super) fn defaults() -> Models {
    let model = |name: &str, description: &str, schema: &str| Model {
        id: ids::lower(6),
        name: name.to_owned(),
        description: Some(description.to_owned()),
        schema: Some(schema.to_owned()),
        content_type: "application/json".to_owned(),
    };
    [
        model(
            "Empty",
            "This is a default empty schema model",
            "{\n  \"$schema\": \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Empty Schema\",\n  \"type\" : \"object\"\n}",
        ),
        model(
            "Error",
            "This is a default error schema model",
            "{\n  \"$schema\" : \"http://json-schema.org/draft-04/schema#\",\n  \"title\" : \"Error Schema\",\n  \"type\" : \"object\",\n  \"properties\" : {\n    \"message\" : { \"type\" : \"string\" }\n  }\n}",
        ),
    ]
    .into_iter()
    .map(|model| (model.name.clone(), model))
    .collect()
}

impl Model {
    pub(super) fn new(
        name: String,
        description: Option<String>,
        schema: Option<String>,
        content_type: String,
    ) -> Self {
        Self {
            id: ids::lower(6),
            name,
            description,
            schema,
            content_type,
        }
        .without_empty()
    }

    /// An empty description is none (recorded by localstack, `test_update_model`).
    fn without_empty(mut self) -> Self {
        self.description = self.description.filter(|text| !text.is_empty());
        self
    }

    /// The schema as JSON, if it is.
    pub(super) fn parsed(&self) -> Option<Value> {
        serde_json::from_str(self.schema.as_deref()?).ok()
    }

    /// Refuses a model that could not be; `models` are those of its API.
    pub(super) fn check(&self, models: &Models) -> Result<(), Refusal> {
        if self.name.is_empty() {
            return Err(bad_request("Model name must be non-empty"));
        }
        if !self.name.chars().all(|c| c.is_ascii_alphanumeric()) {
            return Err(bad_request(format!(
                "Model name must be alphanumeric: {}",
                self.name
            )));
        }
        let Some(schema) = self.schema.as_deref().filter(|schema| !schema.is_empty()) else {
            return Err(bad_request(
                "Model schema must have at least 1 property or array items defined",
            ));
        };
        if is_json(&self.content_type) {
            syntax::check(schema, models)?;
        }
        Ok(())
    }

    fn shown(&self) -> Result<Map<String, Value>, Refusal> {
        shown::record(self, shown::Tags::IfAny)
    }
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json") || kind.ends_with("+json")
}

/// Refuses the names of models that the API does not have.
pub(super) fn check_names(
    models: &Models,
    names: Option<&BTreeMap<String, String>>,
) -> Result<(), Refusal> {
    for name in names.into_iter().flat_map(BTreeMap::values) {
        if !models.contains_key(name) {
            return Err(bad_request(format!(
                "Invalid model identifier specified: {name}"
            )));
        }
    }
    Ok(())
}

fn missing(call: &Call) -> Refusal {
    not_found(format!(
        "Invalid model name specified: {}",
        call.label("model_name")
    ))
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        name: Option<String>,
        description: Option<String>,
        schema: Option<String>,
        content_type: Option<String>,
    }
    let input: Input = call.input()?;
    let content_type = input
        .content_type
        .ok_or_else(|| null_member("createModelInput.contentType"))?;
    let name = input
        .name
        .ok_or_else(|| null_member("createModelInput.name"))?;
    let model = Model::new(name, input.description, input.schema, content_type);
    let shown = resource::try_change(
        cloud,
        call,
        || no_api(call),
        |tree| {
            model.check(&tree.models)?;
            if tree.models.contains_key(&model.name) {
                return Err(conflict("Model name already exists for this REST API"));
            }
            let shown = model.shown()?;
            tree.models.insert(model.name.clone(), model);
            Ok(shown)
        },
    )?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let entries = resource::try_read(
        cloud,
        call,
        || no_api(call),
        |tree| {
            tree.models
                .values()
                .map(|model| Ok((model.name.clone(), model.shown()?)))
                .collect::<Result<_, Refusal>>()
        },
    )?;
    page::answer(call, entries)
}

fn read<T>(
    cloud: &Cloud,
    call: &Call,
    work: impl FnOnce(&Model, &Tree) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    resource::try_read(
        cloud,
        call,
        || missing(call),
        |tree| {
            let model = tree.models.get(call.label("model_name"));
            work(model.ok_or_else(|| missing(call))?, tree)
        },
    )
}

/// With `flatten`, the schemas of the models that it refers to are in its own.
pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let flatten = call
        .parameter("flatten")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let shown = read(cloud, call, |model, tree| {
        let mut shown = model.shown()?;
        if flatten && let Some(schema) = model.parsed() {
            let flat = model_schema::flattened(schema, &tree.models);
            shown.insert("schema".to_owned(), flat.to_string().into());
        }
        Ok(shown)
    })?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn template(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let template = read(cloud, call, |model, tree| {
        let schema = model.parsed().unwrap_or_default();
        Ok(model_schema::template(&schema, &tree.models))
    })?;
    Ok(Answer::ok(json!({ "value": template })))
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let shown = resource::try_change(
        cloud,
        call,
        || missing(call),
        |tree| {
            let name = call.label("model_name");
            let mut model = tree.models.get(name).ok_or_else(|| missing(call))?.clone();
            for operation in &operations {
                operation.apply(&mut model, RULES, Wording::Listing)?;
            }
            let model = model.without_empty();
            model.check(&tree.models)?;
            let shown = model.shown()?;
            tree.models.insert(name.to_owned(), model);
            Ok(shown)
        },
    )?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let name = call.label("model_name");
    resource::try_change(
        cloud,
        call,
        || missing(call),
        |tree| {
            if !tree.models.contains_key(name) {
                return Err(missing(call));
            }
            if let Some(user) = user(tree, name) {
                return Err(conflict(format!(
                    "Cannot delete model '{name}', is referenced in {user}"
                )));
            }
            tree.models.remove(name);
            Ok(())
        },
    )?;
    Ok(Answer::empty(202))
}

/// What uses a model, as AWS names it: `method request: /pets/GET`, and `//GET` for the root's. Of several methods, the one with the
/// longest path is told.
fn user(tree: &Tree, model: &str) -> Option<String> {
    let uses = |models: Option<&BTreeMap<String, String>>| {
        models.is_some_and(|models| models.values().any(|name| name == model))
    };
    let mut methods: Vec<_> = tree
        .resources
        .values()
        .flat_map(|resource| {
            resource
                .methods
                .values()
                .map(move |method| (resource, method))
        })
        .collect();
    methods.sort_by_key(|(resource, _)| std::cmp::Reverse(resource.path.len()));
    for (resource, method) in methods {
        let place = format!("{}/{}", resource.path, method.name);
        if uses(method.request_models.as_ref()) {
            return Some(format!("method request: {place}"));
        }
        let mut responses = method.responses.values();
        if responses.any(|response| uses(response.response_models.as_ref())) {
            return Some(format!("method response: {place}"));
        }
    }
    tree.models
        .values()
        .filter(|other| other.name != model)
        .find(|other| {
            other
                .parsed()
                .is_some_and(|schema| model_schema::refers(&schema, model))
        })
        .map(|other| format!("model: {}", other.name))
}
