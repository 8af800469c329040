//! What the stack owns but no longer declares: found by the marks that every creation leaves.
//!
//! REST APIs, keys and plans carry tags, methods their `operationName`; a path goes with its last method of ours. Roles,
//! tables, functions and log groups are found by their declared names alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Result;
use aws_sdk_apigateway::types;
use serde_json::json;

use crate::declaration::Stack;
use crate::observe::Observations;
use crate::owner::{ID, Ownership, STACK, Tags};
use crate::resource::{ApiId, Look, Observation, Resource};

/// A resource that is ours and not declared.
#[derive(Clone, Debug)]
pub struct Orphan {
    pub id: String,
    pub resource: Resource,
    pub observed: Observation,
    /// Orphans that have to go first.
    pub after: Vec<String>,
    /// The declaration id of the API it is part of.
    pub within: Option<String>,
}

/// Reads nothing that observing the stack has not read already, as far as it has found anything.
pub async fn orphans(
    stack: &Stack,
    look: &Look,
    observations: &Observations,
) -> Result<Vec<Orphan>> {
    let mut found = Vec::new();
    for declared in &stack.declared {
        let (Resource::RestApi(_), Some(observed)) =
            (&declared.resource, observations.get(&declared.id))
        else {
            continue;
        };
        let api = ApiId(
            observed.output["id"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        );
        let contents = look.contents(&api).await?;
        let methods = methods(stack, &declared.id, &api, &contents.paths, observations);
        let paths = paths(&declared.id, &api, &contents.paths, &methods, observations);
        found.extend(methods);
        found.extend(paths);
    }
    tagged(stack, look, observations, &mut found).await?;
    Ok(found)
}

fn methods(
    stack: &Stack,
    within: &str,
    api: &ApiId,
    paths: &[types::Resource],
    observations: &Observations,
) -> Vec<Orphan> {
    let declared: BTreeSet<(String, String)> = stack
        .declared
        .iter()
        .filter(|declared| matches!(declared.resource, Resource::Method(_)))
        .filter_map(|declared| {
            let state = &observations.get(&declared.id)?.state;
            Some((
                state["path"].as_str()?.to_owned(),
                state["http_method"].as_str()?.to_owned(),
            ))
        })
        .collect();
    let ours = format!("{}.", stack.name);
    let mut orphans = Vec::new();
    for path in paths {
        for (verb, method) in path.resource_methods().into_iter().flatten() {
            let is_marked = method
                .operation_name()
                .is_some_and(|name| name.starts_with(&ours));
            let place = (path.id().unwrap_or_default().to_owned(), verb.clone());
            if !is_marked || declared.contains(&place) {
                continue;
            }
            let full = path.path().unwrap_or_default();
            let state = json!({
                "kind": "method", "api": api, "path": place.0, "full_path": full, "http_method": verb,
                "key_required": false, "authorization": "", "operation": "", "integration": null,
            });
            orphans.extend(orphan(
                &format!("{verb} {full}"),
                &state,
                json!({}),
                Some(within),
            ));
        }
    }
    orphans
}

/// Paths that nobody declares and that hold nothing but methods and paths that go.
fn paths(
    within: &str,
    api: &ApiId,
    paths: &[types::Resource],
    methods: &[Orphan],
    observations: &Observations,
) -> Vec<Orphan> {
    let declared: BTreeSet<&str> = observations
        .values()
        .filter_map(|observed| observed.output["id"].as_str())
        .collect();
    let mut going: BTreeMap<String, Orphan> = BTreeMap::new();
    // Deepest first, so that a path knows what becomes of those below it.
    let mut by_depth: Vec<&types::Resource> = paths.iter().collect();
    by_depth.sort_by_key(|path| std::cmp::Reverse(path.path().unwrap_or_default().len()));
    for path in by_depth {
        let (Some(id), Some(parent)) = (path.id(), path.parent_id()) else {
            continue;
        };
        if declared.contains(id) {
            continue;
        }
        let own = |orphan: &&Orphan| orphan.resource.fields()["path"] == id;
        let mut after: Vec<String> = methods
            .iter()
            .filter(own)
            .map(|orphan| orphan.id.clone())
            .collect();
        let all_methods_go = after.len() == path.resource_methods().map_or(0, HashMap::len);
        let below: Vec<&str> = paths
            .iter()
            .filter(|other| other.parent_id() == Some(id))
            .filter_map(|other| other.id())
            .collect();
        let all_below_go = below.iter().all(|id| going.contains_key(*id));
        if !all_methods_go || !all_below_go || (after.is_empty() && below.is_empty()) {
            continue;
        }
        after.extend(below.iter().map(|id| going[*id].id.clone()));
        let full = path.path().unwrap_or_default();
        let state = json!({
            "kind": "path", "api": api, "parent": parent, "part": path.path_part().unwrap_or_default(),
            "full": full,
        });
        if let Some(mut orphan) = orphan(full, &state, json!({ "id": id }), Some(within)) {
            orphan.after = after;
            going.insert(id.to_owned(), orphan);
        }
    }
    going.into_values().collect()
}

async fn tagged(
    stack: &Stack,
    look: &Look,
    observations: &Observations,
    found: &mut Vec<Orphan>,
) -> Result<()> {
    // Of several with the same declaration, the one that was observed is the one that counts.
    let is_orphan = |own: Option<&str>, tags: Option<&HashMap<String, String>>| {
        tags.is_some_and(|tags| {
            let id = tags.get(ID).map_or("", String::as_str);
            let counts = observations
                .get(id)
                .is_some_and(|seen| seen.output["id"].as_str() == own);
            tags.get(STACK) == Some(&stack.name) && !counts
        })
    };
    let tags = json!(Tags::of(&stack.name, ""));
    for api in look
        .rest_apis()
        .await?
        .iter()
        .filter(|api| is_orphan(api.id(), api.tags()))
    {
        let state = json!({
            "kind": "rest-api", "name": api.name(), "description": "", "endpoint": "REGIONAL",
            "disable_execute_api": false, "tags": tags,
        });
        let output = json!({ "id": api.id(), "root": "", "execute_arn": "" });
        found.extend(orphan(api.id().unwrap_or_default(), &state, output, None));
    }
    for key in look
        .api_keys()
        .await?
        .iter()
        .filter(|key| is_orphan(key.id(), key.tags()))
    {
        let state = json!({
            "kind": "api-key", "name": key.name(), "description": "", "enabled": true, "tags": tags,
        });
        found.extend(orphan(
            key.id().unwrap_or_default(),
            &state,
            json!({ "id": key.id() }),
            None,
        ));
    }
    for plan in look
        .usage_plans()
        .await?
        .iter()
        .filter(|plan| is_orphan(plan.id(), plan.tags()))
    {
        let state = json!({
            "kind": "usage-plan", "name": plan.name(), "description": "", "quota": null,
            "throttle": { "rate": 0.0, "burst": 0 }, "stages": [], "keys": [], "tags": tags,
        });
        found.extend(orphan(
            plan.id().unwrap_or_default(),
            &state,
            json!({ "id": plan.id() }),
            None,
        ));
    }
    Ok(())
}

fn orphan(
    name: &str,
    state: &serde_json::Value,
    output: serde_json::Value,
    within: Option<&str>,
) -> Option<Orphan> {
    let resource: Resource = serde_json::from_value(state.clone()).ok()?;
    let observed = Observation {
        state: resource.fields(),
        output,
        ownership: Ownership::Ours,
        settled: true,
    };
    Some(Orphan {
        id: format!("undeclared {name}"),
        resource,
        observed,
        after: Vec::new(),
        within: within.map(str::to_owned),
    })
}
