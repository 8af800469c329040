//! Asynchronous invocations and their destinations, on paused time.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use local_aws::{FunctionError, LocalAws};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::harness::*;

const CONFIG: &str = "/2019-09-25/functions/demo/event-invoke-config";
const TOLD: &str = "arn:aws:lambda:eu-west-1:000000000000:function:told";

/// What functions were invoked with, by name.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

/// An AWS with the function `demo`, which fails if `fails`, and the function `told`.
async fn aws(fails: bool) -> (LocalAws, Calls) {
    let calls = Calls::default();
    let seen = Arc::clone(&calls);
    let aws = inline_named(move |name, event| {
        let event: Value = serde_json::from_slice(&event).expect("JSON");
        seen.lock().expect("a lock").push((name.to_owned(), event));
        if fails && name == "demo" {
            return Err(FunctionError {
                error_type: "Own".into(),
                message: "no".into(),
            });
        }
        Ok(Bytes::from_static(b"{\"done\":true}"))
    })
    .await;
    for name in ["demo", "told"] {
        let made = create(&aws, &json!({ "FunctionName": name })).await;
        assert_eq!(made.status, 201, "{made:?}");
    }
    (aws, calls)
}

async fn configure(aws: &LocalAws, config: &Value) {
    let put = call(aws, "PUT", CONFIG, config).await;
    assert_eq!(put.status, 200, "{put:?}");
}

async fn send_event(aws: &LocalAws) -> String {
    let event = [("x-amz-invocation-type", "Event")];
    let path = format!("{DEMO}/invocations");
    let sent = send(aws, "POST", &path, "{\"a\":1}", &event).await;
    assert_eq!(sent.status, 202);
    sent.header("x-amzn-requestid").to_owned()
}

fn count(calls: &Calls, name: &str) -> usize {
    let calls = calls.lock().expect("a lock");
    calls.iter().filter(|(of, _)| of == name).count()
}

/// The one record that `told` got.
fn record(calls: &Calls) -> Value {
    let calls = calls.lock().expect("a lock");
    let mut told = calls.iter().filter(|(name, _)| name == "told");
    let (_, record) = told.next().expect("a record");
    assert!(told.next().is_none(), "{calls:?}");
    record.clone()
}

#[tokio::test(start_paused = true)]
async fn a_success_is_told_to_its_destination() {
    let (aws, calls) = aws(false).await;
    configure(
        &aws,
        &json!({ "DestinationConfig": { "OnSuccess": { "Destination": TOLD } } }),
    )
    .await;
    let id = send_event(&aws).await;
    sleep(Duration::from_secs(1)).await;
    let mut record = record(&calls);
    let timestamp = record["timestamp"].take();
    let timestamp = timestamp.as_str().expect("text");
    assert!(
        timestamp.len() == 24 && timestamp.ends_with('Z'),
        "{timestamp}"
    );
    assert_eq!(
        record,
        json!({
            "version": "1.0", "timestamp": null,
            "requestContext": {
                "requestId": id, "functionArn": format!("{ARN}:$LATEST"), "condition": "Success", "approximateInvokeCount": 1,
            },
            "requestPayload": { "a": 1 },
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST" },
            "responsePayload": { "done": true },
        })
    );
    // Who waits for the answer gets it, and nobody else is told.
    invoke(&aws, &json!({})).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count(&calls, "told"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_when_its_retries_are_used_up() {
    let (aws, calls) = aws(true).await;
    let config = json!({
        "MaximumRetryAttempts": 1, "DestinationConfig": { "OnFailure": { "Destination": TOLD } },
    });
    configure(&aws, &config).await;
    send_event(&aws).await;
    sleep(Duration::from_secs(59)).await;
    assert_eq!((count(&calls, "demo"), count(&calls, "told")), (1, 0));
    sleep(Duration::from_secs(2)).await;
    assert_eq!(count(&calls, "demo"), 2);
    let record = record(&calls);
    assert_eq!(record["requestContext"]["condition"], "RetriesExhausted");
    assert_eq!(record["requestContext"]["approximateInvokeCount"], 2);
    assert_eq!(record["responseContext"]["functionError"], "Unhandled");
    assert_eq!(record["responsePayload"]["errorType"], "Own");
}

#[tokio::test(start_paused = true)]
async fn an_event_that_would_become_too_old_is_not_tried_again() {
    for (age, attempts) in [(60, 1), (90, 2), (21_600, 3)] {
        let (aws, calls) = aws(true).await;
        let config = json!({
            "MaximumEventAgeInSeconds": age, "DestinationConfig": { "OnFailure": { "Destination": TOLD } },
        });
        configure(&aws, &config).await;
        send_event(&aws).await;
        sleep(Duration::from_mins(10)).await;
        let record = record(&calls);
        let condition = if attempts == 3 {
            "RetriesExhausted"
        } else {
            "EventAgeExceeded"
        };
        assert_eq!(record["requestContext"]["condition"], condition, "{age}");
        assert_eq!(record["requestContext"]["approximateInvokeCount"], attempts);
        assert_eq!(count(&calls, "demo"), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stopped_function_gives_its_events_up() {
    let (aws, calls) = aws(false).await;
    let config = json!({ "DestinationConfig": { "OnFailure": { "Destination": TOLD } } });
    configure(&aws, &config).await;
    let path = "/2017-10-31/functions/demo/concurrency";
    call(
        &aws,
        "PUT",
        path,
        &json!({ "ReservedConcurrentExecutions": 0 }),
    )
    .await;
    send_event(&aws).await;
    sleep(Duration::from_secs(1)).await;
    let record = record(&calls);
    assert_eq!(
        record["requestContext"]["condition"],
        "ZeroReservedConcurrency"
    );
    assert!(record["responseContext"].is_null());
    assert_eq!(count(&calls, "demo"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_settings_of_an_alias_are_its_own() {
    let (aws, calls) = aws(true).await;
    call(&aws, "POST", &format!("{DEMO}/versions"), &json!({})).await;
    let alias = json!({ "Name": "live", "FunctionVersion": "1" });
    call(&aws, "POST", &format!("{DEMO}/aliases"), &alias).await;
    let config = json!({
        "MaximumRetryAttempts": 0, "DestinationConfig": { "OnFailure": { "Destination": TOLD } },
    });
    let put = call(&aws, "PUT", &format!("{CONFIG}?Qualifier=live"), &config).await;
    assert_eq!(put.json()["FunctionArn"], format!("{ARN}:live"));
    let event = [("x-amz-invocation-type", "Event")];
    let path = format!("{DEMO}/invocations?Qualifier=live");
    send(&aws, "POST", &path, "1", &event).await;
    sleep(Duration::from_mins(10)).await;
    assert_eq!(count(&calls, "demo"), 1);
    let record = record(&calls);
    assert_eq!(
        record["requestContext"]["functionArn"],
        format!("{ARN}:live")
    );
    assert_eq!(record["responseContext"]["executedVersion"], "1");
}

#[tokio::test(start_paused = true)]
async fn a_loop_of_destinations_ends_unless_it_is_allowed() {
    let (aws, calls) = aws(false).await;
    let to = |arn: &str| json!({ "DestinationConfig": { "OnSuccess": { "Destination": arn } } });
    configure(&aws, &to(TOLD)).await;
    let back = "/2019-09-25/functions/told/event-invoke-config";
    call(&aws, "PUT", back, &to(ARN)).await;
    send_event(&aws).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!((count(&calls, "demo"), count(&calls, "told")), (17, 16));
    calls.lock().expect("a lock").clear();
    for name in ["demo", "told"] {
        let path = format!("/2024-08-31/functions/{name}/recursion-config");
        call(&aws, "PUT", &path, &json!({ "RecursiveLoop": "Allow" })).await;
    }
    send_event(&aws).await;
    while count(&calls, "demo") < 30 {
        sleep(Duration::from_millis(10)).await;
    }
    call(&aws, "DELETE", back, &Value::Null).await;
    sleep(Duration::from_secs(1)).await;
    let ended_at = count(&calls, "demo");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(count(&calls, "demo"), ended_at);
}

#[tokio::test(start_paused = true)]
async fn a_destination_is_invoked_by_the_rights_of_the_role() {
    let told = Arc::new(Mutex::new(0));
    let count = Arc::clone(&told);
    let aws = inline_enforced(move |name, event| {
        if name == "told" {
            *count.lock().expect("a lock") += 1;
        }
        Ok(event)
    })
    .await;
    for name in ["demo", "told"] {
        create(&aws, &json!({ "FunctionName": name })).await;
    }
    configure(
        &aws,
        &json!({ "DestinationConfig": { "OnSuccess": { "Destination": TOLD } } }),
    )
    .await;
    send_event(&aws).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*told.lock().expect("a lock"), 0);
    let policy = json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": TOLD } });
    let policy = policy.to_string();
    let policy = percent_encoding::utf8_percent_encode(&policy, percent_encoding::NON_ALPHANUMERIC);
    let form = format!(
        "Action=PutRolePolicy&Version=2010-05-08&RoleName=demo-role&PolicyName=p&PolicyDocument={policy}"
    );
    let put = handle(&aws, signed("POST", "/", "iam", form, &[])).await;
    assert_eq!(put.status, 200);
    send_event(&aws).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(*told.lock().expect("a lock"), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let calls = Calls::default();
    let open = |fails: bool| {
        let seen = Arc::clone(&calls);
        reopened_inline(folder.path(), move |name, event| {
            let event = serde_json::from_slice(&event).expect("JSON");
            seen.lock().expect("a lock").push((name.to_owned(), event));
            if fails {
                return Err(FunctionError {
                    error_type: "Own".into(),
                    message: "no".into(),
                });
            }
            Ok(Bytes::from_static(b"1"))
        })
    };
    let id = {
        let aws = open(true);
        let role = role_form("lambda.amazonaws.com");
        handle(&aws, signed("POST", "/", "iam", role, &[])).await;
        for name in ["demo", "told"] {
            create(&aws, &json!({ "FunctionName": name })).await;
        }
        let config = json!({ "DestinationConfig": { "OnSuccess": { "Destination": TOLD } } });
        configure(&aws, &config).await;
        let id = send_event(&aws).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!(count(&calls, "demo"), 1);
        id
    };
    let aws = open(false);
    get(&aws, DEMO).await;
    sleep(Duration::from_mins(2)).await;
    assert_eq!(count(&calls, "demo"), 2);
    let told = record(&calls);
    assert_eq!(told["requestContext"]["requestId"], id);
    assert_eq!(told["requestContext"]["approximateInvokeCount"], 2);
    drop(aws);
    // It is over, and does not come back.
    let aws = open(false);
    get(&aws, DEMO).await;
    sleep(Duration::from_mins(10)).await;
    assert_eq!(count(&calls, "demo"), 2);
}
