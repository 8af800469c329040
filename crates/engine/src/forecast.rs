//! The calls and the time that a plan takes, estimated before it is carried out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::operation::Operation;
use crate::pace;
use crate::plan::{Action, Deletion, Plan, Step};
use crate::resource::{Act, Replacement};

/// The calls that change something, and the time that all of it takes on AWS.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// At least this many: where AWS already has what is only known later, a call is saved.
    pub writes: usize,
    /// The longest chain of steps that wait for one another, and AWS's rates; in seconds.
    #[serde(serialize_with = "seconds")]
    pub time: Duration,
    /// The part of it that is spent waiting; in seconds.
    #[serde(serialize_with = "seconds")]
    pub waits: Duration,
}

fn seconds<S: serde::Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 10.0).round() / 10.0)
}

/// One call of the control plane; most take 0.1 to 0.4 s.
const CALL: Duration = Duration::from_millis(250);

/// Estimates calls and time of `plan`.
pub fn forecast(plan: &Plan) -> Forecast {
    let calls: BTreeMap<&str, Vec<&'static Operation>> = plan
        .steps
        .iter()
        .map(|step| (step.id.as_str(), calls(step)))
        .collect();
    let mut ends: BTreeMap<&str, (Duration, Duration)> = BTreeMap::new();
    // Steps may be listed before those they wait for, so this repeats until nothing moves.
    for _ in 0..=plan.steps.len() {
        let mut has_moved = false;
        for step in &plan.steps {
            let (start, waited) = step
                .after
                .iter()
                .filter_map(|id| ends.get(id.as_str()).copied())
                .max()
                .unwrap_or_default();
            let own = CALL * u32::try_from(calls[step.id.as_str()].len()).unwrap_or(u32::MAX);
            let wait = wait(step);
            let end = (start + own + wait, waited + wait);
            has_moved |= ends.insert(&step.id, end) != Some(end);
        }
        if !has_moved {
            break;
        }
    }
    let (time, waits) = ends.values().copied().max().unwrap_or_default();
    let all: Vec<&'static Operation> = calls.into_values().flatten().collect();
    let paced = pace::least_time(&all);
    Forecast {
        writes: all.len(),
        time: time.max(paced),
        waits: waits.max(paced.saturating_sub(time)),
    }
}

fn acts(step: &Step) -> Vec<Act<'_>> {
    match &step.action {
        Action::Keep { .. }
        | Action::Delete {
            how: Deletion::AlongWith(_),
            ..
        } => Vec::new(),
        Action::Create { .. } => vec![Act::Create],
        Action::Delete { .. } => vec![Act::Delete],
        Action::Update { changes, .. } => vec![Act::Update(changes)],
        Action::Replace { .. } => match step.resource.kind().replacement {
            Replacement::CreateFirst => vec![Act::Create],
            Replacement::DeleteFirst => vec![Act::Delete, Act::Create],
        },
    }
}

/// Returns the operations of a step; of an update those whose need is certain.
pub fn calls(step: &Step) -> Vec<&'static Operation> {
    let acts = acts(step).into_iter();
    acts.flat_map(|act| step.resource.calls(act)).collect()
}

fn wait(step: &Step) -> Duration {
    let acts = acts(step).into_iter();
    acts.map(|act| step.resource.typical_wait(act)).sum()
}
