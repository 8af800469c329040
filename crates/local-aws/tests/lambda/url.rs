//! Function URLs: their control plane, and requests to them.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::Request;
use local_aws::{FunctionError, LocalAws, Outcome};
use serde_json::{Value, json};

use crate::harness::*;

pub(crate) const URL: &str = "/2021-10-31/functions/demo/url";
const FORBIDDEN: &str = "{\"Message\":\"Forbidden. For troubleshooting Function URL authorization issues, see: \
                         https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html\"}";

/// A request to the URL, as a browser sends it.
pub(crate) fn request(url: &str, method: &str, path: &str) -> http::request::Builder {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", host)
}

pub(crate) async fn ask(
    aws: &LocalAws,
    request: http::request::Builder,
    body: impl Into<Bytes>,
) -> Answer {
    let request = request.body(body.into()).expect("a request");
    match aws.handle(request).await {
        Outcome::Answered(response) => {
            let (parts, bytes) = response.into_parts();
            Answer {
                status: parts.status.as_u16(),
                headers: parts.headers,
                bytes,
            }
        }
        Outcome::Dropped => panic!("an answer"),
    }
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.bytes).expect("text")
}

/// A statement of the function's policy.
pub(crate) async fn allow(aws: &LocalAws, sid: &str, more: &Value) {
    let mut statement = json!({ "StatementId": sid, "Principal": "*" });
    for (name, value) in more.as_object().into_iter().flatten() {
        statement[name] = value.clone();
    }
    let made = call(aws, "POST", &format!("{DEMO}/policy"), &statement).await;
    assert_eq!(made.status, 201, "{made:?}");
}

/// The values that everybody needs.
pub(crate) async fn allow_everybody(aws: &LocalAws) {
    let url = json!({ "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE" });
    allow(aws, "url", &url).await;
    let invoke = json!({ "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": true });
    allow(aws, "invoke", &invoke).await;
}

/// The URL that everybody may use, of the function that is there.
pub(crate) async fn open_url(aws: &LocalAws, input: &Value) -> String {
    let made = call(aws, "POST", URL, input).await;
    assert_eq!(made.status, 201, "{made:?}");
    allow_everybody(aws).await;
    let made = made.json();
    made["FunctionUrl"].as_str().expect("a URL").to_owned()
}

/// A function that answers `work`, with its URL.
async fn answering(
    work: impl Fn(Bytes) -> Result<Bytes, FunctionError> + Send + Sync + 'static,
) -> (LocalAws, String) {
    let aws = inline_with(work).await;
    create(&aws, &Value::Null).await;
    let url = open_url(&aws, &json!({ "AuthType": "NONE" })).await;
    (aws, url)
}

/// A function that answers as its event, with its URL.
async fn echo() -> (LocalAws, String) {
    answering(|event| {
        let body = String::from_utf8(event.to_vec()).expect("text");
        Ok(json!({ "statusCode": 200, "body": body })
            .to_string()
            .into())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_configuration_is_made_read_changed_and_deleted() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    let cors = json!({ "AllowOrigins": ["https://a.example"], "MaxAge": 60 });
    let made = call(
        &aws,
        "POST",
        URL,
        &json!({ "AuthType": "NONE", "Cors": cors }),
    )
    .await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["FunctionArn"], ARN);
    assert_eq!(made["Cors"], cors);
    assert!(made.get("InvokeMode").is_none() && made.get("LastModifiedTime").is_none());
    let url = made["FunctionUrl"].as_str().expect("a URL");
    let id = url
        .trim_start_matches("http://")
        .split('.')
        .next()
        .expect("an id");
    assert_eq!(id.len(), 32);
    assert_eq!(url, format!("http://{id}.lambda-url.eu-west-1.localhost/"));
    let again = call(&aws, "POST", URL, &json!({ "AuthType": "NONE" })).await;
    let (status, code, message) = again.refusal();
    assert_eq!((status, code.as_str()), (409, "ResourceConflictException"));
    assert_eq!(
        message,
        format!(
            "Failed to create function url config for [functionArn = {ARN}]. Error message:  FunctionUrlConfig exists for \
             this Lambda function"
        )
    );
    let got = get(&aws, URL).await.json();
    assert_eq!(got["InvokeMode"], "BUFFERED");
    assert_eq!(got["LastModifiedTime"], got["CreationTime"]);
    let change = json!({ "AuthType": "AWS_IAM", "InvokeMode": "RESPONSE_STREAM" });
    let changed = call(&aws, "PUT", URL, &change).await.json();
    assert_eq!(changed["Cors"], cors);
    assert_eq!(changed["InvokeMode"], "RESPONSE_STREAM");
    let changed = call(&aws, "PUT", URL, &json!({ "Cors": {} })).await.json();
    assert!(changed.get("Cors").is_none());
    assert_eq!(
        (&changed["AuthType"], &changed["FunctionUrl"]),
        (&json!("AWS_IAM"), &made["FunctionUrl"])
    );
    assert_eq!(call(&aws, "DELETE", URL, &Value::Null).await.status, 204);
    let message = "The resource you requested does not exist.".to_owned();
    let missing = (404, "ResourceNotFoundException".to_owned(), message);
    assert_eq!(get(&aws, URL).await.refusal(), missing);
    assert_eq!(
        call(&aws, "DELETE", URL, &Value::Null).await.refusal(),
        missing
    );
    let other = call(&aws, "POST", URL, &json!({ "AuthType": "NONE" }))
        .await
        .json();
    assert_ne!(other["FunctionUrl"], made["FunctionUrl"]);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_url_is_refused() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    let none = json!({ "AuthType": "NONE" });
    for qualifier in ["1", "$LATEST"] {
        let path = format!("{URL}?Qualifier={qualifier}");
        let (status, code, message) = call(&aws, "POST", &path, &none).await.refusal();
        assert_eq!((status, code.as_str()), (400, "ValidationException"));
        assert_eq!(
            message,
            format!(
                "1 validation error detected: Value '{qualifier}' at 'qualifier' failed to satisfy constraint: Member must \
                 satisfy regular expression pattern: ((?!^\\d+$)^[0-9a-zA-Z-_]+$)"
            )
        );
    }
    for path in [
        "/2021-10-31/functions/other/url".to_owned(),
        format!("{URL}?Qualifier=v1"),
    ] {
        let (status, _, message) = call(&aws, "POST", &path, &none).await.refusal();
        assert_eq!(
            (status, message.as_str()),
            (404, "Function does not exist"),
            "{path}"
        );
    }
    let (status, _, message) = get(&aws, "/2021-10-31/functions/other/urls")
        .await
        .refusal();
    assert_eq!((status, message.as_str()), (404, "Function does not exist"));
    let modes = json!({ "AuthType": "NONE", "InvokeMode": "UNKNOWN" });
    let (_, _, message) = call(&aws, "POST", URL, &modes).await.refusal();
    assert_eq!(
        message,
        "1 validation error detected: Value 'UNKNOWN' at 'invokeMode' failed to satisfy constraint: Member must satisfy \
         enum value set: [RESPONSE_STREAM, BUFFERED]"
    );
    let (_, _, message) = call(&aws, "POST", URL, &json!({})).await.refusal();
    assert!(message.contains("Value null at 'authType'"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn aliases_have_urls_of_their_own() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    call(&aws, "POST", &format!("{DEMO}/versions"), &json!({})).await;
    let alias = json!({ "Name": "live", "FunctionVersion": "1" });
    call(&aws, "POST", &format!("{DEMO}/aliases"), &alias).await;
    let none = json!({ "AuthType": "NONE" });
    call(&aws, "POST", URL, &none).await;
    let live = call(&aws, "POST", &format!("{URL}?Qualifier=live"), &none)
        .await
        .json();
    assert_eq!(live["FunctionArn"], format!("{ARN}:live"));
    let urls = "/2021-10-31/functions/demo/urls";
    let listed = get(&aws, urls).await.json();
    let arns: Vec<&Value> = listed["FunctionUrlConfigs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|url| &url["FunctionArn"])
        .collect();
    assert_eq!(arns, [ARN, &format!("{ARN}:live")]);
    let first = get(&aws, &format!("{urls}?MaxItems=1")).await.json();
    let marker = first["NextMarker"]
        .as_str()
        .expect("more")
        .replace('=', "%3D");
    let second = get(&aws, &format!("{urls}?MaxItems=1&Marker={marker}"))
        .await
        .json();
    assert_eq!(
        second["FunctionUrlConfigs"][0]["FunctionArn"],
        live["FunctionArn"]
    );
    assert!(second.get("NextMarker").is_none());
    // The function's own is another one.
    assert_eq!(call(&aws, "DELETE", URL, &Value::Null).await.status, 204);
    assert_eq!(
        get(&aws, &format!("{URL}?Qualifier=live")).await.status,
        200
    );
    let url = live["FunctionUrl"].as_str().expect("a URL").to_owned();
    call(
        &aws,
        "DELETE",
        &format!("{DEMO}/aliases/live"),
        &Value::Null,
    )
    .await;
    assert_eq!(
        get(&aws, &format!("{URL}?Qualifier=live")).await.status,
        404
    );
    let answer = ask(&aws, request(&url, "GET", "/"), "").await;
    assert_eq!((answer.status, text(&answer)), (403, FORBIDDEN));
}

#[tokio::test(start_paused = true)]
async fn a_url_goes_with_its_function() {
    let (aws, url) = echo().await;
    assert_eq!(ask(&aws, request(&url, "GET", "/"), "").await.status, 200);
    call(&aws, "DELETE", DEMO, &Value::Null).await;
    create(&aws, &Value::Null).await;
    assert_eq!(get(&aws, URL).await.status, 404);
    assert_eq!(ask(&aws, request(&url, "GET", "/"), "").await.status, 403);
    let never = request(
        "http://0123456789abcdefghijklmnopqrstuv.lambda-url.eu-west-1.localhost/",
        "GET",
        "/",
    );
    let answer = ask(&aws, never, "").await;
    assert_eq!((answer.status, text(&answer)), (403, "{\"Message\":null}"));
    assert_eq!(answer.header("x-amzn-errortype"), "AccessDeniedException");
    assert_eq!(answer.header("content-type"), "application/json");
}

#[tokio::test(start_paused = true)]
async fn everybody_needs_both_permissions() {
    let aws = inline().await;
    create(&aws, &Value::Null).await;
    let made = call(&aws, "POST", URL, &json!({ "AuthType": "NONE" }))
        .await
        .json();
    let url = made["FunctionUrl"].as_str().expect("a URL");
    let refused = ask(&aws, request(url, "GET", "/"), "").await;
    assert_eq!((refused.status, text(&refused)), (403, FORBIDDEN));
    assert_eq!(refused.header("x-amzn-errortype"), "AccessDeniedException");
    let action = json!({ "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE" });
    allow(&aws, "url", &action).await;
    assert_eq!(ask(&aws, request(url, "GET", "/"), "").await.status, 403);
    let other = json!({ "Action": "lambda:InvokeFunction", "Principal": "111111111111", "InvokedViaFunctionUrl": true });
    allow(&aws, "other", &other).await;
    assert_eq!(ask(&aws, request(url, "GET", "/"), "").await.status, 403);
    let invoke = json!({ "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": true });
    allow(&aws, "invoke", &invoke).await;
    assert_eq!(ask(&aws, request(url, "GET", "/"), "").await.status, 200);
    // A statement for URLs with signed requests does not open the others.
    call(&aws, "DELETE", &format!("{DEMO}/policy/url"), &Value::Null).await;
    let signed = json!({ "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM" });
    allow(&aws, "signed", &signed).await;
    assert_eq!(ask(&aws, request(url, "GET", "/"), "").await.status, 403);
}

#[tokio::test(start_paused = true)]
async fn a_function_gets_the_whole_request() {
    let (aws, url) = echo().await;
    let host = url
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let path = "/pa2%Fth/1?q=query&multi=foo&multi=%2Fbar";
    let sent = request(&url, "POST", path)
        .header("content-type", "application/json")
        .header("Extra", "one")
        .header("Extra", "two")
        .header("cookie", "a=1; b=2")
        .header("user-agent", "test")
        .header(
            "x-amzn-trace-id",
            "Root=1-5759e988-bd862e3fe1be46a994272793",
        );
    let answer = ask(&aws, sent, "{\"foo\":\"bar\"}").await;
    let event = answer.json();
    assert_eq!(event["version"], "2.0");
    assert_eq!(event["routeKey"], "$default");
    assert_eq!(event["rawPath"], "/pa2%Fth/1");
    assert_eq!(event["rawQueryString"], "q=query&multi=foo&multi=%2Fbar");
    assert_eq!(
        event["queryStringParameters"],
        json!({ "q": "query", "multi": "foo,/bar" })
    );
    assert_eq!(event["cookies"], json!(["a=1", "b=2"]));
    assert_eq!(event["body"], "{\"foo\":\"bar\"}");
    assert_eq!(event["isBase64Encoded"], false);
    let headers = &event["headers"];
    assert_eq!(headers["extra"], "one,two");
    assert_eq!(headers["host"], host);
    assert_eq!(headers["x-forwarded-proto"], "https");
    assert_eq!(
        headers["x-amzn-trace-id"],
        "Root=1-5759e988-bd862e3fe1be46a994272793"
    );
    assert!(headers.get("cookie").is_none());
    let context = &event["requestContext"];
    assert_eq!(context["accountId"], "anonymous");
    assert_eq!(context["domainName"], host);
    assert_eq!(context["apiId"], host.split('.').next().expect("an id"));
    assert_eq!(context["domainPrefix"], context["apiId"]);
    assert_eq!(context["stage"], "$default");
    assert!(context.get("authorizer").is_none());
    assert_eq!(
        context["http"],
        json!({
            "method": "POST", "path": "/pa2%Fth/1", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test",
        })
    );
    assert_eq!(context["requestId"], answer.header("x-amzn-requestid"));
    assert!(
        context["timeEpoch"].is_u64()
            && context["time"]
                .as_str()
                .expect("a time")
                .ends_with(" +0000")
    );
    let trace = answer.header("x-amzn-trace-id");
    assert!(
        trace.starts_with("Root=1-5759e988-bd862e3fe1be46a994272793;Parent="),
        "{trace}"
    );
    let bare = ask(&aws, request(&url, "GET", "/"), "").await.json();
    for member in ["body", "cookies", "queryStringParameters"] {
        assert!(bare.get(member).is_none(), "{member}");
    }
    assert_eq!(bare["rawQueryString"], "");
    let form =
        request(&url, "POST", "/").header("content-type", "application/x-www-form-urlencoded");
    let event = ask(&aws, form, "a=b").await.json();
    assert_eq!(
        (&event["body"], &event["isBase64Encoded"]),
        (&json!("YT1i"), &json!(true))
    );
}

#[tokio::test(start_paused = true)]
async fn a_url_is_reached_by_a_path_too() {
    let (aws, url) = echo().await;
    let id = url
        .trim_start_matches("http://")
        .split('.')
        .next()
        .expect("an id");
    let sent = Request::get(format!("/_lambda-url/{id}/a/b?c=d")).header("host", "127.0.0.1:4566");
    let event = ask(&aws, sent, "").await.json();
    assert_eq!(event["rawPath"], "/a/b");
    let name = format!("{id}.lambda-url.eu-west-1.on.aws");
    assert_eq!(event["requestContext"]["domainName"], name);
    let sent = Request::get("/_local/health").header("host", name);
    assert_eq!(
        ask(&aws, sent, "").await.json()["rawPath"],
        "/_local/health"
    );
}

#[tokio::test(start_paused = true)]
async fn answers_are_the_functions() {
    let answers = Arc::new(Mutex::new(Ok(json!(null))));
    let given = Arc::clone(&answers);
    let (aws, url) = answering(move |_| {
        let answer: Result<Value, FunctionError> = given.lock().expect("a lock").clone();
        answer.map(|answer| answer.to_string().into())
    })
    .await;
    let set = |answer: Result<Value, FunctionError>| *answers.lock().expect("a lock") = answer;
    set(Ok(json!({ "hello": "world" })));
    let answer = ask(&aws, request(&url, "GET", "/"), "").await;
    assert_eq!(
        (answer.status, text(&answer)),
        (200, "{\"hello\":\"world\"}")
    );
    assert_eq!(answer.header("content-type"), "application/json");
    set(Ok(json!({
        "statusCode": 201, "headers": { "My-Header": "x", "content-type": "text/plain" }, "cookies": ["a=1", "b=2"],
        "body": "aGk=", "isBase64Encoded": true,
    })));
    let answer = ask(&aws, request(&url, "GET", "/"), "").await;
    assert_eq!((answer.status, text(&answer)), (201, "hi"));
    assert_eq!(answer.header("my-header"), "x");
    assert_eq!(answer.header("content-type"), "text/plain");
    assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 2);
    for failed in [
        Ok(json!({ "statusCode": "no" })),
        Err(FunctionError {
            error_type: "E".into(),
            message: "m".into(),
        }),
    ] {
        set(failed);
        let answer = ask(&aws, request(&url, "GET", "/"), "").await;
        assert_eq!(
            (answer.status, text(&answer)),
            (502, "Internal Server Error")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn odd_answers_and_requests_are_answered() {
    let answers = Arc::new(Mutex::new(Bytes::new()));
    let given = Arc::clone(&answers);
    let (aws, url) = answering(move |_| Ok(given.lock().expect("a lock").clone())).await;
    let many: serde_json::Map<String, Value> = (0..40_000)
        .map(|at| (format!("x-{at}"), json!("")))
        .collect();
    for (odd, status) in [
        (vec![], 200),
        (vec![0xff, 0xfe], 200),
        (vec![0; 64], 200),
        (b"[".repeat(100_000), 200),
        (b"{\"statusCode\":1e999}".to_vec(), 502),
        (b"{\"statusCode\":-1}".to_vec(), 502),
        (
            b"{\"statusCode\":200,\"cookies\":[\"a\\nb\"]}".to_vec(),
            502,
        ),
        (
            b"{\"statusCode\":200,\"headers\":{\"\":\"a\"}}".to_vec(),
            502,
        ),
        (
            json!({ "statusCode": 200, "headers": many })
                .to_string()
                .into_bytes(),
            502,
        ),
    ] {
        *answers.lock().expect("a lock") = odd.clone().into();
        let answer = ask(&aws, request(&url, "GET", "/"), "").await;
        let shown = String::from_utf8_lossy(&odd[..odd.len().min(40)]);
        assert_eq!(answer.status, status, "{shown}");
    }
    *answers.lock().expect("a lock") = Bytes::from_static(b"1");
    for path in ["/%", "/%ff?%ff=%zz&&=", "//../..//", "/?a=b=c&a"] {
        let odd = request(&url, "PATCH", path)
            .header(
                "x-odd",
                http::HeaderValue::from_bytes(b"\xff\xfe").expect("a value"),
            )
            .header(
                "content-type",
                http::HeaderValue::from_bytes(b"\xff").expect("a value"),
            )
            .header("cookie", ";;=; ")
            .header("x-amzn-trace-id", ";;=;Root=;Root")
            .header("authorization", "AWS4-HMAC-SHA256 Credential=/////");
        assert_eq!(ask(&aws, odd, vec![0xff; 3]).await.status, 200, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn limits_are_answered() {
    let (aws, url) = echo().await;
    let large = vec![b'x'; 6 * 1024 * 1024 + 1];
    let answer = ask(&aws, request(&url, "POST", "/"), large).await;
    assert_eq!(answer.status, 413);
    let concurrency = "/2017-10-31/functions/demo/concurrency";
    let none = json!({ "ReservedConcurrentExecutions": 0 });
    call(&aws, "PUT", concurrency, &none).await;
    let answer = ask(&aws, request(&url, "GET", "/"), "").await;
    assert_eq!(answer.status, 429);
    assert_eq!(
        answer.header("x-amzn-errortype"),
        "TooManyRequestsException"
    );
    assert_eq!(
        answer.json()["Reason"],
        "ReservedFunctionConcurrentInvocationLimitExceeded"
    );
}

#[tokio::test(start_paused = true)]
async fn browsers_are_answered_by_the_settings() {
    let (aws, url) = echo().await;
    let cors = json!({
        "AllowOrigins": ["https://a.example"], "AllowMethods": ["GET", "PUT"], "AllowHeaders": ["x-a"],
        "ExposeHeaders": ["x-b"], "AllowCredentials": true, "MaxAge": 60,
    });
    call(&aws, "PUT", URL, &json!({ "Cors": cors })).await;
    let preflight = |origin: &str| {
        request(&url, "OPTIONS", "/a")
            .header("origin", origin)
            .header("access-control-request-method", "PUT")
    };
    let answer = ask(&aws, preflight("https://a.example"), "").await;
    assert_eq!((answer.status, text(&answer)), (200, ""));
    for (name, value) in [
        ("access-control-allow-origin", "https://a.example"),
        ("access-control-allow-methods", "GET,PUT"),
        ("access-control-allow-headers", "x-a"),
        ("access-control-allow-credentials", "true"),
        ("access-control-max-age", "60"),
        ("vary", "Origin"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let answer = ask(&aws, preflight("https://b.example"), "").await;
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
    let sent = request(&url, "GET", "/").header("origin", "https://a.example");
    let answer = ask(&aws, sent, "").await;
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "https://a.example"
    );
    assert_eq!(answer.header("access-control-expose-headers"), "x-b");
    // Without settings, the function is asked.
    call(&aws, "PUT", URL, &json!({ "Cors": {} })).await;
    let answer = ask(&aws, preflight("https://a.example"), "").await;
    assert_eq!(answer.json()["requestContext"]["http"]["method"], "OPTIONS");
}

fn with_signature(
    request: http::request::Builder,
    key: &str,
    scope: &str,
) -> http::request::Builder {
    let signature = format!(
        "AWS4-HMAC-SHA256 Credential={key}/20261124/{scope}/aws4_request, SignedHeaders=host, Signature=00"
    );
    request.header("authorization", signature)
}

#[tokio::test(start_paused = true)]
async fn signed_requests_tell_who_asks() {
    let (aws, url) = echo().await;
    call(&aws, "PUT", URL, &json!({ "AuthType": "AWS_IAM" })).await;
    let own = "eu-west-1/lambda";
    let answer = ask(&aws, request(&url, "GET", "/"), "").await;
    assert_eq!((answer.status, text(&answer)), (403, FORBIDDEN));
    let signed = with_signature(request(&url, "GET", "/"), "000000000000", own);
    let event = ask(&aws, signed, "").await.json();
    assert_eq!(event["requestContext"]["accountId"], "000000000000");
    assert_eq!(
        event["requestContext"]["authorizer"]["iam"],
        json!({
            "accessKey": "000000000000", "accountId": "000000000000", "callerId": "000000000000",
            "cognitoIdentity": null, "principalOrgId": null, "userArn": "arn:aws:iam::000000000000:root",
            "userId": "000000000000",
        })
    );
    for scope in ["eu-west-1/execute-api", "us-east-1/lambda"] {
        let other = with_signature(request(&url, "GET", "/"), "000000000000", scope);
        let answer = ask(&aws, other, "").await;
        assert_eq!(answer.status, 403);
        assert_eq!(
            answer.header("x-amzn-errortype"),
            "InvalidSignatureException"
        );
    }
    // The policy lets everybody in by the right to invoke alone, and by a URL without signatures.
    let foreign = || with_signature(request(&url, "GET", "/"), "111111111111", own);
    assert_eq!(ask(&aws, foreign(), "").await.status, 403);
    let other = json!({
        "Action": "lambda:InvokeFunctionUrl", "Principal": "111111111111", "FunctionUrlAuthType": "AWS_IAM",
    });
    allow(&aws, "other", &other).await;
    let event = ask(&aws, foreign(), "").await.json();
    assert_eq!(event["requestContext"]["accountId"], "000000000000");
    assert_eq!(
        event["requestContext"]["authorizer"]["iam"]["accountId"],
        "111111111111"
    );
}
