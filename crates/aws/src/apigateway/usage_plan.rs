//! A usage plan: throttle, the stages it covers, and the keys that may use it.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_apigateway::primitives::DateTime;
use aws_sdk_apigateway::types::{
    self, ApiStage, Op, PatchOperation, QuotaPeriodType, QuotaSettings, ThrottleSettings,
};
use provision_engine::aws::Aws;
use provision_engine::declaration::Declaration;
use provision_engine::diff::Changes;
use provision_engine::error::AwsError;
use provision_engine::fault::Code;
use provision_engine::input::{Input, Set};
use provision_engine::look::Look;
use provision_engine::observe::Seen;
use provision_engine::operation::Operation;
use provision_engine::owner::{Mark, STACK, Tags};
use provision_engine::refusals::Refusals;
use provision_engine::resource::{
    Act, ForeignPart, HoldsData, Kind, Marked, Observed, Resource, check_tags, gone_is_done,
};
use provision_engine::wait::Wait;
use provision_engine::warning::Warning;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::api_key::{self, counting};
use super::lists::{self, LIST_APIS, LIST_KEYS, LIST_PLAN_KEYS, LIST_PLANS, candidates, oldest};
use super::patch::{operation, replace, stated};
use super::rest_api::is_of_stack;
use super::tags::{TAG, tag};
use super::{API_GATEWAY, PLAN, PLANS, RestApi, TAGS};
use crate::arn::{ApiId, KeyId};
use crate::calls::Calls;
use crate::connection::GET_CALLER_IDENTITY;
use crate::unusual::Unusual;

const GET: Operation =
    Operation::read(API_GATEWAY, "GetUsagePlan", &[PLAN.allow("apigateway:GET")]);
const GET_KEY: Operation = Operation::read(
    API_GATEWAY,
    "GetUsagePlanKey",
    &[PLAN.allow("apigateway:GET")],
);
const CREATE: Operation = Operation::create(
    API_GATEWAY,
    "CreateUsagePlan",
    &[
        PLANS.allow("apigateway:POST"),
        TAGS.allow("apigateway:POST"),
        TAGS.allow("apigateway:PUT"),
    ],
);
const UPDATE: Operation = Operation::write(
    API_GATEWAY,
    "UpdateUsagePlan",
    &[PLAN.allow("apigateway:PATCH")],
)
.rate(1, Duration::from_secs(20))
.patient(Duration::from_mins(3));
/// The same key can be linked to a plan once only: sending it twice ends in the same state.
const ADD_KEY: Operation = Operation::write(
    API_GATEWAY,
    "CreateUsagePlanKey",
    &[PLAN.allow("apigateway:POST")],
);
const REMOVE_KEY: Operation = Operation::write(
    API_GATEWAY,
    "DeleteUsagePlanKey",
    &[PLAN.allow("apigateway:DELETE")],
);
const DELETE: Operation = Operation::write(
    API_GATEWAY,
    "DeleteUsagePlan",
    &[PLAN.allow("apigateway:DELETE")],
);

/// A usage plan, which lets API keys into stages: `AWS::ApiGateway::UsagePlan`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UsagePlan {
    /// The name. It may repeat in an account: the mark decides which plan is meant.
    pub name: String,
    /// The description, for people; empty for none.
    pub description: String,
    /// The rate of each key (AWS: "Usage plans and API keys for REST APIs in API Gateway").
    pub throttle: Throttle,
    /// The number of requests that each key may make in a period; `None` for no limit.
    pub quota: Option<Quota>,
    /// The stages that the keys are let into.
    pub stages: Set<PlanStage>,
    /// The API keys of the plan. A key may be in one plan only for each stage.
    pub keys: Set<Input<KeyId>>,
    /// Settings that are not declared here, where somebody has changed them: none in a declaration.
    #[serde(default, skip_serializing_if = "Unusual::is_none")]
    pub unusual: Unusual,
    /// The tags that the declaration asks for; the stack adds its mark. Other tags of the resource are ignored.
    pub tags: Tags,
}

/// A token bucket: it fills with `rate` and holds `burst`. API Gateway answers requests beyond it with 429.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Throttle {
    /// Requests per second on average.
    pub rate: f64,
    /// The size of the bucket: requests that may come at the same time.
    pub burst: i32,
}

impl Throttle {
    /// A number of requests per second; by default as many may come at once, rounded up.
    pub fn per_second(rate: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a rate beyond i32 is refused by AWS"
        )]
        let burst = rate.ceil() as i32;
        Self { rate, burst }
    }

    /// Sets the number of requests that may come at once.
    #[must_use]
    pub fn burst(self, burst: i32) -> Self {
        Self { burst, ..self }
    }
}

impl Quota {
    /// A number of requests a day.
    pub fn per_day(limit: i32) -> Self {
        Self::per("DAY", limit)
    }

    /// A number of requests a week.
    pub fn per_week(limit: i32) -> Self {
        Self::per("WEEK", limit)
    }

    /// A number of requests a month.
    pub fn per_month(limit: i32) -> Self {
        Self::per("MONTH", limit)
    }

    fn per(period: &str, limit: i32) -> Self {
        Self {
            limit,
            period: period.to_owned(),
        }
    }
}

/// A limit on requests in a period. API Gateway answers requests beyond it with 429.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quota {
    /// Requests in a period.
    pub limit: i32,
    /// `DAY`, `WEEK` or `MONTH`.
    pub period: String,
}

/// A stage that a usage plan covers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanStage {
    /// The API of the stage.
    pub api: Input<ApiId>,
    /// The stage's name, from [`served_as`](super::StageHandle::served_as), which orders the plan after the stage.
    pub stage: Input<String>,
}

/// The outputs of a [`UsagePlan`].
#[derive(Debug, Serialize, Deserialize)]
pub struct UsagePlanOutput {
    /// The id that API Gateway gave.
    pub id: String,
}

/// A stage that was just made may not be seen for a moment.
const STAGE_VISIBLE: Wait = Wait::new(
    "the new stage to be visible to usage plans",
    Duration::from_secs(2),
    Duration::from_secs(30),
);

fn is_stage_unknown(error: &AwsError) -> bool {
    error.says("Invalid API Stage") || error.says("API Stage not found")
}

impl Resource for UsagePlan {
    type Output = UsagePlanOutput;
    const KIND: Kind = Kind {
        search: &[&LIST_PLANS],
        may_repeat: true,
        stands_alone: true,
        // A plan with stages cannot be deleted; deleting the API takes its stages out of the plan.
        deleted_after: &[RestApi::KIND.type_name],
        ..Kind::new(
            "AWS::ApiGateway::UsagePlan",
            "usage plan",
            HoldsData::No,
            &[
                &LIST_PLANS,
                &GET,
                &LIST_PLAN_KEYS,
                &GET_KEY,
                &LIST_APIS,
                &LIST_KEYS,
                &CREATE,
                &TAG,
                &UPDATE,
                &ADD_KEY,
                &REMOVE_KEY,
                &DELETE,
                &GET_CALLER_IDENTITY,
            ],
        )
    };

    fn name(&self) -> String {
        self.name.clone()
    }

    fn calls(&self, act: Act<'_>) -> Vec<&'static Operation> {
        match act {
            Act::Create => {
                let keys = self.keys.iter().map(|_| &ADD_KEY);
                std::iter::once(&CREATE).chain(keys).collect()
            }
            Act::Update(changes) => changes.calls(&[
                (
                    &[
                        "name",
                        "description",
                        "throttle",
                        "quota",
                        "stages",
                        "unusual",
                    ],
                    &UPDATE,
                ),
                (&["keys"], &ADD_KEY),
                (&["tags"], &TAG),
            ]),
            Act::Delete => vec![&DELETE],
        }
    }

    fn typical_wait(&self, act: Act<'_>) -> Duration {
        match act {
            // A new key reaches the gateway's front.
            Act::Create => Duration::from_secs(5),
            Act::Update(_) | Act::Delete => Duration::ZERO,
        }
    }

    fn validate(&self, refusals: &mut Refusals) {
        if let Some(quota) = &self.quota {
            refusals.ensure(
                quota.limit > 0,
                format!("a quota is 1 request or more, not {}", quota.limit),
            );
        }
        refusals.check(check_tags(&self.tags));
    }

    fn warnings(&self, _declaration: &Declaration) -> Vec<Warning> {
        let Throttle { rate, burst } = self.throttle;
        if rate > 0.0 && burst > 0 {
            return Vec::new();
        }
        vec![Warning::new(
            "throttle-of-none",
            format!("a rate of {rate} with a burst of {burst} lets nobody through"),
        )]
    }

    async fn prefetch(look: &Look) -> Result<()> {
        lists::usage_plans(look).await.map(|_| ())
    }

    async fn marked(seen: &Seen<'_>) -> Result<Vec<Marked<Self>>> {
        let plans = lists::usage_plans(seen.look).await?;
        let of_stack = |plan: &&types::UsagePlan| {
            let tags = plan.tags();
            tags.is_some_and(|tags| tags.get(STACK).map(String::as_str) == Some(seen.stack()))
        };
        let mut found = Vec::new();
        for plan in plans.iter().filter(of_stack) {
            let tags = plan.tags.clone().unwrap_or_default();
            let empty = Self {
                name: String::new(),
                description: String::new(),
                throttle: Throttle {
                    rate: 0.0,
                    burst: 0,
                },
                quota: None,
                stages: Set::from_iter([]),
                keys: Set::from_iter([]),
                unusual: Unusual::default(),
                tags: Tags(tags.into_iter().collect()),
            };
            let Some(id) = plan.id.clone() else { continue };
            // What an undeclared plan covers does not matter: it is taken out when the plan is deleted.
            let state = empty.of(plan, Set::from_iter([]), Set::from_iter([]));
            let output = UsagePlanOutput { id: id.clone() };
            found.push(Marked::new(id, Observed::ours(state, output)));
        }
        Ok(found)
    }

    /// Keys of others that the plan lets in.
    async fn foreign_parts(
        &self,
        observed: &Observed<Self>,
        seen: &Seen<'_>,
    ) -> Result<Vec<ForeignPart>> {
        let linked = lists::plan_keys(seen.look, &observed.output.id).await?;
        let keys = lists::api_keys(seen.look).await?;
        let is_ours = |id: &String| {
            let key = keys.iter().find(|key| key.id.as_ref() == Some(id));
            let declared = observed.state.keys.iter().filter_map(|key| key.get().ok());
            key.is_some_and(|key| api_key::is_of_stack(key, seen.stack()))
                || declared.into_iter().any(|key| key.0 == *id)
        };
        let others = linked.iter().filter(|id| !is_ours(id));
        let keys = others.map(|id| ForeignPart::going(format!("API key `{id}`")).widening(true));
        let plans = lists::usage_plans(seen.look).await?;
        let apis = lists::rest_apis(seen.look).await?;
        let is_foreign = |stage: &&ApiStage| {
            let mut apis = apis.iter();
            apis.any(|api| api.id() == stage.api_id() && !is_of_stack(api, seen.stack()))
        };
        let plan = plans
            .iter()
            .find(|plan| plan.id() == Some(&observed.output.id));
        let stages = plan.map(types::UsagePlan::api_stages).unwrap_or_default();
        let stages = stages.iter().filter(is_foreign).map(|stage| {
            let (api, name) = (stage.api_id(), stage.stage());
            let (api, name) = (api.unwrap_or_default(), name.unwrap_or_default());
            ForeignPart::blocking(
                format!("stage `{name}` of REST API `{api}`"),
                format!("take stage `{name}` of REST API `{api}` out of the plan"),
            )
        });
        Ok(keys.chain(stages).collect())
    }

    fn mark(&mut self, mark: &Mark<'_>) {
        self.tags.mark(mark);
    }

    fn is_last_declared(&self, observed: &Observed<Self>) -> bool {
        self.tags.is_same_declaration(&observed.state.tags)
    }

    async fn observe(&self, look: &Look) -> Result<Option<Observed<Self>>> {
        let all = lists::usage_plans(look).await?;
        let mut found = candidates(&all, &self.name, &self.tags, look);
        let one = match found.len() {
            0 | 1 => found.pop(),
            _ => self.in_use(look, found).await?,
        };
        let Some(plan) = one else { return Ok(None) };
        let id = plan
            .id
            .clone()
            .context(Code::Incomplete.fault("AWS returned a usage plan without its id"))?;
        let stages = self.stages_of(look, plan.api_stages()).await?;
        let keys = self.keys_of(look, &id).await?;
        let state = self.of(plan, stages, keys);
        Ok(Some(Observed::ours(state, UsagePlanOutput { id })))
    }

    async fn create(&self, aws: &Aws) -> Result<UsagePlanOutput> {
        let stages = self
            .stages
            .iter()
            .map(|stage| {
                let (api, stage) = (stage.api.get()?, stage.stage.get()?);
                Ok(ApiStage::builder().api_id(&api.0).stage(stage).build())
            })
            .collect::<Result<Vec<_>>>()?;
        let throttle = ThrottleSettings::builder()
            .rate_limit(self.throttle.rate)
            .burst_limit(self.throttle.burst)
            .build();
        let quota = self.quota.as_ref().map(|quota| {
            QuotaSettings::builder()
                .limit(quota.limit)
                .period(QuotaPeriodType::from(quota.period.as_str()))
                .build()
        });
        let created = STAGE_VISIBLE
            .while_refused(aws, is_stage_unknown, async || {
                aws.call(&CREATE, || {
                    aws.apigateway()
                        .create_usage_plan()
                        .name(&self.name)
                        .set_description(stated(&self.description))
                        .throttle(throttle.clone())
                        .set_quota(quota.clone())
                        .set_api_stages(Some(stages.clone()))
                        .set_tags(Some(self.tags.to_map()))
                        .send()
                })
                .await
            })
            .await?;
        let id = created
            .id
            .context(Code::Incomplete.fault("AWS returned a usage plan without its id"))?;
        for key in self.keys.iter() {
            let added = add_key(aws, &id, key.get()?).await;
            if let Err(error) = added {
                // Another run's plan has the key: this one would only stand beside it.
                if Code::of(&error) == Code::KeyElsewhere {
                    self.delete_by_id(aws, &id).await?;
                }
                return Err(error);
            }
        }
        Ok(UsagePlanOutput { id })
    }

    async fn update(
        &self,
        aws: &Aws,
        observed: Observed<Self>,
        changes: &Changes,
    ) -> Result<UsagePlanOutput> {
        let id = &observed.output.id;
        let patch = self.patch(&observed.state, changes)?;
        if !patch.is_empty() {
            update(aws, id, patch).await?;
        }
        for key in self.keys.iter() {
            if !observed.state.keys.contains(key) {
                add_key(aws, id, key.get()?).await?;
            }
        }
        for key in observed.state.keys.iter() {
            if !self.keys.contains(key) {
                remove_key(aws, id, key.get()?).await?;
            }
        }
        if changes.touch("tags") {
            tag(aws, &format!("/usageplans/{id}"), &self.tags).await?;
        }
        Ok(observed.output)
    }

    async fn delete(&self, aws: &Aws, observed: Observed<Self>) -> Result<()> {
        self.delete_by_id(aws, &observed.output.id).await
    }
}

impl UsagePlan {
    /// The plan in the shape of this declaration.
    fn of(&self, plan: &types::UsagePlan, stages: Set<PlanStage>, keys: Set<Input<KeyId>>) -> Self {
        let tags = plan.tags.clone().unwrap_or_default().into_iter().collect();
        let throttle = plan.throttle.as_ref();
        Self {
            name: plan.name.clone().unwrap_or_default(),
            description: plan.description.clone().unwrap_or_default(),
            throttle: Throttle {
                rate: throttle.map_or(0.0, |throttle| throttle.rate_limit),
                burst: throttle.map_or(0, |throttle| throttle.burst_limit),
            },
            quota: plan.quota.as_ref().and_then(|quota| {
                let period = quota.period()?.to_string();
                Some(Quota {
                    limit: quota.limit,
                    period,
                })
            }),
            unusual: unusual(plan, &stages),
            stages,
            keys,
            tags: self.tags.declared_part(&tags),
        }
    }

    async fn delete_by_id(&self, aws: &Aws, id: &str) -> Result<()> {
        /// A plan may have an API that is gone for a while.
        const UNLINKED: Wait = Wait::new(
            "the usage plan to lose its stages",
            Duration::from_secs(5),
            Duration::from_mins(2),
        );
        let request = || {
            aws.apigateway()
                .delete_usage_plan()
                .usage_plan_id(id)
                .send()
        };
        let is_linked = |error: &AwsError| error.says("associated");
        match aws.call(&DELETE, request).await {
            Err(error) if is_linked(&error) => {
                self.unlink(aws, id).await?;
                UNLINKED
                    .while_refused(aws, is_linked, async || {
                        match aws.call(&DELETE, request).await {
                            Err(error) if error.is_not_found() => Ok(()),
                            other => other.map(|_| ()),
                        }
                    })
                    .await
            }
            other => gone_is_done(other),
        }
    }

    /// Of several that two runs at once have made, the one that has our key: a key is in one plan only for each
    /// stage, and taking it out would shut its users out. Else the one that covers the oldest API, since plans have
    /// no date.
    async fn in_use<'a>(
        &self,
        look: &Look,
        found: Vec<&'a types::UsagePlan>,
    ) -> Result<Option<&'a types::UsagePlan>> {
        let apis = lists::rest_apis(look).await?;
        let ours = apis
            .iter()
            .filter(|api| is_of_stack(api, self.tags.stack()))
            .collect();
        let api = oldest(ours, |api| {
            (api.created_date().map(DateTime::as_nanos), api.id.clone())
        });
        let covers_oldest = |plan: &types::UsagePlan| {
            let api = api.and_then(|api| api.id());
            plan.api_stages().iter().any(|stage| stage.api_id() == api)
        };
        let ours = self.keys_that_count(look).await?;
        let mut ranked = Vec::new();
        for plan in found {
            let linked = self.keys_of(look, plan.id().unwrap_or_default()).await?;
            let has_ours = ours.iter().any(|key| linked.contains(key));
            let rank = match (has_ours, covers_oldest(plan)) {
                (true, true) => 0,
                (true, false) => 1,
                (false, true) => 2,
                (false, false) => 3,
            };
            ranked.push((rank, plan));
        }
        let one = oldest(ranked, |(rank, plan)| (Some(*rank), plan.id.clone()));
        Ok(one.map(|(_, plan)| plan))
    }

    /// The declared keys: of several with one declaration, the one that counts.
    async fn keys_that_count(&self, look: &Look) -> Result<Vec<Input<KeyId>>> {
        let all = lists::api_keys(look).await?;
        let counts = |id: &str| {
            let tags = Tags::of(self.tags.stack(), id);
            let found = all
                .iter()
                .filter(|key| tags.marks(key.tags.as_ref()))
                .collect();
            counting(found)
        };
        Ok(self
            .keys
            .iter()
            .filter_map(|key| match key.source() {
                Some(id) => Some(KeyId(counts(id)?.id.clone()?).into()),
                None => Some(key.clone()),
            })
            .collect())
    }

    /// The plan's stages that are declared, or belong to other APIs of this stack. The rest is somebody else's.
    async fn stages_of(&self, look: &Look, actual: &[ApiStage]) -> Result<Set<PlanStage>> {
        let apis = lists::rest_apis(look).await?;
        let ours: BTreeSet<&str> = apis
            .iter()
            .filter(|api| is_of_stack(api, self.tags.stack()))
            .filter_map(|api| api.id())
            .collect();
        Ok(actual
            .iter()
            .filter(|stage| stage.api_id().is_some_and(|id| ours.contains(id)))
            .map(|stage| PlanStage {
                api: ApiId(stage.api_id.clone().unwrap_or_default()).into(),
                stage: stage.stage.clone().unwrap_or_default().into(),
            })
            .collect())
    }

    /// The plan's keys that carry this stack's tag. The rest is somebody else's.
    async fn keys_of(&self, look: &Look, plan: &str) -> Result<Set<Input<KeyId>>> {
        let linked = lists::plan_keys(look, plan).await?;
        let of_stack = |key: &types::ApiKey| {
            let stack = key.tags.as_ref().and_then(|tags| tags.get(STACK));
            stack.is_some_and(|stack| stack == self.tags.stack())
        };
        Ok(lists::api_keys(look)
            .await?
            .iter()
            .filter(|key| of_stack(key) && key.id.as_ref().is_some_and(|id| linked.contains(id)))
            .filter_map(|key| key.id.clone())
            .map(|id| KeyId(id).into())
            .collect())
    }

    fn patch(&self, observed: &Self, changes: &Changes) -> Result<Vec<PatchOperation>> {
        let rate = self.throttle.rate.to_string();
        let burst = self.throttle.burst.to_string();
        let mut patch: Vec<PatchOperation> = [
            ("name", "/name", &self.name),
            ("description", "/description", &self.description),
            ("throttle.rate", "/throttle/rateLimit", &rate),
            ("throttle.burst", "/throttle/burstLimit", &burst),
        ]
        .into_iter()
        .filter(|(field, _, _)| changes.touch(field))
        .map(|(_, path, value)| replace(path, value))
        .collect();
        match &self.quota {
            Some(quota) if changes.touch("quota") => {
                patch.push(replace("/quota/limit", &quota.limit.to_string()));
                patch.push(replace("/quota/period", &quota.period));
            }
            None if changes.touch("quota") => {
                patch.push(
                    PatchOperation::builder()
                        .op(Op::Remove)
                        .path("/quota")
                        .build(),
                );
            }
            _ => {}
        }
        if changes.touch("unusual") {
            let found = observed.unusual.iter();
            patch.extend(found.map(|(name, _)| match name {
                "quota/offset" => replace("/quota/offset", "0"),
                other => operation(Op::Remove, &format!("/{other}"), ""),
            }));
        }
        for stage in self
            .stages
            .iter()
            .filter(|stage| !observed.stages.contains(stage))
        {
            patch.push(operation(Op::Add, "/apiStages", &stage.patch_value()?));
        }
        for stage in observed
            .stages
            .iter()
            .filter(|stage| !self.stages.contains(stage))
        {
            patch.push(operation(Op::Remove, "/apiStages", &stage.patch_value()?));
        }
        Ok(patch)
    }

    /// Takes this stack's stages out of the plan, and those of APIs that are gone, so that it can be deleted.
    async fn unlink(&self, aws: &Aws, id: &str) -> Result<()> {
        let plan = aws
            .call(&GET, || {
                aws.apigateway().get_usage_plan().usage_plan_id(id).send()
            })
            .await?;
        let look = Look::new(aws.clone());
        let ours = self.stages_of(&look, plan.api_stages()).await?;
        let apis = lists::rest_apis(&look).await?;
        let (there, gone): (Vec<&ApiStage>, Vec<&ApiStage>) = plan
            .api_stages()
            .iter()
            .partition(|stage| apis.iter().any(|api| api.id() == stage.api_id()));
        if ours.len() < there.len() {
            bail!(
                Code::ForeignStages
                    .fault(format!(
                        "usage plan `{}` also covers stages of other APIs",
                        self.name
                    ))
                    .remedy("take them out of the plan, and run it again")
            );
        }
        let declared = ours.iter().map(PlanStage::patch_value);
        let dangling = gone.into_iter().map(|stage| {
            let (api, name) = (stage.api_id(), stage.stage());
            Ok(format!(
                "{}:{}",
                api.unwrap_or_default(),
                name.unwrap_or_default()
            ))
        });
        let patch = declared
            .chain(dangling)
            .map(|stage| Ok(operation(Op::Remove, "/apiStages", &stage?)))
            .collect::<Result<Vec<_>>>()?;
        if patch.is_empty() {
            return Ok(());
        }
        match update_once(aws, id, &patch).await {
            // AWS has taken them out meanwhile.
            Err(error) if error.is_not_found() || is_stage_unknown(&error) => Ok(()),
            other => Ok(other?),
        }
    }
}

fn unusual(plan: &types::UsagePlan, stages: &Set<PlanStage>) -> Unusual {
    let offset = plan.quota().map_or(0, QuotaSettings::offset);
    let mut found = Unusual::default()
        .or_none("productCode", plan.product_code())
        .or_usual("quota/offset", offset, 0);
    for stage in stages.iter() {
        let Ok(value) = stage.patch_value() else {
            continue;
        };
        let mut linked = plan.api_stages().iter();
        let linked = linked.find(|linked| {
            value
                == format!(
                    "{}:{}",
                    linked.api_id().unwrap_or_default(),
                    linked.stage().unwrap_or_default()
                )
        });
        let limits = linked.and_then(ApiStage::throttle).into_iter().flatten();
        let limits: Map<String, Value> = limits
            .map(|(method, limit)| {
                let (rate, burst) = (limit.rate_limit(), limit.burst_limit());
                (method.clone(), json!({ "rate": rate, "burst": burst }))
            })
            .collect();
        found = found.or_none(&format!("apiStages/{value}/throttle"), limits);
    }
    found
}

impl PlanStage {
    /// `{api}:{stage}`, as patch operations want it.
    fn patch_value(&self) -> Result<String> {
        Ok(format!("{}:{}", self.api.get()?, self.stage.get()?))
    }
}

async fn update(aws: &Aws, plan: &str, patch: Vec<PatchOperation>) -> Result<()> {
    STAGE_VISIBLE
        .while_refused(aws, is_stage_unknown, async || {
            update_once(aws, plan, &patch).await
        })
        .await
}

async fn update_once(aws: &Aws, plan: &str, patch: &[PatchOperation]) -> Result<(), AwsError> {
    aws.call(&UPDATE, || {
        aws.apigateway()
            .update_usage_plan()
            .usage_plan_id(plan)
            .set_patch_operations(Some(patch.to_vec()))
            .send()
    })
    .await?;
    Ok(())
}

pub(crate) async fn add_key(aws: &Aws, plan: &str, key: &KeyId) -> Result<()> {
    // The same key can be linked to a plan once only: sending it twice ends in the same state.
    let added = aws
        .call(&ADD_KEY, || {
            aws.apigateway()
                .create_usage_plan_key()
                .usage_plan_id(plan)
                .key_id(&key.0)
                .key_type("API_KEY")
                .send()
        })
        .await;
    match added {
        Err(error) if error.is("ConflictException") => {
            if is_linked(aws, plan, key).await? {
                return Ok(());
            }
            // A key may be in one plan only for each stage.
            Err(error).context(Code::KeyElsewhere.fault(
                "another usage plan has this key for the same stage: someone else is deploying, and running it again \
                 settles that, or has made that plan by hand",
            ))
        }
        other => {
            other?;
            Ok(())
        }
    }
}

pub(crate) async fn is_linked(aws: &Aws, plan: &str, key: &KeyId) -> Result<bool> {
    let request = || {
        aws.apigateway()
            .get_usage_plan_key()
            .usage_plan_id(plan)
            .key_id(&key.0)
            .send()
    };
    match aws.call(&GET_KEY, request).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error.into()),
    }
}

pub(crate) async fn remove_key(aws: &Aws, plan: &str, key: &KeyId) -> Result<()> {
    let request = || {
        aws.apigateway()
            .delete_usage_plan_key()
            .usage_plan_id(plan)
            .key_id(&key.0)
            .send()
    };
    gone_is_done(aws.call(&REMOVE_KEY, request).await)
}
