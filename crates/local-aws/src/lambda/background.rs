//! Asynchronous invocations: tried until they succeed, or often or long enough, and told to a destination.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::event_config::{self, EventConfig};
use super::event_queue::{self, Queued};
use super::known::Target;
use super::name::Named;
use super::{Invoked, function, role, run};
use crate::Enforcement;
use crate::answer::Refusal;
use crate::clock::iso;
use crate::cloud::Cloud;
use crate::iam::Rights;
use crate::ids;
use crate::place::Place;

/// AWS: "Lambda retries function errors twice", after one and two minutes.
const RETRIES: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(2)];
/// An event is tried for so long at most (AWS: 6 hours by default).
const EVENT_LASTS: Duration = Duration::from_hours(6);
/// The pauses between attempts that are throttled grow to this.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// AWS: Lambda stops a function that "is invoked more than approximately 16 times in the same chain of requests".
const LONGEST_LOOP: u32 = 16;

/// One asynchronous invocation.
pub(super) struct Event {
    target: Arc<Target>,
    invocation: run::Event,
    queued: Queued,
}

/// Goes on with the events that an earlier process of this AWS has left.
pub(crate) fn resume(cloud: &Arc<Cloud>) {
    let left = cloud.store.transact(event_queue::all);
    for (place, queued) in left.unwrap_or_default() {
        let named = Named {
            name: queued.function.clone(),
            qualifier: Some(queued.version.clone()),
        };
        match cloud.environments.known.target(cloud, &place, named) {
            Ok(version) => {
                let target = Arc::new(version.called(&place, queued.qualifier.clone()));
                let invocation = run::Event {
                    payload: Bytes::from(queued.payload.clone()),
                    request_id: queued.id.clone(),
                    trace: queued.trace.clone(),
                    client_context: None,
                };
                let event = Event {
                    target,
                    invocation,
                    queued,
                };
                event.begin(cloud);
            }
            Err(_) => forget(cloud, &place, &queued.id),
        }
    }
}

fn forget(cloud: &Cloud, place: &Place, id: &str) {
    // An event that stays is tried once more after a restart.
    let _ = cloud.store.transact(|tx| tx.remove::<Queued>(place, id));
}

/// Why an event is given up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cause {
    RetriesExhausted,
    EventAgeExceeded,
    ZeroReservedConcurrency,
}

impl Cause {
    fn name(self) -> &'static str {
        match self {
            Self::RetriesExhausted => "RetriesExhausted",
            Self::EventAgeExceeded => "EventAgeExceeded",
            Self::ZeroReservedConcurrency => "ZeroReservedConcurrency",
        }
    }
}

/// The next thing to do after an attempt.
enum Next {
    Wait(Duration),
    Over,
}

impl Event {
    pub(super) fn new(cloud: &Cloud, target: Arc<Target>, invocation: run::Event) -> Self {
        Self::of(cloud, target, invocation, BTreeMap::new())
    }

    fn of(
        cloud: &Cloud,
        target: Arc<Target>,
        invocation: run::Event,
        lineage: BTreeMap<String, u32>,
    ) -> Self {
        let now = cloud.now();
        let queued = Queued {
            id: invocation.request_id.clone(),
            function: target.named.name.clone(),
            qualifier: target.named.qualifier.clone(),
            version: target.function.version.clone(),
            payload: String::from_utf8_lossy(&invocation.payload).into_owned(),
            trace: invocation.trace.clone(),
            since: now,
            due: now,
            failures: 0,
            lineage,
        };
        Self {
            target,
            invocation,
            queued,
        }
    }

    /// Keeps the event, and begins its attempts.
    pub(super) fn start(self, cloud: &Arc<Cloud>) -> Result<(), Refusal> {
        let place = &self.target.key.0;
        cloud.store.transact(|tx| tx.put(place, &self.queued))?;
        self.begin(cloud);
        Ok(())
    }

    /// Begins the attempts, in a task of their own.
    fn begin(self, cloud: &Arc<Cloud>) {
        // Boxed, because an event's destination starts another event.
        let work: Pin<Box<dyn Future<Output = ()> + Send>> =
            Box::pin(self.run(Arc::downgrade(cloud)));
        tokio::spawn(work);
    }

    async fn run(mut self, cloud: Weak<Cloud>) {
        let mut pause = Duration::from_secs(1);
        while let Some(cloud) = cloud.upgrade() {
            let wait = self.queued.due.saturating_sub(cloud.now());
            let weak = Arc::downgrade(&cloud);
            drop(cloud);
            if wait > 0 {
                sleep(Duration::from_millis(wait)).await;
            }
            let Some(cloud) = weak.upgrade() else { return };
            let next = self.attempt(&cloud, &mut pause).await;
            let place = self.target.key.0.clone();
            let Next::Wait(time) = next else {
                forget(&cloud, &place, &self.queued.id);
                return;
            };
            let wait = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            self.queued.due = cloud.now().saturating_add(wait);
            let _ = cloud.store.transact(|tx| tx.put(&place, &self.queued));
        }
    }

    async fn attempt(&mut self, cloud: &Arc<Cloud>, pause: &mut Duration) -> Next {
        // As it is by now; gone, most likely, if it cannot be read.
        let Some(target) = self.current(cloud) else {
            return Next::Over;
        };
        let invocation = self.invocation.clone();
        match run::run(Arc::clone(cloud), target, invocation, None).await {
            Ok(invoked) if invoked.error.is_none() => {
                self.succeeded(cloud, &invoked, self.queued.failures + 1);
                Next::Over
            }
            Ok(invoked) => {
                self.queued.failures += 1;
                *pause = Duration::from_secs(1);
                self.failed(cloud, &invoked, self.queued.failures)
            }
            Err(refusal) if refusal.status == 429 || refusal.status >= 500 => {
                let next = self.refused(cloud, self.queued.failures, *pause);
                *pause = (*pause * 2).min(LONGEST_PAUSE);
                next
            }
            Err(_) => Next::Over,
        }
    }

    /// The version that was chosen when the event came, as it is configured now.
    fn current(&self, cloud: &Cloud) -> Option<Arc<Target>> {
        let named = Named {
            name: self.target.function.name.clone(),
            qualifier: Some(self.target.function.version.clone()),
        };
        let place = &self.target.key.0;
        cloud.environments.known.target(cloud, place, named).ok()
    }

    fn config(&self, cloud: &Cloud) -> Option<EventConfig> {
        let target = &self.target;
        let found = cloud
            .store
            .transact(|tx| event_config::of(tx, &target.key.0, &target.named));
        found.ok().flatten()
    }

    /// Returns true if the event is still young enough after `pause`; AWS does not wait for what would be too late
    /// (localstack, `test_maxeventage`).
    fn lasts(&self, cloud: &Cloud, config: Option<&EventConfig>, pause: Duration) -> bool {
        let most = config
            .and_then(|config| config.event_age)
            .map_or(EVENT_LASTS, Duration::from_secs);
        let age = Duration::from_millis(cloud.now().saturating_sub(self.queued.since));
        age + pause < most
    }

    fn failed(&self, cloud: &Arc<Cloud>, invoked: &Invoked, failures: usize) -> Next {
        let config = self.config(cloud);
        let most = config.as_ref().and_then(|config| config.retries);
        let pauses = &RETRIES[..most.unwrap_or(RETRIES.len()).min(RETRIES.len())];
        let cause = match pauses.get(failures - 1) {
            None => Cause::RetriesExhausted,
            Some(pause) if self.lasts(cloud, config.as_ref(), *pause) => return Next::Wait(*pause),
            Some(_) => Cause::EventAgeExceeded,
        };
        self.given_up(cloud, config, cause, failures, Some(invoked));
        Next::Over
    }

    /// Throttled, or this machine's failure: tried again without being counted.
    fn refused(&self, cloud: &Arc<Cloud>, failures: usize, pause: Duration) -> Next {
        let config = self.config(cloud);
        let is_stopped = self
            .current(cloud)
            .is_some_and(|target| target.reserved_concurrency == Some(0));
        let cause = if is_stopped {
            Cause::ZeroReservedConcurrency
        } else if self.lasts(cloud, config.as_ref(), pause) {
            return Next::Wait(pause);
        } else {
            Cause::EventAgeExceeded
        };
        self.given_up(cloud, config, cause, failures, None);
        Next::Over
    }

    fn succeeded(&self, cloud: &Arc<Cloud>, invoked: &Invoked, attempts: usize) {
        if let Some(arn) = self.config(cloud).and_then(|config| config.on_success) {
            let record = self.record(cloud, "Success", attempts, Some(invoked));
            self.send(cloud, &arn, &record);
        }
    }

    fn given_up(
        &self,
        cloud: &Arc<Cloud>,
        config: Option<EventConfig>,
        cause: Cause,
        attempts: usize,
        invoked: Option<&Invoked>,
    ) {
        if let Some(arn) = config.and_then(|config| config.on_failure) {
            let record = self.record(cloud, cause.name(), attempts, invoked);
            self.send(cloud, &arn, &record);
        }
    }

    /// AWS: "Retaining records of asynchronous invocations"; members in the order of localstack's
    /// `test_lambda_destinations.snapshot.json`.
    fn record(
        &self,
        cloud: &Cloud,
        condition: &str,
        attempts: usize,
        invoked: Option<&Invoked>,
    ) -> Value {
        let now = cloud.now();
        let timestamp = iso(now).replace('Z', &format!(".{:03}Z", now % 1000));
        let target = &self.target;
        let mut record = json!({
            "version": "1.0",
            "timestamp": timestamp,
            "requestContext": {
                "requestId": self.queued.id,
                "functionArn": target.named.qualified_arn(&target.key.0),
                "condition": condition,
                "approximateInvokeCount": attempts,
            },
            "requestPayload": payload(&self.invocation.payload),
        });
        if let Some(invoked) = invoked {
            record["responseContext"] = json!({
                "statusCode": 200,
                "executedVersion": target.function.version,
            });
            if let Some(error) = invoked.error {
                record["responseContext"]["functionError"] = json!(error);
            }
            record["responsePayload"] = payload(&invoked.payload);
        }
        record
    }

    /// Invokes the destination with the record, if the function's role may and no loop has become too long.
    fn send(&self, cloud: &Arc<Cloud>, arn: &str, record: &Value) {
        let place = &self.target.key.0;
        let Ok(named) = Named::at(place, arn) else {
            return;
        };
        let mut lineage = self.queued.lineage.clone();
        let count = lineage.entry(named.name.clone()).or_insert(0);
        *count += 1;
        let count = *count;
        let may = cloud.store.transact(|tx| {
            let latest = function::latest(cloud, tx, place, &named.name)?;
            let allows_loops = latest.is_some_and(|latest| latest.allows_loops);
            if count > LONGEST_LOOP && !allows_loops {
                return Ok(false);
            }
            if cloud.enforcement == Enforcement::Off {
                return Ok(true);
            }
            let role = role::name(&self.target.function.settings.role);
            let rights = Rights::of(cloud, tx, place, role, None)?;
            Ok::<_, Refusal>(rights.allow("lambda:InvokeFunction", arn, &[]))
        });
        if !may.unwrap_or(false) {
            return;
        }
        let Ok(target) = cloud.environments.known.target(cloud, place, named) else {
            return;
        };
        let payload = Bytes::from(record.to_string());
        let target = target.chosen();
        let trace = &self.queued.trace;
        let invocation = run::Event::new(cloud, &target, payload, &ids::uuid(), trace);
        let event = Self::of(cloud, target, invocation, lineage);
        // A full disk: nobody waits to be told.
        let _ = event.start(cloud);
    }
}

/// As JSON; what is none, as a text.
fn payload(bytes: &Bytes) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}
