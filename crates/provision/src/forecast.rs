//! What a plan will cost in calls and time, said before it is carried out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::aws::pace;
use crate::plan::{Action, Plan, Step};
use crate::resource::{Replacement, Resource};

/// The calls that change something, and how long all of it takes on AWS.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// At least this many: where AWS already has what is only known later, a call is saved.
    pub writes: usize,
    /// The longest chain of steps that wait for one another, and AWS's rates.
    #[serde(serialize_with = "seconds")]
    pub time: Duration,
    /// Of that, what is only waited for.
    #[serde(serialize_with = "seconds")]
    pub waits: Duration,
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 10.0).round() / 10.0)
}

/// One call of the control plane, of which most take 0.1 to 0.4 s.
const CALL: Duration = Duration::from_millis(250);

/// What AWS typically takes until a thing can be used, beyond the calls: seen, not promised.
fn wait(step: &Step) -> Duration {
    let seconds = match (&step.resource, step.action) {
        // IAM tells Lambda of a new role.
        (Resource::Role(_), Action::Create | Action::Replace) => 8,
        (Resource::Table(_), Action::Create | Action::Delete) => 7,
        (Resource::Function(_), Action::Create) => 3,
        (Resource::Function(_), Action::Update | Action::Delete) => 2,
        (Resource::Function(_) | Resource::Table(_), Action::Replace) => 12,
        // A new key reaches the gateway's front.
        (Resource::UsagePlan(_), Action::Create) => 5,
        _ => 0,
    };
    Duration::from_secs(seconds)
}

pub fn forecast(plan: &Plan) -> Forecast {
    let calls: BTreeMap<&str, Vec<&'static str>> = plan
        .steps
        .iter()
        .map(|step| (step.id.as_str(), calls(step)))
        .collect();
    let mut ends: BTreeMap<&str, (Duration, Duration)> = BTreeMap::new();
    // Steps may be listed before those they wait for: as often as there are steps is enough.
    for _ in &plan.steps {
        for step in &plan.steps {
            let (start, waited) = step
                .after
                .iter()
                .filter_map(|id| ends.get(id.as_str()).copied())
                .max()
                .unwrap_or_default();
            let own = CALL * u32::try_from(calls[step.id.as_str()].len()).unwrap_or(u32::MAX);
            let wait = wait(step);
            ends.insert(&step.id, (start + own + wait, waited + wait));
        }
    }
    let (time, waits) = ends.values().copied().max().unwrap_or_default();
    let all: Vec<&'static str> = calls.into_values().flatten().collect();
    let paced = pace::least_time(&all);
    Forecast {
        writes: all.len(),
        time: time.max(paced),
        waits: waits.max(paced.saturating_sub(time)),
    }
}

/// The operations that a step comes to; of an update only those whose need is certain.
pub fn calls(step: &Step) -> Vec<&'static str> {
    match step.action {
        Action::Keep => Vec::new(),
        Action::Create => creation(&step.resource),
        Action::Delete if step.along_with.is_some() => Vec::new(),
        Action::Delete => deletion(&step.resource),
        Action::Replace if step.resource.replacement() == Replacement::CreateFirst => {
            creation(&step.resource)
        }
        Action::Replace => [deletion(&step.resource), creation(&step.resource)].concat(),
        Action::Update => updates(step),
    }
}

fn creation(resource: &Resource) -> Vec<&'static str> {
    match resource {
        Resource::Role(role) => with_each("CreateRole", "PutRolePolicy", role.policies.len()),
        Resource::Table(_) => vec!["CreateTable"],
        Resource::LogGroup(_) => vec!["CreateLogGroup", "PutRetentionPolicy"],
        Resource::Function(_) => vec!["CreateFunction"],
        Resource::Permission(permission) => vec!["AddPermission"; permission.statements.len()],
        Resource::RestApi(_) => vec!["CreateRestApi"],
        Resource::Path(_) => vec!["CreateResource"],
        Resource::Method(_) => vec!["PutMethod", "PutIntegration"],
        Resource::Deployment(_) => vec!["CreateDeployment"],
        Resource::Stage(_) => vec!["CreateStage"],
        Resource::ApiKey(_) => vec!["CreateApiKey"],
        Resource::UsagePlan(plan) => {
            with_each("CreateUsagePlan", "CreateUsagePlanKey", plan.keys.len())
        }
    }
}

fn deletion(resource: &Resource) -> Vec<&'static str> {
    match resource {
        Resource::Role(role) => {
            let mut calls = vec!["DeleteRolePolicy"; role.policies.len()];
            calls.push("DeleteRole");
            calls
        }
        Resource::Table(_) => vec!["DeleteTable"],
        Resource::LogGroup(_) => vec!["DeleteLogGroup"],
        Resource::Function(_) => vec!["DeleteFunction"],
        Resource::Permission(permission) => vec!["RemovePermission"; permission.statements.len()],
        Resource::RestApi(_) => vec!["DeleteRestApi"],
        Resource::Path(_) => vec!["DeleteResource"],
        Resource::Method(_) => vec!["DeleteMethod"],
        Resource::Deployment(_) => vec!["DeleteDeployment"],
        Resource::Stage(_) => vec!["DeleteStage"],
        Resource::ApiKey(_) => vec!["DeleteApiKey"],
        Resource::UsagePlan(_) => vec!["DeleteUsagePlan"],
    }
}

fn with_each(first: &'static str, each: &'static str, count: usize) -> Vec<&'static str> {
    let mut calls = vec![first];
    calls.extend(vec![each; count]);
    calls
}

fn updates(step: &Step) -> Vec<&'static str> {
    let touches = |field: &str| step.changes.touch(field);
    let any = |fields: &[&str]| fields.iter().any(|field| touches(field));
    let mut calls = Vec::new();
    let mut add = |is_needed: bool, call: &'static str| {
        if is_needed {
            calls.push(call);
        }
    };
    match &step.resource {
        Resource::Role(role) => {
            add(touches("trust"), "UpdateAssumeRolePolicy");
            add(any(&["description", "max_session_s"]), "UpdateRole");
            for name in role.policies.keys() {
                add(touches(&format!("policies.{name}")), "PutRolePolicy");
            }
            add(touches("tags"), "TagRole");
        }
        Resource::Table(_) => {
            for field in ["billing", "deletion_protection", "indexes"] {
                add(touches(field), "UpdateTable");
            }
            add(touches("tags"), "TagResource");
        }
        Resource::LogGroup(_) => {
            add(touches("retention_days"), "PutRetentionPolicy");
            add(touches("tags"), "TagResource");
        }
        Resource::Function(_) => {
            let configuration = step.changes.0.iter().any(|change| {
                let top = change.field.split('.').next().unwrap_or_default();
                !["code", "deployed_code", "architecture", "tags"].contains(&top)
            });
            add(any(&["tags", "deployed_code"]), "TagResource");
            add(configuration, "UpdateFunctionConfiguration");
            add(any(&["code", "architecture"]), "UpdateFunctionCode");
        }
        Resource::Permission(permission) => {
            for _ in &permission.statements {
                add(true, "AddPermission");
            }
        }
        Resource::RestApi(_) => {
            add(
                any(&["name", "description", "endpoint", "disable_execute_api"]),
                "UpdateRestApi",
            );
            add(touches("tags"), "TagResource");
        }
        Resource::Method(_) => {
            add(
                any(&["key_required", "authorization", "operation"]),
                "UpdateMethod",
            );
            add(touches("integration"), "PutIntegration");
        }
        Resource::Stage(_) => {
            let patched = ["deployment", "description", "variables", "tracing"];
            add(any(&patched), "UpdateStage");
            add(touches("tags"), "TagResource");
        }
        Resource::ApiKey(_) => {
            add(any(&["name", "description", "enabled"]), "UpdateApiKey");
            add(touches("tags"), "TagResource");
        }
        Resource::UsagePlan(_) => {
            let patched = ["name", "description", "throttle", "quota", "stages"];
            add(any(&patched), "UpdateUsagePlan");
            add(touches("keys"), "CreateUsagePlanKey");
            add(touches("tags"), "TagResource");
        }
        Resource::Path(_) | Resource::Deployment(_) => {}
    }
    calls
}

#[cfg(test)]
mod tests {
    use crate::observe::Observations;
    use crate::planner::{self, Account};
    use crate::stack::{Settings, lab};
    use crate::target::Target;

    use super::*;

    /// The first `up` makes 16 changing calls. Its longest chain is the role with its policy (2 calls, 8 s until Lambda
    /// knows it), the function (1 call, 3 s) and the permission (1 call): 11 s of waiting and 4 calls of 0.25 s; the API's
    /// eight calls with the usage plan's two and its 5 s are shorter.
    #[test]
    fn a_first_up_is_foretold_as_counted_by_hand() {
        let stack = lab(&Settings::default()).unwrap();
        let target = Target {
            account: "111122223333".to_owned(),
            region: "eu-west-1".to_owned(),
            endpoint: None,
            partition: "aws".to_owned(),
        };
        let account = Account {
            target: &target,
            observations: &Observations::default(),
            orphans: &[],
        };
        let (plan, _) = planner::up(&stack, account, stack.known_names()).unwrap();
        assert_eq!(
            forecast(&plan),
            Forecast {
                writes: 16,
                time: Duration::from_secs(12),
                waits: Duration::from_secs(11),
            }
        );
    }
}
