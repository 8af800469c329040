//! Asking the public endpoint whether the stack answers.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use tokio::time::{Instant, sleep};
use tokio::try_join;

use crate::aws::Aws;
use crate::aws::http::Answer;
use crate::declaration::Check;
use crate::fault::Code;
use crate::input::Outputs;
use crate::resource::KeyId;

/// Keys and permissions reach API Gateway's front within seconds, at times within minutes.
const AT_MOST: Duration = Duration::from_mins(3);

/// Asks with the key until the answer is 200, and without it to see 403.
pub async fn wait_until_live(check: &Check, outputs: &Outputs, aws: &Aws) -> Result<()> {
    let url = text(outputs, &check.url.to_value(), "the endpoint's URL")?;
    let key = KeyId(text(outputs, &check.key.to_value(), "the API key's id")?);
    let http = aws.http(&url);
    let without_key = poll(
        aws,
        async || {
            http.send(check.method, &url, None, check.body.clone())
                .await
        },
        |answer| answer.status == 403,
        "the endpoint to refuse requests without the key",
    );
    let with_key = wait_for_key(check, outputs, aws, &key);
    try_join!(with_key, without_key)?;
    Ok(())
}

/// Asks with the key `id` until the answer is 200.
pub async fn wait_for_key(check: &Check, outputs: &Outputs, aws: &Aws, id: &KeyId) -> Result<()> {
    let url = text(outputs, &check.url.to_value(), "the endpoint's URL")?;
    let key = aws.key(&id.0).await?;
    let http = aws.http(&url);
    poll(
        aws,
        async || {
            http.send(check.method, &url, Some(&key), check.body.clone())
                .await
        },
        |answer| answer.status == 200,
        "the endpoint to answer",
    )
    .await
}

async fn poll(
    aws: &Aws,
    ask: impl AsyncFn() -> Result<Answer>,
    is_good: impl Fn(&Answer) -> bool,
    what: &str,
) -> Result<()> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(500);
    loop {
        let answer = ask().await;
        if answer.as_ref().is_ok_and(&is_good) {
            return Ok(());
        }
        let seen = match &answer {
            Ok(answer) => format!("{} {}", answer.status, excerpt(&answer.body)),
            Err(error) => format!("{error:#}"),
        };
        if started.elapsed() + pause > AT_MOST {
            bail!(
                Code::NotLive
                    .fault(format!(
                        "deployed, but not yet reachable: waited {} s for {what}; last answer: {seen}",
                        started.elapsed().as_secs()
                    ))
                    .remedy(
                        "run it again in some minutes; the key must be enabled and in the plan, the plan must \
                         cover the stage, and the function must start"
                    )
            );
        }
        let reason = format!("waiting for {what}, last answer: {seen}");
        aws.waiting(reason, pause, true);
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

fn text(outputs: &Outputs, value: &serde_json::Value, what: &str) -> Result<String> {
    let resolved = outputs.resolve(value);
    ensure!(
        resolved.is_string(),
        Code::Incomplete.fault(format!("{what} is not known"))
    );
    Ok(resolved.as_str().unwrap_or_default().to_owned())
}

fn excerpt(body: &str) -> &str {
    let end = body
        .char_indices()
        .nth(200)
        .map_or(body.len(), |(at, _)| at);
    body[..end].trim()
}
