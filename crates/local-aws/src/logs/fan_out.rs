//! The way of new events to the functions that are subscribed to their group.

use std::io::{self, Write};
use std::sync::{Arc, Weak};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::events::Position;
use super::filter::Filter;
use super::subscription::{self, Subscription};
use crate::answer::Refusal;
use crate::cloud::Cloud;
use crate::place::Place;
use crate::store::Tx;
use crate::{ids, lambda};

/// Of the events in one invocation, before compression. A function takes 1 MB of an event in the background.
const BATCH_BYTES: usize = 1_048_576;
/// AWS: an invocation in the background that fails is made again after one and two minutes.
const RETRIES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];

/// New events of one stream, for the functions that want some of them.
#[derive(Debug, Default)]
pub(super) struct FanOut {
    place: Option<Place>,
    group: String,
    stream: String,
    wanted: Vec<(Subscription, Vec<Value>)>,
}

/// What the group's subscriptions want of the events that were appended to a stream.
pub(super) fn collect<'a>(
    tx: &Tx,
    place: &Place,
    (group, stream): (&str, &str),
    events: &(impl Iterator<Item = (Position, &'a str)> + Clone),
) -> Result<FanOut, Refusal> {
    let mut wanted = Vec::new();
    for subscription in subscription::of(tx, place, group)? {
        let filter = Filter::read(&subscription.pattern)?;
        let matching: Vec<Value> = events
            .clone()
            .filter(|(_, message)| filter.accepts(message))
            .map(|(at, message)| {
                json!({ "id": at.event_id(), "timestamp": at.moment, "message": message })
            })
            .collect();
        if !matching.is_empty() {
            wanted.push((subscription, matching));
        }
    }
    Ok(FanOut {
        place: Some(place.clone()),
        group: group.to_owned(),
        stream: stream.to_owned(),
        wanted,
    })
}

impl FanOut {
    /// Invokes the functions in the background. Needs a runtime.
    pub(super) fn start(self, cloud: &Arc<Cloud>) {
        let Some(place) = self.place else { return };
        for (subscription, events) in self.wanted {
            for events in batches(events) {
                let message = json!({
                    "messageType": "DATA_MESSAGE",
                    "owner": place.account,
                    "logGroup": self.group,
                    "logStream": self.stream,
                    "subscriptionFilters": [subscription.name],
                    "logEvents": events,
                });
                let Ok(payload) = payload(&message) else {
                    continue;
                };
                tokio::spawn(deliver(
                    Arc::downgrade(cloud),
                    place.clone(),
                    self.group.clone(),
                    subscription.destination.clone(),
                    payload,
                ));
            }
        }
    }
}

/// Events by what fits into one invocation.
fn batches(events: Vec<Value>) -> Vec<Vec<Value>> {
    let mut batches: Vec<Vec<Value>> = Vec::new();
    let mut size = 0;
    for event in events {
        let bytes = event.to_string().len();
        if batches.is_empty() || size + bytes > BATCH_BYTES {
            batches.push(Vec::new());
            size = 0;
        }
        size += bytes;
        if let Some(batch) = batches.last_mut() {
            batch.push(event);
        }
    }
    batches
}

/// `{"awslogs": {"data": …}}`: the message compressed and in base64.
fn payload(message: &Value) -> io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(message.to_string().as_bytes())?;
    let data = STANDARD.encode(encoder.finish()?);
    Ok(json!({ "awslogs": { "data": data } }).to_string().into())
}

/// Invokes a function until it succeeds, or has failed often enough.
async fn deliver(
    cloud: Weak<Cloud>,
    place: Place,
    group: String,
    function: String,
    payload: Bytes,
) {
    let mut retries = RETRIES.iter();
    loop {
        let Some(cloud) = cloud.upgrade() else { return };
        // The permission may be gone by now.
        if !subscription::may_invoke(&cloud, &place, &group, &function) {
            return;
        }
        let id = ids::uuid();
        let outcome = lambda::invoke(&cloud, &place, &function, payload.clone(), &id, "").await;
        drop(cloud);
        match (outcome, retries.next()) {
            (Ok((invoked, _)), _) if invoked.error.is_none() => return,
            (_, Some(pause)) => sleep(*pause).await,
            (_, None) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn a_payload_is_compressed() {
        let message = json!({ "messageType": "DATA_MESSAGE" });
        let payload: Value =
            serde_json::from_slice(&payload(&message).expect("memory")).expect("JSON");
        let data = payload["awslogs"]["data"].as_str().expect("a text");
        let data = STANDARD.decode(data).expect("base64");
        let mut text = String::new();
        GzDecoder::new(data.as_slice())
            .read_to_string(&mut text)
            .expect("gzip");
        assert_eq!(text, message.to_string());
    }

    #[test]
    fn large_batches_are_cut() {
        let event = json!({ "message": "x".repeat(BATCH_BYTES / 2) });
        let batches = batches(vec![event; 3]);
        let sizes: Vec<usize> = batches.iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 1, 1]);
    }
}
