//! Requests through the gateway.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use tokio::task::JoinSet;

use crate::home::{Endpoint, PATIENCE, TABLE};

pub(crate) const CONNECTIONS: usize = 8;

/// A client of the deployed endpoint on a connection of its own.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    url: String,
    key: String,
}

impl Caller {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: endpoint.url.clone(),
            key: endpoint.key.clone(),
        }
    }

    /// Returns the status, or `None` where the server has ended.
    pub(crate) async fn post(&self, body: impl Into<Bytes>) -> Option<u16> {
        let request = Request::post(&self.url)
            .header("content-type", "application/json")
            .header("x-api-key", &self.key)
            .body(Full::new(body.into()))
            .expect("the request's parts are valid");
        let response = self.client.request(request).await.ok()?;
        let status = response.status().as_u16();
        response.into_body().collect().await.ok()?;
        Some(status)
    }

    pub(crate) async fn ping(&self) -> Option<u16> {
        self.post("{\"operation\":\"ping\"}").await
    }

    pub(crate) async fn create(&self, id: &str) -> Option<u16> {
        let item = json!({ "id": id, "number": 5 });
        let body =
            json!({ "operation": "create", "tableName": TABLE, "payload": { "Item": item } });
        self.post(body.to_string()).await
    }

    /// Pings over several connections until the time is over; returns the numbers of answers 200 and 429.
    pub(crate) async fn rush(&self, time: Duration) -> (u32, u32) {
        let (passed, refused) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let end = Instant::now() + time;
        let mut tasks = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let (caller, passed, refused) = (self.clone(), passed.clone(), refused.clone());
            tasks.spawn(async move {
                while Instant::now() < end {
                    match caller.ping().await {
                        Some(200) => passed.fetch_add(1, Ordering::Relaxed),
                        Some(429) => refused.fetch_add(1, Ordering::Relaxed),
                        other => panic!("a ping was answered with {other:?}"),
                    };
                }
            });
        }
        tokio::time::timeout(time + PATIENCE, tasks.join_all())
            .await
            .expect("the pings end");
        let count = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        (count(&passed), count(&refused))
    }
}
