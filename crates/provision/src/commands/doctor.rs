//! `doctor`: what is missing, and how to get it.

use std::fmt::Write;

use anyhow::Result;
use serde_json::json;

use super::{Session, connect, region};
use crate::cli;
use crate::doctor::{Check, Status, account, machine};
use crate::exit::Exit;
use crate::local::Server;
use crate::stack;

pub async fn run(session: &Session, arguments: &cli::Doctor) -> Result<Exit> {
    let checks = session.interrupt.or(checks(session, arguments)).await?;
    let text = if session.config.json {
        json!({ "schema": 1, "checks": checks }).to_string()
    } else {
        session.console.as_called(&text(&checks))
    };
    session.console.result(&text);
    let failed = checks.iter().any(|check| check.status == Status::Fail);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

async fn checks(session: &Session, arguments: &cli::Doctor) -> Result<Vec<Check>> {
    let bootstrap = arguments.bootstrap.as_deref();
    let local_aws = &session.config.local_aws;
    let (toolchain, function, local) = tokio::join!(
        machine::toolchain(),
        machine::function(bootstrap, &arguments.arch),
        machine::local_aws(local_aws),
    );
    let mut checks = vec![function, local];
    if bootstrap.is_none() {
        checks.insert(0, toolchain);
    }
    let is_asleep = session.config.local && Server::find(&local_aws.folder).await.is_none();
    if is_asleep {
        checks.extend(account::unknown(&account::NAMES));
        return Ok(checks);
    }
    let region = if session.config.local {
        None
    } else {
        let region = region(session).await;
        checks.push(account::region(region.as_deref()));
        region
    };
    if region.is_none() && !session.config.local {
        checks.extend(account::unknown(&account::NAMES));
        return Ok(checks);
    }
    match connect(session).await {
        Err(error) => {
            checks.push(Check::error("credentials", &error));
            checks.extend(account::unknown(&account::NAMES));
        }
        Ok((aws, listener)) => {
            checks.push(Check::ok("credentials", "found"));
            let stack = stack::lab(&session.config.settings(aws.region()))?;
            checks.extend(account::checks(&aws, &stack).await);
            drop(aws);
            listener.finish().await;
        }
    }
    Ok(checks)
}

fn text(checks: &[Check]) -> String {
    let width = checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for Check {
        name,
        status,
        detail,
        remedy,
    } in checks
    {
        let symbol = match status {
            Status::Ok => "ok  ",
            Status::Warn => "warn",
            Status::Fail => "FAIL",
            Status::Unknown => "?   ",
        };
        let _ = writeln!(text, "{symbol}  {name:<width$}  {detail}");
        if let Some(remedy) = remedy {
            let _ = writeln!(text, "      try: {remedy}");
        }
    }
    text
}
