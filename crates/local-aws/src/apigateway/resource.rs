//! The resources of an API: a tree of path parts, with the methods of each.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::gateway_response::GatewayResponses;
use super::method::Method;
use super::model::{self, Models};
use super::patch::{self, Kind, REPLACE, Rule, Wording, rule};
use super::refusal::{bad_request, conflict, no_api, no_resource};
use super::request_validator::RequestValidators;
use super::{page, shown};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::cloud::Cloud;
use crate::ids;
use crate::store::Record;

/// All of one API that a deployment keeps as it is: its resources, by id, and what their methods use.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tree {
    api: String,
    pub(super) resources: BTreeMap<String, Resource>,
    #[serde(default = "model::defaults")]
    pub(super) models: Models,
    #[serde(default)]
    pub(super) validators: RequestValidators,
    #[serde(default)]
    pub(super) gateway_responses: GatewayResponses,
}

impl Record for Tree {
    const KIND: &'static str = "rest-api-tree";

    fn key(&self) -> String {
        self.api.clone()
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Resource {
    pub(super) id: String,
    pub(super) parent_id: Option<String>,
    pub(super) path_part: Option<String>,
    pub(super) path: String,
    #[serde(default)]
    pub(super) methods: BTreeMap<String, Method>,
}

const RULES: &[Rule] = &[
    rule("/parentId", REPLACE, Kind::Text),
    rule("/pathPart", REPLACE, Kind::Text),
];

impl Tree {
    pub(super) fn new(api: &str, root: &str) -> Self {
        let resource = Resource {
            id: root.to_owned(),
            parent_id: None,
            path_part: None,
            path: "/".to_owned(),
            methods: BTreeMap::new(),
        };
        Self {
            api: api.to_owned(),
            resources: BTreeMap::from([(root.to_owned(), resource)]),
            models: model::defaults(),
            validators: RequestValidators::new(),
            gateway_responses: GatewayResponses::new(),
        }
    }

    pub(super) fn resource(&self, id: &str) -> Result<&Resource, Refusal> {
        self.resources.get(id).ok_or_else(no_resource)
    }

    pub(super) fn resource_mut(&mut self, id: &str) -> Result<&mut Resource, Refusal> {
        self.resources.get_mut(id).ok_or_else(no_resource)
    }

    fn children<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Resource> {
        self.resources
            .values()
            .filter(move |resource| resource.parent_id.as_deref() == Some(id))
    }

    /// Returns true if `part` may be a child of `parent`; `own` is the resource that moves there, if it is not new.
    fn check_place(&self, parent: &str, part: &str, own: Option<&str>) -> Result<(), Refusal> {
        check_part(part)?;
        if let Some(above) = &self.resource(parent)?.path_part
            && is_greedy(above)
        {
            return Err(bad_request(format!(
                "Cannot create a child of a resource with a greedy path variable: {above}"
            )));
        }
        for sibling in self.children(parent) {
            let Some(name) = sibling.path_part.as_deref() else {
                continue;
            };
            if Some(sibling.id.as_str()) == own {
                continue;
            }
            if name == part {
                return Err(conflict(format!(
                    "Another resource with the same parent already has this name: {part}"
                )));
            }
            if is_variable(name) && is_variable(part) {
                return Err(bad_request(format!(
                    "A sibling ({name}) of this resource already has a variable path part -- only one is allowed"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn add(&mut self, parent: &str, part: &str) -> Result<&Resource, Refusal> {
        self.check_place(parent, part, None)?;
        let resource = Resource {
            id: ids::lower(6),
            parent_id: Some(parent.to_owned()),
            path_part: Some(part.to_owned()),
            path: joined(&self.resource(parent)?.path, part),
            methods: BTreeMap::new(),
        };
        Ok(self
            .resources
            .entry(resource.id.clone())
            .or_insert(resource))
    }

    /// `id` and all below it.
    fn with_descendants(&self, id: &str) -> HashSet<String> {
        let mut found = HashSet::from([id.to_owned()]);
        let mut open = vec![id.to_owned()];
        while let Some(id) = open.pop() {
            for child in self.children(&id) {
                found.insert(child.id.clone());
                open.push(child.id.clone());
            }
        }
        found
    }

    /// Gives `id` and all below it the paths that follow from their places.
    fn rename(&mut self, id: &str) -> Result<(), Refusal> {
        let resource = self.resource(id)?;
        let (Some(parent), Some(part)) = (&resource.parent_id, &resource.path_part) else {
            return Ok(());
        };
        let path = joined(&self.resource(parent)?.path, part);
        self.resource_mut(id)?.path = path;
        let children: Vec<String> = self.children(id).map(|child| child.id.clone()).collect();
        children.iter().try_for_each(|child| self.rename(child))
    }
}

fn joined(parent: &str, part: &str) -> String {
    format!("{}/{part}", parent.trim_end_matches('/'))
}

pub(super) fn is_variable(part: &str) -> bool {
    part.starts_with('{') && part.ends_with('}')
}

fn is_greedy(part: &str) -> bool {
    part.ends_with("+}")
}

fn check_part(part: &str) -> Result<(), Refusal> {
    let inner = part
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'))
        .map_or(part, |name| name.strip_suffix('+').unwrap_or(name));
    let fits = !inner.is_empty()
        && inner
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-:".contains(c));
    if fits {
        return Ok(());
    }
    Err(bad_request(
        "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning \
         and the end.",
    ))
}

/// Reads the tree of the API that a call names.
pub(super) fn read<T>(
    cloud: &Cloud,
    call: &Call,
    work: impl FnOnce(&Tree) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    // An unknown API is told as an unknown resource here (recorded by localstack, `test_put_method_validation`).
    try_read(cloud, call, no_resource, work)
}

/// As [`read`]; an unknown API is told as `missing` says.
pub(super) fn try_read<T>(
    cloud: &Cloud,
    call: &Call,
    missing: impl FnOnce() -> Refusal,
    work: impl FnOnce(&Tree) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let tree: Option<Tree> = cloud
        .store
        .transact(|tx| tx.get(&call.place, call.label("restapi_id")))?;
    work(&tree.ok_or_else(missing)?)
}

/// Changes the tree of the API that a call names.
pub(super) fn change<T>(
    cloud: &Cloud,
    call: &Call,
    work: impl FnOnce(&mut Tree) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    try_change(cloud, call, no_resource, work)
}

/// As [`change`]; an unknown API is told as `missing` says.
pub(super) fn try_change<T>(
    cloud: &Cloud,
    call: &Call,
    missing: impl FnOnce() -> Refusal,
    work: impl FnOnce(&mut Tree) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    cloud.store.transact(|tx| {
        let mut tree: Tree = tx
            .get(&call.place, call.label("restapi_id"))?
            .ok_or_else(missing)?;
        let outcome = work(&mut tree)?;
        tx.put(&call.place, &tree)?;
        Ok(outcome)
    })
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        path_part: Option<String>,
    }
    let input: Input = call.input()?;
    let part = input.path_part.unwrap_or_default();
    let shown = change(cloud, call, |tree| {
        shown(tree.add(call.label("parent_id"), &part)?, false)
    })?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let shown = read(cloud, call, |tree| {
        shown(tree.resource(call.label("resource_id"))?, embeds(call))
    })?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let tree: Tree = cloud
        .store
        .transact(|tx| tx.get(&call.place, call.label("restapi_id")))?
        .ok_or_else(|| no_api(call))?;
    let entries = tree
        .resources
        .values()
        .map(|resource| Ok((resource.path.clone(), shown(resource, embeds(call))?)))
        .collect::<Result<_, Refusal>>()?;
    page::answer(call, entries)
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let id = call.label("resource_id");
    let shown = change(cloud, call, |tree| {
        let mut resource = tree.resource(id)?.clone();
        for operation in &operations {
            let former = resource.parent_id.clone();
            operation.apply(&mut resource, RULES, Wording::Listing)?;
            if former.is_none() {
                let member = operation.path.trim_start_matches('/');
                return Err(bad_request(format!(
                    "Root resource cannot update its {member}."
                )));
            }
        }
        if let (Some(parent), Some(part)) = (&resource.parent_id, &resource.path_part) {
            if tree.with_descendants(id).contains(parent) {
                return Err(bad_request("Resources cannot be cyclical."));
            }
            tree.check_place(parent, part, Some(id))?;
            if is_greedy(part) && tree.children(id).next().is_some() {
                return Err(bad_request(format!(
                    "Cannot create a child of a resource with a greedy path variable: {part}"
                )));
            }
        } else if !operations.is_empty() {
            return Err(no_resource());
        }
        *tree.resource_mut(id)? = resource;
        tree.rename(id)?;
        shown(tree.resource(id)?, false)
    })?;
    Ok(Answer::ok(shown.into()))
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let id = call.label("resource_id");
    change(cloud, call, |tree| {
        if tree.resource(id)?.parent_id.is_none() {
            return Err(bad_request("Cannot delete root resource"));
        }
        let gone = tree.with_descendants(id);
        tree.resources.retain(|id, _| !gone.contains(id));
        Ok(())
    })?;
    Ok(Answer::empty(202))
}

fn embeds(call: &Call) -> bool {
    call.parameters("embed").any(|embed| embed == "methods")
}

/// Without `embed=methods`, the methods are only named.
fn shown(resource: &Resource, with_methods: bool) -> Result<Map<String, Value>, Refusal> {
    let mut members = shown::record(resource, shown::Tags::IfAny)?;
    members.shift_remove("methods");
    if !resource.methods.is_empty() {
        let mut methods = Map::new();
        for (name, method) in &resource.methods {
            let method = if with_methods {
                method.shown()?.into()
            } else {
                json!({})
            };
            methods.insert(name.clone(), method);
        }
        members.insert("resourceMethods".to_owned(), methods.into());
    }
    Ok(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moved_resource_takes_its_descendants_along() {
        let mut tree = Tree::new("api", "root");
        let pets = tree.add("root", "pets").expect("a child").id.clone();
        let one = tree.add(&pets, "{id}").expect("a child").id.clone();
        tree.resource_mut(&pets).expect("it is there").path_part = Some("dogs".into());
        tree.rename(&pets).expect("a path");
        assert_eq!(tree.resource(&one).expect("it is there").path, "/dogs/{id}");
        assert_eq!(tree.with_descendants(&pets).len(), 2);
    }

    #[test]
    fn parts_that_cannot_be_are_refused() {
        for part in ["", "a/b", "{", "{}", "a{b}", "ä", "{a+b}", "{+}"] {
            assert!(check_part(part).is_err(), "{part}");
        }
        for part in ["a", "DynamoDBManager", "{id}", "{proxy+}", "a.b_c-d:e"] {
            assert!(check_part(part).is_ok(), "{part}");
        }
    }
}
