//! Usage plans: which stages their keys open, how fast and how often.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plan_key::{self, PlanKey};
use super::refusal::{Violations, bad_request, not_found};
use super::stage::Stage;
use super::tags::{self, Tags};
use super::usage::Used;
use super::{page, patch, shown, usage_plan_patch};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::ids;
use crate::place::Place;
use crate::store::{Record, Tx};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsagePlan {
    pub(super) id: String,
    name: String,
    description: Option<String>,
    pub(super) api_stages: Vec<ApiStage>,
    pub(super) throttle: Option<Throttle>,
    pub(super) quota: Option<Quota>,
    product_code: Option<String>,
    #[serde(default)]
    pub(super) tags: Tags,
    made: Moment,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiStage {
    pub(super) api_id: String,
    pub(super) stage: String,
    /// By `{resource path}/{method}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) throttle: BTreeMap<String, Throttle>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Throttle {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) burst_limit: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rate_limit: Option<f64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Quota {
    pub(super) limit: i64,
    #[serde(default)]
    pub(super) offset: i64,
    pub(super) period: String,
}

impl Record for UsagePlan {
    const KIND: &'static str = "usage-plan";

    fn key(&self) -> String {
        self.id.clone()
    }
}

const PERIODS: &[&str] = &["DAY", "WEEK", "MONTH"];

impl UsagePlan {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.name.is_empty() {
            return Err(bad_request("Usage Plan name cannot be empty"));
        }
        let throttles = self
            .api_stages
            .iter()
            .flat_map(|stage| stage.throttle.values());
        for throttle in self.throttle.iter().chain(throttles) {
            if throttle.rate_limit.is_some_and(|rate| rate < 0.0) {
                return Err(bad_request("Usage Plan rate limit must be non-negative"));
            }
            if throttle.burst_limit.is_some_and(|burst| burst < 0) {
                return Err(bad_request("Usage Plan burst limit must be non-negative"));
            }
        }
        self.quota.as_ref().map_or(Ok(()), Quota::check)
    }
}

impl Quota {
    /// The rules are those that TF checks beforehand (`apigateway/usage_plan.go`).
    fn check(&self) -> Result<(), Refusal> {
        if self.limit < 0 {
            return Err(bad_request("Usage Plan quota limit must be non-negative"));
        }
        let (largest, words) = match self.period.as_str() {
            "DAY" => (0, "zero in the DAY period"),
            "WEEK" => (6, "between zero and six inclusive in the WEEK period"),
            "MONTH" => (27, "between zero and 27 inclusive in the MONTH period"),
            _ => {
                return Err(bad_request(
                    "Usage Plan quota period must be one of DAY, WEEK, MONTH",
                ));
            }
        };
        if (0..=largest).contains(&self.offset) {
            return Ok(());
        }
        Err(bad_request(format!(
            "Usage Plan quota offset must be {words}"
        )))
    }
}

pub(super) fn missing() -> Refusal {
    not_found("Invalid Usage Plan ID specified")
}

/// The plan that a call names, whether or not it can be read yet.
pub(super) fn wanted(tx: &Tx, call: &Call) -> Result<UsagePlan, Refusal> {
    tx.get(&call.place, call.label("usageplanId"))?
        .ok_or_else(missing)
}

pub(super) fn stage_exists(
    tx: &Tx,
    place: &Place,
    api: &str,
    stage: &str,
) -> Result<bool, Refusal> {
    let found = tx.get::<Stage>(place, &format!("{api}/{stage}"))?;
    Ok(found.is_some())
}

pub(super) fn create(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Input {
        name: Option<String>,
        description: Option<String>,
        #[serde(default)]
        api_stages: Vec<SentStage>,
        throttle: Option<Throttle>,
        quota: Option<Quota>,
        tags: Option<Tags>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct SentStage {
        api_id: Option<String>,
        stage: Option<String>,
        #[serde(default)]
        throttle: BTreeMap<String, Throttle>,
    }
    let input: Input = call.input()?;
    let mut violations = Violations::default();
    if let Some(quota) = &input.quota {
        let at = "createUsagePlanInput.quota.period";
        violations.one_of(&quota.period, at, PERIODS);
    }
    violations.refuse()?;
    let tags = input.tags.unwrap_or_default();
    tags::check(&tags)?;
    let mut plan = UsagePlan {
        id: ids::lower(6),
        name: input.name.unwrap_or_default(),
        description: input.description,
        api_stages: Vec::new(),
        throttle: input.throttle,
        quota: input.quota,
        product_code: None,
        tags,
        made: cloud.now(),
    };
    for sent in input.api_stages {
        let (api_id, stage) = (
            sent.api_id.unwrap_or_default(),
            sent.stage.unwrap_or_default(),
        );
        if api_id.is_empty() || stage.is_empty() {
            // The service's own text, its placeholders unfilled (aws/aws-sdk#354).
            return Err(bad_request(
                "Invalid API Stage {api: %s, stage: %s} specified for usageplan %s",
            ));
        }
        plan.api_stages.push(ApiStage {
            api_id,
            stage,
            throttle: sent.throttle,
        });
    }
    plan.check()?;
    cloud.store.transact(|tx| {
        for linked in &plan.api_stages {
            if !stage_exists(tx, &call.place, &linked.api_id, &linked.stage)? {
                return Err(not_found(format!(
                    "API Stage not found: {}:{}",
                    linked.api_id, linked.stage
                )));
            }
        }
        tx.put(&call.place, &plan)
    })?;
    let shown = shown::record(&plan, shown::Tags::IfAny)?;
    Ok(Answer::json(201, shown.into()))
}

pub(super) fn get(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let plan = cloud.store.transact(|tx| wanted(tx, call))?;
    if !cloud.is_visible(plan.made) {
        return Err(missing());
    }
    Ok(Answer::ok(
        shown::record(&plan, shown::Tags::Always)?.into(),
    ))
}

pub(super) fn list(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let (plans, links) = cloud.store.transact(|tx| {
        let plans: Vec<UsagePlan> = tx.list(&call.place, "")?;
        let links: Vec<PlanKey> = tx.list(&call.place, "")?;
        Ok((plans, links))
    })?;
    let key = call.parameter("keyId").filter(|key| !key.is_empty());
    let has_key = |plan: &UsagePlan| {
        key.is_none_or(|key| {
            links
                .iter()
                .any(|link| link.plan_id == plan.id && link.key_id == key)
        })
    };
    let entries = plans
        .iter()
        .filter(|plan| cloud.is_visible(plan.made) && has_key(plan))
        .map(|plan| Ok((plan.id.clone(), shown::record(plan, shown::Tags::IfAny)?)))
        .collect::<Result<_, Refusal>>()?;
    page::answer(call, entries)
}

pub(super) fn update(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let operations = patch::operations(call)?;
    let plan = cloud.store.transact(|tx| {
        let mut plan = wanted(tx, call)?;
        for operation in &operations {
            usage_plan_patch::apply(tx, &call.place, &mut plan, operation)?;
        }
        plan.check()?;
        for link in tx.list::<PlanKey>(&call.place, &format!("{}/", plan.id))? {
            plan_key::check_alone(tx, &call.place, &link.key_id, &plan)?;
        }
        tx.put(&call.place, &plan)?;
        Ok(plan)
    })?;
    Ok(Answer::ok(
        shown::record(&plan, shown::Tags::Always)?.into(),
    ))
}

pub(super) fn delete(cloud: &Cloud, call: &Call) -> Result<Answer, Refusal> {
    let id = call.label("usageplanId");
    cloud.store.transact(|tx| {
        let plan = wanted(tx, call)?;
        if let Some(linked) = plan.api_stages.first() {
            return Err(bad_request(format!(
                "Cannot delete Usage Plan {id} because there are API Stages associated with it, including {}:{}",
                linked.api_id, linked.stage
            )));
        }
        let children = format!("{id}/");
        for link in tx.list::<PlanKey>(&call.place, &children)? {
            tx.remove::<PlanKey>(&call.place, &link.key())?;
        }
        for used in tx.list::<Used>(&call.place, &children)? {
            tx.remove::<Used>(&call.place, &used.key())?;
        }
        tx.remove::<UsagePlan>(&call.place, id)
    })?;
    Ok(Answer::empty(202))
}

/// Takes stages that have gone out of all plans.
pub(super) fn unlink(
    tx: &Tx,
    place: &Place,
    gone: impl Fn(&ApiStage) -> bool,
) -> Result<(), Refusal> {
    for mut plan in tx.list::<UsagePlan>(place, "")? {
        let before = plan.api_stages.len();
        plan.api_stages.retain(|linked| !gone(linked));
        if plan.api_stages.len() != before {
            tx.put(place, &plan)?;
        }
    }
    Ok(())
}
