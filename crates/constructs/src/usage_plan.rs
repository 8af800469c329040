//! A usage plan.

use provision_aws::Unusual;
use provision_aws::apigateway::{self, PlanStage, Quota, Throttle};
use provision_aws::arn::KeyId;
use provision_aws::handles::{RestApiHandle as _, StageHandle as _};
use provision_engine::input::{Handle, Input, Set};
use provision_engine::owner::Tags;
use provision_engine::stack::{Construct, Stack};

use crate::{ApiKeyHandle, RestApiHandle, name_on_aws};

/// A usage plan: which keys may call which APIs, and how often.
#[must_use = "`Stack::add` declares it"]
#[derive(Debug)]
pub struct UsagePlan {
    name: Option<String>,
    description: String,
    throttle: Throttle,
    quota: Option<Quota>,
    stages: Vec<PlanStage>,
    /// The ids of APIs none of whose routes asks for a key.
    open_apis: Vec<String>,
    keys: Vec<Input<KeyId>>,
}

named!(UsagePlan);
described!(UsagePlan);

impl UsagePlan {
    /// A plan over an API, whose routes have to [require a key](crate::RestApi::require_key).
    pub fn over(api: &RestApiHandle, throttle: Throttle) -> Self {
        let plan = Self {
            name: None,
            description: String::new(),
            throttle,
            quota: None,
            stages: Vec::new(),
            open_apis: Vec::new(),
            keys: Vec::new(),
        };
        plan.and_over(api)
    }

    /// Adds another API with the same keys.
    pub fn and_over(mut self, api: &RestApiHandle) -> Self {
        self.stages.push(PlanStage {
            api: api.api.api_id(),
            stage: api.stage.served_as(),
        });
        if !api.asks_for_key() {
            self.open_apis.push(api.api.id().to_owned());
        }
        self
    }

    /// Lets a key in.
    pub fn key(mut self, key: &ApiKeyHandle) -> Self {
        self.keys.push(key.key_id());
        self
    }

    /// Sets the number of requests that a key may make in a period; by default without limit.
    pub fn quota(self, quota: Quota) -> Self {
        Self {
            quota: Some(quota),
            ..self
        }
    }
}

impl Construct for UsagePlan {
    type Handle = Handle<apigateway::UsagePlan>;

    fn declare(self, id: &str, stack: &mut Stack) -> Self::Handle {
        for api in self.open_apis {
            stack.mistake(format!(
                "usage plan `{id}`: no route of the REST API `{api}` asks for a key, so the plan would throttle nobody: \
                 `RestApi::require_key`"
            ));
        }
        let plan = apigateway::UsagePlan {
            name: name_on_aws(self.name, id, stack),
            description: self.description,
            throttle: self.throttle,
            quota: self.quota,
            stages: Set::from_iter(self.stages),
            keys: Set::from_iter(self.keys),
            unusual: Unusual::default(),
            tags: Tags::default(),
        };
        stack.add(id, plan)
    }
}
