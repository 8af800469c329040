//! One look at the account: lists and contents that several resources are found in are read once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use aws_sdk_apigateway::types;
use tokio::sync::OnceCell;
use tokio::try_join;

use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::owner::{Ownership, Tags};
use crate::resource::ApiId;

/// The largest page that API Gateway's lists offer.
const PAGE: i32 = 500;

/// Reads shared by all resources observed in one pass. A new pass starts with a new `Look`.
pub struct Look {
    aws: Aws,
    adopt: BTreeSet<String>,
    rest_apis: OnceCell<Vec<types::RestApi>>,
    api_keys: OnceCell<Vec<types::ApiKey>>,
    usage_plans: OnceCell<Vec<types::UsagePlan>>,
    contents: Mutex<HashMap<ApiId, Arc<OnceCell<Arc<ApiContents>>>>>,
}

/// What is inside one REST API.
#[derive(Debug, Default)]
pub struct ApiContents {
    pub paths: Vec<types::Resource>,
    pub deployments: Vec<types::Deployment>,
    pub stages: Vec<types::Stage>,
}

/// Collects all pages of an API Gateway list.
macro_rules! all_pages {
    ($aws:expr, $operation:literal, $request:expr) => {{
        const LIST: Operation = Operation::safe($operation);
        let mut items = Vec::new();
        let mut position: Option<String> = None;
        loop {
            let page = $aws
                .call(LIST, || {
                    $request.limit(PAGE).set_position(position.clone()).send()
                })
                .await?;
            items.extend(page.items.unwrap_or_default());
            position = page.position.filter(|position| !position.is_empty());
            if position.is_none() {
                break;
            }
        }
        items
    }};
}

impl Look {
    pub fn new(aws: Aws) -> Self {
        Self {
            aws,
            adopt: BTreeSet::new(),
            rest_apis: OnceCell::new(),
            api_keys: OnceCell::new(),
            usage_plans: OnceCell::new(),
            contents: Mutex::default(),
        }
    }

    /// Takes resources of these names as ours although they do not carry our tags.
    pub fn adopting(mut self, names: &BTreeSet<String>) -> Self {
        self.adopt.clone_from(names);
        self
    }

    pub fn aws(&self) -> &Aws {
        &self.aws
    }

    /// Whose the resource `name` is, which carries the tags `actual`.
    pub fn ownership<'a>(
        &self,
        name: &str,
        declared: &Tags,
        actual: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Ownership {
        let actual = actual
            .into_iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if self.adopt.contains(name) {
            Ownership::Ours
        } else {
            declared.ownership(&actual)
        }
    }

    pub fn adopts(&self, name: &str) -> bool {
        self.adopt.contains(name)
    }

    pub async fn rest_apis(&self) -> Result<&[types::RestApi]> {
        let read = async || {
            anyhow::Ok(all_pages!(
                self.aws,
                "GetRestApis",
                self.aws.apigateway().get_rest_apis()
            ))
        };
        Ok(self
            .rest_apis
            .get_or_try_init(read)
            .await
            .context("listing the REST APIs")?)
    }

    pub async fn api_keys(&self) -> Result<&[types::ApiKey]> {
        let read = async || {
            let request = || self.aws.apigateway().get_api_keys().include_values(false);
            anyhow::Ok(all_pages!(self.aws, "GetApiKeys", request()))
        };
        Ok(self
            .api_keys
            .get_or_try_init(read)
            .await
            .context("listing the API keys")?)
    }

    pub async fn usage_plans(&self) -> Result<&[types::UsagePlan]> {
        let read = async || {
            anyhow::Ok(all_pages!(
                self.aws,
                "GetUsagePlans",
                self.aws.apigateway().get_usage_plans()
            ))
        };
        Ok(self
            .usage_plans
            .get_or_try_init(read)
            .await
            .context("listing the usage plans")?)
    }

    /// Paths with their methods, deployments and stages of one API.
    pub async fn contents(&self, api: &ApiId) -> Result<Arc<ApiContents>> {
        let cell = {
            let mut contents = self
                .contents
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            contents.entry(api.clone()).or_default().clone()
        };
        let contents = cell.get_or_try_init(|| self.read_contents(api)).await;
        contents
            .cloned()
            .with_context(|| format!("reading REST API `{api}`"))
    }

    async fn read_contents(&self, api: &ApiId) -> Result<Arc<ApiContents>> {
        const GET_STAGES: Operation = Operation::safe("GetStages");
        let aws = &self.aws;
        let paths = async {
            let request = || {
                aws.apigateway()
                    .get_resources()
                    .rest_api_id(&api.0)
                    .embed("methods")
            };
            anyhow::Ok(all_pages!(aws, "GetResources", request()))
        };
        let deployments = async {
            let request = || aws.apigateway().get_deployments().rest_api_id(&api.0);
            anyhow::Ok(all_pages!(aws, "GetDeployments", request()))
        };
        let stages = async {
            let answer = aws
                .call(GET_STAGES, || {
                    aws.apigateway().get_stages().rest_api_id(&api.0).send()
                })
                .await?;
            Ok(answer.item.unwrap_or_default())
        };
        let (paths, deployments, stages) = try_join!(paths, deployments, stages)?;
        Ok(Arc::new(ApiContents {
            paths,
            deployments,
            stages,
        }))
    }
}

/// The one that counts where two runs at the same time have made several: the oldest, and of those as old as each other
/// the one whose id sorts first. Every run chooses the same; the others count as undeclared and go.
pub fn oldest<T>(
    found: Vec<T>,
    made_and_id: impl Fn(&T) -> (Option<i128>, Option<String>),
) -> Option<T> {
    found.into_iter().min_by_key(made_and_id)
}
