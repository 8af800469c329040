//! Packages of functions and layers: downloaded, shared and kept.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use local_aws::LocalAws;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use crate::harness::*;

const LAYERS: &str = "/2018-10-31/layers";
const LAYER: &str = "arn:aws:lambda:eu-west-1:000000000000:layer:tools";

/// Without a signature in the headers, as a browser would ask.
async fn download(aws: &LocalAws, url: &str) -> Answer {
    let request = Request::get(url).body(Bytes::new()).expect("a request");
    handle(aws, request).await
}

fn hash(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

async fn location(aws: &LocalAws, path: &str) -> String {
    let got = get(aws, path).await.json();
    text(&got["Code"]["Location"]).to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_package_is_downloaded_from_its_location() {
    let aws = inline().await;
    create(&aws, &json!({ "Publish": true })).await;
    let code = json!({ "ZipFile": zip("bootstrap", b"#!/bin/sh\nexit 1\n", 0o755) });
    call(&aws, "PUT", &format!("{DEMO}/code"), &code).await;
    // A version keeps its own code.
    for path in [DEMO.to_owned(), format!("{DEMO}?Qualifier=1")] {
        let got = get(&aws, &path).await.json();
        let answer = download(&aws, text(&got["Code"]["Location"])).await;
        assert_eq!(answer.status, 200);
        assert_eq!(hash(&answer.bytes), got["Configuration"]["CodeSha256"]);
        assert_eq!(answer.bytes.len(), got["Configuration"]["CodeSize"]);
        assert_eq!(answer.header("content-type"), "application/zip");
    }
    let url = location(&aws, DEMO).await;
    let (bare, _) = url.split_once('?').expect("a query");
    let other = location(&aws, &format!("{DEMO}?Qualifier=1")).await;
    let (_, of_other) = other.split_once('?').expect("a query");
    let at = url.find("X-Amz-Date=").expect("a date") + "X-Amz-Date=".len();
    let mut later = url.clone();
    later.replace_range(at..at + 4, "9999");
    for wrong in [bare.to_owned(), format!("{bare}?{of_other}"), later] {
        assert_eq!(download(&aws, &wrong).await.status, 403, "{wrong}");
    }
    let posted = Request::post(url.as_str()).body(Bytes::new());
    assert_eq!(handle(&aws, posted.expect("a request")).await.status, 403);
    sleep(Duration::from_secs(599)).await;
    assert_eq!(download(&aws, &url).await.status, 200);
    sleep(Duration::from_secs(2)).await;
    let expired = download(&aws, &url).await;
    assert_eq!(expired.status, 403);
    let body = String::from_utf8_lossy(&expired.bytes).into_owned();
    assert!(
        body.contains("<Message>Request has expired</Message>"),
        "{body}"
    );
}

#[tokio::test]
async fn a_location_is_good_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = {
        let aws = processes(folder.path()).await;
        create(&aws, &Value::Null).await;
        location(&aws, DEMO).await
    };
    let aws = reopened(folder.path());
    assert_eq!(download(&aws, &url).await.status, 200);
    aws.set_endpoint("http://127.0.0.1:4566");
    let url = location(&aws, DEMO).await;
    assert!(url.starts_with("http://127.0.0.1:4566/"), "{url}");
}

async fn publish(aws: &LocalAws, bytes: &[u8], input: &Value) -> Answer {
    let mut body = json!({ "Content": { "ZipFile": zip("bin/tool", bytes, 0o755) } });
    for (name, value) in input.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    call(aws, "POST", &format!("{LAYERS}/tools/versions"), &body).await
}

#[tokio::test(start_paused = true)]
async fn a_layers_content_is_kept_as_long_as_it_is_used() {
    let aws = inline().await;
    let made = publish(&aws, b"one", &Value::Null).await.json();
    let answer = download(&aws, text(&made["Content"]["Location"])).await;
    assert_eq!(hash(&answer.bytes), made["Content"]["CodeSha256"]);
    let created = create(&aws, &json!({ "Layers": [format!("{LAYER}:1")] })).await;
    assert_eq!(created.json()["Layers"][0]["Arn"], format!("{LAYER}:1"));
    let gone = format!("{LAYERS}/tools/versions/1");
    assert_eq!(call(&aws, "DELETE", &gone, &Value::Null).await.status, 204);
    assert_eq!(get(&aws, &gone).await.status, 404);
    sleep(Duration::from_secs(1)).await;
    let url = text(&made["Content"]["Location"]);
    assert_eq!(download(&aws, url).await.status, 200);
    // Another configuration without the layer lets it go.
    let none = json!({ "Layers": [] });
    call(&aws, "PUT", &format!("{DEMO}/configuration"), &none).await;
    let code = json!({ "ZipFile": zip("bootstrap", b"#!/bin/sh\nexit 2\n", 0o755) });
    call(&aws, "PUT", &format!("{DEMO}/code"), &code).await;
    sleep(Duration::from_secs(1)).await;
    for _ in 0..200 {
        if download(&aws, url).await.status == 404 {
            return;
        }
        sleep(Duration::from_millis(10)).await;
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("the layer's content is still there");
}

#[tokio::test(start_paused = true)]
async fn a_layer_is_another_accounts_by_its_policy() {
    let aws = inline().await;
    publish(&aws, b"one", &Value::Null).await;
    let path = format!("{LAYERS}?find=LayerVersion&Arn={LAYER}:1");
    let ask = || signed_by("111111111111", "GET", &path, "lambda", "", &[]);
    let denied = handle(&aws, ask()).await.refusal();
    assert_eq!(
        (denied.0, denied.1.as_str()),
        (403, "AccessDeniedException")
    );
    assert!(
        denied
            .2
            .ends_with("because no resource-based policy allows the lambda:GetLayerVersion action"),
        "{}",
        denied.2
    );
    let policy = format!("{LAYERS}/tools/versions/1/policy");
    let add = |sid: &str, principal: &str| json!({ "StatementId": sid, "Action": "lambda:GetLayerVersion", "Principal": principal });
    call(&aws, "POST", &policy, &add("other", "222222222222")).await;
    assert_eq!(handle(&aws, ask()).await.status, 403);
    call(&aws, "POST", &policy, &add("own", "111111111111")).await;
    assert_eq!(handle(&aws, ask()).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_account_is_told_the_size_of_all_its_code() {
    let aws = inline().await;
    let used = async || {
        let settings = get(&aws, "/2016-08-19/account-settings").await.json();
        settings["AccountUsage"]["TotalCodeSize"]
            .as_u64()
            .expect("a number")
    };
    assert_eq!(used().await, 0);
    let made = create(&aws, &Value::Null).await.json();
    let size = made["CodeSize"].as_u64().expect("a number");
    assert_eq!(used().await, size);
    call(&aws, "POST", &format!("{DEMO}/versions"), &json!({})).await;
    assert_eq!(used().await, 2 * size);
    let layer = publish(&aws, b"one", &Value::Null).await.json();
    let of_layer = layer["Content"]["CodeSize"].as_u64().expect("a number");
    assert_eq!(used().await, 2 * size + of_layer);
}
