//! Extensions and telemetry.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use local_aws::LocalAws;
use serde_json::{Value, json};

use crate::harness::*;

/// An extension in Python: what all of them do, with `on_event` for each event and `at_start` before the first.
/// It writes a line to `$TRACE` for everything that it sees.
fn extension(register: &str, at_start: &str, on_event: &str) -> String {
    format!(
        r#"#!/usr/bin/env python3
import http.client, http.server, json, os, sys, threading, time
api = os.environ["AWS_LAMBDA_RUNTIME_API"]
def trace(*values):
    with open(os.environ["TRACE"], "a") as file:
        file.write(json.dumps(values) + "\n")
def ask(method, path, body=None, headers={{}}):
    connection = http.client.HTTPConnection(api)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, dict((name.lower(), value) for name, value in answer.getheaders()), json.loads(answer.read() or "null")
status, headers, body = ask("POST", "/2020-01-01/extension/register", {register},
    {{"Lambda-Extension-Name": os.path.basename(sys.argv[0]), "Lambda-Extension-Accept-Feature": "accountId"}})
trace("registered", status, body)
me = {{"Lambda-Extension-Identifier": headers.get("lambda-extension-identifier", "")}}
{at_start}
while True:
    status, headers, event = ask("GET", "/2020-01-01/extension/event/next", None, me)
    trace("event", status, event)
    if status != 200: sys.exit(3)
    {on_event}
    if event["eventType"] == "SHUTDOWN": sys.exit(0)
"#
    )
}

/// An extension within the runtime: it registers before the first invocation, and waits in the background.
fn internal(events: &str, more: &str) -> String {
    format!(
        r#"
EXT="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
ANSWERED=$(curl -sS -D "$HEAD.ext" -w ' %{{http_code}}' -H 'Lambda-Extension-Name: mine' -H 'Lambda-Extension-Accept-Feature: accountId' --data '{{"events":[{events}]}}' "$EXT/register")
EID=$(grep -i lambda-extension-identifier "$HEAD.ext" | tr -d '\r' | cut -d' ' -f2)
(while true; do curl -sS -H "Lambda-Extension-Identifier: $EID" "$EXT/event/next" >> "$TRACE" || exit; echo >> "$TRACE"; {more} done) >/dev/null 2>&1 &
"#
    )
}

fn traced(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

async fn wait_for<T>(what: impl Fn() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = what() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(8), "nothing happened");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn changes(trace: &Path, more: &Value) -> Value {
    let mut changes = json!({
        "Timeout": 10, "MemorySize": 512, "Environment": { "Variables": { "TRACE": trace } },
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        changes[name] = value.clone();
    }
    changes
}

#[tokio::test]
async fn an_internal_one_sees_invocations() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let trace = folder.path().join("trace");
    let body = script(
        &internal("\"INVOKE\"", ""),
        "ANSWER=\"{\\\"registered\\\": ${ANSWERED% *}, \\\"status\\\": ${ANSWERED##* }}\"",
    );
    create_script(&aws, &body, &changes(&trace, &json!({}))).await;
    let answer = invoke(&aws, &json!(1)).await;
    assert_eq!(
        answer.json(),
        json!({
            "registered": {
                "functionName": "demo", "functionVersion": "$LATEST", "handler": "bootstrap", "accountId": "000000000000",
            },
            "status": 200,
        })
    );
    let log = answer.log();
    let ready = "EXTENSION\tName: mine\tState: Ready\tEvents: [INVOKE]\n";
    assert!(
        log.contains(ready) && log.find(ready) < log.find("START RequestId"),
        "{log}"
    );
    invoke(&aws, &json!(2)).await;
    let events = wait_for(|| Some(traced(&trace)).filter(|events| events.len() == 2)).await;
    for event in &events {
        assert_eq!(event["eventType"], "INVOKE");
        assert_eq!(event["invokedFunctionArn"], ARN);
        assert!(
            event["deadlineMs"].is_u64() && event["requestId"].is_string(),
            "{event}"
        );
    }
    assert_ne!(events[0]["requestId"], events[1]["requestId"]);
}

#[tokio::test]
async fn the_api_refuses_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let trace = folder.path().join("trace");
    let init = r#"
EXT="http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension"
ASK() { curl -sS -w ' %{http_code}|' "$@"; }
REG() { ASK -H "Lambda-Extension-Name: $1" --data "$2" "$EXT/register" | sed 's/.*errorType":"\([^"]*\).* \([0-9]*|\)$/\1 \2/; s/^{.*} //'; }
KIND() { ASK "$@" | sed 's/.*errorType":"\([^"]*\).* \([0-9]*|\)$/\1 \2/'; }
SAID=$(REG '' '{}'; REG a 'x'; REG a '{"events":["SHUTDOWN"]}'; REG a '{"events":["OTHER"]}')
SAID="$SAID$(KIND "$EXT/event/next"; KIND -H 'Lambda-Extension-Identifier: 1' "$EXT/event/next")"
SAID="$SAID$(KIND -H 'Lambda-Extension-Identifier: 01234567-89ab-cdef-0123-456789abcdef' "$EXT/event/next")"
SAID="$SAID$(KIND -X PUT --data '{}' "http://$AWS_LAMBDA_RUNTIME_API/2022-07-01/telemetry")"
"#;
    let work = r#"SAID="$SAID$(REG late '{"events":[]}')"; ANSWER="\"$SAID\"""#;
    create_script(&aws, &script(init, work), &changes(&trace, &json!({}))).await;
    let said = invoke(&aws, &json!(1)).await.json();
    assert_eq!(
        said,
        "Extension.InvalidExtensionName 403|InvalidRequestFormat 403|Extension.InvalidEventType 403|\
         Extension.InvalidEventType 403|Extension.MissingExtensionIdentifier 403|Extension.InvalidExtensionIdentifier 403|\
         Extension.UnknownExtensionIdentifier 403|Extension.MissingExtensionIdentifier 403|\
         Extension.RegistrationClosed 403|"
    );
}

#[tokio::test]
async fn an_answer_stands_although_an_extension_takes_too_long() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let trace = folder.path().join("trace");
    let body = script(&internal("\"INVOKE\"", "sleep 60;"), "ANSWER=$$");
    create_script(&aws, &body, &changes(&trace, &json!({ "Timeout": 1 }))).await;
    let first = invoke(&aws, &json!(1)).await;
    assert_eq!(first.header("x-amz-function-error"), "");
    assert!(first.log().contains("Status: timeout"), "{}", first.log());
    let second = invoke(&aws, &json!(1)).await;
    assert_ne!(first.json(), second.json(), "a new environment");
}

#[tokio::test]
async fn levels_filter_what_is_json() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let work = r#"echo '{"level":"DEBUG","message":"first"}'; echo '{"level":"WARN","message":"second"}'; echo '{"message":"third"}'; echo fourth"#;
    let logging = |application: &str, system: &str| {
        json!({ "LoggingConfig": {
            "LogFormat": "JSON", "ApplicationLogLevel": application, "SystemLogLevel": system,
        } })
    };
    create_script(&aws, &script("", work), &logging("WARN", "DEBUG")).await;
    let log = invoke(&aws, &json!(1)).await.log();
    let has = |what: &str| log.contains(what);
    assert!(
        has("second") && has("fourth") && !has("first") && !has("third"),
        "{log}"
    );
    for kind in [
        "initStart",
        "initRuntimeDone",
        "initReport",
        "start",
        "runtimeDone",
        "report",
    ] {
        assert!(
            has(&format!("\"type\":\"platform.{kind}\"")),
            "{kind}: {log}"
        );
    }
    assert!(!has("START RequestId") && !has("END RequestId"), "{log}");
    for (level, kinds) in [
        ("INFO", vec!["initStart", "start", "report"]),
        ("WARN", vec![]),
    ] {
        let change = logging("TRACE", level);
        let configuration = format!("{DEMO}/configuration");
        call(&aws, "PUT", &configuration, &change).await;
        let log = invoke(&aws, &json!(1)).await.log();
        assert!(log.contains("first") && log.contains("third"), "{log}");
        let found: Vec<String> = log
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter_map(|line| {
                Some(
                    line["type"]
                        .as_str()?
                        .trim_start_matches("platform.")
                        .to_owned(),
                )
            })
            .collect();
        assert_eq!(found, kinds, "{log}");
    }
}

#[tokio::test]
async fn telemetry_comes_in_batches() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let trace = folder.path().join("trace");
    let batches = folder.path().join("batches");
    // A server of the function's own process takes the events.
    let body = format!(
        r#"#!/usr/bin/env python3
import http.client, http.server, json, os, threading
api = os.environ["AWS_LAMBDA_RUNTIME_API"]
class Takes(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        with open("{batches}", "ab") as file: file.write(body + b"\n")
        self.send_response(200); self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Takes)
threading.Thread(target=server.serve_forever, daemon=True).start()
def ask(method, path, body=None, headers={{}}):
    connection = http.client.HTTPConnection(api)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()
_, headers, _ = ask("POST", "/2020-01-01/extension/register", json.dumps({{"events": ["INVOKE"]}}), {{"Lambda-Extension-Name": "mine"}})
me = {{"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}}
def subscribe(body): return ask("PUT", "/2022-07-01/telemetry", json.dumps(body), me)
wrong = subscribe({{"schemaVersion": "2022-12-13", "types": ["platform"], "destination": {{"protocol": "HTTP", "URI": "http://example.com"}}}})
right = subscribe({{"schemaVersion": "2022-12-13", "types": ["platform", "function"], "buffering": {{"timeoutMs": 25, "maxItems": 1000, "maxBytes": 262144}},
    "destination": {{"protocol": "HTTP", "URI": "http://sandbox.localdomain:%d/events" % server.server_port}}}})
def events():
    while True: ask("GET", "/2020-01-01/extension/event/next", None, me)
threading.Thread(target=events, daemon=True).start()
while True:
    _, headers, _ = ask("GET", "/2018-06-01/runtime/invocation/next")
    print("hello", flush=True)
    answer = json.dumps([wrong[0], right[0], right[2].decode(), subscribe({{}})[0]])
    ask("POST", "/2018-06-01/runtime/invocation/%s/response" % headers["Lambda-Runtime-Aws-Request-Id"], answer)
"#,
        batches = batches.display()
    );
    create_script(&aws, &body, &changes(&trace, &json!({}))).await;
    let answer = invoke(&aws, &json!(1)).await;
    assert_eq!(
        answer.json(),
        json!([400, 200, "\"OK\"", 403]),
        "{}",
        answer.log()
    );
    assert!(
        answer
            .log()
            .contains("TELEMETRY\tName: mine\tState: Subscribed\tTypes: [Platform, Function]\n"),
        "{}",
        answer.log()
    );
    let events = wait_for(|| {
        let all: Vec<Value> = traced(&batches)
            .into_iter()
            .flat_map(|batch| batch.as_array().cloned().unwrap_or_default())
            .collect();
        let is_complete = all.iter().any(|event| event["type"] == "platform.report");
        is_complete.then_some(all)
    })
    .await;
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().expect("a type"))
        .collect();
    assert_eq!(
        kinds,
        [
            "platform.initStart",
            "platform.telemetrySubscription",
            "platform.extension",
            "platform.initRuntimeDone",
            "platform.initReport",
            "platform.start",
            "function",
            "platform.runtimeDone",
            "platform.report"
        ]
    );
    assert_eq!(events[6]["record"], "hello\n");
    assert_eq!(events[8]["record"]["status"], "success");
    assert!(events[8]["record"]["metrics"]["initDurationMs"].is_number());
    assert!(events.iter().all(|event| event["time"].is_string()));
}

/// A runtime with an internal extension is told of the end, as without one it is not.
#[tokio::test]
async fn the_runtime_is_told_of_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let trace = folder.path().join("trace");
    let body = r#"#!/usr/bin/env python3
import http.client, os, signal, sys, threading
api = os.environ["AWS_LAMBDA_RUNTIME_API"]
def trace(text):
    with open(os.environ["TRACE"], "a") as file: file.write('"' + text + '"\n')
def told(*_):
    trace("told")
    os._exit(0)
signal.signal(signal.SIGTERM, told)
def ask(method, path, body=None, headers={}):
    connection = http.client.HTTPConnection(api)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.headers, answer.read()
def serve():
    while True:
        headers, event = ask("GET", "/2018-06-01/runtime/invocation/next")
        ask("POST", "/2018-06-01/runtime/invocation/%s/response" % headers["Lambda-Runtime-Aws-Request-Id"], event)
if "EXTENSION" in os.environ:
    headers, _ = ask("POST", "/2020-01-01/extension/register", '{"events":[]}', {"Lambda-Extension-Name": "mine"})
    me = {"Lambda-Extension-Identifier": headers["Lambda-Extension-Identifier"]}
    threading.Thread(target=lambda: ask("GET", "/2020-01-01/extension/event/next", None, me), daemon=True).start()
threading.Thread(target=serve, daemon=True).start()
while True: signal.pause()
"#;
    for has_extension in [true, false] {
        let mut variables = json!({ "TRACE": trace });
        if has_extension {
            variables["EXTENSION"] = json!("1");
        }
        let more = json!({ "Environment": { "Variables": variables } });
        create_script(&aws, body, &changes(&trace, &more)).await;
        assert_eq!(invoke(&aws, &json!(7)).await.json(), 7);
        call(&aws, "DELETE", DEMO, &Value::Null).await;
        if has_extension {
            let seen = wait_for(|| Some(traced(&trace)).filter(|seen| !seen.is_empty())).await;
            assert_eq!(seen, ["told"]);
            fs::remove_file(&trace).expect("it is there");
        } else {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert!(traced(&trace).is_empty());
        }
    }
}

/// A layer with these files, published; its version's ARN.
async fn layer(aws: &LocalAws, name: &str, files: &[(&str, &str)]) -> String {
    let files: Vec<(&str, &[u8], u32)> = files
        .iter()
        .map(|(path, text)| (*path, text.as_bytes(), 0o755))
        .collect();
    let path = format!("/2018-10-31/layers/{name}/versions");
    let content = json!({ "Content": { "ZipFile": zip_of(&files) } });
    let made = call(aws, "POST", &path, &content).await;
    assert_eq!(made.status, 201, "{made:?}");
    made.json()["LayerVersionArn"]
        .as_str()
        .expect("an ARN")
        .to_owned()
}

#[tokio::test]
async fn external_ones_start_before_the_runtime_and_see_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let trace = folder.path().join("trace");
    let own = extension(
        r#"json.dumps({"events": ["INVOKE", "SHUTDOWN"]})"#,
        r#"trace("variables", sorted(os.environ)); print("from the extension", flush=True); time.sleep(0.2); trace("slept")"#,
        "",
    );
    let arn = layer(&aws, "own", &[("extensions/own", &own)]).await;
    let body = script(
        "echo '[\"runtime\"]' >> $TRACE; trap 'echo \"[\\\"terminated\\\"]\" >> $TRACE; exit' TERM",
        "",
    );
    create_script(&aws, &body, &changes(&trace, &json!({ "Layers": [arn] }))).await;
    let answer = invoke(&aws, &json!(7)).await;
    assert_eq!(answer.json(), 7, "{}", answer.log());
    let log = answer.log();
    assert!(log.contains("from the extension\n"), "{log}");
    assert!(
        log.contains("EXTENSION\tName: own\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n"),
        "{log}"
    );
    let seen = traced(&trace);
    assert_eq!(seen[0][0], "registered");
    let variables = seen
        .iter()
        .find(|it| it[0] == "variables")
        .expect("its variables")[1]
        .to_string();
    assert!(!variables.contains("_HANDLER") && !variables.contains("LAMBDA_TASK_ROOT"));
    assert!(variables.contains("AWS_LAMBDA_FUNCTION_NAME") && variables.contains("TRACE"));
    assert!(
        seen.iter()
            .any(|it| it[0] == "event" && it[2]["eventType"] == "INVOKE")
    );
    call(&aws, "DELETE", DEMO, &Value::Null).await;
    let last = wait_for(|| {
        let seen = traced(&trace);
        let last = seen.iter().find(|it| it[2]["eventType"] == "SHUTDOWN");
        last.cloned()
    })
    .await;
    assert_eq!(last[2]["shutdownReason"], "spindown");
    assert!(last[2]["deadlineMs"].is_u64());
}

#[tokio::test]
async fn an_external_one_that_fails_fails_the_function() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let trace = folder.path().join("trace");
    let cases = [
        (
            "crash",
            "sys.exit(5)",
            "",
            "Extension.Crash",
            "exit status 5",
        ),
        (
            "init",
            r#"ask("POST", "/2020-01-01/extension/init/error", "{}", dict(me, **{"Lambda-Extension-Function-Error-Type": "Own.NoConfig"}))"#,
            "",
            "Extension.InitError",
            "Own.NoConfig",
        ),
        (
            "later",
            "",
            r#"ask("POST", "/2020-01-01/extension/exit/error", "{}", dict(me, **{"Lambda-Extension-Function-Error-Type": "Own.Gone"}))"#,
            "Extension.ExitError",
            "Own.Gone",
        ),
    ];
    for (name, at_start, on_event, kind, why) in cases {
        let own = extension(r#"json.dumps({"events": ["INVOKE"]})"#, at_start, on_event);
        let arn = layer(&aws, name, &[("extensions/own", &own)]).await;
        let more = json!({ "Layers": [arn], "FunctionName": name });
        create_script(&aws, &script("", "sleep 1"), &changes(&trace, &more)).await;
        let path = format!("{FUNCTIONS}/{name}/invocations");
        let error = send(&aws, "POST", &path, "{}", &[]).await;
        assert_eq!(error.header("x-amz-function-error"), "Unhandled", "{name}");
        assert_eq!(error.json()["errorType"], kind, "{name}");
        let message = error.json()["errorMessage"].to_string();
        assert!(
            message.contains(&format!(" Error: {why}")),
            "{name}: {message}"
        );
    }
}

#[tokio::test]
async fn layers_are_at_opt_or_where_the_paths_lead() {
    let folder = tempfile::tempdir().expect("a folder");
    let aws = processes(folder.path()).await;
    let trace = folder.path().join("trace");
    let one = layer(
        &aws,
        "one",
        &[
            ("bin/local-aws-tool", "#!/bin/sh\necho one\n"),
            ("bin/local-aws-other", "#!/bin/sh\necho other\n"),
        ],
    )
    .await;
    let two = layer(
        &aws,
        "two",
        &[("bin/local-aws-tool", "#!/bin/sh\necho two\n")],
    )
    .await;
    let work = r#"ANSWER="[\"$(local-aws-tool)\", \"$(local-aws-other)\", \"$([ -x /opt/bin/local-aws-tool ] && echo opt)\", \"$LOCAL_AWS_OPT\"]""#;
    let layers = json!({ "Layers": [one, two] });
    create_script(&aws, &script("", work), &changes(&trace, &layers)).await;
    let answer = invoke(&aws, &json!(7)).await.json();
    assert_eq!(
        (&answer[0], &answer[1]),
        (&json!("two"), &json!("other")),
        "{answer}"
    );
    assert!(
        Path::new(answer[3].as_str().expect("a folder")).is_dir(),
        "{answer}"
    );
    if can_mount() {
        assert_eq!(answer[2], "opt");
    }
    assert!(
        !Path::new("/opt/bin/local-aws-tool").exists(),
        "it is the function's alone"
    );
    call(&aws, "DELETE", DEMO, &Value::Null).await;
    let left = wait_for(|| {
        let path = Path::new(answer[3].as_str()?);
        (!path.exists()).then_some(true)
    });
    assert!(left.await);
}

fn can_mount() -> bool {
    let tried = std::process::Command::new("unshare")
        .args(["-Urm", "mount", "--bind", "/tmp", "/opt"])
        .output();
    tried.is_ok_and(|tried| tried.status.success())
}
