//! The program `bootstrap`: reads the environment, connects to `DynamoDB`, and answers invocations one after another.

use std::env;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use handler::{Config, DynamoDb, Event, Failure, Handler, Invocation, log_level};
use lambda_runtime::{Context, LambdaEvent, service_fn};
use serde_json::value::RawValue;

/// Time reserved for the answer before Lambda's deadline.
const MARGIN: Duration = Duration::from_millis(100);
/// Time for an invocation without a deadline: API Gateway's limit.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(29);
/// Longest time that an unreachable endpoint adds to the start.
const INIT_CONNECT: Duration = Duration::from_secs(2);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    let variable = |name: &str| env::var(name).ok();
    let database = Config::read(variable).and_then(DynamoDb::new);
    if let Ok(database) = &database {
        let _ = tokio::time::timeout(INIT_CONNECT, database.open()).await;
    }
    let handler = Rc::new(Handler::new(database, log_level(variable)));
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Event>| {
        let handler = Rc::clone(&handler);
        async move {
            let LambdaEvent { payload, context } = event;
            let answer = handler.handle(payload, invocation(&context)).await?;
            RawValue::from_string(answer).map_err(|error| Failure {
                status: 500,
                error_type: "Runtime.MarshalError".to_owned(),
                message: error.to_string(),
            })
        }
    }))
    .await
}

fn invocation(context: &Context) -> Invocation {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let deadline = Duration::from_millis(context.deadline).saturating_sub(MARGIN);
    Invocation {
        request_id: context.request_id.clone(),
        // A local Runtime API may send no deadline, or one in the past.
        remaining: deadline.checked_sub(now).unwrap_or(WITHOUT_DEADLINE),
    }
}
