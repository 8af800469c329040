//! One look at the account: lists and contents that several resources are found in are read once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use aws_sdk_apigateway::types;
use serde_json::Value;
use tokio::sync::OnceCell;
use tokio::try_join;

use crate::aws::Aws;
use crate::aws::call::Operation;
use crate::aws::error::AwsError;
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
    contents: Each<ApiContents>,
    plan_keys: Each<BTreeSet<String>>,
    function_policies: Each<Vec<Value>>,
}

/// What was read of each of several things, by name or id.
struct Each<T>(Mutex<HashMap<String, Arc<OnceCell<Arc<T>>>>>);

impl<T> Default for Each<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Each<T> {
    /// What is known of `name`; `read` by whoever asks first.
    async fn of(&self, name: &str, read: impl AsyncFnOnce() -> Result<T>) -> Result<Arc<T>> {
        let cell = {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.entry(name.to_owned()).or_default().clone()
        };
        let read = async || read().await.map(Arc::new);
        cell.get_or_try_init(read).await.cloned()
    }
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
            contents: Each::default(),
            plan_keys: Each::default(),
            function_policies: Each::default(),
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
        self.contents
            .of(&api.0, async || {
                Self::or_nothing(self.read_contents(api).await)
            })
            .await
            .with_context(|| format!("reading REST API `{api}`"))
    }

    /// The ids of the keys that the usage plan `id` has.
    pub async fn plan_keys(&self, id: &str) -> Result<Arc<BTreeSet<String>>> {
        let read = async || {
            let request = || {
                let gateway = self.aws.apigateway();
                gateway.get_usage_plan_keys().usage_plan_id(id)
            };
            let keys = async || anyhow::Ok(all_pages!(self.aws, "GetUsagePlanKeys", request()));
            let keys: Vec<types::UsagePlanKey> = Self::or_nothing(keys().await)?;
            Ok(keys.into_iter().filter_map(|key| key.id).collect())
        };
        self.plan_keys
            .of(id, read)
            .await
            .with_context(|| format!("reading the keys of usage plan `{id}`"))
    }

    /// The statements in the policy of the function `name`: none, if there is no such function.
    pub async fn function_policy(&self, name: &str) -> Result<Arc<Vec<Value>>> {
        const GET_POLICY: Operation = Operation::safe("GetPolicy");
        let request = || self.aws.lambda().get_policy().function_name(name).send();
        let read = async || {
            let policy = match self.aws.call(GET_POLICY, request).await {
                Ok(answer) => answer.policy.unwrap_or_default(),
                Err(error) if error.is_not_found() => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            };
            let mut policy: Value = serde_json::from_str(&policy)?;
            Ok(match policy["Statement"].take() {
                Value::Array(statements) => statements,
                _ => Vec::new(),
            })
        };
        self.function_policies
            .of(name, read)
            .await
            .with_context(|| format!("reading the policy of function `{name}`"))
    }

    async fn read_contents(&self, api: &ApiId) -> Result<ApiContents> {
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
        Ok(ApiContents {
            paths,
            deployments,
            stages,
        })
    }

    /// Lists name for a moment what has just been deleted: nothing is in that.
    fn or_nothing<T: Default>(read: Result<T>) -> Result<T> {
        match read {
            Err(error)
                if error
                    .downcast_ref::<AwsError>()
                    .is_some_and(AwsError::is_not_found) =>
            {
                Ok(T::default())
            }
            other => other,
        }
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
