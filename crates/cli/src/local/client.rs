//! Requests to the local AWS itself, below `/_local/`.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use provision_aws::http::Http;
use provision_engine::fault::Code;

/// `GET /_local/health`, if a local AWS answers there.
pub(super) async fn health(url: &str) -> Option<Value> {
    let http = Http::new(url);
    let health = format!("{url}/_local/health");
    let asked = http.send("GET", &health, None, String::new());
    let answer = tokio::time::timeout(Duration::from_secs(2), asked)
        .await
        .ok()?
        .ok()?;
    (answer.status == 200)
        .then(|| serde_json::from_str(&answer.body).ok())
        .flatten()
}

/// `POST /_local/stop`.
pub(super) async fn stop(url: &str) -> Result<()> {
    let answer = Http::new(url)
        .send("POST", &format!("{url}/_local/stop"), None, String::new())
        .await?;
    ensure!(
        answer.status == 200,
        Code::LocalDidNotEnd.fault(format!("the local AWS refused to stop: {}", answer.body))
    );
    Ok(())
}
