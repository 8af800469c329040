//! `doctor`: check what this machine and the account lack.

use std::fmt::Write;

use anyhow::Result;
use serde_json::json;

use super::Session;
use crate::args;
use crate::doctor::{Check, Status, account, machine};
use crate::exit::Exit;
use crate::local::Server;
use crate::options::{DeclareOptions, overrides};

/// Runs the command.
pub(crate) async fn run(session: &Session<'_>, arguments: &args::Doctor) -> Result<Exit> {
    let checks = session
        .interrupt
        .or(Box::pin(checks(session, arguments)))
        .await?;
    let text = if session.config.json {
        json!({ "schema": 1, "checks": checks }).to_string()
    } else {
        session.console.as_called(&text(&checks))
    };
    session.console.result(&text);
    let failed = checks.iter().any(|check| check.status == Status::Fail);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

async fn checks(session: &Session<'_>, arguments: &args::Doctor) -> Result<Vec<Check>> {
    let architecture = arguments.arch.parse();
    let architecture = architecture.map_err(|error: String| anyhow::anyhow!(error))?;
    let overrides = overrides(&arguments.bootstrap);
    let assets = session.declare_offline()?.assets;
    let local_aws = &session.config.local_aws;
    let (toolchain, function, local) = tokio::join!(
        machine::toolchain(),
        machine::function(&assets, &overrides, architecture),
        machine::local_aws(session.app, local_aws),
    );
    let mut checks = vec![function, local];
    if arguments.bootstrap.is_empty() {
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
        let region = session.region().await;
        checks.push(account::region(region.as_deref()));
        region
    };
    if region.is_none() && !session.config.local {
        checks.extend(account::unknown(&account::NAMES));
        return Ok(checks);
    }
    match session.connect().await {
        Err(error) => {
            checks.push(Check::error("credentials", &error));
            checks.extend(account::unknown(&account::NAMES));
        }
        Ok((aws, listener)) => {
            checks.push(Check::ok("credentials", "found"));
            let options = DeclareOptions::default();
            let declaration = session.declare(&options, aws.region())?;
            let kinds = session.app.kinds(&declaration);
            checks.extend(Box::pin(account::checks(&aws, &declaration, &kinds)).await);
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
