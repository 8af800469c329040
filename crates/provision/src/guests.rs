//! What others put into resources of ours: AWS deletes it along with its container, so `down` names it before.

use anyhow::Result;
use serde_json::Value;

use crate::declaration::{Declared, Stack};
use crate::observe::Observations;
use crate::orphans::Orphan;
use crate::resource::{ApiId, Look, Resource};

/// Each in words: ``method `GET /theirs` in REST API `demo` ``. Reads nothing that observing has not read already.
pub async fn guests(
    stack: &Stack,
    look: &Look,
    observations: &Observations,
    orphans: &[Orphan],
) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for Declared { id, resource, .. } in &stack.declared {
        let Some(observed) = observations.get(id) else {
            continue;
        };
        let own = observed.output["id"].as_str().unwrap_or_default();
        let inside = match resource {
            Resource::RestApi(_) => in_api(look, own, observations, orphans).await?,
            Resource::Function(function) => in_function(look, &function.name, observations).await?,
            Resource::UsagePlan(_) => in_plan(look, own, observed, orphans).await?,
            _ => continue,
        };
        let container = format!("in {} `{}`", resource.noun(), resource.name());
        found.extend(inside.into_iter().map(|what| format!("{what} {container}")));
    }
    Ok(found)
}

/// Methods and stages that are neither declared nor marked as ours, and paths with nothing else.
async fn in_api(
    look: &Look,
    api: &str,
    observations: &Observations,
    orphans: &[Orphan],
) -> Result<Vec<String>> {
    let contents = look.contents(&ApiId(api.to_owned())).await?;
    let is_ours = |kind: &str, fields: &[(&str, &str)]| {
        let states = observations.values().map(|observed| &observed.state);
        let orphaned = orphans.iter().map(|orphan| &orphan.observed.state);
        states.chain(orphaned).any(|state| {
            state.get(kind).is_some()
                && fields
                    .iter()
                    .all(|(field, value)| state[*field].as_str() == Some(value))
        })
    };
    let mut found = Vec::new();
    for path in &contents.paths {
        let (id, full) = (
            path.id().unwrap_or_default(),
            path.path().unwrap_or_default(),
        );
        let methods = path.resource_methods().into_iter().flatten();
        let others = methods.filter(|(verb, _)| {
            !is_ours(
                "http_method",
                &[("path", id), ("http_method", verb.as_str())],
            )
        });
        let before = found.len();
        found.extend(others.map(|(verb, _)| format!("method `{verb} {full}`")));
        let is_declared = full == "/" || is_ours("full", &[("full", full)]);
        if !is_declared && found.len() == before && path.resource_methods().is_none() {
            found.push(format!("path `{full}`"));
        }
    }
    for stage in &contents.stages {
        let name = stage.stage_name().unwrap_or_default();
        if !is_ours("superseded", &[("name", name)]) {
            found.push(format!("stage `{name}`"));
        }
    }
    found.sort();
    Ok(found)
}

/// Statements that no declared permission made.
async fn in_function(look: &Look, name: &str, observations: &Observations) -> Result<Vec<String>> {
    let ours: Vec<&Value> = observations
        .values()
        .filter_map(|observed| observed.output["sids"].as_array())
        .flatten()
        .collect();
    let policy = look.function_policy(name).await?;
    let others = policy
        .iter()
        .map(|statement| &statement["Sid"])
        .filter(|sid| !ours.contains(sid));
    Ok(others
        .map(|sid| format!("statement `{}`", sid.as_str().unwrap_or_default()))
        .collect())
}

/// Keys of others that the plan lets in.
async fn in_plan(
    look: &Look,
    plan: &str,
    observed: &crate::resource::Observation,
    orphans: &[Orphan],
) -> Result<Vec<String>> {
    let linked = look.plan_keys(plan).await?;
    let is_ours = |id: &String| {
        let declared = observed.state["keys"].as_array().into_iter().flatten();
        let orphaned = orphans.iter().map(|orphan| &orphan.observed.output["id"]);
        declared.chain(orphaned).any(|key| key.as_str() == Some(id))
    };
    Ok(linked
        .iter()
        .filter(|id| !is_ours(id))
        .map(|id| format!("API key `{id}`"))
        .collect())
}
