//! Functions as processes.

use std::path::Path;
use std::time::{Duration, Instant};

use local_aws::LocalAws;
use serde_json::{Value, json};

use crate::harness::*;

async fn error(aws: &LocalAws, event: &Value) -> (String, String) {
    let answer = invoke(aws, event).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("x-amz-function-error"), "Unhandled");
    let error = answer.json();
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    let message = text("errorMessage");
    // Without the id of the request.
    let message = message
        .split_once(" Error: ")
        .map_or(message.clone(), |(_, why)| why.to_owned());
    (text("errorType"), message)
}

fn runs(pid: &Value) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}

async fn ends(pid: &Value) {
    let began = Instant::now();
    while runs(pid) {
        assert!(began.elapsed() < Duration::from_secs(5), "{pid} goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[tokio::test]
async fn a_process_is_reused_until_its_function_changes() {
    let folder = folder();
    let aws = processes(folder.path()).await;
    aws.set_endpoint("http://127.0.0.1:1");
    let work = r#"echo "for $EVENT"; echo "and this" >&2; ANSWER="[$$, \"$AWS_LAMBDA_FUNCTION_NAME $AWS_REGION $NAME $AWS_ENDPOINT_URL $_HANDLER $AWS_LAMBDA_LOG_GROUP_NAME ${HOME-none} ${LOCAL_AWS_PARENT-none}\", \"$PWD\", \"$LAMBDA_TASK_ROOT\"]""#;
    create_script(
        &aws,
        &script("", work),
        &json!({ "Environment": { "Variables": { "NAME": "x y" } } }),
    )
    .await;
    let first = invoke(&aws, &json!(1)).await;
    let told = first.json();
    assert_eq!(
        told[1],
        "demo eu-west-1 x y http://127.0.0.1:1 bootstrap /aws/lambda/demo none none"
    );
    assert_eq!(told[2], told[3]);
    let log = first.log();
    let lines: Vec<&str> = log.lines().collect();
    assert!(
        lines[0].starts_with("INIT_START Runtime Version: provided:al2023"),
        "{log}"
    );
    assert!(lines[1].starts_with("START RequestId: "), "{log}");
    assert_eq!(&lines[2..4], ["for 1", "and this"]);
    assert!(lines[4].starts_with("END RequestId: "), "{log}");
    assert!(
        lines[5].contains("\tInit Duration: ") && !lines[5].contains("Used: 0 MB"),
        "{log}"
    );
    let second = invoke(&aws, &json!(2)).await;
    assert_eq!(second.json()[0], told[0]);
    assert!(!second.log().contains("Init Duration"));
    let configuration = format!("{DEMO}/configuration");
    call(&aws, "PUT", &configuration, &json!({ "MemorySize": 256 })).await;
    let third = invoke(&aws, &json!(3)).await.json();
    assert_ne!(third[0], told[0]);
    ends(&told[0]).await;
    assert!(runs(&third[0]));
    call(&aws, "DELETE", DEMO, &Value::Null).await;
    ends(&third[0]).await;
    let code = folder.path().join("code");
    let began = Instant::now();
    while std::fs::read_dir(&code).expect("a folder").count() > 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "code is left");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_function_out_of_time_is_killed_with_its_children() {
    let folder = folder();
    let aws = processes(folder.path()).await;
    let file = folder.path().join("child");
    let start = format!("sleep 60 & echo $! > {}", file.display());
    create_script(&aws, &script(&start, "wait"), &json!({ "Timeout": 1 })).await;
    let answer = invoke(&aws, &json!({})).await;
    let error = answer.json();
    assert_eq!(error["errorType"], "Sandbox.Timedout");
    let message = error["errorMessage"].as_str().expect("text");
    assert!(
        message.starts_with("RequestId: ")
            && message.ends_with(" Error: Task timed out after 1.00 seconds")
    );
    let log = answer.log();
    assert!(
        log.contains(" Task timed out after 1.00 seconds\n"),
        "{log}"
    );
    assert!(
        log.contains("Duration: 1000.00 ms") && log.contains("Status: timeout"),
        "{log}"
    );
    let child: Value = std::fs::read_to_string(file)
        .expect("its id")
        .trim()
        .parse()
        .expect("a number");
    ends(&child).await;
}

#[tokio::test]
async fn a_process_that_ends_fails_one_invocation() {
    let folder = folder();
    let aws = processes(folder.path()).await;
    let work = r#"case "$EVENT" in '"exit"') exit 3;; '"kill"') kill -9 $$;; '"well"') exit 0;; esac; ANSWER=$$"#;
    create_script(&aws, &script("", work), &json!({})).await;
    let exit = |message: &str| ("Runtime.ExitError".to_owned(), message.to_owned());
    assert_eq!(
        error(&aws, &json!("exit")).await,
        exit("Runtime exited with error: exit status 3")
    );
    assert_eq!(
        error(&aws, &json!("kill")).await,
        exit("Runtime exited with error: signal: killed")
    );
    assert_eq!(
        error(&aws, &json!("well")).await,
        exit("Runtime exited without providing a reason")
    );
    let pid = invoke(&aws, &json!(1)).await.json();
    assert!(runs(&pid));
    // One that ends between two invocations is not missed.
    std::process::Command::new("kill")
        .args(["-9", &pid.to_string()])
        .status()
        .expect("kill");
    ends(&pid).await;
    let next = invoke(&aws, &json!(1)).await;
    assert_eq!(next.header("x-amz-function-error"), "");
    assert_ne!(next.json(), pid);
}

#[tokio::test]
async fn what_does_not_start_says_why() {
    let cases = [
        (
            "bootstrap",
            0o644,
            "fork/exec /var/task/bootstrap: permission denied",
        ),
        (
            "other",
            0o755,
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]",
        ),
    ];
    for (name, mode, message) in cases {
        let folder = folder();
        let aws = processes(folder.path()).await;
        let zip = zip(name, b"#!/bin/sh\n", mode);
        call(&aws, "POST", FUNCTIONS, &function(&zip, &json!({}))).await;
        assert_eq!(
            error(&aws, &json!({})).await,
            ("Runtime.InvalidEntrypoint".to_owned(), message.to_owned())
        );
    }
    let folder = folder();
    let aws = processes(folder.path()).await;
    create_script(&aws, "not a program", &json!({})).await;
    assert_eq!(
        error(&aws, &json!({})).await.1,
        "fork/exec /var/task/bootstrap: exec format error"
    );
    create_script(
        &aws,
        "#!/bin/sh\nexit 1\n",
        &json!({ "FunctionName": "other" }),
    )
    .await;
    let path = format!("{FUNCTIONS}/other/invocations");
    let answer = send(&aws, "POST", &path, "{}", &[("x-amz-log-type", "Tail")]).await;
    assert_eq!(answer.json()["errorType"], "Runtime.ExitError");
    let log = answer.log();
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text}: {log}"));
    let failed = "\tStatus: error\tError Type: Runtime.ExitError\n";
    assert!(at(&format!("Phase: init{failed}")) < at("START RequestId: "));
    assert!(at("START RequestId: ") < at(&format!("Phase: invoke{failed}")));
    assert!(at(&format!("Phase: invoke{failed}")) < at("END RequestId: "));
    let python = json!({ "FunctionName": "python", "Runtime": "python3.12" });
    create_script(&aws, "#!/bin/sh\n", &python).await;
    let answer = send(
        &aws,
        "POST",
        &format!("{FUNCTIONS}/python/invocations"),
        "{}",
        &[],
    )
    .await;
    assert_eq!(answer.json()["errorType"], "Runtime.InvalidRuntime");
}

#[tokio::test]
async fn an_error_of_the_init_phase_is_the_answer() {
    let folder = folder();
    let aws = processes(folder.path()).await;
    let init = r#"curl -sS -o /dev/null -H 'Lambda-Runtime-Function-Error-Type: Runtime.NoTable' \
  --data '{"errorType":"NoTable","errorMessage":"no table"}' "$API/init/error"; exit 1"#;
    create_script(&aws, &script(init, ""), &json!({})).await;
    assert_eq!(
        error(&aws, &json!({})).await,
        ("NoTable".to_owned(), "no table".to_owned())
    );
}

#[tokio::test]
async fn the_runtime_api_refuses_what_is_out_of_turn() {
    let folder = folder();
    let aws = processes(folder.path()).await;
    let work = r#"
  STATUS() { curl -sS -o /dev/null -w '%{http_code} ' --data-binary '1' "$@"; }
  ANSWER="\"$(STATUS "$API/invocation/other/response") $(STATUS "$API/init/error") $(curl -sS -o /dev/null -w '%{http_code}' "$API/invocation/next") $(STATUS "$API/x")\""
  case "$EVENT" in 2)
    head -c 7000000 /dev/zero > $HEAD.large
    CODE=$(curl -sS -o /dev/null -w '%{http_code}' --data-binary @$HEAD.large "$API/invocation/$ID/response")
    rm $HEAD.large; echo "large: $CODE"; continue;; esac
  case "$EVENT" in 3)
    curl -sS -o /dev/null --data-binary '{"errorType":"Own","errorMessage":"mine"}' "$API/invocation/$ID/error"; continue;; esac"#;
    create_script(&aws, &script("", work), &json!({ "Timeout": 20 })).await;
    let answer = invoke(&aws, &json!(1)).await;
    assert_eq!(answer.json(), "400  403  403 404 ");
    let (kind, message) = error(&aws, &json!(2)).await;
    assert_eq!(kind, "Function.ResponseSizeTooLarge");
    assert_eq!(
        message,
        "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
    );
    assert_eq!(
        error(&aws, &json!(3)).await,
        ("Own".to_owned(), "mine".to_owned())
    );
}

#[tokio::test]
async fn a_process_has_the_variables_that_aws_gives() {
    let folder = folder();
    let aws = processes(folder.path()).await;
    let work =
        r#"ANSWER="\"$(tr '\0' '\n' < /proc/$$/environ | cut -d= -f1 | sort | tr '\n' ' ')\"""#;
    let own = json!({ "Environment": { "Variables": { "OWN": "x" } } });
    create_script(&aws, &script("", work), &own).await;
    let answer = invoke(&aws, &json!(1)).await.json();
    let names: Vec<&str> = answer
        .as_str()
        .expect("names")
        .split_whitespace()
        .filter(|name| *name != "TMPDIR")
        .collect();
    let expected = "AWS_ACCESS_KEY_ID AWS_DEFAULT_REGION AWS_LAMBDA_FUNCTION_MEMORY_SIZE AWS_LAMBDA_FUNCTION_NAME \
                    AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE AWS_LAMBDA_LOG_GROUP_NAME \
                    AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_RUNTIME_API AWS_REGION AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN \
                    LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT LANG LD_LIBRARY_PATH OWN PATH TZ _HANDLER";
    let mut expected: Vec<&str> = expected.split_whitespace().collect();
    expected.sort_unstable();
    let mut names = names;
    names.sort_unstable();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn several_run_at_once_up_to_the_concurrency() {
    let folder = folder();
    let aws = processes(folder.path()).await;
    create_script(
        &aws,
        &script("", "sleep 0.3; ANSWER=$$"),
        &json!({ "Timeout": 20 }),
    )
    .await;
    let (one, other) = (json!(1), json!(2));
    let (first, second) = tokio::join!(invoke(&aws, &one), invoke(&aws, &other));
    assert_ne!(first.json(), second.json());
    let reserved = json!({ "ReservedConcurrentExecutions": 1 });
    call(
        &aws,
        "PUT",
        "/2017-10-31/functions/demo/concurrency",
        &reserved,
    )
    .await;
    let (first, second) = tokio::join!(invoke(&aws, &one), invoke(&aws, &other));
    let refused = if first.status == 200 { second } else { first };
    assert_eq!(refused.refusal().1, "TooManyRequestsException");
    assert_eq!(
        refused.json()["Reason"],
        "ReservedFunctionConcurrentInvocationLimitExceeded"
    );
}

#[tokio::test]
async fn a_function_goes_on_without_its_caller() {
    let folder = folder();
    let aws = processes(folder.path()).await;
    let file = folder.path().join("done");
    let work = format!("sleep 0.3; touch {}; ANSWER=$$", file.display());
    create_script(&aws, &script("", &work), &json!({ "Timeout": 20 })).await;
    let impatient = tokio::time::timeout(Duration::from_millis(150), invoke(&aws, &json!(1))).await;
    assert!(impatient.is_err());
    wait_for(&file).await;
    std::fs::remove_file(&file).expect("it is there");
    let path = format!("{DEMO}/invocations");
    let answer = send(
        &aws,
        "POST",
        &path,
        "1",
        &[("x-amz-invocation-type", "Event")],
    )
    .await;
    assert_eq!(answer.status, 202);
    wait_for(&file).await;
}

async fn wait_for(file: &Path) {
    let began = Instant::now();
    while !file.exists() {
        assert!(began.elapsed() < Duration::from_secs(5), "nothing happened");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
