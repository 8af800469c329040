//! An AWS account in memory: things by kind and id, a trace of calls, and faults on request.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use futures_util::future::{LocalBoxFuture, pending};
use provision_engine::aws::{Aws, Connection};
use provision_engine::call::Answer;
use provision_engine::error::{AwsError, ErrorAnswer, Failure};
use provision_engine::operation::{Access, Operation};
use provision_engine::target::Target;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{Instant, sleep};

pub const REGION: &str = "eu-west-1";

/// Time that each call takes.
pub const CALL: Duration = Duration::from_millis(10);

/// A fault of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused for good; nothing is done.
    Refused,
    /// Told to slow down; nothing is done.
    Throttled,
    /// The answer is lost and nothing was done.
    UnclearBefore,
    /// The answer is lost, but it was done.
    UnclearAfter,
    /// Refused because it exists already; nothing is done.
    Exists,
    /// No answer for as long as the caller waits; nothing is done.
    Hang,
}

/// One thing in the account.
#[derive(Clone, Debug, PartialEq)]
pub struct Thing {
    pub kind: &'static str,
    /// The name, or an id that the account gave.
    pub id: String,
    /// The fields as the resource serialises them.
    pub fields: Value,
    /// The id of the thing that it is part of.
    pub within: Option<String>,
    /// When lists show it.
    shown_at: Option<Instant>,
    /// When it can be used.
    active_at: Option<Instant>,
}

impl Thing {
    pub fn new(kind: &'static str, id: &str, fields: Value) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            fields,
            within: None,
            shown_at: None,
            active_at: None,
        }
    }

    pub fn within(self, container: &str) -> Self {
        let within = Some(container.to_owned());
        Self { within, ..self }
    }

    pub fn active_in(self, time: Duration) -> Self {
        let active_at = Some(Instant::now() + time);
        Self { active_at, ..self }
    }

    pub fn read<R: DeserializeOwned>(&self) -> R {
        R::deserialize(&self.fields).expect("things are stored as their kind serialises them")
    }

    pub fn is_active(&self) -> bool {
        self.active_at.is_none_or(|at| at <= Instant::now())
    }

    fn is_shown(&self) -> bool {
        self.shown_at.is_none_or(|at| at <= Instant::now())
    }

    pub fn tag(&self, key: &str) -> Option<&str> {
        self.fields["tags"][key].as_str()
    }
}

/// One call as it was sent.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: &'static Operation,
    /// The name or id that it is about.
    pub on: String,
    pub began: Instant,
    pub ended: Option<Instant>,
}

#[derive(Clone, Default)]
pub struct Account(Arc<Mutex<State>>);

#[derive(Default)]
pub struct State {
    things: Vec<Thing>,
    given_ids: u32,
    calls: Vec<Call>,
    faults: Vec<(When, Fault)>,
    lag: Duration,
}

enum When {
    Call(usize),
    NextOf(&'static str),
}

/// AWS's code of a refusal.
pub type Refusal = &'static str;

impl Account {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Fails the `n`-th call from now, counted from 1.
    pub fn fail_call(&self, n: usize, fault: Fault) {
        let mut state = self.state();
        let n = state.calls.len() + n;
        state.faults.push((When::Call(n), fault));
    }

    /// Fails the next call of `operation`; given twice, the next two.
    pub fn fail(&self, operation: &'static str, fault: Fault) {
        self.state().faults.push((When::NextOf(operation), fault));
    }

    /// Forgets the faults that have not happened.
    pub fn heal(&self) {
        self.state().faults.clear();
    }

    /// Lists show what is created from now on only after `lag`.
    pub fn lag(&self, lag: Duration) {
        self.state().lag = lag;
    }

    /// Adds a thing without a call.
    pub fn put(&self, thing: Thing) {
        self.state().things.push(thing);
    }

    /// Removes a thing, with its parts, without a call.
    pub fn remove(&self, id: &str) {
        self.state().remove(|thing| thing.id == id);
    }

    /// Sets a field of a thing without a call.
    pub fn set(&self, id: &str, field: &str, value: Value) {
        let mut state = self.state();
        let thing = state.things.iter_mut().find(|thing| thing.id == id);
        thing.expect("the thing exists").fields[field] = value;
    }

    pub fn things(&self) -> Vec<Thing> {
        self.state().things.clone()
    }

    pub fn of_kind(&self, kind: &str) -> Vec<Thing> {
        let things = self.things().into_iter();
        things.filter(|thing| thing.kind == kind).collect()
    }

    pub fn find(&self, id: &str) -> Option<Thing> {
        self.things().into_iter().find(|thing| thing.id == id)
    }

    pub fn calls(&self) -> Vec<Call> {
        self.state().calls.clone()
    }

    /// The calls that change something, in the order in which they were sent: `CreateTable orders`.
    pub fn writes(&self) -> Vec<String> {
        let calls = self.calls().into_iter();
        calls
            .filter(|call| call.operation.access == Access::Write)
            .map(|call| format!("{} {}", call.operation.name, call.on))
            .collect()
    }

    /// The most writes that were under way at one moment.
    pub fn most_at_once(&self) -> usize {
        let calls = self.calls();
        let writes = calls
            .iter()
            .filter(|call| call.operation.access == Access::Write);
        let at_once = writes.clone().map(|one| {
            let others = writes.clone();
            others
                .filter(|other| other.began <= one.began && other.ended > Some(one.began))
                .count()
        });
        at_once.max().unwrap_or_default()
    }

    fn begin(&self, operation: &'static Operation, on: &str) -> (usize, Option<Fault>) {
        let mut state = self.state();
        state.calls.push(Call {
            operation,
            on: on.to_owned(),
            began: Instant::now(),
            ended: None,
        });
        let n = state.calls.len();
        let at = state.faults.iter().position(|(when, _)| match when {
            When::Call(at) => *at == n,
            When::NextOf(name) => *name == operation.name,
        });
        (n - 1, at.map(|at| state.faults.remove(at).1))
    }
}

impl State {
    fn remove(&mut self, is_meant: impl Fn(&Thing) -> bool) -> bool {
        let (gone, mut left): (Vec<_>, Vec<_>) = self.things.drain(..).partition(is_meant);
        left.retain(|thing| {
            let mut containers = gone.iter();
            !containers.any(|gone| thing.within.as_ref() == Some(&gone.id))
        });
        self.things = left;
        !gone.is_empty()
    }
}

impl Connection for Account {
    fn region(&self) -> &str {
        REGION
    }

    fn endpoint(&self) -> Option<&str> {
        None
    }

    fn identify<'a>(&'a self, _: &'a Aws) -> LocalBoxFuture<'a, Result<Target>> {
        Box::pin(async {
            Ok(Target {
                account: "111122223333".to_owned(),
                region: REGION.to_owned(),
                endpoint: None,
                partition: "aws".to_owned(),
            })
        })
    }
}

/// Sends `operation` about `on`, which `work` carries out in the account.
async fn call<T>(
    aws: &Aws,
    operation: &'static Operation,
    on: &str,
    work: impl Fn(&mut State) -> Result<T, Refusal>,
) -> Result<T, AwsError> {
    let account = aws.connection::<Account>().expect("the toys' account");
    let request = || async {
        let (n, fault) = account.begin(operation, on);
        if fault == Some(Fault::Hang) {
            pending::<()>().await;
        }
        sleep(CALL).await;
        let mut state = account.state();
        state.calls[n].ended = Some(Instant::now());
        let code = match fault {
            Some(Fault::UnclearBefore) => return Err(unclear(operation)),
            Some(Fault::UnclearAfter) => {
                let _ = work(&mut state);
                return Err(unclear(operation));
            }
            Some(Fault::Throttled) => "ThrottlingException",
            Some(Fault::Exists) => "Exists",
            Some(Fault::Refused | Fault::Hang) => "Denied",
            None => match work(&mut state) {
                Ok(value) => {
                    return Ok(Answer {
                        value,
                        request_id: None,
                    });
                }
                Err(code) => code,
            },
        };
        let answer = ErrorAnswer {
            code: code.to_owned(),
            status: Some(400),
            ..ErrorAnswer::default()
        };
        Err(AwsError::answered(operation, answer))
    };
    aws.send(operation, request).await
}

fn unclear(operation: &Operation) -> AwsError {
    let answer = ErrorAnswer {
        message: "the answer was lost".to_owned(),
        ..ErrorAnswer::default()
    };
    AwsError::with_failure(operation, Failure::Unclear, answer)
}

pub async fn list(
    aws: &Aws,
    operation: &'static Operation,
    kind: &'static str,
) -> Result<Vec<Thing>, AwsError> {
    let shown = |state: &mut State| {
        let things = state.things.iter();
        let shown = things.filter(|thing| thing.kind == kind && thing.is_shown());
        Ok(shown.cloned().collect())
    };
    call(aws, operation, "*", shown).await
}

/// Creates `thing`. Without an id, the account gives one; with one, it must be new for its kind.
pub async fn create(
    aws: &Aws,
    operation: &'static Operation,
    thing: Thing,
) -> Result<Thing, AwsError> {
    let on = match (thing.id.as_str(), thing.fields["name"].as_str()) {
        ("", name) => name.unwrap_or_default().to_owned(),
        (id, _) => id.to_owned(),
    };
    let add = |state: &mut State| {
        let mut thing = thing.clone();
        if thing.id.is_empty() {
            state.given_ids += 1;
            thing.id = format!("id{}", state.given_ids);
        } else if state
            .things
            .iter()
            .any(|known| known.kind == thing.kind && known.id == thing.id)
        {
            return Err("Exists");
        }
        thing.shown_at = Some(Instant::now() + state.lag);
        state.things.push(thing.clone());
        Ok(thing)
    };
    call(aws, operation, &on, add).await
}

pub async fn update(
    aws: &Aws,
    operation: &'static Operation,
    kind: &'static str,
    id: &str,
    fields: Value,
) -> Result<Thing, AwsError> {
    let change = |state: &mut State| {
        let mut things = state.things.iter_mut();
        let thing = things.find(|thing| thing.kind == kind && thing.id == id);
        let thing = thing.ok_or("NotFound")?;
        thing.fields = fields.clone();
        Ok(thing.clone())
    };
    call(aws, operation, id, change).await
}

pub async fn delete(
    aws: &Aws,
    operation: &'static Operation,
    kind: &'static str,
    id: &str,
) -> Result<(), AwsError> {
    let remove = |state: &mut State| {
        let was_there = state.remove(|thing| thing.kind == kind && thing.id == id);
        was_there.then_some(()).ok_or("NotFound")
    };
    call(aws, operation, id, remove).await
}
