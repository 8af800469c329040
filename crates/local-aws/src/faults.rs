//! What goes wrong on purpose: AWS's lag, rates and refusals, and lost answers, for tests and rehearsals.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Everything off by default: a target that is quick and always answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Added to every call of an API.
    pub latency_ms: u64,
    /// A new role cannot be assumed by Lambda for so long.
    pub role_propagation_ms: u64,
    /// A new or changed inline policy has no effect for so long.
    pub policy_propagation_ms: u64,
    /// What was made is not found by reads for so long.
    pub visibility_ms: u64,
    /// A new table is `CREATING` for so long.
    pub table_creating_ms: u64,
    /// The backups of a new table are not available yet for so long after the table is active.
    pub backups_enabling_ms: u64,
    /// A changed time to live is `ENABLING` or `DISABLING` for so long.
    pub ttl_changing_ms: u64,
    /// A time to live can be changed again only after so long; on AWS, within an hour.
    pub ttl_interval_ms: u64,
    /// A deleted table is `DELETING`, and its name taken, for so long.
    pub table_deleting_ms: u64,
    /// A new function is `Pending` for so long.
    pub function_pending_ms: u64,
    /// A changed function is `InProgress` for so long.
    pub function_updating_ms: u64,
    /// A deleted function is `Deleting` for so long.
    pub function_deleting_ms: u64,
    /// A key linked to a plan is answered with 403 for so long.
    pub key_propagation_ms: u64,
    /// A new stage answers 403, and a moved one serves what it served before, for so long.
    pub deployment_propagation_ms: u64,
    /// A new statement of a function's policy has no effect (500 through the API) for so long.
    pub permission_propagation_ms: u64,
    /// So long after its function has gone, a deleted log group comes back by a late flush, if the role may make it.
    pub ghost_log_group_ms: u64,
    /// A new resource, and a change of tags, is listed by the tagging API only after so long.
    pub tag_index_ms: u64,
    /// A deleted resource stays listed by the tagging API for so long.
    pub tag_index_deleted_ms: u64,
    /// The documented rates of the control planes are enforced, with 429 beyond them.
    pub rates: bool,
    /// Single events, each for the calls that it names.
    pub events: Vec<FaultEvent>,
}

/// Something that happens to some calls of one operation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultEvent {
    /// Such as `CreateRestApi`, or `tagging:GetResources` where services share a name; `*` is every operation.
    pub operation: String,
    /// So many calls pass first.
    #[serde(default)]
    pub after: u32,
    /// So many calls are hit.
    #[serde(default = "one")]
    pub times: u32,
    /// What happens to them.
    pub kind: FaultKind,
}

fn one() -> u32 {
    1
}

/// What happens to a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// The connection closes before the call is seen.
    DropBefore,
    /// The call is carried out, and its answer lost.
    DropAfter,
    /// The call is carried out after so many milliseconds.
    Delay(u64),
    /// The call is answered with this status (500, 503) and not carried out.
    Status(u16),
    /// 429; with seconds to wait if there are any.
    Throttle(Option<u32>),
    /// 409, as if somebody else were changing the same thing.
    Conflict,
    /// The credentials have expired.
    Expired,
    /// The caller may not do this.
    Denied,
}

impl Faults {
    /// The first event that hits a call of the service's operation, which is counted.
    pub(crate) fn hit(&mut self, service: &str, operation: &str) -> Option<FaultKind> {
        let mut hit = None;
        for event in &mut self.events {
            let name = match event.operation.split_once(':') {
                Some((of, name)) if of == service => name,
                Some(_) => continue,
                None => &event.operation,
            };
            if name != "*" && name != operation {
                continue;
            }
            if event.after > 0 {
                event.after -= 1;
            } else if event.times > 0 && hit.is_none() {
                event.times -= 1;
                hit = Some(event.kind.clone());
            }
        }
        self.events.retain(|event| event.times > 0);
        hit
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.latency_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_hits_the_calls_it_names() {
        let mut faults = Faults {
            events: vec![FaultEvent {
                operation: "GetRole".into(),
                after: 1,
                times: 2,
                kind: FaultKind::Conflict,
            }],
            ..Faults::default()
        };
        let hits: Vec<bool> = ["GetRole", "CreateRole", "GetRole", "GetRole", "GetRole"]
            .iter()
            .map(|operation| faults.hit("iam", operation).is_some())
            .collect();
        assert_eq!(hits, [false, false, true, true, false]);
    }

    #[test]
    fn an_event_may_name_the_service() {
        let mut faults = Faults {
            events: vec![FaultEvent {
                operation: "tagging:GetResources".into(),
                after: 0,
                times: 1,
                kind: FaultKind::Conflict,
            }],
            ..Faults::default()
        };
        assert_eq!(faults.hit("apigateway", "GetResources"), None);
        assert_eq!(
            faults.hit("tagging", "GetResources"),
            Some(FaultKind::Conflict)
        );
    }

    #[test]
    fn faults_are_written_as_json() {
        let text = r#"{"rates": true, "events": [{"operation": "*", "kind": "drop-after"}, {"operation": "*", "kind": {"delay": 5}}]}"#;
        let faults: Faults = serde_json::from_str(text).expect("it is of the form");
        assert_eq!(faults.events[0].times, 1);
        assert_eq!(faults.events[1].kind, FaultKind::Delay(5));
        assert!(serde_json::from_str::<Faults>(r#"{"ratez": true}"#).is_err());
    }
}
