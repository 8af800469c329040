//! One segment of an API's paths; AWS calls it a resource.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Context, Result};
use aws_sdk_apigateway::types;
use provision_engine::aws::Aws;
use provision_engine::diff::Changes;
use provision_engine::fault::Code;
use provision_engine::input::{Handle, Input};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::resource::{Act, HoldsData, Kind, Marked, Observed, Resource, gone_is_done};
use serde::{Deserialize, Serialize};

use super::lists::{self, LIST_DEPLOYMENTS, LIST_PATHS, LIST_STAGES};
use super::{API, API_GATEWAY, Method, RestApi};
use crate::arn::{ApiId, PathId};
use crate::calls::Calls;

const CREATE: Operation = Operation::create(
    API_GATEWAY,
    "CreateResource",
    &[API.allow("apigateway:POST")],
)
.rate(5, Duration::from_millis(200));
const DELETE: Operation = Operation::write(
    API_GATEWAY,
    "DeleteResource",
    &[API.allow("apigateway:DELETE")],
)
.rate(5, Duration::from_millis(200));

/// A path of an API: one segment below its parent. AWS calls it a resource: `AWS::ApiGateway::Resource`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Path {
    /// The API of the path.
    pub api: Input<ApiId>,
    /// The path above: another path's id, or the API's [`root`](super::RestApiHandle::root).
    pub parent: Input<PathId>,
    /// This segment alone, without slashes; `{name}` for a parameter. API Gateway tells capital letters from small ones.
    pub part: String,
    /// The whole path from the root, with a leading slash.
    pub full: String,
}

/// The outputs of a [`Path`].
#[derive(Debug, Serialize, Deserialize)]
pub struct PathOutput {
    /// The id that API Gateway gave: its `resourceId`.
    pub id: PathId,
}

/// The outputs of a declared [`Path`].
pub trait PathHandle {
    /// Returns the path's id, for methods and for paths below.
    fn path_id(&self) -> Input<PathId>;
}

impl PathHandle for Handle<Path> {
    fn path_id(&self) -> Input<PathId> {
        self.output("id")
    }
}

impl Resource for Path {
    type Output = PathOutput;
    const KIND: Kind = Kind::new(
        "AWS::ApiGateway::Resource",
        "path",
        HoldsData::No,
        &[
            &LIST_PATHS,
            &LIST_DEPLOYMENTS,
            &LIST_STAGES,
            &CREATE,
            &DELETE,
        ],
    );

    fn name(&self) -> String {
        self.full.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => vec![&CREATE],
            Act::Update(_) => Vec::new(),
            Act::Delete => vec![&DELETE],
        }
    }

    /// Paths without a declaration that hold nothing but methods and paths that are deleted. They carry no mark of their own.
    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let mut found = Vec::new();
        for (id, output) in seen.all::<RestApi>() {
            let contents = lists::contents(seen.look, &output.id).await?;
            let declared: BTreeSet<PathId> =
                seen.all::<Self>().map(|(_, output)| output.id).collect();
            let mut gone = undeclared(&contents.paths, &declared, &output.id, seen);
            for marked in &mut gone {
                marked.within = Some(id.to_owned());
            }
            found.extend(gone);
        }
        Ok(found)
    }

    fn container(&self) -> Option<&str> {
        self.api.source()
    }

    fn lane(&self) -> Option<String> {
        lane_of(&self.api)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let (Ok(api), Ok(parent)) = (self.api.get(), self.parent.get()) else {
            return Ok(None);
        };
        let contents = lists::contents(look, api).await?;
        let found = contents.paths.iter().find(|path| {
            path.parent_id.as_deref() == Some(&parent.0)
                && path.path_part.as_deref() == Some(&self.part)
        });
        let Some(id) = found.and_then(|path| path.id.clone()) else {
            return Ok(None);
        };
        Ok(Some(Observed::ours(
            self.clone(),
            PathOutput { id: PathId(id) },
        )))
    }

    async fn create(&self, aws: &Aws) -> Result<PathOutput> {
        let (api, parent) = (self.api.get()?, self.parent.get()?);
        let created = aws
            .call(&CREATE, || {
                aws.apigateway()
                    .create_resource()
                    .rest_api_id(&api.0)
                    .parent_id(&parent.0)
                    .path_part(&self.part)
                    .send()
            })
            .await?;
        Ok(PathOutput {
            id: PathId(
                created
                    .id
                    .context(Code::Incomplete.fault("AWS returned a path without its id"))?,
            ),
        })
    }

    /// There is nothing to change: another parent or part is another path.
    async fn update(&self, _: &Aws, observed: Observed<Self>, _: &Changes) -> Result<PathOutput> {
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        let (api, id) = (self.api.get()?, &observed.output.id);
        gone_is_done(
            aws.call(&DELETE, || {
                aws.apigateway()
                    .delete_resource()
                    .rest_api_id(&api.0)
                    .resource_id(&id.0)
                    .send()
            })
            .await,
        )
    }
}

/// The paths of one API that are deleted, deepest first, so that each knows what becomes of those below it.
fn undeclared(
    paths: &[types::Resource],
    declared: &BTreeSet<PathId>,
    api: &ApiId,
    seen: &Seen<'_>,
) -> Vec<Marked<Path>> {
    let mut going: BTreeMap<&str, Marked<Path>> = BTreeMap::new();
    let mut by_depth: Vec<&types::Resource> = paths.iter().collect();
    by_depth.sort_by_key(|path| std::cmp::Reverse(path.path().unwrap_or_default().len()));
    for path in by_depth {
        let (Some(id), Some(parent)) = (path.id(), path.parent_id()) else {
            continue;
        };
        if declared.contains(&PathId(id.to_owned())) {
            continue;
        }
        let methods = Method::undeclared_in(path, seen);
        let all_methods_go = methods.len() == path.resource_methods().map_or(0, HashMap::len);
        let below: Vec<&str> = paths
            .iter()
            .filter(|other| other.parent_id() == Some(id))
            .filter_map(|other| other.id())
            .collect();
        let all_below_go = below.iter().all(|id| going.contains_key(id));
        let is_empty = methods.is_empty() && below.is_empty();
        if !all_methods_go || !all_below_go || is_empty {
            continue;
        }
        let full = path.path().unwrap_or_default();
        let state = Path {
            api: api.clone().into(),
            parent: PathId(parent.to_owned()).into(),
            part: path.path_part().unwrap_or_default().to_owned(),
            full: full.to_owned(),
        };
        let output = PathOutput {
            id: PathId(id.to_owned()),
        };
        let mut marked = Marked::new(full, Observed::ours(state, output));
        let methods = methods.into_iter();
        marked.after = methods
            .map(|verb| (Method::KIND.type_name, format!("{verb} {full}")))
            .collect();
        let below = below.iter().map(|id| going[*id].label.clone());
        let below = below.map(|label| (Path::KIND.type_name, label));
        marked.after.extend(below);
        going.insert(id, marked);
    }
    going.into_values().collect()
}

/// Changes of one API collide ("concurrent modification"), so they are made one after another.
pub(super) fn lane_of(api: &Input<ApiId>) -> Option<String> {
    api.get().ok().map(|api| format!("REST API {api}"))
}
