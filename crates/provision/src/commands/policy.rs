//! `policy`: the least rights on the stack, or who may have them.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::{Session, connect};
use crate::aws::Aws;
use crate::cli::{self, PolicyFor};
use crate::declaration::Stack;
use crate::exit::Exit;
use crate::fault::Code;
use crate::rights::trust::Subject;
use crate::rights::{self, Access};
use crate::stack;
use crate::target::{Target, partition_of};

/// Stands for the number of every pull request in the names of its environment.
const ANY_PREVIEW: &str = "pr-*";

pub async fn run(session: &Session, arguments: &cli::Policy) -> Result<Exit> {
    let target = target(session, arguments.account.as_deref()).await?;
    let access = match arguments.r#for {
        PolicyFor::Plan => Access::Read,
        PolicyFor::Up | PolicyFor::Preview => Access::Write,
    };
    let (policy, reasons) = if let Some(repository) = &arguments.trust {
        let subject = subject(arguments);
        subject.check()?;
        let document = rights::trust::document(repository, &subject, &target);
        (document, Value::Null)
    } else {
        let stack = stack(session, &target, arguments.r#for)?;
        session.say_place(&stack, &target);
        let document = rights::document(&stack, &target, access);
        (document, rights::reasons(access))
    };
    let text = if session.config.json {
        json!({ "schema": 1, "target": target, "policy": policy, "reasons": reasons }).to_string()
    } else {
        serde_json::to_string_pretty(&policy)?
    };
    session.console.result(&text);
    Ok(Exit::Done)
}

/// The stack whose names the document carries.
fn stack(session: &Session, target: &Target, r#for: PolicyFor) -> Result<Stack> {
    let mut settings = session.config.settings(&target.region);
    if r#for == PolicyFor::Preview {
        settings.env = Some(ANY_PREVIEW.to_owned());
    }
    stack::lab(&settings)
}

/// Pull requests plan and preview; a branch deploys.
fn subject(arguments: &cli::Policy) -> Subject {
    match (&arguments.environment, arguments.r#for) {
        (Some(name), _) => Subject::Environment(name.clone()),
        (None, PolicyFor::Plan | PolicyFor::Preview) => Subject::PullRequests,
        (None, PolicyFor::Up) => Subject::Branch(arguments.branch.clone()),
    }
}

/// Whose names the document carries: the account as it was given, or as the credentials say.
async fn target(session: &Session, account: Option<&str>) -> Result<Target> {
    let Some(account) = account else {
        let asked = async {
            let (aws, listener) = connect(session).await?;
            let target = session.interrupt.or(aws.target()).await?.clone();
            drop(aws);
            listener.finish().await;
            anyhow::Ok(target)
        };
        return asked
            .await
            .context("asking for the account's number, which `--account` gives as well");
    };
    let region = match &session.reach {
        Some(reach) => reach.config.region().map(ToString::to_string),
        None => Aws::region_of(&session.config.connection).await,
    };
    let region = region.context(
        Code::NoRegion
            .fault("no region is set")
            .remedy("`--region eu-west-1`"),
    )?;
    Ok(Target {
        account: account.to_owned(),
        partition: partition_of(&region).to_owned(),
        region,
        endpoint: None,
    })
}
