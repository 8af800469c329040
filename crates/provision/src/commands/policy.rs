//! `policy`: the least rights on the stack, or who may have them.

use anyhow::Result;
use serde_json::{Value, json};

use super::{Session, account};
use crate::ci::ANY_PREVIEW;
use crate::cli::{self, PolicyFor};
use crate::declaration::Stack;
use crate::exit::Exit;
use crate::rights::trust::Subject;
use crate::rights::{self, Access};
use crate::stack;
use crate::target::Target;

pub async fn run(session: &Session, arguments: &cli::Policy) -> Result<Exit> {
    let target = account::target(session, arguments.account.as_deref()).await?;
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
