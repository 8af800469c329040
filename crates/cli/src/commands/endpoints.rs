//! The endpoints, functions and keys of a stack, read from its declaration.

use provision_aws::apigateway::{ApiKey, Method, Stage, UsagePlan};
use provision_aws::lambda::Function;
use provision_engine::declaration::Declaration;
use provision_engine::input::{Input, Outputs, references};
use provision_engine::stack::Check;

use super::names::Candidate;

/// A method that a stage serves.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) verb: String,
    /// The path behind the stage, with placeholders in braces.
    pub(super) path: String,
    /// The stage's URL, without a trailing slash.
    pub(super) url: String,
    /// Ids of the keys that may call it; `None` if it needs no key.
    pub(super) keys: Option<Vec<String>>,
    /// The id of the function behind it.
    pub(super) function: Option<String>,
    /// The request of the stack's check, if this is the endpoint it is sent to.
    pub(super) check: Option<Check>,
}

/// Returns the endpoints that are deployed, by the id of their method and as `POST /orders`.
pub(super) fn endpoints(declaration: &Declaration, known: &Outputs) -> Vec<Candidate<Endpoint>> {
    let mut found = Vec::new();
    for (stage_id, stage) in declaration.all::<Stage>() {
        let url = known.lookup(&format!("{stage_id}.url"));
        let Some(url) = url.and_then(|url| url.as_str()) else {
            continue;
        };
        for (id, method) in declaration.all::<Method>() {
            if method.api.source() != stage.api.source() {
                continue;
            }
            let at = format!("{url}{}", method.full_path);
            let check = declaration.checks.iter().find(|check| {
                check.method == method.http_method
                    && known.resolve(&check.url.to_value()).as_str() == Some(&at)
            });
            found.push(Candidate {
                id: id.to_owned(),
                name: format!("{} {}", method.http_method, method.full_path),
                value: Endpoint {
                    verb: method.http_method.clone(),
                    path: method.full_path.clone(),
                    url: url.to_owned(),
                    keys: method.key_required.then(|| keys_of(declaration, stage_id)),
                    function: function_of(declaration, method),
                    check: check.cloned(),
                },
            });
        }
    }
    found
}

/// The ids of the keys in plans that cover a stage.
fn keys_of(declaration: &Declaration, stage_id: &str) -> Vec<String> {
    let plans = declaration.all::<UsagePlan>().filter(|(_, plan)| {
        let mut stages = plan.stages.iter();
        stages.any(|stage| stage.stage.source() == Some(stage_id))
    });
    plans
        .flat_map(|(_, plan)| plan.keys.iter().filter_map(Input::source))
        .map(str::to_owned)
        .collect()
}

fn function_of(declaration: &Declaration, method: &Method) -> Option<String> {
    let uri = method.integration.as_ref()?.uri.to_value();
    let mut ids = references(&uri)
        .into_iter()
        .filter_map(|path| Some(path.rsplit_once('.')?.0.to_owned()));
    ids.find(|id| declaration.all::<Function>().any(|(known, _)| known == id))
}

/// Returns the functions, with the names of their log groups.
pub(super) fn functions(declaration: &Declaration) -> Vec<Candidate<String>> {
    let functions = declaration
        .all::<Function>()
        .map(|(id, function)| Candidate {
            id: id.to_owned(),
            name: function.name.clone(),
            value: function.log_group(),
        });
    functions.collect()
}

/// An API key, and where it counts.
#[derive(Clone, Debug)]
pub(super) struct Key<'a> {
    pub(super) declared: &'a ApiKey,
    /// Ids of the usage plans that let it in.
    pub(super) plans: Vec<String>,
    /// A check that it is sent with.
    pub(super) check: Option<&'a Check>,
}

/// Returns the API keys.
pub(super) fn keys(declaration: &Declaration) -> Vec<Candidate<Key<'_>>> {
    let keys = declaration.all::<ApiKey>().map(|(id, declared)| {
        let lets_in = |plan: &UsagePlan| plan.keys.iter().any(|key| key.source() == Some(id));
        let plans = declaration.all::<UsagePlan>();
        let plans = plans.filter(|(_, plan)| lets_in(plan));
        let mut checks = declaration.checks.iter();
        Candidate {
            id: id.to_owned(),
            name: declared.name.clone(),
            value: Key {
                declared,
                plans: plans.map(|(id, _)| id.to_owned()).collect(),
                check: checks.find(|check| check.key.as_ref().and_then(Input::source) == Some(id)),
            },
        }
    });
    keys.collect()
}
