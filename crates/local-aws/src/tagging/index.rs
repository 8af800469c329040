//! The index of tagged resources, with what it said before.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::answer::Refusal;
use crate::clock::Moment;
use crate::cloud::Cloud;
use crate::faults::Faults;
use crate::place::Place;
use crate::service::Service;
use crate::store::{Record, Tx};
use crate::{apigateway, dynamodb, lambda, logs, ssm};

pub(super) type Tags = BTreeMap<String, String>;

/// The ARNs and tags of resources.
pub(crate) type Tagged = Vec<(String, Tags)>;

/// The services with taggable resources in a region. IAM's are in none, and AWS does not list them (boto/boto3#2760).
const SERVICES: [Service; 5] = [
    Service::ApiGateway,
    Service::DynamoDb,
    Service::Lambda,
    Service::Logs,
    Service::Ssm,
];

/// Held while the index is being written, so that no older look at a service replaces a newer one.
#[derive(Debug, Default)]
pub(crate) struct Index(tokio::sync::Mutex<()>);

/// A resource that is tagged or was, until the index has heard of its deletion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    arn: String,
    /// The oldest first: the one that is listed now and those that will be.
    states: Vec<State>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct State {
    since: Moment,
    /// The resource did not exist before.
    is_new: bool,
    /// `None` if the resource does not exist.
    tags: Option<Tags>,
}

impl Record for Entry {
    const KIND: &'static str = "tagged-resource";

    fn key(&self) -> String {
        self.arn.clone()
    }
}

/// The time between a change and its appearance in the index.
#[derive(Clone, Copy, Debug)]
struct Lag {
    created: u64,
    tagged: u64,
    deleted: u64,
}

impl From<&Faults> for Lag {
    fn from(faults: &Faults) -> Self {
        Self {
            created: faults.tag_index_ms.max(faults.visibility_ms),
            tagged: faults.tag_index_ms,
            deleted: faults.tag_index_deleted_ms,
        }
    }
}

impl Entry {
    /// Returns the position of the state that is listed now, or `None` while the index has not heard of the resource.
    fn listed(&self, now: Moment, lag: Lag) -> Option<usize> {
        (0..self.states.len()).rev().find(|at| {
            let state = &self.states[*at];
            let lag = match (state.is_new, &state.tags) {
                (_, None) => lag.deleted,
                (true, Some(_)) => lag.created,
                (false, Some(_)) => lag.tagged,
            };
            state.since.saturating_add(lag) <= now
        })
    }

    fn latest(&self) -> Option<&Tags> {
        self.states.last().and_then(|state| state.tags.as_ref())
    }
}

/// Returns true for operations that may change tags, or create or delete a resource that can have tags.
pub(crate) fn is_changed_by(service: Service, operation: &str) -> bool {
    match service {
        Service::ApiGateway => matches!(
            operation,
            "CreateRestApi"
                | "DeleteRestApi"
                | "CreateStage"
                | "DeleteStage"
                | "CreateApiKey"
                | "DeleteApiKey"
                | "CreateUsagePlan"
                | "DeleteUsagePlan"
                | "TagResource"
                | "UntagResource"
        ),
        Service::DynamoDb => matches!(
            operation,
            "CreateTable" | "DeleteTable" | "TagResource" | "UntagResource"
        ),
        Service::Lambda => matches!(
            operation,
            "CreateFunction" | "DeleteFunction" | "TagResource" | "UntagResource"
        ),
        Service::Logs => matches!(
            operation,
            "CreateLogGroup"
                | "DeleteLogGroup"
                | "TagLogGroup"
                | "UntagLogGroup"
                | "TagResource"
                | "UntagResource"
        ),
        Service::Ssm => matches!(
            operation,
            "PutParameter"
                | "DeleteParameter"
                | "DeleteParameters"
                | "AddTagsToResource"
                | "RemoveTagsFromResource"
        ),
        Service::Iam | Service::Sts | Service::Tagging => false,
    }
}

/// Brings the index up to date with a service's resources and their tags.
pub(crate) async fn refresh(
    cloud: &Arc<Cloud>,
    place: &Place,
    service: Service,
) -> Result<(), Refusal> {
    let _alone = cloud.tag_index.0.lock().await;
    let tables = match service {
        Service::DynamoDb => dynamodb::tagged(cloud, place).await?,
        _ => Vec::new(),
    };
    let lag = cloud.with_faults(|faults| Lag::from(&*faults));
    cloud.store.transact(|tx| {
        let found = match service {
            Service::ApiGateway => apigateway::tagged(tx, place)?,
            Service::DynamoDb => tables,
            Service::Lambda => lambda::tagged(tx, place)?,
            Service::Logs => logs::tagged(tx, place)?,
            Service::Ssm => ssm::tagged(tx, place)?,
            Service::Iam | Service::Sts | Service::Tagging => return Ok(()),
        };
        let prefix = format!(
            "arn:{}:{}:{}:",
            place.partition(),
            service.name(),
            place.region
        );
        let known = tx.list::<Entry>(place, &prefix)?;
        for entry in changed(known, found, cloud.now(), lag) {
            if entry.states.is_empty() {
                tx.remove::<Entry>(place, &entry.arn)?;
            } else {
                tx.put(place, &entry)?;
            }
        }
        Ok(())
    })
}

/// Returns the entries to write; an entry without states is to be removed.
fn changed(known: Vec<Entry>, found: Tagged, now: Moment, lag: Lag) -> Vec<Entry> {
    let mut found: BTreeMap<String, Tags> = found.into_iter().collect();
    let mut changed = Vec::new();
    for mut entry in known {
        let tags = found.remove(&entry.arn);
        let before = entry.states.len();
        let is_new = entry.latest() != tags.as_ref();
        if is_new {
            entry.states.push(State {
                since: now,
                is_new: entry.latest().is_none(),
                tags,
            });
        }
        // States older than the listed one are never listed again.
        entry.states.drain(..entry.listed(now, lag).unwrap_or(0));
        if matches!(&entry.states[..], [State { tags: None, since, .. }] if since.saturating_add(lag.deleted) <= now)
        {
            entry.states.clear();
        }
        if is_new || entry.states.len() != before {
            changed.push(entry);
        }
    }
    let tagged = found.into_iter().filter(|(_, tags)| !tags.is_empty());
    changed.extend(tagged.map(|(arn, tags)| Entry {
        arn,
        states: vec![State {
            since: now,
            is_new: true,
            tags: Some(tags),
        }],
    }));
    changed
}

/// Returns the ARN and tags of each resource that is listed now, in the order of the ARNs.
pub(super) async fn listed(cloud: &Arc<Cloud>, place: &Place) -> Result<Tagged, Refusal> {
    // Resources that an older version of this program has kept were never noted.
    for service in SERVICES {
        refresh(cloud, place, service).await?;
    }
    let lag = cloud.with_faults(|faults| Lag::from(&*faults));
    let now = cloud.now();
    let entries = cloud
        .store
        .transact(|tx: &Tx| tx.list::<Entry>(place, ""))?;
    Ok(entries
        .into_iter()
        .filter_map(|mut entry| {
            let at = entry.listed(now, lag)?;
            let tags = entry.states.swap_remove(at).tags?;
            Some((entry.arn, tags))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAG: Lag = Lag {
        created: 10,
        tagged: 5,
        deleted: 100,
    };

    fn tags(value: &str) -> Tags {
        Tags::from([("k".to_owned(), value.to_owned())])
    }

    /// Returns the entry after one more refresh.
    fn looked(entry: Option<Entry>, found: Option<Tags>, now: Moment) -> Option<Entry> {
        let before = entry.clone();
        let found = found.map(|tags| ("arn:x".to_owned(), tags));
        let found = found.into_iter().collect();
        let changed = changed(entry.into_iter().collect(), found, now, LAG).pop();
        changed.or(before)
    }

    fn seen(entry: Option<&Entry>, now: Moment) -> Option<Tags> {
        let entry = entry?;
        let at = entry.listed(now, LAG)?;
        entry.states[at].tags.clone()
    }

    #[test]
    fn changes_are_seen_late() {
        let made = looked(None, Some(tags("1")), 1_000);
        assert_eq!(seen(made.as_ref(), 1_009), None);
        assert_eq!(seen(made.as_ref(), 1_010), Some(tags("1")));

        let tagged = looked(made, Some(tags("2")), 2_000);
        assert_eq!(seen(tagged.as_ref(), 2_004), Some(tags("1")));
        assert_eq!(seen(tagged.as_ref(), 2_005), Some(tags("2")));

        let deleted = looked(tagged, None, 3_000);
        assert_eq!(seen(deleted.as_ref(), 3_099), Some(tags("2")));
        assert_eq!(seen(deleted.as_ref(), 3_100), None);
        let forgotten = looked(deleted, None, 3_100).expect("an entry to be removed");
        assert!(forgotten.states.is_empty());
    }

    #[test]
    fn a_resource_without_tags_is_listed_only_if_it_had_some() {
        assert_eq!(looked(None, Some(Tags::new()), 1_000), None);
        let made = looked(None, Some(tags("1")), 1_000);
        let untagged = looked(made, Some(Tags::new()), 2_000);
        assert_eq!(seen(untagged.as_ref(), 3_000), Some(Tags::new()));
    }

    #[test]
    fn a_resource_that_is_made_again_replaces_the_deleted_one() {
        let made = looked(None, Some(tags("1")), 1_000);
        let deleted = looked(made, None, 2_000);
        let again = looked(deleted, Some(tags("2")), 2_020);
        assert_eq!(seen(again.as_ref(), 2_029), Some(tags("1")));
        assert_eq!(seen(again.as_ref(), 2_030), Some(tags("2")));
    }

    #[test]
    fn a_second_change_does_not_hide_the_first() {
        let made = looked(None, Some(tags("1")), 1_000);
        let second = looked(made, Some(tags("2")), 2_000);
        let third = looked(second, Some(tags("3")), 2_003);
        assert_eq!(seen(third.as_ref(), 2_004), Some(tags("1")));
        assert_eq!(seen(third.as_ref(), 2_006), Some(tags("2")));
        assert_eq!(seen(third.as_ref(), 2_008), Some(tags("3")));
    }
}
