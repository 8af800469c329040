//! A function's memory: measured with all that it has started, and enforced.

use serde_json::json;

use crate::harness::*;

fn used(log: &str) -> u64 {
    let (_, rest) = log.split_once("Max Memory Used: ").expect("a report");
    let (number, _) = rest.split_once(' ').expect("a unit");
    number.parse().expect("a number")
}

#[tokio::test]
async fn more_than_a_function_may_have_ends_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    // Without a line break, tail keeps all of it.
    let work = "[ \"$EVENT\" = 0 ] || { head -c \"$EVENT\" /dev/zero | tail -n 1 | (sleep 0.2; cat >/dev/null); }";
    create_script(&aws, &script("", work), &json!({ "Timeout": 60 })).await;
    let small = used(&invoke(&aws, &json!(0)).await.log());
    assert!((1..60).contains(&small), "{small}");
    let answer = invoke(&aws, &json!(60_000_000)).await;
    assert_eq!(answer.json(), 60_000_000);
    let middle = used(&answer.log());
    assert!((58..128).contains(&middle), "{middle}");
    // A later invocation reports what the environment has had at most.
    assert!(used(&invoke(&aws, &json!(0)).await.log()) >= middle);

    let answer = invoke(&aws, &json!(900_000_000)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-amz-function-error"), "Unhandled");
    let error = answer.json();
    assert_eq!(error["errorType"], "Runtime.ExitError");
    let message = error["errorMessage"].as_str().expect("text");
    assert!(
        message.starts_with("RequestId: ")
            && message.ends_with(" Error: Runtime exited with error: signal: killed"),
        "{message}"
    );
    let log = answer.log();
    assert_eq!(used(&log), 128, "{log}");
    assert!(
        log.contains("\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.ExitError\t\n"),
        "{log}"
    );
    let after = invoke(&aws, &json!(0)).await;
    assert_eq!(after.json(), 0);
    assert!(used(&after.log()) < 60);
}

/// Files' pages are not memory that a function takes, nor are those that forked processes share.
#[tokio::test]
async fn shared_pages_count_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let work = r#"python3 -c '
import os, time
kept = bytearray(b"x" * 70_000_000)
for _ in range(3):
    if os.fork() == 0:
        time.sleep(0.3)
        os._exit(0)
for _ in range(3):
    os.wait()
' && ANSWER=1"#;
    create_script(
        &aws,
        &script("", work),
        &json!({ "Timeout": 60 , "MemorySize": 192 }),
    )
    .await;
    let answer = invoke(&aws, &json!(0)).await;
    assert_eq!(answer.json(), 1, "{}", answer.log());
}
