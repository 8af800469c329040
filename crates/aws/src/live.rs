//! The check of a stack: requests to its public endpoint.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde_json::Value;
use tokio::time::{Instant, timeout};
use tokio::try_join;

use provision_engine::aws::Aws;
use provision_engine::fault::Code;
use provision_engine::input::Outputs;
use provision_engine::observe::Arrivals;
use provision_engine::secret::Secret;
use provision_engine::stack::Check;

use crate::apigateway;
use crate::arn::KeyId;
use crate::calls::Calls;
use crate::http::Answer;

/// Keys and permissions reach API Gateway's front within seconds, at times within minutes.
const AT_MOST: Duration = Duration::from_mins(3);

/// The time for which an endpoint may go on answering otherwise than declared before something is done about it, where nothing that
/// it depends on was changed; and where something was, which AWS passes on within a minute as a rule.
const SOON: Duration = Duration::from_secs(15);
const SOON_AFTER_CHANGES: Duration = Duration::from_mins(1);

/// The patience with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// As for an endpoint of which nothing was changed: 15 s.
    Unchanged,
    /// As for an endpoint that something can still be done about: one minute.
    Changed,
    /// As long as AWS may take: three minutes.
    Full,
}

impl Patience {
    fn at_most(self) -> Duration {
        match self {
            Self::Unchanged => SOON,
            Self::Changed => SOON_AFTER_CHANGES,
            Self::Full => AT_MOST,
        }
    }
}

/// A run without changes does not wait longer for the first answer.
const ASKED_AT_MOST: Duration = Duration::from_secs(10);

/// AWS's answers after a deployment alternate between the old and the new for some seconds. Emulators have one front.
const IN_A_ROW: u32 = 3;

/// Reads the key of a check while the rest of the account is read: as soon as its id is known. `None` if there is none, or none yet.
pub async fn key_of(check: &Check, arrivals: &Arrivals, aws: &Aws) -> Option<Secret> {
    let id = arrivals.resolve(&check.key.as_ref()?.to_value()).await?;
    let id = KeyId(id.as_str()?.to_owned());
    apigateway::key_value(aws, &id).await.ok()
}

/// Asks once, with a `key` that was read before. Returns true if the answers are those that [`wait_until_live`] waits for, or say
/// that a declared limit is used up.
pub async fn answers(check: &Check, key: Option<&Secret>, outputs: &Outputs, aws: &Aws) -> bool {
    let Ok(url) = text(outputs, &check.url.to_value(), "the endpoint's URL") else {
        return false;
    };
    if check.key.is_some() && key.is_none() {
        return false;
    }
    let http = aws.http(&url);
    let ask = async |key: Option<&Secret>| {
        let body = check.body.clone();
        http.send(&check.method, &url, key, body).await.ok()
    };
    let without_key = async {
        match key {
            None => true,
            Some(_) => ask(None).await.is_some_and(|answer| is_refusal(&answer)),
        }
    };
    let asked = timeout(ASKED_AT_MOST, async {
        let (answer, is_closed) = tokio::join!(ask(key), without_key);
        is_closed && answer.is_some_and(|answer| matches!(answer.status, 200 | 429))
    });
    asked.await.unwrap_or(false)
}

/// Whatever is not deployed yet is refused as well, but in other words.
fn is_refusal(answer: &Answer) -> bool {
    answer.status == 403 && answer.body.contains("Forbidden")
}

/// Sends the check's request until the answer is 200, and where it has a key, also without it until the answer is 403.
///
/// # Errors
///
/// `Code::NotLive` when the patience is over.
pub async fn wait_until_live(
    check: &Check,
    outputs: &Outputs,
    aws: &Aws,
    patience: Patience,
) -> Result<()> {
    let url = text(outputs, &check.url.to_value(), "the endpoint's URL")?;
    let Some(key) = &check.key else {
        return wait_for_answer(check, &url, aws, None, patience).await;
    };
    let key = KeyId(text(outputs, &key.to_value(), "the API key's id")?);
    let http = aws.http(&url);
    let without_key = poll(
        aws,
        async || {
            http.send(&check.method, &url, None, check.body.clone())
                .await
        },
        is_refusal,
        "the endpoint to refuse requests without the key",
        None,
        patience,
    );
    let with_key = wait_with_key(check, outputs, aws, &key, patience);
    try_join!(with_key, without_key)?;
    Ok(())
}

/// Sends the check's request with the key `id` until the answer is 200.
///
/// # Errors
///
/// `Code::NotLive` after three minutes.
pub(crate) async fn wait_for_key(
    check: &Check,
    outputs: &Outputs,
    aws: &Aws,
    id: &KeyId,
) -> Result<()> {
    wait_with_key(check, outputs, aws, id, Patience::Full).await
}

async fn wait_with_key(
    check: &Check,
    outputs: &Outputs,
    aws: &Aws,
    id: &KeyId,
    patience: Patience,
) -> Result<()> {
    let url = text(outputs, &check.url.to_value(), "the endpoint's URL")?;
    let key = apigateway::key_value(aws, id).await?;
    wait_for_answer(check, &url, aws, Some(&key), patience).await
}

async fn wait_for_answer(
    check: &Check,
    url: &str,
    aws: &Aws,
    key: Option<&Secret>,
    patience: Patience,
) -> Result<()> {
    let http = aws.http(url);
    poll(
        aws,
        async || http.send(&check.method, url, key, check.body.clone()).await,
        |answer| answer.status == 200,
        "the endpoint to answer",
        key,
        patience,
    )
    .await
}

async fn poll(
    aws: &Aws,
    ask: impl AsyncFn() -> Result<Answer>,
    is_good: impl Fn(&Answer) -> bool,
    what: &str,
    key: Option<&Secret>,
    patience: Patience,
) -> Result<()> {
    let started = Instant::now();
    let mut pause = Duration::from_millis(500);
    let mut row = Row::new(if aws.endpoint().is_none() {
        IN_A_ROW
    } else {
        1
    });
    loop {
        let answer = ask().await;
        // Our own requests may be more than the plan lets pass: that says nothing about what is served.
        let is_throttled = answer.as_ref().is_ok_and(|answer| answer.status == 429);
        if !is_throttled {
            let is_good = answer.as_ref().is_ok_and(&is_good);
            if row.is_complete_with(is_good) {
                return Ok(());
            }
            if is_good {
                continue;
            }
        }
        let seen = match &answer {
            Ok(answer) => format!("{} {}", answer.status, excerpt(&masked(&answer.body, key))),
            Err(error) => format!("{error:#}"),
        };
        if started.elapsed() + pause > patience.at_most() {
            bail!(
                Code::NotLive
                    .fault(format!(
                        "deployed, but not yet reachable: waited {} s for {what}; last answer: {seen}",
                        started.elapsed().as_secs()
                    ))
                    .remedy(remedy(&answer))
            );
        }
        let reason = format!("waiting for {what}, last answer: {seen}");
        aws.waiting(reason, pause, true);
        aws.pause(pause).await;
        aws.ensure_running("the request to the endpoint")?;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}

/// Returns what to do about the last answer.
fn remedy(answer: &Result<Answer>) -> &'static str {
    match answer {
        // API Gateway's answers to a function that fails, and to one that it may not call.
        Ok(answer) if matches!(answer.status, 500 | 502 | 504) => {
            "`logs` shows why the function fails; mend it, and run `up` again"
        }
        Ok(answer) if answer.body.contains("Missing Authentication Token") => {
            "the API has no such route: compare the check's path with the routes in `plan -v`"
        }
        _ => {
            "run it again in some minutes; the key must be enabled and in the plan, the plan must cover the stage, and the \
             function must start"
        }
    }
}

/// Good answers one after another.
struct Row {
    wanted: u32,
    seen: u32,
}

impl Row {
    fn new(wanted: u32) -> Self {
        Self { wanted, seen: 0 }
    }

    fn is_complete_with(&mut self, is_good: bool) -> bool {
        self.seen = if is_good { self.seen + 1 } else { 0 };
        self.seen == self.wanted
    }
}

fn text(outputs: &Outputs, value: &Value, what: &str) -> Result<String> {
    let resolved = outputs.resolve(value);
    ensure!(
        resolved.is_string(),
        Code::Incomplete.fault(format!("{what} is not known"))
    );
    Ok(resolved.as_str().unwrap_or_default().to_owned())
}

/// A function may answer with what it was asked, headers and all.
fn masked(body: &str, key: Option<&Secret>) -> String {
    key.map_or_else(|| body.to_owned(), |key| body.replace(key.reveal(), "****"))
}

fn excerpt(body: &str) -> &str {
    let end = body
        .char_indices()
        .nth(200)
        .map_or(body.len(), |(at, _)| at);
    body[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_answer_begins_a_row_anew() {
        let mut row = Row::new(3);
        let answers = [true, true, false, true, true, true];
        let complete: Vec<bool> = answers
            .into_iter()
            .map(|is_good| row.is_complete_with(is_good))
            .collect();
        assert_eq!(complete, [false, false, false, false, false, true]);
        assert!(Row::new(1).is_complete_with(true));
    }

    #[test]
    fn an_echoed_key_is_masked() {
        let key = Secret::new("canary".to_owned());
        assert_eq!(masked("x-api-key: canary!", Some(&key)), "x-api-key: ****!");
    }
}
